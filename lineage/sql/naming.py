"""The name that the engine gives to an output without an alias."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from headwater.lineage.sql.context import Resolution, end_of
from headwater.lineage.sql.writing import Unclear
from headwater.lineage.sql.writing_calls import Writer


def output_name(resolution: Resolution, node: Any) -> str:
    """Return the name of an unnamed output: that of its column, or the expression as text."""
    while isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.Column):
        return str(node.this.name)
    while isinstance(node, exp.Cast) and _cast_keeps_name(resolution, node):
        node = node.this
    if isinstance(node, exp.Column):
        return str(node.this.name)
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier) and _is_plain(resolution, node):
        return str(node.expression.name)
    if resolution.query.dialect == "duckdb":
        try:
            return Writer(resolution).write(node)
        except (Unclear, RecursionError):
            pass
    try:
        text: str = node.sql(dialect=resolution.query.dialect or None, comments=False)
    except (RecursionError, ValueError):
        return "?"
    return text


def _cast_keeps_name(resolution: Resolution, node: exp.Cast) -> bool:
    """Whether a cast is named after what it casts: in Postgres always, and where its `a::type` is written elsewhere."""
    dialect = resolution.query.dialect
    if dialect in ("postgres", "redshift"):
        return True
    identifier = node.this.this if isinstance(node.this, exp.Column) else None
    end = end_of(identifier)
    return dialect == "" and end is not None and resolution.query.text[end:].lstrip()[:2] == "::"


def _is_plain(resolution: Resolution, node: Any) -> bool:
    """Whether dots join nothing but names; elsewhere than in DuckDB, a field lends its name in any case."""
    while isinstance(node, exp.Dot):
        node = node.this
    return isinstance(node, (exp.Column, exp.Identifier)) or resolution.query.dialect != "duckdb"
