"""Bad input of every kind: a clear sentence with the remedy, the right exit code, no traceback, and nothing lost."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from headwater import load_project
from headwater.assets.errors import (
    HeadwaterError,
    ProjectError,
    RequestError,
    ResourceError,
    StateDamaged,
    StateInvalid,
    WarehouseInvalid,
)
from headwater.cli.main import run as headwater

_PYTHON = """\
import headwater as hw


@hw.asset("mart.ids", inputs={"orders": "stg.orders"})
def ids(orders: hw.Input):
    BODY
"""
_TOML = '[project]\nname = "bad"\n[engine]\nlock_timeout = 0\n'
_FILES = {
    "headwater.toml": _TOML,
    "assets/sources.yaml": """\
external:
  raw.orders:
    file: data/orders.csv
  raw.declared:
    file: data/declared.csv
    columns: {id: integer, amount: integer}
""",
    "assets/stg/orders.sql": "select id, amount from raw.orders\n",
    "assets/mart/total.sql": "/* @asset\nchecks: [{row_count: {min: 1}}]\n*/\n"
    "select sum(amount) as total from stg.orders\n",
    "assets/mart/largest.sql": "select max(amount) as largest from raw.declared\n",
    "assets/mart/ids.py": _PYTHON.replace("BODY", 'return orders.select("id").relation()'),
    "assets/out/report.sql": "/* @asset\nmaterialization: {kind: file, format: csv, path: out/report.csv}\n*/\n"
    "select total from mart.total\n",
    "data/orders.csv": "id,amount\n1,10\n2,20\n",
    "data/declared.csv": "id,amount\n1,7\n2,9\n",
}
_NEW_ORDERS = "id,amount\n1,10\n2,20\n3,31\n"
Change = Callable[[Path], object]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project after two good runs, with a copy of its warehouse from between them. Tests work on copies."""
    root = tmp_path_factory.mktemp("sound")
    for name, text in _FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    assert load_project(root, require=True).run(workers=1).outcome == "SUCCEEDED"
    shutil.copy2(root / "warehouse.duckdb", root / "older.backup")
    (root / "data/orders.csv").write_text("id,amount\n1,10\n2,20\n3,30\n", encoding="utf-8")
    assert load_project(root).run(workers=1).outcome == "SUCCEEDED"
    return root


@pytest.fixture
def root(sound: Path, tmp_path: Path) -> Path:
    return shutil.copytree(sound, tmp_path / "project")


def write(name: str, text: str) -> Change:
    return lambda root: (root / name).write_text(text, encoding="utf-8")


def remove(name: str) -> Change:
    return lambda root: shutil.rmtree(root / name) if (root / name).is_dir() else (root / name).unlink()


def file_instead_of(folder: str) -> Change:
    """Put a file where a folder should be: what cannot be written to, whoever tries."""
    return both(remove(folder), write(folder, "a file"))


def folder_instead_of(name: str) -> Change:
    return both(remove(name), lambda root: (root / name).mkdir())


def both(*changes: Change) -> Change:
    def change(root: Path) -> None:
        for one in changes:
            one(root)

    return change


def toml(section: str) -> Change:
    return write("headwater.toml", f'[project]\nname = "bad"\n{section}\n')


def ask(root: Path, *arguments: str) -> tuple[int, str, str]:
    """Run one command; return exit code, standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = headwater(["--project", str(root), *arguments])
    return code, out.getvalue(), err.getvalue()


def readable(root: Path) -> dict[str, object]:
    """Return what readers find, read without Headwater; from a copy, so that looking changes nothing."""
    found: dict[str, object] = {"report": (root / "out/report.csv").read_bytes()}
    look = root.parent / "look.duckdb"
    shutil.copy2(root / "warehouse.duckdb", look)
    with duckdb.connect(str(look)) as connection:
        for name in ("mart.total", "mart.largest", "mart.ids", "raw.orders", "raw.declared"):
            found[name] = connection.execute(f"select * from {name} order by all").fetchall()
    look.unlink()
    return found


def is_clear(said: str, sentence: str) -> None:
    """Assert that the sentence was said, and nothing that only we could read."""
    assert re.search(sentence, said), said
    for noise in ("Traceback", 'File "', "should not:", "[Errno"):
        assert noise not in said, said


# What is wrong with the project: exit code 2, before any effect.


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (write("assets/sources.yaml", "external:\n  raw.orders: {file: [\n"), r"assets/sources\.yaml:\d+: .*YAML"),
        (
            write("assets/mart/total.sql", "select sum(amount as total from stg.orders\n"),
            r"total\.sql:1: .*cannot be pars",
        ),
        (write("headwater.toml", "[project\n"), r"headwater\.toml:1: .*not .*TOML"),
        (write("assets/mart/ids.py", "def broken(:\n"), r"ids\.py:1: .*not Python"),
        (
            write("assets/mart/ids.py", "import not_there_at_all\n"),
            r"ids\.py:1: .*cannot be imported.*not_there_at_all",
        ),
        (lambda root: (root / "assets/mart/total.sql").write_bytes(b"select \xff\xfe"), r"total\.sql.*UTF-8"),
        (write("assets/mart/total.sql", "select total from stg.ordesr\n"), r"stg\.ordesr.*Did you mean stg\.orders\?"),
    ],
    ids=["yaml", "sql", "toml", "python", "import", "encoding", "upstream"],
)
def test_a_wrong_project_is_refused_before_any_effect(root: Path, spoil: Change, sentence: str) -> None:
    before, entries = readable(root), len(load_project(root).audit_log())
    spoil(root)
    for verb in ("run", "plan", "stale"):
        code, out, err = ask(root, verb)
        assert (code, out) == (2, "")
        is_clear(err, sentence)
    with pytest.raises(ProjectError):
        load_project(root, require=True)
    assert readable(root) == before
    for name, text in _FILES.items():
        if name.startswith(("assets", "headwater")):
            (root / name).write_text(text, encoding="utf-8")
    assert len(load_project(root).audit_log()) == entries
    assert load_project(root).run(workers=1).outcome == "NOTHING_TO_DO"


def test_an_unknown_environment(root: Path) -> None:
    for verb in ("run", "stale", "plan"):
        code, _, err = ask(root, "--env", "nope", verb)
        assert code == 2
        is_clear(err, r"no environment 'nope'\. Known: prod\. Declare it")
    with pytest.raises(RequestError):
        load_project(root).run(env="nope")


def test_no_project_at_all(tmp_path: Path) -> None:
    code, _, err = ask(tmp_path, "run")
    assert code == 2
    is_clear(err, r"no headwater\.toml .*`headwater init`")


# What is wrong with the data, or with an asset's own code: that step fails, exit code 1, the rest goes on.


@dataclass(frozen=True)
class Failing:
    """A change after which one step fails: which one, what it says, and what sets it right."""

    spoil: Change
    asset: str
    sentence: str
    mend: Change


DECLARED, ORDERS, IDS = "data/declared.csv", "data/orders.csv", "assets/mart/ids.py"
FAILING = {
    "source missing": Failing(
        remove(ORDERS), "raw.orders", r"source .*orders\.csv is not there\. Deliver", write(ORDERS, _NEW_ORDERS)
    ),
    "source is a folder": Failing(
        folder_instead_of(DECLARED),
        "raw.declared",
        r"holds no file\. Deliver",
        both(remove(DECLARED), write(DECLARED, _FILES[DECLARED])),
    ),
    "declared column gone": Failing(
        write(DECLARED, "id,price\n1,10\n"),
        "raw.declared",
        r"lacks the declared column amount.*Repair",
        write(DECLARED, "id,amount\n1,8\n"),
    ),
    "declared type": Failing(
        write(DECLARED, "id,amount\n1,ten\n"),
        "raw.declared",
        r"declared\.csv, line 2: .*\"amount\".*Repair",
        write(DECLARED, "id,amount\n1,8\n"),
    ),
    "malformed row": Failing(
        write(DECLARED, "id,amount\n1,10\n2,3,4\n"),
        "raw.declared",
        r"declared\.csv, line 3: expected 2 values, found 3\. Repair",
        write(DECLARED, "id,amount\n1,8\n"),
    ),
    "empty file": Failing(
        write(DECLARED, ""), "raw.declared", r"lacks the declared columns", write(DECLARED, "id,amount\n1,8\n")
    ),
    "inferred type": Failing(
        write(ORDERS, "id,amount\n1,ten\n"), "mart.total", r"sum\(VARCHAR\)", write(ORDERS, _NEW_ORDERS)
    ),
    "asset raises": Failing(
        write(IDS, _PYTHON.replace("BODY", 'raise ValueError("no luck")')),
        "mart.ids",
        r"ValueError: no luck \(assets/mart/ids\.py:6\)",
        write(IDS, _FILES[IDS]),
    ),
    "asset returns a number": Failing(
        write(IDS, _PYTHON.replace("BODY", "return 42")),
        "mart.ids",
        r"returned int, which is not a table\. Return an Arrow",
        write(IDS, _FILES[IDS]),
    ),
    "asset returns nothing": Failing(
        write(IDS, _PYTHON.replace("BODY", "return None")),
        "mart.ids",
        r"mart\.ids returned nothing\. Return",
        write(IDS, _FILES[IDS]),
    ),
    "asset exits": Failing(
        write(IDS, "import sys\n" + _PYTHON.replace("BODY", "sys.exit(3)")),
        "mart.ids",
        r"SystemExit: 3",
        write(IDS, _FILES[IDS]),
    ),
    "asset interrupts": Failing(
        write(IDS, _PYTHON.replace("BODY", "raise KeyboardInterrupt")),
        "mart.ids",
        r"KeyboardInterrupt",
        write(IDS, _FILES[IDS]),
    ),
    "published folder is a file": Failing(
        both(write(ORDERS, _NEW_ORDERS), file_instead_of("out")),
        "out.report",
        r"out/report\.csv cannot be written.*Make its folder writable",
        remove("out"),
    ),
    "published file is a folder": Failing(
        both(write(ORDERS, _NEW_ORDERS), folder_instead_of("out/report.csv")),
        "out.report",
        r"out/report\.csv cannot be written.*folder",
        remove("out/report.csv"),
    ),
    "store is a file": Failing(
        both(write(ORDERS, _NEW_ORDERS), file_instead_of(".headwater/files")),
        "out.report",
        r"\.headwater/files: File exists\. Check the path",
        remove(".headwater/files"),
    ),
}


@pytest.mark.parametrize("case", FAILING.values(), ids=FAILING.keys())
def test_a_failing_step_stops_only_what_stands_on_it(root: Path, case: Failing) -> None:
    before = readable(root)
    case.spoil(root)
    result = load_project(root).run(workers=1)
    assert result.outcome == "FAILED"
    failed = {str(step.asset): step.error for step in result.steps if step.outcome == "FAILED"}
    assert set(failed) == {case.asset}
    is_clear(str(failed[case.asset]), case.sentence)
    assert "SUCCEEDED" not in {step.outcome for step in result.steps}
    code, out, err = ask(root, "run")
    assert code == 1
    is_clear(out + err, case.sentence)
    if (root / "out/report.csv").is_file():
        after = readable(root)
        assert {k: v for k, v in after.items() if k == case.asset} == {
            k: v for k, v in before.items() if k == case.asset
        }
    case.mend(root)
    assert load_project(root, require=True).run(workers=1).outcome in ("SUCCEEDED", "NOTHING_TO_DO")
    assert load_project(root).audit_verify().verdict == "VERIFIED"
    assert {line.status.word for line in load_project(root).status().assets} == {"CURRENT"}


def test_an_inferred_column_that_is_gone(root: Path) -> None:
    """The delivery is taken in as it is; its reader cannot be built, and a mended delivery sets everything right."""
    before = readable(root)
    write(ORDERS, "id,price\n1,10\n")(root)
    for _ in range(2):
        code, out, err = ask(root, "run")
        assert code in (1, 2)
        is_clear(out + err, r"no column .?amount|\"amount\" not found")
    after = readable(root)
    assert {k: v for k, v in after.items() if k != "raw.orders"} == {
        k: v for k, v in before.items() if k != "raw.orders"
    }
    write(ORDERS, _NEW_ORDERS)(root)
    assert load_project(root, require=True).run(workers=1).outcome == "SUCCEEDED"
    assert readable(root)["mart.total"] == [(61,)]


def test_a_table_of_the_users_own_stands_where_an_asset_wants_to_be(root: Path) -> None:
    write("assets/mart/mine.sql", "select 1 as a\n")(root)
    write(ORDERS, _NEW_ORDERS)(root)
    with duckdb.connect(str(root / "warehouse.duckdb")) as connection:
        connection.execute("create table mart.mine as select 42 as precious")
    code, out, err = ask(root, "run")
    assert code == 1
    is_clear(
        out + err, r"mart\.mine is a table that Headwater did not make\. Rename or drop that table, or give the asset"
    )
    assert readable(root)["mart.total"] == [(61,)], "the others are published all the same"
    with duckdb.connect(str(root / "warehouse.duckdb")) as connection:
        assert connection.execute("select * from mart.mine").fetchall() == [(42,)]
        connection.execute("drop table mart.mine")
    assert load_project(root).run(workers=1).outcome == "SUCCEEDED"
    assert load_project(root).audit_verify().verdict == "VERIFIED"


# What is wrong with the warehouse: exit code 3, nothing is published, status says UNKNOWN.


def another_projects_warehouse(root: Path) -> None:
    other = root.parent / "other"
    for name, text in _FILES.items():
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        (other / name).write_text(text, encoding="utf-8")
    load_project(other).run(workers=1)
    shutil.copy2(other / "warehouse.duckdb", root / "warehouse.duckdb")


def a_plain_duckdb_file(root: Path) -> None:
    (root / "warehouse.duckdb").unlink()
    duckdb.connect(str(root / "warehouse.duckdb")).close()


def cut_off(root: Path) -> None:
    path = root / "warehouse.duckdb"
    os.truncate(path, path.stat().st_size // 2)


WAREHOUSES = {
    "text": (write("warehouse.duckdb", "no database at all " * 500), r"is not a DuckDB file\. (Point|Restore)"),
    "empty": (write("warehouse.duckdb", ""), r"is not a DuckDB file\. "),
    "sqlite": (
        lambda root: shutil.copy(root / ".headwater/state.db", root / "warehouse.duckdb"),
        r"is not a DuckDB file",
    ),
    "cut off": (cut_off, r"damaged.*Restore it from a backup; or delete it"),
    "another project's": (
        another_projects_warehouse,
        r"not the warehouse that the ledger knows.*Put the right file back",
    ),
    "plain": (a_plain_duckdb_file, r"not the warehouse that the ledger knows.*Put the right file back; or delete"),
    "older": (
        lambda root: shutil.copy(root / "older.backup", root / "warehouse.duckdb"),
        r"older than the ledger.*restored",
    ),
}


@pytest.mark.parametrize(("spoil", "sentence"), WAREHOUSES.values(), ids=WAREHOUSES.keys())
def test_a_wrong_warehouse_is_never_published_to(root: Path, spoil: Change, sentence: str) -> None:
    right = (root / "warehouse.duckdb").read_bytes()
    spoil(root)
    wrong = (root / "warehouse.duckdb").read_bytes()
    write(ORDERS, _NEW_ORDERS)(root)
    words = {line.status.word for line in load_project(root).status().assets}
    assert words == {"UNKNOWN"}
    with pytest.raises(WarehouseInvalid) as raised:
        load_project(root).run(workers=1)
    is_clear(str(raised.value), sentence)
    code, out, err = ask(root, "run")
    assert (code, out) == (3, "")
    is_clear(err, sentence)
    code, out, err = ask(root, "stale")
    assert code == 0
    is_clear(out, sentence.split(r"\.")[0].split(".*")[0])
    if wrong[8:12] != b"DUCK":
        assert (root / "warehouse.duckdb").read_bytes() == wrong, "what is not ours is not touched"
    assert load_project(root).audit_verify().verdict == "VERIFIED"
    (root / "warehouse.duckdb.wal").unlink(missing_ok=True)
    (root / "warehouse.duckdb").write_bytes(right)
    assert load_project(root).run(workers=1).outcome == "SUCCEEDED"
    assert readable(root)["mart.total"] == [(61,)]


@pytest.mark.parametrize("spoil", [remove("warehouse.duckdb"), both(cut_off, remove("warehouse.duckdb"))])
def test_a_deleted_warehouse_is_made_anew(root: Path, spoil: Change) -> None:
    before = readable(root)
    spoil(root)
    assert {line.status.word for line in load_project(root).status().assets} <= {"STALE", "PENDING"}
    assert load_project(root).run(workers=1).outcome == "SUCCEEDED"
    assert readable(root) == before
    assert load_project(root).run(workers=1).outcome == "NOTHING_TO_DO"
    assert load_project(root).audit_verify().verdict == "VERIFIED"


def test_a_part_of_a_deleted_warehouse_is_not_taken_for_all_of_it(root: Path) -> None:
    """One asset is built into the new file; the others are gone, however clean the file was left."""
    (root / "warehouse.duckdb").unlink()
    assert load_project(root).run(workers=1, select="+mart.largest").outcome == "SUCCEEDED"
    words = {str(line.asset): line.status.word for line in load_project(root).status().assets}
    current = {asset for asset, word in words.items() if word == "CURRENT"}
    assert current == {"raw.declared", "mart.largest"}
    assert load_project(root).run(workers=1).outcome == "SUCCEEDED"
    assert readable(root)["mart.total"] == [(60,)]


def test_what_one_environment_did_not_look_at_is_not_trusted_in_another(root: Path) -> None:
    """The data of prod was altered; a first run in dev looks at nothing of it, and may not vouch for the file."""
    toml("[environments.dev]\nsuffix = '__dev'")(root)
    with duckdb.connect(str(root / "warehouse.duckdb")) as connection:
        rows = connection.execute("select sql from duckdb_views() where view_name = 'largest'").fetchall()
        table = re.search(r'_headwater\.("[^"]+"|\w+)', rows[0][0])
        assert table is not None
        connection.execute(f"update {table[0]} set largest = 1000")
    write("assets/mart/one.sql", "select 1 as a\n")(root)
    assert load_project(root).run(workers=1, env="dev", select="mart.one").outcome == "SUCCEEDED"
    words = {str(line.asset): line.status.word for line in load_project(root).status().assets}
    assert words["mart.largest"] == "STALE"
    assert load_project(root).run(workers=1).outcome == "SUCCEEDED"
    assert readable(root)["mart.largest"] == [(9,)]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (folder_instead_of("warehouse.duckdb"), r"warehouse\.duckdb cannot be read: Is a directory\. Check the path"),
        (toml('[engine]\npath = "headwater.toml/w.duckdb"'), r"w\.duckdb cannot be made: .*Check the path"),
        (toml('[engine]\npath = "/dev/full"'), r"/dev/full is not a DuckDB file"),
        (
            toml('[state]\nurl = "sqlite:///headwater.toml/s.db"'),
            r"headwater\.toml cannot be made: .*Check that it is writable",
        ),
        (
            toml('[state]\nurl = "sqlite:///data"'),
            r"data cannot be opened or written.*Check that the folder is writable",
        ),
        (toml('[state]\nurl = "sqlite:////dev/full"'), r"/dev/full is full\. Free some space"),
        (file_instead_of(".headwater"), r"lock file .* cannot be made: .*Check the folder's permissions"),
        (file_instead_of(".headwater/keys"), r"signing key .* is unavailable.*Check the folder"),
    ],
    ids=["folder", "below a file", "full device", "state below a file", "state folder", "state device", "home", "keys"],
)
def test_a_place_that_cannot_be_written(root: Path, spoil: Change, sentence: str) -> None:
    sound = shutil.copytree(root, root.parent / "kept")
    write(ORDERS, _NEW_ORDERS)(root)
    spoil(root)
    with pytest.raises(ResourceError) as raised:
        load_project(root).run(workers=1)
    assert re.search(sentence, str(raised.value)), raised.value
    code, out, err = ask(root, "run")
    assert (code, out) == (3, "")
    assert re.search(sentence, err), err
    assert "Traceback" not in err
    for name in ("headwater.toml", "warehouse.duckdb", ".headwater"):
        where = root / name
        shutil.rmtree(where) if where.is_dir() else where.unlink(missing_ok=True)
        shutil.copytree(sound / name, where) if (sound / name).is_dir() else shutil.copy2(sound / name, where)
    assert load_project(root).run(workers=1).outcome == "SUCCEEDED"
    assert load_project(root).audit_verify().verdict == "VERIFIED"


def test_a_warehouse_that_cannot_be_read_is_unknown_to_who_only_asks(root: Path) -> None:
    folder_instead_of("warehouse.duckdb")(root)
    code, out, err = ask(root, "stale")
    assert code == 0, err
    assert {line.status.word for line in load_project(root).status().assets} == {"UNKNOWN"}
    is_clear(out, r"warehouse\.duckdb cannot be read: Is a directory\.")


@pytest.mark.parametrize("folder", [".headwater/logs", ".headwater/cache"])
def test_what_is_only_convenient_stops_nothing(root: Path, folder: str) -> None:
    write(ORDERS, _NEW_ORDERS)(root)
    file_instead_of(folder)(root)
    assert load_project(root).run(workers=1).outcome == "SUCCEEDED"
    assert readable(root)["mart.total"] == [(61,)]


# What is wrong with the state: exit code 3, nothing is changed.


def newer(root: Path) -> None:
    state = sqlite3.connect(root / ".headwater/state.db")
    state.execute("pragma user_version = 99")
    state.close()


def damaged(start: int) -> Change:
    """Overwrite the state from page `start` on."""

    def change(root: Path) -> None:
        path = root / ".headwater/state.db"
        state = sqlite3.connect(path)
        state.execute("pragma wal_checkpoint(truncate)")
        state.close()
        data = bytearray(path.read_bytes())
        for page in range(start, len(data) // 4096):
            data[page * 4096 : page * 4096 + 200] = b"\xa5" * 200
        path.write_bytes(data)

    return change


@pytest.mark.parametrize(
    ("spoil", "error", "sentence"),
    [
        (newer, StateInvalid, r"written by a newer Headwater.*Upgrade Headwater; nothing was changed"),
        (damaged(0), StateDamaged, r"state\.db is damaged or not a ledger.*Put a good copy in its place"),
        (damaged(3), StateDamaged, r"state\.db is damaged.*Put a good copy in its place"),
        (write(".headwater/state.db", "no database " * 900), StateDamaged, r"damaged or not a ledger.*Put a good copy"),
    ],
    ids=["newer", "header", "pages", "text"],
)
def test_a_wrong_state_file_is_left_alone(
    root: Path, spoil: Change, error: type[HeadwaterError], sentence: str
) -> None:
    sound = shutil.copytree(root, root.parent / "kept")
    spoil(root)
    wrong = (root / ".headwater/state.db").read_bytes()
    write(ORDERS, _NEW_ORDERS)(root)
    with pytest.raises(error) as raised:
        load_project(root).run(workers=1)
    is_clear(str(raised.value), sentence)
    for verb in ("run", "stale", "plan", "why mart.total"):
        code, out, err = ask(root, *verb.split())
        assert (code, out) == (3, ""), verb
        is_clear(err, sentence)
    assert ask(root, "audit", "verify")[0] in (1, 3)
    assert (root / ".headwater/state.db").read_bytes() == wrong
    shutil.rmtree(root / ".headwater")
    shutil.copytree(sound / ".headwater", root / ".headwater")
    assert load_project(root).run(workers=1).outcome == "SUCCEEDED"
    assert load_project(root).audit_verify().verdict == "VERIFIED"


@pytest.mark.parametrize("lost", [".headwater/state.db", ".headwater"])
def test_a_lost_state_does_not_take_over_a_warehouse(root: Path, lost: str) -> None:
    """Readers keep what they have; a ledger that knows nothing of it publishes nothing over it."""
    before, kept = readable(root), shutil.copytree(root, root.parent / "kept")
    for path in root.glob(f"{lost}*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    code, out, err = ask(root, "run")
    assert (code, out) == (3, "")
    is_clear(err, r"newer than the ledger.*was the state restored or deleted\?.*Put the right file back; or delete")
    assert readable(root) == before
    shutil.rmtree(root / ".headwater")
    shutil.copytree(kept / ".headwater", root / ".headwater")
    assert load_project(root).run(workers=1).outcome == "NOTHING_TO_DO"
    shutil.rmtree(root / ".headwater")
    (root / "warehouse.duckdb").unlink()
    assert load_project(root).run(workers=1).outcome == "SUCCEEDED"
    assert readable(root) == before


def test_an_older_state_is_told_from_a_newer_warehouse(root: Path) -> None:
    kept = shutil.copytree(root / ".headwater", root.parent / "state")
    write(ORDERS, _NEW_ORDERS)(root)
    assert load_project(root).run(workers=1).outcome == "SUCCEEDED"
    before = readable(root)
    shutil.rmtree(root / ".headwater")
    shutil.copytree(kept, root / ".headwater")
    assert {line.status.word for line in load_project(root).status().assets} == {"UNKNOWN"}
    code, _, err = ask(root, "run")
    assert code == 3
    is_clear(err, r"newer than the ledger")
    assert readable(root) == before
