"""What an expression is made from: one walk down the tree with an explicit stack, so that depth costs nothing.

Going down, the walk carries how the value passes through (see `model`): a column met below `sum(...)` is aggregated,
one met below a CASE condition decides without being shown.
"""

from __future__ import annotations

from typing import Any, Final

from sqlglot import exp

from headwater.lineage.sql import columns, functions, lambdas
from headwater.lineage.sql.context import Resolution
from headwater.lineage.sql.model import (
    AGGREGATION,
    COMPOSE,
    CONDITIONAL,
    LOOK,
    MASKED,
    TRANSFORMATION,
    WINDOW,
    Column,
    Everything,
    whole,
)
from headwater.lineage.sql.names import look_at_everything, note_name
from headwater.lineage.sql.subqueries import resolve_scalar
from headwater.lineage.sql.walk import HANDLERS, Handler, Walk

TRANSFORM_MASKED: Final = TRANSFORMATION + MASKED


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
    session = walk.resolution.session
    if session is not None and (macro := session.macro(name)) is not None:
        session.inline_scalar(walk, node, macro, kind, hidden)
        return
    if name in functions.MASKING:
        inner = COMPOSE[kind][TRANSFORM_MASKED]
    elif name in functions.COPYING_AGGREGATES:
        inner = kind
    elif name in functions.PICKING or (name == "last" and _is_windowed(node)):
        inner = COMPOSE[kind][TRANSFORMATION]
    elif isinstance(node, exp.AggFunc) or name in functions.AGGREGATES:
        inner = COMPOSE[kind][AGGREGATION]
    else:
        inner = COMPOSE[kind][TRANSFORMATION]
    if name not in functions.PLAIN:
        _note_function(walk, node, name)
    if name in functions.LIST_AGGREGATES:
        _list_aggregate(walk, node, inner, hidden)
    elif name in functions.OF_TYPES:
        inside = walk.inner()
        inside.children(node, inner, hidden)
        walk.edges += [(target, LOOK) for target, _ in inside.rest()]  # the type is known before any value
    else:
        walk.children(node, inner, hidden)


def _list_aggregate(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    """`list_sum(l)`: the list is taken apart, and its elements are aggregated."""
    inside = walk.inner()
    inside.children(node, kind, hidden)
    edges = inside.rest()
    walk.edges += edges
    walk.edges += [(target, COMPOSE[AGGREGATION][how]) for target, how in edges if how < LOOK]


def _is_windowed(node: Any) -> bool:
    at = node.parent
    while isinstance(at, (exp.IgnoreNulls, exp.RespectNulls, exp.Filter)):
        at = at.parent
    return isinstance(at, exp.Window)


def _note_function(walk: Walk, node: Any, name: str) -> None:
    unknown = not functions.is_known(name)
    if unknown or name in functions.SPREADING:
        walk.spreads = True
    if unknown or name in functions.NAMES_AS_DATA:
        walk.resolution.keep_names()
    walk.resolution.calls.append((name, node))


function_name: Final = functions.written_name


def _count(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    if type(node.args.get("this")) is exp.Star:
        return  # the number of rows, which every read carries
    _function(walk, node, kind, hidden)


def _identifier(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    note_name(walk, node, [node], kind, hidden, silent=True)


def _star(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    """A star inside an expression: a whole row of everything in scope."""
    walk.resolution.names_matter = True
    for binding in walk.scope.bindings if walk.scope else ():
        walk.edges.append((whole(binding.relation, "a star stands inside an expression"), kind))
    walk.children(node, kind, hidden)


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


def _positional(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    """`#1`: a column of the FROM clause by its place."""
    place, bindings = int(node.this.name[:18] or 0), walk.scope.bindings if walk.scope else []
    walk.resolution.notes.append(f"#{place} of {[binding.index for binding in bindings]}")
    before = 0
    for binding in bindings:
        if binding.is_open:
            break
        columns = [column for column in binding.listed() if column.name.lower() not in binding.hidden]
        if place <= before + len(columns):
            column = columns[place - before - 1]
            walk.resolution.column_of[id(node)] = column
            walk.resolution.notes.append(f"#{place}={binding.index}.{column.name.lower()}")
            walk.edges.append((column, kind))
            return
        before += len(columns)
    look_at_everything(walk, f"#{place} counts columns that are not known")
    walk.edges += [(target, kind) for target, how in list(walk.edges) if how == LOOK and type(target) is Everything]


def _dot(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    """`a.b.c` beyond four parts, `(row).field`, or a chain of method calls."""
    inner, aggregated = COMPOSE[kind][TRANSFORMATION], False
    identifiers: list[Any] = []
    at = node
    while type(at) is exp.Dot:
        right = at.args["expression"]
        if type(right) is exp.Identifier:
            identifiers.insert(0, right)
        elif isinstance(right, exp.Func) and walk.resolution.query.dialect != "duckdb":
            walk.push(right, kind, hidden)  # what stands before it is the schema of the function
            return
        elif isinstance(right, exp.Func):
            name = function_name(walk.resolution, right)
            aggregated = aggregated or name in functions.LIST_AGGREGATES
            if name not in functions.PLAIN:
                _note_function(walk, right, name)
            walk.children(right, inner, hidden)
            identifiers.clear()
        else:
            walk.push(right, inner, hidden)
            identifiers.clear()
        at = at.args["this"]
    start = len(walk.edges)
    if type(at) is exp.Identifier:
        called = any(isinstance(part.args["expression"], exp.Func) for part in node.find_all(exp.Dot))
        note_name(walk, at if called else node, [at, *identifiers], inner, hidden)
    elif type(at) is exp.Column and type(at.this) is exp.Identifier:
        parts = [part for part in (at.args.get(k) for k in ("catalog", "db", "table", "this")) if part is not None]
        note_name(walk, at, [*parts, *identifiers], inner, hidden)
    else:
        walk.push(at, COMPOSE[inner][AGGREGATION] if aggregated else inner, hidden)
    if aggregated:
        walk.edges += [(target, COMPOSE[AGGREGATION][how]) for target, how in walk.edges[start:] if how < LOOK]


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


def _parameter(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    """Snowflake: `$1` is the first column of the FROM clause. Any other parameter is no column."""
    if not (isinstance(node.this, exp.Literal) and walk.resolution.query.dialect == "snowflake" and walk.scope):
        return
    place = int(node.name) - 1 if node.name.isdigit() else -1
    for binding in walk.scope.bindings:
        listed = binding.listed()
        if not binding.is_open and 0 <= place < len(listed):
            walk.edges.append((listed[place], kind))
        elif binding.is_open:
            reason = "a column is named by its place, and the columns of the table are not known"
            walk.edges.append((whole(binding.relation, reason), kind))


def _interval(walk: Walk, node: Any, kind: int, hidden: frozenset[str]) -> None:
    walk.push(node.args.get("this"), COMPOSE[kind][TRANSFORMATION], hidden)


def _default_handler(node_type: type) -> Handler:
    if node_type in _SKIPPED:
        return _skip
    if issubclass(node_type, exp.Query):
        return resolve_scalar
    if issubclass(node_type, exp.AggFunc):
        return _function  # some, such as corr, are binary to the parser
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

HANDLERS.choose = _default_handler
HANDLERS.update(
    {
        exp.Column: columns.walk_column,
        exp.Identifier: _identifier,
        exp.Paren: _through,
        exp.Alias: _alias,
        exp.Ordered: _through,
        exp.Where: _through,
        exp.Star: _star,
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
        exp.Lambda: lambdas.walk_lambda,
        exp.Comprehension: lambdas.walk_comprehension,
        exp.Dot: _dot,
        exp.PositionalColumn: _positional,
        exp.PropertyEQ: _property,
        exp.Kwarg: _property,
        exp.Struct: _struct,
        exp.Interval: _interval,
        exp.Parameter: _parameter,
        exp.Collate: _collate,
        exp.Distinct: _through,
        exp.ToMap: _transform,
        exp.Map: _transform,
    }
)


def direct_column(resolution: Resolution, node: exp.Expr) -> Column | None:
    """Return the column that `node` simply is, or None where it is an expression."""
    while type(node) is exp.Paren:
        node = node.this
    return resolution.column_of.get(id(node)) if type(node) in (exp.Column, exp.PositionalColumn) else None


__all__ = ["Walk", "direct_column", "function_name"]
