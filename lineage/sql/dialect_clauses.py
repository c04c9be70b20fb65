"""Clauses of SELECT that single dialects have: WITH expressions, CONNECT BY, MATCH_RECOGNIZE, TRANSFORM.

Whatever clause none of the steps knows is looked at by the last step here, so that a read is not missed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from headwater.lineage.sql.function_names import words
from headwater.lineage.sql.model import FILTER, JOIN, LOOK, TRANSFORMATION, Binding, Column, Gap, Relation

if TYPE_CHECKING:
    from headwater.lineage.sql.select import Selection

# Names that mean no column, where the dialect has them: what they give is not of any table.
PSEUDO_COLUMNS: Final[dict[str, frozenset[str]]] = {
    "oracle": words("level rownum connect_by_isleaf connect_by_iscycle sysdate systimestamp uid"),
}
_KNOWN: Final = words(
    """
    with_ kind expressions hint distinct into from_ joins laterals where prewhere group having qualify windows order
    sort cluster distribute limit offset fetch sample locks operation_modifiers settings format options match connect
    exclude limit_options
    """
)


def scalar_definitions(selection: Selection) -> None:
    """ClickHouse: `WITH expression AS name` is a name for an expression, which the select list and conditions see."""
    clause = selection.node.args.get("with_")
    for cte in clause.expressions if clause is not None else ():
        if is_scalar(cte):
            name = cte.alias
            column = Column(name, None, selection.edges(cte.this))
            selection.scope.aliases.setdefault(name.lower(), column)
            selection.out.row_edges += [(target, LOOK) for target, _ in column.edges]


def is_scalar(cte: Any) -> bool:
    """Return whether a WITH item names an expression rather than a query."""
    return bool(cte.args.get("scalar")) or not isinstance(cte.this, (exp.Query, exp.Values, exp.DML, exp.Pivot))


def match_recognize(selection: Selection) -> None:
    """MATCH_RECOGNIZE: its measures, and the columns of its partitions or of all rows, are what the query sees."""
    clause = selection.node.args.get("match")
    if clause is None:
        return
    scope = selection.scope
    source = list(scope.bindings)
    symbols = {item.alias.lower() for item in clause.args.get("define") or ()} | _symbols(clause)
    known = {binding.alias for binding in source}
    if len(source) == 1:
        for symbol in sorted(symbols - known):  # `x.price` is the price of the rows that matched x
            hidden = Binding(symbol, source[0].relation, source[0].index)
            hidden.qualifier = source[0].qualifier
            scope.bindings = [*scope.bindings, hidden]
    relation = Relation("the matches")
    selection.resolution.relations.append(relation)
    selection.out.row_edges.append((relation, LOOK))
    plain = source[0] if len(source) == 1 else None
    for item in clause.args.get("define") or ():
        relation.row_edges += [(target, FILTER) for target, _ in _matched(selection, item.this, plain)]
    order = clause.args.get("order")
    for ordered in order.expressions if order is not None else ():
        relation.row_edges += [(target, LOOK) for target, _ in _matched(selection, ordered, plain)]
    for key in clause.args.get("partition_by") or ():
        edges = _matched(selection, key, plain)
        relation.row_edges += [(target, LOOK) for target, _ in edges]
        relation.add(Column(key.name, None, edges))
    for measure in clause.args.get("measures") or ():
        item = measure.this
        name = item.alias if isinstance(item, exp.Alias) else item.name
        relation.add(Column(name, None, _matched(selection, item.unalias(), plain)))
    if "ALL ROWS" in str(clause.args.get("rows") or "").upper():
        for binding in source:
            for column in binding.listed():
                if column.name.lower() not in relation.by_name:
                    relation.add(column)
            if binding.is_open:
                relation.gaps.append(Gap(binding.relation, frozenset(relation.by_name)))
    relation.row_edges += [(binding.relation, LOOK) for binding in source]
    alias = clause.args.get("alias")
    name = alias.name.lower() if alias is not None else source[0].alias if source else None
    scope.bindings = [Binding(name, relation, selection.resolution.number())]
    scope.known.clear()
    selection.resolution.keep_names()


def _matched(selection: Selection, node: Any, plain: Binding | None) -> Any:
    """What an expression depends on, where a bare name means the source's column and not any symbol's."""
    bindings = selection.scope.bindings
    if plain is not None and not any(column.args.get("table") for column in node.find_all(exp.Column)):
        selection.scope.bindings = [plain]
    selection.scope.known.clear()
    edges = selection.edges(node)
    selection.scope.bindings = bindings
    return edges


def _symbols(clause: Any) -> set[str]:
    pattern = clause.args.get("pattern")
    text = str(pattern.name if pattern is not None else "").lower()
    return set("".join(char if char.isalnum() or char == "_" else " " for char in text).split())


def connect_by(selection: Selection) -> None:
    """START WITH and CONNECT BY: the first rows, and which rows follow on which."""
    clause = selection.node.args.get("connect")
    if clause is None:
        return
    selection.scope.aliases.setdefault("level", Column("level"))
    if (start := clause.args.get("start")) is not None:
        selection.shape(start, FILTER)
    if (condition := clause.args.get("connect")) is not None:
        selection.shape(condition, JOIN)


def transformed(selection: Selection, node: exp.QueryTransform) -> None:
    """Hive: TRANSFORM (...) USING 'script' AS (...): every column is made from all that goes in."""
    schema = node.args.get("schema")
    names = [item.name for item in schema.expressions] if schema is not None else ["key", "value"]
    edges = [edge for item in node.expressions for edge in selection.edges(item)]
    for name in names:
        column = Column(name, None, [(target, TRANSFORMATION) for target, _ in edges])
        selection.scope.aliases.setdefault(name.lower(), column)
        selection.out.add(column)
    selection.resolution.volatile = True


def the_rest(selection: Selection) -> None:
    """Look at every clause that no other step knows."""
    args = selection.node.args
    if args.keys() <= _KNOWN:
        return
    for key, value in args.items():
        if value and key not in _KNOWN:
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, exp.Expr):
                    selection.shape(item, LOOK)
