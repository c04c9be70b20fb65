"""What we fix on every connection, because results depend on it, and how a new warehouse file is laid out.

Each setting is written out even where it is DuckDB's default: a default that changes with a DuckDB release, or that
a user's configuration changes, must not change data unseen. RESULTS belong to every definition, with the engine's
full version. After that the configuration is locked, so no statement can change it for its neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

PRIVATE = "_headwater"  # the schema of physical tables and of our own bookkeeping
LISTED = "slices"  # the table of the slices that each version of a sliced asset shows
SLICE = "_headwater_slice"  # the column of a store that says of which slice a row is
RESERVED = frozenset(["identity", "publications", LISTED])

RESULTS: Mapping[str, str] = MappingProxyType(
    {
        "Calendar": "gregorian",
        "binary_as_string": "false",
        "default_collation": "",
        "default_null_order": "NULLS_LAST",
        "default_order": "ASCENDING",
        "dialect_compatibility_mode": "NONE",
        "disable_timestamptz_casts": "false",
        "error_on_division_by_zero": "true",
        "ieee_floating_point_ops": "true",
        "integer_division": "false",
        "legacy_disable_null_type": "false",
        "order_by_non_integer_literal": "false",
        "pandas_analyze_sample": "1000000000",  # the type of an object column is decided by all of its rows
        "preserve_identifier_case": "preserve_case",
        "preserve_insertion_order": "true",
        "regex_match_operator_semantics": "partial",
        "scalar_subquery_error_on_multiple_rows": "true",
        "table_function_identifier_conversion": "DEFAULT",
    }
)

# What may change under way: neither decides results.
_UNLOCKED = ("threads", "enable_optimizer")

# Blocks of 64 KiB: a 10-row table takes 66 KiB of file, a quarter of what it takes in DuckDB's default blocks, and a
# large table is as small and as fast as in those. (In blocks of 16 KiB it takes 17 KiB, but compression fails large
# tables: 2.7 times the file, two to four times as long to write.) The storage version is one that tools with
# DuckDB 1.5 can open, and that holds every type but unnamed structs.
NEW_FILE: Mapping[str, str] = MappingProxyType(
    {"default_block_size": "65536", "storage_compatibility_version": "v1.5.0"}
)

# Set before the database starts: nothing is downloaded, and a Python variable is never taken for a table.
AT_START: Mapping[str, str] = MappingProxyType(
    {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "python_enable_replacements": "false",
        "threads": "1",
    }
)


def settings_sql(timezone: str, folders: Sequence[Path] | None) -> str:
    """Return the statements that fix the configuration of an opened database and lock it."""
    values = {**RESULTS, "TimeZone": timezone}
    statements = [f"set global {name} = {literal(value)}" for name, value in values.items()]
    if folders is not None:
        allowed = ", ".join(literal(f"{folder.resolve()}/") for folder in folders)
        statements += [f"set global allowed_directories = [{allowed}]", "set global enable_external_access = false"]
    unlocked = ", ".join(map(literal, _UNLOCKED))
    statements += [f"set global allowed_configs = [{unlocked}]", "set global lock_configuration = true"]
    return ";\n".join(statements)


def result_settings(connection: duckdb.DuckDBPyConnection, timezone: str) -> Mapping[str, str]:
    """Return all that decides results: the engine with its version and build, and the fixed settings."""
    [(version, source)] = connection.execute("select library_version, source_id from pragma_version()").fetchall()
    return MappingProxyType({"engine": f"duckdb {version} {source}", **RESULTS, "TimeZone": timezone})


def literal(text: str) -> str:
    """Return `text` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return `name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
