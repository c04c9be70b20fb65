"""Taking a source file in: the query that reads CSV, Parquet or JSON files with exactly the declared types.

The CSV dialect is fixed (comma, double quote, one header line) unless the source declares otherwise, and only types are
inferred, from every row. DuckDB's own detection would rather find another dialect in which a broken file is whole.
Several files are one table, joined by column name in the order of their sorted paths; all must have the same columns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import duckdb

from headwater.assets.asset import OptionValue, Source
from headwater.assets.errors import StepError
from headwater.runtime.engines.duckdb_settings import identifier, literal
from headwater.runtime.sources import source_files

_FORMATS: Mapping[str, str] = MappingProxyType(
    {
        ".csv": "csv",
        ".tsv": "csv",
        ".txt": "csv",
        ".parquet": "parquet",
        ".pq": "parquet",
        ".json": "json",
        ".jsonl": "json",
        ".ndjson": "json",
    }
)

# Our names of reader options and DuckDB's.
OPTIONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "csv": MappingProxyType(
            {
                "delimiter": "delim",
                "header": "header",
                "nullstr": "nullstr",
                "quote": "quote",
                "escape": "escape",
                "comment": "comment",
                "skip": "skip",
                "encoding": "encoding",
                "compression": "compression",
                "dateformat": "dateformat",
                "timestampformat": "timestampformat",
                "decimal_separator": "decimal_separator",
                "allow_quoted_nulls": "allow_quoted_nulls",
            }
        ),
        "parquet": MappingProxyType({"binary_as_string": "binary_as_string"}),
        "json": MappingProxyType(
            {
                "layout": "format",
                "compression": "compression",
                "dateformat": "dateformat",
                "timestampformat": "timestampformat",
            }
        ),
    }
)

_FIXED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "csv": MappingProxyType(
            {
                "sample_size": "-1",
                "header": "true",
                "quote": "'\"'",
                "escape": "'\"'",
                "comment": "''",
                "skip": "0",
                "strict_mode": "true",
                "null_padding": "false",
                "ignore_errors": "false",
                "normalize_names": "false",
                "union_by_name": "true",
            }
        ),
        "parquet": MappingProxyType({"union_by_name": "true"}),
        "json": MappingProxyType({"sample_size": "-1", "maximum_depth": "-1", "union_by_name": "true"}),
    }
)

_CSV_LINE = re.compile(r"CSV Error on Line: (\d+)")
_CSV_FILE = re.compile(r"^\s*file = (.*)$", re.MULTILINE)
_JSON_PLACE = re.compile(r'in file "([^"]+)", (?:at byte \d+ )?in (?:record/value|line|record) (\d+)')


def ingest_query(
    cursor: duckdb.DuckDBPyConnection, source: Source, path: Path, columns: Sequence[tuple[str, str]]
) -> str:
    """Return the query over the file, folder or glob at `path` with the declared (name, type) `columns`.

    Raises StepError for a missing file, an unknown format or option, files that disagree, and declared columns that
    are not there. Rows that do not fit raise when the query runs; see `source_errors`.
    """
    files = source_files(path)
    format_ = source_format(source, files)
    options = _options(source, format_, files)
    found = _columns(cursor, format_, files[0], options)
    for file in files[1:]:
        _require_same(files[0], found, file, _columns(cursor, format_, file, options))
    declared = _declared(found, columns, files[0])
    return _reader(format_, files, options, found, declared)


def source_format(source: Source, files: Sequence[Path]) -> str:
    """Return csv, parquet or json: as declared, or from the name of the first file."""
    if source.format is not None:
        if source.format not in OPTIONS:
            raise StepError(f"There is no file format {source.format!r}.", f"Formats: {', '.join(OPTIONS)}.")
        return source.format
    suffixes = [suffix.lower() for suffix in files[0].suffixes if suffix.lower() in _FORMATS]
    if not suffixes:
        raise StepError(f"The format of {files[0].name} cannot be told from its name.", "Declare `format: csv`.")
    return _FORMATS[suffixes[-1]]


def _options(source: Source, format_: str, files: Sequence[Path]) -> dict[str, str]:
    options = dict(_FIXED[format_])
    if format_ == "csv":
        options["delim"] = r"'\t'" if ".tsv" in files[0].suffixes else "','"
    for name, value in source.options:
        if name not in OPTIONS[format_]:
            raise StepError(f"{name!r} is no option of {format_} files.", f"Options: {', '.join(OPTIONS[format_])}.")
        options[OPTIONS[format_][name]] = _option_sql(value)
    return options


def _option_sql(value: OptionValue) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_option_sql, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else literal(str(value))


def _columns(cursor: duckdb.DuckDBPyConnection, format_: str, file: Path, options: Mapping[str, str]) -> dict[str, str]:
    query = f"{_reader_call(format_, [file], options)} limit 0"
    return {name: str(type_) for name, type_, *_ in cursor.execute(query).description}


def _require_same(first: Path, expected: Mapping[str, str], file: Path, found: Mapping[str, str]) -> None:
    if expected.keys() == found.keys():
        return
    missing, unexpected = expected.keys() - found.keys(), found.keys() - expected.keys()
    told = [f"lacks {_list(missing)}"] * bool(missing) + [f"has also {_list(unexpected)}"] * bool(unexpected)
    raise StepError(
        f"{file.name} {' and '.join(told)}, compared with {first.name}.",
        "Files of one table need the same columns: repair the file, or declare two sources.",
    )


def _declared(found: Mapping[str, str], columns: Sequence[tuple[str, str]], file: Path) -> dict[str, str]:
    """Return the declared types by the file's own spelling of the names; names compare without case, as in SQL."""
    spelling = {name.lower(): name for name in found}
    missing = [name for name, _ in columns if name.lower() not in spelling]
    if missing:
        names = {name.lower() for name, _ in columns}
        unexpected = [name for name in found if name.lower() not in names]
        also = f" The file has {_list(unexpected)}, which no column is declared for." if unexpected else ""
        raise StepError(
            f"{file.name} lacks the declared column{'s' if len(missing) > 1 else ''} {_list(missing)}.{also}",
            "Repair the file, or change the declared columns.",
        )
    return {spelling[name.lower()]: type_ for name, type_ in columns}


def _reader(
    format_: str, files: Sequence[Path], options: Mapping[str, str], found: Mapping[str, str], declared: dict[str, str]
) -> str:
    if format_ == "csv":
        extra = {"types": _struct(declared)} if declared else {}
        return _reader_call(format_, files, {**options, **extra})
    if format_ == "json" and declared:  # typed while parsing: an inferred double would round a decimal first
        return _reader_call(format_, files, {**options, "columns": _struct({**found, **declared})})
    replaced = ", ".join(f"cast({identifier(n)} as {t}) as {identifier(n)}" for n, t in declared.items())
    call = _reader_call(format_, files, options)
    return call.replace("select *", f"select * replace ({replaced})", 1) if declared else call


def _reader_call(format_: str, files: Sequence[Path], options: Mapping[str, str]) -> str:
    paths = ", ".join(literal(str(file)) for file in files)
    arguments = "".join(f", {name} = {value}" for name, value in options.items())
    return f"select * from read_{format_}([{paths}]{arguments})"


def _struct(types: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{literal(name)}: {literal(type_)}" for name, type_ in types.items()) + "}"


def _list(names: Sequence[str] | set[str]) -> str:
    return ", ".join(sorted(names) if isinstance(names, set) else names)
