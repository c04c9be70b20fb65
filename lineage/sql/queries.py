"""The resolving pass: each query once, into the dependency graph of `model`; SELECT itself is in `select`."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from headwater.lineage.sql import sources, types
from headwater.lineage.sql.context import CteDefinition, Environment, Resolution, start_of
from headwater.lineage.sql.expressions import Walk
from headwater.lineage.sql.joins import bind_source, pivot_query
from headwater.lineage.sql.model import (
    DISTINCT,
    FILTER,
    IDENTITY,
    LOOK,
    SORT,
    TRANSFORMATION,
    Column,
    Edge,
    Gap,
    Relation,
    whole,
)
from headwater.lineage.sql.returning import changed_rows
from headwater.lineage.sql.scope import Scope
from headwater.lineage.sql.select import THE_QUERY, ordinal, resolve_select


def resolve_query(
    resolution: Resolution, node: exp.Expr, scope: Scope | None, environment: Environment | None
) -> Relation:
    """Return the relation of a query: its outputs in order, and what its rows depend on."""
    environment = with_clause(resolution, node, scope, environment)
    if isinstance(node, exp.Select):
        relation = resolve_select(resolution, node, scope, environment)
    elif isinstance(node, exp.SetOperation):
        relation = _set_operation(resolution, node, scope, environment)
    elif isinstance(node, exp.Subquery):
        relation = _subquery(resolution, node, scope, environment)
    elif isinstance(node, exp.Values):
        relation = _values(resolution, node, scope, environment)
    elif isinstance(node, (exp.Insert, exp.Update, exp.Delete, exp.Merge)):
        relation = changed_rows(resolution, node, scope, environment)
    elif isinstance(node, exp.Pivot):
        relation = pivot_query(resolution, node, scope, environment)
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
        if cte.args.get("scalar"):
            continue  # ClickHouse: a name for an expression, see `dialect_clauses`
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
        out.row_edges += [(column, DISTINCT) for column in out.columns]
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
        elif (target := ordinal(out, item)) is not None:
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
            out.row_edges += [(target, FILTER) for target, _ in Walk(resolution, scope, environment).run(clause)]


def _subquery(resolution: Resolution, node: Any, scope: Scope | None, environment: Environment | None) -> Relation:
    """Parentheses around a query; ORDER BY, LIMIT and PIVOT may stand outside them."""
    if not isinstance(node.this, (exp.Query, exp.Pivot)):
        return _anything(resolution, node, scope, environment)
    relation = resolve_query(resolution, node.this, scope, environment)
    _shape_of_set(resolution, node, relation, environment, relation.by_name)
    return relation


def _value_name(dialect: str, position: int) -> str:
    """The name that an engine gives to an unnamed column of VALUES."""
    if dialect in ("snowflake", "postgres", "redshift", "sqlite", "materialize", "risingwave"):
        return f"column{position + 1}"
    if dialect in ("spark", "databricks", "hive"):
        return f"col{position + 1}"
    if dialect == "mysql":
        return f"column_{position}"
    return f"_col{position}" if dialect in ("trino", "presto", "athena") else f"col{position}"


def _values(resolution: Resolution, node: Any, scope: Scope | None, environment: Environment | None) -> Relation:
    out = Relation(THE_QUERY)
    resolution.relations.append(out)
    for row in node.expressions:
        cells = row.expressions if isinstance(row, exp.Tuple) else [row]
        for position, cell in enumerate(cells):
            edges = Walk(resolution, scope, environment).run(cell)
            type_ = types.type_of(resolution, cell)
            if position == len(out.columns):
                out.add(Column(_value_name(resolution.query.dialect, position), type_, edges))
            else:
                column = out.columns[position]
                column.edges += edges
                column.type = column.type if column.type == type_ else None
    return out


def _anything(resolution: Resolution, node: Any, scope: Scope | None, environment: Environment | None) -> Relation:
    """A form of query that is not understood: every table in it is read whole, and its outputs are not known."""
    out = Relation(type(node).__name__.lower())
    resolution.relations.append(out)
    resolution.keep_names()
    inner = Scope(scope)
    if isinstance(node.args.get("this"), exp.Expr) and not isinstance(node.this, (exp.Identifier, exp.Literal)):
        inner.bindings = bind_source(resolution, node.this, inner, environment, out)
    reason = f"{type(node).__name__.upper()} is not followed column by column"
    edges: list[Edge] = [(whole(binding.relation, reason), TRANSFORMATION) for binding in inner.bindings]
    out.open, out.source = True, edges
    out.row_edges += [(target, LOOK) for target, _ in edges]
    return out
