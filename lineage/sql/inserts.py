"""INSERT: what each column of the target is made from, for one target or several."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from headwater.lineage.sql.context import Environment, Resolution
from headwater.lineage.sql.expressions import Walk
from headwater.lineage.sql.joins import bind_source
from headwater.lineage.sql.model import FILTER, LOOK, Binding, Column, Edge, Relation
from headwater.lineage.sql.scope import Scope
from headwater.lineage.sql.sources import renamed_relation
from headwater.lineage.sql.targets import column_names, columns_of, target_table


def insert(
    resolution: Resolution, tree: Any, table: exp.Table | None, scope: Scope | None, environment: Environment | None
) -> Relation:
    """Return the relation of an INSERT, its outputs named by the columns of the target where these are known."""
    source = tree.args.get("expression") or tree.args.get("source")
    if isinstance(source, exp.Table):  # INSERT INTO t TABLE s
        source = exp.select("*").from_(source, copy=False)
    if isinstance(source, (exp.Query, exp.Values)):
        relation = resolution.resolve(resolution, source, scope, environment)
    else:
        relation = Relation("the insertion")
        resolution.relations.append(relation)
    relation = named_by_target(resolution, tree, table, relation)
    if (condition := tree.args.get("where")) is not None and table is not None:
        _look_in_target(resolution, table, condition, relation, scope, environment)
    if (conflict := tree.args.get("conflict")) is not None:
        relation = _on_conflict(resolution, tree, table, conflict, relation, scope, environment)
    return relation


def named_by_target(resolution: Resolution, tree: Any, table: exp.Table | None, relation: Relation) -> Relation:
    """Return `relation` with its columns named by those of the target: written, or known and matched by position."""
    static, dynamic = _partition_columns(tree)
    names = column_names(tree)
    if names:
        named = names if not dynamic else (*(name for name in names if name.lower() not in dynamic), *dynamic.values())
        return _with_constants(renamed_relation(relation.label, relation, named), static)
    if tree.args.get("by_name"):
        return _with_constants(relation, static)
    known = columns_of(resolution, table)
    if known is None:
        if not dynamic or relation.is_open or len(relation.listed()) < len(dynamic):
            return _with_constants(relation, static)
        own = [column.name for column in relation.listed()]
        named = (*own[: len(own) - len(dynamic)], *dynamic.values())
    else:
        apart = set(static) | set(dynamic)
        named = (*(name for name in known if name.lower() not in apart), *dynamic.values())
    if len(relation.listed()) > len(named) or relation.is_open:
        return _with_constants(relation, static)
    named = named[: len(relation.listed())]
    return _with_constants(renamed_relation(relation.label, relation, named), static)


def _partition_columns(tree: Any) -> tuple[dict[str, str], dict[str, str]]:
    """The columns of PARTITION (...): those with a value, and those that the query fills, lower case -> as written."""
    static: dict[str, str] = {}
    dynamic: dict[str, str] = {}
    table = target_table(tree)
    clauses = [tree.args.get("partition"), None if table is None else table.args.get("partition")]
    for clause in clauses:
        for item in clause.expressions if isinstance(clause, exp.Partition) else ():
            if isinstance(item, exp.EQ) and isinstance(item.this, (exp.Column, exp.Identifier)):
                static[item.this.name.lower()] = item.this.name
            elif isinstance(item, (exp.Column, exp.Identifier)):
                dynamic[item.name.lower()] = item.name
    return static, dynamic


def _with_constants(relation: Relation, static: dict[str, str]) -> Relation:
    if not static or relation.is_open:
        return relation
    out = renamed_relation(relation.label, relation, tuple(column.name for column in relation.listed()))
    for key, name in static.items():
        if key not in out.by_name:
            out.add(Column(name))
    return out


def _look_in_target(
    resolution: Resolution,
    table: exp.Table,
    condition: Any,
    relation: Relation,
    scope: Scope | None,
    environment: Environment | None,
) -> None:
    """Databricks: `INSERT INTO t REPLACE WHERE condition` looks at rows of the target."""
    inner = Scope(scope)
    inner.bindings = bind_source(resolution, table, inner, environment, relation)
    relation.row_edges += [(edge, FILTER) for edge, _ in Walk(resolution, inner, environment).run(condition)]


def _on_conflict(
    resolution: Resolution,
    tree: Any,
    table: exp.Table | None,
    conflict: Any,
    relation: Relation,
    scope: Scope | None,
    environment: Environment | None,
) -> Relation:
    """ON CONFLICT DO UPDATE SET a = excluded.a: `excluded`, and MySQL's VALUES(a), are the row that was to come in."""
    items = [item for item in conflict.args.get("expressions") or () if isinstance(item, exp.EQ)]
    if not items:
        return relation
    out = renamed_relation(relation.label, relation, tuple(column.name for column in relation.listed()))
    inner = Scope(scope)
    if table is not None:
        inner.bindings = bind_source(resolution, table, inner, environment, out)
    alias = tree.args.get("alias") or (tree.args.get("expression") and tree.args["expression"].args.get("alias"))
    names = {"excluded", alias.name.lower() if isinstance(alias, exp.Expr) else "excluded"}
    # It stands behind the target, so that a bare name means the target's column.
    incoming = [Binding(name, relation, resolution.number()) for name in names]
    behind = Scope(scope)
    behind.bindings = incoming
    inner.parent = behind
    resolution.relations.append(out)
    for item in items:
        name = item.this.name
        edges = _incoming_values(resolution, item.expression, relation, inner, environment)
        if (known := out.by_name.get(name.lower())) is None:
            out.add(Column(name, None, edges))
        else:
            replaced = Column(known.name, None, [(known, 0), *edges])
            out.columns[out.columns.index(known)] = out.by_name[name.lower()] = replaced
    if (where := conflict.args.get("where")) is not None:
        out.row_edges += [(edge, FILTER) for edge, _ in Walk(resolution, inner, environment).run(where)]
    return out


def _incoming_values(
    resolution: Resolution, node: Any, relation: Relation, scope: Scope, environment: Environment | None
) -> list[Edge]:
    edges: list[Edge] = []
    calls = [call for call in node.find_all(exp.Anonymous) if call.name.upper() == "VALUES" and call.expressions]
    for call in calls:
        if (column := relation.find(call.expressions[0].name.lower())) is not None:
            edges.append((column, 0 if call is node else 1))
    if calls:
        node = node.transform(lambda part: exp.Null() if isinstance(part, exp.Anonymous) and part in calls else part)
    return edges + Walk(resolution, scope, environment).run(node)


def several_inserts(
    resolution: Resolution, tree: Any, scope: Scope | None, environment: Environment | None
) -> list[tuple[Relation, Any, bool]]:
    """Return the relation, the target and whether it is overwritten for each INSERT of a multi-table one."""
    source = tree.args["source"]
    rows = Relation("the source")
    resolution.relations.append(rows)
    shared = Scope(scope)
    shared.bindings = bind_source(resolution, source, shared, environment, rows)
    for lateral in source.args.get("laterals") or ():
        shared.bindings = shared.bindings + bind_source(resolution, lateral, shared, environment, rows)
    found = []
    for item in tree.expressions:
        condition = item.args.get("expression") if isinstance(item, exp.ConditionalInsert) else None
        statement = item.this if isinstance(item, exp.ConditionalInsert) else item
        table = target_table(statement)
        if table is not None:
            resolution.visited.add(id(table))
        if isinstance(condition, exp.Expr):
            rows.row_edges += [(edge, FILTER) for edge, _ in Walk(resolution, shared, environment).run(condition)]
        query = statement.args.get("expression")
        if isinstance(query, exp.Select) and any(part.is_star for part in query.expressions):
            query = query.copy().from_(source.copy())  # a star means the columns of its own FROM clause
            query.set("laterals", [lateral.copy() for lateral in source.args.get("laterals") or ()])
        if isinstance(query, (exp.Query, exp.Values)):
            relation = resolution.resolve(resolution, query, shared, environment)
        else:  # INTO t without VALUES takes all of the source
            relation = Relation("the source")
            for binding in shared.bindings:
                for column in binding.listed():
                    relation.add(column)
                relation.gaps += binding.relation.gaps
                relation.open = relation.open or binding.relation.open
        relation = named_by_target(resolution, statement, table, relation)
        relation.row_edges.append((rows, LOOK))
        found.append((relation, table, bool(statement.args.get("overwrite"))))
    return found
