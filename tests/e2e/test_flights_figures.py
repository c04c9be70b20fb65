"""The queries of the flights example say what pandas says, and its edits change exactly what the story claims."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from headwater import demo, demo_edits

if TYPE_CHECKING:
    import duckdb
    import pandas as pd


MARTS_AND_REPORT = sorted(demo.MARTS | {demo.REPORT})


@pytest.fixture(scope="module")
def built(figures: ModuleType, flights_project: Path) -> duckdb.DuckDBPyConnection:
    return figures.build_with_plain_duckdb(flights_project)


def test_the_records_are_those_of_2013(flights_project: Path) -> None:
    with (flights_project / "data/flights.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    place = {name: index for index, name in enumerate(header)}
    assert len(rows) == 336_776
    assert sum(row[place["dep_time"]] == "NA" for row in rows) == 8_255
    assert sum(row[place["arr_delay"]] != "NA" for row in rows) == 327_346
    key = ("year", "month", "day", "carrier", "flight", "origin")
    assert len({tuple(row[place[name]] for name in key) for row in rows}) == len(rows)


@pytest.mark.parametrize("asset", MARTS_AND_REPORT)
def test_figures_equal_those_of_pandas(
    asset: str,
    built: duckdb.DuckDBPyConnection,
    expected_figures: dict[str, pd.DataFrame],
    figures: ModuleType,
) -> None:
    figures.assert_same(built.sql(f"from {asset}").df(), expected_figures[asset], figures.KEYS[asset])


def test_the_report_is_in_a_total_order(
    built: duckdb.DuckDBPyConnection, expected_figures: dict[str, pd.DataFrame]
) -> None:
    report = built.sql(f"from {demo.REPORT}").df()
    expected = expected_figures[demo.REPORT]
    assert list(zip(report["month"], report["carrier"], strict=True)) == list(
        zip(expected["month"], expected["carrier"], strict=True)
    )
    assert report["scheduled_flights"].sum() == 336_776
    assert report["cancelled_flights"].sum() == 8_255


def _edited(project: Path, folder: Path, *edits: Callable[[Path], None]) -> Path:
    copy = shutil.copytree(project, folder / "edited")
    for edit in edits:
        edit(copy)
    return copy


def _changed(before: duckdb.DuckDBPyConnection, after: duckdb.DuckDBPyConnection, assets: frozenset[str]) -> set[str]:
    def digest(connection: duckdb.DuckDBPyConnection, asset: str) -> object:
        return connection.sql(f"select count(*), sum(cast(hash(a) as hugeint)) from {asset} as a").fetchall()

    return {asset for asset in assets if digest(before, asset) != digest(after, asset)}


def _scene(name: str) -> demo.Expected:
    expected = next(scene.expected for scene in demo.SCENES if scene.name == name)
    assert expected is not None
    return expected


@pytest.mark.parametrize("name", ["comment", "unread-column", "corrected-row"])
def test_an_edit_changes_what_its_scene_claims(
    name: str,
    built: duckdb.DuckDBPyConnection,
    figures: ModuleType,
    flights_project: Path,
    tmp_path: Path,
) -> None:
    edit = next(scene.edit for scene in demo.SCENES if scene.name == name)
    assert edit is not None
    after = figures.build_with_plain_duckdb(_edited(flights_project, tmp_path, edit))
    assert _changed(built, after, demo.BUILT) == set(_scene(name).published)


def test_the_corrected_row_is_seen_in_the_report(figures: ModuleType, flights_project: Path, tmp_path: Path) -> None:
    after = figures.build_with_plain_duckdb(_edited(flights_project, tmp_path, demo_edits.correct_one_row))
    february = f"select cast(on_time_percent as varchar) from {demo.REPORT} where carrier = 'HA' and month = 2"
    assert after.sql(february).fetchall() == [("92.86",)]


def test_the_repeated_day_breaks_the_key_993_times(flights_project: Path, tmp_path: Path) -> None:
    copy = _edited(flights_project, tmp_path, demo_edits.repeat_a_day)
    before = (flights_project / "data/flights.csv").read_bytes().splitlines()
    after = (copy / "data/flights.csv").read_bytes().splitlines()
    assert len(after) - len(before) == 993
    assert len(set(after)) == len(before)
    demo_edits.withdraw_the_delivery(copy)
    assert (copy / "data/flights.csv").read_bytes().splitlines() == before
