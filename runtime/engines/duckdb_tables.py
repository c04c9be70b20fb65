"""What readers of source files have in common: the columns of a file, compared with another's and the declared ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

import duckdb

from headwater.assets.errors import StepError
from headwater.runtime.engines.duckdb_settings import identifier, literal
from headwater.runtime.engines.duckdb_values import describe

_WILDCARDS = str.maketrans({"[": "[[]", "*": "[*]", "?": "[?]"})


def paths_sql(files: Sequence[Path]) -> str:
    """Return the files as an SQL list of paths, in which no character is a wildcard."""
    return f"[{', '.join(literal(str(file).translate(_WILDCARDS)) for file in files)}]"


def struct_sql(types: Mapping[str, str]) -> str:
    """Return names and types as the SQL struct that readers take."""
    return "{" + ", ".join(f"{literal(name)}: {literal(type_)}" for name, type_ in types.items()) + "}"


def cast_sql(names: Iterable[str], types: Mapping[str, str]) -> str:
    """Return the select list of `names`, those with an entry in `types` cast to it."""
    return ", ".join(
        f"cast({identifier(name)} as {types[name]}) as {identifier(name)}" if name in types else identifier(name)
        for name in names
    )


def described(cursor: duckdb.DuckDBPyConnection, query: str) -> dict[str, str]:
    """Return the columns of a query: name to type, in order. Nothing is computed but what it takes to know them."""
    return {name: str(type_) for name, type_ in describe(cursor, f"(\n{query}\n)")}


def columns_in(cursor: duckdb.DuckDBPyConnection, file: Path, reader: Callable[[Path], str]) -> dict[str, str]:
    """Return the columns of one file as `reader` reads it: name to type."""
    return described(cursor, f"select * from {reader(file)}")


def require_same_columns(first: Path, expected: Collection[str], file: Path, found: Collection[str]) -> None:
    """Raise StepError where two files of one table have different columns; their order does not matter."""
    missing = [name for name in expected if name not in found]
    unexpected = [name for name in found if name not in expected]
    told = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"has also {', '.join(unexpected)}"] * bool(unexpected)
    if told:
        raise StepError(
            f"{file.name} {' and '.join(told)}, compared with {first.name}.",
            "Files of one table need the same columns: repair the file, or declare two sources.",
        )


def spelled_as_found(found: Collection[str], columns: Sequence[tuple[str, str]], file: Path) -> dict[str, str]:
    """Return the declared types by the file's own spelling of the names, which compare without case, as in SQL.

    Raises StepError for declared columns that the file lacks, naming also those it has that are not declared.
    """
    spelling = {name.lower(): name for name in found}
    missing = [name for name, _ in columns if name.lower() not in spelling]
    if missing:
        names = {name.lower() for name, _ in columns}
        unexpected = [name for name in found if name.lower() not in names]
        also = f" Unexpected: {', '.join(unexpected)}." if unexpected else ""
        raise StepError(
            f"{file.name} lacks the declared column{'s' if len(missing) > 1 else ''} {', '.join(missing)}.{also}",
            "Repair the file, or change the declared columns.",
        )
    return {spelling[name.lower()]: type_ for name, type_ in columns}
