"""A rollback of a source with a file for each partition stays until a file is another one than was left."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ..world import World
from .test_part_files import declare, deliver, ran

ROWS = {(1, 10): 1, (2, 10): 1}


@pytest.fixture
def days(world: World) -> World:
    """Return a project that took in the files of two days."""
    world.now = datetime(2024, 2, 1, tzinfo=UTC)
    declare(world)
    deliver(world, 1, "1,10")
    deliver(world, 2, "2,10")
    assert ran(world) == {"raw.flights": ("OBSERVED", "2024-01-01..2024-01-02")}
    return world


def edit(world: World, day: int, rows: str | None) -> None:
    """Deliver the file of a day, or remove it, and take it in on another day."""
    world.tomorrow()
    if rows is None:
        (world.root / f"data/flights_2024-01-0{day}.csv").unlink()
    else:
        deliver(world, day, rows)


@pytest.mark.parametrize(("day", "rows"), [(2, "2,11"), (3, "3,11"), (2, None)], ids=["changed", "came", "removed"])
def test_what_a_rollback_left_is_taken_in_by_no_run_until_the_file_is_another(
    days: World, day: int, rows: str | None
) -> None:
    edit(days, day, rows)
    ran(days)
    assert days.rows("raw.flights") != ROWS
    days.load().rollback("raw.flights", 1, why="wrong")
    status = days.load().status()["raw.flights"]
    assert (status.word, "ROLLED_BACK" in {reason.code for reason in status.reasons}) == ("STALE", True)
    assert not days.load().plan().steps
    days.load().run()
    days.load().run(select="raw.flights", force=True)
    assert days.rows("raw.flights") == ROWS
    edit(days, day, f"{day},12")
    ran(days)
    assert days.rows("raw.flights") == {**{row: n for row, n in ROWS.items() if row[0] != day}, (day, 12): 1}


def test_a_file_that_came_after_the_rollback_goes_with_its_rows(days: World) -> None:
    edit(days, 2, "2,11")
    ran(days)
    days.load().rollback("raw.flights", 1, why="wrong")
    edit(days, 3, "3,10")
    ran(days)
    assert days.rows("raw.flights") == {**ROWS, (3, 10): 1}
    edit(days, 3, None)
    ran(days)
    assert days.rows("raw.flights") == ROWS
