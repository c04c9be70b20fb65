"""Sources that a user's function reads: asked for a version token, taken in, and cut off where nothing came of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.assets.key import AssetKey
from headwater.runtime.code_source import recorded_token, token_state, token_text

from ..world import World, outcomes, words

# What the outside holds is in the file `held`; each call of the function leaves a line in `calls`.
RATES = """
import headwater as hw
import json
from pathlib import Path

DATA = Path({root!r})


def newest():
    return {token}


@hw.external("raw.rates"{fields})
def rates():
    with (DATA / "calls").open("a") as calls:
        calls.write("x")
    return {data}
"""
TOKEN = 'json.loads((DATA / "token").read_text())'
DATA = '(DATA / "held").read_text()'
OBSERVED = ", observe=newest"


def declare(world: World, fields: str = OBSERVED, token: str = TOKEN, data: str = DATA) -> None:
    """Declare `raw.rates` and a reader of it."""
    world.python("raw", RATES.format(root=str(world.root), fields=fields, token=token, data=data))
    world.sql("mart.rates", "select currency, rate * 2 as twice from raw.rates")


def outside(world: World, data: str, token: str = '"a"') -> None:
    """Make the outside hold `data`, under a version `token` in JSON."""
    world.write("held", data)
    world.write("token", token)


def calls(world: World) -> int:
    """Return how often the function was called so far."""
    file = world.root / "calls"
    return len(file.read_text()) if file.exists() else 0


EUR = "select 'EUR' as currency, 2 as rate, 'noted' as note"
EUR_NOTED = "select 'EUR' as currency, 2 as rate, 'noted again' as note"
USD = "select 'USD' as currency, 3 as rate, 'noted' as note"


def test_an_equal_token_is_unchanged_and_nothing_is_read(world: World) -> None:
    declare(world)
    outside(world, EUR)
    assert world.built() == {"raw.rates": "OBSERVED", "mart.rates": "PUBLISHED"}
    assert world.rows("mart.rates") == {("EUR", 4): 1}
    assert world.status() == {"raw.rates": "CURRENT", "mart.rates": "CURRENT"}
    assert world.load().run().outcome == "NOTHING_TO_DO"
    assert calls(world) == 1


def test_another_token_says_maybe_and_data_that_came_out_equal_is_cut_off(world: World) -> None:
    declare(world)
    outside(world, EUR)
    world.built()
    outside(world, EUR, '"b"')
    assert world.status() == {"raw.rates": "PENDING", "mart.rates": "PENDING"}
    (reason,) = world.load().status()["raw.rates"].reasons
    assert reason.code == "INPUT_CHANGED"
    assert "its version token was 'a', and is 'b' now" in reason.message
    found = world.run()
    assert outcomes(found) == {"raw.rates": "OBSERVED", "mart.rates": "VERIFIED_EQUAL"}
    assert not found.steps[0].changed
    assert set(world.status().values()) == {"CURRENT"}


def test_what_no_reader_sees_rebuilds_no_reader(world: World) -> None:
    declare(world)
    outside(world, EUR)
    world.built()
    outside(world, EUR_NOTED, '"b"')
    found = world.run()
    assert outcomes(found) == {"raw.rates": "OBSERVED", "mart.rates": "VERIFIED_EQUAL"}
    assert found.steps[0].changed
    outside(world, USD, '"c"')
    assert world.built() == {"raw.rates": "OBSERVED", "mart.rates": "PUBLISHED"}
    assert world.rows("mart.rates") == {("USD", 6): 1}


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("None", "returned None, so nobody can tell"),
        ("1 / 0", "ZeroDivisionError: division by zero (assets/raw.py:10)"),
        ("1.5", "returned a float"),
        ("True", "returned a bool"),
        ("exit(3)", "SystemExit: 3"),
    ],
)
def test_who_cannot_be_asked_is_unknown_with_the_reason_and_so_are_readers(world: World, token: str, said: str) -> None:
    declare(world)
    outside(world, EUR)
    world.built()
    declare(world, ', version="1"' + OBSERVED)
    world.built()
    declare(world, ', version="1"' + OBSERVED, token)
    assert world.status() == {"raw.rates": "UNKNOWN", "mart.rates": "UNKNOWN"}
    (reason,) = world.load().status()["raw.rates"].reasons
    assert reason.code == "UNDECIDABLE"
    assert said in reason.message


def test_a_source_that_cannot_tell_is_read_by_every_run_and_never_current(world: World) -> None:
    declare(world, token="None")
    outside(world, EUR)
    assert world.built() == {"raw.rates": "OBSERVED", "mart.rates": "PUBLISHED"}
    assert world.status()["raw.rates"] == "UNKNOWN"
    outside(world, USD)
    assert world.built() == {"raw.rates": "OBSERVED", "mart.rates": "PUBLISHED"}
    assert world.rows("mart.rates") == {("USD", 6): 1}


def test_without_observe_it_is_judged_as_of_the_last_time_and_the_age_shows(world: World) -> None:
    declare(world, "")
    outside(world, EUR)
    world.built()
    outside(world, USD)
    report = world.load().status()
    assert words(report) == {"raw.rates": "CURRENT", "mart.rates": "CURRENT"}
    ((source, at),) = report.observed
    note = next(line.note for line in report.assets if line.asset == "raw.rates")
    assert (source, note) == ("raw.rates", f"as of {at}, when it was last taken in")
    assert calls(world) == 1


def test_without_observe_whoever_pays_for_certainty_reads_it_and_has_it(world: World) -> None:
    declare(world, "")
    outside(world, EUR)
    world.built()
    assert set(words(world.load().status(observe=True)).values()) == {"CURRENT"}
    outside(world, USD)
    assert words(world.load().status(observe=True)) == {"raw.rates": "CURRENT", "mart.rates": "STALE"}
    plan = world.load().plan()
    assert [(step.asset, step.certainty) for step in plan.steps] == [("mart.rates", "CERTAIN")]
    assert calls(world) == 4
    assert outcomes(world.load().run(plan)) == {"mart.rates": "PUBLISHED"}
    assert "found unchanged" not in "".join(entry.why for entry in world.load().audit_log(asset="raw.rates"))
    assert world.built() == {"raw.rates": "OBSERVED", "mart.rates": "VERIFIED_EQUAL"}


def test_what_changes_while_it_is_read_is_not_published(world: World) -> None:
    ticking = '(DATA / "calls").read_text() if (DATA / "calls").exists() else ""'
    declare(world, token=ticking)
    outside(world, EUR)
    found = world.run()
    assert outcomes(found) == {"raw.rates": "FAILED", "mart.rates": "SKIPPED"}
    assert "changed while it was read" in str(found.steps[0].error)
    assert world.status()["raw.rates"] == "MISSING"


@pytest.mark.parametrize(
    ("edit", "word"),
    [
        (("return {token}", "return {token} or 1"), "STALE"),
        (("return {data}", 'return {data}.replace("x", "y")'), "STALE"),
        (("def newest():", "def newest():  # cheap"), "CURRENT"),
        (("def rates():", 'def rates():\n    """Rates."""'), "CURRENT"),
        (('"raw.rates"', '"raw.rates", description="of the bank", freshness={{"max_lag": "1d"}}'), "CURRENT"),
        (('"raw.rates"', '"raw.rates", columns={{"rate": "integer"}}'), "STALE"),
    ],
)
def test_its_code_and_that_of_observe_are_its_definition(world: World, edit: tuple[str, str], word: str) -> None:
    outside(world, EUR)
    declare(world)
    world.built()
    text = RATES.replace(*edit).format(root=str(world.root), fields=OBSERVED, token=TOKEN, data=DATA)
    world.python("raw", text)
    assert world.status()["raw.rates"] == word
    assert (word == "STALE") == ("DEFINITION_CHANGED" in world.codes("raw.rates"))


def test_stale_runs_code_of_the_user_only_to_ask_for_a_token(world: World) -> None:
    outside(world, EUR)
    for fields, ran in (("", False), (OBSERVED, True)):
        declare(world, fields)
        world.built()
        world.load().status()
        project = world.load()
        for name in [name for name in sys.modules if name.startswith("headwater_project_")]:
            del sys.modules[name]
        assert words(project.status())["raw.rates"] == "CURRENT"
        assert any(name.startswith("headwater_project_") for name in sys.modules) is ran


def test_data_comes_as_a_table_as_a_query_or_as_the_path_of_a_file(world: World) -> None:
    arrow = '__import__("pyarrow").table({{"currency": ["CHF"], "rate": [5]}})'.replace("{{", "{").replace("}}", "}")
    outside(world, EUR)
    world.write("in/rates.csv", "currency,rate\nSEK,7\n")
    for data, rows in ((arrow, ("CHF", 10)), ('Path("in/rates.csv")', ("SEK", 14))):
        declare(world, ', version="1"', data=data)
        assert world.load().run(force=True).outcome == "SUCCEEDED"
        assert world.rows("mart.rates") == {rows: 1}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("None", "raw.rates returned nothing."),
        ('Path("/etc/passwd")', "outside the project"),
        ('Path("absent.csv")', "is not there"),
        ('"select * from mart.rates"', "returned reads mart.rates. A source reads no asset."),
        ('"select now() as currency, 1 as rate"', "asks for clock or chance"),
        ('["no", "table"]', "returned list, which is not a table"),
    ],
)
def test_what_is_no_data_fails_the_step_with_a_sentence(world: World, data: str, said: str) -> None:
    outside(world, EUR)
    declare(world, data=data)
    found = world.run()
    assert outcomes(found) == {"raw.rates": "FAILED", "mart.rates": "SKIPPED"}
    assert said in str(found.steps[0].error)


def test_its_checks_keep_what_is_wrong_from_readers(world: World) -> None:
    declare(world, OBSERVED + ', checks=[hw.accepted_values("currency", values=["EUR"])]')
    outside(world, EUR)
    world.built()
    outside(world, USD, '"b"')
    assert world.built() == {"raw.rates": "BLOCKED", "mart.rates": "HELD"}
    assert world.rows("mart.rates") == {("EUR", 4): 1}
    assert calls(world) == 2
    assert world.built()["raw.rates"] == "BLOCKED"
    assert calls(world) == 2


def test_a_source_that_was_a_file_before_is_taken_in_anew(world: World) -> None:
    world.csv("rates", "currency,rate,note EUR,1,x")
    world.sql("mart.rates", "select currency, rate * 2 as twice from raw.rates")
    world.built()
    (world.root / "assets/raw/rates.yaml").unlink()
    outside(world, EUR)
    declare(world)
    assert "DEFINITION_CHANGED" in world.codes("raw.rates")
    assert world.built() == {"raw.rates": "OBSERVED", "mart.rates": "PUBLISHED"}
    (world.root / "assets/raw.py").unlink()
    world.csv("rates", "currency,rate,note EUR,1,x")
    assert world.codes("raw.rates") == ["DEFINITION_CHANGED"]
    assert world.built() == {"raw.rates": "OBSERVED", "mart.rates": "REUSED"}


def test_it_is_an_external_to_the_graph_and_to_selectors(world: World) -> None:
    declare(world)
    project = world.load()
    asset = project.assets[AssetKey("raw.rates")]
    assert (asset.kind, asset.is_external, asset.is_read_by_code) == ("external", True, True)
    assert [line.asset for line in project.ls(select="source:raw.rates+")] == ["raw.rates", "mart.rates"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (", observe=lambda: 1", "the `observe` of raw.rates cannot be found by its name."),
        (", observe=3", "the `observe` of raw.rates cannot be found by its name."),
        (", observe=json.dumps", "the `observe` of raw.rates cannot be found by its name."),
        (", observe=needy", "the `observe` of raw.rates has parameters."),
        (", observe=late", "the `observe` of raw.rates is a coroutine or generator."),
        (', file="x.csv"', "unknown key `file`."),
        (', inputs={{"x": "raw.x"}}', "unknown key `inputs`."),
        (', columns={{"rate": {{"anonymises": ["pii"]}}}}', "its columns anonymise nothing"),
    ],
)
def test_what_is_declared_wrongly_is_said_at_the_line(world: World, fields: str, said: str) -> None:
    text = RATES.replace(
        "def newest", "def needy(x):\n    return x\n\n\nasync def late():\n    return 1\n\n\ndef newest"
    )
    fields = fields.replace("{{", "{").replace("}}", "}")
    world.python("raw", text.format(root=str(world.root), fields=fields, token=TOKEN, data=DATA))
    problems = [problem for problem in world.load().errors if problem.asset == "raw.rates"]
    assert any(said in problem.message for problem in problems), problems
    assert {(problem.file, problem.line) for problem in problems} == {("assets/raw.py", 21)}


def test_a_parameter_that_nobody_gives_is_an_error(world: World) -> None:
    world.python("raw", 'import headwater as hw\n\n\n@hw.external("raw.x")\ndef x(y):\n    return y\n')
    assert [str(problem) for problem in world.load().errors] == [
        "assets/raw.py:4: the parameter 'y' of raw.x has no input. A source takes only `context`."
    ]


def test_a_source_may_stand_without_parentheses_and_take_the_context(world: World) -> None:
    world.python(
        "raw",
        "import headwater as hw\n\n\n"
        "@hw.external\ndef ones(context):\n    return f'select {context.vars[\"one\"]} as x'\n",
    )
    world.write("headwater.toml", "[vars]\none = 1\n")
    assert world.built() == {"ones": "OBSERVED"}
    world.write("headwater.toml", "[vars]\none = 2\n")
    assert world.codes("ones") == ["DEFINITION_CHANGED"]


TOKENS = st.one_of(st.text(max_size=300), st.integers(), st.binary(max_size=300))


@given(one=TOKENS, other=TOKENS)
def test_tokens_are_equal_as_texts_only_if_they_are(one: object, other: object) -> None:
    assert (token_text(one) == token_text(other)) == (type(one) is type(other) and one == other)
    assert recorded_token(token_state(token_text(one))) == token_text(one)


@given(token=st.one_of(st.text(), st.integers(-9, 9)))
def test_values_that_only_look_alike_are_different_tokens(token: object) -> None:
    assert token_text(token) != token_text(repr(token).encode())
    assert token_text(str(token)) == token_text(token) or not isinstance(token, str)


def test_no_token_is_recorded_as_none(tmp_path: Path) -> None:
    assert token_state(None) == ""
    assert recorded_token("") is None
    assert recorded_token('[["a.csv", 1, "1", "1", "1"]]') is None
