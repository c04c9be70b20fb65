"""What a drawing shows: which boxes, which rows, which wires."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from headwater.assets.key import AssetKey
from headwater.lineage.exporters.chart import (
    KINDS,
    OPEN,
    READ,
    Box,
    Chart,
    Port,
    Scope,
    Wire,
    asset_chart,
    column_chart,
)
from headwater.lineage.exporters.svg_style import LOOKS
from headwater.lineage.sql.analysis import Transformation

from .charts import MODEL, ORDERS, RAW, REVENUE, SCOPE, edge, open_end


def rows(chart: Chart, asset: AssetKey) -> list[str]:
    return [row.name for box in chart.boxes if box.asset == asset for row in box.rows]


def wires(chart: Chart) -> dict[tuple[str, str], str]:
    return {(chart.name(wire.source), chart.name(wire.target)): wire.words for wire in chart.wires}


def test_a_chart_of_assets_has_no_rows() -> None:
    chart = asset_chart(SCOPE, "Shop", ORDERS)
    assert [(box.asset, box.kind, box.rows) for box in chart.boxes][:2] == [
        ("raw.orders", "external", ()),
        ("stg.orders", "table", ()),
    ]
    assert [(wire.source.box, wire.target.box, wire.kind) for wire in chart.wires] == [
        (0, 1, READ),
        (1, 2, READ),
        (1, 3, READ),
        (0, 2, READ),
    ]
    assert chart.focus == Port(1)


def test_a_wire_stands_for_all_that_joins_its_ends_and_the_direct_use_is_drawn() -> None:
    chart = column_chart(SCOPE, "Shop")
    told = wires(chart)
    assert told["raw.orders.price", "stg.orders.amount"] == "TRANSFORMATION; CONDITIONAL (indirect)"
    assert told["raw.orders.email", "stg.orders.who"] == "TRANSFORMATION, masked"
    assert told["stg.orders.day", "mart.revenue"] == "GROUP_BY (indirect)"
    assert [wire.kind for wire in chart.wires if wire.masking] == ["TRANSFORMATION"]
    assert {wire.kind for wire in chart.wires if wire.indirect} == {"GROUP_BY", "FILTER"}


def test_what_an_author_says_is_marked() -> None:
    said = replace(edge("stg.orders.id", "mart.revenue.orders", "TRANSFORMATION"), declared=True)
    chart = column_chart(replace(SCOPE, column_edges=(said,)), "Shop")
    assert wires(chart)["stg.orders.id", "mart.revenue.orders"] == "TRANSFORMATION, declared"


def test_what_nobody_knows_and_what_reads_no_column_are_wires_too() -> None:
    chart = column_chart(SCOPE, "Shop")
    kinds = {(chart.name(wire.source), chart.name(wire.target)): wire.kind for wire in chart.wires}
    assert kinds["stg.orders.amount", "mart.model"] == OPEN
    assert kinds["raw.orders", "mart.revenue"] == READ
    assert ("raw.orders", "stg.orders") not in kinds
    assert wires(chart)["stg.orders.amount", "mart.model"] == "not known: a Python function"


def test_of_one_column_only_what_is_touched_is_drawn() -> None:
    up = (edge("raw.orders.price", "stg.orders.amount", "TRANSFORMATION"),
          edge("stg.orders.amount", "mart.revenue.amount", "AGGREGATION"))  # fmt: skip
    chart = column_chart(replace(SCOPE, column_edges=up, open_ends=()), "One", REVENUE, "AMOUNT")
    assert [rows(chart, box.asset) for box in chart.boxes] == [["price"], ["amount"], ["amount"], []]
    assert chart.focus == Port(2, 0)
    assert all(box.hidden == 0 for box in chart.boxes)


def test_a_column_that_nothing_touches_is_still_drawn() -> None:
    chart = column_chart(replace(SCOPE, column_edges=(), open_ends=()), "One", REVENUE, "orders")
    assert {box.asset: rows(chart, box.asset) for box in chart.boxes if box.rows} == {REVENUE: ["orders"]}


def test_a_wide_table_shows_the_columns_that_matter_first_and_counts_the_others() -> None:
    wide = AssetKey("raw.wide")
    scope = Scope(
        ((wide, "table"), (REVENUE, "table")),
        ((wide, REVENUE),),
        {wide: tuple((f"c{at}", None, ()) for at in range(60)), REVENUE: (("day", None, ()),)},
        (edge("raw.wide.c50", "mart.revenue.day", "IDENTITY"), edge("raw.wide.c7", "mart.revenue.*", "FILTER")),
    )
    chart = column_chart(scope, "Wide", limit=4)
    assert rows(chart, wide) == ["c7", "c50", "c0", "c1"]
    assert chart.boxes[0].hidden == 56
    tight = column_chart(scope, "Wide", limit=1)
    assert [tight.name(wire.source) for wire in tight.wires] == ["raw.wide.c7", "raw.wide (not shown)"]


def test_columns_and_assets_that_nobody_listed_are_drawn_where_an_edge_needs_them() -> None:
    scope = Scope((), ((RAW, ORDERS),), None, (edge("raw.orders.id", "stg.orders.id", "IDENTITY"),))
    chart = column_chart(scope, "Bare")
    assert [(box.asset, box.kind, rows(chart, box.asset)) for box in chart.boxes] == [
        (RAW, "table", ["id"]),
        (ORDERS, "table", ["id"]),
    ]


def test_edges_to_what_is_not_in_the_picture_are_left_out() -> None:
    scope = replace(SCOPE, kinds=((ORDERS, "table"),), edges=(), open_ends=(open_end("x.y.z", "stg.orders.*"),))
    assert column_chart(scope, "Part").wires == ()


def test_columns_meet_without_case() -> None:
    scope = replace(SCOPE, column_edges=(edge("raw.orders.ID", "stg.orders.Id", "IDENTITY"),))
    assert ("raw.orders.id", "stg.orders.id") in wires(column_chart(scope, "Case"))


def test_an_unknown_asset_has_a_box_without_rows() -> None:
    assert Box(MODEL, "table") in column_chart(SCOPE, "Shop").boxes
    assert Wire(Port(0), Port(1)).words == "reads"


def test_every_word_of_the_analysis_is_drawn() -> None:
    assert {*KINDS} == {*get_args(Transformation)}
    assert {*LOOKS} == {*KINDS, READ, OPEN}
    assert len({(LOOKS[kind].width, LOOKS[kind].dash) for kind in KINDS}) == len(KINDS)  # told apart without colour
