"""What `analyse_sql` says about ordinary models."""

from __future__ import annotations

import pytest

from headwater.assets.errors import SqlError
from headwater.lineage import SqlCatalog, analyse_sql
from headwater.lineage.sql import referenced_tables

TABLES = {
    "stg.orders": {"id": "integer", "amount": "decimal(18,2)", "cust": "integer", "day": "date", "note": "varchar"},
    "stg.customers": {"cust": "integer", "region": "varchar", "age": "integer"},
}
CATALOG = SqlCatalog(TABLES)


def reads(sql: str) -> dict[str, tuple[str, ...] | None]:
    return {read.table: read.columns for read in analyse_sql(sql, schema=CATALOG).reads}


def test_a_star_in_a_cte_is_narrowed_to_what_is_used() -> None:
    sql = "with o as (select * from stg.orders where note is not null) select id from o"
    assert reads(sql) == {"stg.orders": ("id", "note")}


def test_distinct_compares_every_column() -> None:
    assert reads("select id from (select distinct id, day from stg.orders)") == {"stg.orders": ("day", "id")}


def test_count_star_reads_no_column() -> None:
    assert reads("select count(*) from stg.orders") == {"stg.orders": ()}


def test_an_upstream_of_unknown_columns_is_read_by_name_where_that_is_certain() -> None:
    assert reads("select x from nowhere.known where y = 1") == {"nowhere.known": ("x", "y")}
    assert reads("select * from nowhere.known") == {"nowhere.known": None}


def test_outputs_carry_types_and_sources() -> None:
    sql = "select o.id, sum(o.amount) as total, count(*) as n from stg.orders o group by all"
    outputs = analyse_sql(sql, schema=CATALOG).outputs
    assert outputs is not None
    assert [(out.name, out.type) for out in outputs] == [("id", "integer"), ("total", None), ("n", "bigint")]
    assert [(s.column, s.transformation) for s in outputs[1].sources] == [("amount", "AGGREGATION")]


def test_a_missing_column_is_a_problem_with_place_and_remedy() -> None:
    (problem,) = analyse_sql("select o.id,\n  o.amout from stg.orders o", schema=CATALOG).problems
    assert (problem.line, problem.column, problem.remedy) == (2, 3, "Did you mean amount?")


def test_referenced_tables_needs_no_schema() -> None:
    sql = "with x as (select 1 from B.c) select * from x join a.b on true, a.B"
    assert referenced_tables(sql) == ("b.c", "a.b")


@pytest.mark.parametrize("sql", ["", "select", "select a from (", "select a\x00 from t", "select 'open", "-- nothing"])
def test_text_that_cannot_be_parsed_raises_an_error_with_a_place(sql: str) -> None:
    with pytest.raises(SqlError) as caught:
        analyse_sql(sql)
    assert caught.value.line is not None
    assert caught.value.column is not None
