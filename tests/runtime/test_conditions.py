"""A simple filter on a reference narrows what its fingerprint covers: rows that it excludes rebuild nobody."""

from __future__ import annotations

from headwater.lineage.fingerprint import column_set_key, columns_of_key, condition_of_key

from ..world import World

OLD = "id,region,amount 1,EU,5 2,US,7 3,EU,9"
OTHER_US = "id,region,amount 1,EU,5 2,US,70 3,EU,9 4,US,1"
OTHER_EU = "id,region,amount 1,EU,50 2,US,7 3,EU,9"
MOVED = "id,region,amount 1,US,5 2,US,7 3,EU,9"


def project(world: World, query: str, orders: str = OLD) -> None:
    world.csv("orders", orders)
    world.sql("mart.reader", query)


def rebuilt(world: World, query: str, orders: str) -> bool:
    """Return whether another delivery rebuilds the reader; `stale` has to say the same as the run."""
    project(world, query)
    world.run()
    project(world, query, orders)
    outcome = world.built()["mart.reader"]
    assert set(world.status().values()) == {"CURRENT"}
    return outcome != "VERIFIED_EQUAL"


def test_rows_that_the_filter_excludes_rebuild_nobody(world: World) -> None:
    assert not rebuilt(world, "select id, amount from raw.orders where region = 'EU'", OTHER_US)


def test_rows_that_it_lets_through_do(world: World) -> None:
    assert rebuilt(world, "select id, amount from raw.orders where region = 'EU'", OTHER_EU)


def test_a_row_that_leaves_the_filter_does(world: World) -> None:
    assert rebuilt(world, "select count(*) as n from raw.orders where region = 'EU'", MOVED)


def test_two_references_see_what_either_lets_through(world: World) -> None:
    query = (
        "select sum(a.amount) as a, (select sum(b.amount) from raw.orders b where b.region = 'UK') as b"
        " from raw.orders a where a.region = 'EU'"
    )
    assert not rebuilt(world, query, OTHER_US)
    assert rebuilt(world, query, OTHER_EU)


def test_one_reference_without_a_filter_sees_all(world: World) -> None:
    query = "select a.id from raw.orders a where a.region = 'EU' union all select max(amount) from raw.orders"
    assert rebuilt(world, query, OTHER_US)


def test_the_reason_names_the_condition(world: World) -> None:
    project(world, "select id, amount from raw.orders where region = 'EU'")
    world.run()
    project(world, "select id, amount from raw.orders where region = 'EU'", OTHER_EU)
    world.run("raw.orders")
    (reason,) = world.load().status()["mart.reader"].reasons
    assert reason.code == "INPUT_CHANGED"
    assert "where \"region\" = 'EU'" in reason.message


def test_a_condition_that_raises_is_undecidable_and_harms_nobody_else(world: World) -> None:
    """An upstream whose new rows break a reader's condition is published; the reader fails by itself."""
    project(world, "select id from raw.orders where region = 1", "id,region 1,1 2,2")
    world.sql("mart.other", "select count(*) as n from raw.orders")
    assert world.built()["mart.reader"] == "PUBLISHED"
    world.csv("orders", "id,region 1,1 2,x")
    built = world.built()
    assert (built["raw.orders"], built["mart.other"], built["mart.reader"]) == ("OBSERVED", "VERIFIED_EQUAL", "FAILED")
    assert world.status()["mart.reader"] == "UNKNOWN"


def test_keys_keep_columns_and_condition_apart() -> None:
    """Names may hold anything, also what looks like the start of a condition."""
    for columns in (None, (), ("a",), ("a", 'b" where "c'), ('x",y', "z")):
        for condition in (None, '"a" = 1', "\"a\" = ' where '\n"):
            key = column_set_key(columns, condition)
            assert columns_of_key(key) == (None if columns is None else tuple(sorted(columns)))
            assert condition_of_key(key) == condition
