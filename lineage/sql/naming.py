"""The name that the engine gives to an output without an alias."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from headwater.lineage.sql.context import Resolution


def output_name(resolution: Resolution, node: Any) -> str:
    """Return the name of an unnamed output: that of its column, or the expression as text."""
    while isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.Column):
        return str(node.this.name)
    while isinstance(node, exp.Cast) and resolution.query.dialect in ("postgres", "redshift"):
        node = node.this
    if isinstance(node, exp.Column):
        return str(node.this.name)
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier):
        return str(node.expression.name)
    if isinstance(node, exp.Count) and isinstance(node.this, exp.Star):
        return "count_star()"
    try:
        text: str = node.sql(dialect=resolution.query.dialect or None, comments=False)
    except (RecursionError, ValueError):
        return "?"
    return text
