"""What a dotted name in an expression means: a column, a field of one, an alias, a whole row, or a mistake."""

from __future__ import annotations

from typing import Any, Final

from sqlglot import exp

from headwater.lineage.sql import functions, structs
from headwater.lineage.sql.context import end_of, start_of
from headwater.lineage.sql.model import COMPOSE, IDENTITY, LOOK, TRANSFORMATION, Binding, Column, Edge, whole
from headwater.lineage.sql.scope import Found, Scope, in_scope, look_up, made_up, with_doubt
from headwater.lineage.sql.walk import Walk

_WITH_FIELDS: Final = ("struct", "map", "json", "variant", "union", "row", "record", "object", "super", "?")


def note_name(
    walk: Walk, node: Any, identifiers: list[Any], kind: int, hidden: frozenset[str], silent: bool = False
) -> None:
    """Add what a dotted name depends on to the walk, and note for later passes what it means and where it stands."""
    parts = [part.name.lower() for part in identifiers]
    if parts[0] in hidden:
        return
    if len(parts) == 1 and parts[0] in walk.resolution.pseudo_columns:
        walk.resolution.volatile = walk.resolution.volatile or parts[0] in functions.NILADIC
        return
    found, used = find_column(walk.scope, parts, walk.aliases_first)
    if found is None:
        _not_found(walk, identifiers, parts, kind, silent)
        return
    resolution = walk.resolution
    binding, scope = found.binding, walk.scope
    if binding is not None and scope is not None and scope.parent is not None and binding not in scope.bindings:
        resolution.outer.append((found.column, binding))
    if used == len(parts):
        resolution.column_of[id(node)] = found.column
    elif (type_ := structs.field_type(found.column.type, parts[used:])) is not None:
        resolution.type_of[id(node)] = type_
    start, end = start_of(identifiers[0]), end_of(identifiers[used - 1])
    if found.binding is not None and start is not None and end is not None:
        _note_binding(walk, found, parts, start, end, identifiers, used)
    else:
        _note_unbound(walk, found, parts, used, start, silent or walk.silent)
    walk.edges.append((found.column, kind if used == len(parts) else COMPOSE[kind][TRANSFORMATION]))
    if found.doubtful or (binding is not None and binding.is_open and binding.certain(parts[used - 1]) is None):
        _look_at_namesake(walk, parts)


def _note_unbound(walk: Walk, found: Found, parts: list[str], used: int, start: int | None, silent: bool) -> None:
    """A name that means an alias, a merged column, or one of several things: the hash has to know which."""
    resolution = walk.resolution
    meaning = found.meaning if found.binding is None else f"c{found.binding.index}"
    resolution.notes.append(f"{'.'.join(parts)}={meaning}")
    if used > 1:
        resolution.keep_names()  # its qualifier stays as written
    elif len(parts) > 1:
        resolution.names_matter = True  # the fields of a merged or doubtful column
    if found.ambiguous and not silent:
        message = f"Column '{parts[-1]}' is ambiguous: several tables have one."
        resolution.problem(message, start, "Qualify it with the table's alias.")


def _look_at_namesake(walk: Walk, parts: list[str]) -> None:
    """A name that a table of unknown columns may own may as well be the whole row of a table of that name."""
    binding = named_relation(walk.scope, parts)
    if binding is not None:
        walk.resolution.keep_names()
        walk.edges.append((whole(binding.relation, f"{parts[-1]} may be a column or a whole row"), LOOK))


def _note_binding(
    walk: Walk, found: Found, parts: list[str], start: int, end: int, identifiers: list[Any], used: int
) -> None:
    binding, resolution = found.binding, walk.resolution
    assert binding is not None
    meaning = f"c{binding.index}.{parts[used - 1]}"
    resolution.bound[start] = (end, meaning)
    reference = binding.relation.reference if used > 1 and binding.qualifier else None
    if reference is not None:
        qualifier_end = end_of(identifiers[used - 2])
        if qualifier_end is not None:
            resolution.qualifiers.append((start, qualifier_end, reference))


def find_column(scope: Scope | None, parts: list[str], aliases_first: bool = False) -> tuple[Found | None, int]:
    """Return what a dotted name means, and how many of its parts name the column; the rest are fields of it."""
    if len(parts) == 1:
        return look_up(scope, parts[0], aliases_first), 1
    if parts[0] == "alias" and (found := _aliased(scope, parts[1])) is not None:
        return found, 2
    at = scope
    doubtful: list[Binding] = []
    while at is not None:
        for size in range(min(3, len(parts) - 1), 0, -1):
            binding = at.binding(tuple(parts[:size]))
            if binding is not None and (column := binding.find(parts[size])) is not None:
                return with_doubt(Found(column, binding), doubtful, parts[0]), size + 1
        if (found := in_scope(at, parts[0], False, doubtful)) is not None:
            outer = _of_outer_table(at.parent, parts)
            if outer is None:
                return with_doubt(found, doubtful, parts[0]), 1
            if _may_have_field(found.column.type, parts[1:]):
                return _either(found, outer, doubtful, parts), outer[1]
        at = at.parent
    if doubtful and (named := _by_full_name(scope, parts)) is not None:
        return named
    return (made_up(doubtful, parts[0]), 1) if doubtful else (None, 0)


def _of_outer_table(scope: Scope | None, parts: list[str]) -> tuple[Found, int] | None:
    """`table.column` of a query further out, and how many parts name it."""
    at = scope
    while at is not None:
        for size in range(min(3, len(parts) - 1), 0, -1):
            binding = at.binding(tuple(parts[:size]))
            if binding is not None and (column := binding.find(parts[size])) is not None:
                return Found(column, binding), size + 1
        at = at.parent
    return None


def _may_have_field(type_: str | None, path: list[str]) -> bool:
    """Whether `column.path` can mean a field of a column of this type: a column of plain values has none."""
    if type_ is None or structs.struct_fields(type_) is not None:
        return type_ is None or structs.field_type(type_, path) is not None
    return type_.startswith(_WITH_FIELDS)


def _either(found: Found, outer: tuple[Found, int], doubtful: list[Binding], parts: list[str]) -> Found:
    """A field of an inner column, or a column of an outer table that goes by that column's name: the engine's types
    decide, and they are not all known here."""
    other = outer[0].column
    edges: list[Edge] = [(found.column, TRANSFORMATION), (other, IDENTITY)]
    meaning = f"field of {_owner(found)} or column of {_owner(outer[0])}"
    return with_doubt(Found(Column(parts[-1], None, edges), meaning=meaning), doubtful, parts[0])


def _owner(found: Found) -> str:
    return found.meaning if found.binding is None else str(found.binding.index)


def _by_full_name(scope: Scope | None, parts: list[str]) -> tuple[Found, int] | None:
    """`schema.table.column` of a table that goes by an alias: likelier than a field of an unknown column `schema`."""
    at = scope
    while at is not None and len(parts) > 2:
        for binding in at.bindings:
            reference = binding.relation.reference
            if reference is None:
                continue
            for size in range(min(3, len(parts) - 1), 1, -1):
                if reference.parts[-size:] == tuple(parts[:size]) and (column := binding.find(parts[size])) is not None:
                    doubtful = [other for other in at.bindings if other.is_open]
                    return with_doubt(Found(column, binding), doubtful, parts[0]), size + 1
        at = at.parent
    return None


def _aliased(scope: Scope | None, name: str) -> Found | None:
    """`alias.name` is a select item, where no table has that alias."""
    if scope is None or scope.binding(("alias",)) is not None or name not in scope.aliases:
        return None
    return Found(scope.aliases[name])


def _not_found(walk: Walk, identifiers: list[Any], parts: list[str], kind: int, silent: bool) -> None:
    binding = named_relation(walk.scope, parts)
    if binding is not None:
        alias = binding.alias or binding.relation.label
        start, end, reference = start_of(identifiers[0]), end_of(identifiers[-1]), binding.relation.reference
        if reference is not None and start is not None and end is not None:
            walk.resolution.qualifiers.append((start, end, reference))
        if start is not None and end is not None and not _shows_its_name(identifiers[0]):
            walk.resolution.names_matter = True
            walk.resolution.bound[start] = (end, f"row{binding.index}")
        else:
            walk.resolution.keep_names()
        walk.edges.append((whole(binding.relation, f"{alias} is used as a whole row"), COMPOSE[kind][TRANSFORMATION]))
        return
    if len(parts) == 1 and parts[0] in functions.NILADIC:
        walk.resolution.volatile = True
        return
    if silent or walk.silent:
        return
    look_at_everything(walk, f"'{'.'.join(parts)}' cannot be resolved")
    start = start_of(identifiers[0])
    if parts[-1] == "rowid":
        message = "'rowid' is the place of a row in storage, which no version of a table keeps."
        walk.resolution.problem(message, start, "Use a key column.", refused=True)
        return
    walk.resolution.problem(*_missing(walk.scope, parts, start))


def _shows_its_name(identifier: Any) -> bool:
    """Whether what a row is called may become a name inside a value, as in `struct_pack(t)`; an output's is known."""
    at = identifier.parent
    while at is not None and isinstance(at.parent, exp.Paren):
        at = at.parent
    parent = None if at is None else at.parent
    return isinstance(parent, (exp.Func, exp.Tuple, exp.PropertyEQ)) and not isinstance(parent, exp.Cast)


def _missing(scope: Scope | None, parts: list[str], start: int | None) -> tuple[str, int | None, str]:
    from difflib import get_close_matches  # costs 10 ms to import, and only errors need it

    qualified = None
    at = scope
    while at is not None and qualified is None and len(parts) > 1:
        qualified = at.binding(tuple(parts[:-1])) or at.binding((parts[0],))
        at = at.parent
    bindings: list[Binding] = [] if qualified is None else [qualified]
    at = scope
    while at is not None and qualified is None:
        bindings += at.bindings
        at = at.parent
    names = [column.name for binding in bindings for column in binding.listed()]
    wanted = parts[-1]
    if qualified is None and len(parts) > 1:
        aliases = sorted({binding.alias for binding in bindings if binding.alias})
        near = get_close_matches(parts[0], aliases, 1)
        remedy = f"Did you mean {near[0]}.{wanted}?" if near else f"In scope are: {', '.join(aliases) or 'no tables'}."
        return f"There is no table or alias '{parts[0]}' here.", start, remedy
    where = ", ".join(dict.fromkeys(binding.relation.label for binding in bindings)) or "a query without FROM"
    near = get_close_matches(wanted, names, 1)
    remedy = f"Did you mean {near[0]}?" if near else f"It has: {', '.join(dict.fromkeys(names))}." if names else ""
    return f"{where} has no column '{wanted}'.", start, remedy


def named_relation(scope: Scope | None, parts: list[str]) -> Binding | None:
    """Return the binding that a name means as a whole row, in this scope or one around it."""
    at = scope
    while at is not None:
        binding = at.binding(tuple(parts)) if len(parts) <= 3 else None
        if binding is not None:
            return binding
        at = at.parent
    return None


def look_at_everything(walk: Walk, reason: str) -> None:
    """Fail closed: look at all of everything in scope."""
    at = walk.scope
    while at is not None:
        for binding in at.bindings:
            walk.edges.append((whole(binding.relation, reason), LOOK))
        at = at.parent
