"""Contract: equal tables make equal bytes, and a file stands whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from headwater.assets.errors import ResourceError, StepError
from headwater.runtime.engines.engine import Session, Warehouse

FORMATS = ["csv", "parquet", "json", "ndjson"]
MANY = """select x, 'name ' || x as name, x / 7 as share, nullif(x * 1.25::decimal(9,2), 3.75) as d,
  timestamptz '2020-01-01 00:00:00+00' + to_seconds(x) as at from range(300000) r(x) order by hash(x)"""


def test_csv_and_json_are_what_people_expect(session: Session, tmp_path: Path) -> None:
    session.build_table("t", """select * from (values (2, 'a,"b"', null), (1, '', 0.5::double)) t(id, name, share)""")
    for format in ("csv", "json", "ndjson"):
        session.export("t", tmp_path / format, format)
    assert (tmp_path / "csv").read_text() == 'id,name,share\n2,"a,""b""",\n1,"",0.5\n'
    records = [{"id": 2, "name": 'a,"b"', "share": None}, {"id": 1, "name": "", "share": 0.5}]
    assert json.loads((tmp_path / "json").read_text()) == records
    assert [json.loads(line) for line in (tmp_path / "ndjson").read_text().splitlines()] == records


@pytest.mark.parametrize("format", FORMATS)
def test_equal_tables_make_equal_bytes_whatever_the_threads(warehouse: Warehouse, tmp_path: Path, format: str) -> None:
    session = warehouse.session()
    for name, threads in (("one", 1), ("two", 4)):
        warehouse.use_threads(threads)
        session.build_table(name, MANY)
        session.export(name, tmp_path / name, format)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("format", FORMATS[:3])
def test_rows_come_in_the_order_of_the_table(warehouse: Warehouse, tmp_path: Path, format: str) -> None:
    warehouse.use_threads(4)
    session = warehouse.session()
    session.build_table("t", MANY)
    session.export("t", tmp_path / f"t.{format}", format)
    read = f"(select x, row_number() over () as n from read_{format}('{tmp_path / f't.{format}'}'))"
    stored = f"(select x, row_number() over () as n from {session.relation('t')})"
    assert session.row(f"select count(*) from {read} a join {stored} b using (n) where a.x = b.x") == (300_000,)


def test_a_file_that_stands_is_replaced_whole_or_stays(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "out" / "report.csv"
    session.build_table("t", "select 1 as x")
    session.export("t", path, "csv")
    session.build_view("v", f"select error('late') as x from {session.relation('t')}")
    with pytest.raises(StepError, match="late"):
        session.export("v", path, "csv")
    assert path.read_text() == "x\n1\n"
    assert os.listdir(path.parent) == ["report.csv"]


def test_an_unknown_format_and_an_impossible_folder_are_named(session: Session, tmp_path: Path) -> None:
    session.build_table("t", "select 1 as x")
    with pytest.raises(StepError, match="xlsx"):
        session.export("t", tmp_path / "a.xlsx", "xlsx")
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match="cannot be written"):
        session.export("t", tmp_path / "file" / "a.csv", "csv")


def test_paths_are_quoted(session: Session, tmp_path: Path) -> None:
    session.build_table("t", "select 1 as x")
    session.export("t", tmp_path / "it's [a] file.csv", "csv")
    assert (tmp_path / "it's [a] file.csv").read_text() == "x\n1\n"
