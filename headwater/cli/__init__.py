"""The command line: one file per group of verbs. It parses, asks the project, and prints what `render` makes of it."""
