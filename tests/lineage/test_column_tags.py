"""Tags along columns: they go where values go, masked where these are hidden, and end where that is declared."""

from __future__ import annotations

import pytest

from headwater.assets.key import AssetKey
from headwater.lineage.column_graph import AssetLineage, ColumnEdge, ColumnGraph, ColumnRef, OpenEnd
from headwater.lineage.column_tags import CarriedTag, DeclaredTags, StoppedTag, flow


def ref(text: str) -> ColumnRef:
    asset, _, column = text.rpartition(".")
    return ColumnRef(AssetKey(asset), column)


def edge(text: str, kind: str = "IDENTITY", *, indirect: bool = False, masking: bool = False) -> ColumnEdge:
    source, target = text.split(" > ")
    return ColumnEdge(ref(source), ref(target), kind, indirect, masking)  # type: ignore[arg-type]


def graph(*edges: ColumnEdge, open_ends: tuple[OpenEnd, ...] = (), columns: str = "k l") -> ColumnGraph:
    assets: dict[AssetKey, list[ColumnEdge]] = {}
    for it in edges:
        assets.setdefault(it.target.asset, []).append(it)
    made = [AssetLineage(key, None, tuple(found)) for key, found in assets.items()]
    known = tuple((name, None) for name in columns.split()) or None
    return ColumnGraph([*made, AssetLineage(AssetKey("py"), known, (), open_ends)])


def carried(graph: ColumnGraph, anonymised: str = "") -> dict[str, str]:
    """Return what carries the tag of raw.e, each with the word for how."""
    stops = {ref(name): ("pii",) for name in anonymised.split()}
    found, _ = flow(graph, DeclaredTags({ref("raw.e"): ("pii",)}, stops))
    return {f"{it.column.asset}.{it.column.column}": it.word for it in found}


@pytest.mark.parametrize("kind", ["IDENTITY", "TRANSFORMATION", "AGGREGATION"])
def test_a_tag_goes_along_direct_edges(kind: str) -> None:
    assert carried(graph(edge("raw.e > a.x", kind), edge("a.x > b.y"))) == {"raw.e": "pii", "a.x": "pii", "b.y": "pii"}


@pytest.mark.parametrize("kind", ["CONDITIONAL", "WINDOW", "FILTER", "JOIN"])
def test_a_tag_does_not_go_along_what_only_looks_at_the_value(kind: str) -> None:
    target = "a.*" if kind in ("FILTER", "JOIN") else "a.x"
    assert carried(graph(edge(f"raw.e > {target}", kind, indirect=True))) == {"raw.e": "pii"}


def test_what_is_masked_once_stays_masked_and_an_open_way_beside_it_tells_more() -> None:
    hashed = edge("raw.e > a.h", "TRANSFORMATION", masking=True)
    assert carried(graph(hashed, edge("a.h > b.h")))["b.h"] == "pii (masked)"
    assert carried(graph(hashed, edge("a.h > b.h"), edge("raw.e > b.h")))["b.h"] == "pii"


def test_a_tag_ends_where_it_is_anonymised_and_beyond() -> None:
    made = graph(edge("raw.e > a.h"), edge("a.h > b.h"))
    assert carried(made, anonymised="a.h") == {"raw.e": "pii"}
    _, stopped = flow(made, DeclaredTags({ref("raw.e"): ("pii", "dsgvo")}, {ref("a.h"): ("pii",)}))
    assert stopped == (StoppedTag(ref("a.h"), "pii", ref("raw.e")),)


def test_only_the_tag_that_is_named_ends() -> None:
    made = graph(edge("raw.e > a.h"))
    found, _ = flow(made, DeclaredTags({ref("raw.e"): ("pii", "secret")}, {ref("a.h"): ("pii",)}), "secret")
    assert [it.column for it in found] == [ref("a.h"), ref("raw.e")]


def test_where_nobody_knows_every_column_may_carry_it() -> None:
    end = OpenEnd(ref("raw.e"), ref("py.*"), "?")
    assert carried(graph(open_ends=(end,))) == {"raw.e": "pii", "py.k": "pii (perhaps)", "py.l": "pii (perhaps)"}
    assert carried(graph(open_ends=(end,), columns="")) == {"raw.e": "pii", "py.*": "pii (perhaps)"}
    one = OpenEnd(ref("raw.*"), ref("py.k"), "?")
    assert carried(graph(open_ends=(one,))) == {"raw.e": "pii", "py.k": "pii (perhaps)"}
    rows_only = OpenEnd(ref("raw.e"), ref("py.*"), "?", indirect=True)
    assert carried(graph(open_ends=(rows_only,))) == {"raw.e": "pii"}


def test_a_column_that_was_tagged_itself_is_its_own_origin() -> None:
    own = {ref("raw.e"): ("pii",), ref("a.x"): ("pii",)}
    found, _ = flow(graph(edge("raw.e > a.x")), DeclaredTags(own, {}))
    assert [(it.column, it.origin) for it in found if it.column == ref("a.x")] == [
        (ref("a.x"), ref("a.x")),
        (ref("a.x"), ref("raw.e")),
    ]
    assert CarriedTag(ref("a.x"), "pii", ref("a.x")).is_own
