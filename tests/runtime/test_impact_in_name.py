"""Dropping or renaming a column breaks whoever names it, also where its values go nowhere: as `validate` then says."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.assets.errors import ProjectError
from tests.world import World

BASE = "select id, k, v, f from raw.a"
READERS = {
    "m.positions": "select x, z from (from m.base) t(x, y, z)",
    "m.two": "select x from m.base t(x, y)",
    "m.derived": "select count(*) n from (select f from m.base)",
    "m.counted": "select n from (select count(f) c, count(*) n from m.base)",
    "m.united": "select count(*) n from (select k, f from m.base union all select k, v from m.base)",
    "m.chosen": "select max(columns(* exclude (k, f))) from m.base",
    "m.exists": "select exists (select f from m.base) e",
    "m.excluded": "select * exclude (f, k) from m.base",
    "m.liked": "select * like 'f%' from m.base",
    "m.joined": "select a.id from m.base a left join (select f, id from m.base) b using (id)",
    "m.renamed": "select * rename (f as g) from m.base",
    "m.replaced": "select * replace (f * 2 as f) from m.base",
    "m.pruned": "with c as (select k, max(v) mv, min(f) mf from m.base group by k) select k, mv from c",
    "m.apart": "select id, k from m.base",
    "m.below": "select k from m.apart",
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.csv("a", "id,k,v,f 1,x,2,3 2,y,3,4")
    world.sql("m.base", BASE)
    for key, query in READERS.items():
        world.sql(key, query)
    world.run()
    return world


@pytest.mark.parametrize(
    ("kind", "to", "edited"),
    [("DROP", None, "select id, k, v from raw.a"), ("RENAME", "zz", "select id, k, v, f as zz from raw.a")],
)
def test_what_breaks_is_what_validate_then_reports(world: World, kind: str, to: str | None, edited: str) -> None:
    report = world.load().impact("m.base.f", kind, to)
    said = {str(it.asset): it.outcome for it in report.impacts}
    before = {key: world.behind(f"select * from {key}") for key in READERS}
    world.sql("m.base", edited)
    wrong = {str(problem.asset) for problem in world.load().errors}
    assert {key for key, outcome in said.items() if outcome == "BREAKS"} == wrong
    with pytest.raises(ProjectError):
        world.run()  # an edit that breaks readers is refused whole, not half built
    for key in wrong:
        world.sql(key, "select 1 as x")
    world.run()
    for key in READERS.keys() - wrong:
        try:
            same = world.behind(f"select * from {key}") == before[key]
        except Exception:
            same = False
        assert same or said[key] != "UNTOUCHED", key
    assert said["m.apart"] == said["m.below"] == "UNTOUCHED"


@pytest.mark.parametrize(
    "spread",
    [
        "select id, unnest(string_split(k, '-')) as part from raw.a",
        "select id, part from raw.a, unnest(string_split(k, '-')) u(part)",
        "select id, i from raw.a, range(len(k)) r(i)",
        "select id from raw.a limit (select max(len(k)) from raw.a)",
    ],
)
def test_what_decides_how_many_rows_there_are_touches_whoever_counts_them(tmp_path: Path, spread: str) -> None:
    world = World(tmp_path)
    world.csv("a", "id,k,v 1,x-y,1 2,z,1")
    world.sql("s.many", spread)
    world.sql("s.counted", "select count(*) as n from s.many")
    world.sql("s.ids", "select id from s.many")
    world.sql("s.apart", "select v from raw.a")
    world.run()
    said = {str(it.asset): it.outcome for it in world.load().impact("raw.a.k").impacts}
    assert said["s.apart"] == "UNTOUCHED"
    assert {said["s.many"], said["s.counted"], said["s.ids"]} == {"MAY_CHANGE"}


def test_a_new_name_that_another_table_has_breaks_the_join(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.csv("a", "id,v,w 1,2,3")
    world.csv("b", "id,x 1,9")
    world.sql("mart.j", "select a.id,\n  x\nfrom raw.a as a join raw.b as b on a.id = b.id")
    world.sql("mart.k", "select a.id, b.x from raw.a as a join raw.b as b on a.id = b.id")
    world.run()
    report = world.load().impact("raw.a.w", "RENAME", "x")
    assert {str(it.asset): it.outcome for it in report.impacts} == {"mart.j": "BREAKS", "mart.k": "UNTOUCHED"}
    (place,) = report.impacts[0].places
    assert "ambiguous" in place.message.lower()
    assert (str(place.file), place.line) == ("assets/mart/j.sql", 2)


@pytest.mark.parametrize(
    "query",
    [
        "select * from raw.a union all select * from raw.b",
        "select * from raw.b order by 2",
        "select id from raw.a where (id, x) in (select * from raw.b)",
        "select t.* from (select * from raw.b) t(p, q)",
    ],
)
def test_what_resolves_and_the_engine_would_not_have_breaks(tmp_path: Path, query: str) -> None:
    world = World(tmp_path)
    world.csv("a", "id,x 1,2")
    world.csv("b", "id,w 1,2")
    world.sql("mart.q", query)
    world.run()
    (found,) = world.load().impact("raw.b.w", "DROP").impacts
    assert (found.outcome, [str(place.file) for place in found.places]) == ("BREAKS", ["assets/mart/q.sql"])
