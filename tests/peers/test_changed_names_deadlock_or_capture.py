"""A name that means something else once an upstream looks otherwise: resolved anew against the data of each run."""

from __future__ import annotations

from ..world import World


def test_a_column_that_an_upstream_gains_captures_a_correlated_name(world: World) -> None:
    world.csv("a", "id,x 1,1 2,2")
    world.csv("b", "k,v 1,10 2,20 2,30")
    world.sql("s.b", "select k, v from raw.b")
    query = "select a.id, (select max(v) from s.b where k = x) as top from raw.a a"
    world.sql("s.c", query)
    world.run()
    assert world.rows("s.c") == {(1, 10): 1, (2, 30): 1}
    world.sql("s.b", "select k, v, 2 as x from raw.b")
    assert world.built() == {"s.b": "PUBLISHED", "s.c": "PUBLISHED"}
    assert world.rows("s.c") == {(1, 30): 1, (2, 30): 1}


def test_a_column_that_a_source_gains_captures_an_alias(world: World) -> None:
    world.csv("a", "id,x 1,10 2,20")
    world.sql("s.a", "select id, x * 2 as y from raw.a where y > 25")
    world.run()
    assert world.rows("s.a") == {(2, 40): 1}
    world.csv("a", "id,x,y 1,10,30 2,20,3")
    assert world.built() == {"raw.a": "OBSERVED", "s.a": "PUBLISHED"}
    assert world.rows("s.a") == {(1, 20): 1}


def test_a_column_renamed_in_a_source_and_in_its_reader_at_once(world: World) -> None:
    world.csv("a", "id,x 1,10")
    world.sql("s.a", "select id, x from raw.a")
    world.sql("s.b", "select x from s.a")
    world.run()
    world.csv("a", "id,amount 1,10")
    world.sql("s.a", "select id, amount as x from raw.a")
    assert world.load().errors == ()
    assert world.built() == {"raw.a": "OBSERVED", "s.a": "PUBLISHED", "s.b": "VERIFIED_EQUAL"}


def test_a_column_added_to_a_source_and_read_at_once_through_a_star(world: World) -> None:
    world.csv("a", "id,x 1,10")
    world.sql("s.a", "select * from raw.a")
    world.sql("s.b", "select x from s.a")
    world.run()
    world.csv("a", "id,x,y 1,10,100")
    world.sql("s.b", "select x + y as x from s.a")
    assert set(world.built().values()) == {"OBSERVED", "PUBLISHED"}
    assert world.rows("s.b") == {(110,): 1}


def test_a_column_added_to_a_function_and_read_at_once(world: World) -> None:
    world.csv("a", "id,x 1,10")
    text = 'import headwater as hw\n\n@hw.asset("py.a", inputs={{"raw": "raw.a"}})\ndef a(raw):\n    return "{}"\n'
    world.python("py", text.format("select id from raw.a"))
    world.sql("s.b", "select id from py.a")
    world.run()
    world.python("py", text.format("select id, x from raw.a"))
    world.sql("s.b", "select id, x from py.a")
    assert world.built() == {"py.a": "PUBLISHED", "s.b": "PUBLISHED"}
    assert world.rows("s.b") == {(1, 10): 1}


def test_a_name_that_is_certainly_wrong_is_still_an_error_before_any_effect(world: World) -> None:
    world.csv("a", "id,x 1,10")
    world.sql("s.a", "select id, x from raw.a")
    world.run()
    world.sql("s.b", "select y from s.a")
    world.csv("a", "id,x,y 1,10,100")
    assert [problem.asset for problem in world.load().errors] == ["s.b"]


def test_a_column_that_is_gone_from_a_source_fails_its_reader_alone(world: World) -> None:
    world.csv("a", "id,x 1,10")
    world.sql("s.a", "select id, x from raw.a")
    world.sql("s.b", "select id from raw.a")
    world.run()
    world.csv("a", "id 1")
    assert world.built() == {"raw.a": "OBSERVED", "s.a": "FAILED", "s.b": "VERIFIED_EQUAL"}
    assert world.rows("s.a") == {(1, 10): 1}


def test_a_column_dropped_where_it_was_read_and_no_longer_is(world: World) -> None:
    world.csv("a", "id,x,y 1,10,5")
    world.sql("s.a", "select id, x, y from raw.a")
    world.sql("s.b", "select id, x + y as z from s.a")
    world.run()
    world.sql("s.a", "select id, x from raw.a")
    world.sql("s.b", "select id, x as z from s.a")
    assert world.built("s.a") == {"s.a": "PUBLISHED"}
    assert world.status()["s.b"] == "STALE"
    assert world.built() == {"s.b": "PUBLISHED"}
    assert world.rows("s.b") == {(1, 10): 1}
