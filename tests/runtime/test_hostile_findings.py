"""What hostile use of the wheel found, each as it was found."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from headwater.api import init_project, load_project
from headwater.assets.errors import StateInvalid


def project(root: Path, files: dict[str, str]) -> Path:
    (root / "headwater.toml").write_text('[project]\nname = "p"\n', encoding="utf-8")
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def messages(root: Path) -> list[str]:
    return [problem.message for problem in load_project(root).errors]


def file_asset(path: str) -> str:
    return f"/* @asset\nmaterialization: {{kind: file, format: csv, path: '{path}'}}\n*/\nselect 1 as a\n"


@pytest.mark.parametrize(
    "path", [".headwater/state.db", "warehouse.duckdb", "headwater.toml", "assets/m/f.sql", "data/s.csv"]
)
def test_a_file_asset_may_not_write_over_the_project(tmp_path: Path, path: str) -> None:
    source = "external:\n  raw.s: {file: data/s.csv}\n"
    root = project(tmp_path, {"assets/m/f.sql": file_asset(path), "assets/s.yaml": source, "data/s.csv": "a\n1\n"})
    assert any("would write" in message or "takes in" in message for message in messages(root))


def test_a_table_source_may_not_be_what_an_asset_writes(tmp_path: Path) -> None:
    files = {"assets/m/x.sql": "select 1 as a", "assets/s.yaml": "external: {raw.x: {table: m.x}}\n"}
    assert any("is what m.x writes" in message for message in messages(project(tmp_path, files)))


def test_the_case_of_a_field_is_part_of_the_data(tmp_path: Path) -> None:
    files = {
        "assets/s.yaml": "external: {raw.s: {file: data/s.csv}}\n",
        "data/s.csv": "a,b\n1,2\n",
        "assets/m/w.sql": "select t from raw.s t",
        "assets/m/j.sql": "select to_json(t) as j from m.w",
    }
    root = project(tmp_path, files)
    assert load_project(root).run().outcome == "SUCCEEDED"
    (root / "data/s.csv").write_text("A,B\n1,2\n", encoding="utf-8")
    outcomes = {step.asset: (step.outcome, step.changed) for step in load_project(root).run().steps}
    assert outcomes["m.j"] == ("PUBLISHED", True)


def test_rows_of_state_that_are_gone_are_noticed_before_anything_is_numbered(tmp_path: Path) -> None:
    init_project(tmp_path)
    load_project(tmp_path).run()
    with sqlite3.connect(tmp_path / ".headwater/state.db") as state:
        state.execute("delete from version")
    state.close()
    with pytest.raises(StateInvalid, match="ledger rebuild"):
        load_project(tmp_path).run()
    assert load_project(tmp_path).rebuild_ledger() > 0
    assert load_project(tmp_path).run().outcome == "NOTHING_TO_DO"
    assert load_project(tmp_path).audit_verify().verdict == "VERIFIED"


def test_a_record_that_cannot_be_read_says_how_to_mend_it(tmp_path: Path) -> None:
    init_project(tmp_path)
    load_project(tmp_path).run()
    with sqlite3.connect(tmp_path / ".headwater/state.db") as state:
        state.execute("update version set record = 'x'")
    state.close()
    with pytest.raises(StateInvalid, match="ledger rebuild"):
        load_project(tmp_path).status()


def test_a_file_that_cannot_be_put_in_place_again_fails_its_step_only(tmp_path: Path) -> None:
    root = project(tmp_path, {"assets/m/f.sql": file_asset("out/f.csv"), "assets/m/c.sql": "select 2 as b"})
    assert load_project(root).run().outcome == "SUCCEEDED"
    (root / "out/f.csv").unlink()
    (root / "out/f.csv").mkdir()
    (root / "assets/m/c.sql").write_text("select 3 as b", encoding="utf-8")
    outcomes = {step.asset: step.outcome for step in load_project(root).run().steps}
    assert outcomes == {"m.f": "FAILED", "m.c": "PUBLISHED"}
    (root / "out/f.csv").rmdir()
    assert load_project(root).run().outcome == "SUCCEEDED"


def test_a_delivery_without_a_column_stops_only_its_readers(tmp_path: Path) -> None:
    files = {
        "assets/s.yaml": "external: {raw.s: {file: data/s.csv}, raw.t: {file: data/t.csv}}\n",
        "data/s.csv": "a,b\n1,2\n",
        "data/t.csv": "c\n1\n",
        "assets/m/x.sql": "select a, b from raw.s",
        "assets/m/y.sql": "select c from raw.t",
    }
    root = project(tmp_path, files)
    load_project(root).run()
    (root / "data/s.csv").write_text("a,z\n1,2\n", encoding="utf-8")
    assert load_project(root).run().outcome == "FAILED"
    (root / "data/t.csv").write_text("c\n10\n", encoding="utf-8")
    outcomes = {step.asset: step.outcome for step in load_project(root).run().steps}
    assert outcomes["m.y"] == "PUBLISHED"
    assert outcomes["m.x"] == "FAILED"
    status = load_project(root).status()
    assert (status["m.x"].word, status["m.y"].word) == ("UNKNOWN", "CURRENT")


def test_nothing_is_built_on_what_could_not_be_shown(tmp_path: Path) -> None:
    import duckdb

    root = project(tmp_path, {"assets/m/x.sql": "select 1 as a", "assets/m/y.sql": "select a from m.x"})
    with duckdb.connect(str(root / "warehouse.duckdb")) as warehouse:
        warehouse.execute("create schema m; create table m.x as select 0 as a")
    steps = {step.asset: step for step in load_project(root).run().steps}
    assert (steps["m.x"].outcome, steps["m.y"].outcome) == ("FAILED", "SKIPPED")
    assert "did not make" in str(steps["m.x"].error)


def test_environments_do_not_share_a_file(tmp_path: Path) -> None:
    root = project(tmp_path, {"assets/m/f.sql": file_asset("out/f.csv")})
    with (root / "headwater.toml").open("a", encoding="utf-8") as file:
        file.write('[environments.dev]\nsuffix = "__dev"\n')
    load_project(root).run()
    before = (root / "out/f.csv").read_bytes()
    (root / "assets/m/f.sql").write_text(file_asset("out/f.csv").replace("1 as a", "2 as a"), encoding="utf-8")
    assert load_project(root).run(env="dev").outcome == "SUCCEEDED"
    assert (root / "out/f.csv").read_bytes() == before
    assert (root / "out__dev/f.csv").read_text(encoding="utf-8") == "a\n2\n"


def test_another_key_does_not_sign_on(tmp_path: Path) -> None:
    init_project(tmp_path)
    load_project(tmp_path).run()
    (tmp_path / ".headwater/keys").rename(tmp_path / "kept")
    with pytest.raises(Exception, match="signing key of the ledger is gone"):
        load_project(tmp_path).run()
    (tmp_path / "kept").rename(tmp_path / ".headwater/keys")
    assert load_project(tmp_path).audit_verify().verdict == "VERIFIED"


def test_a_warning_is_not_what_blocks(tmp_path: Path) -> None:
    checks = "checks:\n  - row_count: {min: 5, severity: warn}\n  - expression: a > 1\n"
    root = project(tmp_path, {"assets/m/x.sql": f"/* @asset\n{checks}*/\nselect 1 as a"})
    (step,) = load_project(root).run().steps
    assert step.outcome == "BLOCKED"
    assert "row_count" not in step.message
    (version,) = load_project(root).history("m.x")
    assert version.failed_checks == ("expression(a > 1)",)
