"""Freshness as text: one sentence for each word, whose promise it is, and the arithmetic of warnings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headwater.assets.key import AssetKey
from headwater.render.freshness import freshness_lines, promise_text, warning_text
from headwater.render.paper import Paper
from headwater.render.status import status_lines
from headwater.runtime.freshness import FreshnessNow
from headwater.runtime.freshness_view import FreshnessView, RequirementLine, SourceLine, Taken
from headwater.runtime.model import AssetStatus, Status, StatusReport
from headwater.runtime.promise import Promise, Unkept

RAW, STG, MART = map(AssetKey, ("raw.a", "stg.a", "mart.a"))
AT = "2026-11-20T07:55:00Z"
BY = Promise(MART, by="0 8 * * mon-fri", timezone="Europe/London", holidays="GB")
DUE = FreshnessNow("DUE", 82_500, "2026-11-20T07:56:00Z", "2026-11-20T07:54:00Z", MART)
VIEW = FreshnessView(
    STG,
    "prod",
    AT,
    "CURRENT",
    DUE,
    (RequirementLine(BY, (Taken(MART, 240.0, 1),), DUE),),
    (Taken(RAW, 60.0, 0), Taken(STG, 60.0, 10)),
    (SourceLine(RAW, "2026-11-19T09:00:00Z", 82_500, "observed", "at"),),
)


def test_the_tree_shows_the_promise_what_is_taken_off_and_the_sources() -> None:
    assert list(freshness_lines(VIEW, Paper())) == [
        "stg.a is DUE in prod: its oldest source data is 22 h 55 min old and has to be replaced by 2026-11-20 07:56:00Z"
        "; latest start 2026-11-20 07:54:00Z.",
        "├── required of it, the tightest first",
        '│   └── DUE mart.a: by "0 8 * * mon-fri" (Europe/London, not on holidays of GB) data from after the deadline '
        "before, here until 2026-11-20 07:56:00Z",
        "│       └── less 4 min for mart.a (last 1 build)",
        "├── expected to take 2 min from a source on",
        "│   ├── 1 min for raw.a (never built, so assumed)",
        "│   └── 1 min for stg.a (last 10 builds)",
        "└── source data inside, the oldest first",
        "    └── raw.a: newest at 2026-11-19 09:00:00Z, 22 h 55 min ago",
    ]


@pytest.mark.parametrize(
    ("judged", "said"),
    [
        (FreshnessNow("NONE", None), "neither it nor anything downstream promises how fresh it is."),
        (FreshnessNow("NONE", 60), "promises how fresh it is. Its oldest source data is 1 min old."),
        (FreshnessNow("LATE", None, promised_by=MART), "nobody can date its source data."),
        (FreshnessNow("OK", None, promised_by=MART), "no source data is inside that could age."),
        (FreshnessNow("OK", 60, promised_by=MART), "its oldest source data is 1 min old and never has to be replaced."),
        (replace(DUE, word="LATE"), "old and had to be replaced by 2026-11-20 07:56:00Z;"),
    ],
)
def test_each_word_has_its_sentence(judged: FreshnessNow, said: str) -> None:
    assert said in next(freshness_lines(replace(VIEW, freshness=judged, sources=()), Paper()))


def test_stale_says_until_when_and_whose_promise_that_is() -> None:
    dates = {"deadline": "2026-11-20T08:00:00Z", "latest_start": AT, "promised_by": MART}
    late = replace(AssetStatus(MART, Status("CURRENT"), "LATE", 90_000), **dates)  # type: ignore[arg-type]
    lines = list(status_lines(StatusReport("prod", AT, (late,)), (late, replace(late, asset=RAW)), Paper()))
    assert "LATE (1 d 1 h)" in lines[1]
    assert lines[1].endswith("Its source data had to be replaced by 2026-11-20 08:00:00Z.")
    assert lines[2].endswith("Its source data had to be replaced by 2026-11-20 08:00:00Z, as mart.a promises.")
    due = list(status_lines(StatusReport("prod", AT, (late,)), (replace(late, freshness="DUE"),), Paper()))
    assert due[1].endswith("Its source data has to be replaced by 2026-11-20 08:00:00Z.")


def test_warnings_show_their_arithmetic() -> None:
    path = Unkept(Promise(MART, by="0 * * * *"), "PATH", 5400, 3600, ((RAW, 60), (MART, 5340)))
    assert warning_text(path) == (
        'mart.a promises by "0 * * * *" (UTC) data from after the deadline before; deadlines are as little as 1 h apart'
        "; history says that bringing in new data takes 1 h 30 min: 1 min for raw.a + 1 h 29 min for mart.a."
    )
    lag = Promise(MART, 86_400)
    late = Unkept(lag, "DELIVERY", 93_660.0, 86_400, ((RAW, 93_600.0), (RAW, 0.0), (MART, 60.0)), RAW, 4, 5)
    assert warning_text(late) == (
        "mart.a promises data no older than 1 d; 4 of 5 times data was too old before newer came: 1 d 2 h old when the "
        "next delivery of raw.a is taken in (median) + 1 min for mart.a = 1 d 2 h."
    )
    assert promise_text(lag) == "data no older than 1 d"
