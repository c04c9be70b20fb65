"""The SVG is XML, stands alone, says in words what it shows, and keeps its text inside its boxes."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.assets.key import AssetKey
from headwater.lineage.column_graph import ColumnEdge, ColumnRef
from headwater.lineage.exporters.chart import KINDS, Chart, Scope, asset_chart, column_chart
from headwater.lineage.exporters.svg import svg_lines
from headwater.lineage.exporters.svg_style import LOOKS, cells, shortened

from .charts import NASTY, RAW, REVENUE, SCOPE

SVG = "{http://www.w3.org/2000/svg}"
SIZES = {"na": 13, "co": 12, "ty": 11, "ta": 10}


def drawn(chart: Chart) -> ElementTree.Element:
    return ElementTree.fromstring("\n".join(svg_lines(chart)))


def texts(root: ElementTree.Element, look: str) -> list[str]:
    return [it.text or "" for it in root.iter(f"{SVG}text") if look in it.attrib["class"].split()]


def titles(root: ElementTree.Element) -> list[str]:
    return [it.text or "" for it in root.iter(f"{SVG}title")]


def test_assets_are_boxes_and_columns_are_rows() -> None:
    root = drawn(column_chart(SCOPE, "Lineage of shop"))
    assert texts(root, "na") == ["raw.orders", "stg.orders", "mart.revenue", "mart.model"]
    assert texts(root, "ki") == ["EXTERNAL", "TABLE", "VIEW", "TABLE"]
    assert texts(root, "co")[:4] == ["id", "email", "at", "price"]
    assert texts(root, "ta") == ["#pii"]
    assert "decimal(16,2)" in texts(root, "ty")


def test_every_wire_says_what_it_is_and_runs_between_its_rows() -> None:
    chart = column_chart(SCOPE, "Lineage of shop")
    root = drawn(chart)
    groups = [it for it in root.iter(f"{SVG}g") if it.attrib.get("class", "").startswith("e")]
    assert len(groups) == len(chart.wires)
    said = [group.findtext(f"{SVG}title") for group in groups]
    assert "stg.orders.amount → mart.revenue.amount: AGGREGATION" in said
    assert "stg.orders.amount → mart.model: not known: a Python function" in said
    assert said.index("stg.orders.who → mart.revenue: FILTER (indirect)") < said.index(
        "stg.orders.day → mart.revenue.day: IDENTITY"
    )  # values are drawn over conditions


def test_pointing_at_a_box_or_a_row_leaves_its_own_wires() -> None:
    chart = column_chart(SCOPE, "Shop")
    root = drawn(chart)
    boxes = {
        it.findtext(f"{SVG}title"): it.attrib["class"][1:]
        for it in root.iter(f"{SVG}g")
        if it.attrib.get("class", "").startswith("p")
    }
    wires = {
        it.findtext(f"{SVG}title"): it.attrib["class"].split()
        for it in root.iter(f"{SVG}g")
        if it.attrib.get("class", "").startswith("e")
    }
    assert len(set(boxes.values())) == len(boxes)
    for name, said in (("stg.orders (table)", "stg.orders."), ("stg.orders.day date", "stg.orders.day")):
        left = {title for title, looks in wires.items() if f"r{boxes[name]}" in looks}
        assert left == {title for title in wires if said in str(title)}
        assert f".hw:has(.p{boxes[name]}:hover) .e:not(.r{boxes[name]})" in "\n".join(svg_lines(chart))


def test_it_is_described_for_those_who_do_not_see_it() -> None:
    root = drawn(column_chart(SCOPE, "Lineage of shop"))
    assert root.attrib["role"] == "img"
    ids = {it.attrib["id"]: it for it in root if "id" in it.attrib}
    title, description = (ids[name] for name in root.attrib["aria-labelledby"].split())
    assert title.text == "Lineage of shop"
    assert "stg.orders.day to mart.revenue.day: IDENTITY." in (description.text or "")


def test_it_stands_alone_and_follows_the_readers_light() -> None:
    text = "\n".join(svg_lines(column_chart(SCOPE, "Lineage of shop")))
    assert "@media (prefers-color-scheme:dark)" in text
    assert re.findall(r"https?://[^\"]*", text) == ["http://www.w3.org/2000/svg"]
    for word in ("<script", "href", "@import", "@font-face", "url(http", "onload"):
        assert word not in text
    assert text.isascii()


def test_kinds_differ_in_more_than_colour() -> None:
    looks = [(look.width, look.dash) for kind, look in LOOKS.items() if kind != "READ"]
    assert len(set(looks)) == len(looks)
    assert all(bool(LOOKS[kind].dash) == (kind not in KINDS[:3]) for kind in KINDS)


def test_the_legend_has_what_occurs_and_nothing_else() -> None:
    root = drawn(column_chart(SCOPE, "Shop"))
    words = [text.strip() for text in texts(root, "le")]
    assert words == ["identity", "transformation", "aggregation", "filter", "group by", "read", "open", "masked"]
    assert texts(drawn(asset_chart(SCOPE, "Shop")), "le") == []


def test_the_one_that_was_asked_for_is_marked() -> None:
    root = drawn(column_chart(SCOPE, "One", REVENUE, "day"))
    frames = [it.attrib["class"] for it in root.iter(f"{SVG}rect")]
    assert frames.count("fr fo") == 1
    assert frames.count("fc") == 1


def test_names_cannot_break_out() -> None:
    nasty = AssetKey(NASTY)
    edges = (ColumnEdge(ColumnRef(RAW, NASTY), ColumnRef(nasty, NASTY), "IDENTITY"),)
    scope = Scope(((RAW, NASTY), (nasty, "table")), (), {nasty: ((NASTY, NASTY, (NASTY,)),)}, edges)
    root = drawn(column_chart(scope, NASTY))
    said = [title for title in titles(root) if "→" in title]
    assert said[0].startswith("raw.orders.a\"b<c>&d'e`f\\g\nh{i}|j#k]l\ufffdm\ufffd[31m")
    assert not [*root.iter(f"{SVG}c")]


@given(st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_name_makes_valid_xml(name: str) -> None:
    scope = Scope(((AssetKey(name), "table"),), (), {AssetKey(name): ((name, name, ()),)})
    assert drawn(column_chart(scope, name)).tag == f"{SVG}svg"


@pytest.mark.parametrize("long", ["x" * 200, "日本語" * 40, "schema." * 30 + "table"])
def test_text_stays_in_its_box(long: str) -> None:
    scope = Scope(((AssetKey(long), "table"),), (), {AssetKey(long): ((long, long, (long,)), ("id", None, ()))})
    root = drawn(column_chart(scope, "Long"))
    width = max(float(it.attrib["width"]) for it in root.iter(f"{SVG}rect") if it.attrib["class"] == "ca")
    for group in root.iter(f"{SVG}g"):
        spans = []
        for text in group.findall(f"{SVG}text"):
            size = next((SIZES[look] for look in text.attrib["class"].split() if look in SIZES), None)
            if size is not None:
                x, length = float(text.attrib["x"]), size * 0.602 * cells(text.text or "")
                spans.append((x - length, x) if "ty" in text.attrib["class"] else (x, x + length))
        for (_, end), (start, _) in zip(sorted(spans), sorted(spans)[1:], strict=False):
            assert end <= start
        assert all(start >= 0 and end <= width for start, end in spans)


def test_the_table_is_what_is_kept_of_a_long_key() -> None:
    assert shortened("a.very.long.schema.orders", 12, end=True) == "…hema.orders"
    assert shortened("decimal(18,2)", 8) == "decimal…"
    assert cells("日本e\u0301") == 5


def test_the_same_chart_gives_the_same_text_and_its_ids_are_its_own() -> None:
    chart = column_chart(SCOPE, "Shop")
    assert [*svg_lines(chart)] == [*svg_lines(chart)]
    mark = drawn(chart).attrib["aria-labelledby"]
    assert drawn(column_chart(replace(SCOPE, open_ends=()), "Shop")).attrib["aria-labelledby"] != mark


def test_many_columns_are_counted_and_many_assets_can_be_drawn() -> None:
    keys = [AssetKey(f"layer_{at // 100}.asset_{at}") for at in range(1_000)]
    pairs = [(keys[at - back], keys[at]) for at in range(100, 1_000) for back in (100, 93) if at >= back]
    columns = {key: tuple((f"c{at}", "varchar", ()) for at in range(30)) for key in keys}
    edges = [ColumnEdge(ColumnRef(up, "c1"), ColumnRef(down, "c2"), "IDENTITY") for up, down in pairs]
    root = drawn(column_chart(Scope([(key, "table") for key in keys], pairs, columns, edges), "Many"))
    assert texts(root, "mo") == ["… and 10 more"] * 1_000
    assert not [it for it in root.iter(f"{SVG}path") if it.attrib.get("class") == "t"]  # too many to point at


def test_an_empty_project_is_a_picture_too() -> None:
    assert texts(drawn(asset_chart(Scope(()), "Lineage of nothing")), "su") == ["0 assets"]
