"""DuckDB syntax that the parser does not know, or takes for something else."""

from __future__ import annotations

import pytest

from headwater.assets.errors import SqlError
from headwater.lineage import analyse_sql

SCHEMA = {"t": {"a": "integer", "b": "integer", "l": "integer[]", "groups": "integer"}, "u": {"x": "integer"}}


@pytest.mark.parametrize(
    ("sql", "reads"),
    [
        ("select l[:a] as z from t", {"a", "l"}),  # `:a` is no placeholder
        ("select l[ /* from the start */ :a] as z from t", {"a", "l"}),
        ("select l[:t.a:t.b] as z from t", {"a", "b", "l"}),
        ("select l[:abs(a)] as z from t", {"a", "l"}),
        ("select finalize(sum(a) export_state) as z from t", {"a"}),
        ("select sum(a) over (order by b groups between 1 preceding and current row) as z from t", {"a", "b"}),
        ("select groups from t where groups between 1 and 2", {"groups"}),
        ("select contains(*columns('a|b')) as z from t", {"a", "b"}),
        ("pivot t on a in (1 as one, 2 two) using sum(b) group by a order by a limit 1", {"a", "b"}),
        ("unpivot t on a, b groups into name n values v", {"a", "b", "groups", "l"}),
        ("select n from (unpivot (select a, b from t) on a, b into name n value v order by all)", {"a", "b"}),
        ("with p as (pivot t on a in (1) using sum(b) group by a order by a) select * from p", {"a", "b"}),
    ],
)
def test_reads(sql: str, reads: set[str]) -> None:
    analysis = analyse_sql(sql, schema=SCHEMA)
    assert [problem for problem in analysis.problems if problem.refused] == []
    (read,) = analysis.reads
    assert set(read.columns or ()) == reads


def test_a_join_with_the_nearest_rows() -> None:
    for words in ("approx nearest 3", "exact nearest 3", "nearest"):
        sql = f"select a from (select a, l from t) as q inner join u {words} by distance abs(q.a - u.x)"
        reads = {read.table: read.columns for read in analyse_sql(sql, schema=SCHEMA).reads}
        assert reads == {"t": ("a",), "u": ("x",)}


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("select l[:a] as z from t", "select l[a:] as z from t"),
        ("select l[:a] as z from t", "select l[:b] as z from t"),
        ("select sum(a) as z from t", "select sum(a) export_state as z from t"),
        (
            "select sum(a) over (order by b groups 1 preceding) as z from t",
            "select sum(a) over (order by b range 1 preceding) as z from t",
        ),
        ("pivot t on a in (1) using sum(b) order by all", "pivot t on a in (1) using sum(b) order by all desc"),
    ],
)
def test_what_is_repaired_for_the_parser_is_hashed_as_written(left: str, right: str) -> None:
    assert analyse_sql(left, schema=SCHEMA).definition_hash != analyse_sql(right, schema=SCHEMA).definition_hash


@pytest.mark.parametrize("sql", ["select a from t where", "pivot", "unpivot t on a into name", "select l[: from t"])
def test_what_cannot_be_repaired_is_an_error_of_the_text_as_written(sql: str) -> None:
    with pytest.raises(SqlError):
        analyse_sql(sql, schema=SCHEMA)
