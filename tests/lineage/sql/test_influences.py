"""What shapes a result as a whole, and what only decides about a value: labelled as the engine's binder labels it."""

from __future__ import annotations

import pytest

from headwater.lineage import analyse_sql

SCHEMA = {
    "t": {"a": "integer", "b": "integer", "l": "integer[]"},
    "u": {"x": "integer", "y": "integer"},
}


def influences(sql: str) -> set[str]:
    return {f"{i.column} {i.transformation}" for i in analyse_sql(sql, schema=SCHEMA).influences}


def sources(sql: str) -> set[str]:
    outputs = analyse_sql(sql, schema=SCHEMA).outputs
    assert outputs is not None
    return {f"{source.column} {source.transformation}" for source in outputs[-1].sources}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        # a condition on one side only joins nothing
        ("select a from t join u on a = x", {"a JOIN", "x JOIN"}),
        ("select a from t join u on a = x and b > 1 and y > 1", {"a JOIN", "x JOIN", "b FILTER", "y FILTER"}),
        ("select a from t left join u on a = x and b > 1 and y > 1", {"a JOIN", "x JOIN", "b JOIN", "y FILTER"}),
        ("select a from t right join u on a = x and b > 1 and y > 1", {"a JOIN", "x JOIN", "b FILTER", "y JOIN"}),
        ("select a from t full join u on a = x and b > 1", {"a JOIN", "x JOIN", "b JOIN"}),
        # equal rows are told apart
        ("select distinct a from t", {"a DISTINCT"}),
        ("select distinct on (b) a from t order by a", {"b DISTINCT", "a SORT"}),
        ("select a from t union select x from u", {"a DISTINCT", "x DISTINCT"}),
        ("select a from t union all select x from u", set()),
        ("select a from t except select x from u", {"a DISTINCT", "x FILTER"}),
        # correlated queries
        ("select (select max(y) from u where x > a) as m from t", {"a JOIN", "a GROUP_BY", "a FILTER", "x FILTER"}),
        ("select (select y from u where x = a) as m from t", {"a JOIN", "x JOIN", "x FILTER"}),
        ("select (select max(y) from u where x = a) as m from t", {"a JOIN", "x JOIN", "x FILTER", "x GROUP_BY"}),
        ("select exists (select 1 from u where x > a) as m from t", {"a GROUP_BY", "a FILTER", "x FILTER"}),
        ("select exists (select 1 from u where x = a) as m from t", {"x FILTER"}),
        ("select m from t, (select max(y) as m from u where x > a)", {"a JOIN", "a GROUP_BY", "a FILTER", "x FILTER"}),
        # how many rows there are
        ("select a from t limit (select max(x) from u)", {"x FILTER"}),
        ("from t union all from t limit 1 offset (select max(x) from u)", {"x FILTER"}),
        # grouping
        ("select *, count(*) from (select a, b from t) group by all", {"a GROUP_BY", "b GROUP_BY"}),
        ("select a, max(b) from t group by rollup (a) having max(b) > 1", {"a GROUP_BY", "b FILTER"}),
        ("from t unpivot (v for n in (a, b))", {"a FILTER", "b FILTER"}),
        ("pivot t on a in (1) using max(b) group by l", {"l GROUP_BY"}),
    ],
)
def test_of_the_whole_result(sql: str, expected: set[str]) -> None:
    assert influences(sql) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a in (select x from u)", {"a CONDITIONAL", "x CONDITIONAL"}),
        ("a > any (select x from u)", {"a CONDITIONAL", "x CONDITIONAL"}),
        ("a <= all (select x from u)", {"a CONDITIONAL", "x CONDITIONAL"}),
        ("exists (select 1 from u where x > a)", {"a CONDITIONAL"}),
        ("exists (select 1 from u where x = a)", {"a CONDITIONAL", "x CONDITIONAL"}),
        ("array(select x from u order by y)", {"x AGGREGATION", "x CONDITIONAL", "y WINDOW"}),
        ("(select max(x) from u)", {"x AGGREGATION"}),
        ("unnest({'f': (select max(x) from u where y = a)})", {"x AGGREGATION"}),
        ("list_sum(l)", {"l TRANSFORMATION", "l AGGREGATION"}),
        ("l.list_sort().list_max()", {"l TRANSFORMATION", "l AGGREGATION"}),
        ("list_first(l)", {"l TRANSFORMATION"}),
        ("corr(a, b)", {"a AGGREGATION", "b AGGREGATION"}),
        ("first(distinct a order by b)", {"a IDENTITY", "b WINDOW"}),
        ("lag(a) over (order by b)", {"a TRANSFORMATION", "b WINDOW"}),
        ("last_value(a ignore nulls) over (partition by b)", {"a TRANSFORMATION", "b WINDOW"}),
        ("last(a) over (partition by b)", {"a TRANSFORMATION", "b WINDOW"}),
        ("last(a)", {"a AGGREGATION"}),
        ("typeof(a)", set()),  # which type a column has is known before any of its values
        ("sum(a) filter (b > 1)", {"a AGGREGATION", "b CONDITIONAL"}),
        ("#2", {"b IDENTITY"}),
        ("l[:a]", {"l TRANSFORMATION", "a TRANSFORMATION"}),
    ],
)
def test_of_one_output(expression: str, expected: set[str]) -> None:
    assert sources(f"select {expression} as z from t") == expected


def test_what_only_the_type_of_is_shown_is_read_all_the_same() -> None:
    (read,) = analyse_sql("select typeof(a) as z from t", schema=SCHEMA).reads
    assert read.columns == ("a",)


def test_using_looks_no_further_back_than_the_last_comma() -> None:
    schema = {"p": {"k": "integer", "v": "integer"}, "q": {"k": "integer"}, "r": {"k": "integer"}}
    reads = analyse_sql("select v from p, q join r using (k)", schema=schema).reads
    assert [(read.table, read.columns) for read in reads] == [("p", ("v",)), ("q", ("k",)), ("r", ("k",))]
    outputs = analyse_sql("select * from p, q join r using (k)", schema=schema).outputs
    assert outputs is not None
    assert [(out.name, {s.table for s in out.sources}) for out in outputs] == [("k", {"p"}), ("v", {"p"}), ("k", {"q"})]


def test_a_name_that_several_unknown_tables_may_own_may_be_a_row_all_the_same() -> None:
    sql = "select z as w from n1, n2, (select x, y from u) as z"
    read = next(read for read in analyse_sql(sql, schema=SCHEMA).reads if read.table == "u")
    assert read.columns == ("x", "y")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select a, unnest(l) as x from t", {("t", "l")}),
        ("select a, x from t, unnest(l) v(x)", {("t", "l")}),
        ("select count(*) from (select unnest(range(x)) from u)", {("u", "x")}),
        ("select a, i from t, range(b) r(i)", {("t", "b")}),
        ("select a, list_sum(l) as x from t", set()),
        ("select a from t where b in (select unnest(l) from t)", {("t", "l")}),
    ],
)
def test_what_decides_how_many_rows_one_becomes(sql: str, expected: set[tuple[str, str]]) -> None:
    assert set(analyse_sql(sql, schema=SCHEMA).spreads) == expected
