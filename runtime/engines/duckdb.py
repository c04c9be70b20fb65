"""The DuckDB warehouse: one file, one process, physical relations behind pointer views, a marker for each publication.

_headwater.identity       one row: who this warehouse is
_headwater.publications   one marker row per publication, written in the transaction that swaps the views
_headwater."..."          physical tables and views, immutable once built
schema.table              pointer views, with an explicit column list, over physical relations
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import duckdb

from headwater.assets.errors import HeadwaterError, ResourceError, WarehouseInvalid
from headwater.runtime.engines import duckdb_publish, duckdb_slices, file_token
from headwater.runtime.engines.duckdb_errors import engine_errors, open_error
from headwater.runtime.engines.duckdb_fingerprint import canary_sql
from headwater.runtime.engines.duckdb_session import DuckDBSession
from headwater.runtime.engines.duckdb_settings import (
    AT_START,
    NEW_FILE,
    PRIVATE,
    RESERVED,
    identifier,
    literal,
    result_settings,
    settings_sql,
)
from headwater.runtime.engines.engine import Publication

LAYOUT = 1  # of the private schema; a higher one was written by a newer Headwater
_MAGIC = slice(8, 12)


def open_warehouse(
    path: Path, *, new_identity: str, timezone: str = "UTC", folders: Sequence[Path] | None = None
) -> DuckDBWarehouse:
    """Open the warehouse at `path` for this process alone; implements `OpenWarehouse`.

    A missing file is made elsewhere and linked into place whole, so a crash leaves no half-made warehouse. A DuckDB
    file that Headwater has not seen is taken over as it is: only the private schema is added.
    """
    file_token.hold(path)
    try:
        if not path.exists():
            _create(path, new_identity)
        _require_duckdb(path)
        opened = _opened(path, new_identity, timezone, folders)
        _discard_drafts(path)
        return opened
    except BaseException:
        file_token.release(path)
        raise


class DuckDBWarehouse:
    """Implements `Warehouse`. `session` and `publish` may be called from any thread."""

    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection, settings: Mapping[str, str]) -> None:
        self._path = path
        self._connection = connection
        self._settings = settings
        self._guard = threading.Lock()
        self._sessions: list[DuckDBSession] = []
        self._closed = False
        self._token = ""
        with engine_errors():
            self._identity = _one(connection, f"select id from {PRIVATE}.identity")
            self._algorithm = f"duckdb-1:{int(_one(connection, canary_sql())):016x}"
            self._publisher = duckdb_publish.Publisher(connection.cursor())

    @property
    def identity(self) -> str:
        return self._identity

    @property
    def settings(self) -> Mapping[str, str]:
        return self._settings

    def last_publication(self) -> int:
        return self._publisher.last_number()

    def session(self) -> DuckDBSession:
        with self._guard, engine_errors():
            session = DuckDBSession(self._connection.cursor(), self._identity, self._algorithm)
            self._sessions.append(session)
            return session

    def publish(self, publication: Publication) -> None:
        self._publisher.publish(publication)

    def foreign_names(self) -> Mapping[tuple[str, str], str]:
        return self._publisher.foreign_names()

    def is_published(self, publication_id: str) -> bool:
        return self._publisher.is_published(publication_id)

    def pointers(self) -> Mapping[tuple[str, str], str]:
        return self._publisher.pointers()

    def physical_names(self) -> frozenset[str]:
        return frozenset(self._physical())

    def drop(self, names: Sequence[str]) -> None:
        kinds = self._physical()
        there = [name for name in names if name in kinds]
        statements = [f"drop {kinds[name]} {PRIVATE}.{identifier(name)}" for name in there]
        kept = [store for store in self._stores() if store not in names] if there else []
        if kept:
            statements.append(duckdb_slices.unlisted_sql(there))  # `delete` sorts before `drop`, so runs last
        self._publisher.transaction(sorted(statements, reverse=True))  # views before the tables they read
        self._publisher.transaction([duckdb_slices.waste_sql(store) for store in kept])

    def use_threads(self, count: int) -> None:
        """Set how many threads one statement may use, for the whole warehouse. One is best for tiny tables."""
        with self._guard, engine_errors():
            self._connection.execute(f"set threads = {int(count)}")

    def close(self) -> str:
        if not self._closed:
            self._closed = True
            with self._guard:
                for session in self._sessions:
                    session.close()
            try:
                with engine_errors(), suppress(duckdb.TransactionException):
                    self._connection.execute("checkpoint")  # a relation that a user still holds keeps the file open
            finally:
                self._publisher.close()
                self._connection.close()
                file_token.release(self._path)
            self._token = file_token.file_token(self._path) or ""
        return self._token

    def _stores(self) -> list[str]:
        with self._guard, engine_errors():
            return [name for (name,) in self._connection.execute(duckdb_slices.stores_sql()).fetchall()]

    def _physical(self) -> dict[str, str]:
        with self._guard, engine_errors():
            rows = self._connection.execute(
                "select table_name, case table_type when 'VIEW' then 'view' else 'table' end"
                " from information_schema.tables"
                f" where table_catalog = current_catalog() and table_schema = '{PRIVATE}'"
            ).fetchall()
        return {name: kind for name, kind in rows if name not in RESERVED}


def _opened(path: Path, new_identity: str, timezone: str, folders: Sequence[Path] | None) -> DuckDBWarehouse:
    try:
        connection = duckdb.connect(str(path), config={**AT_START, **NEW_FILE})
    except (duckdb.Error, OSError) as error:
        raise open_error(path, error) from error
    try:
        with engine_errors():
            connection.execute(settings_sql(timezone, folders))
            _adopt(path, connection, new_identity)
            return DuckDBWarehouse(path, connection, result_settings(connection, timezone))
    except HeadwaterError as error:
        connection.close()
        if isinstance(error, ResourceError):
            raise
        raise WarehouseInvalid(f"The warehouse {path} cannot be used: {error.message}", error.remedy) from error
    except BaseException:
        connection.close()
        raise


def _create(path: Path, identity: str) -> None:
    """Make a warehouse under another name, then link it into place; a process that did so first wins."""
    if (wal := path.with_name(path.name + ".wal")).exists():
        raise WarehouseInvalid(
            f"The warehouse {path} is gone but its log {wal.name} is there.",
            "Restore the warehouse next to it, or move the log away to start a new one.",
        )
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect(str(draft), config={**AT_START, **NEW_FILE})
        try:
            connection.execute(_layout_sql(identity))
        finally:
            connection.close()
        with suppress(FileExistsError):
            os.link(draft, path)
    except duckdb.Error as error:
        raise open_error(path, error) from error
    except OSError as error:
        raise ResourceError(
            f"The warehouse {path} cannot be made: {error.strerror}.", "Check the path and its permissions."
        ) from error
    finally:
        with suppress(OSError):
            draft.unlink()


def _discard_drafts(path: Path) -> None:
    """Remove what processes that died while they made a warehouse left beside it."""
    start = f".{path.name}."
    with suppress(OSError):
        for name in os.listdir(path.parent):
            if name.startswith(start) and ".new" in name and not _is_alive(name.removeprefix(start).split(".")[0]):
                path.with_name(name).unlink()


def _is_alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (ValueError, OSError):
        return True
    return True


def _adopt(path: Path, connection: duckdb.DuckDBPyConnection, new_identity: str) -> None:
    """Add the private schema to a DuckDB file without one. Raises WarehouseInvalid for a layout newer than ours."""
    try:
        layout = int(_one(connection, f"select layout from {PRIVATE}.identity"))
    except duckdb.CatalogException:
        connection.execute(_layout_sql(new_identity))
        return
    if layout > LAYOUT:
        raise WarehouseInvalid(f"The warehouse {path} was written by a newer Headwater.", "Upgrade Headwater.")


def _layout_sql(identity: str) -> str:
    return (
        f"begin; create schema {PRIVATE};"
        f" create table {PRIVATE}.identity as select {literal(identity)} as id, {LAYOUT} as layout;"
        f" create table {PRIVATE}.publications"
        "(id varchar primary key, number bigint not null, environment varchar not null);"
        " commit"
    )


def _require_duckdb(path: Path) -> None:
    """Raise WarehouseInvalid for a file that is not DuckDB's: given an SQLite file, DuckDB would fetch an extension."""
    try:
        with path.open("rb") as file:
            magic = file.read(_MAGIC.stop)[_MAGIC]
    except OSError as error:
        raise ResourceError(
            f"The warehouse {path} cannot be opened: {error.strerror}.", "Check the path and its permissions."
        ) from error
    if magic != b"DUCK":
        raise WarehouseInvalid(
            f"{path} is not a DuckDB file.", "Point [engine] path at another file, or move this one away."
        )


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    rows = connection.execute(sql).fetchall()
    if len(rows) != 1:
        raise WarehouseInvalid("The warehouse has no identity.", "Restore it from a backup.")
    return str(rows[0][0])
