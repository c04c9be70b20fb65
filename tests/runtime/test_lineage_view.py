"""The picture of columns across the assets of a project: complete where that is known, open where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.assets.errors import RequestError
from headwater.runtime.model import LineageView
from tests.world import World

CSV = "id,email,amount,state 1,a@x,10,ok 2,b@x,20,no"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.csv("o", CSV, "    columns: {Email: {type: varchar, tags: [pii]}}\n")
    world.sql("stg.o", "select Id as ID, email, amount * 2 as Amount from raw.o where state = 'ok'")
    world.sql("mart.total", "select sum(amount) as total, count(*) as n from stg.o")
    world.sql("mart.count", "select count(*) as n from stg.o")
    return world


def edges(view: LineageView) -> list[str]:
    """Return the column edges of a view, each as one line."""
    return sorted(
        f"{it.source.asset}.{it.source.column} > {it.target.asset}.{it.target.column} {it.transformation}"
        for it in view.column_edges
    )


def open_ends(view: LineageView) -> list[str]:
    """Return the open ends of a view, each as one line."""
    return sorted(
        f"{it.source.asset}.{it.source.column} > {it.target.asset}.{it.target.column}" for it in view.open_ends
    )


def test_every_asset_of_the_drawing_has_its_columns_and_edges(world: World) -> None:
    world.run()
    view = world.load().lineage("mart.total")
    assert {it.asset: [name for name, _, _ in it.columns] for it in view.tables} == {
        "raw.o": ["id", "email", "amount", "state"],
        "stg.o": ["ID", "email", "Amount"],
        "mart.total": ["total", "n"],
    }
    assert view.tables[0].columns[1] == ("email", "varchar", ("pii",))
    assert edges(view) == [
        "raw.o.amount > stg.o.Amount TRANSFORMATION",
        "raw.o.state > stg.o.* FILTER",
        "stg.o.Amount > mart.total.total AGGREGATION",
    ]
    assert view.row_edges == (("stg.o", "mart.total"), ("raw.o", "stg.o"))
    assert view.open_ends == ()


def test_one_column_is_drawn_with_what_it_touches(world: World) -> None:
    view = world.load().lineage("raw.o.STATE", upstream=False)
    assert edges(view) == ["raw.o.state > stg.o.* FILTER", "stg.o.Amount > mart.total.total AGGREGATION"]
    assert view.row_edges == (("stg.o", "mart.count"), ("stg.o", "mart.total"))
    narrow = world.load().lineage("raw.o.amount", upstream=False)
    assert [asset for asset, _ in narrow.kinds] == ["raw.o", "stg.o", "mart.total"]
    assert narrow.edges == (("raw.o", "stg.o"), ("stg.o", "mart.total"))


def test_before_anything_is_built_a_source_has_the_columns_that_are_read(world: World) -> None:
    view = world.load().lineage("stg.o", downstream=False)
    assert [name for name, _, _ in view.tables[0].columns] == ["Email", "id", "amount", "state"]
    world.sql("stg.o", "select * from raw.other")
    world.csv("other", CSV)
    assert open_ends(world.load().lineage("mart.total", downstream=False)) == ["raw.other.* > stg.o.*"]


def test_a_python_asset_is_open_for_what_it_took(world: World) -> None:
    declared = "import headwater as hw\n@hw.asset('py.p', inputs={'o': 'stg.o'})\n"
    world.python("p", declared + "def p(o):\n    return o.select('id').pandas()\n")
    assert open_ends(world.load().lineage("py.p")) == ["stg.o.* > py.p.*"]
    world.run()
    view = world.load().lineage("py.p.id", downstream=False)
    assert open_ends(view) == ["stg.o.ID > py.p.*"]
    assert "raw.o.id > stg.o.ID IDENTITY" in edges(view)
    assert view.columns is not None
    assert [column.sources for column in view.columns] == [None]


def test_a_row_read_whole_has_an_edge_from_each_column_and_only_what_it_decides_is_open(world: World) -> None:
    world.sql("mart.json", "select s.id, to_json(s) as row from stg.o as s")
    world.run()
    view = world.load().lineage("mart.json", downstream=False, depth=1)
    assert {it.source.column for it in view.column_edges if it.target.column == "row"} == {"ID", "email", "Amount"}
    assert [(it.source.column, it.target.column, it.indirect) for it in view.open_ends] == [("*", "*", True)]
    assert [it.column.column for it in view.tags if it.column.asset == "mart.json"] == ["row"]
    world.sql("mart.json", "select u.id, to_json(u) as row from raw.unseen as u")
    world.csv("unseen", CSV)
    assert [it.indirect for it in world.load().lineage("mart.json").open_ends] == [False]


def test_sources_of_kinds_that_were_not_asked_for_are_counted(world: World) -> None:
    world.sql("mart.case", "select case when id > 0 then email end as x, 1 as one from stg.o")
    view = world.load().lineage("mart.case", kinds=("AGGREGATION",))
    assert [(it.column, it.sources, it.left_out) for it in view.columns or ()] == [("x", (), 2), ("one", (), 0)]
    assert view.narrowed
    direct = world.load().lineage("mart.case", direct=True)
    assert [it.left_out for it in direct.columns or ()] == [1, 0]
    assert [it.left_out for it in world.load().lineage("mart.case").columns or ()] == [0, 0]


def test_columns_that_only_the_data_knows_have_unknown_sources(world: World) -> None:
    world.sql("mart.tall", "pivot stg.o on email using sum(amount) group by id")
    assert world.load().lineage("mart.tall").columns is None
    world.run()
    view = world.load().lineage("mart.tall", downstream=False)
    assert {it.column: it.sources for it in view.columns or ()} == {"ID": None, "a@x": None}
    assert view.influences, "that rows are shaped by known columns does not make the sources of values known"
    assert {end.target.column for end in view.open_ends if end.target.asset == "mart.tall"} == {"*"}


def test_a_column_that_is_not_there_is_refused_with_the_nearest(world: World) -> None:
    with pytest.raises(RequestError, match=r"stg\.o has no column 'amuont'") as caught:
        world.load().lineage("stg.o.amuont")
    assert caught.value.remedy == "Did you mean stg.o.amount?"


def test_a_column_that_nobody_can_know_yet_is_not_said_to_be_missing(world: World) -> None:
    world.csv("unseen", CSV, "    columns: {id: integer}\n")
    world.sql("mart.u", "select id, extra from raw.unseen")
    for ask in (world.load().lineage, world.load().impact):
        with pytest.raises(RequestError, match=r"Whether raw\.unseen has a column 'state' is not known") as caught:
            ask("raw.unseen.state")
        assert caught.value.remedy == "`headwater run raw.unseen` makes its columns known, or declare them."
    assert world.load().lineage("raw.unseen.extra").column == "extra"


def test_tags_come_down_to_the_drawing_from_beyond_it(world: World) -> None:
    world.sql("mart.mail", "select max(email) as mail, md5(email) as h from stg.o group by email")
    world.sql("mart.top", "select mail, h from mart.mail")
    view = world.load().lineage("mart.top", downstream=False, depth=1)
    assert {name: tags for name, _, tags in view.tables[-1].columns} == {"mail": ("pii",), "h": ("pii (masked)",)}
    report = world.load().tagged("pii")
    assert [f"{it.column.asset}.{it.column.column}" for it in report.carried] == [
        "mart.mail.h",
        "mart.mail.mail",
        "mart.top.h",
        "mart.top.mail",
        "raw.o.Email",
        "stg.o.email",
    ]
    assert [it.column.column for it in world.load().tagged("pii", "mart.mail.H").carried] == ["h"]


def test_a_tag_ends_at_a_column_of_any_case_and_makes_nothing_stale(world: World) -> None:
    world.run()
    block = "columns:\n  EMAIL: {anonymises: pii}"
    world.sql("stg.o", "select Id as ID, email, amount * 2 as Amount from raw.o where state = 'ok'", block)
    assert set(world.status().values()) == {"CURRENT"}
    report = world.load().tagged("pii")
    assert [it.column.asset for it in report.carried] == ["raw.o"]
    assert [(it.column.asset, it.column.column) for it in report.stopped] == [("stg.o", "email")]


@pytest.mark.parametrize(
    ("tag", "remedy"),
    [
        ("pi", "Did you mean pii?"),
        ("zzz", "Columns have the tags pii."),
        ("gold", "Assets are: `headwater ls tag:gold` lists them."),
    ],
)
def test_an_unknown_tag_is_refused(tag: str, remedy: str, world: World) -> None:
    world.sql("gold", "select 1 as x", "tags: [gold]")
    with pytest.raises(RequestError, match="No column is tagged") as caught:
        world.load().tagged(tag)
    assert caught.value.remedy == remedy


def test_a_column_that_is_called_as_rows_are_is_told_from_them(world: World) -> None:
    world.sql("mart.odd", 'select id, email as "*" from stg.o')
    world.sql("mart.even", 'select id as key, "*" as star from mart.odd')
    world.run()
    view = world.load().lineage("mart.odd.*", upstream=False)
    assert view.column == '"*"'
    assert edges(view) == ['mart.odd."*" > mart.even.star IDENTITY']
    assert "mart.odd.* >" not in "".join(edges(world.load().lineage("raw.o.email", upstream=False)))
    assert [it.column.column for it in world.load().tagged("pii", "mart.even").carried] == ["star"]
    assert {str(it.asset): it.outcome for it in world.load().impact("mart.odd.*", "DROP").impacts} == {
        "mart.even": "BREAKS"
    }
    (told,) = [it for it in world.load().openlineage("mart.odd", False, False) if "dataset" in it]
    assert [field["name"] for field in told["dataset"]["facets"]["schema"]["fields"]] == ["ID", "*"]
