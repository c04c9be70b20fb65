"""Types carried along where that is certain: columns, casts, literals, arithmetic, many functions. The rest is unknown.

A list of something unknown is `?[]` while it is carried along, so that it can be told from a struct; `shown` turns
that into None.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from sqlglot import exp

from headwater.lineage.sql import functions, structs
from headwater.lineage.sql.context import Resolution
from headwater.lineage.sql.function_names import words

MOST_NESTED: Final = 50  # rules within rules: a sum of hundreds of terms is one within the other
UNKNOWN: Final = "?"
_NAMES: Final = {
    "INT": "integer", "BIGINT": "bigint", "SMALLINT": "smallint", "TINYINT": "tinyint", "INT128": "hugeint",
    "DOUBLE": "double", "FLOAT": "float", "BOOLEAN": "boolean", "DATE": "date", "TIME": "time", "UUID": "uuid",
    "VARCHAR": "varchar", "TEXT": "varchar", "CHAR": "varchar", "TIMESTAMP": "timestamp",
    "TIMESTAMPTZ": "timestamp with time zone", "VARBINARY": "blob", "INTERVAL": "interval", "JSON": "json",
    "UBIGINT": "ubigint", "UINT": "uinteger", "USMALLINT": "usmallint", "UTINYINT": "utinyint",
}  # fmt: skip
_BOOLEAN: Final = (
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.And, exp.Or, exp.Not, exp.In, exp.Like, exp.ILike,
    exp.Between, exp.Exists, exp.Boolean, exp.NullSafeEQ, exp.NullSafeNEQ, exp.SimilarTo, exp.Glob,
)  # fmt: skip
_ALWAYS: Final[dict[type, str]] = {
    **dict.fromkeys(_BOOLEAN, "boolean"), **dict.fromkeys((exp.Count, exp.RowNumber), "bigint"), exp.CountIf: "hugeint",
}  # fmt: skip
_SAME: Final = frozenset((
    exp.Paren, exp.Min, exp.Max, exp.AnyValue, exp.First, exp.Last, exp.Filter, exp.Window, exp.Order, exp.Lag,
    exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue, exp.IgnoreNulls, exp.RespectNulls, exp.Neg, exp.Abs,
    exp.ArgMax, exp.ArgMin, exp.Collate, exp.ArraySlice, exp.ArraySort, exp.ArrayDistinct,
))  # fmt: skip
_NOTED: Final = (exp.Column, exp.Columns, exp.PositionalColumn, exp.Dot, exp.Subquery, exp.Select, exp.Explode)
_ARITHMETIC: Final = (exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.IntDiv)
_ALIKE: Final = (exp.Coalesce, exp.Greatest, exp.Least)
_RANKS: Final = {name: rank for rank, name in enumerate(["tinyint", "smallint", "integer", "bigint", "hugeint"])}
_NUMERIC: Final = frozenset([*_RANKS, "double", "float"])
_WORD: Final = re.compile(r"[a-z]\w*(?![\w']*')")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_DECIMAL: Final = re.compile(r"decimal\((\d+)(?:, *(\d+))?\)")
_DECIMAL_TYPE: Final = exp.DType.DECIMAL
_SPELLED: Final = {"int": "integer", "text": "varchar", "real": "float", "int128": "hugeint"}
_RETURNED: Final = {
    **dict.fromkeys(
        words(
            """
            upper lower ucase lcase trim ltrim rtrim substring substr concat concat_ws replace md5 sha1 sha256 strftime
            left right lpad rpad string_agg group_concat listagg reverse repeat regexp_replace regexp_extract format
            printf array_to_string typeof monthname dayname translate chr to_base64 split_part
            """
        ),
        "varchar",
    ),
    **dict.fromkeys(
        words(
            """
            length len strlen char_length character_length rank dense_rank ntile approx_count_distinct year month day
            hour minute second quarter week dayofweek dayofmonth dayofyear isodow date_diff datediff date_sub datesub
            strpos instr position epoch_ms list_count regr_count
            """
        ),
        "bigint",
    ),
    **dict.fromkeys(
        words(
            """
            sqrt ln log10 log2 exp pow power stddev stddev_pop stddev_samp variance var_pop var_samp percent_rank
            cume_dist corr covar_pop covar_samp skewness kurtosis entropy sin cos tan radians degrees pi product
            epoch random
            """
        ),
        "double",
    ),
    **dict.fromkeys(
        words(
            """
            bool_and bool_or regexp_matches regexp_full_match contains starts_with prefix ends_with suffix isnan isinf
            isfinite list_contains array_contains list_has list_has_any list_has_all
            """
        ),
        "boolean",
    ),
    **dict.fromkeys(words("now get_current_timestamp transaction_timestamp"), "timestamp with time zone"),
    **dict.fromkeys(words("today current_date make_date last_day"), "date"),
    **dict.fromkeys(words("string_split str_split string_split_regex str_split_regex regexp_extract_all"), "varchar[]"),
    **dict.fromkeys(words("regexp_split_to_array json_keys"), "varchar[]"),
    **dict.fromkeys(
        words(
            """
            map_keys map_values map_entries map_extract range generate_series list_transform array_transform apply
            list_apply list_filter array_filter filter list_zip array_zip list_concat array_concat list_cat
            list_intersect list_pack list_resize list_where list_select list_reverse list_value flatten
            """
        ),
        f"{UNKNOWN}[]",
    ),
}


def type_of(resolution: Resolution, node: Any) -> str | None:
    """Return the type of a resolved expression, lower case, or None where it is not certain, or nests too deeply."""
    if resolution.depth >= MOST_NESTED:
        return None
    if type(node) is exp.Column:
        return _noted(resolution, node)
    resolution.depth += 1
    try:
        return _type_of(resolution, node)
    finally:
        resolution.depth -= 1


def _type_of(resolution: Resolution, node: Any) -> str | None:
    for _ in range(50):
        kind = type(node)
        if (rule := _RULES.get(kind)) is not None:
            return rule(resolution, node)
        if (type_ := _ALWAYS.get(kind)) is not None:
            return type_
        if kind not in _SAME:
            return _named(resolution, node) if isinstance(node, exp.Func) else None
        if (kind is exp.Max or kind is exp.Min) and node.args.get("count") is not None:
            return _collected(resolution, node)
        node = node.this
    return None


def _noted(resolution: Resolution, node: Any) -> str | None:
    """What the resolving pass found out about this very node."""
    if id(node) in resolution.type_of:
        return resolution.type_of[id(node)]
    column = resolution.column_of.get(id(node))
    if column is not None:
        return column.type
    return _field_of(resolution, node) if type(node) is exp.Dot else None


def _cast(resolution: Resolution, node: Any) -> str | None:
    return type_name(node.args["to"])


def shown(type_: str | None) -> str | None:
    """Return a type as it may be shown: None where any of it is unknown."""
    return None if type_ is None or UNKNOWN in type_ else type_


def _literal_type(resolution: Resolution, node: exp.Literal) -> str | None:
    if node.is_string:
        return "varchar"
    if node.name.isdecimal():
        number = int(node.name) if len(node.name) < 20 else 2**63
        return "integer" if number < 2**31 else "bigint" if number < 2**63 else None
    return "double" if "e" in node.name.lower() else None


def _is_integer_literal(node: Any) -> bool:
    while type(node) in (exp.Neg, exp.Paren):
        node = node.this
    return type(node) is exp.Literal and not node.is_string and str(node.name).isdecimal()


def _common(resolution: Resolution, nodes: list[Any]) -> str | None:
    """The type that values share: all the same, or numbers of which one is the widest; a whole literal adapts."""
    nodes = [node for node in nodes if type(node) is not exp.Null]
    fixed = [type_of(resolution, node) for node in nodes if not _is_integer_literal(node)]
    if not fixed:
        found = {type_of(resolution, node) for node in nodes}
        return found.pop() if len(found) == 1 else None
    first = fixed[0]
    if all(type_ == first for type_ in fixed):
        return first if len(fixed) == len(nodes) or first in _NUMERIC else None
    if all(type_ in _NUMERIC for type_ in fixed):
        if "double" in fixed or "float" in fixed:
            return "double" if "double" in fixed else "float"
        return max(fixed, key=lambda type_: _RANKS[str(type_)])
    return None


def _arithmetic(resolution: Resolution, node: Any) -> str | None:
    common = _common(resolution, [node.this, node.expression])
    return common if common in _NUMERIC else None


def _division(resolution: Resolution, node: Any) -> str | None:
    sides = {type_of(resolution, node.this), type_of(resolution, node.expression)}
    if not sides <= _NUMERIC:
        return None
    return "float" if "float" in sides and "double" not in sides else "double"


def _alike(resolution: Resolution, node: Any) -> str | None:
    return _common(resolution, [node.this, *node.expressions])


def _case(resolution: Resolution, node: Any) -> str | None:
    values = [branch.args["true"] for branch in node.args.get("ifs") or ()]
    return _common(resolution, [*values, node.args["default"]] if node.args.get("default") is not None else values)


def _if(resolution: Resolution, node: Any) -> str | None:
    values = [node.args.get("true"), node.args.get("false")]
    return _common(resolution, [value for value in values if value is not None])


def _array(resolution: Resolution, node: Any) -> str | None:
    if len(node.expressions) == 1 and isinstance(node.expressions[0], (exp.Comprehension, exp.Query)):
        return f"{UNKNOWN}[]"
    return f"{_common(resolution, list(node.expressions)) or UNKNOWN}[]"


def _struct(resolution: Resolution, node: Any) -> str | None:
    fields = []
    for item in node.expressions:
        if not isinstance(item, (exp.PropertyEQ, exp.Alias)):
            return None
        name = str((item.this if isinstance(item, exp.PropertyEQ) else item.args["alias"]).name)
        value = item.expression if isinstance(item, exp.PropertyEQ) else item.this
        if _NAME.match(name) is None:
            return None
        fields.append(f"{name} {type_of(resolution, value) or UNKNOWN}")
    return f"struct({', '.join(fields)})" if fields else None


def _collected(resolution: Resolution, node: Any) -> str | None:
    return f"{type_of(resolution, node.this) or UNKNOWN}[]"


def _distinct(resolution: Resolution, node: Any) -> str | None:
    return type_of(resolution, node.expressions[0]) if len(node.expressions) == 1 else None


def _sum(resolution: Resolution, node: Any) -> str | None:
    inner = type_of(resolution, node.this)
    if inner in _RANKS or inner == "boolean":
        return "hugeint"
    return "double" if inner in ("double", "float") else None


def _average(resolution: Resolution, node: Any) -> str | None:
    return "double" if type_of(resolution, node.this) in _NUMERIC else None


def _rounded(resolution: Resolution, node: Any) -> str | None:
    inner = type_of(resolution, node.this)
    return inner if inner in _NUMERIC else None


def _bracket(resolution: Resolution, node: Any) -> str | None:
    inner, places = type_of(resolution, node.this), node.expressions
    if inner is None or len(places) != 1:
        return None
    if inner.endswith("[]"):
        return inner if isinstance(places[0], exp.Slice) else known(inner[:-2])
    if isinstance(places[0], exp.Literal) and places[0].is_string:
        return structs.field_type(inner, [places[0].name])
    return "varchar" if inner == "varchar" else None


def _field_of(resolution: Resolution, node: Any) -> str | None:
    """`(struct).field`; of a chain of methods, what the last one returns."""
    if isinstance(node.expression, exp.Identifier):
        return structs.field_type(type_of(resolution, node.this), [node.expression.name])
    return _named(resolution, node.expression) if isinstance(node.expression, exp.Func) else None


def _joined_text(resolution: Resolution, node: Any) -> str | None:
    sides = {type_of(resolution, node.this), type_of(resolution, node.expression)}
    return "varchar" if sides == {"varchar"} else None


def _named(resolution: Resolution, node: Any) -> str | None:
    name = functions.written_name(resolution, node)
    return _RETURNED.get(name) if resolution.query.dialect == "duckdb" else None


def known(type_: str) -> str | None:
    """Return a type, or None where it is the unknown one."""
    return None if type_ == UNKNOWN else type_


_RULES: Final[dict[type, Callable[[Resolution, Any], str | None]]] = {
    **dict.fromkeys(_NOTED, _noted),
    **dict.fromkeys((exp.Cast, exp.TryCast), _cast),
    exp.Literal: _literal_type,
    **dict.fromkeys(_ARITHMETIC, _arithmetic),
    **dict.fromkeys(_ALIKE, _alike),
    exp.Div: _division,
    exp.Case: _case,
    exp.If: _if,
    exp.Array: _array,
    exp.ArrayAgg: _collected,
    exp.Struct: _struct,
    exp.Distinct: _distinct,
    exp.Sum: _sum,
    exp.Avg: _average,
    exp.Round: _rounded,
    exp.Bracket: _bracket,
    exp.DPipe: _joined_text,
}


def type_name(node: Any) -> str | None:
    """Return a declared type as text, lower case."""
    if not isinstance(node, exp.DataType):
        return None
    if not node.expressions and (name := _NAMES.get(getattr(node.this, "name", str(node.this)))) is not None:
        return name
    if (sizes := _decimal_sizes(node)) is not None:
        return f"decimal({sizes[0]},{sizes[1] if len(sizes) > 1 else 0})"
    text = str(node.sql(dialect="duckdb")).lower()
    text = _DECIMAL.sub(lambda part: f"decimal({part[1]},{part[2] or 0})", text)
    return _WORD.sub(lambda word: _SPELLED.get(word.group(), word.group()), text)


def _decimal_sizes(node: Any) -> list[str] | None:
    """The sizes of a plain DECIMAL(width, scale): the one type with sizes that is common, and slow to write out."""
    if node.this is not _DECIMAL_TYPE or sum(map(bool, node.args.values())) != 2:
        return None
    sizes = [item.this for item in node.expressions if len(item.args) == 1 and type(item.this) is exp.Literal]
    plain = [size.name for size in sizes if not size.is_string and size.name.isdecimal()]
    return plain if len(plain) == len(node.expressions) < 3 else None


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
