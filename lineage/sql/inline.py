"""Calls of macros within a query: the body is resolved on its own text, with parameters for the arguments."""

from __future__ import annotations

from typing import Any

from headwater.lineage.sql.context import Environment, Resolution
from headwater.lineage.sql.definition import Definition
from headwater.lineage.sql.edits import clock_edits
from headwater.lineage.sql.macros import Macro, Variant, arguments_of
from headwater.lineage.sql.model import IDENTITY, LOOK, Column, Edge, Relation
from headwater.lineage.sql.parse import parse_query
from headwater.lineage.sql.scope import NO_NAMES, Scope
from headwater.lineage.sql.session import Made, Session, use
from headwater.lineage.sql.volatility import judge
from headwater.lineage.sql.walk import Walk


def inner_resolution(outer: Resolution, query: Any, session: Session) -> Resolution:
    """Return a resolution for another text that `outer` uses."""
    inner = Resolution(query, outer.catalog, session.naming, outer.resolve)
    inner.session = session
    inner.next_index = outer.next_index
    inner.may_choose_columns = True
    return inner


def made_of(resolution: Resolution, relation: Relation) -> Made:
    """Return what a resolved text makes, for those who use it."""
    volatility, order = judge(resolution, tuple(clock_edits(resolution.query)))
    # The clock of another text cannot be replaced by a literal in this one.
    return Made(
        relation,
        tuple(resolution.relations),
        Definition(resolution, relation).hash(),
        volatility != "STABLE",
        order,
        tuple(problem for problem in resolution.problems if problem.refused),
    )


def inline_scalar(walk: Walk, call: Any, macro: Macro, kind: int, hidden: frozenset[str]) -> None:
    """Add to `walk` what the value of a macro call depends on."""
    resolution = walk.resolution
    session = resolution.session
    assert session is not None
    name = macro.name
    variant, scope, looked_at = _parameters(walk, call, macro, hidden)
    inner = inner_resolution(resolution, variant.body, session)
    session.busy.add(name)
    body = Walk(inner, scope, walk.environment)
    value = Column(name, None, body.run(variant.node))
    session.busy.discard(name)
    walk.spreads = walk.spreads or body.spreads
    out = Relation(name)
    out.add(Column("", None, [(value, IDENTITY)]))
    _absorb(resolution, inner, out, name)
    walk.edges += [(value, kind), *looked_at]


def inline_table(
    resolution: Resolution, call: Any, macro: Macro, scope: Scope, environment: Environment | None
) -> Relation:
    """Return the relation of a macro call in FROM."""
    session = resolution.session
    assert session is not None
    name = macro.name
    walk = Walk(resolution, scope, environment)
    variant, inner_scope, looked_at = _parameters(walk, call, macro, NO_NAMES)
    inner = inner_resolution(resolution, variant.body, session)
    session.busy.add(name)
    if variant.is_query:
        relation = inner.resolve(inner, variant.node, inner_scope, environment)
    else:
        relation = Relation(name)
        relation.add(Column(name, None, Walk(inner, inner_scope, environment).run(variant.node)))
        inner.relations.append(relation)
    session.busy.discard(name)
    relation.row_edges += looked_at
    if relation.label == "the query":
        relation.label = name
    _absorb(resolution, inner, relation, name)
    return relation


def _parameters(walk: Walk, call: Any, macro: Macro, hidden: frozenset[str]) -> tuple[Variant, Scope, list[Edge]]:
    """The variant called, the scope of its body, and what the arguments depend on."""
    given, named = arguments_of(call)
    variant = macro.variant(len(given) + len(named))
    scope = Scope(walk.scope)
    looked_at: list[Edge] = []
    for position, (name, default) in enumerate(variant.parameters):
        argument = given[position] if position < len(given) else named.get(name)
        one = Walk(walk.resolution, walk.scope, walk.environment)
        if argument is not None:
            one.run(argument, IDENTITY, hidden)
        elif default:
            one = _default(walk, default)
        parameter = scope.aliases[name] = Column(name, None, one.edges)
        looked_at.append((parameter, LOOK))
    for extra in given[len(variant.parameters) :]:
        one = Walk(walk.resolution, walk.scope, walk.environment)
        looked_at += [(target, LOOK) for target, _ in one.run(extra, IDENTITY, hidden)]
    return variant, scope, looked_at


def _default(walk: Walk, text: str) -> Walk:
    """The walk over the default of a parameter, which is a text of its own."""
    session = walk.resolution.session
    assert session is not None
    query = parse_query(f"select {text}", walk.resolution.query.dialect)
    inner = inner_resolution(walk.resolution, query, session)
    one = Walk(inner, walk.scope, walk.environment)
    one.run(query.tree.expressions[0])
    _absorb(walk.resolution, inner, Relation("the default"), "")
    return one


def _absorb(resolution: Resolution, inner: Resolution, relation: Relation, name: str) -> None:
    made = made_of(inner, relation)
    resolution.next_index = max(resolution.next_index, inner.next_index)
    resolution.inlined.add(name)
    use(resolution, made)
