"""Small charts to draw, and what of names is hardest to write down."""

from __future__ import annotations

from headwater.assets.key import AssetKey
from headwater.lineage.column_graph import ColumnEdge, ColumnRef, OpenEnd
from headwater.lineage.exporters.chart import Scope
from headwater.lineage.sql.analysis import Transformation

RAW, ORDERS, REVENUE, MODEL = (AssetKey(name) for name in ("raw.orders", "stg.orders", "mart.revenue", "mart.model"))
NASTY = "a\"b<c>&d'e`f\\g\nh{i}|j#k]l\x07m\x1b[31m]]>-->日本"


def ref(text: str) -> ColumnRef:
    """Return the column written as `stg.orders.day`; `stg.orders.*` are the rows."""
    asset, _, column = text.rpartition(".")
    return ColumnRef(AssetKey(asset), column)


def edge(
    source: str, target: str, kind: Transformation, *, indirect: bool = False, masking: bool = False
) -> ColumnEdge:
    """Return an edge between columns written as in `ref`."""
    return ColumnEdge(ref(source), ref(target), kind, indirect, masking)


def open_end(source: str, target: str, reason: str = "a Python function") -> OpenEnd:
    """Return an open end between columns written as in `ref`."""
    return OpenEnd(ref(source), ref(target), reason)


SCOPE = Scope(
    kinds=((RAW, "external"), (ORDERS, "table"), (REVENUE, "view"), (MODEL, "table")),
    edges=((RAW, ORDERS), (ORDERS, REVENUE), (ORDERS, MODEL), (RAW, REVENUE)),
    columns={
        RAW: (("id", "bigint", ()), ("email", "varchar", ("pii",)), ("at", "timestamp", ()), ("price", None, ())),
        ORDERS: (("id", "bigint", ()), ("who", "varchar", ()), ("day", "date", ()), ("amount", "decimal(16,2)", ())),
        REVENUE: (("day", "date", ()), ("amount", "decimal(38,2)", ()), ("orders", "bigint", ())),
    },
    column_edges=(
        edge("raw.orders.id", "stg.orders.id", "IDENTITY"),
        edge("raw.orders.email", "stg.orders.who", "TRANSFORMATION", masking=True),
        edge("raw.orders.at", "stg.orders.day", "TRANSFORMATION"),
        edge("raw.orders.price", "stg.orders.amount", "TRANSFORMATION"),
        edge("raw.orders.price", "stg.orders.amount", "CONDITIONAL", indirect=True),
        edge("stg.orders.day", "mart.revenue.day", "IDENTITY"),
        edge("stg.orders.day", "mart.revenue.*", "GROUP_BY", indirect=True),
        edge("stg.orders.who", "mart.revenue.*", "FILTER", indirect=True),
        edge("stg.orders.amount", "mart.revenue.amount", "AGGREGATION"),
    ),
    open_ends=(open_end("stg.orders.amount", "mart.model.*"),),
)
