"""Pure: graph, SQL reads, column lineage, fingerprints, records, Merkle tree. Never opens a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headwater.lineage.sql.analyse import analyse_script, analyse_sql
    from headwater.lineage.sql.catalog import SqlCatalog

__all__ = ["SqlCatalog", "analyse_script", "analyse_sql"]

_HOMES = {
    "analyse_script": "headwater.lineage.sql.analyse",
    "analyse_sql": "headwater.lineage.sql.analyse",
    "SqlCatalog": "headwater.lineage.sql.catalog",
}


def __getattr__(name: str) -> object:
    # On use only: the SQL parser costs 150 ms to import, and a warm `headwater stale` never parses.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
