"""Chance, clock and order: whether equal inputs give an equal result."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from headwater.lineage.sql import functions
from headwater.lineage.sql.analysis import Edit, Volatility
from headwater.lineage.sql.context import Resolution
from headwater.lineage.sql.expressions import function_name
from headwater.lineage.sql.function_names import words

_PURE_SYNTAX = (exp.And, exp.Or, exp.Cast, exp.Case, exp.If, exp.Array, exp.Struct, exp.Exists, exp.JSONExtract)
_CLOCK_SYNTAX = (exp.CurrentDate, exp.CurrentTime, exp.CurrentTimestamp, exp.Localtime, exp.Localtimestamp)
_FLOATING = frozenset(["double", "float", "real", "float4", "float8"])
_FLOAT_SENSITIVE = words(
    """
    sum avg mean stddev stddev_pop stddev_samp variance var_pop var_samp product corr covar_pop covar_samp
    skewness kurtosis kurtosis_pop regr_slope regr_intercept regr_r2 sem geomean geometric_mean wavg
    weighted_avg
    """
)


def judge(resolution: Resolution, edits: tuple[Edit, ...]) -> tuple[Volatility, tuple[str, ...]]:
    """Return how the result depends on chance and clock, and why it may depend on the order of rows."""
    clock, volatile = any(edit.kind == "CLOCK" for edit in edits), False
    reasons: dict[str, None] = {}
    for node in resolution.query.tree.walk():
        if isinstance(node, exp.Func):
            if isinstance(node, _PURE_SYNTAX):
                continue
            if isinstance(node, _CLOCK_SYNTAX):
                clock = True
                continue
            verdict = _function(resolution, node, reasons)
            clock, volatile = clock or verdict == "CLOCK", volatile or verdict == "VOLATILE"
        elif isinstance(node, exp.TableSample):
            volatile = True
        elif isinstance(node, (exp.Limit, exp.Fetch, exp.Offset)):
            _limit(node, reasons)
        elif isinstance(node, exp.Distinct) and node.args.get("on") is not None:
            if not _ordered_totally(node.parent):
                reasons["DISTINCT ON keeps one row of several without a total order"] = None
        elif type(node) is exp.Column and not node.args.get("table") and id(node) not in resolution.column_of:
            volatile = volatile or node.name.lower() in functions.NILADIC
        elif isinstance(node, exp.Join) and str(node.args.get("method") or "").upper() == "POSITIONAL":
            reasons["a positional join pairs rows by their place"] = None
    return "VOLATILE" if volatile else "CLOCK" if clock else "STABLE", tuple(reasons)


def _function(resolution: Resolution, node: Any, reasons: dict[str, None]) -> str:
    name = function_name(resolution, node)
    if name in functions.CLOCK:
        return "CLOCK" if name in functions.REPLACEABLE_CLOCK else "VOLATILE"
    if name in functions.VOLATILE:
        return "VOLATILE"
    if name in functions.ORDER_DEPENDENT and not _has_order(node):
        reasons[f"{name} without a total ORDER BY"] = None
    elif name in _FLOAT_SENSITIVE and _is_floating(resolution, node):
        reasons[f"{name} over floating-point values"] = None
    if functions.is_pure(name) or name in functions.FILE_FUNCTIONS or name in functions.TABLE_FUNCTIONS:
        return "STABLE"
    return "VOLATILE"


def _has_order(node: Any) -> bool:
    """Whether an order is given, inside the aggregate or by its window; ties in it are the user's word."""
    if any(isinstance(value, exp.Order) for value in node.args.values()):
        return True
    at = node.parent
    while isinstance(at, (exp.IgnoreNulls, exp.RespectNulls, exp.Filter, exp.WithinGroup)):
        if isinstance(at, exp.WithinGroup):
            return True
        at = at.parent
    if not isinstance(at, exp.Window):
        return False
    return at.args.get("order") is not None or at.args.get("alias") is not None


def _is_floating(resolution: Resolution, node: Any) -> bool:
    for part in node.walk():
        if isinstance(part, exp.Column):
            column = resolution.column_of.get(id(part))
            if column is not None and column.type in _FLOATING:
                return True
        elif isinstance(part, exp.Cast) and str(part.args["to"].this.name) in ("DOUBLE", "FLOAT"):
            return True
    return False


def _limit(node: Any, reasons: dict[str, None]) -> None:
    parent = node.parent
    if parent is None or isinstance(parent, exp.TableSample) or _ordered_totally(parent):
        return
    word = "OFFSET" if isinstance(node, exp.Offset) else "LIMIT"
    reasons[f"{word} without a total ORDER BY"] = None


def _ordered_totally(query: Any) -> bool:
    """Whether ORDER BY decides between any two different rows: it names all outputs, or all group keys."""
    order = query.args.get("order") if query is not None else None
    if order is None or not isinstance(query, exp.Select):
        return False
    keys = set()
    for ordered in order.expressions:
        item = ordered.this if isinstance(ordered, exp.Ordered) else ordered
        if isinstance(item, exp.Var) and item.name.upper() == "ALL":
            return True
        keys.add(_key(query, item))
    group = query.args.get("group")
    if group is not None and not group.args.get("all") and group.expressions:
        return {_key(query, item) for item in group.expressions} <= keys
    outputs = query.expressions
    if any(isinstance(item, (exp.Star, exp.Columns)) or item.is_star for item in outputs):
        return False
    wanted = {_text(item.this if isinstance(item, exp.Alias) else item) for item in outputs}
    return wanted <= keys


def _key(query: Any, item: Any) -> str:
    """An ORDER BY or GROUP BY item as the text of what it sorts by, following ordinals and aliases."""
    if isinstance(item, exp.Literal) and not item.is_string and item.name.isdigit():
        position = int(item.name) - 1
        item = query.expressions[position] if position < len(query.expressions) else item
        return _text(item.this if isinstance(item, exp.Alias) else item)
    if isinstance(item, exp.Column) and not item.args.get("table"):
        for output in query.expressions:
            if isinstance(output, exp.Alias) and output.alias.lower() == item.name.lower():
                return _text(output.this)
    return _text(item)


def _text(item: Any) -> str:
    return str(item.sql(comments=False)).lower()
