"""A filter on a reference may hide rows from a fingerprint that the query does see: ASOF, FULL and LEFT joins."""

from __future__ import annotations

import pytest

from ..world import World

QUERIES = {
    "ASOF": "select t.id, p.px from s.t t asof join s.p p on t.ts >= p.ts where p.px > 5",
    "ASOF LEFT": "select t.id, p.px from s.t t asof left join s.p p on t.ts >= p.ts where p.px > 5 or p.px is null",
    "FULL": "select t.id, p.px from s.t t full join s.p p on t.ts = p.ts where p.px > 5 or p.px is null",
    "LEFT": "select t.id, p.px from s.t t left join s.p p on t.ts = p.ts where coalesce(p.px, 0) < 6",
    "window": "select id, n from (select ts as id, px, count(*) over () as n from s.p) where px > 5",
    "LATERAL": "select id, px from s.t t, lateral (select max_by(px, ts) as px from s.p where p.ts <= t.ts)",
}
OLD, NEW = "ts,px 1,10 3,10", "ts,px 1,10 2,5 3,10"


@pytest.mark.parametrize("name", QUERIES)
def test_a_row_that_the_filter_excludes_still_decides(world: World, name: str) -> None:
    def write(place: World, prices: str) -> None:
        place.csv("t", "id,ts 1,2 2,3")
        place.csv("p", prices)
        place.sql("s.t", "select id, ts from raw.t")
        place.sql("s.p", "select ts, px from raw.p")
        place.sql("s.q", QUERIES[name])

    write(world, OLD)
    world.run()
    old = world.rows("s.q")
    write(world, NEW)
    world.run()
    clean = World(world.root / "clean")
    write(clean, NEW)
    clean.run()
    assert old != clean.rows("s.q"), "the case is one where the row decides"
    assert world.rows("s.q") == clean.rows("s.q")
