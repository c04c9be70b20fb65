"""User's SQL stays in the place that it is given."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.checks.sql_text import enclose, expression_fault, one_query, query_fault, restrict_this


@pytest.mark.parametrize(
    "text",
    [
        "a > 0",
        "a > 0 -- (",
        "a /* ) */ > 0",
        "s = ')' and \"(\" = 1",
        "s = 'it''s'",
        r"s = e'it\'s)'",
        "s = $$ ) ' $$",
        "s = $x$ $$ ) $x$",
        "list_contains([1, 2], a) and {'k': 1}['k'] = 1",
        "extract(year from d) = 2024",
        "\"from\" = 1 and 'select' = s",
        "a is distinct from b",
        '"select" > 1',
        "case when a then b else c end",
        "a * 2 = b",
    ],
)
def test_expressions_that_stay_in_their_place(text):
    assert expression_fault(text) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "missing"),
        ("-- nothing", "missing"),
        ("a > 0)", ") closes nothing"),
        ("a) or (b", ") closes nothing"),
        ("(a > 0", ") is missing"),
        ("a[1", "] is missing"),
        ("(a]", "] closes nothing"),
        ("s = 'x", "the quote ' is not closed"),
        ('"x', 'the quote " is not closed'),
        ("a /* b", "comment is not closed"),
        ("a /* b /* c */ d */", "nested"),
        ("a; b", "semicolon"),
        ("a > (SELECT 1)", "cannot contain a query"),
        ("a in (from b)", "cannot contain a query"),
        ("exists ( /* x */ from b)", "cannot contain a query"),
        ("a = (table b)", "cannot contain a query"),
        ("a = (with c as (from b) from c)", "cannot contain a query"),
        ("$this.a > 0", "$this is not available"),
        ("a > $vars.min", "$vars is not available"),
        ("COLUMNS ('a|b') > 0", "unfold COLUMNS"),
    ],
)
def test_expressions_that_would_leave_it(text, message):
    fault = expression_fault(text)
    assert fault is not None
    assert message in fault[0]


PIECES = st.sampled_from(
    [
        *"()[]{},;'\"$*=><-/ \n",
        "--",
        "/*",
        "*/",
        "''",
        "$$",
        "$t$",
        "a",
        "b",
        "e'",
        "\\'",
        "or",
        "select",
        "from",
        "t",
        "1",
        "as",
        "x",
    ]
)


@settings(max_examples=600, deadline=None, derandomize=True)
@given(st.lists(PIECES, max_size=9).map("".join))
def test_no_accepted_expression_becomes_more_than_one_column_or_reads_a_table(text):
    if expression_fault(text) is not None:
        return
    connection = duckdb.connect()
    with connection:
        connection.execute("create table t as select 1 as a, 2 as b, 3 as x")
        try:
            query = connection.execute(
                f"select count(*), count(*) filter (where not {enclose(text)}), 7 as last from t"
            )
        except duckdb.Error:
            return
        row = query.fetchone()
    assert len(row) == 3
    assert row[0] == 1
    assert row[2] == 7


@pytest.mark.parametrize(
    "text",
    [
        "select 1",
        "  SELECT 1 ; ",
        "with a as (select 1) select * from a",
        "from $this",
        "(select 1) union all (select 2)",
        "/* why */ select ';' as a -- ; \n",
        "select 1;;",
    ],
)
def test_queries(text):
    assert query_fault(text) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a query"),
        (";", "not a query"),
        ("delete from $this", "not a query"),
        ("create table x as select 1", "not a query"),
        ("select 1; drop table x", "more than one statement"),
        ("select (1", ") is missing"),
        ("select 1) from (select 2", ") closes nothing"),
        ("select 'x", "not closed"),
    ],
)
def test_what_is_not_one_query(text, message):
    fault = query_fault(text)
    assert fault is not None
    assert message in fault[0]


def test_semicolons_and_comments_at_the_end_go():
    assert one_query("select ';' as a ; -- done;\n ; ") == "select ';' as a"
    assert one_query("select 1") == "select 1"


def test_where_restricts_the_table_and_not_what_looks_like_it():
    query = "select '$this', \"$this\", $this.a /* $this */ from $this join $this t using (a) -- $this"
    part = "(select * from $this where (a > 1))"
    expected = f"select '$this', \"$this\", $this.a /* $this */ from {part} join {part} t using (a) -- $this"
    assert restrict_this(query, "a > 1") == expected
