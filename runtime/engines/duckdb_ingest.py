"""Taking a source file in: the query that reads CSV, Parquet or JSON files with exactly the declared types.

Several files are one table, joined by column name, rows in the order of the sorted paths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import duckdb

from headwater.assets.asset import OptionValue, Source
from headwater.assets.errors import HeadwaterError, StepError
from headwater.runtime.engines import duckdb_csv
from headwater.runtime.engines.duckdb_errors import translated
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
from headwater.runtime.sources import source_files

_FORMATS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys((".csv", ".tsv", ".txt"), "csv"),
        **dict.fromkeys((".parquet", ".pq"), "parquet"),
        **dict.fromkeys((".json", ".jsonl", ".ndjson"), "json"),
    }
)

# By format: our names of reader options and DuckDB's.
OPTIONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "csv": duckdb_csv.OPTIONS,
        "parquet": MappingProxyType({"binary_as_string": "binary_as_string"}),
        "json": MappingProxyType(
            {
                "layout": "format",  # array | newline_delimited | unstructured
                **{name: name for name in ("compression", "dateformat", "timestampformat")},
            }
        ),
    }
)


def ingest(
    cursor: duckdb.DuckDBPyConnection, target: str, source: Source, path: Path, columns: Sequence[tuple[str, str]]
) -> None:
    """Create the table `target` from the file, folder or glob at `path` with the declared (name, type) `columns`.

    Raises StepError for a missing file, an unknown format or option, files that disagree, declared columns that are
    not there, and values that do not fit, with file and line where there are lines.
    """
    files = source_files(path)
    format_ = source_format(source, files)
    options = _options(source, format_)
    try:
        query = _query(cursor, format_, files, options, columns)
        cursor.execute(f"create table {target} as {query}")
    except duckdb.Error as error:
        raise _ingest_error(error, format_, files, options) from error


def source_format(source: Source, files: Sequence[Path]) -> str:
    """Return csv, parquet or json: as declared, or from the name of the first file."""
    if source.format is not None:
        if source.format not in OPTIONS:
            raise StepError(f"There is no file format {source.format!r}.", f"Formats: {', '.join(OPTIONS)}.")
        return source.format
    found = [_FORMATS[suffix.lower()] for suffix in files[0].suffixes if suffix.lower() in _FORMATS]
    if not found:
        raise StepError(f"The format of {files[0].name} cannot be told from its name.", "Declare `format: csv`.")
    return found[-1]


def _query(
    cursor: duckdb.DuckDBPyConnection,
    format_: str,
    files: Sequence[Path],
    options: Mapping[str, str],
    columns: Sequence[tuple[str, str]],
) -> str:
    if format_ == "csv":
        return duckdb_csv.csv_query(cursor, files, options, columns)
    if format_ == "parquet":
        return _parquet_query(cursor, files, options, columns)
    return _json_query(cursor, files, options, columns)


def _parquet_query(
    cursor: duckdb.DuckDBPyConnection,
    files: Sequence[Path],
    options: Mapping[str, str],
    columns: Sequence[tuple[str, str]],
) -> str:
    found = columns_in(cursor, files[0], lambda file: _call("parquet", options, [file]))
    for file in files[1:]:
        require_same_columns(files[0], found, file, columns_in(cursor, file, lambda f: _call("parquet", options, [f])))
    declared = spelled_as_found(found, columns, files[0])
    return f"select {cast_sql(found, declared)} from {_call('parquet', {**options, 'union_by_name': 'true'}, files)}"


def _json_query(
    cursor: duckdb.DuckDBPyConnection,
    files: Sequence[Path],
    options: Mapping[str, str],
    columns: Sequence[tuple[str, str]],
) -> str:
    """Return the query over JSON, where a key that a record lacks is NULL. Types are inferred from every record.

    DuckDB parses a number with a fraction as a double. Declared decimals go through its text, so that 0.1 stays 0.1;
    more than 15 digits are exact only where they are delivered as strings.
    """
    inferring = {**options, "sample_size": "-1", "maximum_depth": "-1", "union_by_name": "true"}
    found = described(cursor, f"select * from {_call('json', inferring, files)}")
    declared = spelled_as_found(found, columns, files[0])
    decimals = {name: type_ for name, type_ in declared.items() if type_.lower().startswith(("decimal", "numeric"))}
    types = struct_sql({**found, **declared, **dict.fromkeys(decimals, "varchar")})
    return f"select {cast_sql(found, decimals)} from {_call('json', {**options, 'columns': types}, files)}"


def _call(format_: str, options: Mapping[str, str], files: Sequence[Path]) -> str:
    arguments = "".join(f", {name} = {value}" for name, value in options.items())
    return f"read_{format_}({paths_sql(files)}{arguments})"


def _options(source: Source, format_: str) -> dict[str, str]:
    known = OPTIONS[format_]
    unknown = [name for name, _ in source.options if name not in known]
    if unknown:
        raise StepError(f"{unknown[0]!r} is no option of {format_} files.", f"Options: {', '.join(known)}.")
    return {known[name]: _option_sql(value) for name, value in source.options}


def _option_sql(value: OptionValue) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_option_sql, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else literal(str(value))


def _ingest_error(
    error: duckdb.Error, format_: str, files: Sequence[Path], options: Mapping[str, str]
) -> HeadwaterError:
    found = duckdb_csv.csv_error(error, files, options) if format_ == "csv" else None
    if found is not None:
        return found
    plain = translated(error)
    if not isinstance(plain, StepError):
        return plain
    return StepError(f"{files[0].name}: {plain.message}" if len(files) == 1 else plain.message, plain.remedy)
