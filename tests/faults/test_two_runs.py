"""Two runs at once: one works, the other waits or says who holds the warehouse; whoever only asks is answered."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from faultkit.house import change_house, write_house
from faultkit.pause import Paused, add_pause, answer

from headwater import load_project
from headwater.assets.errors import WarehouseLocked
from headwater.runtime.workspace import Outside


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A project that was run once and has changed since; its next run pauses."""
    write_house(tmp_path)
    assert load_project(tmp_path, require=True).run(workers=1).outcome == "SUCCEEDED"
    change_house(tmp_path)
    add_pause(tmp_path)
    return tmp_path


def table(root: Path, name: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(root / "warehouse.duckdb")) as connection:
        return connection.execute(f"select * from {name} order by all").fetchall()


def test_the_second_run_names_the_holder(house: Path) -> None:
    with Paused(house) as holder:
        with pytest.raises(WarehouseLocked, match=rf"held by run \w+-\w+ \(PID {holder.process.pid} on ") as raised:
            load_project(house).run()
        assert raised.value.exit_code == 3
        assert raised.value.remedy
        code, out, err = answer(house, "run")
        assert (code, out) == (3, "")
        assert f"PID {holder.process.pid}" in err
        assert "Traceback" not in err
        holder.go_on()
        code, out, err = holder.end()
        assert code == 1, err  # mart.guarded is blocked
    assert table(house, "mart.later") == [(44,)]
    assert load_project(house).audit_verify().verdict == "VERIFIED"
    assert {run.outcome for run in load_project(house).runs()} == {"SUCCEEDED", "BLOCKED"}


def test_the_second_run_waits_and_then_works(house: Path) -> None:
    """The second is known to wait when it asks for time to pass; only then does the first one go on."""
    toml = house / "headwater.toml"
    toml.write_text(toml.read_text().replace("lock_timeout = 0", "lock_timeout = 100"), encoding="utf-8")
    waited: list[float] = []
    with Paused(house) as holder:

        def wait(seconds: float) -> None:
            if not waited:
                holder.go_on()
                code, _, err = holder.end()
                assert code == 1, err
            waited.append(seconds)

        second = load_project(house, outside=Outside(wait=wait)).run()
    assert waited
    assert {step.outcome for step in second.steps} == {"BLOCKED", "HELD"}, "the first run had done the rest"
    assert table(house, "mart.later") == [(44,)]


def test_the_time_to_wait_is_the_one_declared(house: Path) -> None:
    """By a clock of the test's own: it waits so long and no longer."""
    toml = house / "headwater.toml"
    toml.write_text(toml.read_text().replace("lock_timeout = 0", "lock_timeout = 5"), encoding="utf-8")
    now = [0.0]

    def wait(seconds: float) -> None:
        now[0] += seconds

    with Paused(house), pytest.raises(WarehouseLocked):
        load_project(house, outside=Outside(wait=wait, monotonic=lambda: now[0])).run()
    assert 5.0 <= now[0] < 6.0


def test_questions_are_answered_meanwhile(house: Path) -> None:
    with Paused(house) as holder:
        project = load_project(house, require=True)
        report = project.status()
        words = {str(line.asset): line.status.word for line in report.assets}
        assert set(words) == {str(key) for key in project.assets}
        assert "CURRENT" not in words.values(), "nothing in a warehouse that another process holds can be proven"
        reasons = [reason.message for line in report.assets for reason in line.status.reasons]
        assert any(f"PID {holder.process.pid}" in text for text in reasons)
        assert project.audit_verify().verdict == "VERIFIED"
        assert project.lineage("mart.revenue").asset == "mart.revenue"
        assert project.why("mart.revenue").asset == "mart.revenue"
        assert project.runs()[0].outcome is None
        assert project.history("mart.revenue")[0].number == 1
        assert [step.action for step in project.plan().steps]
        holder.go_on()
        holder.end()


@pytest.mark.parametrize(
    "verb", ["stale", "ls", "lineage mart.revenue", "why mart.revenue", "runs", "audit log", "audit verify", "plan"]
)
def test_every_question_is_answered_on_the_command_line(verb: str, paused: tuple[Path, Paused]) -> None:
    root, _ = paused
    code, out, err = answer(root, "--format", "json", *verb.split())
    assert code == 0, err
    assert json.loads(out)


@pytest.fixture(scope="module")
def paused(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Paused]]:
    """A project whose run is in the middle of a step for as long as the tests of this module ask."""
    root = tmp_path_factory.mktemp("paused")
    write_house(root)
    assert load_project(root, require=True).run(workers=1).outcome == "SUCCEEDED"
    add_pause(root)
    with Paused(root) as holder:
        yield root, holder


def test_a_run_that_was_killed_holds_nothing(house: Path) -> None:
    with Paused(house) as holder:
        holder.process.send_signal(signal.SIGKILL)
        holder.end()
    (house / "assets/mart/pause.py").unlink()
    (house / "assets/mart/later.sql").unlink()
    project = load_project(house, require=True)
    assert project.run().outcome == "BLOCKED"
    assert [run.outcome for run in project.runs()][:2] == ["BLOCKED", "INTERRUPTED"]
    assert project.audit_verify().verdict == "VERIFIED"


def test_another_programme_holds_the_warehouse_file(house: Path) -> None:
    """Someone reads the warehouse with DuckDB itself: the run names the process, and so does the status."""
    path = str(house / "warehouse.duckdb")
    code = f"import duckdb, sys; c = duckdb.connect({path!r}); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(WarehouseLocked, match=f"PID {other.pid}"):
            load_project(house).run()
        words = {line.status.word for line in load_project(house).status(verify_data=True).assets}
        assert "CURRENT" not in words
        other.communicate()
    assert load_project(house).audit_verify().verdict == "VERIFIED"


def test_ctrl_c_ends_the_run_cleanly(house: Path) -> None:
    with Paused(house) as holder:
        holder.process.send_signal(signal.SIGINT)
        holder.go_on()
        code, _, err = holder.end()
    assert code == 130, err
    assert "Traceback" not in err
    project = load_project(house, require=True)
    assert project.runs()[0].outcome == "CANCELLED"
    assert project.audit_verify().verdict == "VERIFIED"
    assert _orphans(house) == set()
    steps = {str(step.asset): step.outcome for step in project.show(project.runs()[0].run)[1]}
    assert steps["mart.later"] == "CANCELLED"
    for pipe in house.glob("*.pipe"):
        pipe.unlink()
    pause = house / "assets/mart/pause.py"
    pause.write_text(pause.read_text().split("    root =")[0] + '    return orders.select("id").relation()\n')
    code, _, err = answer(house, "run")
    assert code == 1, err
    assert table(house, "mart.later") == [(44,)]
    assert _orphans(house) == set()


def test_ctrl_c_while_waiting_for_the_warehouse(house: Path) -> None:
    """Nothing was begun, so nothing is recorded; the run that works is not touched."""
    toml = house / "headwater.toml"
    toml.write_text(toml.read_text().replace("lock_timeout = 0", "lock_timeout = 100"), encoding="utf-8")

    def wait(_: float) -> None:
        raise KeyboardInterrupt

    with Paused(house) as holder:
        before = len(load_project(house).audit_log())
        with pytest.raises(KeyboardInterrupt):
            load_project(house, outside=Outside(wait=wait)).run()
        assert len(load_project(house).audit_log()) == before
        holder.go_on()
        assert holder.end()[0] == 1


def _orphans(root: Path) -> set[str]:
    """Return the stages that the ledger does not know."""
    with duckdb.connect(str(root / "warehouse.duckdb")) as connection:
        rows = connection.execute(
            "select table_name from information_schema.tables where table_schema = '_headwater'"
            " and table_name not in ('identity', 'publications', 'slices')"
        ).fetchall()
    state = sqlite3.connect(root / ".headwater/state.db")
    try:
        stores = "json_extract(record, '$.slices.store')"
        found = state.execute(f"select physical, {stores} from version where verdict <> ''").fetchall()
        known = {name for row in found for name in row}
    finally:
        state.close()
    return {row[0] for row in rows} - known
