"""Texts that are no query: each is refused with one sentence that says so, wherever it stands, and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.assets.errors import ProjectError
from headwater.lineage import analyse_sql
from tests.world import World

SCRIPT = ("The text holds more than one statement.", "An asset is one query.")
TEMPLATE = ("The text holds placeholders of a template that are not filled in.", "Give the text as it is run.")


def no_query(verb: str) -> tuple[str, str]:
    return f"{verb} is not a query.", "An asset is one SELECT."


WRITES = [
    "with gone as (delete from raw.o returning id) select id from gone",
    "with more as (insert into mart.n values (7) returning n) select n from more",
    "with other as (update mart.n set n = 9 returning n) select n from other",
]

REFUSED = [
    *[
        (text, f"{text.split()[3][1:].upper()} within a query changes what it names.", "An asset is one SELECT.")
        for text in WRITES
    ],
    ("select 1 as a; drop table other.o", *SCRIPT),
    ("select nothing from raw.o; drop table other.o", *SCRIPT),
    ("create macro f(x) as x; select f(1) as a", *SCRIPT),
    ("drop table other.o", *no_query("DROP")),
    ("truncate other.o", *no_query("TRUNCATE")),
    ("create table x as select 1 as a", *no_query("CREATE")),
    ("insert into other.o values (1)", *no_query("INSERT")),
    ("insert into raw.o values (1)", *no_query("INSERT")),
    ("delete from raw.o", *no_query("DELETE")),
    ("update other.o set id = 9", *no_query("UPDATE")),
    ("copy other.o from 'x.csv'", *no_query("COPY")),
    ("attach 'other.db' as other", *no_query("ATTACH")),
    ("detach warehouse", *no_query("DETACH")),
    ("use memory", *no_query("USE")),
    ("pragma database_list", *no_query("PRAGMA")),
    ("load httpfs", *no_query("LOAD")),
    ("begin", *no_query("BEGIN")),
    ("explain select 1", "The text is not a query as it stands.", "An asset is one SELECT."),
    ("select {{ id }} as a from raw.o", *TEMPLATE),
    ("select id from {{ ref('o') }}", *TEMPLATE),
    ("select id from raw.o where id > {{ var('least') }}", *TEMPLATE),
]
FUNCTION = "import headwater as hw\n@hw.asset('mart.x', inputs={'o': 'raw.o'})\ndef x(o): return "


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.csv("o", "id 1 2")
    world.sql("mart.n", "select count(*) as n from raw.o")
    return world


@pytest.mark.parametrize(("text", "message", "remedy"), REFUSED)
def test_a_file_that_holds_no_query_has_one_problem(world: World, text: str, message: str, remedy: str) -> None:
    world.sql("mart.x", text, "description: x")
    with pytest.raises(ProjectError) as caught:
        world.run()
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.message, problem.remedy) == ("assets/mart/x.sql", 4, message, remedy)
    assert not (world.root / "warehouse.duckdb").exists()


@pytest.mark.parametrize(("text", "message", "remedy"), REFUSED)
def test_a_function_that_returns_no_query_fails_with_that(world: World, text: str, message: str, remedy: str) -> None:
    world.python(
        "x", f"import headwater as hw\n@hw.asset('mart.x', inputs={{'o': 'raw.o'}})\ndef x(o): return {text!r}\n"
    )
    result = world.run()
    assert {step.asset: step.outcome for step in result.steps}["mart.n"] == "PUBLISHED"
    (error,) = [step.error for step in result.steps if step.asset == "mart.x"]
    assert str(error) == f"The SQL that mart.x returned: {message} {remedy}"


@pytest.mark.parametrize("end", ["; -- done", ";;", " ;\n; /* done; */ ;\n", " -- é;\n;", "; -- $$;$$ ' ;"])
def test_semicolons_and_comments_may_end_a_query(world: World, end: str) -> None:
    world.sql("mart.x", "select id, ';é' || $$;$$ as t from raw.o" + end)
    world.python("y", FUNCTION.replace("mart.x", "mart.y") + repr("select id, E'\\'; -- ' as t from raw.o" + end))
    assert world.built()["mart.x"] == "PUBLISHED"
    assert world.rows("mart.x") == {(1, ";é;"): 1, (2, ";é;"): 1}
    assert world.rows("mart.y") == {(1, "'; -- "): 1, (2, "'; -- "): 1}


@pytest.mark.parametrize("text", WRITES)
def test_a_query_that_would_change_published_data_does_not_run(world: World, text: str) -> None:
    """DuckDB lets a CTE write, and the table it named was the published version."""
    world.sql("mart.o", "select * from raw.o")
    assert world.built()["mart.n"] == "PUBLISHED"
    inputs = "{'n': 'mart.n', 'o': 'mart.o'}"
    returned = text.replace("raw.o", "mart.o")
    world.python("x", f"import headwater as hw\n@hw.asset('mart.x', inputs={inputs})\ndef x(n, o): return {returned!r}")
    assert world.built()["mart.x"] == "FAILED"
    assert world.rows("mart.n") == {(2,): 1}
    assert world.rows("mart.o") == {(1,): 1, (2,): 1}


def test_returned_text_that_reads_a_file_is_refused_with_the_remedy(world: World) -> None:
    world.python("x", FUNCTION + repr("select * from read_csv('data/o.csv')"))
    (error,) = [step.error for step in world.run().steps if step.asset == "mart.x"]
    remedy = "Declare the file as an external and read that."
    assert str(error) == f"The SQL that mart.x returned reads the file 'data/o.csv' itself. {remedy}"


@pytest.mark.parametrize("text", WRITES)
def test_a_check_that_writes_is_refused(world: World, text: str) -> None:
    world.sql("mart.x", "select id from raw.o", f'checks:\n  - sql: "{text}"')
    with pytest.raises(ProjectError, match="within a query changes what it names"):
        world.run()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The text holds no SQL statement (line 1, column 1). Write one query."),
        ("select 1 as a)", "The query cannot be parsed: Invalid expression / Unexpected token (line 1, column 14)."),
    ],
)
def test_what_a_function_returns_that_cannot_be_parsed_is_said_to_be_its_sql(
    world: World, text: str, said: str
) -> None:
    world.python(
        "x", f"import headwater as hw\n@hw.asset('mart.x', inputs={{'o': 'raw.o'}})\ndef x(o): return {text!r}\n"
    )
    (error,) = [step.error for step in world.run().steps if step.asset == "mart.x"]
    assert str(error).startswith(f"The SQL that mart.x returned: {said}")


@pytest.mark.parametrize(
    "text",
    ["select map {{'a': 1}: 2} as m", "select {'a': {'b': 1}} as s", "select '{{ x }}' as t", 'select 1 as "{{x}}"'],
)
def test_braces_that_are_values_or_names_are_no_placeholders(text: str) -> None:
    assert analyse_sql(text).problems == ()
