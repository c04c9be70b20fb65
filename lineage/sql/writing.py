"""Expressions as DuckDB writes them back, which is how it names outputs without an alias."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from sqlglot import exp

from headwater.lineage.sql import functions
from headwater.lineage.sql.context import Resolution
from headwater.lineage.sql.keyword_names import KEYWORDS

_NUMBER: Final = re.compile(r"[0-9]{1,18}\Z")
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Unclear(Exception):
    """How the engine writes this back is not known here."""


def quoted(name: str) -> str:
    """Return a name as the engine writes it: in quotes where it is a keyword or not plain."""
    if _PLAIN.match(name) is not None and name.lower() not in KEYWORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


class Writer:
    """Writes expressions back as DuckDB does. Raises Unclear where it is not known how."""

    def __init__(self, resolution: Resolution) -> None:
        self.resolution = resolution

    def write(self, node: Any) -> str:
        kind = type(node)
        if kind in _BINARY:
            return f"({self.write(node.this)} {_BINARY[kind]} {self.write(node.expression)})"
        if (rule := RULES.get(kind)) is not None:
            return rule(self, node)
        if isinstance(node, exp.Func):
            return self.call(node)
        raise Unclear

    def all(self, nodes: Any) -> str:
        return ", ".join(self.write(node) for node in nodes)

    def call(self, node: Any) -> str:
        """`f(a, b)`, the arguments in the order in which the parser keeps them."""
        keys = _ARGUMENTS.get(type(node))
        found: list[Any] = []
        for key in keys if keys is not None else node.args:
            value = node.args.get(key)
            found += value if isinstance(value, list) else [value]
        return f"{self.name(node)}({self.all(value for value in found if isinstance(value, exp.Expr))})"

    def name(self, node: Any) -> str:
        return quoted(functions.written_name(self.resolution, node))


def _column(writer: Writer, node: Any) -> str:
    return ".".join(quoted(part.name) for part in node.parts)


def _literal(writer: Writer, node: Any) -> str:
    return "'" + node.name.replace("'", "''") + "'" if node.is_string else str(node.name)


def _connector(writer: Writer, node: Any) -> str:
    word = "AND" if type(node) is exp.And else "OR"
    parts: list[Any] = []
    stack = [node]
    while stack:
        at = stack.pop()
        inner = at
        while type(inner) is exp.Paren:
            inner = inner.this
        if type(inner) is type(node):
            stack += [inner.expression, inner.this]
        else:
            parts.append(inner)
    return "(" + f" {word} ".join(writer.write(part) for part in parts) + ")"


def _not(writer: Writer, node: Any) -> str:
    inner = node.this
    if type(inner) is exp.Is and type(inner.expression) is exp.Null:
        return f"({writer.write(inner.this)} IS NOT NULL)"
    if type(inner) is exp.Is:
        return _is(writer, inner, "IS DISTINCT FROM")
    return f"(NOT {writer.write(inner)})"


def _is(writer: Writer, node: Any, word: str = "IS NOT DISTINCT FROM") -> str:
    if type(node.expression) is exp.Null:
        return f"({writer.write(node.this)} IS NULL)"
    return f"(CAST({writer.write(node.this)} AS BOOLEAN) {word} {writer.write(node.expression)})"


def _like(writer: Writer, node: Any) -> str:
    sign = _LIKE[type(node)]
    if node.args.get("negate"):
        sign = "!~~" + sign[2:]
    return f"({writer.write(node.this)} {sign} {writer.write(node.expression)})"


def _in(writer: Writer, node: Any) -> str:
    if node.args.get("field") is not None:
        return f"contains({writer.write(node.args['field'])}, {writer.write(node.this)})"
    if not node.expressions:
        raise Unclear
    return f"({writer.write(node.this)} IN ({writer.all(node.expressions)}))"


def _case(writer: Writer, node: Any) -> str:
    operand = None if node.args.get("this") is None else writer.write(node.this)
    text = "CASE "
    for branch in node.args.get("ifs") or ():
        condition = writer.write(branch.this)
        if operand is not None:
            condition = f"({operand} = {condition})"
        text += f" WHEN ({condition}) THEN ({writer.write(branch.args['true'])})"
    default = node.args.get("default")
    return f"{text} ELSE {'NULL' if default is None else writer.write(default)} END"


def _cast(writer: Writer, node: Any) -> str:
    word = "TRY_CAST" if type(node) is exp.TryCast else "CAST"
    return f"{word}({writer.write(node.this)} AS {_type(node.to)})"


def _type(node: Any) -> str:
    if type(node) is not exp.DataType:
        raise Unclear
    kind = getattr(node.this, "name", "")
    if kind == "ARRAY" and len(node.expressions) == 1:
        return f"{_type(node.expressions[0])}[{','.join(str(value.name) for value in node.args.get('values') or ())}]"
    name = _TYPES.get(kind)
    if name is None:
        raise Unclear
    sizes = ", ".join(str(item.this.name) for item in node.expressions if type(item) is exp.DataTypeParam)
    return f"{name}({sizes})" if sizes else name


def _count(writer: Writer, node: Any) -> str:
    if node.this is None or type(node.this) is exp.Star:
        windowed = type(node.parent) is exp.Window
        return "count()" if windowed else "count_star()"
    return writer.call(node)


def _filter(writer: Writer, node: Any) -> str:
    return f"{writer.write(node.this)} FILTER (WHERE {writer.write(node.expression.this)})"


def _order(writer: Writer, node: Any) -> str:
    keys = f"ORDER BY {writer.all(node.expressions)}"
    return keys if node.this is None else f"{writer.write(node.this)} {keys}"


def _ordered(writer: Writer, node: Any) -> str:
    text = writer.write(node.this)
    if node.args.get("desc"):
        text += " DESC"
    return f"{text} NULLS FIRST" if node.args.get("nulls_first") else text


def _window(writer: Writer, node: Any) -> str:
    parts = []
    definition = node
    if (alias := node.args.get("alias")) is not None:
        select = node.find_ancestor(exp.Select)
        named = [
            w for w in (select.args.get("windows") or () if select is not None else ()) if w.this.name == alias.name
        ]
        if len(named) != 1 or named[0].args.get("alias") is not None:
            raise Unclear
        definition = named[0]
    if keys := definition.args.get("partition_by"):
        parts.append(f"PARTITION BY {writer.all(keys)}")
    if (order := definition.args.get("order")) is not None:
        parts.append(writer.write(order))
    if (spec := definition.args.get("spec")) is not None:
        sides = []
        for side in ("start", "end"):
            bound = spec.args.get(side)
            text = writer.write(bound) if isinstance(bound, exp.Expr) else str(bound).upper()
            sides.append(" ".join(part for part in (text, str(spec.args.get(f"{side}_side") or "").upper()) if part))
        parts.append(f"{str(spec.args.get('kind')).upper()} BETWEEN {sides[0]} AND {sides[1]}")
        if spec.args.get("exclude") is not None:
            parts.append(f"EXCLUDE {spec.args['exclude'].name.upper()}")
    return f"{writer.write(node.this)} OVER ({' '.join(parts)})"


def _bracket(writer: Writer, node: Any) -> str:
    if len(node.expressions) != 1:
        raise Unclear
    return f"{writer.write(node.this)}[{_place(writer, node.expressions[0])}]"


def _place(writer: Writer, node: Any) -> str:
    """A place in a list; the parser counts from 0, and has taken one off."""
    if type(node) is exp.Literal and not node.is_string and _NUMBER.match(node.name) is not None:
        return str(int(node.name) + 1)
    if type(node) is exp.Neg and type(node.this) is exp.Literal and _NUMBER.match(node.this.name) is not None:
        return str(1 - int(node.this.name))
    if type(node) is exp.Add and type(node.expression) is exp.Neg:
        return writer.write(node.this)
    return writer.write(node)


def _slice(writer: Writer, node: Any) -> str:
    parts = [node.args.get(key) for key in ("this", "expression", "step")]
    written = ["" if part is None else writer.write(part) for part in parts]
    return ":".join(written if parts[2] is not None else written[:2])


def _dot(writer: Writer, node: Any) -> str:
    left, right = node.this, node.expression
    if isinstance(right, exp.Identifier):
        return f"({writer.write(left)}).{quoted(right.name)}"
    if not isinstance(right, exp.Func):
        raise Unclear
    if isinstance(left, (exp.Identifier, exp.Column)):
        return f"{writer.write(left)}.{writer.write(right)}"
    call = writer.write(right)
    opening = call.index("(") + 1
    return call[:opening] + writer.write(left) + ("" if call[opening:] == ")" else ", ") + call[opening:]


def _text(text: str) -> Callable[[Writer, Any], str]:
    return lambda writer, node: text


def _inside(writer: Writer, node: Any) -> str:
    return writer.write(node.this)


_BINARY: Final = {
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.IntDiv: "//", exp.Mod: "%", exp.EQ: "=", exp.NEQ: "!=",
    exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<=", exp.DPipe: "||", exp.BitwiseAnd: "&", exp.BitwiseOr: "|",
    exp.BitwiseLeftShift: "<<", exp.BitwiseRightShift: ">>", exp.NullSafeEQ: "IS NOT DISTINCT FROM",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
}  # fmt: skip
_LIKE: Final = {exp.Like: "~~", exp.ILike: "~~*", exp.Glob: "~~~"}
_TYPES: Final = {
    "INT": "INTEGER", "BIGINT": "BIGINT", "SMALLINT": "SMALLINT", "BOOLEAN": "BOOLEAN", "VARCHAR": "VARCHAR",
    "DECIMAL": "DECIMAL", "TIMESTAMP": "TIMESTAMP", "FLOAT": "FLOAT", "TIME": "TIME", "INTERVAL": "INTERVAL",
    "DOUBLE": "double", "DATE": "date", "TEXT": "VARCHAR", "TINYINT": "tinyint", "INT128": "hugeint", "UUID": "uuid",
    "JSON": '"json"', "VARBINARY": "blob", "TIMESTAMPTZ": "timestamptz", "UBIGINT": "ubigint", "UINT": "uinteger",
    "USMALLINT": "usmallint", "UTINYINT": "utinyint",
}  # fmt: skip
# The arguments that are written, where the parser keeps more than those, or keeps them in another order.
_ARGUMENTS: Final[dict[type, tuple[str, ...]]] = {
    exp.ArraySort: ("this", "expression"),
    exp.RegexpReplace: ("this", "expression", "replacement", "modifiers"),
    exp.SHA2: ("this",),
}
RULES: Final[dict[type, Callable[[Writer, Any], str]]] = {
    exp.Column: _column,
    exp.Identifier: lambda writer, node: quoted(node.name),
    exp.Literal: _literal,
    exp.Null: _text("NULL"),
    exp.Boolean: lambda writer, node: "true" if node.this else "false",
    exp.Paren: _inside,
    exp.And: _connector,
    exp.Or: _connector,
    exp.Not: _not,
    exp.Is: _is,
    exp.Neg: lambda writer, node: (
        f"-{node.this.name}" if type(node.this) is exp.Literal else f"(-({writer.write(node.this)}))"
    ),
    exp.BitwiseNot: lambda writer, node: f"(~({writer.write(node.this)}))",
    exp.Like: _like,
    exp.ILike: _like,
    exp.Glob: _like,
    exp.Between: lambda writer, node: (
        f"({writer.write(node.this)} BETWEEN {writer.write(node.args['low'])} AND {writer.write(node.args['high'])})"
    ),
    exp.In: _in,
    exp.Case: _case,
    exp.If: lambda writer, node: f'"if"({writer.all([node.this, node.args["true"], node.args["false"]])})',
    exp.Coalesce: lambda writer, node: f"COALESCE({writer.all([node.this, *node.expressions])})",
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Count: _count,
    exp.Filter: _filter,
    exp.Distinct: lambda writer, node: f"DISTINCT {writer.all(node.expressions)}",
    exp.Order: _order,
    exp.Ordered: _ordered,
    exp.Window: _window,
    exp.Bracket: _bracket,
    exp.Slice: _slice,
    exp.Dot: _dot,
    exp.Tuple: lambda writer, node: f'"row"({writer.all(node.expressions)})',
    exp.Pow: lambda writer, node: (
        writer.call(node) if node._meta else f"({writer.write(node.this)} ** {writer.write(node.expression)})"
    ),
    exp.Collate: lambda writer, node: f"{writer.write(node.this)} COLLATE {node.expression.name}",
}
