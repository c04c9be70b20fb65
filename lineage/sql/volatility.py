"""Chance, clock and order: whether equal inputs give an equal result."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, Literal

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from headwater.lineage.sql import functions
from headwater.lineage.sql.analysis import Edit, Volatility
from headwater.lineage.sql.context import Resolution
from headwater.lineage.sql.expressions import function_name
from headwater.lineage.sql.function_names import words

_PURE_SYNTAX = (exp.And, exp.Or, exp.Cast, exp.Case, exp.If, exp.Array, exp.Struct, exp.Exists, exp.JSONExtract)
_CLOCK_SYNTAX = (exp.CurrentDate, exp.CurrentTime, exp.CurrentTimestamp, exp.Localtime, exp.Localtimestamp)
_L_PAREN: Final = TokenType.L_PAREN
_FLOATING: Final = frozenset(["double", "float", "real", "float4", "float8"])
_FLOAT_CASTS: Final = ("DOUBLE", "FLOAT")

# Words without parentheses that can make a result depend on more than its inputs.
_SUSPICIOUS_PARTS: Final = ("user", "current_", "local", "sample", "rownum", "sysdate")  # a quick look first
_SUSPICIOUS: Final = re.compile(r"\b(user|\w+_user|current_\w+|local\w*time\w*|\w*sample|rownum|sysdate)\b", re.I)
# Words that stand before a parenthesis and are no function.
_NO_FUNCTION: Final = words(
    """
    in and or not over as on using values select where having by from join when then else case exists any all some
    union except intersect filter group within distinct between like ilike is set sets rollup cube limit offset with
    lateral partition order decimal numeric varchar char array qualify interval materialized exclude replace rename
    """
)
_CALLED: Final = _NO_FUNCTION | functions.PURE


def judge(resolution: Resolution, edits: tuple[Edit, ...]) -> tuple[Volatility, tuple[str, ...]]:
    """Return how the result depends on chance and clock, and why it may depend on the order of rows."""
    clock, volatile = any(edit.kind == "CLOCK" for edit in edits), resolution.volatile
    if clock or volatile or _needs_a_closer_look(resolution):
        clock, volatile = _look_closer(resolution, clock, volatile)
    return "VOLATILE" if volatile else "CLOCK" if clock else "STABLE", _order_reasons(resolution)


def _needs_a_closer_look(resolution: Resolution) -> bool:
    """Whether anything in the text is called that is not known to be pure."""
    query = resolution.query
    together = " ".join(query.vocabulary)
    for part in _SUSPICIOUS_PARTS:
        words = [word for word in query.vocabulary if part in word] if part in together else ()
        if any(map(_SUSPICIOUS.search, words)):
            return True
    callers = {before for before, type_ in zip(query.words, query.types[1:], strict=False) if type_ is _L_PAREN}
    for word in callers - _CALLED:
        if not (word[-1:].isalnum() or word[-1:] in '"_`'):
            continue
        if " " not in word or word.split()[-1] not in _NO_FUNCTION:
            return True
    return False


def _look_closer(resolution: Resolution, clock: bool, volatile: bool) -> tuple[bool, bool]:
    nodes: Iterator[Any] = resolution.query.tree.walk()
    for node in nodes:
        sort = _sort(node.__class__)
        if sort == "clock":
            clock = True
        elif sort == "call":
            name = function_name(resolution, node)
            if name in functions.REPLACEABLE_CLOCK:
                clock = True
            elif not (
                functions.is_pure(name)
                or name in functions.FILE_FUNCTIONS
                or name in functions.TABLE_FUNCTIONS
                or name in resolution.inlined
            ):
                volatile = True
        elif sort == "sample":
            volatile = True
    return clock, volatile


@cache
def _sort(node_type: type) -> Literal["clock", "call", "sample", "other"]:
    if issubclass(node_type, _CLOCK_SYNTAX):
        return "clock"
    if issubclass(node_type, exp.Func):
        return "other" if issubclass(node_type, _PURE_SYNTAX) else "call"
    return "sample" if issubclass(node_type, exp.TableSample) else "other"


# ---- order


def _order_reasons(resolution: Resolution) -> tuple[str, ...]:
    reasons: dict[str, None] = {}
    for name, node in resolution.calls:
        if name in functions.ORDER_DEPENDENT and not _has_order(node):
            reasons[f"{name} without a total ORDER BY"] = None
        elif name in functions.FLOAT_SENSITIVE:
            reason = f"{name} over floating-point values"
            if reason not in reasons and _is_floating(resolution, node):
                reasons[reason] = None
    for word, query in resolution.cuts:
        if not _ordered_totally(query):
            reasons[f"{word} without a total ORDER BY"] = None
    return (*reasons, *(reason for reason in resolution.order_reasons if reason not in reasons))


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
    stack = [node]
    while stack:
        part = stack.pop()
        if type(part) is exp.Column:
            column = resolution.column_of.get(id(part))
            if column is not None and column.type in _FLOATING:
                return True
        elif isinstance(part, exp.Cast) and getattr(part.args["to"].this, "name", "") in _FLOAT_CASTS:
            return True
        else:
            for value in part.args.values():
                if isinstance(value, exp.Expr):
                    stack.append(value)
                elif type(value) is list:
                    stack += [item for item in value if isinstance(item, exp.Expr)]
    return False


def _ordered_totally(query: Any) -> bool:
    """Whether ORDER BY decides between any two different rows: it names all outputs, or all group keys."""
    order = query.args.get("order") if query is not None else None
    if order is None or not isinstance(query, exp.Select):
        return False
    aliases = _aliases(query)
    keys: list[Any] = []
    for ordered in order.expressions:
        item = ordered.this if isinstance(ordered, exp.Ordered) else ordered
        if isinstance(item, exp.Var) and item.name.upper() == "ALL":
            return True
        keys.append(_key(query, item, aliases))
    group = query.args.get("group")
    if group is not None and not group.args.get("all") and group.expressions:
        return _are_among([_key(query, item, aliases) for item in group.expressions], keys)
    outputs = [item.this if isinstance(item, exp.Alias) else item for item in query.expressions]
    return not any(item.is_star or isinstance(item, exp.Columns) for item in outputs) and _are_among(outputs, keys)


def _are_among(items: list[Any], keys: list[Any]) -> bool:
    """Whether each item is one of the keys. Hashing an expression takes long, and few have even the names of keys."""
    names = {key.name.lower() for key in keys}
    return all(item.name.lower() in names for item in items) and set(items) <= set(keys)


def _aliases(query: Any) -> dict[str, Any]:
    """What each alias of the select list stands for; of equal ones, the first."""
    outputs = [item for item in reversed(query.expressions) if isinstance(item, exp.Alias)]
    return {output.alias.lower(): output.this for output in outputs}


def _key(query: Any, item: Any, aliases: dict[str, Any]) -> Any:
    """An ORDER BY or GROUP BY item as the expression that it sorts by, following ordinals and aliases."""
    if isinstance(item, exp.Literal) and not item.is_string and item.name.isdecimal():
        position = int(item.name[:18]) - 1
        item = query.expressions[position] if position < len(query.expressions) else item
        return item.this if isinstance(item, exp.Alias) else item
    if isinstance(item, exp.Column) and not item.args.get("table"):
        return aliases.get(item.name.lower(), item)
    return item
