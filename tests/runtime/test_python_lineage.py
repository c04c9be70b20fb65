"""Python assets in the column graph: what is proven of a result, what its author says, and what stays open."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headwater.runtime import python_lineage
from headwater.runtime.model import LineageView
from tests.world import World

HEAD = "import headwater as hw\n\n\n@hw.asset('py.p', inputs={'o': 'raw.o'}%s)\ndef p(o):\n"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.csv("o", "id,email,amount 1,a@x,10 2,b@x,20", "    columns: {email: {type: varchar, tags: [pii]}}\n")
    return world


def declare(world: World, *body: str, fields: str = "") -> None:
    world.python("p", HEAD % fields + "".join(f"    {line}\n" for line in body))


def known(view: LineageView) -> dict[str, list[str] | None]:
    """Return the sources of each column of the asset, each as one text."""
    assert view.columns is not None
    return {
        it.column: None if it.sources is None else [f"{s[1]} {s[2]}{' masked' if s[4] else ''}" for s in it.sources]
        for it in view.columns
    }


def ends(view: LineageView) -> set[tuple[str, str, bool]]:
    return {(it.source.column, it.target.column, it.indirect) for it in view.open_ends}


def test_sql_text_is_known_in_full(world: World) -> None:
    declare(world, 'return "select md5(email) as h, sum(amount) as s, 1 as one from raw.o where id > 0 group by 1"')
    world.run()
    view = world.load().lineage("py.p")
    assert known(view) == {"h": ["email TRANSFORMATION masked"], "s": ["amount AGGREGATION"], "one": []}
    assert {(column, how) for _, column, how in view.influences} == {("id", "FILTER"), ("email", "GROUP_BY")}
    assert view.open_ends == ()
    assert [it.word for it in view.tags if it.column.asset == "py.p"] == ["pii (masked)"]


def test_sql_text_with_distinct_is_recorded_too(world: World) -> None:
    declare(world, 'return "select distinct email from raw.o"')
    assert world.built() == {"raw.o": "OBSERVED", "py.p": "PUBLISHED"}
    assert world.load().lineage("py.p").influences == (("raw.o", "email", "DISTINCT"),)


@pytest.mark.parametrize(
    "sql",
    [
        "select id, unnest(string_split(email, '@')) as part from raw.o",
        "select id, part from raw.o, unnest(string_split(email, '@')) u(part)",
    ],
)
@pytest.mark.parametrize("body", ["return {sql!r}", "return o.relation().query('r', {relation!r})"])
def test_what_decides_how_many_rows_one_becomes_shapes_the_rows(sql: str, body: str, world: World) -> None:
    declare(world, body.format(sql=sql, relation=sql.replace("raw.o", "r")))
    world.sql("mart.n", "select count(*) as n from py.p")
    assert world.built()["py.p"] == "PUBLISHED"
    assert ("raw.o", "email", "JOIN") in world.load().lineage("py.p").influences
    impacts = {str(it.asset): it.outcome for it in world.load().impact("raw.o.email").impacts}
    assert impacts == {"py.p": "MAY_CHANGE", "mart.n": "MAY_CHANGE"}


@pytest.mark.parametrize(
    "body",
    [
        "n = o.select('email').arrow()['email'][0].as_py(); return f\"select id, '{n}' as n from raw.o\"",
        "n = o.relation().fetchall()[0][1]; return o.relation().project(f\"id, '{n}' as n\")",
    ],
)
def test_a_value_in_a_query_may_be_data_that_was_taken_before_it_was_written(body: str, world: World) -> None:
    declare(world, body)
    world.run()
    view = world.load().lineage("py.p", downstream=False)
    assert known(view) == {"id": ["id IDENTITY"], "n": None}
    assert {("email", "n", False), ("*", "n", False)} & ends(view)
    assert [(it.column.column, it.word) for it in view.tags if it.column.asset == "py.p"] == [("n", "pii (perhaps)")]


@pytest.mark.parametrize(
    "mixed", ["select id from raw.o union all select 3", "select id from raw.o join (select 3) x on true"]
)
def test_a_written_value_may_stand_beside_a_copy(mixed: str, world: World) -> None:
    declare(world, "n = len(o.select('email').arrow())", f"return {mixed!r}")
    world.run()
    assert known(world.load().lineage("py.p")) == {"id": None}
    declare(world, f"return {mixed!r}")
    world.run()
    assert known(world.load().lineage("py.p")) == {"id": ["id IDENTITY"]}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("o", "reads o, which is a parameter and no asset. Write raw.o: SQL knows inputs by their asset keys."),
        ("O", "reads o, which is a parameter and no asset. Write raw.o: SQL knows inputs by their asset keys."),
        ("raw.p", "reads raw.p. Name it in `inputs`."),
    ],
)
def test_sql_text_that_names_no_input_is_refused_with_the_remedy(table: str, said: str, world: World) -> None:
    declare(world, f'return "select id from {table}"')
    (error,) = [step.error for step in world.run().steps if step.asset == "py.p"]
    assert f"The SQL that py.p returned {said}" in str(error)


def test_data_that_decided_about_the_text_may_have_chosen_rows(world: World) -> None:
    declare(world, "n = len(o.select('id').arrow())", 'return f"select amount from raw.o limit {n}"')
    world.run()
    view = world.load().lineage("py.p")
    assert known(view) == {"amount": ["amount IDENTITY"]}
    assert ends(view) == {("amount", "*", True), ("id", "*", True)}
    assert {str(it.asset): it.outcome for it in world.load().impact("raw.o.id").impacts} == {"py.p": "MAY_CHANGE"}


def test_a_relation_of_an_input_is_analysed_by_its_own_query(world: World) -> None:
    declare(world, "rel = o.relation().filter('id > 1')", "return rel.project('email as mail, amount + id as both')")
    world.run()
    view = world.load().lineage("py.p")
    assert known(view) == {"mail": ["email IDENTITY"], "both": ["id TRANSFORMATION", "amount TRANSFORMATION"]}
    assert ("raw.o", "id", "FILTER") in view.influences
    assert {indirect for _, _, indirect in ends(view)} == {True}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("return o.arrow()", {"id": ["id IDENTITY"], "email": ["email IDENTITY"], "amount": ["amount IDENTITY"]}),
        ("return o.select('id').arrow().rename_columns(['key'])", {"key": ["id IDENTITY"]}),
        (
            "t = o.arrow(); return t.select(['id']).append_column('id2', t.column('amount'))",
            {"id": ["id IDENTITY"], "id2": ["amount IDENTITY"]},
        ),
        ("t = o.arrow(); return t.take([0, 1])", {"id": None, "email": None, "amount": None}),
        ("t = o.arrow(); return t.slice(1)", {"id": None, "email": None, "amount": None}),
        ("return o.pandas()", {"id": None, "email": None, "amount": None}),
        ("return o.select('id', 'email').polars()", {"id": None, "email": None}),
    ],
)
def test_only_the_very_same_memory_is_the_same_column(
    body: str, found: dict[str, list[str] | None], world: World
) -> None:
    declare(world, body)
    world.run()
    assert known(world.load().lineage("py.p")) == found


def test_a_result_that_cannot_be_understood_is_built_all_the_same(world: World) -> None:
    made = (
        "type('DuckDBPyRelation', (), {'__arrow_c_stream__': lambda self, schema=None: t.__arrow_c_stream__(schema)})()"
    )
    declare(world, "t = o.arrow()", f"return {made}")
    assert world.built()["py.p"] == "PUBLISHED"
    assert known(world.load().lineage("py.p")) == {"id": None, "email": None, "amount": None}


def test_what_an_author_says_is_marked_and_the_rest_stays_open(world: World) -> None:
    body = "f = o.select('id', 'amount').pandas()", "f['total'] = f['amount'] * 2", "return f[['id', 'total']]"
    declare(world, *body, fields=", lineage={'Total': 'raw.o.Amount'}")
    world.run()
    view = world.load().lineage("py.p", downstream=False)
    assert known(view) == {"id": None, "total": ["amount TRANSFORMATION"]}
    assert [edge.declared for edge in view.column_edges] == [True]
    both = {("id", "*", True), ("amount", "*", True)}
    assert ends(view) == {("id", "id", False), ("amount", "id", False)} | both
    assert ends(world.load().lineage("py.p.total", downstream=False)) == both


def test_declaring_lineage_makes_nothing_stale(world: World) -> None:
    declare(world, "return o.select('id').pandas()")
    world.run()
    declare(world, "return o.select('id').pandas()", fields=", lineage={'id': ['raw.o.id']}")
    assert set(world.status().values()) == {"CURRENT"}
    assert known(world.load().lineage("py.p")) == {"id": ["id TRANSFORMATION"]}


def test_an_edited_function_is_open_until_it_is_built(world: World) -> None:
    declare(world, "return o.select('id').arrow()")
    world.run()
    declare(world, "return o.select('amount').arrow()")
    view = world.load().lineage("py.p")
    assert known(view) == {"id": None}
    assert ends(view) == {("*", "*", False)}
    assert world.load().impact("raw.o.amount").impacts[0].outcome == "MAY_CHANGE"


def test_a_column_that_is_not_returned_fails_the_build(world: World) -> None:
    declare(world, "return o.select('id').pandas()", fields=", lineage={'totl': ['raw.o.id']}")
    result = world.run()
    step = next(it for it in result.steps if it.asset == "py.p")
    assert (step.outcome, step.error) == (
        "FAILED",
        "The lineage of py.p names the column 'totl', which the function did not return. It returned id.",
    )


def test_a_source_that_its_asset_lacks_is_a_declaration_error(world: World) -> None:
    world.sql("stg.o", "select id from raw.o")
    text = HEAD.replace("raw.o", "stg.o") % ", lineage={'x': ['stg.o.idd']}"
    world.python("p", text + "    return o.arrow()\n")
    (problem,) = world.load().errors
    assert (problem.file, problem.line) == ("assets/p.py", 4)
    assert problem.message == "`lineage` of 'x' names the column 'idd', which stg.o lacks."
    assert problem.remedy == "Did you mean stg.o.id?"


def test_it_is_recorded_with_the_version_and_survives_a_rebuild_of_the_ledger(world: World) -> None:
    declare(world, "return o.arrow()")
    world.run()
    entry = next(it for it in world.load().audit_log(asset="py.p") if it.type == "version.staged")
    assert json.loads(entry.to_bytes())["payload"]["lineage"] == {"from": ["raw.o"], "columns": [0, 0, 0]}
    before = world.load().lineage("py.p")
    world.load().rebuild_ledger()
    assert world.load().lineage("py.p") == before


def test_lineage_that_cannot_be_made_out_fails_no_step(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr(python_lineage, "of_query", broken)
    declare(world, 'return "select id from raw.o"')
    assert world.built()["py.p"] == "PUBLISHED"
    assert known(world.load().lineage("py.p")) == {"id": None}
