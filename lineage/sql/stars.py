"""Stars: `*`, `t.*`, EXCLUDE, REPLACE, RENAME, name patterns and COLUMNS(...), in a select list and elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from sqlglot import exp

from headwater.lineage.sql import choosing, structs, types
from headwater.lineage.sql.context import Environment, Resolution, end_of, start_of
from headwater.lineage.sql.expressions import Walk
from headwater.lineage.sql.model import (
    COMPOSE,
    IDENTITY,
    LOOK,
    SPREAD,
    TRANSFORMATION,
    Binding,
    Column,
    Edge,
    Gap,
    Relation,
    whole,
)
from headwater.lineage.sql.scope import Scope
from headwater.lineage.sql.walk import HANDLERS

BY_NAME: Final = "COLUMNS(...) chooses columns by name"
_GROUP: Final = re.compile(r"\\(\\|\d)")  # in the alias of COLUMNS: what a part of the pattern matched


def star_of(item: Any) -> exp.Star | None:
    """Return the star that a select item consists of, or None."""
    if type(item) is exp.Star:
        return item
    if type(item) is exp.Column and type(item.this) is exp.Star:
        return item.this
    return None


class _Changes:
    """What EXCLUDE, RENAME, REPLACE and ILIKE do to a star; a name may be qualified."""

    __slots__ = ("excluded", "like", "renamed", "replaced")

    def __init__(self, star: exp.Star) -> None:
        self.excluded = {_key(column) for column in star.args.get("except_") or ()}
        self.renamed = {_key(alias.this): str(alias.alias) for alias in star.args.get("rename") or ()}
        self.replaced = {alias.alias.lower(): (alias.alias, alias.this) for alias in star.args.get("replace") or ()}

        pattern = star.args.get("ilike")
        self.like: Callable[[str], bool] | None = None
        if isinstance(pattern, exp.Literal) and "\\" not in pattern.name:
            self.like = choosing.predicate(exp.ILike(this=exp.Star(), expression=pattern.copy()))

    def excludes(self, binding: Binding, key: str) -> bool:
        if self.like is not None and not self.like(key):
            return True
        return (None, key) in self.excluded or (binding.alias, key) in self.excluded

    def new_name(self, binding: Binding, key: str) -> str | None:
        return self.renamed.get((None, key)) or self.renamed.get((binding.alias, key))


def _key(node: Any) -> tuple[str | None, str]:
    table = node.args.get("table") if isinstance(node, exp.Column) else None
    return (None if table is None else table.name.lower()), str(node.name).lower()


def expand_star(
    resolution: Resolution, item: Any, star: exp.Star, scope: Scope, environment: Environment | None, out: Relation
) -> None:
    """Add to `out` the columns that a star stands for, or a gap for each source whose columns are not known."""
    changes = _Changes(star)
    description: list[str] = []
    bindings = _bindings(resolution, item, scope)
    _require_names(resolution, star, bindings)
    for binding in bindings:
        for column in _columns_of(resolution, binding, item is star, changes, scope, environment, out, description):
            out.add(column)
        if binding.is_open:
            excluded = {name for table, name in changes.excluded if table in (None, binding.alias)}
            hidden = frozenset(excluded | binding.hidden | set(changes.replaced))
            renames = {new.lower(): old for (_, old), new in changes.renamed.items()}
            out.gaps.append(Gap(binding.relation, hidden, renames))
            description.append(f"{binding.index}.?")
            for key, (_, expression) in changes.replaced.items():
                edges = Walk(resolution, scope, environment).run(expression)
                out.by_name.setdefault(key, Column(key, None, edges))
                out.row_edges += [(target, LOOK) for target, _ in edges]  # it is not listed, so nobody can ask for it
    _note_star(resolution, item, star, description)


def _require_names(resolution: Resolution, star: exp.Star, bindings: list[Binding]) -> None:
    """EXCLUDE and REPLACE must name columns that are there; RENAME need not."""
    if not star.args or resolution.query.dialect != "duckdb" or any(binding.is_open for binding in bindings):
        return
    named = [("EXCLUDE", column, _key(column)) for column in star.args.get("except_") or ()]
    named += [("REPLACE", alias.args["alias"], (None, alias.alias.lower())) for alias in star.args.get("replace") or ()]
    for word, node, (table, name) in named:
        if not any(table in (None, binding.alias) and binding.certain(name) is not None for binding in bindings):
            where = ", ".join(dict.fromkeys(binding.relation.label for binding in bindings)) or "a query without FROM"
            identifier = node.this if isinstance(node, exp.Column) else node
            resolution.problem(f"{word}: {where} has no column '{name}'.", start_of(identifier), "Leave it out.")


def _columns_of(
    resolution: Resolution,
    binding: Binding,
    bare: bool,
    changes: _Changes,
    scope: Scope,
    environment: Environment | None,
    out: Relation | None,
    description: list[str],
) -> Iterator[Column]:
    """The columns of one source that a star shows, changed as it says."""
    for column in binding.listed():
        key = column.name.lower()
        if (key in binding.hidden and bare) or ((changes.excluded or changes.like) and changes.excludes(binding, key)):
            continue
        if bare and binding.merged:
            column = binding.merged.get(key, column)
        description.append(f"{binding.index}.{key}")
        if key in changes.replaced:
            name, expression = changes.replaced[key]
            walk = Walk(resolution, scope, environment)
            edges = walk.run(expression)
            if walk.spreads and out is not None:
                out.row_edges += [(target, SPREAD) for target, _ in edges]
            yield Column(name, None, edges)
        elif changes.renamed and (new := changes.new_name(binding, key)) is not None:
            yield Column(new, column.type, [(column, IDENTITY)])
        else:
            yield column


def _bindings(resolution: Resolution, item: Any, scope: Scope) -> list[Binding]:
    if type(item) is exp.Star:
        return scope.bindings
    qualifier = tuple(
        part.name.lower() for part in (item.args.get(k) for k in ("catalog", "db", "table")) if part is not None
    )
    at: Scope | None = scope
    while at is not None:
        if (binding := at.binding(qualifier)) is not None:
            if binding.relation.reference is not None:
                first = item.args.get("catalog") or item.args.get("db") or item.args.get("table")
                start, end = start_of(first), end_of(item.args.get("table"))
                if start is not None and end is not None:
                    resolution.qualifiers.append((start, end, binding.relation.reference))
            return [binding]
        at = at.parent
    return _struct_star(resolution, item, qualifier, scope)


def _struct_star(resolution: Resolution, item: Any, qualifier: tuple[str, ...], scope: Scope) -> list[Binding]:
    """`s.*` where `s` is a struct: one column for each field, where its type is known."""
    walk = Walk(resolution, scope, None)
    parts = [item.args.get(key) for key in ("catalog", "db", "table")]
    identifiers = [part for part in parts if part is not None]
    struct = exp.Column(this=identifiers[-1], table=identifiers[-2] if len(identifiers) > 1 else None)
    edges = [(target, COMPOSE[kind][TRANSFORMATION] if kind < LOOK else kind) for target, kind in walk.run(struct)]
    relation = Relation(".".join(qualifier))
    resolution.relations.append(relation)
    column = resolution.column_of.get(id(struct))
    fields = structs.struct_fields(resolution.type_of.get(id(struct)) if column is None else column.type)
    if fields is None:
        relation.open, relation.source = True, edges
        resolution.keep_names()
    for name, type_ in fields or ():
        relation.add(Column(name, type_, list(edges)))
    return [Binding(qualifier[-1], relation, resolution.number())]


def _note_star(resolution: Resolution, item: Any, star: exp.Star, description: list[str]) -> None:
    start = start_of(star)
    if start is None or resolution.query.text[start : start + 1] != "*":  # FROM t, TABLE t: a star that is not written
        resolution.notes.append(f"star {' '.join(description)}")
        return
    first = start
    if item is not star:
        for key in ("catalog", "db", "table"):
            if (part := item.args.get(key)) is not None and (at := start_of(part)) is not None:
                first = min(first, at)
    resolution.stars[start] = (first, " ".join(description))


# ---- COLUMNS(...) and patterns


def has_columns(item: Any) -> bool:
    """Return whether an expression chooses columns by name: COLUMNS(...), or `* LIKE '...'`."""
    return _is_pattern(item) or _chooser(item) is not None


def _is_pattern(item: Any) -> bool:
    while isinstance(item, (exp.Not, exp.Paren)):
        item = item.this
    return isinstance(item, choosing.PATTERNS) and star_of(item.this) is not None


def unpacks(item: Any) -> bool:
    """Return whether a select item without a name of its own spreads COLUMNS(...) into arguments."""
    if isinstance(item, exp.Alias):
        return False
    return _chooser(item) is None and _chooser(item, unpacked=True) is not None


def _chooser(item: Any, unpacked: bool = False) -> Any:
    """The first COLUMNS(...) of an expression, outside of subqueries and but for those that are unpacked."""
    stack = [item]
    while stack:
        node = stack.pop()
        if isinstance(node, exp.Columns) and (unpacked or not node.args.get("unpack")):
            return node
        if isinstance(node, exp.Expr) and not isinstance(node, exp.Query):
            for value in node.args.values():
                stack += value if isinstance(value, list) else [value]
    return None


def expand_columns(
    resolution: Resolution, item: Any, scope: Scope, environment: Environment | None, out: Relation
) -> None:
    """Add what a select item with COLUMNS(...) stands for: once for each column chosen."""
    expression = item.this if isinstance(item, exp.Alias) else item
    chooser = None if _is_pattern(expression) else _chooser(expression)
    chosen = chosen_columns(resolution, expression if chooser is None else chooser, scope, environment)
    if chosen is None:
        resolution.names_matter = True
        out.row_edges += [(whole(binding.relation, BY_NAME), LOOK) for binding in scope.bindings]
        out.open = True
        out.source = out.source + Walk(resolution, scope, environment).run(item)
        return
    pattern = _pattern_of(chooser)
    for column in chosen:
        walk = Walk(resolution, scope, environment)
        walk.chosen = column
        edges: list[Edge] = [(column, IDENTITY)] if chooser is None else walk.run(expression)
        if walk.spreads:
            out.row_edges += [(target, SPREAD) for target, _ in edges]
        name = _renamed(item.alias, column.name, pattern) if isinstance(item, exp.Alias) else column.name
        if expression in (None, chooser) or chooser is None:
            out.add(column if name == column.name else Column(name, column.type, edges))
        else:
            resolution.type_of[id(chooser)] = column.type or types.UNKNOWN
            out.add(Column(name, types.type_of(resolution, expression), edges))


def _pattern_of(chooser: Any) -> re.Pattern[str] | None:
    this = None if chooser is None else chooser.this
    return choosing.expression(this.name) if isinstance(this, exp.Literal) and this.is_string else None


def _renamed(alias: str, name: str, pattern: re.Pattern[str] | None) -> str:
    r"""The alias with `\0` replaced by the name, and `\1` ... by what the pattern matched of it."""
    if "\\" not in alias:
        return alias
    match = None if pattern is None else pattern.search(name)

    def group(part: re.Match[str]) -> str:
        if part[1] == "\\":
            return "\\"
        number = int(part[1])
        if number == 0:
            return name
        return "" if match is None or number > match.re.groups else str(match[number] or "")

    return _GROUP.sub(group, alias)


def chosen_columns(
    resolution: Resolution, node: Any, scope: Scope, environment: Environment | None = None
) -> list[Column] | None:
    """Return the columns that a star, a star with a pattern or COLUMNS(...) chooses; None where that cannot be told."""
    try:
        chosen = _chosen(resolution, node, scope, environment)
    except choosing.Unclear:
        return None
    if chosen is not None:
        resolution.notes.append(f"columns {[column.name.lower() for column in chosen]}")
    if chosen == [] and resolution.query.dialect == "duckdb":
        resolution.problem(
            "A choice of columns by name matches none.", _place(node), "Correct the names or the pattern."
        )
    return chosen


def _place(node: Any) -> int | None:
    places = (start_of(part) for part in node.walk())
    return next((place for place in places if place is not None), None)


def _chosen(resolution: Resolution, node: Any, scope: Scope, environment: Environment | None) -> list[Column] | None:
    if _is_pattern(node):
        star = next(part for part in node.find_all(exp.Star))
        item = star.parent if type(star.parent) is exp.Column else star
        columns = _all_of(resolution, item, scope, environment)
        decides = choosing.predicate(node)
        return None if columns is None else [column for column in columns if decides(column.name)]
    if star_of(node) is not None:
        return _all_of(resolution, node, scope, environment)
    this = node.this
    if star_of(this) is not None or _is_pattern(this):
        return _chosen(resolution, this, scope, environment)
    everything = _all_of(resolution, exp.Star(), scope, environment)
    if everything is None:
        return None
    if isinstance(this, exp.Literal) and this.is_string:
        pattern = choosing.expression(this.name)
        return [column for column in everything if pattern.search(column.name)]
    if isinstance(this, exp.Lambda):
        decides = choosing.predicate(this)
        return [column for column in everything if decides(column.name)]

    def names_of(star: Any) -> list[str]:
        found = _all_of(resolution, star, scope, environment) if star_of(star) is not None else None
        if found is None:
            raise choosing.Unclear
        return [column.name for column in found]

    names = {name.lower() for name in choosing.listed(this, names_of)}
    return [column for column in everything if column.name.lower() in names]


def _all_of(resolution: Resolution, item: Any, scope: Scope, environment: Environment | None) -> list[Column] | None:
    """What a star stands for, where all of that is known."""
    star = star_of(item)
    assert star is not None
    bindings = _bindings(resolution, item, scope)
    if any(binding.is_open for binding in bindings):
        return None
    _require_names(resolution, star, bindings)
    changes, description = _Changes(star), list[str]()
    columns = [
        column
        for binding in bindings
        for column in _columns_of(resolution, binding, item is star, changes, scope, environment, None, description)
    ]
    _note_star(resolution, item, star, description)
    return columns


def _columns_inside(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    """COLUMNS(...) inside an expression: the column it stands for just now, or all that it chooses."""
    if walk.chosen is not None and not node.args.get("unpack"):
        walk.edges.append((walk.chosen, kind))
        return
    chosen = None if walk.scope is None else chosen_columns(walk.resolution, node, walk.scope, walk.environment)
    if chosen is not None:
        walk.edges += [(column, kind) for column in chosen]
        return
    walk.resolution.names_matter = True
    for binding in walk.scope.bindings if walk.scope else ():
        walk.edges.append((whole(binding.relation, BY_NAME), COMPOSE[kind][TRANSFORMATION]))


HANDLERS[exp.Columns] = _columns_inside
