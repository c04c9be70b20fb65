"""What `run` publishes from the real records is what pandas computes from the same CSV files, apart from Headwater."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from headwater import demo
from headwater.api import load_project

if TYPE_CHECKING:
    import duckdb as duckdb_module
    import pandas as pd

duckdb = pytest.importorskip("duckdb")
MARTS_AND_REPORT = sorted(demo.MARTS | {demo.REPORT})


@pytest.fixture(scope="module")
def published(flights_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The flights project after one run."""
    project = tmp_path_factory.mktemp("published") / "flights"
    shutil.copytree(flights_project, project)
    result = load_project(project, require=True).run()
    assert result.outcome == "SUCCEEDED", result.counts
    return project


@pytest.fixture(scope="module")
def warehouse(published: Path) -> duckdb_module.DuckDBPyConnection:
    return duckdb.connect(str(published / "warehouse.duckdb"), read_only=True)


@pytest.mark.parametrize("asset", MARTS_AND_REPORT)
def test_a_published_table_equals_pandas(
    warehouse: duckdb_module.DuckDBPyConnection,
    figures: ModuleType,
    expected_figures: dict[str, pd.DataFrame],
    asset: str,
) -> None:
    figures.assert_same(warehouse.sql(f"from {asset}").df(), expected_figures[asset], figures.KEYS[asset])


def test_the_counts_of_the_records(warehouse: duckdb_module.DuckDBPyConnection) -> None:
    counted = warehouse.sql("select count(*), count(*) - count(dep_time), count(arr_delay) from raw.flights").fetchall()
    assert counted == [(336_776, 8_255, 327_346)]


def test_the_report_file_is_the_report_table(
    published: Path, warehouse: duckdb_module.DuckDBPyConnection, figures: ModuleType
) -> None:
    import pandas

    table = warehouse.sql(f"from {demo.REPORT}").df()
    file = pandas.read_csv(published / demo.REPORT_PATH)
    assert list(file.columns) == list(table.columns)
    assert len(file) == len(table) == 185
    assert file["on_time_percent"].round(2).tolist() == [float(value) for value in table["on_time_percent"]]


def test_the_day_after_nothing_is_stale_and_the_ledger_verifies(published: Path) -> None:
    project = load_project(published)
    assert set(project.status().counts) >= {"CURRENT"}
    assert {status.word for status in project.status().values()} == {"CURRENT"}
    assert project.run().outcome == "NOTHING_TO_DO"
    assert project.audit_verify().verdict == "VERIFIED"
