"""PIVOT and UNPIVOT, as statements and in FROM: which columns group, which choose, which are turned around.

A pivoted column aggregates its arguments, under the condition that the key has its value; the group columns are those
that the text names, or all that it does not mention. Where the values are not in the text, the outputs depend on data
and are not known, and any of them is made from all that is aggregated. An unpivoted value is made from each column of
its list, and its name column from none: it holds what the text calls them, so that goes to the definition hash.
"""

from __future__ import annotations

import re
from itertools import product
from math import prod
from typing import Any, Final

from sqlglot import exp

from headwater.lineage.sql import naming, stars, types
from headwater.lineage.sql.context import Environment, Resolution
from headwater.lineage.sql.expressions import Walk, direct_column
from headwater.lineage.sql.model import (
    CONDITIONAL,
    FILTER,
    GROUP_BY,
    LOOK,
    TRANSFORMATION,
    Column,
    Edge,
    Gap,
    Relation,
    whole,
)
from headwater.lineage.sql.scope import Scope

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
MOST_COLUMNS: Final = 100_000  # what the engine allows a PIVOT to make

Field = tuple[Any, list[Any] | None]  # what is turned around, and its values where the text lists them


class _Turning:
    """One PIVOT or UNPIVOT on its way: its source as a scope, and the relation it becomes."""

    __slots__ = ("environment", "node", "out", "resolution", "scope")

    def __init__(
        self, resolution: Resolution, node: Any, scope: Scope, environment: Environment | None, label: str
    ) -> None:
        self.resolution = resolution
        self.node = node
        self.scope = scope
        self.environment = environment
        self.out = Relation(label)
        self.out.row_edges = [(binding.relation, LOOK) for binding in scope.bindings]
        resolution.relations.append(self.out)

    def edges(self, node: Any, kind: int = 0) -> list[Edge]:
        return Walk(self.resolution, self.scope, self.environment).run(node, kind)

    def give_up(self, reason: str) -> None:
        """Fail closed: any output may be made from all of the source."""
        self.resolution.keep_names()
        self.out.open = True
        self.out.source += [(whole(binding.relation, reason), TRANSFORMATION) for binding in self.scope.bindings]
        self.out.row_edges += [(target, LOOK) for target, _ in self.out.source]


def turned(
    resolution: Resolution, node: Any, scope: Scope, environment: Environment | None, label: str | None
) -> Relation:
    """Return the relation that PIVOT or UNPIVOT makes of the sources that `scope` holds."""
    unpivot = bool(node.args.get("unpivot"))
    turning = _Turning(resolution, node, scope, environment, label or ("unpivot" if unpivot else "pivot"))
    if unpivot:
        _unpivot(turning)
    else:
        _pivot(turning)
    return turning.out


# ---- PIVOT


def _pivot(turning: _Turning) -> None:
    node = turning.node
    statement = not node.args.get("fields")
    fields = [_field(item) for item in (node.expressions or () if statement else node.args["fields"])]
    aggregates = list((node.args.get("using") or ()) if statement else node.expressions)
    if any(stars.has_columns(item) for item in (*aggregates, *(key for key, _ in fields))):
        turning.give_up("PIVOT chooses columns by name")
        return
    values: list[Edge] = []
    keys = [edge for key, _ in fields for edge in turning.edges(key, CONDITIONAL)]
    aggregated: list[tuple[Any, list[Edge]]] = []
    for item in aggregates or [exp.Count(this=exp.Star())]:
        edges = turning.edges(item)
        values += edges
        aggregated.append((item, edges))
    for extra in (node.args.get("default_on_null"), *(_values_query(item) for item in node.expressions or ())):
        if isinstance(extra, exp.Expr):
            values += turning.edges(extra, TRANSFORMATION)
    _groups(turning, fields, aggregates)
    turning.resolution.notes.append(f"pivot {[value_name(value) for _, listed in fields for value in listed or ()]}")
    names = _names(turning, fields, aggregates)
    turning.out.open = turning.out.open or names is None
    if turning.out.open:
        turning.out.source = values + keys
        turning.out.row_edges += [(target, LOOK) for target, _ in keys]
    for name, position in names or ():
        item, edges = aggregated[position]
        turning.out.add(Column(name, types.type_of(turning.resolution, _unaliased(item)), edges + keys))


def _field(item: Any) -> Field:
    """What is turned around, and the values that the text lists for it."""
    if not isinstance(item, exp.In):
        return item, None
    listed = item.expressions
    if not listed or isinstance(listed[0], (exp.PivotAny, exp.Query)):
        return item.this, None
    return item.this, listed


def _values_query(item: Any) -> Any:
    """The query or the order that says which values there are, where they are not in the text."""
    if not isinstance(item, exp.In):
        return None
    first = item.expressions[0] if item.expressions else None
    return item.args.get("query") or (first if isinstance(first, (exp.Query, exp.PivotAny)) else None)


def _groups(turning: _Turning, fields: list[Field], aggregates: list[Any]) -> None:
    out, resolution = turning.out, turning.resolution
    clause = turning.node.args.get("group")
    if clause is not None:
        for item in clause.expressions:
            edges = turning.edges(item)
            column = direct_column(resolution, item)
            if column is None or edges != [(column, 0)]:
                column = Column(naming.output_name(resolution, item), types.type_of(resolution, item), edges)
            out.add(column)
            out.row_edges.append((column, GROUP_BY))
    elif fields:
        mentioned = _mentioned(resolution, [*(key for key, _ in fields), *aggregates])
        for column in _others(turning, mentioned, "PIVOT groups by every other column"):
            out.add(column)
            out.row_edges.append((column, GROUP_BY))


def _mentioned(resolution: Resolution, expressions: list[Any]) -> frozenset[str]:
    """The lower-case names of the columns that expressions, walked already, mention."""
    names = set()
    for expression in expressions:
        for node in expression.find_all(exp.Column):
            column = resolution.column_of.get(id(node))
            names.add(node.parts[0].name.lower() if column is None else column.name.lower())
    return frozenset(names)


def _others(turning: _Turning, without: frozenset[str], reason: str) -> list[Column]:
    """The columns of the source but those named; a gap where they are not all known."""
    columns = []
    description = []
    for binding in turning.scope.bindings:
        for column in binding.listed():
            key = column.name.lower()
            if key not in binding.hidden and key not in without:
                columns.append(binding.merged.get(key, column))
                description.append(f"{binding.index}.{key}")
        if binding.is_open:
            turning.out.gaps.append(Gap(binding.relation, without | binding.hidden))
            turning.out.row_edges.append((whole(binding.relation, reason), LOOK))
            description.append(f"{binding.index}.?")
    turning.resolution.notes.append(f"others {' '.join(description)}")
    return columns


def _names(turning: _Turning, fields: list[Field], aggregates: list[Any]) -> list[tuple[str, int]] | None:
    """The pivoted columns in order, each with the position of its aggregate; None where they depend on data."""
    listed = [values for _, values in fields]
    several = max(1, len(aggregates))
    if any(values is None for values in listed) or prod(len(values or ()) for values in listed) > MOST_COLUMNS:
        return None
    if turning.resolution.query.dialect != "duckdb" and fields:
        return _names_of_the_parser(turning, prod(len(values or ()) for values in listed), aggregates)
    parts = [[value_name(value) for value in values or ()] for values in listed]
    if any(part is None for values in parts for part in values):
        return None
    found = []
    for combination in product(*parts):
        for position in range(several):
            name = "_".join(str(part) for part in combination)
            own = _aggregate_name(turning, aggregates[position]) if aggregates else "count_star()"
            if not fields:
                name = own
            elif several > 1 or (aggregates and isinstance(aggregates[position], exp.Alias)):
                name = f"{name}_{own}"
            found.append((name, position))
    return found


def _names_of_the_parser(turning: _Turning, combinations: int, aggregates: list[Any]) -> list[tuple[str, int]] | None:
    """The parser knows how each dialect puts these names together, some only for aggregates that have an alias."""
    columns = [column.name for column in turning.node.args.get("columns") or ()]
    of = list(range(max(1, len(aggregates))))
    if len(columns) != combinations * len(of):
        of = [position for position in of if isinstance(aggregates[position], exp.Alias)]
        turning.out.open = True
    if not of or len(columns) != combinations * len(of):
        return None
    return [(name, of[position % len(of)]) for position, name in enumerate(columns)]


def _aggregate_name(turning: _Turning, item: Any) -> str:
    return str(item.alias) if isinstance(item, exp.Alias) else naming.output_name(turning.resolution, item)


def value_name(value: Any) -> str | None:
    """Return the name that a value of an IN list gives to its column, or None where it has to be computed."""
    if isinstance(value, (exp.PivotAlias, exp.Alias)):
        return str(value.args["alias"].name)
    if isinstance(value, exp.Collate):
        return str(value.expression.name)  # how an alias inside the list of a PIVOT statement is parsed, see `repairs`
    if isinstance(value, exp.Paren):
        return value_name(value.this)
    if isinstance(value, exp.Tuple):
        parts = [value_name(part) for part in value.expressions]
        return None if any(part is None for part in parts) else "_".join(str(part) for part in parts)
    if isinstance(value, exp.Literal):
        return str(value.name) if value.is_string or value.name.replace(".", "", 1).isdecimal() else None
    if isinstance(value, exp.Cast) and isinstance(value.this, exp.Literal) and _DATE.fullmatch(value.this.name):
        return str(value.this.name) if value.to.this is exp.DType.DATE else None
    if isinstance(value, exp.Null):
        return "NULL"
    if isinstance(value, exp.Boolean):
        return "true" if value.this else "false"
    if isinstance(value, exp.Neg) and isinstance(value.this, exp.Literal) and (inner := value_name(value.this)):
        return f"-{inner}"
    if isinstance(value, exp.Column) and len(value.parts) == 1:
        return str(value.name)  # a bare word means itself
    return None


# ---- UNPIVOT


def _unpivot(turning: _Turning) -> None:
    node, resolution = turning.node, turning.resolution
    entries, name, value_names = _unpivot_parts(node)
    chosen = _chosen_entries(turning, entries)
    if chosen is None or any(len(columns) != len(value_names) for _, columns in chosen):
        turning.give_up("UNPIVOT turns columns around that are chosen by name")
        return
    handled: set[str] = set()
    values = [Column(value_name, None, []) for value_name in value_names]
    written = []
    for position, (label, columns) in enumerate(chosen):
        written.append(label)
        for value, item in zip(values, columns, strict=True):
            edges: list[Edge] = [(item, TRANSFORMATION)]
            if isinstance(item, Column):
                handled.add(item.name.lower())
                type_ = item.type
            else:
                edges, type_ = turning.edges(item, TRANSFORMATION), types.type_of(resolution, item)
                handled |= _mentioned(resolution, [item])
            value.edges += edges
            value.type = type_ if position == 0 or value.type == type_ else None
            if not node.args.get("include_nulls"):
                turning.out.row_edges += [(target, FILTER) for target, kind in edges]
    turning.resolution.notes.append(f"unpivot {written}")
    for column in _others(turning, frozenset(handled), "UNPIVOT keeps every other column"):
        turning.out.add(column)
    names = [] if name is None else [Column(name, "varchar", _named_after(turning, values))]
    for column in (*values, *names) if node.args.get("value_columns_first") else (*names, *values):
        turning.out.add(column)


def _named_after(turning: _Turning, values: list[Column]) -> list[Edge]:
    """What the column of names is made from: text alone, says DuckDB's binder; for other engines it is customary to
    name the columns that it names."""
    if turning.resolution.query.dialect == "duckdb":
        return []
    return [(target, CONDITIONAL) for value in values for target, _ in value.edges]


def _unpivot_parts(node: Any) -> tuple[list[Any], str | None, list[str]]:
    """The entries, the name of the column of names, and those of the columns of values."""
    fields = node.args.get("fields")
    if not fields:
        into = node.args.get("into")
        if into is None:
            return list(node.expressions or ()), "name", ["value"]
        name = into.this.name if into.this else "name"
        return list(node.expressions or ()), name, [column.name for column in into.expressions or ()] or ["value"]
    value_names = []
    for item in node.expressions:
        value_names += [part.name for part in item.expressions] if isinstance(item, exp.Tuple) else [item.name]
    return list(fields[0].expressions), fields[0].this.name, value_names


def _chosen_entries(turning: _Turning, entries: list[Any]) -> list[tuple[str, list[Any]]] | None:
    """Each entry with what it is called and its columns or expressions; None where these cannot be told."""
    chosen: list[tuple[str, list[Any]]] = []
    for entry in entries:
        label = None
        if isinstance(entry, (exp.PivotAlias, exp.Alias)):
            label, entry = str(entry.args["alias"].name), entry.this
        if stars.star_of(entry) is not None or stars.has_columns(entry):
            columns = stars.chosen_columns(turning.resolution, entry, turning.scope)
            if columns is None:
                return None
            chosen += [(label or column.name, [column]) for column in columns]
            continue
        while isinstance(entry, exp.Paren):
            entry = entry.this
        items = list(entry.expressions) if isinstance(entry, exp.Tuple) else [entry]
        chosen.append((label or "_".join(_label(turning, item) for item in items), items))
    return chosen


def _label(turning: _Turning, item: Any) -> str:
    """What an unnamed entry is called: its column, as the source spells it, or the first that it mentions."""
    column = next(iter(item.find_all(exp.Column)), None)
    if column is None:
        return naming.output_name(turning.resolution, item)
    name = str(column.name)
    for binding in turning.scope.bindings:
        if (known := binding.certain(name.lower())) is not None:
            return known.name
    return name if turning.scope.bindings and not turning.scope.bindings[0].is_open else name.lower()


def _unaliased(item: Any) -> Any:
    return item.this if isinstance(item, exp.Alias) else item
