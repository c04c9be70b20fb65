"""How lineage leaves the house: drawings (Mermaid, Graphviz, SVG) and OpenLineage documents. Pure: values to text."""
