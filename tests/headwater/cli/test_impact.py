"""`impact`: what it asks, what it shows, and its exit codes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headwater.runtime.impact_model import OUTCOMES

from .conftest import CHANGE, Ask, FakeProject
from .manual import DOCS


@pytest.mark.parametrize(
    ("flags", "asked"),
    [
        ((), ("REDEFINE", None)),
        (("--redefine",), ("REDEFINE", None)),
        (("--drop",), ("DROP", None)),
        (("--rename", "total"), ("RENAME", "total")),
        (("--retype", "decimal(18,2)"), ("RETYPE", "decimal(18,2)")),
    ],
)
def test_the_change_is_passed_on(
    flags: tuple[str, ...], asked: tuple[str, str | None], ask: Ask, project: FakeProject
) -> None:
    assert ask("impact", "stg.orders.amount", *flags).code == 0
    assert project.asked[-1] == ("impact", "stg.orders.amount", *asked, "prod")


def test_text_says_what_where_and_by_which_way(ask: Ask) -> None:
    assert ask("impact", "stg.orders.amount", "--drop").out.splitlines() == [
        "What dropping stg.orders.amount would do",
        "",
        "OUTCOME  ASSET         COLUMNS  BECAUSE                             ALSO",
        "BREAKS   mart.revenue  all      stg.orders has no column 'amount'.  "
        "contract: revenue; checks: not_null(revenue); writes out/revenue.csv",
        "",
        "Where it breaks",
        "  assets/mart/revenue.sql:9: stg.orders has no column 'amount'.",
        "",
        "The ways it takes",
        "stg.orders.amount",
        "└── mart.revenue  BREAKS: reads amount",
        "",
        "2 assets downstream: 1 breaks, 1 untouched; --all lists the 1 untouched asset.",
    ]
    shown = ask("impact", "stg.orders.amount", "--drop", "--all").out
    assert "UNTOUCHED  mart.days" in shown
    assert "reads only day of stg.orders." in shown


def test_json_has_every_asset_and_the_counts(ask: Ask) -> None:
    document = ask("impact", "stg.orders.amount", "--drop", "--format", "json").json
    assert {name: document[name] for name in ("asset", "column", "change", "to")} == {
        "asset": "stg.orders",
        "column": "amount",
        "change": "DROP",
        "to": None,
    }
    first, second = document["assets"]  # type: ignore[misc]
    assert first == {
        "asset": "mart.revenue",
        "outcome": "BREAKS",
        "message": "stg.orders has no column 'amount'.",
        "columns": None,
        "because": [{"upstream": "stg.orders", "columns": ["amount"]}],
        "places": [
            {
                "file": "assets/mart/revenue.sql",
                "line": 9,
                "message": "stg.orders has no column 'amount'.",
                "remedy": "",
                "asset": "mart.revenue",
            }
        ],
        "checks": ["not_null(revenue)"],
        "contract": ["revenue"],
        "file": "out/revenue.csv",
    }
    assert (second["outcome"], second["columns"]) == ("UNTOUCHED", [])
    assert document["counts"] == {"BREAKS": 1, "MAY_BREAK": 0, "STALE": 0, "MAY_CHANGE": 0, "UNTOUCHED": 1}


def test_the_exit_code_is_bad_only_if_asked_and_something_breaks(ask: Ask, project: FakeProject) -> None:
    assert ask("impact", "stg.orders.amount", "--drop").code == 0
    assert ask("impact", "stg.orders.amount", "--drop", "--exit-code").code == 1
    project.report_of_change = replace(CHANGE, impacts=CHANGE.impacts[1:])
    assert ask("impact", "stg.orders.amount", "--exit-code").code == 0
    project.report_of_change = replace(CHANGE, impacts=(), own=replace(CHANGE.own, outcome="BREAKS"))
    assert ask("impact", "stg.orders.amount", "--exit-code").code == 1


def test_two_changes_at_once_are_refused(ask: Ask) -> None:
    answer = ask("impact", "stg.orders.amount", "--drop", "--retype", "int")
    assert answer.code == 2
    assert "Name one change: --redefine, --drop, --rename or --retype." in answer.err


def test_nothing_downstream(ask: Ask, project: FakeProject) -> None:
    project.report_of_change = replace(CHANGE, impacts=())
    assert ask("impact", "stg.orders.amount").out.splitlines()[-1] == "0 assets downstream: nothing."


def test_the_manual_explains_every_outcome() -> None:
    text = (DOCS / "cli" / "impact.md").read_text(encoding="utf-8")
    assert [word for word in OUTCOMES if f"| {word} |" not in text] == []
