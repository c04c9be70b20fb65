"""Lambdas and list comprehensions: what they are made from, and the names that their parameters hide."""

from __future__ import annotations

from typing import Any

from headwater.lineage.sql import functions
from headwater.lineage.sql.model import COMPOSE, TRANSFORMATION
from headwater.lineage.sql.walk import Walk


def walk_lambda(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    """Walk the body of a lambda, in which its parameters are no columns."""
    parameters = list(node.args.get("expressions") or ())
    parent = getattr(node, "parent", None)
    may_be_json = walk.resolution.query.dialect not in functions.LAMBDA_DIALECTS
    if (
        may_be_json
        and parent is not None
        and not functions.takes_lambda(functions.written_name(walk.resolution, parent))
    ):
        walk.push(parameters, kind, hidden)  # `f(j -> 'a')`: an arrow into JSON, not a lambda
        walk.push(node.args.get("this"), kind, hidden)
        return
    names = {parameter.name.lower() for parameter in parameters}
    walk.push(node.args.get("this"), kind, hidden | names)


def walk_comprehension(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    """Walk `[value for name in list if condition]`."""
    names = {node.args[key].name.lower() for key in ("expression", "position") if node.args.get(key) is not None}
    inner = hidden | names
    walk.push(node.args.get("condition"), COMPOSE[kind][TRANSFORMATION], inner)
    walk.push(node.args.get("this"), COMPOSE[kind][TRANSFORMATION], inner)
    walk.push(node.args.get("iterator"), COMPOSE[kind][TRANSFORMATION], hidden)
