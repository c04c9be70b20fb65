"""Functions in FROM: what columns they give, each made from all of their arguments."""

from __future__ import annotations

from typing import Any, Final

from sqlglot import exp

from headwater.lineage.sql import functions, refusals, types
from headwater.lineage.sql.context import Environment, Resolution
from headwater.lineage.sql.expressions import Walk
from headwater.lineage.sql.model import SPREAD, TRANSFORMATION, Binding, Column, Relation
from headwater.lineage.sql.scope import Scope

_FLATTENED: Final = ("SEQ", "KEY", "PATH", "INDEX", "VALUE", "THIS")
_KEY_VALUE: Final = ("key", "value")
# What functions of other engines than DuckDB call their columns, as their manuals have it.
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "flatten": _FLATTENED,
    "split_to_table": ("SEQ", "INDEX", "VALUE"),
    "strtok_split_to_table": ("SEQ", "INDEX", "VALUE"),
    "generator": (),
    "openjson": ("key", "value", "type"),
    "string_split": ("value", "ordinal"),
    "generate_series": ("generate_series", "value"),
    "jsonb_array_elements": ("value",),
    "json_array_elements": ("value",),
    "jsonb_array_elements_text": ("value",),
    "json_array_elements_text": ("value",),
    "jsonb_each": _KEY_VALUE,
    "json_each": _KEY_VALUE,
    "jsonb_each_text": _KEY_VALUE,
    "json_each_text": _KEY_VALUE,
    "jsonb_object_keys": ("jsonb_object_keys",),
    "json_object_keys": ("json_object_keys",),
    "regexp_split_to_table": ("regexp_split_to_table",),
    "regexp_matches": ("regexp_matches",),
    "string_to_table": ("string_to_table",),
    "explode": ("col", "key", "value"),
    "explode_outer": ("col", "key", "value"),
    "posexplode": ("pos", "col", "key", "value"),
    "posexplode_outer": ("pos", "col", "key", "value"),
    "json_table": (),
    "xmltable": (),
    "open_json": ("key", "value", "type"),
    "jsontable": (),
    "xml_table": (),
    "numbers": ("number",),
}
_OF_ONE_COLUMN: Final = frozenset(["unnest", "range", "generate_series", "explode", "flatten"])
_ONE_COLUMN: Final = frozenset(["unnest", "range", "generate_series", "explode"])
_NO_ARGUMENTS: Final = frozenset(["alias", "offset", "schema", "columns", "joins", "laterals", "pivots"])


def function_source(
    resolution: Resolution,
    node: Any,
    call: Any,
    name: str,
    alias: str | None,
    renamed: tuple[str, ...],
    scope: Scope,
    environment: Environment | None,
) -> Binding:
    """Return the binding of a function call in FROM, where `node` gives the alias and `call` the arguments."""
    relation = Relation(alias or name)
    reads_file = refusals.check_table_function(resolution, call, name)
    walk = Walk(resolution, scope, environment)
    if reads_file or name in ("query", "query_table"):
        resolution.keep_names()  # argument names are options, not columns
    else:
        _push_arguments(walk, node if call is None else call)
        walk.run(exp.Null())
    relation.source = walk.edges
    relation.row_edges += [(target, SPREAD) for target, _ in walk.edges]
    resolution.relations.append(relation)
    if resolution.query.dialect == "duckdb":
        _name_columns(resolution, relation, node, call, name, renamed, alias)
        return Binding(alias or name, relation, resolution.number())
    declared = _declared(call)
    names = list(renamed) or declared
    offset = node.args.get("offset")
    if isinstance(offset, exp.Identifier):
        names.append(offset.name)
    elif offset or node.args.get("ordinality"):
        names.append("ordinality")
    known = None if names else COLUMNS.get(name)
    if known is not None:
        names = [*known, *([alias] if alias and len(known) == 1 else [])]
    elif not names and name in _ONE_COLUMN:
        names = ["unnest" if name == "explode" else name]
        if alias:
            names.append(alias)
    for column_name in names:
        relation.add(Column(column_name, None, list(walk.edges)))
    closed = (
        (name in _ONE_COLUMN and names) or renamed or declared or known is not None or (name == "flatten" and names)
    )
    relation.open = not closed
    return Binding(alias or name, relation, resolution.number())


def _push_arguments(walk: Walk, call: Any) -> None:
    for key, value in call.args.items():
        if key not in _NO_ARGUMENTS or (key == "columns" and not isinstance(call, exp.XMLTable)):
            if isinstance(call, exp.OpenJSON) and key == "expressions":
                continue
            items = value if isinstance(value, list) else [value]
            for item in reversed(items):
                if isinstance(item, exp.Kwarg):
                    item = item.expression  # FLATTEN(input => x): the name is an argument's
                if isinstance(item, exp.Expr):
                    walk.push(item, TRANSFORMATION, frozenset())


def _declared(call: Any) -> list[str]:
    """The columns that a call declares itself: OPENJSON ... WITH (...), JSON_TABLE(... COLUMNS ...), XMLTABLE."""
    if isinstance(call, exp.JSONTable):
        return _of_schema(call.args.get("schema"))
    if isinstance(call, exp.OpenJSON):
        return [item.name for item in call.expressions]
    if isinstance(call, exp.XMLTable):
        return [item.name for item in call.args.get("columns") or ()]
    return []


def _of_schema(schema: Any) -> list[str]:
    names: list[str] = []
    for item in schema.expressions if schema is not None else ():
        if item.args.get("nested_schema") is not None:
            names += _of_schema(item.args["nested_schema"])
        elif item.this is not None:
            names.append(item.name)
    return names


def _name_columns(
    resolution: Resolution,
    relation: Relation,
    node: Any,
    call: Any,
    name: str,
    renamed: tuple[str, ...],
    alias: str | None,
) -> None:
    """Give a table function its columns. That of a function of one column bears the alias, and its own name too."""
    offset = node.args.get("offset")
    single = name in _OF_ONE_COLUMN
    names = list(renamed) or ([alias or name] if single else [])
    if offset and (not renamed or not single or len(renamed) == 1):
        names.append(offset.name if isinstance(offset, exp.Identifier) else "ordinality")
    for column_name in names:
        relation.add(Column(column_name, None, list(relation.source)))
    if single and names:
        first = relation.columns[0]
        relation.by_name.setdefault("unnest" if name == "explode" else name, first)
        first.type = _element_type(resolution, call, name)
    relation.open = not (single and names) and not (renamed and name in functions.TABLE_FUNCTIONS)


def _element_type(resolution: Resolution, call: Any, name: str) -> str | None:
    if resolution.query.dialect != "duckdb":
        return None
    arguments = [*(call.expressions or ()), *([call.this] if isinstance(call.args.get("this"), exp.Expr) else ())]
    given = [types.type_of(resolution, argument) for argument in arguments]
    if name in ("unnest", "explode") and len(given) == 1 and given[0] is not None and given[0].endswith("[]"):
        return types.known(given[0][:-2])
    if name in ("range", "generate_series") and all(type_ in ("integer", "bigint") for type_ in given):
        return "bigint"
    return None
