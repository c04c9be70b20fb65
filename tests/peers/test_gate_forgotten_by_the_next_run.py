"""Dagster forgets a failed gate in the next run; dbt, SQLMesh and Bruin test after readers have seen the data."""

from __future__ import annotations

from ..world import World

UNIQUE = "checks:\n  - unique: [id]"
GOOD, BAD = "id,x 1,10 2,20", "id,x 1,10 1,30"


def gated(world: World, child_block: str = "") -> None:
    world.csv("a", GOOD)
    world.sql("s.a", "select id, x from raw.a", UNIQUE)
    world.sql("s.b", "select sum(x) as total from s.a", child_block)
    world.sql("s.c", "select total + 1 as more from s.b")
    world.run()
    assert set(world.status().values()) == {"CURRENT"}


def test_a_separate_run_of_the_child_is_held(world: World) -> None:
    gated(world)
    world.csv("a", BAD)
    assert world.built() == {"raw.a": "OBSERVED", "s.a": "BLOCKED", "s.b": "HELD", "s.c": "HELD"}
    assert world.run("s.b").outcome == "BLOCKED"
    assert world.built("s.b") == {"s.b": "HELD"}
    assert world.built("s.c") == {"s.c": "HELD"}
    assert world.codes("s.b") == ["HELD"]
    assert world.rows("s.a") == {(1, 10): 1, (2, 20): 1}
    assert world.rows("s.b") == {(30,): 1}


def test_a_child_may_go_on_with_the_last_good_version(world: World) -> None:
    gated(world, "on_upstream_blocked: use_last_good")
    world.csv("a", BAD)
    assert world.built() == {"raw.a": "OBSERVED", "s.a": "BLOCKED", "s.b": "VERIFIED_EQUAL", "s.c": "VERIFIED_EQUAL"}
    world.sql("s.b", "select sum(x) as total, count(*) as n from s.a", "on_upstream_blocked: use_last_good")
    assert world.built()["s.b"] == "PUBLISHED"
    assert world.rows("s.b") == {(30, 2): 1}


def test_a_rejected_version_is_not_built_again(world: World) -> None:
    gated(world)
    world.csv("a", BAD)
    world.run()
    versions = len(world.load().history("s.a"))
    assert world.built() == {"s.a": "BLOCKED", "s.b": "HELD", "s.c": "HELD"}
    assert len(world.load().history("s.a")) == versions
    assert "BLOCKED" in world.codes("s.a")


def test_a_rejected_edit_that_reads_another_column_is_not_built_again(world: World) -> None:
    """Its trace has a fingerprint that no reader had needed before."""
    world.csv("a", "id,x,y 1,10,5 2,20,5")
    world.sql("s.a", "select id from raw.a", UNIQUE)
    world.run()
    world.sql("s.a", "select y as id from raw.a", UNIQUE)
    assert world.built() == {"s.a": "BLOCKED"}
    assert "BLOCKED" in world.codes("s.a")
    assert world.built() == {"s.a": "BLOCKED"}
    assert len(world.load().history("s.a")) == 2


def test_a_corrected_source_ends_the_block(world: World) -> None:
    gated(world)
    world.csv("a", BAD)
    world.run()
    world.csv("a", "id,x 1,10 3,30")
    assert set(world.built().values()) == {"OBSERVED", "PUBLISHED"}
    assert world.rows("s.b") == {(40,): 1}
    assert set(world.status().values()) == {"CURRENT"}


def test_a_reverted_source_ends_the_block_without_building(world: World) -> None:
    gated(world)
    world.csv("a", BAD)
    world.run()
    world.csv("a", GOOD)
    assert set(world.built().values()) == {"OBSERVED", "VERIFIED_EQUAL"}
    assert set(world.status().values()) == {"CURRENT"}


def test_an_edited_check_is_evaluated_and_nothing_is_built(world: World) -> None:
    gated(world)
    before = world.physical()
    world.sql("s.a", "select id, x from raw.a", UNIQUE + "\n  - not_null: x")
    assert world.codes("s.a") == ["CHECKS_CHANGED"]
    assert world.built() == {"s.a": "RECHECKED", "s.b": "VERIFIED_EQUAL", "s.c": "VERIFIED_EQUAL"}
    assert world.physical() == before
    assert set(world.status().values()) == {"CURRENT"}


def test_a_failing_recheck_holds_the_readers_until_the_check_or_the_data_is_mended(world: World) -> None:
    gated(world)
    tight = UNIQUE + "\n  - between: {column: x, min: 0, max: 15}"
    world.sql("s.a", "select id, x from raw.a", tight)
    assert world.built() == {"s.a": "BLOCKED", "s.b": "HELD", "s.c": "HELD"}
    assert world.built() == {"s.a": "BLOCKED", "s.b": "HELD", "s.c": "HELD"}
    assert world.rows("s.a") == {(1, 10): 1, (2, 20): 1}
    world.csv("a", "id,x 1,10 2,12")
    assert set(world.built().values()) == {"OBSERVED", "PUBLISHED"}
    assert world.rows("s.b") == {(22,): 1}
    assert set(world.status().values()) == {"CURRENT"}


def test_a_failing_recheck_ends_with_an_edited_query(world: World) -> None:
    gated(world)
    tight = UNIQUE + "\n  - between: {column: x, min: 0, max: 15}"
    world.sql("s.a", "select id, x from raw.a", tight)
    world.run()
    world.sql("s.a", "select id, least(x, 15) as x from raw.a", tight)
    assert world.built() == {"s.a": "PUBLISHED", "s.b": "PUBLISHED", "s.c": "PUBLISHED"}
    assert world.rows("s.b") == {(25,): 1}


def test_a_failing_recheck_ends_with_the_old_check(world: World) -> None:
    gated(world)
    world.sql("s.a", "select id, x from raw.a", UNIQUE + "\n  - between: {column: x, min: 0, max: 15}")
    world.run()
    world.sql("s.a", "select id, x from raw.a", UNIQUE)
    assert world.built() == {"s.a": "RECHECKED", "s.b": "VERIFIED_EQUAL", "s.c": "VERIFIED_EQUAL"}


def test_a_loosened_check_accepts_the_rejected_version_without_building_it(world: World) -> None:
    gated(world)
    world.csv("a", BAD)
    world.run()
    versions = len(world.load().history("s.a"))
    world.sql("s.a", "select id, x from raw.a", "checks:\n  - not_null: id")
    assert world.built() == {"s.a": "REUSED", "s.b": "PUBLISHED", "s.c": "PUBLISHED"}
    assert len(world.load().history("s.a")) == versions
    assert world.rows("s.a") == {(1, 10): 1, (1, 30): 1}
    assert set(world.status().values()) == {"CURRENT"}


def test_a_source_blocked_by_its_own_check_holds_its_readers(world: World) -> None:
    world.csv("a", GOOD, "    checks:\n      - unique: [id]\n")
    world.sql("s.a", "select sum(x) as total from raw.a")
    world.run()
    world.csv("a", BAD, "    checks:\n      - unique: [id]\n")
    assert world.built() == {"raw.a": "BLOCKED", "s.a": "HELD"}
    assert world.built() == {"raw.a": "BLOCKED", "s.a": "HELD"}
    assert len(world.load().history("raw.a")) == 2
    assert world.rows("s.a") == {(30,): 1}
    world.csv("a", GOOD, "    checks:\n      - unique: [id]\n")
    world.run()
    assert set(world.status().values()) == {"CURRENT"}


def test_a_first_delivery_that_is_blocked_is_never_seen(world: World) -> None:
    world.csv("a", BAD, "    checks:\n      - unique: [id]\n")
    world.sql("s.a", "select sum(x) as total from raw.a")
    assert world.built() == {"raw.a": "BLOCKED", "s.a": "HELD"}
    assert world.built() == {"raw.a": "BLOCKED", "s.a": "HELD"}
    assert len(world.load().history("raw.a")) == 1
    world.csv("a", BAD)
    assert world.run().outcome == "SUCCEEDED"
    assert world.rows("s.a") == {(40,): 1}


def test_a_relationship_is_judged_again_when_the_other_side_changes(world: World) -> None:
    world.csv("a", GOOD)
    world.csv("keys", "id 1 2")
    world.sql("s.keys", "select id from raw.keys")
    world.sql("s.a", "select id, x from raw.a", "columns:\n  id: {checks: [{relationship: {to: s.keys, column: id}}]}")
    world.sql("s.b", "select sum(x) as total from s.a")
    world.run()
    world.csv("keys", "id 1")
    result = world.built()
    assert result["s.a"] == "BLOCKED"
    assert result["s.b"] == "HELD"
    world.csv("keys", "id 1 2 3")
    result = world.built()
    assert result["s.a"] == "RECHECKED"
    assert set(world.status().values()) == {"CURRENT"}


def test_a_version_rejected_by_a_relationship_passes_once_the_other_side_is_mended(world: World) -> None:
    world.csv("a", GOOD)
    world.csv("keys", "id 1 2")
    world.sql("s.keys", "select id from raw.keys")
    world.sql("s.a", "select id, x from raw.a", "columns:\n  id: {checks: [{relationship: {to: s.keys, column: id}}]}")
    world.sql("s.b", "select sum(x) as total from s.a")
    world.run()
    world.csv("a", "id,x 1,10 3,30")
    assert world.built()["s.a"] == "BLOCKED"
    assert world.built() == {"s.a": "BLOCKED", "s.b": "HELD"}
    world.csv("keys", "id 1 2 3")
    versions = len(world.load().history("s.a"))
    result = world.built()
    assert result["s.a"] == "REUSED"
    assert len(world.load().history("s.a")) == versions
    assert world.rows("s.b") == {(40,): 1}
    assert set(world.status().values()) == {"CURRENT"}


def test_a_check_is_judged_on_what_its_sources_hold_now(world: World) -> None:
    """Though only the asset is selected, and only its check reads the other source."""
    world.csv("a", GOOD)
    world.csv("keys", "id 1 2")
    world.sql(
        "s.a", "select id, x from raw.a", "columns:\n  id: {checks: [{relationship: {to: raw.keys, column: id}}]}"
    )
    world.run()
    world.csv("keys", "id 1")
    assert world.built("s.a") == {"raw.keys": "OBSERVED", "s.a": "BLOCKED"}
