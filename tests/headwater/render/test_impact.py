"""`impact` on a terminal: nothing runs out of its lines."""

from __future__ import annotations

from headwater.assets.errors import Problem
from headwater.assets.key import AssetKey
from headwater.render.impact import impact_lines
from headwater.render.paper import Paper
from headwater.runtime.impact_model import Change, Impact, ImpactReport


def test_a_terminal_gets_lines_that_fit() -> None:
    key = AssetKey("mart.revenue")
    names = tuple(f"column_{at}" for at in range(30))
    message = "reads amount of stg.orders; it is built again if that differs in fact."
    own = Impact(AssetKey("stg.orders"), "STALE", "it is what would change.")
    report = ImpactReport(
        Change(own.asset), own, (Impact(key, "MAY_CHANGE", message, (), names, (), ("unique(id)",) * 9, names),)
    )
    lines = [*impact_lines(report, Paper(width=80))]
    assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(line.split()) for line in lines)
    assert "MAY_CHANGE mart.revenue 30 columns reads" in text
    assert f"{message} Also contract: column_0," in text
    assert "column_29; checks: unique(id)," in text
    assert max(map(len, impact_lines(report, Paper()))) > 400, "a pipe gets rows, whole"


def test_a_place_is_listed_once_and_doubt_is_said() -> None:
    place = Problem("a.sql", 6, "it may not bind.")
    own = Impact(AssetKey("stg.orders"), "STALE", "it is what would change.")
    found = Impact(AssetKey("mart.revenue"), "MAY_BREAK", place.message, places=(place, place))
    lines = [*impact_lines(ImpactReport(Change(own.asset), own, (found,)), Paper())]
    assert lines[lines.index("Where it breaks, or may break") :][1:3] == ["  a.sql:6: it may not bind.", ""]
