"""The SQL of fingerprints: one `count(*)` and two sums over row hashes, exact to the last bit.

DuckDB's `hash` calls some unequal values equal: [] and NULL, 0.0 and -0.0, one month and 30 days, NaNs of different
payload, an enum member and another in the same place. So each column enters as *terms* that keep its values apart:

- plain scalars as they are,
- floating point as the value and its sign bit, in the first sum also its bits where it is NaN (a fifth of the price of
  hashing all bits),
- enums and intervals as text,
- lists, arrays, structs, tuples, maps and unions as one text in an injective grammar:

      element := "!" (NULL)  |  "=" value
      value   := scalar text with "\\" and ";" escaped by "\\", then ";"
               | "[" element* "]"      list, array; a map is the list of its entries
               | "(" element* ")"      struct, tuple: one element for each field, in order
               | "<" scalar element* ">"   union: its tag, then one element for each member

  The type of a column is known (it is in the tag), so a reader of the text knows at every position which rule
  applies, and the first character of an element or of what closes it decides: the text determines the value.

The outer hash matters: `hash(a, b)` ends in an exclusive or, so sums of it collide for constructed swaps of values
between rows. The second sum hashes the terms in reverse with a constant. 128 bits guard against accidents, not against
someone who constructs collisions: evidence uses SHA-256.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import duckdb
from duckdb.sqltypes import DuckDBPyType

from headwater.assets.errors import StepError
from headwater.lineage.fingerprint import Fingerprint
from headwater.lineage.schema import SchemaColumns
from headwater.runtime.engines.duckdb_settings import identifier, literal
from headwater.runtime.engines.duckdb_values import INTEGERS

_TIMES = frozenset(
    ["date", "time", "time_ns", "time with time zone", "timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns"]
)
_ZONED = frozenset(["timestamp with time zone", "timestamptz_ns"])
_NUMBERS = INTEGERS | {"boolean", "bignum", "decimal"}
_PLAIN = _NUMBERS | _TIMES | _ZONED | frozenset(["varchar", "uuid", "blob", "bit", "geometry", "null"])
_FLOATS = frozenset(["float", "double"])
_TEXTS = frozenset(["uuid", "bit", "interval", "null"]) | _NUMBERS | _TIMES
_BYTES = frozenset(["blob", "geometry"])

_COLUMN = "\0"  # stands for the column in terms; no SQL text contains it
_Encoder = Callable[[str], str]
_terms: dict[str, tuple[str, ...]] = {}  # by type text: types are few, tables many


@dataclass(frozen=True, slots=True)
class FingerprintSql:
    """Writes fingerprint expressions. `connection` only parses the text of nested types."""

    connection: duckdb.DuckDBPyConnection
    algorithm: str

    def expressions(
        self, schema: SchemaColumns, columns: tuple[str, ...] | None, condition: str | None = None
    ) -> tuple[str, str, str]:
        """Return the aggregates (rows, sum_a, sum_b) over `columns` of `schema`; without columns the sums are 0.

        They are over the rows that meet `condition`, where there is one.
        """
        only = "" if condition is None else f" filter (where {condition})"
        first: list[str] = []
        second: list[str] = ["1"]
        for name, kind in covered_columns(schema, columns):
            terms = [term.replace(_COLUMN, identifier(name)) for term in self._terms(name, kind)]
            first += terms
            second += terms[:2]
        if not first:
            return f"count(*){only}", "max(0)", "max(0)"  # aggregates too: each may be asked for alone
        return f"count(*){only}", _sum(first) + only, _sum(second[::-1]) + only

    def _terms(self, name: str, type_: str | None) -> tuple[str, ...]:
        if type_ is None:
            raise StepError(f"The type of column {name} is unknown, so its values cannot be fingerprinted.")
        found = _terms.get(type_)
        if found is None:
            found = _terms[type_] = column_terms(_parsed(self.connection, name, type_))
        return found


def covered_columns(schema: SchemaColumns, columns: tuple[str, ...] | None) -> SchemaColumns:
    """Return the columns that a fingerprint covers, in the order hashed: table order for ALL, else sorted by name.

    Raises StepError for a column that `schema` lacks.
    """
    if columns is None:
        return schema
    types = dict(schema)
    missing = sorted(set(columns) - types.keys())
    if missing:
        raise StepError(f"There is no column {', '.join(missing)}.", f"Columns: {', '.join(types)}.")
    return tuple((name, types[name]) for name in sorted(set(columns)))


def fingerprint(
    algorithm: str, schema: SchemaColumns, columns: tuple[str, ...] | None, values: tuple[object, ...]
) -> Fingerprint:
    """Return the fingerprint that the three values of `FingerprintSql.expressions` make."""
    rows, sum_a, sum_b = values
    return Fingerprint(algorithm, int(str(rows)), str(sum_a or 0), str(sum_b or 0), covered_columns(schema, columns))


def canary_sql() -> str:
    """Return a query for the canary: the hash of a fixed row with a value of every kind that DuckDB hashes natively.

    A DuckDB with another hash function, or another text form, gives another number.
    """
    values = (
        "true, 1::integer, -1::bigint, 170141183460469231731687303715884105727::hugeint, 12.34::decimal(18,2), 'x',"
        " 'more than twelve characters', 1.5::float, 0.1::double, date '2001-02-03', time '04:05:06.789',"
        " timestamp '2001-02-03 04:05:06.789', timestamptz '2001-02-03 04:05:06+00', 'ab'::blob, '101'::bit,"
        " 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, null::integer, (0.1::double)::varchar,"
        " (1e300::double)::varchar, (interval '14 months 3 days 4.5 seconds')::varchar,"
        " (12.30::decimal(18,2))::varchar, ('101'::bit)::varchar"
    )
    return f"select hash(hash({values}))"


def _sum(terms: list[str]) -> str:
    return (
        f"sum(hash(hash({', '.join(terms)})))"  # a HUGEINT, NULL over no rows; the less SQL, the sooner it is planned
    )


def column_terms(type_: DuckDBPyType) -> tuple[str, ...]:
    """Return the terms through which a column of this type enters the hash, with `_COLUMN` for the column.

    The first two enter both sums; a third enters the first one only.
    """
    kind = type_.id
    if kind in _PLAIN:
        return (_COLUMN,)
    if kind in _FLOATS:
        return _COLUMN, f"signbit({_COLUMN})", f"case when isnan({_COLUMN}) then {_COLUMN}::bit end"
    if kind in ("enum", "interval"):
        return (f"{_COLUMN}::varchar",)
    return (_value(type_, 0)(_COLUMN),)


def _value(type_: DuckDBPyType, depth: int) -> _Encoder:
    """Return the encoder of the rule `value` for this type; NULL comes out as NULL."""
    kind = type_.id
    if kind in ("list", "array"):
        return _list(_element(_children(type_)[0][1], depth + 1), depth)
    if kind == "map":
        (_, key), (_, value) = _children(type_)
        entry = _fields([_element(key, depth + 1), _element(value, depth + 1)])
        return lambda x: _list(lambda e: "'='||" + entry(e), depth)(f"map_entries({x})")
    if kind in ("struct", "tuple"):
        return _fields([_element(child, depth) for _, child in _children(type_)])
    if kind == "union":
        return _union([(name, _element(child, depth)) for name, child in _children(type_)[1:]])
    scalar = _scalar(type_)
    return lambda x: scalar(x) + "||';'"


def _children(type_: DuckDBPyType) -> list[tuple[str, DuckDBPyType]]:
    """Return (name, type) of what a nested type is made of, without the size of an array."""
    return [(name, child) for name, child in type_.children if isinstance(child, DuckDBPyType)]


def _element(type_: DuckDBPyType, depth: int) -> _Encoder:
    value = _value(type_, depth)
    return lambda x: f"coalesce('='||{value(x)}, '!')"


def _list(element: _Encoder, depth: int) -> _Encoder:
    item = f"e{depth}"
    return lambda x: f"('['||array_to_string(list_transform({x}, lambda {item}: {element(item)}), '')||']')"


def _fields(elements: list[_Encoder]) -> _Encoder:
    def encode(x: str) -> str:
        fields = "||".join(element(f"struct_extract_at({x}, {place})") for place, element in enumerate(elements, 1))
        return f"case when {x} is not null then '('||{fields}||')' end"

    return encode


def _union(members: list[tuple[str, _Encoder]]) -> _Encoder:
    def encode(x: str) -> str:
        parts = "||".join(element(f"union_extract({x}, {literal(name)})") for name, element in members)
        tag = _escaped(f"union_tag({x})::varchar")
        return f"case when union_tag({x}) is not null then '<'||{tag}||';'||{parts}||'>' end"

    return encode


def _scalar(type_: DuckDBPyType) -> _Encoder:
    """Return the encoder of a scalar's text, escaped. Every text form here is injective within its type."""
    kind = type_.id
    if kind in _FLOATS:
        return lambda x: f"case when isnan({x}) then {x}::bit::varchar else {x}::varchar end"
    if kind in _ZONED:
        return lambda x: f"timezone('UTC', {x})::varchar"
    if kind in _BYTES:
        return lambda x: f"hex({x}::blob)" if kind == "blob" else f"hex(st_aswkb({x}))"
    if kind in _TEXTS:
        return lambda x: f"{x}::varchar"
    if kind in ("varchar", "enum"):
        return lambda x: _escaped(f"{x}::varchar")
    raise StepError(f"Values of type {type_} cannot be fingerprinted.", "Cast the column, for example to varchar.")


def _escaped(text: str) -> str:
    return rf"replace(replace({text}, '\', '\\'), ';', '\;')"


def _parsed(connection: duckdb.DuckDBPyConnection, name: str, type_: str) -> DuckDBPyType:
    try:
        return connection.type(type_)
    except duckdb.Error as error:
        raise StepError(f"Column {name} has the type {type_}, which the engine cannot read back: {error}.") from error
