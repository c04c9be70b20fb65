"""An engine release that changes its hash function: fingerprints of two kinds must never be compared as equal."""

from __future__ import annotations

import pytest

from headwater.runtime.engines import duckdb as engine

from ..world import World


def test_no_fingerprint_of_another_hash_function_proves_equality(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.csv("a", "id,x 1,10 2,20")
    world.sql("s.a", "select id, x from raw.a")
    world.sql("s.b", "select sum(x) as total from s.a")
    world.run()
    monkeypatch.setattr(engine, "canary_sql", lambda: "select 4711")
    assert set(world.status().values()) == {"CURRENT"}
    world.csv("a", "id,x 1,11 2,20")
    assert set(world.built().values()) == {"OBSERVED", "PUBLISHED"}
    assert world.rows("s.b") == {(31,): 1}
    assert set(world.status().values()) == {"CURRENT"}


def test_data_altered_under_another_hash_function_is_not_called_current(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.csv("a", "id,x 1,10 2,20")
    world.sql("s.a", "select id, x from raw.a")
    world.run()
    physical = world.physical()["s.a"]
    monkeypatch.setattr(engine, "canary_sql", lambda: "select 4711")
    world.behind(f'update _headwater."{physical}" set x = 99')
    assert world.status()["s.a"] != "CURRENT"
    world.run()
    assert world.rows("s.a") == {(1, 10): 1, (2, 20): 1}
