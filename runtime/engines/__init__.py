"""Engines by name. Importing this package imports no engine: a driver is loaded when it is opened."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import cast

from headwater.assets.errors import RequestError, ResourceError
from headwater.runtime.engines.engine import OpenWarehouse
from headwater.runtime.installed import installed_version

ENGINES: Mapping[str, str] = MappingProxyType(
    {
        "duckdb": "headwater.runtime.engines.duckdb:open_warehouse",
    }
)


def result_settings(kind: str, timezone: str) -> Mapping[str, str]:
    """Return all about an engine that decides results, without loading its driver: its version and fixed settings."""
    from headwater.runtime.engines.duckdb_settings import RESULTS

    return MappingProxyType({"engine": f"{kind} {installed_version(kind)}", **RESULTS, "TimeZone": timezone})


def open_engine(kind: str) -> OpenWarehouse:
    """Return the function that opens warehouses of this kind, importing its driver now.

    Raises RequestError for an unknown kind and ResourceError where the driver is not installed.
    """
    if kind not in ENGINES:
        raise RequestError(f"There is no engine {kind!r}.", f"Engines: {', '.join(sorted(ENGINES))}.")
    module, _, name = ENGINES[kind].partition(":")
    try:
        return cast(OpenWarehouse, getattr(import_module(module), name))
    except ImportError as error:
        raise ResourceError(
            f"The engine {kind} cannot be loaded: {error}.", f"Install its driver, such as `pip install {kind}`."
        ) from error
