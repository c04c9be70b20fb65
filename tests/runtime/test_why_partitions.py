"""`why ASSET@PARTITION`: every clause for one partition; and for the asset, reasons by ranges."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from headwater.assets.errors import RequestError
from headwater.runtime.model import Explanation, StatusWord

from ..world import World

DAILY = "partitions: {day: {daily: {start: 2024-01-01}}}"
STG = "select day, region, amount from raw.orders where day = $partition"
FIVE = "2024-01-01..2024-01-05"


def orders(last: int = 5, **changed: int) -> str:
    """Return the rows of the first days; `changed` maps d3 to another amount for region eu on the third day."""
    days = range(1, last + 1)
    rows = [
        f"2024-01-{d:02},{r},{changed.get(f'd{d}', d * 10) if r == 'eu' else 1}" for d in days for r in ("eu", "us")
    ]
    return "day,region,amount " + " ".join(rows)


@pytest.fixture
def daily(tmp_path: Path) -> World:
    """Five days of orders, taken apart by day, added up by day and over three days."""
    world = World(tmp_path, datetime(2024, 1, 6, 12, tzinfo=UTC))
    world.csv("orders", orders())
    world.sql("stg.daily", STG, DAILY)
    identity = f"{DAILY}\nmappings: {{stg.daily: identity}}"
    world.sql("mart.sums", "select day, sum(amount) as total from stg.daily group by day", identity)
    trailing = f"{DAILY}\nmappings: {{stg.daily: {{window: {{trailing: 3}}}}}}\nmissing_partitions: skip"
    world.sql("mart.trail", "select $partition as day, sum(amount) as total from stg.daily", trailing)
    world.run()
    return world


def why(world: World, asset: str) -> Explanation:
    return world.load().why(asset)


def failing(explanation: Explanation) -> dict[str, list[str]]:
    return {it.name: [r.code for r in it.reasons] for it in explanation.clauses if it.holds is False}


def test_one_partition_is_proven_with_the_rows_that_it_saw(daily: World) -> None:
    found = why(daily, "stg.daily@2024-01-03")
    assert (found.partition, found.status.word, failing(found)) == ("2024-01-03", "CURRENT", {})
    (read,) = found.reads
    assert (read.upstream, read.rows, read.equal, read.partitions) == ("raw.orders", 2, True, ("2024-01-03",))
    assert "slice 3" in {it.name: it.proof for it in found.clauses}["published"]
    (read,) = why(daily, "mart.trail@2024-01-03").reads
    assert (read.slices, read.rows) == (("2024-01-01..2024-01-03",), 6)


def test_a_corrected_row_is_the_cause_for_the_partitions_that_see_it_only(daily: World) -> None:
    daily.csv("orders", orders(d3=99))
    run = daily.run("+stg.daily")
    found = why(daily, "mart.sums@2024-01-03")
    assert (found.status.word, failing(found)) == ("STALE", {"inputs": ["INPUT_CHANGED"]})
    assert [(it.asset, it.version, it.run, it.root) for it in found.because] == [
        ("stg.daily", 2, run.run, False),
        ("raw.orders", 2, run.run, True),
    ]
    other = why(daily, "mart.sums@2024-01-02")
    assert (other.status.word, other.because, other.reads[0].equal) == ("CURRENT", (), True)
    whole = why(daily, "mart.trail")
    assert [(it.partitions, it.equal) for it in whole.reads] == [
        (("2024-01-03..2024-01-05",), False),
        (("2024-01-01..2024-01-02",), True),
    ]


def test_reasons_of_an_asset_are_grouped_by_ranges(daily: World) -> None:
    daily.now = datetime(2024, 1, 7, 0, 1, tzinfo=UTC)
    daily.sql("stg.daily", STG.replace("amount from", "amount, 1 as one from"), DAILY)
    found = why(daily, "stg.daily")
    by_code = {reason.code: reason.partitions for reason in found.status.reasons}
    assert by_code == {"PARTITION_ADDED": ("2024-01-06",), "DEFINITION_CHANGED": (FIVE,)}
    (move,) = found.definition
    assert (move.partitions, [it.sentence for it in move.changes]) == ((FIVE,), ["column one added: 1 as one"])
    assert found.partitions is not None
    assert (found.partitions.total, found.partitions.current) == (6, 0)


def test_each_old_definition_is_compared_with_todays(daily: World) -> None:
    daily.sql("stg.daily", STG.replace("amount from", "amount + 1 as amount from"), DAILY)
    daily.load().run(partitions="2024-01-02", select="stg.daily")
    daily.sql("stg.daily", STG.replace("amount from", "amount + 2 as amount from"), DAILY)
    found = {move.partitions: [it.after for it in move.changes] for move in why(daily, "stg.daily").definition}
    assert found == {
        ("2024-01-01", "2024-01-03..2024-01-05"): ["amount + 2 as amount"],
        ("2024-01-02",): ["amount + 2 as amount"],
    }
    (move,) = why(daily, "stg.daily@2024-01-02").definition
    assert [it.before for it in move.changes] == ["amount + 1 as amount"]


def test_what_a_partition_waits_for_is_its_own(daily: World) -> None:
    daily.now = datetime(2024, 1, 7, 0, 1, tzinfo=UTC)
    found = why(daily, "mart.sums@2024-01-06")
    assert failing(found) == {"upstream": ["UPSTREAM_MISSING"], "published": ["PARTITION_ADDED"]}
    assert [(it.asset, it.message) for it in found.because] == [
        ("stg.daily", "2024-01-06 of stg.daily was never built.")
    ]
    assert why(daily, "mart.sums@2024-01-05").status.word == "CURRENT"


def test_what_a_partition_waits_for_is_named_without_the_others(daily: World) -> None:
    daily.sql("stg.daily", STG.replace("amount from", "amount * 2 as amount from"), DAILY)
    (reason,) = why(daily, "mart.sums@2024-01-03").status.reasons
    assert reason.message.startswith("2024-01-03 of stg.daily is STALE")
    (reason,) = why(daily, "mart.trail@2024-01-03").status.reasons
    assert reason.message.startswith("2024-01-01..2024-01-03 of stg.daily is STALE")


def edit_nothing(world: World) -> None:
    """Leave all as it is."""


def edit_row(world: World) -> None:
    world.csv("orders", orders(d2=7))
    world.run("+stg.daily")


def edit_query(world: World) -> None:
    world.sql("stg.daily", STG.replace("amount from", "amount * 2 as amount from"), DAILY)
    world.load().run(partitions="2024-01-04", select="stg.daily")


def pass_a_day(world: World) -> None:
    world.now = datetime(2024, 1, 7, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize("edit", [edit_nothing, edit_row, edit_query, pass_a_day])
def test_the_answer_about_each_partition_is_that_of_the_whole(daily: World, edit) -> None:  # type: ignore[no-untyped-def]
    edit(daily)
    project = daily.load()
    for asset in ("stg.daily", "mart.sums", "mart.trail"):
        decision = project.workspace.survey("prod").decisions[asset]  # type: ignore[index]
        assert decision.partitions is not None
        for partition in decision.partitions.space.all():
            found = project.why(f"{asset}@{partition.text}")
            words: list[StatusWord] = ["MISSING", "UNKNOWN", "STALE", "PENDING", "CURRENT"]
            word = next(word for word in words if partition in decision.partitions.of(word))
            assert found.status.word == word, (asset, partition.text)
            assert (failing(found) == {}) == (word == "CURRENT")
            assert all(read.equal for read in found.reads) or word != "CURRENT"


@pytest.mark.parametrize(
    ("asset", "message"),
    [
        ("stg.daily@2023-12-31", "before the first partition"),
        ("stg.daily@2024-01-06", "after the last partition"),
        ("stg.daily@eu", "not a key"),
        ("stg.daily@", "No partition is named"),
        ("stg.daily@2024-01-01..2024-01-02", "names 2 partitions"),
        ("stg.daily@v1", "is a version"),
        ("raw.orders@2024-01-01", "has no partitions"),
        ("raw.nothing@2024-01-01", "raw.nothing"),
    ],
)
def test_a_partition_that_there_is_not_is_refused_with_a_remedy(daily: World, asset: str, message: str) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        why(daily, asset)
    assert caught.value.remedy
