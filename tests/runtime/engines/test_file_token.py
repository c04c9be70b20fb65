"""The token of a DuckDB file: any commit changes it, looking does not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from headwater.assets.errors import WarehouseLocked
from headwater.runtime.engines import open_engine
from headwater.runtime.engines.file_token import file_token, held_here, hold, release


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed warehouse with one table."""
    warehouse = open_engine("duckdb")(tmp_path / "warehouse", new_identity="x")
    warehouse.session().build_table("t", "select x, x % 5 as y from range(1000) r(x)")
    warehouse.close()
    return tmp_path / "warehouse"


@pytest.mark.parametrize(
    ("read_only", "sql"),
    [
        (True, "from _headwater.t"),
        (False, "from _headwater.t"),
        (True, "create temp table z as from _headwater.t"),
        (False, "create temp table z as from _headwater.t"),
        (False, "begin; update _headwater.t set y = 7; rollback"),
        (False, "checkpoint"),
    ],
)
def test_looking_changes_nothing(path: Path, read_only: bool, sql: str) -> None:
    before = file_token(path)
    with duckdb.connect(str(path), read_only=read_only) as reader:
        reader.execute(sql).fetchall()
    assert file_token(path) == before


def test_opening_and_closing_as_a_warehouse_changes_nothing(path: Path) -> None:
    before = file_token(path)
    warehouse = open_engine("duckdb")(path, new_identity="y")
    warehouse.session().row("select count(*) from _headwater.t")
    assert warehouse.close() == before


@pytest.mark.parametrize(
    "sql",
    [
        "update _headwater.t set y = 1 where x = 3",
        "insert into _headwater.t values (1, 1)",
        "delete from _headwater.t where x = 3",
        "drop table _headwater.t",
        "create schema elsewhere",
        "create view v as select 1",
        "comment on table _headwater.t is 'hello'",
    ],
)
@pytest.mark.parametrize("end", ["closed", "killed"])
def test_every_commit_changes_it_even_when_it_stands_in_the_log_only(path: Path, sql: str, end: str) -> None:
    before = file_token(path)
    if end == "closed":
        with duckdb.connect(str(path)) as user:
            user.execute(sql)
    else:
        code = "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]); c.execute(sys.argv[2]); os._exit(0)"
        subprocess.run([sys.executable, "-c", code, path, sql], check=True)
        assert path.with_name("warehouse.wal").exists()
    assert file_token(path) != before


def test_one_commit_after_another_never_gives_an_old_token(path: Path) -> None:
    seen = {file_token(path)}
    for number in range(12):
        with duckdb.connect(str(path)) as user:
            user.execute(f"update _headwater.t set y = {number % 2} where x = 3")
        seen.add(file_token(path))
    assert len(seen) == 13


def test_a_restored_copy_of_another_day_has_another_token(path: Path) -> None:
    copy = path.read_bytes()
    stat = path.stat()
    with duckdb.connect(str(path)) as user:
        user.execute("update _headwater.t set y = 9")
    after = file_token(path)
    path.write_bytes(copy)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert file_token(path) != after


def test_no_file_no_token(tmp_path: Path) -> None:
    assert file_token(tmp_path / "absent") is None


@pytest.fixture
def held(path: Path) -> Iterator[Path]:
    """A path that this process holds."""
    hold(path)
    yield path
    release(path)


def test_a_file_that_this_process_holds_is_not_read(held: Path) -> None:
    """Closing any descriptor of it would drop the locks that the engine has on it."""
    with pytest.raises(WarehouseLocked):
        file_token(held)
    with pytest.raises(WarehouseLocked):
        hold(held)


def test_a_link_to_a_held_file_is_held(held: Path) -> None:
    link = held.with_name("link")
    link.symlink_to(held)
    assert held_here(link)


def test_the_engine_table_and_tokens_load_no_driver() -> None:
    code = (
        "import sys, headwater.runtime.engines, headwater.runtime.engines.engine,"
        " headwater.runtime.engines.file_token, headwater.runtime.sources, headwater.runtime.filelock;"
        " print(sorted({'duckdb', 'pandas', 'pyarrow', 'numpy'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout == b"[]\n"
