"""What an expression is made from: one walk down the tree with an explicit stack, so that depth costs nothing.

Going down, the walk carries how the value passes through (see `model`): a column met below `sum(...)` is aggregated,
one met below a CASE condition decides without being shown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlglot import exp

from headwater.lineage.sql import functions, structs
from headwater.lineage.sql.context import Environment, Resolution, end_of, start_of
from headwater.lineage.sql.model import (
    AGGREGATION,
    COMPOSE,
    CONDITIONAL,
    IDENTITY,
    LOOK,
    MASKED,
    TRANSFORMATION,
    WINDOW,
    Binding,
    Column,
    Edge,
    whole,
)
from headwater.lineage.sql.scope import NO_NAMES, Found, Scope, in_scope, look_up, made_up, with_doubt

Pending = tuple[Any, int, frozenset[str]]  # node, how its value passes through, names hidden by lambda parameters

TRANSFORM_MASKED: Final = TRANSFORMATION + MASKED


class Walk:
    """One walk over one expression. `edges` is what it depends on; `spreads`: it can change the number of rows."""

    __slots__ = ("aliases_first", "chosen", "edges", "environment", "resolution", "scope", "silent", "spreads", "stack")

    def __init__(
        self, resolution: Resolution, scope: Scope | None, environment: Environment | None, aliases_first: bool = False
    ) -> None:
        self.resolution = resolution
        self.scope = scope
        self.environment = environment
        self.aliases_first = aliases_first
        self.edges: list[Edge] = []
        self.spreads = False
        self.chosen: Column | None = None  # what COLUMNS(...) stands for just now
        self.silent = False  # whether names that mean nothing are passed over
        self.stack: list[Pending] = []

    def run(self, node: Any, kind: int = IDENTITY) -> list[Edge]:
        """Return all edges of the expression `node`."""
        stack = self.stack
        stack.append((node, kind, NO_NAMES))
        while stack:
            node, kind, hidden = stack.pop()
            handler = HANDLERS.get(type(node))
            if handler is None:
                handler = HANDLERS[type(node)] = _default_handler(type(node))
            handler(self, node, kind, hidden)
        return self.edges

    def push(self, node: Any, kind: int, hidden: frozenset[str]) -> None:
        """Put a node, or each of a list, on the stack; the last one pushed is walked first."""
        if type(node) is list:
            for item in reversed(node):
                self.stack.append((item, kind, hidden))
        elif node is not None and not isinstance(node, (str, bool, int)):
            self.stack.append((node, kind, hidden))

    def children(self, node: Any, kind: int, hidden: frozenset[str]) -> None:
        """Put every child on the stack."""
        stack = self.stack
        for value in node.args.values():
            if isinstance(value, exp.Expr):
                stack.append((value, kind, hidden))
            elif type(value) is list:
                for item in value:
                    if isinstance(item, exp.Expr):
                        stack.append((item, kind, hidden))


Handler = Callable[[Walk, Any, int, frozenset[str]], None]


def _skip(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    """Literals, types and names that are no columns."""


def _through(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    walk.children(node, kind, hidden)


def _transform(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    walk.children(node, COMPOSE[kind][TRANSFORMATION], hidden)


def _condition(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    walk.children(node, COMPOSE[kind][CONDITIONAL], hidden)


def _function(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    name = function_name(walk.resolution, node)
    if name in functions.MASKING:
        inner = COMPOSE[kind][TRANSFORM_MASKED]
    elif name in functions.COPYING_AGGREGATES:
        inner = kind
    elif isinstance(node, exp.AggFunc) or name in functions.AGGREGATES:
        inner = COMPOSE[kind][AGGREGATION]
    else:
        inner = COMPOSE[kind][TRANSFORMATION]
    if name not in functions.PLAIN:
        _note_function(walk, node, name)
    walk.children(node, inner, hidden)


def _note_function(walk: Walk, node: Any, name: str) -> None:
    unknown = not functions.is_known(name)
    if unknown or name in functions.SPREADING:
        walk.spreads = True
    if unknown or name in functions.NAMES_AS_DATA:
        walk.resolution.names_matter = True
    walk.resolution.calls.append((name, node))


def function_name(resolution: Resolution, node: Any) -> str:
    """Return the lower-case name of a function as it is written, or the parser's name for special syntax."""
    start, end = start_of(node), end_of(node)
    if start is not None and end is not None:
        return resolution.query.text[start:end].strip('"`[]').lower()
    if isinstance(node, exp.Anonymous):
        return str(node.name).lower()
    return functions.syntax_name(type(node))


def _count(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    if type(node.args.get("this")) is exp.Star:
        return  # the number of rows, which every read carries
    _function(walk, node, kind, hidden)


def _column(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    args = node.args
    this, table = args["this"], args.get("table")
    if table is None:
        identifiers = [this]
    elif args.get("db") is None:
        identifiers = [table, this]
    else:
        identifiers = [part for part in (args.get("catalog"), args["db"], table, this) if part is not None]
    if type(this) is exp.Star:
        _qualified_star(walk, identifiers, kind)
        return
    _name(walk, node, identifiers, kind, hidden)


def _identifier(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    _name(walk, node, [node], kind, hidden, silent=True)


def _name(
    walk: Walk, node: Any, identifiers: list[Any], kind: int, hidden: frozenset[str], silent: bool = False
) -> None:
    parts = [part.args["this"].lower() for part in identifiers]
    if parts[0] in hidden:
        return
    scope = walk.scope
    if scope is not None and not walk.aliases_first and (known := scope.known.get(tuple(parts))) is not None:
        column, meaning, reference = known
        walk.resolution.column_of[id(node)] = column
        walk.edges.append((column, kind))
        first, last = identifiers[0]._meta, identifiers[-1]._meta
        if first and last:
            walk.resolution.bound[first["start"]] = (last["end"] + 1, meaning)
            if reference is not None:
                walk.resolution.qualifiers.append((first["start"], identifiers[-2]._meta["end"] + 1, reference))
        return
    found, used = find_column(walk.scope, parts, walk.aliases_first)
    if found is None:
        _not_found(walk, identifiers, parts, kind, silent)
        return
    resolution = walk.resolution
    if used == len(parts):
        resolution.column_of[id(node)] = found.column
    elif (type_ := structs.field_type(found.column.type, parts[used:])) is not None:
        resolution.type_of[id(node)] = type_
    start, end = start_of(identifiers[0]), end_of(identifiers[used - 1])
    if found.binding is not None and start is not None and end is not None:
        _note_binding(walk, found, parts, start, end, identifiers, used)
    else:
        _note_unbound(walk, found, parts, start, silent or walk.silent)
    walk.edges.append((found.column, kind if used == len(parts) else COMPOSE[kind][TRANSFORMATION]))
    if found.binding is not None and found.binding.is_open and found.binding.certain(parts[used - 1]) is None:
        _look_at_namesake(walk, parts)


def _note_unbound(walk: Walk, found: Found, parts: list[str], start: int | None, silent: bool) -> None:
    """A name that means an alias, a merged column, or one of several things: the hash has to know which."""
    resolution = walk.resolution
    resolution.notes.append(f"{'.'.join(parts)}={found.meaning}")
    if len(parts) > 1:
        resolution.names_matter = True  # its qualifier stays as written
    if found.ambiguous and not silent:
        message = f"Column '{parts[-1]}' is ambiguous: several tables have one."
        resolution.problem(message, start, "Qualify it with the table's alias.")


def _look_at_namesake(walk: Walk, parts: list[str]) -> None:
    """A name that a table of unknown columns may own may as well be the whole row of a table of that name."""
    binding = _named_relation(walk.scope, parts)
    if binding is not None:
        walk.resolution.names_matter = True
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
    if used == len(parts) and walk.scope is not None and not walk.aliases_first and not binding.is_open:
        walk.scope.known[tuple(parts)] = (found.column, meaning, reference)


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
            return with_doubt(found, doubtful, parts[0]), 1
        at = at.parent
    return (made_up(doubtful, parts[0]), 1) if doubtful else (None, 0)


def _aliased(scope: Scope | None, name: str) -> Found | None:
    """`alias.name` is a select item, where no table has that alias."""
    if scope is None or scope.binding(("alias",)) is not None or name not in scope.aliases:
        return None
    return Found(scope.aliases[name])


def _not_found(walk: Walk, identifiers: list[Any], parts: list[str], kind: int, silent: bool) -> None:
    binding = _named_relation(walk.scope, parts)
    if binding is not None:
        walk.resolution.names_matter = True
        alias = binding.alias or binding.relation.label
        start, end, reference = start_of(identifiers[0]), end_of(identifiers[-1]), binding.relation.reference
        if reference is not None and start is not None and end is not None:
            walk.resolution.qualifiers.append((start, end, reference))
        walk.edges.append((whole(binding.relation, f"{alias} is used as a whole row"), COMPOSE[kind][TRANSFORMATION]))
        return
    if len(parts) == 1 and parts[0] in functions.NILADIC:
        walk.resolution.volatile = True
        return
    if silent or walk.silent:
        return
    _look_at_everything(walk, f"'{'.'.join(parts)}' cannot be resolved")
    start = start_of(identifiers[0])
    if parts[-1] == "rowid":
        message = "'rowid' is the place of a row in storage, which no version of a table keeps."
        walk.resolution.problem(message, start, "Use a key column.", refused=True)
        return
    walk.resolution.problem(*_missing(walk.scope, parts, start))


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


def _named_relation(scope: Scope | None, parts: list[str]) -> Binding | None:
    at = scope
    while at is not None:
        binding = at.binding(tuple(parts)) if len(parts) <= 3 else None
        if binding is not None:
            return binding
        at = at.parent
    return None


def _look_at_everything(walk: Walk, reason: str) -> None:
    at = walk.scope
    while at is not None:
        for binding in at.bindings:
            walk.edges.append((whole(binding.relation, reason), LOOK))
        at = at.parent


def _star(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    """A star inside an expression: a whole row of everything in scope."""
    walk.resolution.names_matter = True
    for binding in walk.scope.bindings if walk.scope else ():
        walk.edges.append((whole(binding.relation, "a star stands inside an expression"), kind))
    walk.children(node, kind, hidden)


def _qualified_star(walk: Walk, identifiers: list[Any], kind: int) -> None:
    walk.resolution.names_matter = True
    binding = _named_relation(walk.scope, [part.name.lower() for part in identifiers[:-1]])
    if binding is None:
        _look_at_everything(walk, "a qualified star cannot be resolved")
        return
    walk.edges.append((whole(binding.relation, "a star stands inside an expression"), kind))


def _columns(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    """COLUMNS(...): which columns depends on their names; all are looked at."""
    walk.resolution.names_matter = True
    if walk.chosen is not None:
        walk.edges.append((walk.chosen, kind))
        return
    for binding in walk.scope.bindings if walk.scope else ():
        walk.edges.append(
            (whole(binding.relation, "COLUMNS(...) chooses columns by name"), COMPOSE[kind][TRANSFORMATION])
        )


def _case(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    walk.push(node.args.get("default"), COMPOSE[kind][TRANSFORMATION], hidden)
    for branch in reversed(node.args.get("ifs") or ()):
        _if(walk, branch, kind, hidden)
    walk.push(node.args.get("this"), COMPOSE[kind][CONDITIONAL], hidden)


def _if(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    walk.push(node.args.get("false"), COMPOSE[kind][TRANSFORMATION], hidden)
    walk.push(node.args.get("true"), COMPOSE[kind][TRANSFORMATION], hidden)
    walk.push(node.args.get("this"), COMPOSE[kind][CONDITIONAL], hidden)


def _nullif(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    walk.push(node.args.get("expression"), COMPOSE[kind][CONDITIONAL], hidden)
    walk.push(node.args.get("this"), COMPOSE[kind][CONDITIONAL], hidden)
    walk.push(node.args.get("this"), COMPOSE[kind][TRANSFORMATION], hidden)


def _filter(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    walk.push(node.args.get("expression"), COMPOSE[kind][CONDITIONAL], hidden)
    walk.push(node.args.get("this"), kind, hidden)


def _ordered_argument(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    """ORDER BY inside an aggregate: the keys arrange, the argument is what is shown."""
    walk.push(node.args.get("expressions"), COMPOSE[kind][WINDOW], hidden)
    walk.push(node.args.get("this"), kind, hidden)


def _within_group(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    order = node.args.get("expression")
    walk.push(order.args.get("expressions") if order is not None else None, COMPOSE[kind][AGGREGATION], hidden)
    walk.push(node.args.get("this"), kind, hidden)


def _window(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    keys = COMPOSE[kind][WINDOW]
    for name in ("spec", "order", "partition_by"):
        walk.push(node.args.get(name), keys, hidden)
    if (alias := node.args.get("alias")) is not None:
        _named_window(walk, alias.name.lower(), keys, hidden)
    walk.push(node.args.get("this"), COMPOSE[kind][TRANSFORMATION], hidden)


def _named_window(walk: Walk, name: str, kind: int, hidden: frozenset[str]) -> None:
    seen = 0
    definition = walk.scope.windows.get(name) if walk.scope else None
    while definition is not None and seen < 100:
        seen += 1
        for key in ("spec", "order", "partition_by"):
            walk.push(definition.args.get(key), kind, hidden)
        base = definition.args.get("alias")
        definition = walk.scope.windows.get(base.name.lower()) if base is not None and walk.scope else None


def _query(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    """A scalar subquery: its columns pass through; its rows decide whether there is a value at all."""
    relation = walk.resolution.resolve(walk.resolution, node, walk.scope, walk.environment)
    walk.edges.append((relation, LOOK))
    for column in relation.listed():
        walk.edges.append((column, kind))
    for gap in relation.gaps:
        walk.edges.append((whole(gap.relation, "a subquery selects all of it"), kind))


def _exists(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    this = node.args.get("this")
    if not isinstance(this, exp.Query):
        _transform(walk, node, kind, hidden)
        return
    walk.edges.append((walk.resolution.resolve(walk.resolution, this, walk.scope, walk.environment), LOOK))


def _in(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    subquery = node.args.get("query")
    inner = COMPOSE[kind][CONDITIONAL if isinstance(subquery, exp.Query) else TRANSFORMATION]
    walk.children(node, inner, hidden)


def _lambda(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    parameters = list(node.args.get("expressions") or ())
    parent = getattr(node, "parent", None)
    if parent is not None and not functions.takes_lambda(function_name(walk.resolution, parent)):
        walk.push(parameters, kind, hidden)  # `f(j -> 'a')`: an arrow into JSON, not a lambda
        walk.push(node.args.get("this"), kind, hidden)
        return
    names = {parameter.name.lower() for parameter in parameters}
    walk.push(node.args.get("this"), kind, hidden | names)


def _comprehension(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    names = {node.args[key].name.lower() for key in ("expression", "position") if node.args.get(key) is not None}
    inner = hidden | names
    walk.push(node.args.get("condition"), COMPOSE[kind][TRANSFORMATION], inner)
    walk.push(node.args.get("this"), COMPOSE[kind][TRANSFORMATION], inner)
    walk.push(node.args.get("iterator"), COMPOSE[kind][TRANSFORMATION], hidden)


def _dot(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    """`a.b.c` beyond four parts, `(row).field`, or a chain of method calls."""
    inner = COMPOSE[kind][TRANSFORMATION]
    identifiers: list[Any] = []
    at = node
    while type(at) is exp.Dot:
        right = at.args["expression"]
        if type(right) is exp.Identifier:
            identifiers.insert(0, right)
        else:
            walk.children(right, inner, hidden) if isinstance(right, exp.Func) else walk.push(right, inner, hidden)
            identifiers.clear()
        at = at.args["this"]
    if type(at) is exp.Identifier:
        _name(walk, node, [at, *identifiers], inner, hidden)
    elif type(at) is exp.Column and type(at.this) is exp.Identifier:
        parts = [part for part in (at.args.get(k) for k in ("catalog", "db", "table", "this")) if part is not None]
        _name(walk, at, [*parts, *identifiers], inner, hidden)
    else:
        walk.push(at, inner, hidden)


def _property(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    """`name := value`: the name is a field or an argument."""
    walk.resolution.names_matter = True
    walk.push(node.args.get("expression"), kind, hidden)


def _struct(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    walk.resolution.names_matter = True
    _transform(walk, node, kind, hidden)


def _alias(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    walk.push(node.args.get("this"), kind, hidden)


def _collate(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    """The name of a collation is no column."""
    walk.push(node.args.get("this"), kind, hidden)


def _interval(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    walk.push(node.args.get("this"), COMPOSE[kind][TRANSFORMATION], hidden)


def _default_handler(node_type: type) -> Handler:
    if node_type in _SKIPPED:
        return _skip
    if issubclass(node_type, exp.Query):
        return _query
    if issubclass(node_type, (exp.Connector, exp.Binary, exp.Cast)):
        return _transform
    if issubclass(node_type, exp.Func):
        return _function
    return _transform


_SKIPPED = (
    exp.Literal, exp.Boolean, exp.Null, exp.DataType, exp.Var, exp.Placeholder, exp.Parameter, exp.JSONPath,
    exp.CurrentDate, exp.CurrentTime, exp.CurrentTimestamp, exp.Localtime, exp.Localtimestamp, exp.CurrentUser,
    exp.DataTypeParam,
)  # fmt: skip

HANDLERS: dict[type, Handler] = {
    exp.Column: _column,
    exp.Identifier: _identifier,
    exp.Paren: _through,
    exp.Alias: _alias,
    exp.Ordered: _through,
    exp.Where: _through,
    exp.Star: _star,
    exp.Columns: _columns,
    exp.Count: _count,
    exp.Case: _case,
    exp.If: _if,
    exp.Nullif: _nullif,
    exp.Filter: _filter,
    exp.Order: _ordered_argument,
    exp.WithinGroup: _within_group,
    exp.IgnoreNulls: _through,
    exp.RespectNulls: _through,
    exp.Window: _window,
    exp.Exists: _exists,
    exp.In: _in,
    exp.Lambda: _lambda,
    exp.Comprehension: _comprehension,
    exp.Dot: _dot,
    exp.PropertyEQ: _property,
    exp.Kwarg: _property,
    exp.Struct: _struct,
    exp.Interval: _interval,
    exp.Collate: _collate,
    exp.ToMap: _transform,
    exp.Map: _transform,
}


def direct_column(resolution: Resolution, node: exp.Expr) -> Column | None:
    """Return the column that `node` simply is, or None where it is an expression."""
    while type(node) is exp.Paren:
        node = node.this
    return resolution.column_of.get(id(node)) if type(node) is exp.Column else None


__all__ = ["Walk", "direct_column", "find_column", "function_name"]
