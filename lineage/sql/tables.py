"""The tables a text names, without resolving anything else: enough to order a project's graph."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from headwater.lineage.sql.catalog import Naming
from headwater.lineage.sql.parse import ParsedQuery, parse_query
from headwater.lineage.sql.sources import table_identifiers

Names = frozenset[str]


def referenced_tables(
    sql: str | ParsedQuery,
    dialect: str = "duckdb",
    default_catalog: str | None = None,
    default_schema: str | None = None,
) -> tuple[str, ...]:
    """Return the names of the tables that a text reads, lower case, in text order, each once.

    Names of CTEs are not tables where they are visible. Raises SqlError like `parse_query`.
    """
    query = sql if isinstance(sql, ParsedQuery) else parse_query(sql, dialect)
    naming = Naming(default_catalog, default_schema)
    found: list[tuple[int, str]] = []
    stack: list[tuple[Any, Names]] = [(query.tree, frozenset())]
    while stack:
        node, visible = stack.pop()
        args = node.args
        if isinstance(node, exp.Table) and (identifiers := table_identifiers(node)):
            parts = tuple(identifier.name.lower() for identifier in identifiers)
            if parts[-1] not in visible or not (len(parts) == 1 or parts[:-1] == ("recurring",)):
                found.append(((identifiers[0]._meta or {}).get("start", 0), naming.complete(parts)))
        if (clause := args.get("with_")) is not None:
            visible = _with(clause, visible, stack)
        for key, value in args.items():
            if key == "with_":
                continue
            if isinstance(value, exp.Expr):
                stack.append((value, visible))
            elif type(value) is list:
                stack += [(item, visible) for item in value if isinstance(item, exp.Expr)]
    return tuple(dict.fromkeys(name for _, name in sorted(found)))


def _with(clause: Any, visible: Names, stack: list[tuple[Any, Names]]) -> Names:
    """Put the CTEs of a WITH clause on the stack, each with the names it sees; return what is seen after it."""
    recursive = bool(clause.args.get("recursive"))
    for cte in clause.expressions:
        seen = visible
        name = str(cte.alias).lower()
        body = cte.this
        if recursive and isinstance(body, exp.SetOperation):
            stack.append((body.this, visible))
            stack.append((body.args["expression"], visible | {name}))
        else:
            stack.append((body, seen))
        visible = visible | {name}
    return visible
