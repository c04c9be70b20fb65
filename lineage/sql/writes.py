"""Statements: a query as such, or one that writes, of which the target is noted and the query inside analysed."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from headwater.lineage.sql.context import Resolution
from headwater.lineage.sql.model import Relation
from headwater.lineage.sql.sources import table_identifiers


def resolve_statement(resolution: Resolution) -> tuple[Relation, str | None]:
    """Return the relation that the statement yields or writes, and the table that it writes to."""
    tree = resolution.query.tree
    if resolution.query.statements > 1:
        message = "The text holds more than one statement."
        resolution.problem(message, _second_statement(resolution), "An asset is one query.", refused=True)
    if isinstance(tree, (exp.Query, exp.Pivot)):
        return resolution.resolve(resolution, tree, None, None), None
    resolution.problem(f"{_verb(tree)} is not a query.", 0, "An asset is one SELECT.", refused=True)
    target = _target(resolution, tree)
    query = tree.args.get("expression")
    if isinstance(query, exp.Query):
        relation = resolution.resolve(resolution, query, None, None)
        return relation, target
    return resolution.resolve(resolution, tree, None, None), target


def _verb(tree: Any) -> str:
    return str(tree.key).upper()


def _target(resolution: Resolution, tree: Any) -> str | None:
    node = tree.args.get("this")
    if isinstance(node, exp.Schema):
        node = node.this
    if not isinstance(node, exp.Table):
        return None
    identifiers = table_identifiers(node)
    return resolution.naming.complete(tuple(part.name.lower() for part in identifiers)) if identifiers else None


def _second_statement(resolution: Resolution) -> int | None:
    for token in resolution.query.tokens:
        if token.token_type.name == "SEMICOLON":
            return int(token.end) + 1
    return None
