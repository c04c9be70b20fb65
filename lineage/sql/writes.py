"""Statements: a query as such, or one that writes, of which the target is noted and what it takes in is followed."""

from __future__ import annotations

from typing import Any

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from headwater.lineage.sql.context import Environment, Resolution
from headwater.lineage.sql.expressions import Walk
from headwater.lineage.sql.joins import bind_source, join_source
from headwater.lineage.sql.model import FILTER, JOIN, Column, Relation
from headwater.lineage.sql.queries import with_clause
from headwater.lineage.sql.scope import Scope
from headwater.lineage.sql.sources import renamed_relation, table_identifiers


def resolve_statement(resolution: Resolution) -> tuple[Relation, str | None]:
    """Return the relation that the statement yields or writes, and the table that it writes to."""
    tree = resolution.query.tree
    if resolution.query.statements > 1:
        message = "The text holds more than one statement."
        resolution.problem(message, _second_statement(resolution), "An asset is one query.", refused=True)
    if isinstance(tree, (exp.Query, exp.Pivot)):
        return resolution.resolve(resolution, tree, None, None), None
    resolution.problem(f"{tree.key.upper()} is not a query.", 0, "An asset is one SELECT.", refused=True)
    environment = with_clause(resolution, tree, None, None)
    target = _target_table(tree)
    if isinstance(tree, exp.Update):
        relation = _update(resolution, tree, environment)
    elif isinstance(tree, exp.Merge):
        relation = _merge(resolution, tree, environment)
    elif isinstance(tree.args.get("expression"), exp.Query):
        if target is not None:
            resolution.visited.add(id(target))
        relation = resolution.resolve(resolution, tree.args["expression"], None, environment)
        relation = _named_by_target(tree, relation)
    else:
        relation = resolution.resolve(resolution, tree, None, environment)
    return relation, _name(resolution, target)


def _target_table(tree: Any) -> exp.Table | None:
    node = tree.args.get("this")
    if isinstance(node, exp.Schema):
        node = node.this
    return node if isinstance(node, exp.Table) else None


def _name(resolution: Resolution, target: exp.Table | None) -> str | None:
    identifiers = [] if target is None else table_identifiers(target)
    return resolution.naming.complete(tuple(part.name.lower() for part in identifiers)) if identifiers else None


def _named_by_target(tree: Any, relation: Relation) -> Relation:
    """`insert into t (a, b) select ...`, `create view v (a, b) as ...`: the target's column names are the outputs'."""
    columns = tree.this.expressions if isinstance(tree.args.get("this"), exp.Schema) else []
    names = tuple(column.name for column in columns if isinstance(column, (exp.Identifier, exp.ColumnDef)))
    return renamed_relation(relation.label, relation, names) if names else relation


def _update(resolution: Resolution, tree: exp.Update, environment: Environment | None) -> Relation:
    """UPDATE: one output for each column that is set."""
    out = Relation("the update")
    resolution.relations.append(out)
    scope = Scope(None)
    sources = [tree.this]
    if (clause := tree.args.get("from_")) is not None:
        sources.append(clause.this)
    for source in sources:
        scope.bindings = scope.bindings + bind_source(resolution, source, scope, environment, out)
        for join in source.args.get("joins") or ():
            join_source(resolution, join, scope, environment, out)
    if clause is not None:
        for join in clause.args.get("joins") or ():
            join_source(resolution, join, scope, environment, out)
    _set_columns(resolution, tree, scope, environment, out)
    if (where := tree.args.get("where")) is not None:
        out.row_edges += [(target, FILTER) for target, _ in Walk(resolution, scope, environment).run(where.this)]
    return out


def _set_columns(
    resolution: Resolution, tree: Any, scope: Scope, environment: Environment | None, out: Relation
) -> None:
    for item in tree.expressions:
        if isinstance(item, exp.EQ) and isinstance(item.this, exp.Column):
            _add(out, item.this.name, Walk(resolution, scope, environment).run(item.expression))


def _add(out: Relation, name: str, edges: Any) -> None:
    """Add an output, or another source of one that another branch has set already."""
    known = out.by_name.get(name.lower())
    if known is None:
        out.add(Column(name, None, edges))
    else:
        known.edges += edges


def _merge(resolution: Resolution, tree: exp.Merge, environment: Environment | None) -> Relation:
    """MERGE: one output for each column that any branch sets or inserts."""
    out = Relation("the merge")
    resolution.relations.append(out)
    scope = Scope(None)
    for source in (tree.this, tree.args["using"]):
        scope.bindings = scope.bindings + bind_source(resolution, source, scope, environment, out)
    if (condition := tree.args.get("on")) is not None:
        out.row_edges += [(target, JOIN) for target, _ in Walk(resolution, scope, environment).run(condition)]
    for when in tree.args["whens"].expressions:
        if (condition := when.args.get("condition")) is not None:
            out.row_edges += [(target, FILTER) for target, _ in Walk(resolution, scope, environment).run(condition)]
        branch = when.args.get("then")
        if isinstance(branch, exp.Update):
            _set_columns(resolution, branch, scope, environment, out)
        elif isinstance(branch, exp.Insert):
            names, values = branch.args.get("this"), branch.args.get("expression")
            if isinstance(names, exp.Tuple) and isinstance(values, exp.Tuple):
                for name, value in zip(names.expressions, values.expressions, strict=False):
                    _add(out, name.name, Walk(resolution, scope, environment).run(value))
    return out


def _second_statement(resolution: Resolution) -> int | None:
    query = resolution.query
    return next((end for end, type_ in zip(query.ends, query.types, strict=True) if type_ is TokenType.SEMICOLON), None)
