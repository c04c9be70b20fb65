"""Source files seen for free, and the digest of their bytes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from headwater.assets.errors import IntegrityError, StepError
from headwater.runtime.sources import (
    FileState,
    content_digest,
    file_state,
    require_unchanged,
    settled,
    source_files,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files of one delivery, with what a writer leaves unfinished beside them."""
    for name in ("b.csv", "a.csv", "old/c.csv", ".hidden.csv", "_temporary/d.csv", "_SUCCESS"):
        file = tmp_path / "in" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return tmp_path / "in"


def test_a_file_a_folder_and_a_glob_list_their_files_sorted(folder: Path) -> None:
    assert source_files(folder / "b.csv") == (folder / "b.csv",)
    assert source_files(folder) == (folder / "a.csv", folder / "b.csv", folder / "old" / "c.csv")
    assert source_files(folder / "[ab].csv") == (folder / "a.csv", folder / "b.csv")
    assert source_files(folder / "**" / "c.csv") == (folder / "old" / "c.csv",)


def test_names_are_relative_so_that_a_moved_project_is_not_a_changed_one(folder: Path) -> None:
    assert [file.name for file in file_state(folder).files] == ["a.csv", "b.csv", "old/c.csv"]
    assert [file.name for file in file_state(folder / "*.csv").files] == ["a.csv", "b.csv"]
    assert [file.name for file in file_state(folder / "a.csv").files] == ["a.csv"]


def test_a_name_with_wildcards_that_is_there_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "a[1].csv").write_text("x")
    (tmp_path / "a1.csv").write_text("x")
    assert source_files(tmp_path / "a[1].csv") == (tmp_path / "a[1].csv",)
    assert [file.name for file in file_state(tmp_path / "a[1].csv").files] == ["a[1].csv"]


@pytest.mark.parametrize("name", ["absent.csv", "*.absent", "a.csv/b.csv", "empty"])
def test_a_missing_source_is_named_with_a_remedy(folder: Path, name: str) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(StepError) as raised:
        file_state(folder / name)
    assert name in raised.value.message
    assert raised.value.remedy


def _rewrite(file: Path) -> None:
    before = file.stat()
    file.write_bytes(b"x" * before.st_size)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replace(file: Path) -> None:
    before = file.stat()
    other = file.with_name("new")
    other.write_bytes(file.read_bytes())
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(file)


def _append(file: Path) -> None:
    with file.open("a") as out:
        out.write("more")


@pytest.mark.parametrize("change", [_rewrite, _replace, _append, Path.touch, Path.unlink])
def test_any_change_shows_even_where_size_and_mtime_are_kept(folder: Path, change: Callable[[Path], None]) -> None:
    before = file_state(folder)
    assert file_state(folder) == before
    change(folder / "b.csv")
    assert file_state(folder) != before
    with pytest.raises(StepError, match=r"changed while it was read \(b\.csv\)"):
        require_unchanged(folder, before)


def test_a_source_that_stayed_as_it_was_passes(folder: Path) -> None:
    require_unchanged(folder, file_state(folder))


def test_a_state_is_settled_two_seconds_after_the_last_change(folder: Path) -> None:
    state = file_state(folder)
    assert not settled(state, state.newest_ns + 1_999_999_999)
    assert settled(state, state.newest_ns + 2_000_000_000)


def test_a_file_from_the_future_is_not_settled(folder: Path) -> None:
    os.utime(folder / "a.csv", ns=(0, 2**62))
    state = file_state(folder)
    assert not settled(state, 2**61)


def test_a_state_survives_json(folder: Path) -> None:
    state = file_state(folder)
    assert FileState.from_json(json.loads(json.dumps(state.to_json()))) == state


@pytest.mark.parametrize("values", [[["a"]], [["a", "x", "1", "1", "1"]], [["a", 1, "1", "1", "1", "1"]], [7]])
def test_a_damaged_state_is_an_integrity_error(values: list[list[str | int]]) -> None:
    with pytest.raises(IntegrityError):
        FileState.from_json(values)


def test_the_digest_is_of_bytes_and_of_where_files_end(tmp_path: Path) -> None:
    a, b, c = (tmp_path / name for name in "abc")
    a.write_bytes(b"xy")
    b.write_bytes(b"z")
    c.write_bytes(b"x")
    inner = (2).to_bytes(8, "big") + hashlib.sha256(b"xy").digest()
    assert content_digest([a]) == hashlib.sha256(inner).hexdigest()
    assert content_digest([a, b]) != content_digest([b, a])
    before = content_digest([a, b])
    a.write_bytes(b"x")
    b.write_bytes(b"yz")
    assert content_digest([a, b]) != before


def test_the_digest_of_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="cannot be read"):
        content_digest([tmp_path / "absent"])
