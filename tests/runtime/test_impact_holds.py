"""What `impact` calls untouched stays as it is, asset by asset and column by column, when the change is really made."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.world import World

ROWS = [[1, 10, 5, 1], [2, 20, 6, 1], [3, 30, 7, 2], [4, 5, 8, 3]]
QUERIES = {
    "s.plain": "select id, a, b as bee, c from raw.o",
    "s.filtered": "select id, a from raw.o where b > 6",
    "s.sorted": "select id, c, row_number() over (order by a) as n from raw.o",
    "s.case": "select id, case when a > 10 then b else 0 end as x, c from raw.o",
    "s.counted": "select c, count(*) as n, sum(a) as total from raw.o group by c",
    "s.exists": "select p.id, p.c from raw.o p where exists (select 1 from raw.o q where q.a > p.b)",
    "s.first": "select id, a, b from raw.o order by b desc, id limit 2",
    "s.scalar": "select id, (select max(b) from raw.o) as most from raw.o",
    "s.star": "select * exclude (b) from raw.o",
    "m.joined": "select p.id, p.a, q.n from s.plain p join s.sorted q on p.id = q.id",
    "m.rows": "select count(*) as n from s.filtered",
    "m.union": "select id, a as v from s.plain union all select id, x from s.case",
    "m.except": "select id from s.plain except select id from s.first",
    "m.wide": "select s.*, t.total from s.star s left join s.counted t using (c)",
    "m.cte": "with x as (select id, bee, c from s.plain where c = 1) select sum(bee) as t from x",
}


def csv(world: World, rows: list[list[int]]) -> None:
    world.csv("o", "id,a,b,c " + " ".join(",".join(map(str, row)) for row in rows))


def columns(world: World) -> dict[str, dict[str, Counter[object]]]:
    """Return the values of every column of every asset, as multisets."""
    found: dict[str, dict[str, Counter[object]]] = {}
    for key in QUERIES:
        names = [str(row[0]) for row in world.behind(f"describe {key}")]
        rows = world.behind(f"select {', '.join(names)} from {key}")
        found[key] = {name: Counter(row[at] for row in rows) for at, name in enumerate(names)}
    return found


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    csv(world, ROWS)
    for key, query in QUERIES.items():
        world.sql(key, query)
    world.run()
    return world


@pytest.mark.parametrize(("at", "column"), [(0, "id"), (1, "a"), (2, "b"), (3, "c")])
def test_what_is_said_to_be_untouched_is_untouched(at: int, column: str, world: World) -> None:
    report = world.load().impact(f"raw.o.{column}")
    touched = {str(it.asset): it for it in report.impacts if it.outcome != "UNTOUCHED"}
    before = columns(world)
    changed = [[*row[:at], [9, 1, 3, 2][place], *row[at + 1 :]] for place, row in enumerate(ROWS)]
    csv(world, changed)
    outcomes = {str(it.asset): it.outcome for it in world.run().steps if it.asset != "raw.o"}
    after = columns(world)
    for key in QUERIES:
        differing = {name for name in after[key] if after[key][name] != before[key][name]}
        if key not in touched:
            assert not differing, key
            assert outcomes.get(key, "VERIFIED_EQUAL") == "VERIFIED_EQUAL", key
        elif touched[key].columns is not None:
            assert differing <= set(touched[key].columns or ()), key
    assert any(after[key] != before[key] for key in QUERIES)
    assert set(touched) != set(QUERIES) or column == "id", "a report that touches everything proves nothing"
