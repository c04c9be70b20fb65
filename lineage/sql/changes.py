"""UPDATE, DELETE and MERGE: one output for each column that is set, and what decides about rows."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from headwater.lineage.sql.context import Environment, Resolution
from headwater.lineage.sql.expressions import Walk
from headwater.lineage.sql.joins import bind_source, join_source
from headwater.lineage.sql.model import FILTER, IDENTITY, JOIN, LOOK, Binding, Column, Edge, Gap, Relation, whole
from headwater.lineage.sql.scope import Scope


class Change:
    """One statement that changes rows in place, on its way: what it sees, and the relation it becomes."""

    __slots__ = ("environment", "out", "resolution", "scope")

    def __init__(
        self, resolution: Resolution, label: str, scope: Scope | None, environment: Environment | None
    ) -> None:
        self.resolution = resolution
        self.environment = environment
        self.scope = Scope(scope)
        self.out = Relation(label)
        resolution.relations.append(self.out)

    def edges(self, node: Any) -> list[Edge]:
        """Return what an expression depends on."""
        return Walk(self.resolution, self.scope, self.environment).run(node)

    def shape(self, node: Any, kind: int) -> None:
        """Note that an expression decides about rows."""
        if isinstance(node, exp.Expr):
            self.out.row_edges += [(target, kind) for target, _ in self.edges(node)]

    def bind(self, source: Any) -> None:
        """Add a FROM item, with the joins that hang on it."""
        found = bind_source(self.resolution, source, self.scope, self.environment, self.out)
        self.scope.bindings = self.scope.bindings + found
        if not isinstance(source, (exp.Table, exp.Subquery)):
            for join in source.args.get("joins") or ():
                self.join(join)
        for lateral in source.args.get("laterals") or ():
            self.bind(lateral)
        self.scope.known.clear()

    def returned(self, tree: Any) -> None:
        """Look at what RETURNING or OUTPUT shows: columns of the target, before or after the change."""
        clause = tree.args.get("returning")
        if clause is None or not self.scope.bindings:
            return
        outer, self.scope = self.scope, Scope(self.scope)
        target = outer.bindings[0]
        self.scope.bindings = [Binding(name, target.relation, target.index) for name in ("inserted", "deleted")]
        self.scope.bindings += [Binding(name, target.relation, target.index) for name in ("new", "old")]
        for item in clause.expressions:
            if item.find(exp.Star) is not None:
                self.out.row_edges.append((whole(target.relation, "the change shows all of it"), LOOK))
            elif isinstance(named := item.unalias(), exp.Column) and not named.table:
                if named.name[:1] != "$" and (column := target.find(named.name.lower())) is not None:
                    self.out.row_edges.append((column, LOOK))
            else:
                self.shape(item, LOOK)
        self.scope = outer

    def see(self, bindings: list[Binding]) -> None:
        """Let names mean columns of these bindings."""
        if self.scope.bindings is not bindings:
            self.scope.bindings = bindings
            self.scope.known.clear()

    def join(self, join: Any) -> None:
        """Add a join."""
        join_source(self.resolution, join, self.scope, self.environment, self.out)

    def set(self, name: str, edges: list[Edge]) -> None:
        """Add an output, or another source of one that another branch has set already."""
        known = self.out.by_name.get(name.lower())
        if known is None:
            self.out.add(Column(name, None, edges))
        else:
            known.edges += edges


def update(resolution: Resolution, tree: exp.Update, scope: Scope | None, environment: Environment | None) -> Relation:
    """Return the relation of an UPDATE."""
    change = Change(resolution, "the update", scope, environment)
    clause = tree.args.get("from_")
    if clause is None or not named_in(tree.this, clause):
        change.bind(tree.this)
    else:
        resolution.visited.add(id(tree.this))  # it is an alias of the FROM clause
    if clause is not None:
        change.bind(clause.this)
        for join in clause.args.get("joins") or ():
            change.join(join)
    assignments(change, tree.expressions)
    for key, kind in (("where", FILTER), ("limit", LOOK), ("order", LOOK)):
        if (part := tree.args.get(key)) is not None:
            change.shape(part, kind)
    change.returned(tree)
    return change.out


def named_in(target: Any, clause: Any) -> exp.Table | None:
    """Return the table of a FROM clause that the written target is the alias (or the very name) of, or None."""
    if not isinstance(target, exp.Table) or target.args.get("db") is not None or target.args.get("alias") is not None:
        return None
    name = target.name.lower()
    level = target.find_ancestor(exp.Query)
    tables: list[exp.Table] = [table for table in clause.find_all(exp.Table) if table.find_ancestor(exp.Query) is level]
    for table in tables:
        if table.alias.lower() == name:
            return table
    return next((table for table in tables if not table.alias and table.name.lower() == name), None)


def assignments(change: Change, items: Any) -> None:
    """Add an output for each assignment: `a = 1`, `(a, b) = (select ...)`, `s.field = 1`; `*` is left to MERGE."""
    for item in items if isinstance(items, list) else ():
        if isinstance(item, (exp.EQ, exp.PropertyEQ)):
            _assign(change, item.this, item.expression)
        elif isinstance(item, exp.Expr) and not isinstance(item, exp.Star):
            change.shape(item, LOOK)


def _assign(change: Change, target: Any, value: Any) -> None:
    if isinstance(target, exp.Paren):
        target = target.this
    if isinstance(target, exp.Tuple):
        _assign_several(change, target.expressions, value)
    elif isinstance(target, exp.Column):
        change.set(_target_name(change, target), change.edges(value))
    elif isinstance(target, (exp.Dot, exp.Bracket)):
        first = target.find(exp.Column)
        change.set(first.name if first is not None else target.sql(), change.edges(value))
    elif isinstance(target, exp.Parameter) and isinstance(value, exp.EQ):
        _assign(change, value.this, value.expression)  # T-SQL: @v = column = expression
    else:
        change.shape(value, LOOK)


def _target_name(change: Change, target: exp.Column) -> str:
    """`t.a` is the column a; where `t` is no table here, it is the column and `a` a field of it."""
    qualifier = target.args.get("table")
    if qualifier is None or change.scope.binding((qualifier.name.lower(),)) is not None:
        return str(target.name)
    if target.args.get("db") is not None or len(change.scope.bindings) != 1:
        return str(target.name)
    binding = change.scope.bindings[0]
    known = binding.certain(qualifier.name.lower()) is not None
    return str(qualifier.name if known else target.name)


def _assign_several(change: Change, targets: list[Any], value: Any) -> None:
    names = [target.name for target in targets]
    bare = value
    while isinstance(bare, (exp.Paren, exp.Subquery)) and not isinstance(bare.this, exp.Query):
        bare = bare.this
    if isinstance(bare, exp.Tuple) and len(bare.expressions) == len(names):
        for name, item in zip(names, bare.expressions, strict=True):
            change.set(name, change.edges(item))
        return
    if isinstance(bare, exp.Query):
        resolution = change.resolution
        relation = resolution.resolve(resolution, bare, change.scope, change.environment)
        change.out.row_edges.append((relation, LOOK))
        listed = relation.listed()
        if not relation.is_open and len(listed) == len(names):
            for name, column in zip(names, listed, strict=True):
                change.set(name, [(column, IDENTITY)])
            return
    edges = change.edges(value)
    for name in names:
        change.set(name, list(edges))


def delete(resolution: Resolution, tree: exp.Delete, scope: Scope | None, environment: Environment | None) -> Relation:
    """Return the relation of a DELETE: no outputs, only what decides which rows go."""
    change = Change(resolution, "the deletion", scope, environment)
    clause = tree.args.get("using") or []
    tables = tree.args.get("tables") or []
    target = tree.this if isinstance(tree.this, exp.Expr) else tables[0]  # T-SQL: DELETE t WHERE ...
    if not any(named_in(target, source) for source in clause):
        change.bind(target)
    else:
        resolution.visited.add(id(target))
    for source in clause:
        change.bind(source)
    for table in tables:
        resolution.visited.add(id(table))  # repeats a table, or an alias, of the FROM clause
    for key, kind in (("where", FILTER), ("limit", LOOK), ("order", LOOK)):
        if (part := tree.args.get(key)) is not None:
            change.shape(part, kind)
    change.returned(tree)
    return change.out


def merge(
    resolution: Resolution,
    tree: exp.Merge,
    scope: Scope | None,
    environment: Environment | None,
    columns: tuple[str, ...] | None,
) -> Relation:
    """Return the relation of a MERGE: one output for each column that any branch sets or inserts.

    `columns` are those of the target where they are known: a branch without a list of columns means them.
    """
    change = Change(resolution, "the merge", scope, environment)
    change.bind(tree.this)
    first = len(change.scope.bindings)
    change.bind(tree.args["using"])
    source = change.scope.bindings[first:]
    if (condition := tree.args.get("on")) is not None:
        change.shape(condition, JOIN)
    for key in tree.args.get("using_cond") or ():
        _merge_key(change, key)
    everything = change.scope.bindings
    for when in tree.args["whens"].expressions:
        # A row that is on one side only has nothing on the other, so names mean that side.
        sides = everything if when.args.get("matched") else everything[:first] if when.args.get("source") else source
        change.see(sides if _stays_within(when, sides, everything) else everything)
        if (condition := when.args.get("condition")) is not None:
            change.shape(condition, FILTER)
        branch = when.args.get("then")
        if isinstance(branch, exp.Update):
            _merge_update(change, branch, source, columns)
        elif isinstance(branch, exp.Insert):
            _merge_insert(change, branch, source, columns)
        if isinstance(branch, exp.Expr) and branch.args.get("where") is not None:
            change.shape(branch.args["where"], FILTER)
    change.see(everything)
    change.returned(tree)
    return change.out


def _stays_within(when: Any, sides: list[Binding], everything: list[Binding]) -> bool:
    """Whether no name of a branch is qualified with the side that it cannot see, which some engines let pass."""
    others = {binding.alias for binding in everything if binding not in sides}
    qualifiers = {column.table.lower() for column in when.find_all(exp.Column) if column.table}
    return not qualifiers & others


def _merge_key(change: Change, key: Any) -> None:
    for binding in change.scope.bindings:
        if (column := binding.find(key.name.lower())) is not None:
            change.out.row_edges.append((column, JOIN))


def _merge_update(change: Change, branch: exp.Update, source: list[Binding], columns: tuple[str, ...] | None) -> None:
    items = branch.args.get("expressions")
    items = [items] if isinstance(items, exp.Expr) else items  # a bare `UPDATE *`
    stars = [item for item in items or () if isinstance(item, exp.Star)]
    if not items or stars:
        _all_columns(change, source, columns, stars[0] if stars else None)
    if items:
        assignments(change, items)


def _merge_insert(change: Change, branch: exp.Insert, source: list[Binding], columns: tuple[str, ...] | None) -> None:
    names, values = branch.args.get("this"), branch.args.get("expression")
    if isinstance(values, exp.Values) and values.expressions:
        values = values.expressions[0]
    given = None if names is None else [item.name for item in names.expressions] if isinstance(names, exp.Tuple) else []
    if isinstance(values, exp.Var) or not isinstance(values, (exp.Tuple, exp.Paren)):
        if given and isinstance(values, exp.Var):
            columns = tuple(given)  # `INSERT (a, b) ROW`
        star = names if isinstance(names, exp.Star) else None
        _all_columns(change, source, columns, star, isinstance(names, exp.Var) or isinstance(values, exp.Var))
        return
    items = values.expressions if isinstance(values, exp.Tuple) else [values.this]
    targets = given or list(columns or ())
    for position, value in enumerate(items):
        if position < len(targets):
            name = targets[position]
        else:
            name = value.name if isinstance(value, exp.Column) else f"column {position + 1}"
        change.set(name, change.edges(value))


def _all_columns(
    change: Change,
    source: list[Binding],
    columns: tuple[str, ...] | None,
    star: exp.Star | None = None,
    by_position: bool = False,
) -> None:
    """`INSERT *`, `UPDATE SET *`: columns of the source go to those of the same name; `INSERT ROW` goes by position."""
    excluded = {item.name.lower() for item in star.args.get("except_") or ()} if star is not None else set()
    listed = [column for binding in source for column in binding.listed()]
    known = None if columns is None else {name.lower() for name in columns}
    if by_position and columns is not None and len(columns) == len(listed):
        for name, column in zip(columns, listed, strict=True):
            change.set(name, [(column, IDENTITY)])
        return
    for column in listed:
        name = column.name.lower()
        if (known is None or name in known) and name not in excluded:
            change.set(column.name, [(column, IDENTITY)])
    for binding in source:
        if not binding.is_open:
            continue
        if columns is None:
            change.out.gaps.append(Gap(binding.relation, frozenset(excluded)))
        for name in columns or ():
            key = name.lower()
            if key in excluded or key in change.out.by_name:
                continue
            if (found := binding.find(key)) is not None:
                change.set(name, [(found, IDENTITY)])
