"""What the tests of statements compare: outputs with their direct sources, and reads, as short text."""

from __future__ import annotations

from headwater.lineage.sql.analysis import Analysis


def flows(analysis: Analysis) -> dict[str, list[str]]:
    """Return output name -> sorted `table.column` of its direct sources."""
    assert analysis.outputs is not None
    return {
        output.name: sorted({f"{s.table}.{s.column}" for s in output.sources if not s.indirect})
        for output in analysis.outputs
    }


def reads(analysis: Analysis) -> set[str]:
    """Return `table.column` of every column read, and `table.*` where all of a table is."""
    found: set[str] = set()
    for read in analysis.reads:
        found |= {f"{read.table}.*"} if read.columns is None else {f"{read.table}.{name}" for name in read.columns}
    return found
