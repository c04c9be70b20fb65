"""What would bypass the graph: read something that no upstream version stands for. Each is a declaration error."""

from __future__ import annotations

import re
from typing import Any, Final

from sqlglot import exp

from headwater.lineage.sql import functions
from headwater.lineage.sql.context import Resolution, start_of
from headwater.lineage.sql.model import TableReference

SYSTEM_SCHEMAS: Final = frozenset(["information_schema", "pg_catalog", "system", "temp"])
SYSTEM_TABLES: Final = re.compile(r"(duckdb_|pragma_|sqlite_|pg_)\w+$")
FILE_NAME: Final = re.compile(
    r"(.*[/\\*].*|.*\.(csv|tsv|txt|json|jsonl|ndjson|parquet|db|duckdb|arrow|xlsx)(\.gz|\.zst)?)$", re.I
)
USE_FILE: Final = "Declare the file as an external asset, or read it with read_csv('...') and the like."


def check_table(resolution: Resolution, reference: TableReference) -> None:
    """Refuse system catalogues, attached databases and files in place of a table."""
    name, parts = reference.name, reference.parts
    if resolution.catalog.knows(name):
        return
    start = None if reference.start < 0 else reference.start
    text = resolution.query.text
    if (start is not None and text[start : start + 1] == "'") or (len(parts) == 1 and FILE_NAME.match(parts[0])):
        resolution.problem(f"'{parts[-1]}' reads a file behind the graph's back.", start, USE_FILE, refused=True)
    elif resolution.query.dialect != "duckdb":
        return
    elif any(part in SYSTEM_SCHEMAS for part in parts[:-1]) or SYSTEM_TABLES.match(parts[-1]):
        message = f"{'.'.join(parts)} is a system catalogue, which is not versioned."
        resolution.problem(message, start, "Read declared assets only.", refused=True)
    elif len(parts) > 2 and not _default_database(resolution, parts):
        message = f"{'.'.join(parts)} names a table of an attached database."
        resolution.problem(message, start, "Refer to assets as schema.table.", refused=True)


def _default_database(resolution: Resolution, parts: tuple[str, ...]) -> bool:
    default = resolution.naming.default_catalog
    return default is not None and parts[0] == default.lower()


def check_table_function(resolution: Resolution, call: Any, name: str) -> bool:
    """Refuse table functions that nobody can trace; return whether it is one that reads files."""
    start = start_of(call)
    if name in functions.FILE_FUNCTIONS or isinstance(call, (exp.ReadCSV, exp.ReadParquet)):
        _check_paths(resolution, call, name, start)
        return True
    if name in ("query", "query_table"):
        message = f"{name}(...) builds its SQL at run time, so what it reads cannot be known."
        resolution.problem(message, start, "Write the tables out.", refused=True)
    elif SYSTEM_TABLES.match(name):
        message = f"{name}() shows the state of the engine, which is not versioned."
        resolution.problem(message, start, "Read declared assets only.", refused=True)
    elif name not in functions.TABLE_FUNCTIONS and name not in functions.SPREADING and not _known(resolution, name):
        message = f"What the table function {name}(...) reads is not known."
        resolution.problem(
            message, start, "Declare its data as an external asset, or make it a Python asset.", refused=True
        )
    return False


def _known(resolution: Resolution, name: str) -> bool:
    """Whether it is a function of another engine that takes its arguments apart and reads nothing else."""
    return resolution.query.dialect != "duckdb" and name in functions.TAKING_APART


def _check_paths(resolution: Resolution, call: Any, name: str, start: int | None) -> None:
    paths = call.args.get("this") if not isinstance(call, exp.Anonymous) else None
    arguments = call.args.get("expressions") or []
    first = paths if isinstance(paths, exp.Expr) else (arguments[0] if arguments else None)
    if isinstance(first, list):
        first = first[0] if first else None
    items = first.expressions if isinstance(first, exp.Array) else [first]
    for item in items:
        if isinstance(item, exp.Literal) and item.is_string:
            resolution.files.append(item.name)
        else:
            message = f"{name}(...) reads a path that is computed, so what it reads cannot be known."
            resolution.problem(message, start, "Give the path as text, or declare an external asset.", refused=True)
