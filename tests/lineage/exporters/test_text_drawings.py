"""Mermaid and Graphviz: assets, columns, and names that mean something to either."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from headwater.assets.key import AssetKey
from headwater.lineage.column_graph import ColumnEdge, ColumnRef
from headwater.lineage.exporters.chart import Chart, Scope, asset_chart, column_chart
from headwater.lineage.exporters.dot import dot_lines
from headwater.lineage.exporters.mermaid import mermaid_lines

from .charts import NASTY, ORDERS, RAW, REVENUE, SCOPE

ODD = AssetKey(NASTY)
NASTY_SCOPE = Scope(
    ((RAW, "external"), (ODD, NASTY)),
    ((RAW, ODD),),
    {ODD: ((NASTY, NASTY, (NASTY,)),)},
    (ColumnEdge(ColumnRef(RAW, NASTY), ColumnRef(ODD, NASTY), "IDENTITY"),),
)


def test_mermaid_draws_assets() -> None:
    assert [*mermaid_lines(asset_chart(SCOPE, "Shop", ORDERS))] == [
        "flowchart LR",
        '  n0[("raw.orders")]',
        '  n1["stg.orders"]',
        '  n2["mart.revenue"]',
        '  n3["mart.model"]',
        "  n0 --> n1",
        "  n1 --> n2",
        "  n1 --> n3",
        "  n0 --> n2",
        "  style n1 stroke-width:3px",
    ]


def test_mermaid_draws_columns() -> None:
    lines = [*mermaid_lines(column_chart(SCOPE, "Shop", REVENUE))]
    assert lines[1:7] == [
        '  subgraph n0["raw.orders (external)"]',
        '    n0c0["id: bigint"]',
        '    n0c1["email: varchar #35;pii"]',
        '    n0c2["at: timestamp"]',
        '    n0c3["price"]',
        "  end",
    ]
    assert "  n0c0 --> n1c0" in lines
    assert "  n0c1 -->|transformation masked| n1c1" in lines
    assert "  n1c2 -.->|group by| n2" in lines
    assert "  n1c3 ==>|aggregation| n2c1" in lines
    assert "  n1c3 -.->|not known| n3" in lines
    assert '  n3["mart.model"]' in lines
    assert lines.count("  end") == sum(line.startswith("  subgraph") for line in lines) == 3


def test_mermaid_labels_hold_no_more_than_text() -> None:
    for chart in (asset_chart(NASTY_SCOPE, ""), column_chart(NASTY_SCOPE, "")):
        for line in mermaid_lines(chart):
            label = re.search(r'"(.*)"', line)
            if label is not None:
                assert re.fullmatch(r"([^\"#&<>`\\\x00-\x1f]|#(35|quot|amp|lt|gt|96|92);)*", label[1]), line
            assert line.isprintable()


def test_graphviz_draws_assets() -> None:
    assert [*dot_lines(asset_chart(SCOPE, "Shop", ORDERS))] == [
        "digraph lineage {",
        "  rankdir=LR;",
        "  node [shape=box];",
        '  "raw.orders" [shape=cylinder];',
        '  "stg.orders" [penwidth=3];',
        '  "mart.revenue";',
        '  "mart.model";',
        '  "raw.orders" -> "stg.orders";',
        '  "stg.orders" -> "mart.revenue";',
        '  "stg.orders" -> "mart.model";',
        '  "raw.orders" -> "mart.revenue";',
        "}",
    ]


def tables(chart: Chart) -> list[ElementTree.Element]:
    """Return the HTML-like labels, which are XML."""
    return [ElementTree.fromstring(text) for text in re.findall(r"label=<(.*?)>\];", "\n".join(dot_lines(chart)), re.S)]


def test_graphviz_draws_columns_with_ports() -> None:
    chart = column_chart(SCOPE, "Shop", REVENUE)
    found = [[cell.attrib["port"] for cell in table.iter("td") if "port" in cell.attrib] for table in tables(chart)]
    assert found == [["c", "c0", "c1", "c2", "c3"], ["c", "c0", "c1", "c2", "c3"], ["c", "c0", "c1", "c2"], ["c"]]
    text = "\n".join(dot_lines(chart))
    assert '"raw.orders":c0:e -> "stg.orders":c0:w [color="#0969da", penwidth=1.5, tooltip=' in text
    assert re.search(r'"stg.orders":c2:e -> "mart.revenue":c:w \[[^]]*style=dashed', text)
    assert '"raw.orders":c:e -> "mart.revenue":c:w;' in text


def test_graphviz_names_cannot_break_out() -> None:
    chart = column_chart(NASTY_SCOPE, "")
    assert "a\"b<c>&d'e`f\\g h{i}|j#k]lm[31m]]>-->日本" in [
        "".join(cell.itertext()) for cell in tables(chart)[0].iter("td")
    ]
    for line in (*dot_lines(asset_chart(NASTY_SCOPE, "")), *dot_lines(chart)):
        assert line.isprintable()
        assert len(re.findall(r'(?<!\\)(?:\\\\)*"', line)) % 2 == 0, line
