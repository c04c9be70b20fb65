"""Columns in an expression. Nearly every one is named plainly and known for certain, so that road is kept short."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from headwater.lineage.sql.model import Binding, Column, whole
from headwater.lineage.sql.names import look_at_everything, named_relation, note_name
from headwater.lineage.sql.scope import Known, Scope
from headwater.lineage.sql.walk import Walk


def walk_column(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    """Add what a Column node depends on to the walk."""
    args = node.args
    this, table, scope = args["this"], args.get("table"), walk.scope
    if hidden or scope is None or walk.aliases_first or args.get("db") is not None:
        _other(walk, node, kind, hidden)
        return
    written = this.args.get("this") if table is None else (table.args["this"], this.args.get("this"))
    known = scope.known.get(written)
    if known is None:
        known = _known(scope, written)
        if known is None:
            _other(walk, node, kind, hidden)
            return
        scope.known[written] = known
    column, meaning, reference = known
    resolution = walk.resolution
    resolution.column_of[id(node)] = column
    walk.edges.append((column, kind))
    last = this._meta
    if last:
        start = last["start"] if table is None else table._meta["start"]
        resolution.bound[start] = (last["end"] + 1, meaning)
        if reference is not None and table is not None:
            resolution.qualifiers.append((start, table._meta["end"] + 1, reference))
    else:
        resolution.notes.append(meaning)  # it stands in no text that the hash would see


def _known(scope: Scope, written: Any) -> Known | None:
    """What `column` or `table.column` means, if one listed column of this very scope answers to it; else None."""
    owner: Binding | None = None
    column: Column | None = None
    if type(written) is str:
        name = written.lower()
        if name in scope.merged:
            return None
        for binding in scope.bindings:
            if name in binding.names and (held := binding.certain(name)) is not None:
                if owner is not None:
                    return None
                owner, column = binding, held
    elif type(written[1]) is str:
        alias, name = written[0].lower(), written[1].lower()
        for binding in scope.bindings:
            if binding.alias == alias:
                owner, column = binding, binding.certain(name)
                break
    if owner is None or column is None:
        return None
    relation = owner.relation
    if relation.open or relation.gaps:
        return None
    return column, f"c{owner.index}.{name}", relation.reference if owner.qualifier else None


def _other(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    """Any other name, or a qualified star."""
    identifiers = [part for part in map(node.args.get, ("catalog", "db", "table", "this")) if part is not None]
    if type(node.args["this"]) is exp.Star:
        _qualified_star(walk, identifiers, kind)
    else:
        note_name(walk, node, identifiers, kind, hidden)


def _qualified_star(walk: Walk, identifiers: list[Any], kind: int) -> None:
    walk.resolution.keep_names()
    binding = named_relation(walk.scope, [part.name.lower() for part in identifiers[:-1]])
    if binding is None:
        look_at_everything(walk, "a qualified star cannot be resolved")
        return
    walk.edges.append((whole(binding.relation, "a star stands inside an expression"), kind))
