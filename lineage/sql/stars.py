"""Stars in a select list: `*`, `t.*`, EXCLUDE, REPLACE, RENAME, name patterns and COLUMNS(...)."""

from __future__ import annotations

import re
from typing import Any

from sqlglot import exp

from headwater.lineage.sql.context import Environment, Resolution, end_of, start_of
from headwater.lineage.sql.expressions import Walk
from headwater.lineage.sql.model import IDENTITY, LOOK, Binding, Column, Edge, Gap, Relation, whole
from headwater.lineage.sql.scope import Scope

PATTERNS = (exp.Like, exp.ILike, exp.SimilarTo, exp.Glob, exp.RegexpLike, exp.RegexpILike)


def star_of(item: Any) -> exp.Star | None:
    """Return the star that a select item consists of, or None."""
    if type(item) is exp.Star:
        return item
    if type(item) is exp.Column and type(item.this) is exp.Star:
        return item.this
    return None


def expand_star(
    resolution: Resolution, item: Any, star: exp.Star, scope: Scope, environment: Environment | None, out: Relation
) -> None:
    """Add to `out` the columns that a star stands for, or a gap for each source whose columns are not known."""
    bindings = _bindings(resolution, item, scope)
    excluded = {_name(column) for column in star.args.get("except_") or ()}
    renamed = {_name(alias.this): alias.alias for alias in star.args.get("rename") or ()}
    replaced = {alias.alias.lower(): alias.this for alias in star.args.get("replace") or ()}
    qualified = item is not star
    description: list[str] = []
    for binding in bindings:
        for column in binding.listed():
            key = column.name.lower()
            if (key in binding.hidden and not qualified) or key in excluded:
                continue
            if not qualified and key in scope.merged:
                column = scope.merged[key]
            description.append(f"{binding.index}.{key}")
            out.add(_adapted(resolution, column, key, renamed, replaced, scope, environment, out))
        if binding.is_open:
            hidden = frozenset(excluded | binding.hidden | set(replaced))
            renames = {new.lower(): old for old, new in renamed.items()}
            out.gaps.append(Gap(binding.relation, hidden, renames))
            description.append(f"{binding.index}.?")
            for key, expression in replaced.items():
                edges = Walk(resolution, scope, environment).run(expression)
                out.by_name.setdefault(key, Column(key, None, edges))
                out.row_edges += [(target, LOOK) for target, _ in edges]  # it is not listed, so nobody can ask for it
    _note_star(resolution, item, star, description)


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
    """`s.*` where `s` is a struct: its fields are not known."""
    walk = Walk(resolution, scope, None)
    parts = [item.args.get(key) for key in ("catalog", "db", "table")]
    identifiers = [part for part in parts if part is not None]
    walk.run(exp.Column(this=identifiers[-1], table=identifiers[-2] if len(identifiers) > 1 else None))
    relation = Relation(".".join(qualifier))
    relation.open, relation.source = True, walk.edges
    resolution.relations.append(relation)
    resolution.keep_names()
    return [Binding(qualifier[-1], relation, resolution.number())]


def _name(node: Any) -> str:
    return str(node.name).lower()


def _adapted(
    resolution: Resolution,
    column: Column,
    key: str,
    renamed: dict[str, str],
    replaced: dict[str, Any],
    scope: Scope,
    environment: Environment | None,
    out: Relation,
) -> Column:
    if key in replaced:
        walk = Walk(resolution, scope, environment)
        edges = walk.run(replaced[key])
        if walk.spreads:
            out.row_edges += [(target, LOOK) for target, _ in edges]
        return Column(column.name, None, edges)
    if key in renamed:
        return Column(renamed[key], column.type, [(column, IDENTITY)])
    return column


def _note_star(resolution: Resolution, item: Any, star: exp.Star, description: list[str]) -> None:
    start = start_of(star)
    if start is None:
        return
    first = start
    if item is not star:
        for key in ("catalog", "db", "table"):
            if (part := item.args.get(key)) is not None and (at := start_of(part)) is not None:
                first = min(first, at)
    resolution.stars[start] = (first, " ".join(description))


def has_columns(item: Any) -> bool:
    """Return whether a select item chooses columns by name: COLUMNS(...), or `* LIKE '...'`."""
    if isinstance(item, PATTERNS) and star_of(item.this) is not None:
        return True
    if isinstance(item, exp.Not):
        return has_columns(item.this)
    return _chooser(item) is not None


def _chooser(item: Any) -> Any:
    """The first COLUMNS(...) of a select item, outside of subqueries."""
    stack = [item]
    while stack:
        node = stack.pop()
        if isinstance(node, exp.Columns):
            return node
        if isinstance(node, exp.Expr) and not isinstance(node, exp.Query):
            for value in node.args.values():
                stack += value if isinstance(value, list) else [value]
    return None


def expand_columns(
    resolution: Resolution, item: Any, scope: Scope, environment: Environment | None, out: Relation
) -> None:
    """Add what a select item with COLUMNS(...) stands for: once for each column chosen."""
    for binding in scope.bindings:
        out.row_edges.append((whole(binding.relation, "COLUMNS(...) chooses columns by name"), LOOK))
    resolution.names_matter = True
    chooser = _chooser(item)
    chosen = _chosen(item if chooser is None else chooser, scope)
    if chosen is None:
        out.open = True
        out.source = Walk(resolution, scope, environment).run(item)
        return
    resolution.notes.append(f"columns {[column.name for column in chosen]}")
    for column in chosen:
        walk = Walk(resolution, scope, environment)
        walk.chosen = column
        expression = item.this if isinstance(item, exp.Alias) else item
        edges: list[Edge] = [(column, IDENTITY)] if chooser is None else walk.run(expression)
        name = item.alias if isinstance(item, exp.Alias) else column.name
        out.add(Column(name, column.type if chooser in (None, item) else None, edges))


def _chosen(node: Any, scope: Scope) -> list[Column] | None:
    """The columns that a pattern chooses, or None where that cannot be told here."""
    columns: list[Column] = []
    for binding in scope.bindings:
        if binding.is_open:
            return None
        for column in binding.listed():
            key = column.name.lower()
            if key not in binding.hidden:
                columns.append(scope.merged.get(key, column))
    if isinstance(node, exp.Columns):
        this = node.this
        if isinstance(this, exp.Star):
            excluded = {_name(column) for column in this.args.get("except_") or ()}
            if this.args.get("replace") or this.args.get("rename"):
                return None
            return [column for column in columns if column.name.lower() not in excluded]
        if isinstance(this, exp.Literal) and this.is_string:
            return _matching(columns, this.name)
        return None
    if isinstance(node, (exp.Like, exp.ILike)) and isinstance(node.expression, exp.Literal):
        pattern = "".join({"%": ".*", "_": "."}.get(char, re.escape(char)) for char in node.expression.name)
        return _matching(columns, f"^{pattern}$", re.I if isinstance(node, exp.ILike) else 0)
    return None


def _matching(columns: list[Column], pattern: str, flags: int = 0) -> list[Column] | None:
    try:
        matcher = re.compile(pattern, flags)
    except re.error:
        return None
    return [column for column in columns if matcher.search(column.name)]
