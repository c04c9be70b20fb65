"""`lineage`: what it asks, how it lists tags, and what it refuses; and what the shell completes."""

from __future__ import annotations

from typing import get_args

import pytest

from headwater.assets.errors import RequestError
from headwater.cli.completion import complete_column
from headwater.cli.lineage import KINDS
from headwater.cli.main import cli
from headwater.cli.settings import Settings
from headwater.lineage.sql.analysis import Transformation

from .conftest import Ask, FakeProject


def test_kinds_are_passed_on_in_any_case(ask: Ask, project: FakeProject) -> None:
    assert ask("lineage", "mart.revenue", "--kind", "identity", "--kind", "FILTER", "--direct").code == 0
    asked = ("lineage", "mart.revenue", True, True, None, "prod", ("kinds", ("IDENTITY", "FILTER")), ("direct", True))
    assert project.asked[-1] == asked


def test_every_kind_that_is_shown_can_be_asked_for() -> None:
    assert {*KINDS} == {*get_args(Transformation)}


def test_a_tag_lists_who_carries_it_and_where_it_ends(ask: Ask, project: FakeProject) -> None:
    answer = ask("lineage", "--tag", "pii")
    assert (answer.code, project.asked[-1]) == (0, ("tagged", "pii", None, "prod"))
    assert answer.out.splitlines() == [
        "COLUMN            TYPE     FROM              HOW",
        "raw.orders.email  varchar  itself",
        "stg.orders.hash            raw.orders.email  masked",
        "",
        "Where pii ends, as is declared",
        "COLUMN          FROM",
        "mart.revenue.n  raw.orders.email",
        "",
        "2 columns carry pii, 1 only masked.",
    ]


def test_a_tag_as_json(ask: Ask, project: FakeProject) -> None:
    document = ask("lineage", "stg.orders", "--tag", "pii", "--as", "json").json
    assert project.asked[-1] == ("tagged", "pii", "stg.orders", "prod")
    assert document["columns"][1] == {  # type: ignore[index]
        "asset": "stg.orders",
        "column": "hash",
        "tag": "pii",
        "origin": {"asset": "raw.orders", "column": "email"},
        "own": False,
        "masked": True,
        "certain": True,
        "type": None,
    }
    assert document["anonymised"] == [
        {
            "asset": "mart.revenue",
            "column": "n",
            "tag": "pii",
            "origin": {"asset": "raw.orders", "column": "email"},
        }
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Name an ASSET or an ASSET.COLUMN, or a --tag."),
        (("--tag", "pii", "--depth", "2"), "--tag lists columns; it does not go with --depth."),
        (("--tag", "pii", "--kind", "IDENTITY"), "--tag lists columns; it does not go with --kind."),
        (("--tag", "pii", "--as", "dot"), "--tag lists columns; it does not go with --as dot."),
        (("mart.revenue", "--kind", "COPY"), "'COPY' is not one of"),
        (("--as", "openlineage", "--namespace", "not a uri <>"), "--namespace takes a URI, such as"),
        (("--as", "openlineage", "--namespace", ""), "--namespace takes a URI, such as"),
    ],
)
def test_what_makes_no_sense_is_refused(words: tuple[str, ...], said: str, ask: Ask) -> None:
    answer = ask("lineage", *words)
    assert answer.code == 2
    assert said in answer.err
    assert "Traceback" not in answer.err


def test_an_unknown_column_is_refused(ask: Ask, project: FakeProject) -> None:
    project.raises = RequestError("stg.orders has no column 'amuont'.", "Did you mean stg.orders.amount?")
    answer = ask("lineage", "stg.orders.amuont")
    assert answer.code == 2
    assert answer.err.endswith("Error: stg.orders has no column 'amuont'. Did you mean stg.orders.amount?\n")


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("mart", ["mart.revenue"]),
        ("stg.orders.", ["stg.orders.Amount", "stg.orders.day"]),
        ("stg.orders.am", ["stg.orders.Amount"]),
        ("STG.orders.D", ["stg.orders.day"]),
        ("stg.nothing.", []),
    ],
)
def test_columns_are_completed_behind_the_dot(typed: str, found: list[str], project: FakeProject) -> None:
    context = cli.make_context("headwater", ["ls"], obj=Settings(load=project.load))  # type: ignore[arg-type]
    assert complete_column(context, context.command.params[0], typed) == found


def test_a_project_that_cannot_be_read_completes_nothing(project: FakeProject) -> None:
    project.raises = RuntimeError("broken")
    context = cli.make_context("headwater", ["ls"], obj=Settings(load=project.load))  # type: ignore[arg-type]
    assert complete_column(context, context.command.params[0], "stg.orders.") == []
