"""Types carried along where that is certain: columns, casts, literals, a few functions. Anything else is unknown."""

from __future__ import annotations

import re
from typing import Any, Final

from sqlglot import exp

from headwater.lineage.sql import functions
from headwater.lineage.sql.context import Resolution

_NAMES: Final = {
    "INT": "integer", "BIGINT": "bigint", "SMALLINT": "smallint", "TINYINT": "tinyint", "INT128": "hugeint",
    "DOUBLE": "double", "FLOAT": "float", "BOOLEAN": "boolean", "DATE": "date", "TIME": "time", "UUID": "uuid",
    "VARCHAR": "varchar", "TEXT": "varchar", "CHAR": "varchar", "TIMESTAMP": "timestamp",
    "TIMESTAMPTZ": "timestamp with time zone", "VARBINARY": "blob", "INTERVAL": "interval", "JSON": "json",
    "UBIGINT": "ubigint", "UINT": "uinteger", "USMALLINT": "usmallint", "UTINYINT": "utinyint",
}  # fmt: skip
_BOOLEAN: Final = (
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.And, exp.Or, exp.Not, exp.In, exp.Like, exp.ILike,
    exp.Between, exp.Exists, exp.Boolean, exp.NullSafeEQ, exp.NullSafeNEQ,
)  # fmt: skip
_SAME: Final = (exp.Paren, exp.Min, exp.Max, exp.AnyValue, exp.First, exp.Filter, exp.Window, exp.Order)
_NUMERIC: Final = frozenset(["integer", "bigint", "smallint", "tinyint", "hugeint", "double", "float"])
_WORD: Final = re.compile(r"[a-z]\w*(?![\w']*')")
_SPELLED: Final = {"int": "integer", "text": "varchar", "real": "float", "int128": "hugeint"}
_BIGINT: Final = (exp.Count, exp.RowNumber, exp.CountIf)


def type_of(resolution: Resolution, node: Any) -> str | None:
    """Return the type of a resolved expression, lower case, or None where it is not certain."""
    for _ in range(50):
        kind = type(node)
        if kind is exp.Column:
            if id(node) in resolution.type_of:
                return resolution.type_of[id(node)]
            column = resolution.column_of.get(id(node))
            return None if column is None else column.type
        if kind is exp.Cast or kind is exp.TryCast:
            return type_name(node.args["to"])
        if kind is exp.Literal:
            return _literal_type(node)
        if isinstance(node, _BOOLEAN):
            return "boolean"
        if isinstance(node, _BIGINT):
            return "hugeint" if kind is exp.CountIf else "bigint"
        if kind is exp.Avg:
            return "double" if type_of(resolution, node.this) in _NUMERIC else None
        if not isinstance(node, _SAME):
            return None
        node = node.this
    return None


def _literal_type(node: exp.Literal) -> str | None:
    if node.is_string:
        return "varchar"
    return "integer" if node.name.isdecimal() and len(node.name) <= 10 and int(node.name) < 2**31 else None


def type_name(node: Any) -> str | None:
    """Return a declared type as text, lower case."""
    if not isinstance(node, exp.DataType):
        return None
    if not node.expressions and (name := _NAMES.get(getattr(node.this, "name", str(node.this)))) is not None:
        return name
    text = str(node.sql(dialect="duckdb")).lower()
    return _WORD.sub(lambda word: _SPELLED.get(word.group(), word.group()), text)


def aggregates(resolution: Resolution, node: Any) -> bool:
    """Return whether an expression aggregates, outside of windows and subqueries."""
    stack = [node]
    while stack:
        at = stack.pop()
        if not isinstance(at, exp.Expr) or isinstance(at, (exp.Query, exp.Window)):
            continue
        if isinstance(at, exp.AggFunc) or (isinstance(at, exp.Anonymous) and at.name.lower() in functions.AGGREGATES):
            return True
        for value in at.args.values():
            stack += value if isinstance(value, list) else [value]
    return False
