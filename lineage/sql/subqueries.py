"""Queries inside expressions: scalar ones, EXISTS, IN, ANY, ALL and ARRAY, and what they take from outside.

A correlated query is worked out once for each combination of what it takes from outside, which groups it, and its
result meets the outer rows again on those columns, which joins it; where an outer column only has to equal something
inside, the two are joined on that. EXISTS, IN and the like show only whether there is a match, so the columns that are
compared are conditions of the value.
"""

from __future__ import annotations

from typing import Any, Final

from sqlglot import exp

from headwater.lineage.sql.context import Matched, Resolution
from headwater.lineage.sql.model import (
    AGGREGATION,
    COMPOSE,
    CONDITIONAL,
    GROUP_BY,
    JOIN,
    LOOK,
    SORT,
    TRANSFORMATION,
    WINDOW,
    Binding,
    Column,
    Relation,
    whole,
)
from headwater.lineage.sql.scope import Scope
from headwater.lineage.sql.walk import HANDLERS, Walk

QUANTIFIED: Final = (exp.Any, exp.All)


Since = tuple[int, int]  # how many mentions of outer columns, and how many equalities with them, were noted before


def so_far(resolution: Resolution) -> Since:
    """Return where the notes about outer columns stand, before a query is resolved."""
    return len(resolution.outer), len(resolution.matched)


def taken_from_outside(resolution: Resolution, scope: Scope | None, since: Since) -> tuple[list[Column], list[Matched]]:
    """Return what queries inside take from `scope` and around it: freely, and by equality with something inside."""
    free = dict.fromkeys(column for column, binding in resolution.outer[since[0] :] if _sees(scope, binding))
    matched: list[Matched] = []
    others: list[Matched] = []
    for match in resolution.matched[since[1] :]:
        seen = all(_sees(scope, binding) for _, binding in match.outer)
        (matched if seen else others).append(match)
    resolution.matched[since[1] :] = others
    return list(free), matched


def _sees(scope: Scope | None, binding: Binding) -> bool:
    while scope is not None:
        if binding in scope.bindings:
            return True
        scope = scope.parent
    return False


def joined_back(
    resolution: Resolution, relation: Relation, scope: Scope | None, since: Since, grouped: bool = False
) -> None:
    """Note that a correlated query is joined on what it takes from outside, and grouped by it.

    `grouped`: by equalities too, since each outer row has its own result, or all of it goes into one value.
    """
    if since == so_far(resolution):
        return
    free, matched = taken_from_outside(resolution, scope, since)
    for column in free:
        relation.row_edges += [(column, JOIN), (column, GROUP_BY)]
    for match in matched:
        relation.row_edges += [(column, JOIN) for column, _ in match.outer]
        relation.row_edges += [(target, JOIN) for target in match.inner]
        if match.groups or grouped:
            relation.row_edges += [(target, GROUP_BY) for target in match.inner]
        if free or grouped:
            relation.row_edges += [(column, GROUP_BY) for column, _ in match.outer]


def _query(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    """A scalar subquery: its columns pass through; its rows decide whether there is a value at all."""
    resolution = walk.resolution
    since = so_far(resolution)
    relation = resolution.resolve(resolution, node, walk.scope, walk.environment)
    joined_back(resolution, relation, walk.scope, since)
    _values(walk, relation, kind)
    columns = relation.listed()
    if len(columns) == 1 and (type_ := columns[0].type) is not None:
        resolution.type_of[id(node)] = type_


def _values(walk: Walk, relation: Relation, kind: int) -> None:
    walk.edges.append((relation, LOOK))
    for column in relation.listed():
        walk.edges.append((column, kind))
    for gap in relation.gaps:
        walk.edges.append((whole(gap.relation, "a subquery selects all of it"), kind))
    for target, inner in relation.source:
        walk.edges.append((target, COMPOSE[kind][inner] if max(kind, inner) < len(COMPOSE) else LOOK))


def _marked(walk: Walk, query: Any, kind: int, shown: bool) -> None:
    """A query of which only a match is shown: `shown` says whether its columns are compared."""
    resolution = walk.resolution
    since = so_far(resolution)
    relation = resolution.resolve(resolution, query, walk.scope, walk.environment)
    condition = COMPOSE[kind][CONDITIONAL]
    if since != so_far(resolution):
        free, matched = taken_from_outside(resolution, walk.scope, since)
        for column in free:
            relation.row_edges.append((column, GROUP_BY))
            walk.edges.append((column, condition))
        for match in matched:
            walk.edges += [(column, condition) for column, _ in match.outer]
            if free:
                relation.row_edges += [(column, GROUP_BY) for column, _ in match.outer]
            walk.edges += [(target, condition) for target in match.inner]
    if shown:
        _values(walk, relation, condition)
    else:
        walk.edges.append((relation, LOOK))


def _exists(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    this = node.args.get("this")
    if isinstance(this, exp.Query):
        _marked(walk, this, kind, shown=False)
    else:
        walk.children(node, COMPOSE[kind][TRANSFORMATION], hidden)


def _in(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    subquery = node.args.get("query")
    if isinstance(subquery, exp.Query):
        walk.push(node.args.get("this"), COMPOSE[kind][CONDITIONAL], hidden)
        _marked(walk, subquery, kind, shown=True)
    else:
        walk.children(node, COMPOSE[kind][TRANSFORMATION], hidden)


def _comparison(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    right = node.args.get("expression")
    if type(right) in QUANTIFIED and isinstance(right.this, exp.Query):
        walk.push(node.args.get("this"), COMPOSE[kind][CONDITIONAL], hidden)
        _marked(walk, right.this, kind, shown=True)
    else:
        walk.children(node, COMPOSE[kind][TRANSFORMATION], hidden)


def _array(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    """`ARRAY(SELECT ...)` lists the rows, in their order, and is empty where there are none."""
    items = node.expressions
    if len(items) != 1 or not isinstance(items[0], exp.Query) or isinstance(items[0], exp.Subquery):
        walk.children(node, COMPOSE[kind][TRANSFORMATION], hidden)
        return
    resolution = walk.resolution
    since = so_far(resolution)
    relation = resolution.resolve(resolution, items[0], walk.scope, walk.environment)
    joined_back(resolution, relation, walk.scope, since, grouped=True)
    _values(walk, relation, COMPOSE[kind][AGGREGATION])
    walk.edges += [(column, COMPOSE[kind][CONDITIONAL]) for column in relation.listed()]
    walk.edges += [(target, COMPOSE[kind][WINDOW]) for target, how in relation.row_edges if how == SORT]


HANDLERS.update(
    {
        exp.Exists: _exists,
        exp.In: _in,
        exp.Array: _array,
        exp.EQ: _comparison,
        exp.NEQ: _comparison,
        exp.GT: _comparison,
        exp.GTE: _comparison,
        exp.LT: _comparison,
        exp.LTE: _comparison,
    }
)

resolve_scalar: Final = _query
