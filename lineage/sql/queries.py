"""The resolving pass: each query once, from its FROM clause to its outputs, into the dependency graph of `model`."""

from __future__ import annotations

from typing import Any, Final

from sqlglot import exp

from headwater.assets.errors import SqlError
from headwater.lineage.sql import naming, sources, stars, structs, types
from headwater.lineage.sql.context import CteDefinition, Environment, Resolution, start_of
from headwater.lineage.sql.expressions import Walk, direct_column
from headwater.lineage.sql.joins import bind_source, join_source
from headwater.lineage.sql.model import (
    FILTER,
    GROUP_BY,
    IDENTITY,
    LOOK,
    SORT,
    TRANSFORMATION,
    Column,
    Edge,
    Gap,
    Relation,
    Target,
    whole,
)
from headwater.lineage.sql.scope import Scope

LATERAL_ALIASES: Final = frozenset(["duckdb", "snowflake", "redshift", "databricks", "spark", "teradata", "clickhouse"])
THE_QUERY: Final = "the query"


def resolve_query(
    resolution: Resolution, node: exp.Expr, scope: Scope | None, environment: Environment | None
) -> Relation:
    """Return the relation of a query: its outputs in order, and what its rows depend on."""
    environment = with_clause(resolution, node, scope, environment)
    if isinstance(node, exp.Select):
        relation = _select(resolution, node, scope, environment)
    elif isinstance(node, exp.SetOperation):
        relation = _set_operation(resolution, node, scope, environment)
    elif isinstance(node, exp.Subquery):
        relation = _subquery(resolution, node, scope, environment)
    elif isinstance(node, exp.Values):
        relation = _values(resolution, node, scope, environment)
    else:
        relation = _anything(resolution, node, scope, environment)
    return relation


def with_clause(
    resolution: Resolution, node: Any, scope: Scope | None, environment: Environment | None
) -> Environment | None:
    """Return what CTEs a query can see: those of its own WITH clause, resolved where they stand, and those around."""
    clause = node.args.get("with_")
    if clause is None:
        return environment
    definitions: dict[str, tuple[int, CteDefinition]] = {}
    recursive = bool(clause.args.get("recursive"))
    for position, cte in enumerate(clause.expressions):
        alias, columns = sources.alias_of(cte)
        name = alias or ""
        sees_itself = recursive and isinstance(cte.this, exp.SetOperation)
        seen = Environment(environment, definitions, position + 1 if sees_itself else position)
        definition = CteDefinition(name, cte.this, columns, seen, scope, recursive, resolution.number())
        definitions.setdefault(name, (position, definition))
        identifier = cte.args["alias"].this if cte.args.get("alias") is not None else None
        if (start := start_of(identifier)) is not None:
            resolution.local_names[start] = f"cte{definition.index}"
        resolution.definitions.append(definition)
        _define(resolution, definition)
    return Environment(environment, definitions, len(clause.expressions))


def _define(resolution: Resolution, definition: CteDefinition) -> None:
    """Resolve a CTE where it stands: it sees only what is before it, so chains of thousands need no recursion."""
    known = len(resolution.problems)
    sources.cte_relation(resolution, definition)
    definition.problems = resolution.problems[known:]
    resolution.problems[known:] = [problem for problem in definition.problems if problem.refused]


# ---- SELECT


class Selection:
    """One SELECT on its way: its scope, and the relation it becomes."""

    __slots__ = ("environment", "node", "out", "resolution", "scope")

    def __init__(
        self, resolution: Resolution, node: Any, parent: Scope | None, environment: Environment | None
    ) -> None:
        self.resolution = resolution
        self.node = node
        self.environment = environment
        self.scope = Scope(parent, resolution.query.dialect in LATERAL_ALIASES)
        self.out = Relation(THE_QUERY)

    def edges(self, node: Any, aliases_first: bool = False) -> list[Edge]:
        """Return what an expression of this SELECT depends on."""
        return Walk(self.resolution, self.scope, self.environment, aliases_first).run(node)

    def shape(self, node: Any, kind: int, aliases_first: bool = False) -> None:
        """Note that an expression shapes the rows of the result."""
        self.out.row_edges += [(target, kind) for target, _ in self.edges(node, aliases_first)]


def _select(resolution: Resolution, node: Any, scope: Scope | None, environment: Environment | None) -> Relation:
    if not node.expressions:
        raise SqlError("A SELECT has no select list.", 1, 1, "Name the columns, or write *.")
    selection = Selection(resolution, node, scope, environment)
    resolution.relations.append(selection.out)
    for step in SELECT_STEPS:
        step(selection)
    return selection.out


def _from(selection: Selection) -> None:
    args = selection.node.args
    scope, out = selection.scope, selection.out
    clause = args.get("from_")
    if clause is not None:
        scope.bindings = bind_source(selection.resolution, clause.this, scope, selection.environment, out)
    for join in args.get("joins") or ():
        join_source(selection.resolution, join, scope, selection.environment, out)
    for lateral in args.get("laterals") or ():
        scope.bindings = scope.bindings + bind_source(selection.resolution, lateral, scope, selection.environment, out)
    scope.known.clear()


def _windows(selection: Selection) -> None:
    for window in selection.node.args.get("windows") or ():
        selection.scope.windows[window.this.name.lower()] = window


def _items(selection: Selection) -> None:
    for item in selection.node.expressions:
        _item(selection, item)


def _item(selection: Selection, item: Any) -> None:
    resolution, scope, out = selection.resolution, selection.scope, selection.out
    star = stars.star_of(item)
    if star is not None:
        stars.expand_star(resolution, item, star, scope, selection.environment, out)
        return
    if resolution.may_choose_columns and stars.has_columns(item):
        stars.expand_columns(resolution, item, scope, selection.environment, out)
        return
    expression = item.this if type(item) is exp.Alias else item
    walk = Walk(resolution, scope, selection.environment)
    edges = walk.run(expression)
    if walk.spreads:
        out.row_edges += [(target, LOOK) for target, _ in edges]
    if type(expression) is exp.Explode and _expand_struct(selection, expression, edges, type(item) is exp.Alias):
        return
    column = direct_column(resolution, expression)
    if type(item) is exp.Alias:
        name = item.alias
        result = Column(name, types.type_of(resolution, expression), edges)
        scope.aliases.setdefault(name.lower(), result)
    elif type(item) is exp.Aliases:
        for identifier in item.args.get("expressions") or ():
            out.add(Column(identifier.name, None, Walk(resolution, scope, selection.environment).run(item.this)))
        return
    elif column is not None and len(edges) == 1 and edges[0] == (column, IDENTITY):
        result = column
    else:
        result = Column(naming.output_name(resolution, expression), types.type_of(resolution, expression), edges)
    out.add(result)


def _expand_struct(selection: Selection, node: Any, edges: list[Edge], named: bool) -> bool:
    """`unnest(struct)` becomes one output for each field, whatever its alias. Return whether that was done."""
    out = selection.out
    type_ = types.type_of(selection.resolution, node.this)
    recursive = bool(node.args.get("expressions"))
    fields = None if recursive else structs.struct_fields(type_)
    if fields is not None:
        for name, field in fields:
            out.add(Column(name, field, list(edges)))
        return True
    if recursive or (type_ is None and not named and selection.resolution.query.dialect == "duckdb"):
        out.open = True
        out.source += edges
        return True
    return False


def _where(selection: Selection) -> None:
    if (clause := selection.node.args.get("where")) is not None:
        selection.shape(clause.this, FILTER)
    if (clause := selection.node.args.get("prewhere")) is not None:
        selection.shape(clause.this, FILTER)


def _group(selection: Selection) -> None:
    clause = selection.node.args.get("group")
    if clause is None:
        return
    if clause.args.get("all"):
        for column, item in zip(selection.out.columns, selection.node.expressions, strict=False):
            expression = item.this if isinstance(item, exp.Alias) else item
            if stars.star_of(item) is not None or not types.aggregates(selection.resolution, expression):
                selection.out.row_edges.append((column, GROUP_BY))
        if len(selection.out.columns) != len(selection.node.expressions) or selection.out.is_open:
            selection.out.row_edges += [(column, LOOK) for column in selection.out.columns]
            selection.out.row_edges += _gap_edges(selection.out, "GROUP BY ALL groups by every column")
    for key in ("expressions", "grouping_sets", "rollup", "cube"):
        for item in clause.args.get(key) or ():
            _group_key(selection, item)


def _group_key(selection: Selection, item: Any) -> None:
    if isinstance(item, (exp.GroupingSets, exp.Rollup, exp.Cube, exp.Tuple)):
        for inner in item.expressions:
            _group_key(selection, inner)
    elif isinstance(item, exp.Paren):
        _group_key(selection, item.this)
    elif (target := _ordinal(selection.out, item)) is not None:
        selection.out.row_edges.append((target, GROUP_BY))
    elif isinstance(item, exp.Expr):
        selection.shape(item, GROUP_BY)


def _having(selection: Selection) -> None:
    if (clause := selection.node.args.get("having")) is not None:
        selection.shape(clause.this, FILTER, aliases_first=True)


def _qualify(selection: Selection) -> None:
    if (clause := selection.node.args.get("qualify")) is not None:
        selection.shape(clause.this, FILTER)


def _distinct(selection: Selection) -> None:
    clause = selection.node.args.get("distinct")
    if clause is None:
        return
    out = selection.out
    targets = clause.args.get("on")
    if targets is None:
        out.row_edges += [(column, LOOK) for column in out.columns]
        out.row_edges += _gap_edges(out, "DISTINCT compares every column")
        return
    selection.resolution.cuts.append(("DISTINCT ON", selection.node))
    for item in targets.expressions if isinstance(targets, exp.Tuple) else [targets]:
        if (target := _ordinal(out, item)) is not None:
            out.row_edges.append((target, LOOK))
        else:
            _shape_by_name(selection, item, LOOK)


def _order(selection: Selection) -> None:
    for key in ("order", "sort", "cluster", "distribute"):
        clause = selection.node.args.get(key)
        for ordered in clause.expressions if clause is not None else ():
            item = ordered.this if isinstance(ordered, exp.Ordered) else ordered
            if isinstance(item, exp.Var) and item.name.upper() == "ALL":
                selection.out.row_edges += [(column, SORT) for column in selection.out.columns]
                selection.out.row_edges += _gap_edges(selection.out, "ORDER BY ALL sorts by every column")
            elif (target := _ordinal(selection.out, item)) is not None:
                selection.out.row_edges.append((target, SORT))
            else:
                _shape_by_name(selection, item, SORT)


def _limit(selection: Selection) -> None:
    for key in ("limit", "offset", "fetch", "sample"):
        clause = selection.node.args.get(key)
        if isinstance(clause, exp.Expr):
            selection.shape(clause, LOOK)
            if key != "sample":
                selection.resolution.cuts.append((key.upper(), selection.node))


SELECT_STEPS: Final = (_from, _windows, _items, _where, _group, _having, _qualify, _distinct, _order, _limit)


def _shape_by_name(selection: Selection, item: Any, kind: int) -> None:
    """A bare name in ORDER BY or DISTINCT ON means an alias first; an output of a star settles what is ambiguous."""
    bare = item
    while isinstance(bare, (exp.Paren, exp.Collate)):
        bare = bare.this
    is_bare = isinstance(bare, exp.Column) and not bare.args.get("table")
    if is_bare and (alias := selection.scope.aliases.get(bare.name.lower())) is not None:
        selection.out.row_edges.append((alias, kind))
        return
    walk = Walk(selection.resolution, selection.scope, selection.environment)
    if is_bare and (output := selection.out.by_name.get(bare.name.lower())) is not None:
        walk.silent = True
        selection.out.row_edges.append((output, LOOK))
    selection.out.row_edges += [(target, kind) for target, _ in walk.run(item)]


def _ordinal(out: Relation, item: Any) -> Target | None:
    """The output that a bare integer names; all of them where the outputs are not known."""
    if not (isinstance(item, exp.Literal) and not item.is_string and item.name.isdigit()):
        return None
    position = int(item.name) - 1
    if out.is_open:
        return whole(out, "an ordinal counts columns that are not known")
    return out.columns[position] if 0 <= position < len(out.columns) else None


def _gap_edges(relation: Relation, reason: str) -> list[Edge]:
    edges: list[Edge] = [(whole(gap.relation, reason), LOOK) for gap in relation.gaps]
    return edges + [(target, LOOK) for target, _ in relation.source]


# ---- other queries


def _set_operation(resolution: Resolution, node: Any, scope: Scope | None, environment: Environment | None) -> Relation:
    """A chain of set operations, which may be thousands long, from the left."""
    chain = [node]
    while isinstance(chain[-1].this, exp.SetOperation) and not chain[-1].this.args.get("with_"):
        chain.append(chain[-1].this)
    left = resolve_query(resolution, chain[-1].this, scope, environment)
    out = Relation(THE_QUERY)
    resolution.relations.append(out)
    _first_branch(out, left)
    names = dict(out.by_name)
    for operation in reversed(chain):
        right = resolve_query(resolution, operation.args["expression"], scope, environment)
        _combine(out, operation, right, names)
        _shape_of_set(resolution, operation, out, environment, names)
    return out


def _first_branch(out: Relation, left: Relation) -> None:
    out.row_edges.append((left, LOOK))
    for column in left.listed():
        out.add(Column(column.name, column.type, [(column, IDENTITY)]))
    if left.is_open:
        out.gaps.append(Gap(left))


def _combine(out: Relation, operation: Any, right: Relation, names: dict[str, Column]) -> None:
    out.row_edges.append((right, LOOK))
    removes = isinstance(operation, exp.Except)
    if out.is_open or right.is_open:
        reason = "the columns of a set operation are matched by position, and they are not known"
        out.row_edges.append((whole(right, reason), LOOK))
        out.row_edges += [(whole(gap.relation, reason), LOOK) for gap in out.gaps]
        if out.is_open and not removes:
            out.gaps.append(Gap(right))
    by_name = bool(operation.args.get("by_name"))
    for position, column in enumerate(right.listed()):
        if by_name:
            target = out.by_name.get(column.name.lower())
        else:
            target = out.columns[position] if position < len(out.columns) else None
        if target is None and by_name:
            target = Column(column.name, column.type, [(column, IDENTITY)])
            out.add(target)
        elif target is not None:
            target.type = target.type if target.type == column.type else None
            if not removes:
                target.edges.append((column, IDENTITY))
        if target is not None:
            names.setdefault(column.name.lower(), target)
    if operation.args.get("distinct") or not isinstance(operation, exp.Union):
        kind = LOOK if isinstance(operation, exp.Union) else FILTER
        out.row_edges += [(column, LOOK) for column in out.columns]
        out.row_edges += [(column, kind) for column in right.listed()]


def _shape_of_set(
    resolution: Resolution, node: Any, out: Relation, environment: Environment | None, names: dict[str, Column]
) -> None:
    """ORDER BY and LIMIT of a set operation see its outputs only, under the name that any branch gives them."""
    scope = Scope(None)
    scope.aliases = names
    order = node.args.get("order")
    for ordered in order.expressions if order is not None else ():
        item = ordered.this if isinstance(ordered, exp.Ordered) else ordered
        if isinstance(item, exp.Var) or out.is_open:
            out.row_edges += [(column, SORT) for column in out.columns]
        elif (target := _ordinal(out, item)) is not None:
            out.row_edges.append((target, SORT))
        elif isinstance(item, exp.Column) and (found := names.get(item.name.lower())) is not None:
            out.row_edges.append((found, SORT))  # a qualifier means a table of a branch, so one of its outputs
        else:
            walk = Walk(resolution, scope, environment)
            walk.silent = True  # nested branches may give other names still
            edges = walk.run(item)
            out.row_edges += [(target, SORT) for target, _ in edges or [(column, SORT) for column in out.columns]]
    for key in ("limit", "offset"):
        if isinstance(clause := node.args.get(key), exp.Expr):
            resolution.cuts.append((key.upper(), node))
            out.row_edges += [(target, LOOK) for target, _ in Walk(resolution, scope, environment).run(clause)]


def _subquery(resolution: Resolution, node: Any, scope: Scope | None, environment: Environment | None) -> Relation:
    """Parentheses around a query; ORDER BY, LIMIT and PIVOT may stand outside them."""
    if not isinstance(node.this, exp.Query):
        return _anything(resolution, node, scope, environment)
    relation = resolve_query(resolution, node.this, scope, environment)
    _shape_of_set(resolution, node, relation, environment, relation.by_name)
    return relation


def _values(resolution: Resolution, node: Any, scope: Scope | None, environment: Environment | None) -> Relation:
    out = Relation(THE_QUERY)
    resolution.relations.append(out)
    for row in node.expressions:
        cells = row.expressions if isinstance(row, exp.Tuple) else [row]
        for position, cell in enumerate(cells):
            edges = Walk(resolution, scope, environment).run(cell)
            type_ = types.type_of(resolution, cell)
            if position == len(out.columns):
                out.add(Column(f"col{position}", type_, edges))
            else:
                column = out.columns[position]
                column.edges += edges
                column.type = column.type if column.type == type_ else None
    return out


def _anything(resolution: Resolution, node: Any, scope: Scope | None, environment: Environment | None) -> Relation:
    """A form of query that is not understood: every table in it is read whole, and its outputs are not known."""
    out = Relation(type(node).__name__.lower())
    resolution.relations.append(out)
    resolution.names_matter = True
    inner = Scope(scope)
    if isinstance(node.args.get("this"), exp.Expr) and not isinstance(node.this, (exp.Identifier, exp.Literal)):
        inner.bindings = bind_source(resolution, node.this, inner, environment, out)
    reason = f"{type(node).__name__.upper()} is not followed column by column"
    edges: list[Edge] = [(whole(binding.relation, reason), TRANSFORMATION) for binding in inner.bindings]
    out.open, out.source = True, edges
    out.row_edges += [(target, LOOK) for target, _ in edges]
    return out
