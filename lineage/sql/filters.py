"""Simple filters that stand directly on a table reference: rows that fail them cannot show in the result.

Kept as text over the table's own columns, so that a fingerprint may later be taken under it. Only what is certain:
conjuncts of a WHERE clause that compare columns of one reference with constants or parameters, where no join keeps
rows of that reference that have no partner (`a left join b where b.x is null` depends on every row of `b`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlglot import exp

from headwater.lineage.sql.context import Resolution
from headwater.lineage.sql.model import Relation
from headwater.lineage.sql.parse import ParsedQuery
from headwater.lineage.sql.scope import Scope

_COMPARISONS: Final = {exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
_WHOLE: Final = frozenset([*_COMPARISONS, exp.Between, exp.In, exp.Is, exp.Or, exp.Not])
_DATES: Final = ("DATE", "TIMESTAMP", "TIMESTAMPTZ")
_INNER: Final = ("", "INNER", "CROSS", "SEMI", "ANTI", "OUTER")


class _NotSimple(Exception):
    """The condition is none of the forms that are kept."""


def keep_filters(resolution: Resolution, node: exp.Select, conjuncts: list[Any], scope: Scope) -> None:
    """Note on each reference of this SELECT's FROM clause those of its WHERE's conjuncts that narrow it."""
    if node.args.get("connect") is not None or _is_other(resolution.query):
        return
    found: dict[Relation, list[str]] = {}
    for conjunct in conjuncts:
        kind, args = type(conjunct), conjunct.args
        if kind not in _WHOLE or (
            kind in _COMPARISONS and type(args["this"]) is type(args["expression"]) is exp.Column
        ):
            continue  # among others a join in disguise, as most conjuncts are
        try:
            part = _Condition(resolution)
            text = part.text(conjunct)
        except _NotSimple:
            continue
        if part.relation is not None:
            found.setdefault(part.relation, []).append(text)
    narrowed = _narrowed(node, scope) if found else ()
    for relation, texts in found.items():
        if relation in narrowed and relation.reference is not None:
            relation.reference.filter = " AND ".join(texts)


def _is_other(query: ParsedQuery) -> bool:
    """Where a condition is not what it looks like: ClickHouse prefers aliases to columns, `(+)` is an outer join, and
    the steps of a pipe are taken in their order."""
    if query.dialect == "duckdb":
        return False
    return query.dialect == "clickhouse" or "(+)" in query.text or "|>" in query.text


def _narrowed(node: exp.Select, scope: Scope) -> set[Relation]:
    """Return the references whose rows no join keeps without a partner, and that nothing else looks at as a whole."""
    clause = node.args.get("from_")
    sources = [] if clause is None else [clause.this]
    preserved = True
    optional: set[int] = set()
    for join in node.args.get("joins") or ():
        sources.append(join.this)
        side, kind, method = map(join.args.get, ("side", "kind", "method"))
        if side or kind or method:  # and not just a comma
            side = str(side or "").upper()
            if side == "LEFT":
                optional.add(len(sources) - 1)
            preserved = preserved and side in ("", "LEFT") and str(kind or "").upper() in _INNER and not method
    if not preserved or len(sources) < len(scope.bindings):
        return set()
    by_place = {
        relation.reference.start: relation
        for relation in (binding.relation for binding in scope.bindings)
        if relation.reference is not None
    }
    narrowed: set[Relation] = set()
    for number, source in enumerate(sources):
        args = source.args
        if not isinstance(source, exp.Table) or args.get("joins") or args.get("pivots") or args.get("sample"):
            return set()
        first = args.get("catalog") or args.get("db") or args["this"]
        relation = by_place.get((getattr(first, "_meta", None) or {}).get("start", -1))
        if relation is not None and number not in optional:
            narrowed.add(relation)
    return narrowed


class _Condition:
    """One conjunct as text, and the one reference whose columns it names."""

    __slots__ = ("_resolution", "relation")

    def __init__(self, resolution: Resolution) -> None:
        self._resolution = resolution
        self.relation: Relation | None = None

    def text(self, node: Any) -> str:
        """Return the text. Raises _NotSimple for any other form, or for columns of several references."""
        kind = type(node)
        if (sign := _COMPARISONS.get(kind)) is not None:
            return f"{self.text(node.this)} {sign} {self.text(node.args['expression'])}"
        form = _FORMS.get(kind)
        if form is None:
            raise _NotSimple
        return form(self, node)

    def column(self, node: Any) -> str:
        column = self._resolution.column_of.get(id(node))
        if column is None or column.leaf is None or column.leaf.reference is None:
            raise _NotSimple
        if self.relation not in (None, column.leaf):
            raise _NotSimple
        self.relation = column.leaf
        return '"' + column.name.replace('"', '""') + '"'

    def literal(self, node: Any) -> str:
        return "'" + node.this.replace("'", "''") + "'" if node.is_string else str(node.this)

    def cast(self, node: Any) -> str:
        type_ = getattr(node.args["to"].this, "name", "")
        if type_ not in _DATES or not isinstance(node.this, exp.Literal):
            raise _NotSimple
        return f"CAST({self.literal(node.this)} AS {type_})"

    def parameter(self, node: Any) -> str:
        name = node.this
        if node.args.get("expression") is not None or not isinstance(name, (exp.Var, exp.Identifier, str)):
            raise _NotSimple
        return f"${name if isinstance(name, str) else name.name}"

    def dotted(self, node: Any) -> str:
        part = node.args["expression"]
        if not isinstance(node.this, (exp.Parameter, exp.Placeholder)) or not isinstance(part, exp.Identifier):
            raise _NotSimple
        return f"{self.parameter(node.this)}.{part.name}"

    def between(self, node: Any) -> str:
        if node.args.get("symmetric"):
            raise _NotSimple
        return f"{self.text(node.this)} BETWEEN {self.text(node.args['low'])} AND {self.text(node.args['high'])}"

    def listed(self, node: Any) -> str:
        items = node.args.get("expressions")
        if not items or node.args.get("query") is not None or node.args.get("field") is not None:
            raise _NotSimple
        return f"{self.text(node.this)} IN ({', '.join(map(self.text, items))})"

    def is_null(self, node: Any) -> str:
        if not isinstance(node.args["expression"], exp.Null):
            raise _NotSimple
        return f"{self.text(node.this)} IS NULL"

    def either(self, node: Any) -> str:
        return f"({self.text(node.this)} OR {self.text(node.args['expression'])})"

    def negated(self, node: Any) -> str:
        return f"NOT ({self.text(node.this)})"

    def inner(self, node: Any) -> str:
        return f"({self.text(node.this)})"


_FORMS: Final[dict[type, Callable[[_Condition, Any], str]]] = {
    exp.Column: _Condition.column,
    exp.Literal: _Condition.literal,
    exp.Cast: _Condition.cast,
    exp.Parameter: _Condition.parameter,
    exp.Placeholder: _Condition.parameter,
    exp.Between: _Condition.between,
    exp.In: _Condition.listed,
    exp.Is: _Condition.is_null,
    exp.Or: _Condition.either,
    exp.Not: _Condition.negated,
    exp.Paren: _Condition.inner,
    exp.Dot: _Condition.dotted,
    exp.Neg: lambda condition, node: f"-{condition.text(node.this)}",
}
