"""Pure: what "good" means. Checks, the SQL they compile to, and the gate. Never opens a connection."""
