"""Writing a table to a file, so that equal tables in equal order give equal bytes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

import duckdb

from headwater.assets.errors import ResourceError, StepError
from headwater.runtime.engines.duckdb_settings import literal

# JSON is one array, which every JSON reader takes; ndjson is one object per line.
_FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "csv": "format csv, header true",
        "parquet": "format parquet, compression snappy, row_group_size 122880",
        "json": "format json, array true",
        "ndjson": "format json, array false",
    }
)


def export_sql(relation: str, path: Path, format: str) -> str:
    """Return the statement that writes `relation` in its row order. Raises StepError for an unknown format."""
    if format not in _FORMATS:
        raise StepError(f"Files cannot be written as {format!r}.", f"Formats: {', '.join(_FORMATS)}.")
    return f"copy (select * from {relation}) to {literal(str(_part(path)))} ({_FORMATS[format]})"


def write_durably(cursor: duckdb.DuckDBPyConnection, statement: str, path: Path) -> None:
    """Run `statement` of `export_sql`; the file stands at `path` whole and on disk, or not at all.

    Raises ResourceError where the folder cannot be written.
    """
    part = _part(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        cursor.execute(statement)
        _fsync(part)
        os.replace(part, path)
        _fsync(path.parent)
    except OSError as error:
        raise ResourceError(
            f"{path} cannot be written: {error.strerror}.", "Check the folder's permissions and room."
        ) from error
    finally:
        with suppress(OSError):
            part.unlink()


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
