"""Each verb asks the project what it was asked, prints the answer, and returns its exit code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from headwater.assets.errors import Problem
from headwater.runtime.basis import plan_hash
from headwater.runtime.model import RunResult, StepResult

from .conftest import BLOCKED, CURRENT, FAILED_AUDIT, ORDERS, PLAN, STALE, Ask, FakeProject


def test_stale_names_the_reason_and_answers_0(ask: Ask, project: FakeProject) -> None:
    answer = ask("stale", "+mart.revenue", "--exclude", "tag:x", "--observe")
    assert answer.code == 0
    assert answer.out.splitlines() == [
        "STATUS   ASSET         FRESHNESS       REASON",
        "CURRENT  stg.orders    LATE (1 d 2 h)",
        "STALE    mart.revenue                  amount of stg.orders changed between v1 and v2. (+1 more)",
        "",
        "3 assets in prod: 2 current, 1 stale, as of 2026-11-20 08:00:00Z.",
        "1 source last taken in up to 3 min ago; --observe looks again.",
    ]
    assert project.asked[-1] == ("status", ("+mart.revenue",), ("tag:x",), "prod", True, False)


def test_stale_with_exit_code(ask: Ask, project: FakeProject) -> None:
    assert ask("stale", "--exit-code").code == 1
    project.report = CURRENT
    answer = ask("stale", "--exit-code")
    assert (answer.code, answer.out.splitlines()[0]) == (
        0,
        "2 assets in prod, all current, as of 2026-11-20 08:00:00Z.",
    )


def test_stale_lists_current_assets_only_with_all(ask: Ask) -> None:
    assert "raw.orders" not in ask("stale").out
    assert "raw.orders" in ask("stale", "--all").out
    assert len(ask("stale", "--all", "--format", "json").json["assets"]) == len(STALE.assets)  # type: ignore[arg-type]


def test_plan_prints_steps_in_order_and_what_is_spared(ask: Ask, project: FakeProject) -> None:
    answer = ask("--env", "dev", "plan", "--force")
    assert answer.code == 0
    assert "1  BUILD   mart.revenue  certain    amount of stg.orders changed" in answer.out
    assert "1 step in prod, 1 asset unaffected." in answer.out
    assert project.asked[-1] == ("plan", (), (), "dev", True, False)


def test_a_saved_plan_is_run_as_it_is_or_not_at_all(ask: Ask, project: FakeProject, tmp_path: Path) -> None:
    file = str(tmp_path / "plan.json")
    project.made = replace(PLAN, plan_hash=plan_hash(PLAN))
    assert ask("plan", "--out", file).code == 0
    assert ask("run", "--plan", file).code == 0
    assert project.asked[-1] == ("run", (), (), "prod", None)
    for more in (("stg.orders",), ("--force",), ("--retire",), ("--exclude", "x")):
        answer = ask("run", "--plan", file, *more)
        assert answer.code == 2
        assert "A saved plan runs as it is" in answer.err
    answer = ask("--env", "dev", "run", "--plan", file)
    assert answer.code == 2
    assert "is for the environment prod, and the run is in dev" in answer.err
    assert ask("run", "--plan", str(tmp_path / "none.json")).code == 2
    assert ask("plan", "--out", str(tmp_path / "no" / "such" / "folder.json")).code == 2


def test_rollback_wants_a_version_or_a_release(ask: Ask) -> None:
    for wrong in ((), ("--to", "v1", "--release")):
        answer = ask("rollback", "stg.orders", *wrong)
        assert answer.code == 2
        assert "Say either --to VERSION or --release." in answer.err


def test_run_shows_a_line_for_each_step_and_a_summary(ask: Ask, project: FakeProject) -> None:
    answer = ask("run", "stg.orders", "--workers", "2", "--fail-fast")
    assert answer.code == 0
    assert answer.out.endswith("Run r1 in prod: SUCCEEDED. 1 published.\n")
    assert "[1/1] PUBLISHED stg.orders: v2, 1,200 rows, 0.25 s" in answer.err.splitlines()
    assert project.asked[-1] == ("run", ("stg.orders",), (), "prod", 2, "fail_fast")


def test_run_shows_failing_checks_with_rows_and_answers_1(ask: Ask, project: FakeProject) -> None:
    project.result = BLOCKED
    answer = ask("run")
    assert answer.code == 1
    assert "FAIL unique(id) (error, 4 failing rows)" in answer.out
    assert "expected each id once; found 2 ids more than once" in answer.out
    assert "row: id=7, amount=NULL" in answer.out


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (RunResult("r", "SUCCEEDED", (StepResult(ORDERS, "VERIFIED_EQUAL"),)), 0),
        (RunResult("", "NOTHING_TO_DO", ()), 0),
        (RunResult("r", "FAILED", (StepResult(ORDERS, "FAILED", error="Binder Error: x\n  ^"),)), 1),
        (RunResult("r", "SUCCEEDED", (StepResult(ORDERS, "HELD"),)), 1),
        (RunResult("r", "CANCELLED", (StepResult(ORDERS, "CANCELLED"),)), 130),
        (RunResult("r", "CANCELLED", (StepResult(ORDERS, "FAILED", error="x"),)), 130),
    ],
)
def test_exit_codes_of_run(result: RunResult, code: int, ask: Ask, project: FakeProject) -> None:
    project.result = result
    assert ask("run").code == code
    assert ask("run", "--format", "json").code == code


def test_an_error_of_a_step_is_shown_in_full(ask: Ask, project: FakeProject) -> None:
    project.result = RunResult("r", "FAILED", (StepResult(ORDERS, "FAILED", error="Binder Error: x\n  ^"),))
    assert "stg.orders failed:\n  Binder Error: x\n    ^\n" in ask("run").out


def test_why_shows_failing_clauses_first(ask: Ask) -> None:
    answer = ask("why", "mart.revenue")
    lines = answer.out.splitlines()
    assert lines[0] == "mart.revenue is STALE in prod: amount of stg.orders changed between v1 and v2."
    marks = [line[2] for line in lines if line.startswith("  ") and line[3:4] == " " and line[2] in "✓✗·"]
    assert marks == ["✗", "✓", "·"]
    assert "  +select 2" in lines


@pytest.mark.parametrize(
    ("flags", "directions"),
    [((), (True, True)), (("--upstream",), (True, False)), (("--downstream",), (False, True))],
)
def test_lineage_asks_for_directions(
    flags: tuple[str, ...], directions: tuple[bool, bool], ask: Ask, project: FakeProject
) -> None:
    answer = ask("lineage", "mart.revenue", *flags, "--depth", "3")
    assert answer.code == 0
    assert project.asked[-1] == ("lineage", "mart.revenue", *directions, 3, "prod")
    assert ("Upstream" in answer.out, "Downstream" in answer.out) == directions


def test_lineage_draws_in_other_forms(ask: Ask) -> None:
    assert ask("lineage", "mart.revenue", "--as", "mermaid").out.startswith("flowchart LR\n")
    assert ask("lineage", "mart.revenue", "--as", "dot").out.startswith("digraph lineage {\n")
    as_json = ask("lineage", "mart.revenue", "--as", "json")
    assert as_json.out == ask("--format", "json", "lineage", "mart.revenue").out


def test_records_answer_without_a_sound_project(ask: Ask, project: FakeProject) -> None:
    project.errors = (Problem("a.sql", 1, "no."),)
    for words in (("history", "stg.orders"), ("runs",), ("show", "r2"), ("logs", "r2"), ("audit", "log")):
        assert ask(*words).code == 0, words
    assert ask("stale").code == 2


def test_show_and_logs_name_the_run(ask: Ask, project: FakeProject) -> None:
    ask("show", "last")
    assert project.asked[-1] == ("show", "last")
    assert ask("logs", "last", "stg.orders", "--format", "json").json["run"] == "r2"
    assert project.asked[-2:] == [("logs", "last", "stg.orders"), ("show", "last")]


def test_logs_cannot_write_control_characters(ask: Ask) -> None:
    assert ask("logs", "r1").out.splitlines()[1] == r"2026-11-20 08:00:00Z stg.orders: two \x1b[31mred"


def test_audit_verify_answers_1_unless_verified(ask: Ask, project: FakeProject) -> None:
    assert ask("audit", "verify").code == 0
    project.audit = FAILED_AUDIT
    answer = ask("audit", "verify")
    assert answer.code == 1
    assert "FAILED ENTRY_ALTERED at entry 5: The entry is not the one that was recorded." in answer.out


def test_audit_verify_takes_a_checkpoint(ask: Ask, project: FakeProject, tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text("x")
    ask("audit", "verify", "--checkpoint", str(kept))
    assert project.asked[-1] == ("audit_verify", kept)
    assert ask("audit", "verify", "--checkpoint", str(tmp_path / "none")).code == 2


def test_audit_log_and_rebuild(ask: Ask, project: FakeProject) -> None:
    assert "version.published" in ask("audit", "log", "--limit", "3", "--asset", "stg.orders").out
    assert project.asked[-1] == ("audit_log", 3, "stg.orders")
    assert ask("ledger", "rebuild").out == "Derived the current state again from 8 entries.\n"


def test_validate_names_places(ask: Ask, project: FakeProject) -> None:
    assert ask("validate").out == "3 assets, no problems.\n"
    project.errors = (Problem("assets/a.sql", 3, "unknown column `x`.", "Did you mean `y`?"),)
    answer = ask("validate")
    assert answer.code == 2
    assert answer.out == "assets/a.sql:3: unknown column `x`. Did you mean `y`?\n3 assets, 1 problem.\n"
    problem = ask("validate", "--format", "json").json["problems"]
    assert problem == [
        {
            "file": "assets/a.sql",
            "line": 3,
            "message": "unknown column `x`.",
            "remedy": "Did you mean `y`?",
            "asset": None,
        }
    ]


def test_completion_prints_a_script(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "_HEADWATER_COMPLETE=fish_complete" in ask("completion", "fish").out
    monkeypatch.setenv("SHELL", "/usr/bin/zsh")
    assert ask("completion").out.startswith("#compdef headwater")
    monkeypatch.setenv("SHELL", "/bin/elvish")
    answer = ask("completion")
    assert (answer.code, "bash, zsh, fish" in answer.err) == (2, True)
