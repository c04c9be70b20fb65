"""What a statement writes to: its table, and the names of that table's columns, written or known."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from headwater.lineage.sql.context import Resolution
from headwater.lineage.sql.sources import name_parts, table_identifiers


def target_table(tree: Any) -> exp.Table | None:
    """Return the table that a statement names as its target, or None where that is no table."""
    node = tree.args.get("this")
    if isinstance(node, exp.Schema):
        node = node.this
    return node if isinstance(node, exp.Table) else None


def column_names(tree: Any) -> tuple[str, ...]:
    """Return the columns listed after the target: `insert into t (a, b)`, `create view v (a, b)`."""
    node = tree.args.get("this")
    items = node.expressions if isinstance(node, exp.Schema) else []
    names = [item for item in items if isinstance(item, (exp.Identifier, exp.ColumnDef, exp.Column))]
    return tuple(item.name for item in names)


def columns_of(resolution: Resolution, table: exp.Table | None) -> tuple[str, ...] | None:
    """Return the columns that the target is known to have, in order, or None."""
    session = resolution.session
    if table is not None and isinstance(table.this, exp.Parameter) and session is not None:
        made = session.made.get(f"@{table.this.name.lower()}")
        return None if made is None else tuple(column.name for column in made.relation.listed())
    identifiers = [] if table is None else table_identifiers(table)
    if not identifiers:
        return None
    for name in resolution.naming.candidates(name_parts(identifiers)):
        schema = resolution.catalog.find(name)
        if schema is None and session is not None:
            schema = session.schema_of(name)
            if schema is None and (made := session.made.get(name)) is not None and not made.relation.is_open:
                return tuple(column.name for column in made.relation.listed())
        if schema is not None:
            return tuple(column[0] for column in schema.columns)
    return None
