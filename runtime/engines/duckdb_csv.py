"""Reading CSV with DuckDB so that nothing is guessed but types, and types only where every value agrees.

Left alone, DuckDB looks for a dialect in which a broken file is whole, and for a date format in which 01/02/2020 is a
date. Here the dialect is fixed (comma, double quote, one header line) unless the source declares another, dates and
timestamps are ISO 8601 unless it declares a format, and a column is inferred from all of its values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import duckdb

from headwater.assets.errors import StepError
from headwater.runtime.engines.csv_fault import Dialect, find_fault
from headwater.runtime.engines.duckdb_settings import literal
from headwater.runtime.engines.duckdb_tables import (
    cast_sql,
    columns_in,
    described,
    paths_sql,
    require_same_columns,
    spelled_as_found,
    struct_sql,
)

# Our names of reader options and DuckDB's.
OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "delimiter": "delim",
        "null_values": "nullstr",
        **{name: name for name in ("header", "quote", "escape", "comment", "skip", "encoding")},
        **{name: name for name in ("compression", "dateformat", "timestampformat", "decimal_separator")},
        "allow_quoted_nulls": "allow_quoted_nulls",
    }
)

_FIXED: Mapping[str, str] = MappingProxyType(
    {
        "header": "true",
        "quote": "'\"'",
        "escape": "'\"'",
        "comment": "''",
        "skip": "0",
        "dateformat": "'%Y-%m-%d'",
        "strict_mode": "true",
        "null_padding": "false",
        "ignore_errors": "false",
        "normalize_names": "false",
    }
)

_LINE = re.compile(r"CSV Error on Line: (\d+)")
_FILE = re.compile(r"^\s*file = (.*)$", re.MULTILINE)
_SNIFFED = re.compile(r'Error when sniffing file "(.*)"\.')
_REASON = re.compile(
    r"Expected Number of Columns: \d+ Found: \d+"
    r"|Error when converting column \"[^\n]*"
    r"|Value with unterminated quote found"
    r"|Invalid unicode[^.\n]*"
    r"|Maximum line size of \d+ bytes exceeded"
)


def csv_query(
    cursor: duckdb.DuckDBPyConnection,
    files: Sequence[Path],
    options: Mapping[str, str],
    columns: Sequence[tuple[str, str]],
) -> str:
    """Return the query that reads `files` as one table, with the declared (name, type) `columns`.

    `options` are DuckDB's names with SQL values. Without a header line the declared names count by position.
    """
    base = {**_FIXED, "delim": r"'\t'" if ".tsv" in files[0].suffixes else "','", **options}
    if base["header"] == "false" and columns:
        base["names"] = f"[{', '.join(literal(name) for name, _ in columns)}]"
    names = columns_in(cursor, files[0], lambda file: _call(_names_only(base), [file]))
    for file in files[1:]:
        found = columns_in(cursor, file, lambda file: _call(_names_only(base), [file]))
        require_same_columns(files[0], names, file, found)
    declared = spelled_as_found(names, columns, files[0])
    inferred = {} if len(declared) == len(names) else _inferred(cursor, files, base)
    types = {name: declared.get(name) or inferred[name] for name in names}
    cast = {} if "timestampformat" in options else {n: t for n, t in types.items() if _is_timestamp(t)}
    read = {**types, **dict.fromkeys(cast, "varchar")}
    call = _call({**base, "types": struct_sql(read), "union_by_name": "true"}, files)
    return f"select {cast_sql(names, cast)} from {call}"


def csv_error(error: duckdb.Error, files: Sequence[Path], options: Mapping[str, str]) -> StepError | None:
    """Return where and why a CSV file is broken, or None where `error` does not say that one is."""
    text = str(error)
    line, sniffed = _LINE.search(text), _SNIFFED.search(text)
    reason = _REASON.search(text)
    if line and reason:
        named = _FILE.search(text)
        file = Path(named[1]) if named else files[0]
        return StepError(
            f"{file.name}, line {line[1]}: {_sentence(reason[0])}.", "Repair the file, or its declaration."
        )
    suspects = [Path(sniffed[1])] if sniffed else files if line or "CSV" in text else []
    for file in suspects:
        fault = find_fault(file, _dialect(file, options))
        if fault is not None:
            return StepError(
                f"{file.name}, line {fault.line}: {fault.message}.", "Repair the file, or its declaration."
            )
    if suspects:
        return StepError(
            f"{suspects[0].name} cannot be read as CSV with the declared options.",
            "Compare its delimiter, quotes and encoding with the declaration.",
        )
    return None


def _inferred(cursor: duckdb.DuckDBPyConnection, files: Sequence[Path], base: Mapping[str, str]) -> dict[str, str]:
    """Return the type of each column that fits all values of all files; a file without rows has no say."""
    inferred: dict[str, str] = {}
    for file in files:
        found = _sniffed(cursor, file, base)
        if not inferred or found == inferred:
            inferred = inferred or found
        elif not _has_rows(cursor, file, base):
            continue
        else:
            inferred = {name: _common(cursor, kind, found[name]) for name, kind in inferred.items()}
    return inferred


def _sniffed(cursor: duckdb.DuckDBPyConnection, file: Path, base: Mapping[str, str]) -> dict[str, str]:
    arguments = "".join(f", {name} = {value}" for name, value in base.items())
    [(columns, format_)] = cursor.execute(
        f"select Columns, TimestampFormat from sniff_csv({paths_sql([file])[1:-1]}, sample_size = -1{arguments})"
    ).fetchall()
    guessed = format_ is not None and "timestampformat" not in base
    return {c["name"]: "VARCHAR" if guessed and _is_timestamp(c["type"]) else c["type"] for c in columns}


def _has_rows(cursor: duckdb.DuckDBPyConnection, file: Path, base: Mapping[str, str]) -> bool:
    return bool(cursor.execute(f"select 1 from {_call(_names_only(base), [file])} limit 1").fetchall())


def _common(cursor: duckdb.DuckDBPyConnection, one: str, other: str) -> str:
    if one == other:
        return one
    return described(cursor, f"select null::{one} as c union all select null::{other}")["c"]


def _names_only(base: Mapping[str, str]) -> dict[str, str]:
    return {**base, "all_varchar": "true"}


def _call(options: Mapping[str, str], files: Sequence[Path]) -> str:
    arguments = "".join(f", {name} = {value}" for name, value in options.items())
    return f"read_csv({paths_sql(files)}{arguments})"


def _is_timestamp(type_: str) -> bool:
    return type_.lower().startswith(("timestamp", "datetime"))


def _sentence(reason: str) -> str:
    found = re.fullmatch(r"Expected Number of Columns: (\d+) Found: (\d+)", reason)
    return f"expected {found[1]} values, found {found[2]}" if found else reason.rstrip(". ")


def _dialect(file: Path, options: Mapping[str, str]) -> Dialect:
    def text(name: str, default: str) -> str:
        return options[name][1:-1].replace("''", "'").replace(r"\t", "\t") if name in options else default

    return Dialect(
        delimiter=text("delim", "\t" if ".tsv" in file.suffixes else ","),
        quote=text("quote", '"'),
        encoding=text("encoding", "utf-8"),
        skip=int(options.get("skip", "0")),
    )
