"""FROM items and joins: what they add to a scope, and which columns decide which rows meet."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from headwater.lineage.sql import pivots, sources
from headwater.lineage.sql.context import Environment, Resolution, start_of
from headwater.lineage.sql.expressions import Walk
from headwater.lineage.sql.model import (
    FILTER,
    IDENTITY,
    JOIN,
    LOOK,
    TRANSFORMATION,
    Binding,
    Column,
    Edge,
    Gap,
    Relation,
    Target,
    whole,
)
from headwater.lineage.sql.scope import Scope
from headwater.lineage.sql.walk import conjuncts


def bind_source(
    resolution: Resolution, node: Any, scope: Scope, environment: Environment | None, rows: Relation
) -> list[Binding]:
    """Return the bindings that one FROM item adds, and note in `rows` what its rows depend on."""
    if isinstance(node, exp.Table):
        bindings = [sources.table(resolution, node, scope, environment)]
        if node.args.get("joins"):
            bindings = _nested_join(resolution, node, bindings, scope, environment, rows)
    elif isinstance(node, exp.Subquery) and not _holds_a_query(node):
        bindings = bind_source(resolution, node.this, scope, environment, rows)
        bindings = _nested_join(resolution, node, bindings, scope, environment, rows)
    elif isinstance(node, exp.Paren):
        bindings = bind_source(resolution, node.this, scope, environment, rows)
    elif isinstance(node, (exp.Query, exp.Values, exp.Pivot)):
        bindings = [sources.derived(resolution, node, scope, environment)]
    elif isinstance(node, (exp.Lateral, exp.TableFromRows)):
        bindings = [sources.table_function(resolution, node, node.this, scope, environment)]
    elif isinstance(node, (exp.Final, exp.Stream)):
        bindings = bind_source(resolution, node.this, scope, environment, rows)
    elif isinstance(node, exp.Func):
        bindings = [sources.table_function(resolution, node, node, scope, environment)]
    else:
        bindings = [sources.opaque_source(resolution, node, scope, environment)]
    for pivot in node.args.get("pivots") or ():
        bindings = [_pivoted(resolution, pivot, bindings, scope, environment)]
    rows.row_edges += [(binding.relation, LOOK) for binding in bindings]
    if resolution.query.dialect == "duckdb":
        for binding in bindings:
            binding.tell_apart()
    return bindings


def _pivoted(
    resolution: Resolution, node: Any, bindings: list[Binding], scope: Scope, environment: Environment | None
) -> Binding:
    """Return the binding of a source that PIVOT or UNPIVOT turns around in FROM."""
    alias, renamed = sources.alias_of(node)
    sources.drop_alias(resolution, node)
    inner = Scope(scope.parent)
    inner.bindings = bindings
    label = alias or (bindings[0].alias if bindings else None)
    relation = pivots.turned(resolution, node, inner, environment, label)
    turned = Binding(relation.label, relation, resolution.number(), renamed)
    sources.note_renamed(resolution, turned, renamed)
    return turned


def pivot_query(resolution: Resolution, node: Any, scope: Scope | None, environment: Environment | None) -> Relation:
    """Return the relation of a PIVOT or UNPIVOT statement."""
    inner = Scope(scope)
    rows = Relation("the source")
    inner.bindings = bind_source(resolution, node.this, inner, environment, rows)
    relation = pivots.turned(resolution, node, inner, environment, None)
    relation.row_edges += rows.row_edges
    return relation


def _holds_a_query(node: Any) -> bool:
    """Whether parentheses, perhaps several, stand around a query rather than around a join."""
    while isinstance(node, exp.Subquery):
        node = node.this
    return isinstance(node, (exp.Query, exp.Pivot))


def _nested_join(
    resolution: Resolution,
    node: Any,
    bindings: list[Binding],
    scope: Scope,
    environment: Environment | None,
    rows: Relation,
) -> list[Binding]:
    """`(a join b on ...)`, perhaps with an alias, under which all of its columns are then seen."""
    inner = Scope(scope.parent)
    inner.bindings = bindings
    for join in node.args.get("joins") or ():
        join_source(resolution, join, inner, environment, rows)
    alias, renamed = sources.alias_of(node)
    if alias is None or isinstance(node, exp.Table):
        scope.merged.update(inner.merged)
        return inner.bindings
    sources.drop_alias(resolution, node)
    relation = Relation(alias)
    for binding in inner.bindings:
        for column in binding.listed():
            if column.name.lower() not in binding.hidden:
                relation.add(binding.merged.get(column.name.lower(), column))
        if binding.is_open:
            relation.gaps.append(Gap(binding.relation, frozenset(binding.hidden)))
        relation.row_edges.append((binding.relation, LOOK))
    resolution.relations.append(relation)
    joined = Binding(alias, relation, resolution.number(), renamed)
    sources.note_renamed(resolution, joined, renamed)
    return [joined]


def join_source(
    resolution: Resolution, join: Any, scope: Scope, environment: Environment | None, rows: Relation
) -> None:
    """Add the right side of `join` to `scope`, and what the join looks at to `rows`."""
    if join.args.get("kind") == "ARRAY":
        _array_join(resolution, join, scope, environment, rows)
        return
    left = list(scope.bindings)
    right = bind_source(resolution, join.this, scope, environment, rows)
    if sum(map(bool, join.args.values())) == 1:  # nothing but a table, so a comma
        scope.group = len(left)
        scope.bindings = left + right
        scope.known.clear()
        return
    method = str(join.args.get("method") or "").upper()
    kind = str(join.args.get("kind") or "").upper()
    if method == "NATURAL":
        _natural(resolution, left[scope.group :], right, scope, rows, _side(join))
    elif method == "POSITIONAL" or kind == "POSITIONAL":
        _look_at_all(left, right, rows, "a positional join pairs rows by their place")
        resolution.cuts.append(("a positional join", join))
    # Standard SQL makes the merged column COALESCE of both sides; engines take that of the side that is always there.
    side = _side(join) if resolution.query.dialect else "FULL"
    for identifier in join.args.get("using") or ():
        _using(resolution, identifier, left[scope.group :], right, scope, rows, side)
    scope.bindings = left + right
    scope.known.clear()
    if (condition := join.args.get("on")) is not None:
        _condition(Walk(resolution, scope, environment), condition, right, rows, _side(join))
    for key in ("match_condition", "nearest", "directed"):
        if (extra := join.args.get(key)) is not None and not isinstance(extra, (str, bool)):
            rows.row_edges += [(target, JOIN) for target, _ in Walk(resolution, scope, environment).run(extra)]
    if kind in ("SEMI", "ANTI"):
        scope.bindings = left
        scope.known.clear()


def _array_join(
    resolution: Resolution, join: Any, scope: Scope, environment: Environment | None, rows: Relation
) -> None:
    """ClickHouse: one row for each element of arrays, under their own names or aliases."""
    found: dict[str, Column] = {}
    for item in (join.this, *(join.args.get("expressions") or ())):
        edges = Walk(resolution, scope, environment).run(item.unalias(), TRANSFORMATION)
        rows.row_edges += [(target, LOOK) for target, _ in edges]
        name = item.alias if isinstance(item, exp.Alias) else item.name
        found[name.lower()] = Column(name, None, edges)
    scope.merged.update(found)
    scope.known.clear()


def _condition(walk: Walk, condition: Any, right: list[Binding], rows: Relation, side: str) -> None:
    """Note what ON looks at. A part of it that looks at one side only joins nothing: it filters that side.

    An outer join keeps all rows of one side, so a condition on that side alone still decides what they meet.
    """
    for part in conjuncts(condition):
        start = len(walk.edges)
        targets = [target for target, _ in walk.run(part)[start:]]
        of_right = [_belongs(target, right) for target in targets]
        filters = side != "FULL" and ((side != "RIGHT" and all(of_right)) or (side != "LEFT" and not any(of_right)))
        rows.row_edges += [(target, FILTER if filters else JOIN) for target in targets]


def _belongs(target: Target, bindings: list[Binding]) -> bool | None:
    """Whether a target is a column of these bindings; None where it is something else, such as a subquery."""
    if not isinstance(target, Column):
        return None
    return any(
        target.leaf is binding.relation or binding.certain(target.name.lower()) is target for binding in bindings
    )


def _side(join: Any) -> str:
    return str(join.args.get("side") or "").upper()


def _using(
    resolution: Resolution,
    identifier: Any,
    left: list[Binding],
    right: list[Binding],
    scope: Scope,
    rows: Relation,
    side: str,
) -> None:
    name = identifier.name.lower()
    first, left_owner, owner = _only(left, name, rows)
    second, right_owner, _ = _only(right, name, rows)
    resolution.notes.append(f"using {name} of {left_owner} and {right_owner}")
    if first is None or second is None:
        where = "left" if first is None else "right"
        resolution.problem(f"USING ({name}): the {where} side has no such column.", start_of(identifier))
        return
    _merge(name, first, second, owner, right, scope, rows, side)


def _merge(
    name: str,
    first: Column,
    second: Column,
    owner: Binding | None,
    right: list[Binding],
    scope: Scope,
    rows: Relation,
    side: str,
) -> None:
    rows.row_edges += [(first, JOIN), (second, JOIN)]
    if side == "FULL":
        merged = Column(first.name, first.type if first.type == second.type else None, [(first, 1), (second, 1)])
    elif side == "RIGHT":
        merged = Column(first.name, second.type, [(second, IDENTITY)])
    else:
        merged = Column(first.name, first.type, [(first, IDENTITY)])
    scope.merged[name] = merged
    if owner is not None:
        owner.merged = {**owner.merged, name: merged}
    for binding in right:
        binding.hidden.add(name)


def _only(bindings: list[Binding], name: str, rows: Relation) -> tuple[Column | None, str, Binding | None]:
    """The column of this name on one side of a join, and whose it is; where several unknown tables may have it, all."""
    for binding in bindings:
        if name not in binding.hidden and (column := binding.merged.get(name) or binding.certain(name)) is not None:
            return column, f"merged {binding.index}" if name in binding.merged else str(binding.index), binding
    possible = [binding for binding in bindings if binding.is_open]
    if len(possible) == 1:
        merged = possible[0].merged.get(name)
        return merged or possible[0].find(name), str(possible[0].index), possible[0]
    edges: list[Edge] = []
    for binding in possible:
        rows.row_edges.append((whole(binding.relation, f"USING ({name}) may mean several tables"), LOOK))
        if (column := binding.merged.get(name) or binding.find(name)) is not None:
            edges.append((column, IDENTITY))
    owners = f"one of {[binding.index for binding in possible]}"
    return (Column(name, None, edges) if edges else None), owners, None


def _natural(
    resolution: Resolution, left: list[Binding], right: list[Binding], scope: Scope, rows: Relation, side: str
) -> None:
    """NATURAL: the names that both sides have are decided by their schemas, so everything is looked at."""
    _look_at_all(left, right, rows, "NATURAL JOIN joins on whatever columns both sides have")
    for binding in right:
        for column in binding.listed():
            name = column.name.lower()
            owner = next(
                (other for other in left if name not in other.hidden and other.certain(name) is not None), None
            )
            if owner is not None and (first := owner.merged.get(name) or owner.certain(name)) is not None:
                resolution.notes.append(f"natural {name} of {binding.index}")
                _merge(name, first, column, owner, right, scope, rows, side)


def _look_at_all(left: list[Binding], right: list[Binding], rows: Relation, reason: str) -> None:
    rows.row_edges += [(whole(binding.relation, reason), LOOK) for binding in (*left, *right)]
