"""Names that can be taken for another's: each reads all that it may mean, and nothing that it cannot."""

from __future__ import annotations

import pytest

from headwater.assets.errors import SqlError
from headwater.lineage import analyse_sql

Reads = list[tuple[str, tuple[str, ...] | None]]


def reads(sql: str, schema: dict[str, dict[str, str | None]] | None = None, dialect: str = "duckdb") -> Reads:
    return [(read.table, read.columns) for read in analyse_sql(sql, dialect, schema).reads]


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "snowflake", "spark", "tsql"])
@pytest.mark.parametrize(
    "condition",
    [
        "exists (select 1 from emp e where e.dep = d.id)",
        "1 in (select 1 from emp e where e.dep = d.id)",
        "1 = (select max(1) from emp e where e.dep = d.id)",
    ],
)
def test_the_alias_of_an_outer_table_is_no_column_of_plain_values(condition: str, dialect: str) -> None:
    schema = {"departments": {"id": "int", "name": "varchar"}, "emp": {"dep": "int", "d": "int"}}
    expected = [("departments", ("id", "name")), ("emp", ("dep",))]
    assert reads(f"select d.name from departments d where {condition}", schema, dialect) == expected


@pytest.mark.parametrize("type_", [None, "json", "map(varchar, integer)"])
def test_where_a_field_is_possible_both_are_read(type_: str | None) -> None:
    schema = {"w": {"k": "int", "a": "int"}, "t": {"a": "int", "b": type_}}
    sql = "select b.a from w b where exists (select 1 from t where b.k = t.a)"
    assert reads(sql, schema) == [("w", ("a", "k")), ("t", ("a", "b"))]


def test_a_struct_has_the_fields_that_it_has() -> None:
    sql = "select b.a from w b where exists (select 1 from t where b.k = t.a)"
    with_k = {"w": {"k": "int", "a": "int"}, "t": {"a": "int", "b": "struct(k integer)"}}
    without = {"w": {"k": "int", "a": "int"}, "t": {"a": "int", "b": "struct(z integer)"}}
    assert ("t", ("a", "b")) in reads(sql, with_k)
    assert reads(sql, without) == [("w", ("a", "k")), ("t", ("a",))]


def test_an_output_behind_a_star_of_unknown_columns_may_be_hidden_by_one() -> None:
    assert reads("select b from (select *, 1 as b from w)") == [("w", ("b",))]
    assert reads("select b from (select d as b, w.* from w)") == [("w", ("d",))]
    (output,) = analyse_sql("select name from (select *, x::int as name from raw)").outputs or ()
    assert [(source.table, source.column) for source in output.sources] == [("raw", "x")]


def test_a_numbered_name_may_be_that_of_a_column_whose_name_was_taken() -> None:
    schema: dict[str, dict[str, str | None]] = {"t": {"a": "int"}, "u": {"a": "int", "d": "int"}}
    assert ("u", ("a",)) in reads("select a_1 from (select * from t, u, w)", schema)
    known = {"u": schema["u"]}
    assert ("u", ("a", "d")) in reads("select a_1 from (select * from t join u on t.b = u.d)", known)


def test_columns_that_differ_in_case_only() -> None:
    schema: dict[str, dict[str, str | None]] = {"t": {"a": "int", "A": "varchar"}}
    assert reads('select "A" as x, a as y from t', schema, "postgres") == [("t", ("A", "a"))]


@pytest.mark.parametrize(
    ("left", "right", "dialect"),
    [
        ('select "A" as x from t', "select a as x from t", "postgres"),
        ('select "a" as x from t', "select A as x from t", "snowflake"),
        ("select A as x from t", "select a as x from t", "clickhouse"),
        ("select c:a as x from t", "select c:A as x from t", "snowflake"),
        ("select c:a.b as x from t", "select c:a.B as x from t", "databricks"),
    ],
)
def test_case_counts_where_it_can_decide(left: str, right: str, dialect: str) -> None:
    assert analyse_sql(left, dialect).definition_hash != analyse_sql(right, dialect).definition_hash


@pytest.mark.parametrize(
    ("sql", "dialect"),
    [
        ("select a from t where b > 1 start with a = 1 connect by prior a = p", "oracle"),
        ("select u.a from t, u where u.a = t.a(+) and t.b is null", "oracle"),
        ("select a as b, c from t where b > 1", "clickhouse"),
        ("from t |> order by a |> limit 1 |> where b > 1", "bigquery"),
    ],
)
def test_conditions_that_are_not_what_they_look_like_are_kept_as_no_filter(sql: str, dialect: str) -> None:
    schema = {"t": dict.fromkeys("abcp", "int"), "u": {"a": "int"}}
    assert [read.filter for read in analyse_sql(sql, dialect, schema).reads if read.table == "t"] == [None]


@pytest.mark.parametrize(
    ("chooser", "read"),
    [
        ("columns('(a+)+$')", None),
        ("columns('(a|a)*b')", None),
        ("columns('a*a*a*a*a*b')", None),
        (f"* like '{'%a' * 30}%b'", ()),  # of a LIKE pattern it is known what it matches: nothing
    ],
)
def test_a_pattern_that_could_take_for_ever_does_not(chooser: str, read: tuple[str, ...] | None) -> None:
    schema: dict[str, dict[str, str | None]] = {"t": {"a" * 60: "int", "b": "int"}}
    assert reads(f"select {chooser} from t", schema) == [("t", read)]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("%a%b", ["xaxb", "ab"]), ("a_", ["ab"]), ("%", ["xaxb", "ab", "b"]), ("x%a%b", ["xaxb"]), ("_b%", ["ab"])],
)
def test_what_a_pattern_matches(pattern: str, expected: list[str]) -> None:
    schema = {"t": dict.fromkeys(["xaxb", "ab", "b"], "int")}
    outputs = analyse_sql(f"select * like '{pattern}' from t", schema=schema).outputs
    assert [output.name for output in outputs or ()] == expected


def test_a_pivot_of_a_hundred_million_columns_is_refused() -> None:
    lists = " ".join(f"c{number} in ({', '.join(map(str, range(10)))})" for number in range(8))
    with pytest.raises(SqlError, match="PIVOT"):
        analyse_sql(f"select * from t pivot (sum(d) for {lists})")


@pytest.mark.parametrize("tail", ["", " where q is not null", " order by q"])
def test_the_row_of_a_table_may_go_by_the_name_of_an_alias(tail: str) -> None:
    schema: dict[str, dict[str, str | None]] = {"t": {"a": "int", "b": "int"}}
    assert reads(f"select 5 as q, q as z from t q{tail}", schema) == [("t", None)]
    assert reads(f"select a as q, q as z from t r{tail}", schema) == [("t", ("a",))]


def test_the_row_of_an_inner_table_is_nearer_than_a_column_further_out() -> None:
    schema: dict[str, dict[str, str | None]] = {"t": {"a": "int", "b": "int"}, "o": {"d": "int", "x": "int"}}
    assert reads("select (select max(d::varchar) from t d) as m from o", schema) == [("t", None), ("o", ())]
    assert reads("select (select max(d) from t e) as m from o", schema) == [("t", ()), ("o", ("d",))]


def test_two_items_of_one_alias_are_both_looked_at() -> None:
    schema: dict[str, dict[str, str | None]] = {"t": {"a": "int", "b": "int"}}
    assert reads("select k from (select a as y, b as y, y as k from t)", schema) == [("t", ("a", "b"))]
    (output,) = analyse_sql("select k from (select a as y, b as y, y as k from t)", schema=schema).outputs or ()
    assert [source.column for source in output.sources] == ["b"]
