"""Pure: graph, SQL reads, column lineage, fingerprints, records, Merkle tree. Never opens a connection."""
