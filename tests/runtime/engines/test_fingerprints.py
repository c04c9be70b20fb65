"""Contract: two fingerprints are equal exactly where two multisets of rows are, down to the last bit of a value."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.assets.errors import StepError
from headwater.lineage.fingerprint import Fingerprint
from headwater.runtime.engines.engine import Session, Warehouse

from .conftest import Open
from .different import DIFFERENT

Columns = tuple[str, ...] | None


def of_rows(session: Session, select: str, columns: Columns = None) -> Fingerprint:
    """The fingerprint of what a query gives."""
    session_schema = schema_of(session, select)
    values = session.row(f"select {', '.join(session.fingerprint_sql(session_schema, columns))} from ({select})")
    return session.fingerprint(session_schema, columns, values)


def schema_of(session: Session, select: str) -> tuple[tuple[str, str | None], ...]:
    return session.describe(f"({select})")


def in_column(value: str, type_: str) -> str:
    return f"select ({value})::{type_} as x"


@pytest.mark.parametrize("type_", DIFFERENT)
def test_different_values_have_different_fingerprints(scratch: Session, type_: str) -> None:
    found = {value: of_rows(scratch, in_column(value, type_)) for value in DIFFERENT[type_]}
    for (one, first), (other, second) in itertools.combinations(found.items(), 2):
        assert first.sum_a != second.sum_a, (one, other)
        assert first.sum_b != second.sum_b or "nan" in one + other, (one, other)
    assert all(of_rows(scratch, in_column(value, type_)).same_data(found[value]) for value in found)


@pytest.mark.parametrize(
    ("one", "other"), [("integer", "bigint"), ("varchar", "json"), ("decimal(9,2)", "decimal(9,3)")]
)
def test_the_same_values_in_other_types_are_other_data(scratch: Session, one: str, other: str) -> None:
    first, second = (of_rows(scratch, f"select '1'::{type_} as x") for type_ in (one, other))
    assert not first.same_data(second)


def test_other_names_and_another_order_of_all_columns_are_other_data(scratch: Session) -> None:
    first = of_rows(scratch, "select 1 as a, 1 as b")
    assert not first.same_data(of_rows(scratch, "select 1 as a, 1 as c"))
    assert not first.same_data(of_rows(scratch, "select 1 as b, 1 as a"))


def test_a_set_of_columns_knows_neither_order_nor_repetition_nor_the_others(scratch: Session) -> None:
    first = of_rows(scratch, "select 1 as a, 2 as b, 3 as c", ("b", "a"))
    assert first.same_data(of_rows(scratch, "select 2 as b, 4 as d, 1 as a", ("a", "b", "a")))
    assert [name for name, _ in first.columns] == ["a", "b"]


def test_no_columns_count_rows(scratch: Session) -> None:
    first = of_rows(scratch, "select range as a from range(3)", ())
    assert (first.rows, first.columns) == (3, ())
    assert first.same_data(of_rows(scratch, "select 7 as b from range(3)", ()))
    assert not first.same_data(of_rows(scratch, "select 7 as b from range(4)", ()))


def test_no_rows_have_a_fingerprint_too(scratch: Session) -> None:
    empty = of_rows(scratch, "select 1 as a where false")
    assert (empty.rows, empty.sum_a, empty.sum_b) == (0, "0", "0")
    assert not empty.same_data(of_rows(scratch, "select 0 as a"))


def test_values_swapped_between_rows_or_columns_are_noticed(scratch: Session) -> None:
    def rows(*values: tuple[int, int]) -> Fingerprint:
        return of_rows(scratch, f"select a, b from (values {', '.join(map(str, values))}) t(a, b)")

    assert not rows((1, 2), (3, 4)).same_data(rows((1, 4), (3, 2)))
    assert not rows((1, 2)).same_data(rows((2, 1)))
    assert not rows((1, 1), (2, 2)).same_data(rows((1, 2), (2, 1)))
    assert not rows((1, 1), (1, 1), (2, 2)).same_data(rows((1, 1), (2, 2), (2, 2)))


def test_structured_swaps_do_not_cancel_out(scratch: Session) -> None:
    """Without a second hash around it, `hash(a, b)` ends in an exclusive or: sums over such grids collide."""
    pairs = list(itertools.product(range(3), repeat=2))
    found = set()
    for chosen in itertools.combinations(pairs, 3):
        values = ", ".join(map(str, chosen))
        found.add(of_rows(scratch, f"select a, b from (values {values}) t(a, b)").sum_a)
    assert len(found) == len(list(itertools.combinations(pairs, 3)))


def test_the_expressions_are_three_and_grow_a_scan_or_a_group_by(scratch: Session) -> None:
    schema = (("a", "integer"), ("g", "integer"))
    expressions = scratch.fingerprint_sql(schema, ("a",))
    assert [len(scratch.fingerprint_sql(schema, columns)) for columns in (None, ("a",), ())] == [3, 3, 3]
    table = "(values (1, 1), (2, 2), (3, 1)) t(a, g)"
    by_group = {
        row[0]: row[1:] for row in scratch.rows(f"select g, {', '.join(expressions)} from {table} group by g", 9)
    }
    of_one = scratch.row(f"select {', '.join(expressions)} from {table} where g = 1")
    assert by_group[1] == of_one
    assert scratch.fingerprint(schema, ("a",), of_one).rows == 2


def test_an_unknown_column_or_type_is_an_error_never_a_fingerprint(scratch: Session) -> None:
    for schema, columns in [
        ((("a", "integer"),), ("b",)),
        ((("a", None),), None),
        ((("a", "no_such_type"),), None),
        ((("a", "variant"),), None),
    ]:
        with pytest.raises(StepError):
            scratch.fingerprint_sql(schema, columns)


def test_an_error_in_the_data_is_an_error_never_a_fingerprint(scratch: Session) -> None:
    select = "select error('unreadable') as a"
    with pytest.raises(StepError, match="unreadable"):
        of_rows(scratch, select)


def test_types_in_lower_case_throughout_serve_as_well(scratch: Session) -> None:
    select = "select 'A'::enum('A', 'B') as e, [{'Key': 'v'}] as s"
    lowered = tuple((name, str(type_).lower()) for name, type_ in schema_of(scratch, select))
    values = scratch.row(f"select {', '.join(scratch.fingerprint_sql(lowered, None))} from ({select})")
    exact = of_rows(scratch, select)
    assert (exact.sum_a, exact.sum_b) == tuple(map(str, values[1:]))


def test_names_of_any_kind_are_quoted(scratch: Session) -> None:
    select = 'select 1 as "a ""b"" {} % \' --", 0.5::double as "{0}"'
    assert of_rows(scratch, select).rows == 1


def test_the_algorithm_names_engine_and_canary(warehouse: Warehouse, engine: str, scratch: Session) -> None:
    first = of_rows(warehouse.session(), "select 1 as a")
    assert first.algorithm.startswith(engine)
    assert len(first.algorithm.rpartition(":")[2]) == 16
    assert first.same_data(of_rows(scratch, "select 1 as a"))


EVERY_KIND = """select i, 'name ' || (i % 50) as repeated, md5(i::varchar) as single, (i % 3)::tinyint as tiny,
  case i % 6 when 0 then '-0.0'::double when 1 then 0.0 when 2 then 'nan' when 3 then -('nan'::double) when 4 then null
    else i * 0.01 end as d, case i % 5 when 0 then '-0.0'::float else i * 0.1 end::float as f, i::hugeint as h,
  [i % 3, null] as l, {'a': i % 4} as st, 'x'::enum('x', 'y') as e, date '2020-01-01' + (i % 9)::integer as day,
  ('0' || repeat('1', (i % 9)::integer))::bit as bits, to_seconds(i) as iv, (i % 100)::decimal(18, 2) as amount,
  timestamptz '2020-01-01 00:00:00+00' + to_seconds(i) as at, i::varchar::json as j, md5(i::varchar)::blob as b
  from range(20000) r(i)"""


def test_compression_order_and_threads_change_no_fingerprint(opened: Open) -> None:
    def fingerprints(warehouse: Warehouse, name: str) -> list[Fingerprint]:
        session = warehouse.session()
        select = f"select * from {session.relation(name)}"
        return [of_rows(session, select, (column,)) for column, _ in session.describe(session.relation(name))]

    first = opened()
    first.session().build_table("t", EVERY_KIND)
    expected = fingerprints(first, "t")
    first.close()
    again = opened()
    assert fingerprints(again, "t") == expected
    again.use_threads(4)
    again.session().build_table("u", f"select * from {again.session().relation('t')} order by single")
    assert fingerprints(again, "u") == expected


def test_small_and_optimised_scans_agree(scratch: Session) -> None:
    select = "select range as a, range / 7 as b, [range, null] as c from range(3000)"
    expressions = ", ".join(scratch.fingerprint_sql(schema_of(scratch, select), None))
    assert scratch.row(f"select {expressions} from ({select})") == scratch.row(
        f"select {expressions} from ({select})", small=True
    )


MIXED = ("integer", "varchar", "double", "varchar[]", "struct(a integer, b varchar)")
row = st.tuples(*(st.integers(0, len(DIFFERENT[type_]) - 1) for type_ in MIXED))


def table_of(rows: list[tuple[int, ...]]) -> str:
    """A query for rows whose numbers choose from DIFFERENT."""
    picked = [
        ", ".join(f"({DIFFERENT[type_][place]})::{type_}" for type_, place in zip(MIXED, one, strict=True))
        for one in rows
    ]
    empty = "select " + ", ".join(f"null::{type_} as c{place}" for place, type_ in enumerate(MIXED)) + " where false"
    return " union all ".join([empty, *(f"select {values}" for values in picked)])


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(row, max_size=6), st.lists(row, max_size=6), st.randoms(use_true_random=False), st.booleans(), st.data()
)
def test_fingerprints_are_equal_exactly_where_multisets_are(
    scratch: Session,
    one: list[tuple[int, ...]],
    other: list[tuple[int, ...]],
    random: object,
    shuffled: bool,
    data: st.DataObject,
) -> None:
    if shuffled:
        other = data.draw(st.permutations(one))
    columns = data.draw(st.sampled_from([None, ("c0",), ("c2", "c1"), ("c4", "c3", "c2"), ()]))
    places = range(len(MIXED)) if columns is None else sorted(int(name[1:]) for name in columns)

    def seen(rows: list[tuple[int, ...]]) -> Counter[tuple[int, ...]]:
        return Counter(tuple(values[place] for place in places) for values in rows)

    equal = of_rows(scratch, table_of(one), columns).same_data(of_rows(scratch, table_of(other), columns))
    assert equal == (seen(one) == seen(other))


texts = st.lists(st.one_of(st.none(), st.text(alphabet="a;\\=![](),'\"\0N", max_size=4)), max_size=3)


def list_sql(values: list[str | None]) -> str:
    def one(value: str | None) -> str:
        return (
            "null"
            if value is None
            else "concat('', " + ", ".join(f"chr({ord(c)})" for c in value) + ")"
            if value
            else "''"
        )

    return f"[{', '.join(map(one, values))}]::varchar[]"


@settings(
    max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(texts, min_size=2, max_size=2), st.booleans())
def test_the_text_form_of_nested_values_is_injective(
    scratch: Session, pair: list[list[str | None]], wrap: bool
) -> None:
    def select(values: list[str | None]) -> str:
        inner = list_sql(values)
        return f"select [{{'k': {inner}}}] as x" if wrap else f"select {inner} as x"

    one, other = pair
    assert of_rows(scratch, select(one)).same_data(of_rows(scratch, select(other))) == (one == other)


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(*[st.tuples(st.integers(-30, 30), st.integers(-70, 70), st.integers(-(10**11), 10**11))] * 2, st.booleans())
def test_intervals_differ_in_any_part(
    scratch: Session, one: tuple[int, int, int], other: tuple[int, int, int], nested: bool
) -> None:
    def select(parts: tuple[int, int, int]) -> str:
        months, days, microseconds = parts
        value = f"to_months({months}) + to_days({days}) + to_microseconds({microseconds})"
        return f"select {f'[{value}]' if nested else value} as x"

    assert of_rows(scratch, select(one)).same_data(of_rows(scratch, select(other))) == (one == other)


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**64 - 1), st.integers(0, 63), st.booleans())
def test_every_bit_of_a_double_counts(scratch: Session, bits: int, flipped: int, nested: bool) -> None:
    def select(pattern: int) -> str:
        value = f"'{pattern:064b}'::bit::double"
        return f"select {f'[{value}]' if nested else value} as x"

    assert of_rows(scratch, select(bits)).same_data(of_rows(scratch, select(bits)))
    assert not of_rows(scratch, select(bits)).same_data(of_rows(scratch, select(bits ^ (1 << flipped))))
