"""Columns of equal names in a subquery, a CTE or a table: the engine gives the later ones names of their own."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.lineage import analyse_sql
from headwater.lineage.schema import distinct_names
from tests.world import World

SCHEMA = {"t": {"a": "integer", "b": "integer", "c": "integer", "d": "integer"}, "u": {"a": "integer", "d": "integer"}}
CONNECTION = duckdb.connect()
for _table, _columns in SCHEMA.items():
    CONNECTION.execute(f"create table {_table} ({', '.join(f'{n} {t}' for n, t in _columns.items())})")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["a", "A", "a_1", "a_2", "a_1_1", "b"]), min_size=1, max_size=7))
def test_names_are_those_of_the_engine(names: list[str]) -> None:
    items = ", ".join(f"{number} as {name}" for number, name in enumerate(names))
    described = CONNECTION.execute(f"select * from (select {items})").description
    assert list(distinct_names(names)) == [column[0] for column in described]


@pytest.mark.parametrize(
    "sql",
    [
        "select * exclude (a) from (select a, b as a from t)",
        "select * replace (1 as a) from (select a, b as a from t)",
        "select a_1 from (select a, b as a from t)",
        "with c as (select a, b as a, c as A from t) select a_2 from c",
        "with c(x, x) as (select a, b from t) select x_1 from c",
        "select columns('a_1') from (select a, b as a from t)",
        "select * like 'a_1' from (select a, b as a from t)",
        "select * from u join t q(a, d) using (a, d)",
        "select s.d_1 from t s(d)",
        "select * from (select x.*, y.* from t x, u y)",
        "select a_1 from (select a, a from t union all select c, d from t)",
        "select * from (pivot (select a, b as a, c from t) on a_1 in (1, 2) using sum(c))",
    ],
)
def test_outputs_and_reads(sql: str) -> None:
    described = CONNECTION.execute(sql).description
    analysis = analyse_sql(sql, schema=SCHEMA)
    assert analysis.problems == ()
    assert [output.name for output in analysis.outputs or ()] == [column[0] for column in described]


def test_the_one_that_was_renamed_is_read() -> None:
    (read,) = analyse_sql("select * exclude (a) from (select a, b as a from t)", schema=SCHEMA).reads
    assert read.columns == ("b",)


def test_a_table_of_a_query_with_equal_names_is_known_before_it_is_built(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.csv("a", "id,x 1,2")
    world.sql("s.twice", "select l.id, r.id, l.x from raw.a l join raw.a r using (x)")
    world.sql("s.reader", "select id_1, x from s.twice")
    assert not world.load().errors
    world.run()
    assert world.behind("select * from s.reader") == [(1, 2)]
