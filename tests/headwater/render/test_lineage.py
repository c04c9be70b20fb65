"""Trees of lineage: whole, in bounds, and in order."""

from __future__ import annotations

from headwater.assets.key import AssetKey
from headwater.render.lineage import DEEPEST, lineage_lines, tree_lines
from headwater.render.paper import Paper
from headwater.runtime.model import ColumnLineage, LineageView


def view(*edges: str, asset: str = "d", **attributes: object) -> LineageView:
    pairs = tuple((AssetKey(start), AssetKey(end)) for start, end in (edge.split(">") for edge in edges))
    return LineageView(AssetKey(asset), None, (), pairs, **attributes)  # type: ignore[arg-type]


def test_a_diamond_is_drawn_once() -> None:
    lines = [*tree_lines(view("r>a", "a>b", "a>c", "b>d", "c>d"), Paper(), downstream=False)]
    assert lines == [
        "Upstream: what it is made from",
        "d",
        "├── b",
        "│   └── a",
        "│       └── r",
        "└── c",
        "    └── a (see above)",
    ]


def test_both_directions_and_ascii() -> None:
    lines = [*tree_lines(view("a>d", "d>e", "d>f"), Paper(unicode=False))]
    assert lines[1:] == ["d", "`-- a", "", "Downstream: what is made from it", "d", "|-- e", "`-- f"]


def test_nothing_upstream() -> None:
    assert [*tree_lines(view(), Paper(), downstream=False)][1:] == ["d: nothing"]


def test_many_layers_of_diamonds_stay_linear() -> None:
    edges = [f"{side}{at}>{other}{at + 1}" for at in range(40) for side in "ab" for other in "ab"]
    lines = [*tree_lines(view(*edges, asset="a40"), Paper(), downstream=False)]
    assert len(lines) <= 2 + len(edges)


def test_a_long_chain_is_drawn_to_a_depth_and_counted_beyond() -> None:
    chain = view(*(f"n{at + 1}>n{at}" for at in range(5_000)), asset="n0")
    lines = [*tree_lines(chain, Paper(), downstream=False)]
    assert len(lines) == DEEPEST + 2
    assert lines[-1].endswith(f"n{DEEPEST} (and {5_000 - DEEPEST:,} assets beyond; --as json lists them)")


def test_indirect_sources_are_counted() -> None:
    sources = (
        ("stg.o", "amount", "AGGREGATION", False, False),
        ("stg.o", "day", "GROUP_BY", True, False),
        ("stg.c", "name", "TRANSFORMATION", False, True),
    )
    columns = (ColumnLineage("revenue", "bigint", sources), ColumnLineage("one", None))
    whole = LineageView(AssetKey("d"), columns, ())
    assert [*lineage_lines(whole, Paper())][-4:] == [
        "revenue  bigint  stg.o.amount             AGGREGATION",
        "                 stg.c.name               TRANSFORMATION, masked",
        "                 and 1 column indirectly",
        "one              nothing upstream",
    ]


def test_unknown_columns_are_said_to_be_unknown() -> None:
    assert [*lineage_lines(view(), Paper())][-1] == "The columns of d are not known before it is built."


def test_what_was_not_asked_for_is_said_to_be_left_out() -> None:
    one = (("stg.o", "amount", "AGGREGATION", False, False),)
    columns = (
        ColumnLineage("revenue", "bigint", one, 1),
        ColumnLineage("city", None, (), 2),
        ColumnLineage("one", None),
    )
    assert [*lineage_lines(LineageView(AssetKey("d"), columns, (), narrowed=True), Paper())][-4:] == [
        "revenue  bigint  stg.o.amount                           AGGREGATION",
        "                 and 1 column left out, of other kinds",
        "city             2 columns left out, of other kinds",
        "one              nothing upstream",
    ]
