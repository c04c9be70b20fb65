"""How DuckDB writes functions back that the parser keeps in a form of its own: fills the table of `writing`."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from headwater.lineage.sql import functions
from headwater.lineage.sql.writing import RULES, Unclear, Writer, quoted


def _struct(writer: Writer, node: Any) -> str:
    parts = []
    for item in node.expressions:
        if not isinstance(item, (exp.PropertyEQ, exp.Alias)):
            raise Unclear
        name = item.this if isinstance(item, exp.PropertyEQ) else item.args["alias"]
        value = item.expression if isinstance(item, exp.PropertyEQ) else item.this
        parts.append(f"{quoted(name.name)} := {writer.write(value)}")
    return f"struct_pack({', '.join(parts)})"


def _map(writer: Writer, node: Any) -> str:
    struct = node.this if type(node) is exp.ToMap else None
    if struct is None:
        return f'"map"({writer.all([node.args["keys"], node.args["values"]])})'
    keys, values = [], []
    for item in struct.expressions:
        if not isinstance(item, exp.PropertyEQ):
            raise Unclear
        keys.append(writer.write(item.this))
        values.append(writer.write(item.expression))
    return f'"map"(list_value({", ".join(keys)}), list_value({", ".join(values)}))'


def _array(writer: Writer, node: Any) -> str:
    if any(isinstance(item, exp.Query) and not isinstance(item, exp.Subquery) for item in node.expressions):
        raise Unclear
    if len(node.expressions) == 1 and isinstance(node.expressions[0], exp.Comprehension):
        return writer.write(node.expressions[0])
    return f"list_value({writer.all(node.expressions)})"


def _comprehension(writer: Writer, node: Any) -> str:
    if node.args.get("condition") is not None or node.args.get("position") is not None:
        raise Unclear
    name = quoted(node.expression.name)
    return f"list_apply({writer.write(node.args['iterator'])}, (lambda {name}: {writer.write(node.this)}))"


def _lambda(writer: Writer, node: Any) -> str:
    names = ", ".join(quoted(parameter.name) for parameter in node.expressions)
    return f"(lambda {names}: {writer.write(node.this)})"


def _extract(writer: Writer, node: Any) -> str:
    part = node.this
    text = f"'{part.name.upper()}'" if isinstance(part, exp.Var) else writer.write(part)
    return f"date_part({text}, {writer.write(node.expression)})"


def _unit_first(writer: Writer, node: Any) -> str:
    unit = node.args.get("unit")
    if unit is None:
        raise Unclear
    return f"{writer.name(node)}('{unit.name.lower()}', {writer.all([node.expression, node.this])})"


def _regexp_like(writer: Writer, node: Any) -> str:
    name = "regexp_full_match" if type(node) is exp.SimilarTo else "regexp_matches"
    return f"{name}({writer.all([node.this, node.expression])})"


def _string_agg(writer: Writer, node: Any) -> str:
    inner, order = node.this, ""
    if type(inner) is exp.Order:
        inner, order = inner.this, f" ORDER BY {writer.all(inner.expressions)}"
    separator = node.args.get("separator")
    return f"string_agg({writer.all([inner] if separator is None else [inner, separator])}{order})"


def _date_trunc(writer: Writer, node: Any) -> str:
    return f"date_trunc('{node.args['unit'].name.lower()}', {writer.write(node.this)})"


def _trim(writer: Writer, node: Any) -> str:
    name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(node.args.get("position") or "").upper(), '"trim"')
    return f"{name}({writer.all(part for part in (node.this, node.expression) if part is not None)})"


def _position(writer: Writer, node: Any) -> str:
    name = writer.name(node) if node._meta else '"position"'
    return f"{name}({writer.all([node.this, node.args['substr']])})"


def _regexp_extract(writer: Writer, node: Any) -> str:
    group = node.args.get("group")
    parts = [node.this, node.expression, *([] if group is None or group.name == "0" else [group])]
    return f"{writer.name(node)}({writer.all(parts)})"


def _logarithm(writer: Writer, node: Any) -> str:
    parts = [node.this, node.expression]
    if functions.written_name(writer.resolution, node) in ("log2", "log10"):
        parts = parts[1:]
    return f"{writer.name(node)}({writer.all(part for part in parts if part is not None)})"


def _ignore_nulls(writer: Writer, node: Any) -> str:
    inner = writer.write(node.this)
    return inner if type(node.this) is exp.AnyValue else f"{inner[:-1]} IGNORE NULLS)"


def _clock(writer: Writer, node: Any) -> str:
    name = functions.written_name(writer.resolution, node)
    return name if name in ("current_date", "current_timestamp") else f"{name}()"


def _unclear(writer: Writer, node: Any) -> str:
    raise Unclear


RULES.update(
    {
        exp.SimilarTo: _regexp_like,
        exp.RegexpLike: _regexp_like,
        exp.IgnoreNulls: _ignore_nulls,
        exp.Struct: _struct,
        exp.Map: _map,
        exp.ToMap: _map,
        exp.Array: _array,
        exp.Comprehension: _comprehension,
        exp.Lambda: _lambda,
        exp.Extract: _extract,
        exp.DateDiff: _unit_first,
        exp.CurrentDate: _clock,
        exp.CurrentTimestamp: _clock,
        exp.GroupConcat: _string_agg,
        exp.TimestampTrunc: _date_trunc,
        exp.DateTrunc: _date_trunc,
        exp.Trim: _trim,
        exp.StrPosition: _position,
        exp.RegexpExtract: _regexp_extract,
        exp.Log: _logarithm,
        exp.Columns: _unclear,
        exp.Interval: _unclear,
        exp.WithinGroup: _unclear,
        exp.JSONExtract: _unclear,
        exp.JSONExtractScalar: _unclear,
        exp.GenerateSeries: _unclear,
        exp.PercentileCont: _unclear,
    }
)

__all__ = ["Writer"]
