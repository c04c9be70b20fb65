"""Contract: opening, creating, closing and refusing a warehouse."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from headwater.assets.errors import RequestError, ResourceError, WarehouseInvalid, WarehouseLocked
from headwater.runtime.engines import open_engine
from headwater.runtime.engines.engine import Pointer, Publication
from headwater.runtime.engines.file_token import file_token

from .conftest import Open


def test_a_warehouse_keeps_the_identity_it_was_made_with(opened: Open) -> None:
    first = opened(new_identity="born")
    assert first.identity == "born"
    first.close()
    assert opened(new_identity="other").identity == "born"


def test_a_new_warehouse_is_empty(opened: Open) -> None:
    warehouse = opened()
    assert warehouse.last_publication() == 0
    assert warehouse.physical_names() == frozenset()
    assert dict(warehouse.pointers()) == {}


def test_settings_tell_the_full_engine_version_and_the_time_zone(opened: Open, engine: str) -> None:
    settings = opened(timezone="Europe/London").settings
    assert settings["engine"].startswith(engine)
    assert "Europe/London" in settings.values()
    with pytest.raises(TypeError):
        settings["engine"] = "another"  # type: ignore[index]


def test_the_time_zone_of_the_project_decides_results(opened: Open) -> None:
    session = opened(timezone="Asia/Tokyo").session()
    assert session.row("select (timestamptz '2020-01-01 00:00:00+00')::date::varchar") == ("2020-01-01",)
    assert session.row("select hour(timestamptz '2020-01-01 00:00:00+00')") == (9,)


def test_what_was_built_and_published_is_there_after_reopening(opened: Open) -> None:
    first = opened()
    first.session().build_table("kept", "select 42 as answer")
    first.publish(Publication("p1", 1, "prod", (Pointer("mart", "x", "kept", ("answer",)),)))
    first.close()
    again = opened()
    assert again.physical_names() == {"kept"}
    assert again.last_publication() == 1
    assert dict(again.pointers()) == {("mart", "x"): "kept"}
    assert again.session().rows("select * from mart.x", 10) == [(42,)]


def test_close_gives_the_token_of_the_file_and_can_be_called_again(opened: Open, path: Path) -> None:
    warehouse = opened()
    warehouse.session().build_table("a", "select 1 as x")
    token = warehouse.close()
    assert token == file_token(path)
    assert warehouse.close() == token


def test_close_does_not_wait_for_what_a_user_still_holds(opened: Open, path: Path) -> None:
    warehouse = opened()
    session = warehouse.session()
    session.build_table("a", "select 1 as x")
    held = session.read(f"select * from {session.relation('a')}", "relation")
    token = warehouse.close()
    del held
    assert token == file_token(path)


def test_missing_folders_are_made(engine: str, tmp_path: Path) -> None:
    warehouse = open_engine(engine)(tmp_path / "a" / "b" / "warehouse", new_identity="x")
    warehouse.close()
    assert os.listdir(tmp_path / "a" / "b") == ["warehouse"]


def test_a_second_opening_in_this_process_is_refused_by_name(opened: Open) -> None:
    opened()
    with pytest.raises(WarehouseLocked, match=f"this process .PID {os.getpid()}"):
        opened()


def test_another_process_is_named(engine: str, opened: Open, path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from headwater.runtime.engines import open_engine
warehouse = open_engine({engine!r})(Path({str(path)!r}), new_identity="theirs")
print("open", flush=True)
sys.stdin.read()
warehouse.close()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(WarehouseLocked, match=f"PID {other.pid}") as raised:
            opened()
        assert raised.value.remedy
        other.communicate()
    assert opened().identity == "theirs"


def test_a_process_that_died_locks_nothing_and_loses_nothing(engine: str, opened: Open, path: Path) -> None:
    code = f"""
import os
from pathlib import Path
from headwater.runtime.engines import open_engine
from headwater.runtime.engines.engine import Pointer, Publication
warehouse = open_engine({engine!r})(Path({str(path)!r}), new_identity="theirs")
warehouse.session().build_table("a", "select 1 as x")
warehouse.publish(Publication("p1", 1, "prod", (Pointer("mart", "x", "a", ("x",)),)))
os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    warehouse = opened()
    assert warehouse.is_published("p1")
    assert warehouse.session().rows("select * from mart.x", 10) == [(1,)]


@pytest.mark.parametrize("content", [b"", b"hello", b"not a database " * 5000])
def test_a_file_that_is_no_warehouse_is_invalid(opened: Open, path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(WarehouseInvalid, match="not a") as raised:
        opened()
    assert raised.value.remedy
    assert path.read_bytes() == content


def test_a_database_of_another_kind_is_invalid(opened: Open, path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("create table t (a)")
    database.close()
    with pytest.raises(WarehouseInvalid):
        opened()


def test_a_damaged_warehouse_is_invalid(opened: Open, path: Path) -> None:
    opened().close()
    content = bytearray(path.read_bytes())
    content[16:4000] = b"x" * (4000 - 16)
    path.write_bytes(content)
    with pytest.raises(WarehouseInvalid, match=r"damaged|version"):
        opened()


def test_a_refused_warehouse_can_be_opened_once_it_is_repaired(opened: Open, path: Path) -> None:
    path.write_bytes(b"hello")
    with pytest.raises(WarehouseInvalid):
        opened()
    path.unlink()
    assert opened().identity == "identity-1"


def test_a_log_without_its_warehouse_is_not_mixed_into_a_new_one(opened: Open, path: Path) -> None:
    path.with_name(path.name + ".wal").write_bytes(b"what was committed last")
    with pytest.raises(WarehouseInvalid, match="gone but its log"):
        opened()


def test_a_place_where_no_file_can_be_is_a_resource_error(engine: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "warehouse", tmp_path):
        with pytest.raises(ResourceError) as raised:
            open_engine(engine)(place, new_identity="x")
        assert raised.value.remedy


def test_an_unknown_engine_names_those_there_are() -> None:
    with pytest.raises(RequestError, match="duckdb"):
        open_engine("duckbd")


def test_dropping_takes_views_and_tables_and_forgives_absent_names(opened: Open) -> None:
    warehouse = opened()
    session = warehouse.session()
    for name in ("keep", "a_table", 'odd "name"'):
        session.build_table(name, "select 1 as x")
    session.build_view("z_view", f"select x from {session.relation('a_table')}")
    warehouse.drop(["a_table", "z_view", "absent", 'odd "name"'])
    assert warehouse.physical_names() == {"keep"}


def test_only_the_given_folders_can_be_read_and_written(opened: Open, tmp_path: Path) -> None:
    from headwater.assets.asset import Source
    from headwater.assets.errors import StepError

    for name in ("inside", "outside"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.csv").write_text("x\n1\n")
    session = opened(folders=[tmp_path / "inside"]).session()
    session.ingest("a", Source(), tmp_path / "inside" / "a.csv", [])
    session.export("a", tmp_path / "inside" / "out.csv", "csv")
    with pytest.raises(StepError, match="disabled by configuration"):
        session.ingest("b", Source(), tmp_path / "outside" / "a.csv", [])
    with pytest.raises(StepError, match="disabled by configuration"):
        session.export("a", tmp_path / "outside" / "out.csv", "csv")
    assert sorted(os.listdir(tmp_path / "outside")) == ["a.csv"]
