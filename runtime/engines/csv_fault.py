"""Where is this CSV file broken? Read again, slowly, after an engine has refused it."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the file should be read. `skip` counts lines before the header."""

    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """The first line (counted from 1) that does not fit, and why."""

    line: int
    message: str


def find_fault(path: Path, dialect: Dialect) -> Fault | None:
    """Return the first fault of the file, or None where none is found or the file cannot be opened as text."""
    try:
        with _open(path, dialect.encoding) as file:
            return _ragged(file, dialect) or _mixed_line_ends(path, dialect.encoding)
    except (OSError, LookupError):
        return None


def _ragged(file: TextIO, dialect: Dialect) -> Fault | None:
    for _ in range(dialect.skip):
        file.readline()
    reader = csv.reader(file, delimiter=dialect.delimiter, quotechar=dialect.quote or "\0", strict=True)
    width, start = 0, dialect.skip + 1
    try:
        for row in reader:
            width = width or len(row)
            if len(row) != width and (row or width == 1):
                return Fault(start, f"expected {width} values, found {len(row)}") if row else None
            start = dialect.skip + reader.line_num + 1
    except csv.Error as error:
        return Fault(start, str(error))
    except UnicodeDecodeError as error:
        return Fault(start, f"near here the bytes are not {error.encoding}")
    return Fault(start, "there is no header line") if width == 0 else None


def _mixed_line_ends(path: Path, encoding: str) -> Fault | None:
    with _open(path, encoding) as file:
        return _first_other_end(file)


def _first_other_end(lines: Iterable[str]) -> Fault | None:
    first: str | None = None
    for number, line in enumerate(lines, 1):
        end = line[len(line.rstrip("\r\n")) :][-2:]
        if first is None:
            first = end
        elif end and end != first:
            return Fault(number, "the line does not end as those before it do (CR, LF or both)")
    return None


def _open(path: Path, encoding: str) -> TextIO:
    """Open the file with its line ends as they are; gzip is the one compression that needs no further library."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding=encoding, newline="")
    return path.open(encoding=encoding, newline="")
