"""Promotion, rollback, dropping and retiring, broken at every effect: readers see one of two states, each whole.

What was recorded stays, the ledger verifies, a rebuilt state is the same, and the next run, or the same request again,
ends where an undisturbed one would have.
"""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from faultkit.effects import Fault
from faultkit.nursery import Nursery
from faultkit.promises import PROJECTIONS, _entries, _tables

from headwater import load_project
from headwater.api import Project
from headwater.assets.errors import RequestError

TOML = '[project]\nname = "moves"\n[engine]\nlock_timeout = 0\n[environments.dev]\nsuffix = "__dev"\n'
Call = tuple[str, dict[str, object]]
Seen = dict[str, object]
PROMOTE: Call = ("promote", {"select": "s.*", "source": "dev", "why": "a test"})
ROLL_BACK: Call = ("rollback", {"asset": "s.a", "to": "v1", "why": "a test", "workers": 1})
DROP: Call = ("drop_environment", {"name": "dev", "confirmed": True})
RETIRE: Call = ("run", {"retire": True, "workers": 1})
PARTS: Call = ("rollback", {"asset": "s.p", "to": "v1", "why": "a test", "workers": 1})
CALLS = {"promote": PROMOTE, "rollback": ROLL_BACK, "parts": PARTS, "drop": DROP, "retire": RETIRE}
PLACES = re.compile(r"COMMIT$|duckdb commit$|publications$|os replace$|os unlink$|os fsync$|duckdb (create or|drop)")
UNRECORDED = re.compile(r"filelock|cache\.|keys\.|loading|runlog")


def write(root: Path, factor: int) -> None:
    files = {
        "headwater.toml": TOML,
        "data/a.csv": "id,x\n1,10\n2,20\n",
        "assets/raw.yaml": "external:\n  raw.a: {file: data/a.csv}\n",
        "assets/s/a.sql": f"select id, x * {factor} as x from raw.a\n",
        "assets/s/v.sql": "/* @asset\nmaterialization: view\n*/\nselect sum(x) as total from s.a\n",
        "assets/s/sheet.sql": "/* @asset\nmaterialization: {kind: file, path: out/sheet.csv}\n*/\n"
        "select x from s.a order by x\n",
        "assets/s/p.sql": "/* @asset\npartitions: {n: {static: [one, two]}}\n*/\n"
        f"select $partition as n, {factor} as x\n",
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def origins(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A project just before each request: dev has v2 of all, prod has v1 (or, for a rollback, v2)."""
    folder = tmp_path_factory.mktemp("moves")
    base = folder / "base"
    write(base, 1)
    for env in ("prod", "dev"):
        assert load_project(base).run(env=env).outcome == "SUCCEEDED"
    write(base, 2)
    assert load_project(base).run(env="dev").outcome == "SUCCEEDED"
    found = {}
    for name in CALLS:
        found[name] = folder / name
        shutil.copytree(base, found[name])
    for name in ("rollback", "parts"):
        load_project(found[name]).run()
    load_project(found["retire"]).run()
    (found["retire"] / "assets/s/sheet.sql").unlink()
    (found["retire"] / "assets/s/v.sql").unlink()
    return found


def seen(root: Path, scratch: Path) -> Seen:
    """Return all that readers find: rows by view, bytes by file."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    for part in root.glob("warehouse.duckdb*"):
        shutil.copy2(part, scratch / part.name)
    found: Seen = {str(p.relative_to(root)): p.read_bytes() for p in root.glob("out*/*.csv")}
    with duckdb.connect(str(scratch / "warehouse.duckdb")) as connection:
        views = connection.execute(
            "select schema_name, view_name from duckdb_views() where not internal and schema_name <> '_headwater'"
        ).fetchall()
        for schema, view in views:
            found[f"{schema}.{view}"] = connection.execute(f'from "{schema}"."{view}" order by all').fetchall()
    return found


@dataclass(frozen=True, slots=True)
class Whole:
    """What readers see before a request and after an undisturbed one."""

    before: Seen
    after: Seen


def again(project: Project, call: Call) -> None:
    """Ask the same again, as whoever was interrupted would; that it has been done already is an answer."""
    name, arguments = call
    try:
        getattr(project, name)(**arguments)
    except RequestError as error:
        if "already" not in error.message:
            raise


def must_be_whole(root: Path, whole: Whole, name: str, scratch: Path) -> None:
    """Assert that views are all old or all new (files follow the transaction), and that it goes on from there."""
    facts = _entries(root)
    now = seen(root, scratch)
    tables = {key for key in {**whole.before, **whole.after} if "/" not in key}
    states = [{key: it.get(key) for key in tables} for it in (whole.before, whole.after)]
    allowed = states if name != "rollback" else [*states, {**states[0], "s.a": states[1]["s.a"]}]
    assert {key: now.get(key) for key in tables} in allowed, "readers see a mixture"
    for key in {**whole.before, **whole.after}.keys() - tables:
        assert now.get(key) in (whole.before.get(key), whole.after.get(key)), key
    again(load_project(root), CALLS[name])
    assert seen(root, scratch) == whole.after
    assert _entries(root)[: len(facts)] == facts, "a recorded fact was lost or rewritten"
    assert load_project(root).audit_verify().verdict == "VERIFIED"
    before = _tables(root)
    load_project(root).rebuild_ledger()
    assert _tables(root) == before, "the projections are not what the entries say"
    assert not [p for p in root.rglob("*") if p.name.endswith((".new", ".part", ".tmp"))]
    for env in {"drop": (), "retire": ("prod",)}.get(name, ("prod", "dev")):
        assert load_project(root).run(env=env, workers=1, verify_data=True).outcome in ("NOTHING_TO_DO", "SUCCEEDED")
    if name != "rollback":  # after a rollback, what is made from it follows with the next run
        assert seen(root, scratch) == whole.after
    else:
        assert seen(root, scratch)["s.a"] == whole.after["s.a"], "a run undid the rollback"


def points(nursery: Nursery, origin: Path, name: str, folder: Path) -> tuple[list[Fault], Whole]:
    """Return every effect of an undisturbed request, and what readers see before and after it."""
    root = folder / "recorded"
    shutil.copytree(origin, root)
    before = seen(root, folder / "look")
    ended = nursery.run(root, call=CALLS[name])
    assert ended.error is None, ended.message
    after = seen(root, folder / "look")
    assert after != before
    found = [Fault(label, int(n), "kill") for label, n in (point.rsplit("#", 1) for point in ended.points)]
    return found, Whole(before, after)


def chosen(found: list[Fault]) -> Iterator[Fault]:
    for fault in found:
        if PLACES.search(fault.label) and not UNRECORDED.search(fault.label):
            yield fault
            yield Fault(fault.label, fault.occurrence, "kill_after")


@pytest.mark.parametrize("name", CALLS)
def test_killed_at_every_effect_that_decides(
    nursery: Nursery, origins: dict[str, Path], tmp_path: Path, name: str
) -> None:
    found, whole = points(nursery, origins[name], name, tmp_path)
    labels = {fault.label for fault in found}
    for kind in (r"publish\.publish .*duckdb commit", r"publish\.finish .*sqlite COMMIT"):
        assert any(re.search(kind, label) for label in labels), kind
    faults = list(chosen(found))
    faults = [f for n, f in enumerate(faults) if n % 3 == 0 or re.search("commit$", f.label, re.IGNORECASE)]
    for number, fault in enumerate(faults):
        root = tmp_path / str(number)
        shutil.copytree(origins[name], root)
        ended = nursery.run(root, fault, call=CALLS[name])
        assert ended.signal == signal.SIGKILL, fault
        try:
            must_be_whole(root, whole, name, tmp_path / "look")
        except AssertionError as error:
            raise AssertionError(f"{name}: {fault.mode} at {fault.label}#{fault.occurrence}: {error}") from error
        shutil.rmtree(root)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["fail", "fail_after", "kill", "full"])
@pytest.mark.parametrize("name", CALLS)
def test_every_effect_in_every_way(
    nursery: Nursery, origins: dict[str, Path], tmp_path: Path, name: str, mode: str
) -> None:
    found, whole = points(nursery, origins[name], name, tmp_path)
    wrong = []
    for number, fault in enumerate(found):
        root = tmp_path / str(number)
        shutil.copytree(origins[name], root)
        nursery.run(root, Fault(fault.label, fault.occurrence, mode), call=CALLS[name])
        try:
            must_be_whole(root, whole, name, tmp_path / "look")
        except AssertionError as error:
            wrong.append(f"{name}: {mode} at {fault.label}#{fault.occurrence}: {error}")
        shutil.rmtree(root)
    assert not wrong, "\n".join(wrong)


def test_the_projections_that_are_compared_are_all_of_them() -> None:
    from headwater.runtime.projections import StateProjector

    assert set(PROJECTIONS) == set(StateProjector().tables) - {"tally"}
