"""The demo's check of itself, and its edges; the demo as a whole is told in `test_demo`."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.assets.key import AssetKey
from headwater.cli.story import differences, report_change
from headwater.demo import BUILT, SCENES, Expected
from headwater.demo_edits import REPORT
from headwater.runtime.model import RunResult, StepResult

from .conftest import Ask


def result(**outcomes: str) -> RunResult:
    steps = [StepResult(AssetKey(name.replace("__", ".")), outcome) for name, outcome in outcomes.items()]  # type: ignore[arg-type]
    return RunResult("r", "SUCCEEDED", tuple(steps))


def test_a_run_as_expected_has_no_differences() -> None:
    expected = Expected(published=frozenset({"stg.flights"}), held=frozenset({REPORT}))
    run = result(raw__flights="PUBLISHED", stg__flights="PUBLISHED", mart__fleet_age="VERIFIED_EQUAL")
    held = RunResult("r", "BLOCKED", (*run.steps, StepResult(AssetKey(REPORT), "HELD")))
    assert differences(held, expected) == []


def test_every_other_outcome_is_a_difference() -> None:
    expected = Expected(published=frozenset({"stg.flights"}))
    run = result(stg__flights="VERIFIED_EQUAL", stg__planes="PUBLISHED", stg__weather="FAILED", stg__carriers="HELD")
    assert differences(run, expected) == [
        "stg.planes was published.",
        "stg.carriers was held.",
        "stg.weather was failed.",
        "stg.flights was not published.",
    ]


def test_a_second_telling_may_reuse_what_the_first_built() -> None:
    expected = Expected(published=BUILT)
    assert differences(result(stg__flights="REUSED"), expected, lenient=True) == []
    assert differences(result(stg__flights="BLOCKED"), expected, lenient=True) == ["stg.flights was blocked."]


def test_the_report_file_is_compared() -> None:
    assert [*report_change(["h", "a,1"], ["h", "a,2"])][1:] == ["  - a,1", "  + a,2"]
    assert "byte for byte" in next(report_change(["h"], ["h"]))
    assert [*report_change([], ["h"])] == []


def test_the_commands_of_the_scenes_can_be_told() -> None:
    verbs = {command.split()[1] for scene in SCENES for command in scene.commands}
    assert verbs <= {"run", "stale", "plan", "why", "lineage", "history", "audit", "--project"}


def test_a_folder_with_other_things_is_refused(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.demo.find_flights_data", lambda: tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    answer = ask("demo", str(tmp_path / "mine"))
    assert answer.code == 2
    assert "is not empty" in answer.err
