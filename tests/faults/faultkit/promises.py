"""What must hold after a run was broken, whatever broke it and wherever: P3 and P4, and that it goes on by itself."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from faultkit.house import REPORT, Shown, Worlds, shown
from headwater import load_project
from headwater.assets.errors import HeadwaterError

PROJECTIONS = (
    "version", "pointer", "publication", "token", "standing", "slice_held", "slice_seen", "part_shown", "source",
    "run", "step", "dynamic_key", "hold", "disposed", "renamed", "warehouse",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """One broken run: in which world, and where its project is."""

    world: str
    root: Path
    worlds: Worlds

    @property
    def before(self) -> Shown:
        """What readers saw before the run."""
        return self.worlds.before[self.world]

    @property
    def after(self) -> Shown:
        """What readers see after an undisturbed run."""
        return self.worlds.after[self.world]

    @property
    def scratch(self) -> Path:
        """Where the warehouse is copied to be looked at."""
        return self.root.with_name(f"{self.root.name}.look")

    def shown(self) -> Shown:
        """Return what readers see now."""
        return shown(self.root, self.scratch)


def violation(case: Case) -> str | None:
    """Return which promise the broken run did not keep, in a sentence, or None."""
    try:
        assert_broken_well(case)
        assert_goes_on(case)
    except (AssertionError, HeadwaterError, sqlite3.Error, duckdb.Error) as error:
        return f"{type(error).__name__}: {error}"
    return None


def assert_broken_well(case: Case) -> None:
    """Assert what must hold at once after the fault: whole versions, a ledger that verifies, no falsely fresh asset."""
    seen = case.shown()
    _only_whole_versions(case, seen)
    if not (case.root / ".headwater/state.db").exists():
        return
    facts = _entries(case.root)
    project = load_project(case.root, require=True)
    if facts:
        _verified(case)
    for line in project.status().assets:
        if line.status.word == "CURRENT":
            assert seen.get(line.asset, "nothing") == case.after[line.asset], f"{line.asset} is falsely CURRENT"
    assert _entries(case.root)[: len(facts)] == facts, "a recorded fact was lost or rewritten"
    project.workspace.cache.close()


def assert_goes_on(case: Case) -> None:
    """Assert that one more run, without any help, ends as an undisturbed run would have, and leaves nothing over."""
    facts, unfinished = _entries(case.root), _unfinished(case.root)
    project = load_project(case.root, require=True)
    result = project.run(workers=1)
    errors = [(step.asset, step.error) for step in result.steps if step.error]
    assert result.outcome in ("SUCCEEDED", "BLOCKED", "NOTHING_TO_DO"), errors
    assert case.shown() == case.after
    assert _entries(case.root)[: len(facts)] == facts, "a recorded fact was lost or rewritten"
    runs = {run.run: run.outcome for run in project.runs()}
    assert {run: runs[run] for run in unfinished} == dict.fromkeys(unfinished, "INTERRUPTED")
    assert None not in runs.values()
    _verified(case)
    _projections_are_rebuilt(case)
    _published_once(case)
    _nothing_to_do(case)
    _nothing_left_over(case.root)
    project.workspace.cache.close()


def _only_whole_versions(case: Case, seen: Shown) -> None:
    for name, content in seen.items():
        assert content in (case.before.get(name), case.after.get(name)), (
            f"{name} is neither the old nor the new version"
        )
    if seen.get(REPORT) != case.before.get(REPORT):
        assert seen["report.revenue"] == case.after["report.revenue"], "a file was seen too early"
    lost = set(case.before) - set(seen)
    assert not lost, f"{lost} can no longer be read"


def _verified(case: Case) -> None:
    report = load_project(case.root).audit_verify()
    assert report.verdict == "VERIFIED", report.findings


def _projections_are_rebuilt(case: Case) -> None:
    before = _tables(case.root)
    load_project(case.root).rebuild_ledger()
    assert _tables(case.root) == before, "the projections are not what the entries say"


def _published_once(case: Case) -> None:
    """Every marker has its outcome in the ledger, every outcome its marker, and no version was published twice."""
    with duckdb.connect(str(_copy_of_warehouse(case))) as connection:
        markers = {row[0] for row in connection.execute("select id from _headwater.publications").fetchall()}
        stored = {
            row[0]
            for row in connection.execute(
                "select table_name from information_schema.tables where table_schema = '_headwater'"
                " and table_name not in ('identity', 'publications', 'slices')"
            ).fetchall()
        }
    state = _state(case.root)
    try:
        rows = state.execute("select id, outcome, items from publication").fetchall()
        stores = "json_extract(record, '$.slices.store')"
        found = state.execute(f"select distinct physical, {stores} from version where verdict <> ''")
        known = {name for row in found for name in row if name is not None}
    finally:
        state.close()
    assert {row[1] for row in rows} <= {"PUBLISHED", "ABANDONED"}
    assert {row[0] for row in rows if row[1] == "PUBLISHED"} == markers
    published = [
        (item["asset"], item["number"]) for row in rows if row[1] == "PUBLISHED" for item in json.loads(row[2])
    ]
    assert len(published) == len(set(published)), "a version was published twice"
    assert stored == {name for name in known if not name.startswith("=")}, "orphaned or missing stages"


def _nothing_left_over(root: Path) -> None:
    drafts = [p for p in root.rglob("*") if p.name.endswith((".new", ".part", ".tmp"))]
    assert not drafts, f"left over: {drafts}"


def _nothing_to_do(case: Case) -> None:
    """A second run that looks at all data has nothing to do; what is blocked stays so without being built again."""
    before = _versions(case.root)
    result = load_project(case.root, require=True).run(workers=1, verify_data=True)
    assert {step.outcome for step in result.steps} <= {"BLOCKED", "HELD"}
    assert result.outcome == ("BLOCKED" if result.steps else "NOTHING_TO_DO")
    assert _versions(case.root) == before, "something was built again"
    assert case.shown() == case.after


def _copy_of_warehouse(case: Case) -> Path:
    case.shown()
    return case.scratch / "warehouse.duckdb"


def _state(root: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{root}/.headwater/state.db?mode=ro", uri=True)


def _entries(root: Path) -> list[bytes]:
    """Return every recorded fact as its bytes; none where the ledger was never committed."""
    if not (root / ".headwater/state.db").exists():
        return []
    state = _state(root)
    try:
        if (root / ".headwater/state.db-journal").exists():
            return []  # only the first transaction, which makes the ledger, writes a journal
        if not state.execute("select 1 from sqlite_master where name = 'entry'").fetchall():
            return []
        return [row[0] for row in state.execute("select body from entry order by seq")]
    finally:
        state.close()


def _unfinished(root: Path) -> tuple[str, ...]:
    if not _entries(root):
        return ()
    state = _state(root)
    try:
        return tuple(row[0] for row in state.execute("select id from run where finished is null"))
    finally:
        state.close()


def _tables(root: Path) -> Mapping[str, list[tuple[object, ...]]]:
    state = _state(root)
    try:
        return {name: sorted(state.execute(f"select * from {name}"), key=repr) for name in PROJECTIONS}
    finally:
        state.close()


def _versions(root: Path) -> int:
    state = _state(root)
    try:
        return int(state.execute("select count(*) from version").fetchone()[0])
    finally:
        state.close()
