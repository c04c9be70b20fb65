"""Changes within a WITH clause: what RETURNING yields, from the rows as they are after the change."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from headwater.lineage.sql import changes, inserts
from headwater.lineage.sql.context import Environment, Resolution
from headwater.lineage.sql.expressions import Walk
from headwater.lineage.sql.model import LOOK, Binding, Column, Gap, Relation
from headwater.lineage.sql.scope import Scope
from headwater.lineage.sql.sources import alias_of, name_parts, table_identifiers, table_relation
from headwater.lineage.sql.targets import target_table


def changed_rows(resolution: Resolution, tree: Any, scope: Scope | None, environment: Environment | None) -> Relation:
    """Return the relation of an INSERT, UPDATE, DELETE or MERGE as a query: the outputs of its RETURNING clause."""
    table = target_table(tree)
    returning = tree.args.get("returning")
    if isinstance(tree, exp.Insert):
        if table is not None:
            resolution.visited.add(id(table))
        change = inserts.insert(resolution, tree, table, scope, environment)
    elif isinstance(tree, exp.Update):
        change = changes.update(resolution, tree, scope, environment)
    elif isinstance(tree, exp.Delete):
        change = changes.delete(resolution, tree, scope, environment)
    else:
        change = changes.merge(resolution, tree, scope, environment, None)
    out = Relation("the changed rows")
    resolution.relations.append(out)
    out.row_edges.append((change, LOOK))
    out.row_edges += [(column, LOOK) for column in change.listed()]
    if table is None or returning is None:
        return out
    inner = Scope(scope)
    inner.bindings = [_afterwards(resolution, table, change)]
    for item in returning.expressions:
        if item.is_star:
            relation = inner.bindings[0].relation
            for column in relation.listed():
                out.add(column)
            out.gaps += relation.gaps
            continue
        edges = Walk(resolution, inner, environment).run(item.unalias())
        out.add(Column(item.alias_or_name, None, edges))
    return out


def _afterwards(resolution: Resolution, table: exp.Table, change: Relation) -> Binding:
    """The target with the values that the change gave to its columns."""
    identifiers = table_identifiers(table)
    alias, _ = alias_of(table)
    before = table_relation(resolution, table, identifiers, name_parts(identifiers), alias)
    resolution.references.pop()  # the change itself refers to it already
    after = Relation("the changed table")
    resolution.relations.append(after)
    for column in change.listed():
        after.add(column)
    for column in before.listed():
        if column.name.lower() not in after.by_name:
            after.add(column)
    if before.is_open:
        after.gaps.append(Gap(before, frozenset(after.by_name)))
    return Binding(alias or identifiers[-1].name.lower(), after, resolution.number())
