"""Trees of columns: values first, then what shapes the rows, and what nobody knows."""

from __future__ import annotations

from headwater.assets.key import AssetKey
from headwater.lineage.column_graph import ColumnEdge, ColumnRef, OpenEnd
from headwater.lineage.column_tags import CarriedTag
from headwater.render.branches import DEEPEST
from headwater.render.column_tree import column_lines
from headwater.render.lineage import lineage_lines
from headwater.render.paper import Paper
from headwater.runtime.model import ColumnLineage, LineageView


def ref(text: str) -> ColumnRef:
    asset, _, column = text.rpartition(".")
    return ColumnRef(AssetKey(asset), column)


def edge(text: str, kind: str = "IDENTITY", **notes: bool) -> ColumnEdge:
    source, target = text.split(" > ")
    return ColumnEdge(ref(source), ref(target), kind, **notes)  # type: ignore[arg-type]


def view(asset: str, column: str, *edges: ColumnEdge, **attributes: object) -> LineageView:
    columns = (ColumnLineage(column, "bigint"),)
    return LineageView(AssetKey(asset), columns, (), column=column, column_edges=edges, **attributes)  # type: ignore[arg-type]


EDGES = (
    edge("stg.o.amount > mart.r.revenue", "AGGREGATION"),
    edge("stg.o.day > mart.r.revenue", "WINDOW", indirect=True),
    edge("stg.o.day > mart.r.*", "GROUP_BY", indirect=True),
    edge("raw.o.price > stg.o.amount", "TRANSFORMATION"),
    edge("raw.o.at > stg.o.day"),
    edge("raw.o.state > stg.o.*", "FILTER", indirect=True),
)


def test_upstream_shows_values_then_rows_and_a_branch_once() -> None:
    rows = ((AssetKey("stg.o"), AssetKey("mart.r")), (AssetKey("raw.o"), AssetKey("stg.o")))
    lines = [*column_lines(view("mart.r", "revenue", *EDGES, row_edges=rows), Paper(), downstream=False)]
    assert lines == [
        "Upstream: what it is made from",
        "mart.r.revenue bigint",
        "├── stg.o.amount  AGGREGATION",
        "│   ├── raw.o.price  TRANSFORMATION",
        "│   └── rows of stg.o",
        "│       └── raw.o.state  FILTER",
        "├── stg.o.day  WINDOW (indirect)",
        "│   ├── raw.o.at  IDENTITY",
        "│   └── rows of stg.o (see above)",
        "└── rows of mart.r",
        "    └── stg.o.day  GROUP_BY (see above)",
    ]


def test_rows_that_no_column_of_their_asset_leads_to_are_shown_by_themselves() -> None:
    rows = ((AssetKey("stg.o"), AssetKey("mart.n")),)
    lines = [*column_lines(view("mart.n", "n", EDGES[-1], row_edges=rows), Paper(), downstream=False)]
    assert lines[1:] == [
        "mart.n.n bigint",
        "└── rows of mart.n",
        "    └── rows of stg.o",
        "        └── raw.o.state  FILTER",
    ]


def test_downstream_goes_through_rows_to_their_readers() -> None:
    rows = ((AssetKey("stg.o"), AssetKey("mart.r")),)
    lines = [*column_lines(view("raw.o", "state", EDGES[-1], row_edges=rows), Paper(), upstream=False)]
    assert lines[1:] == ["raw.o.state bigint", "└── rows of stg.o  FILTER", "    └── rows of mart.r"]


def test_downstream_of_rows_is_that_of_every_column_where_rows_were_not_followed() -> None:
    lines = [*column_lines(view("raw.o", "state", EDGES[-1], EDGES[0]), Paper(unicode=False), upstream=False)]
    assert lines[2:] == ["`-- rows of stg.o  FILTER", "    `-- mart.r.revenue  AGGREGATION"]


def test_what_is_not_known_is_said_in_the_tree_and_below_it() -> None:
    end = OpenEnd(ref("stg.o.id"), ref("py.p.*"), "a function took it")
    up = [*column_lines(view("py.p", "x", open_ends=(end,)), Paper(), downstream=False)]
    assert up[1:] == [
        "py.p.x bigint",
        "└── rows of py.p",
        "    └── stg.o.id  not known",
        "",
        "Not known: there may be more than is shown",
        "COLUMN              MAY COME FROM  BECAUSE",
        "any column of py.p  id of stg.o    a function took it",
    ]
    down = [*column_lines(view("stg.o", "id", open_ends=(end,)), Paper(), upstream=False)]
    assert down[2] == "└── any column of py.p  not known"


def test_masked_and_declared_edges_and_inherited_tags_are_marked() -> None:
    masked = edge("raw.c.email > stg.c.hash", "TRANSFORMATION", masking=True)
    declared = edge("stg.c.hash > py.p.key", declared=True)
    tag = CarriedTag(ref("py.p.key"), "pii", ref("raw.c.email"), masked=True)
    lines = [*column_lines(view("py.p", "key", masked, declared, tags=(tag,)), Paper(), downstream=False)]
    assert lines[2:] == [
        "└── stg.c.hash  IDENTITY, declared",
        "    └── raw.c.email  TRANSFORMATION, masked",
        "",
        "Tags",
        "TAG           FROM",
        "pii (masked)  raw.c.email",
    ]


def test_a_column_of_a_long_chain_is_drawn_to_a_depth() -> None:
    chain = [edge(f"n{at + 1}.a > n{at}.a") for at in range(3_000)]
    lines = [*column_lines(view("n0", "a", *chain), Paper(), downstream=False)]
    assert lines[-1].endswith(f"(and {3_000 - DEEPEST:,} steps beyond; --as json lists them)")


def test_an_asset_shows_what_shapes_its_rows_and_what_its_columns_carry() -> None:
    columns = (ColumnLineage("mail", "varchar", (("raw.c", "email", "IDENTITY", False, False),)),)
    tag = CarriedTag(ref("stg.c.mail"), "pii", ref("raw.c.email"))
    whole = LineageView(AssetKey("stg.c"), columns, (), influences=(("raw.c", "state", "FILTER"),), tags=(tag,))
    assert [*lineage_lines(whole, Paper())][-6:] == [
        "COLUMN  TYPE     FROM         BY        TAGS",
        "mail    varchar  raw.c.email  IDENTITY  pii from raw.c.email",
        "",
        "What shapes its rows",
        "COLUMN       BY",
        "raw.c.state  FILTER",
    ]


def test_a_tree_of_some_kinds_does_not_say_that_there_is_nothing() -> None:
    for narrowed, said in ((True, "nothing of the kinds asked for"), (False, "nothing")):
        lines = [*column_lines(view("mart.r", "revenue", narrowed=narrowed), Paper(), downstream=False)]
        assert lines[1:] == [f"mart.r.revenue bigint: {said}"]
