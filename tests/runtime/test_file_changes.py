"""Which file of a source was added, removed or changed, as reasons and the ledger name it."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from headwater.runtime.file_changes import FileChanges, file_changes
from headwater.runtime.sources import FileStat, FileState

from ..world import World

NAMES = st.sampled_from(["a.csv", "b.csv", "c.csv", "d/e.csv"])
STATES = st.dictionaries(NAMES, st.tuples(st.integers(0, 2), st.integers(0, 2)))
Files = dict[str, tuple[int, int]]


def state(files: Files) -> FileState:
    """Return the state of files given as name: (size, mtime)."""
    return FileState(tuple(FileStat(name, size, time, time, 1) for name, (size, time) in sorted(files.items())))


@given(before=STATES, now=STATES, differs=st.booleans())
def test_every_file_that_is_not_as_it_was_is_named_once(before: Files, now: Files, differs: bool) -> None:
    found = file_changes(state(before), state(now), differs=differs)
    named = [*found.added, *found.removed, *found.changed, *found.touched]
    assert sorted(named) == sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    assert all(name not in before for name in found.added)
    assert all(name not in now for name in found.removed)
    assert all(before[name][0] == now[name][0] for name in found.touched)
    assert bool(found.sentence) == bool(named)


def test_the_only_file_that_was_touched_is_the_one_that_changed() -> None:
    before, now = state({"a": (1, 1), "b": (1, 1)}), state({"a": (1, 2), "b": (1, 1)})
    assert file_changes(before, now, differs=True) == FileChanges(changed=("a",))
    assert file_changes(before, now) == FileChanges(touched=("a",))


def test_many_names_are_counted() -> None:
    now = state({f"{name}.csv": (1, 1) for name in "abcde"})
    assert file_changes(state({}), now).sentence == "added: a.csv, b.csv, c.csv and 2 more"


def folder(world: World, file: str) -> None:
    """Declare `raw.visits` over three files."""
    for name in ("a", "b", "c"):
        world.write(f"data/{name}.csv", f"visitor\n{name}\n")
    world.write("assets/raw.yaml", f"external:\n  raw.visits: {{file: {file}, format: csv}}\n")
    world.built()


def message(world: World) -> str:
    """Return what is said about `raw.visits`."""
    (reason,) = world.load().status()["raw.visits"].reasons
    return reason.message


def test_a_reason_names_the_files_of_a_folder_and_of_a_glob(world: World) -> None:
    for file in ("data", "data/*.csv"):
        folder(world, file)
        world.write("data/d.csv", "visitor\nd\n")
        (world.root / "data/a.csv").unlink()
        world.write("data/b.csv", "visitor\nbob\n")
        assert "(added: d.csv; removed: a.csv; changed: b.csv)" in message(world)
        world.built()
        (world.root / "data/d.csv").unlink()


def test_a_reason_names_the_one_file_whose_size_stayed(world: World) -> None:
    folder(world, "data")
    world.write("data/b.csv", "visitor\nB\n")
    os.utime(world.root / "data/b.csv", ns=(1, 1))
    assert "(changed: b.csv)" in message(world)


def test_a_file_that_was_only_touched_or_renamed_in_its_place_changes_nothing(world: World) -> None:
    folder(world, "data")
    os.utime(world.root / "data/b.csv", ns=(1, 1))
    (world.root / "data/c.csv").rename(world.root / "data/d.csv")
    assert world.status() == {"raw.visits": "CURRENT"}


def test_the_ledger_says_which_files_were_others_when_it_was_taken_in(world: World) -> None:
    folder(world, "data")
    world.write("data/d.csv", "visitor\nd\n")
    world.built()
    said = [entry.why for entry in world.load().audit_log(asset="raw.visits") if entry.type == "source.observed"]
    assert said == ["The source was taken in (added: d.csv).", "The source was taken in."]


def test_a_folder_whose_last_file_went_is_unknown(world: World) -> None:
    folder(world, "data")
    for name in ("a", "b", "c"):
        (world.root / f"data/{name}.csv").unlink()
    assert world.status() == {"raw.visits": "UNKNOWN"}
    assert "holds no file" in message(world)
