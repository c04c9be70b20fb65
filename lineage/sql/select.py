"""One SELECT, clause by clause, in the order of `SELECT_STEPS`: its scope, its outputs, and what shapes its rows."""

from __future__ import annotations

from typing import Any, Final

from sqlglot import exp

from headwater.assets.errors import SqlError
from headwater.lineage.sql import dialect_clauses, naming, stars, structs, types
from headwater.lineage.sql.context import Environment, Matched, Resolution
from headwater.lineage.sql.expressions import Walk, direct_column
from headwater.lineage.sql.filters import keep_filters
from headwater.lineage.sql.joins import bind_source, join_source
from headwater.lineage.sql.model import (
    COMPOSE,
    DISTINCT,
    FILTER,
    GROUP_BY,
    IDENTITY,
    LOOK,
    SORT,
    SPREAD,
    TRANSFORMATION,
    Column,
    Edge,
    Relation,
    Target,
    whole,
)
from headwater.lineage.sql.scope import Scope
from headwater.lineage.sql.subqueries import QUANTIFIED
from headwater.lineage.sql.walk import conjuncts

LATERAL_ALIASES: Final = frozenset(["duckdb", "snowflake", "redshift", "databricks", "spark", "teradata", "clickhouse"])
THE_QUERY: Final = "the query"
MOST_DIGITS: Final = 18  # of an ordinal; more would not be read as a number at all
EVERY_LAYER: Final = 1_000_000


class Selection:
    """One SELECT on its way: its scope, and the relation it becomes."""

    __slots__ = ("ends", "environment", "node", "out", "resolution", "scope", "walk")

    def __init__(
        self, resolution: Resolution, node: Any, parent: Scope | None, environment: Environment | None
    ) -> None:
        self.resolution = resolution
        self.node = node
        self.environment = environment
        self.scope = Scope(parent, resolution.query.dialect in LATERAL_ALIASES)
        self.out = Relation(THE_QUERY)
        self.ends: list[int] = []  # how many outputs there are after each item
        self.walk = Walk(resolution, self.scope, environment)

    def edges(self, node: Any, aliases_first: bool = False) -> list[Edge]:
        """Return what an expression of this SELECT depends on."""
        if aliases_first:
            return Walk(self.resolution, self.scope, self.environment, aliases_first).run(node)
        return self.walk.again(node)

    def shape(self, node: Any, kind: int, aliases_first: bool = False) -> None:
        """Note that an expression shapes the rows of the result."""
        self.out.row_edges += [(target, kind) for target, _ in self.edges(node, aliases_first)]


def resolve_select(resolution: Resolution, node: Any, scope: Scope | None, environment: Environment | None) -> Relation:
    """Return the relation of one SELECT."""
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
        selection.resolution.clauses.add(id(clause))
        scope.bindings = bind_source(selection.resolution, clause.this, scope, selection.environment, out)
    for join in args.get("joins") or ():
        join_source(selection.resolution, join, scope, selection.environment, out)
    for lateral in args.get("laterals") or ():
        scope.bindings = scope.bindings + bind_source(selection.resolution, lateral, scope, selection.environment, out)
    scope.known.clear()


def _dialect(selection: Selection) -> None:
    if selection.resolution.query.dialect == "duckdb":
        return
    args = selection.node.args
    if args.get("with_") is not None and selection.resolution.query.dialect == "clickhouse":
        dialect_clauses.scalar_definitions(selection)
    if args.get("match") is not None:
        dialect_clauses.match_recognize(selection)
    if args.get("connect") is not None:
        dialect_clauses.connect_by(selection)


def _windows(selection: Selection) -> None:
    for window in selection.node.args.get("windows") or ():
        selection.scope.windows[window.this.name.lower()] = window


def _items(selection: Selection) -> None:
    for item in selection.node.expressions:
        _item(selection, item)
        selection.ends.append(len(selection.out.columns))


def _item(selection: Selection, item: Any) -> None:
    resolution, scope, out = selection.resolution, selection.scope, selection.out
    if (star := stars.star_of(item)) is not None:
        stars.expand_star(resolution, item, star, scope, selection.environment, out)
        return
    if resolution.may_choose_columns and stars.has_columns(item):
        stars.expand_columns(resolution, item, scope, selection.environment, out)
        return
    kind = type(item)
    if kind is exp.QueryTransform:
        dialect_clauses.transformed(selection, item)
        return
    expression = item.this if kind is exp.Alias or kind is exp.Aliases else item
    edges = selection.walk.again(expression)
    if selection.walk.spreads:
        out.row_edges += [(target, SPREAD) for target, _ in edges]
    if type(expression) is exp.Explode and _expand_struct(selection, expression, edges, kind is exp.Alias):
        return
    if kind is exp.Alias:
        name = item.alias
        result = Column(name, types.type_of(resolution, expression), edges)
        _name_alias(scope, name.lower(), result)
    elif kind is exp.Aliases:
        for identifier in item.args.get("expressions") or ():
            out.add(Column(identifier.name, None, Walk(resolution, scope, selection.environment).run(item.this)))
        return
    elif len(edges) == 1 and edges[0][1] == IDENTITY and edges[0][0] is direct_column(resolution, expression):
        result = edges[0][0]
    else:
        result = Column(naming.output_name(resolution, expression), types.type_of(resolution, expression), edges)
    out.add(result)


def _name_alias(scope: Scope, key: str, column: Column) -> None:
    """Of two items of one alias, the engine means now the later and now the earlier one: both are looked at."""
    before = scope.aliases.get(key)
    scope.aliases[key] = (
        column if before is None else Column(column.name, column.type, [(column, IDENTITY), (before, LOOK)])
    )


def _expand_struct(selection: Selection, node: Any, edges: list[Edge], named: bool) -> bool:
    """`unnest(struct)` becomes one output for each field, whatever its alias. Return whether that was done."""
    out, resolution = selection.out, selection.resolution
    type_ = types.type_of(resolution, node.this)
    depth = _unnest_depth(node)
    found = None if type_ is None else structs.unnested(type_, depth)
    if isinstance(found, tuple):
        for name, field in found:
            made = [(target, COMPOSE[TRANSFORMATION][kind] if kind < LOOK else kind) for target, kind in edges]
            out.add(Column(name, field, made))
        return True
    if found is None or (depth > 1 and types.UNKNOWN in found):
        if depth == 1 and (named or resolution.query.dialect != "duckdb"):
            return False
        out.open = True
        out.source += edges
        return True
    resolution.type_of[id(node)] = found
    return False


def _unnest_depth(node: Any) -> int:
    """How many layers UNNEST takes off: one, `max_depth`, or all of them."""
    for option in node.args.get("expressions") or ():
        if isinstance(option, exp.PropertyEQ) and option.this.name.lower() == "max_depth":
            layers = option.expression.name
            return int(layers[:MOST_DIGITS]) if layers.isdecimal() else EVERY_LAYER
        return EVERY_LAYER
    return 1


def _where(selection: Selection) -> None:
    if (clause := selection.node.args.get("where")) is not None:
        parts = conjuncts(clause.this)
        if selection.scope.parent is None:
            selection.out.row_edges += [(target, FILTER) for target, _ in selection.walk.again(*parts)]
        else:
            _where_inside(selection, parts)
        keep_filters(selection.resolution, selection.node, parts, selection.scope)
    if (clause := selection.node.args.get("prewhere")) is not None:
        selection.shape(clause.this, FILTER)


def _where_inside(selection: Selection, parts: list[Any]) -> None:
    """The WHERE of a query that may be correlated: where an outer column equals something inside, the two join."""
    outer = selection.resolution.outer
    walk = Walk(selection.resolution, selection.scope, selection.environment)
    for node in parts:
        start, before = len(walk.edges), len(outer)
        targets = [target for target, _ in walk.run(node)[start:]]
        if len(outer) == before + 1 and type(node) in (exp.EQ, exp.NullSafeEQ) and _matches(selection, node, targets):
            targets.remove(outer.pop()[0])
        selection.out.row_edges += [(target, FILTER) for target in targets]


def _matches(selection: Selection, node: Any, targets: list[Target]) -> bool:
    """Note an equality of the outer column that was named last with what is inside. Return whether it is one."""
    resolution, mention = selection.resolution, selection.resolution.outer[-1]
    column = mention[0]
    inner = [target for target in targets if target is not column]
    sides = (direct_column(resolution, node.this), direct_column(resolution, node.expression))
    if not inner or column not in sides or type(node.expression) in QUANTIFIED:
        return False
    aggregates = selection.node.args.get("group") is not None or any(
        types.aggregates(resolution, item) for item in selection.node.expressions
    )
    resolution.matched.append(Matched(inner, [mention], aggregates))
    selection.out.row_edges.append((column, LOOK))
    return True


def _group(selection: Selection) -> None:
    clause = selection.node.args.get("group")
    if clause is None:
        return
    if clause.args.get("all"):
        _group_all(selection)
    for key in ("expressions", "grouping_sets", "rollup", "cube"):
        for item in clause.args.get(key) or ():
            _group_key(selection, item)


def _group_all(selection: Selection) -> None:
    """GROUP BY ALL groups by the outputs of every item that does not aggregate."""
    out, start = selection.out, 0
    for item, end in zip(selection.node.expressions, selection.ends, strict=True):
        expression = item.this if isinstance(item, exp.Alias) else item
        if stars.star_of(item) is not None or not types.aggregates(selection.resolution, expression):
            out.row_edges += [(column, GROUP_BY) for column in out.columns[start:end]]
        start = end
    if out.is_open:
        out.row_edges += [(column, LOOK) for column in out.columns]
        out.row_edges += gap_edges(out, "GROUP BY ALL groups by every column")


def _group_key(selection: Selection, item: Any) -> None:
    if isinstance(item, (exp.GroupingSets, exp.Rollup, exp.Cube, exp.Tuple)):
        for inner in item.expressions:
            _group_key(selection, inner)
    elif isinstance(item, exp.Paren):
        _group_key(selection, item.this)
    elif (target := ordinal(selection.out, item)) is not None:
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
        out.row_edges += [(column, DISTINCT) for column in out.columns]
        out.row_edges += gap_edges(out, "DISTINCT compares every column")
        return
    selection.resolution.cuts.append(("DISTINCT ON", selection.node))
    for item in targets.expressions if isinstance(targets, exp.Tuple) else [targets]:
        if (target := ordinal(out, item)) is not None:
            out.row_edges.append((target, DISTINCT))
        else:
            _shape_by_name(selection, item, DISTINCT)


def _order(selection: Selection) -> None:
    for key in ("order", "sort", "cluster", "distribute"):
        clause = selection.node.args.get(key)
        for ordered in clause.expressions if clause is not None else ():
            item = ordered.this if isinstance(ordered, exp.Ordered) else ordered
            if isinstance(item, exp.Var) and item.name.upper() == "ALL":
                selection.out.row_edges += [(column, SORT) for column in selection.out.columns]
                selection.out.row_edges += gap_edges(selection.out, "ORDER BY ALL sorts by every column")
            elif (target := ordinal(selection.out, item)) is not None:
                selection.out.row_edges.append((target, SORT))
            else:
                _shape_by_name(selection, item, SORT)


def _limit(selection: Selection) -> None:
    for key in ("limit", "offset", "fetch", "sample"):
        clause = selection.node.args.get(key)
        if isinstance(clause, exp.Expr):
            selection.shape(clause, FILTER)  # `limit (select ...)` decides which rows there are
            if key != "sample":
                selection.resolution.cuts.append((key.upper(), selection.node))


SELECT_STEPS: Final = (
    _from, _dialect, _windows, _items, _where, _group, _having, _qualify, _distinct, _order, _limit,
    dialect_clauses.the_rest,
)  # fmt: skip


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
        selection.out.row_edges.append((output, kind))
        kind = LOOK  # what else might be meant
    selection.out.row_edges += [(target, kind) for target, _ in walk.run(item)]


def ordinal(out: Relation, item: Any) -> Target | None:
    """Return the output that a bare integer names; all of them where the outputs are not known."""
    if not (isinstance(item, exp.Literal) and not item.is_string and item.name.isdecimal()):
        return None
    position = int(item.name[:MOST_DIGITS]) - 1
    if out.is_open:
        return whole(out, "an ordinal counts columns that are not known")
    return out.columns[position] if 0 <= position < len(out.columns) else None


def gap_edges(relation: Relation, reason: str) -> list[Edge]:
    """Return what lies behind the outputs that are not known."""
    edges: list[Edge] = [(whole(gap.relation, reason), LOOK) for gap in relation.gaps]
    return edges + [(target, LOOK) for target, _ in relation.source]
