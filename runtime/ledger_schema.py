"""The ledger's SQLite file: its tables, its guards, how it is opened, and what its errors mean.

The guards (no update, no delete, insert only at the end; the last also defeats INSERT OR REPLACE, which deletes
without firing delete triggers) are speed bumps against accidents. Whoever holds the file can drop them: what detects
a rewrite is the signed checkpoint, and above all one that someone else holds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from headwater.assets.errors import IntegrityError, ResourceError, StateDamaged, StateInvalid

SCHEMA_VERSION: Final = 1
APPLICATION_ID: Final = 0x48775472  # "HwTr": tells a ledger from any other SQLite file
BUSY_TIMEOUT_SECONDS: Final = 30.0
_NO_WRITE_ACCESS: Final = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
_GOOD_COPY: Final = "Put a good copy in its place; `headwater audit verify` says what a copy is worth."

LEDGER_TABLES: Final = ("entry", "node", "head", "checkpoint", "blob", "ephemera")

_TABLES: Final = (
    "CREATE TABLE entry (seq INTEGER PRIMARY KEY, body BLOB NOT NULL CHECK (typeof(body) = 'blob'))",
    """CREATE TABLE node (level INTEGER NOT NULL, position INTEGER NOT NULL, hash BLOB NOT NULL,
       PRIMARY KEY (level, position)) WITHOUT ROWID""",
    "CREATE TABLE head (stream TEXT PRIMARY KEY, count INTEGER NOT NULL, hash BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE checkpoint (size INTEGER PRIMARY KEY, note BLOB NOT NULL)",
    "CREATE TABLE blob (digest TEXT PRIMARY KEY, data BLOB NOT NULL)",
    "CREATE TABLE ephemera (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)


def _forbid(table: str, action: str) -> str:
    return (
        f"CREATE TRIGGER {table}_no_{action} BEFORE {action.upper()} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: {action} of {table} is refused'); END"
    )


def _only_when(table: str, condition: str) -> str:
    return (
        f"CREATE TRIGGER {table}_only_at_end BEFORE INSERT ON {table} WHEN NOT ({condition}) "
        f"BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: {table} grows only at its end'); END"
    )


_GUARDS: Final = (
    *(_forbid(table, action) for table in ("entry", "node", "checkpoint") for action in ("update", "delete")),
    _only_when("entry", "NEW.seq = (SELECT coalesce(max(seq), -1) + 1 FROM entry)"),
    _only_when("node", "NEW.position = (SELECT coalesce(max(position), -1) + 1 FROM node WHERE level = NEW.level)"),
    _only_when("checkpoint", "NEW.size > (SELECT coalesce(max(size), 0) FROM checkpoint)"),
    _forbid("blob", "update"),  # deleting one is retention's right, and shows as missing
    """CREATE TRIGGER blob_once BEFORE INSERT ON blob WHEN EXISTS (SELECT 1 FROM blob WHERE digest = NEW.digest)
       BEGIN SELECT RAISE(IGNORE); END""",
)


def create_schema(connection: sqlite3.Connection) -> None:
    """Create tables and guards inside the caller's transaction."""
    for statement in (*_TABLES, *_GUARDS):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def schema_changes(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return the names of tables and guards that are missing, altered or foreign on the ledger's own tables."""
    query = "SELECT name, sql FROM sqlite_master WHERE tbl_name IN ({}) AND sql IS NOT NULL".format(
        ", ".join(f"'{table}'" for table in LEDGER_TABLES)
    )
    pristine = sqlite3.connect(":memory:")
    try:
        create_schema(pristine)
        expected = set(pristine.execute(query))
    finally:
        pristine.close()
    found = set(connection.execute(query))
    return tuple(sorted({name for name, _ in expected ^ found}))


def connect_writer(path: Path) -> sqlite3.Connection:
    """Return a connection that makes each commit durable. Every statement outside BEGIN is its own transaction."""
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def prefer_wal(connection: sqlite3.Connection) -> None:
    """Let readers go on while someone writes. The mode stays with the file; a busy file gets it at a later open."""
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA journal_mode = WAL")


def connect_reader(path: Path) -> sqlite3.Connection:
    """Return a read-only connection, which works while a run writes, on a copy, and on read-only media.

    What a writer that was killed left of the transaction that makes the ledger is rolled back first. Raises
    StateInvalid where there is no file.
    """
    if not path.is_file():
        raise StateInvalid(f"There is no ledger at {path}.", "Run `headwater run` first, or check --project.")
    try:
        return _connect_uri(path, "mode=ro")
    except sqlite3.OperationalError as error:
        if _code(error) not in _NO_WRITE_ACCESS:
            raise
        if _is_there(path, "-journal"):
            _roll_back(path)
            return _connect_uri(path, "mode=ro")
        # Without write access to the folder SQLite cannot make the files that WAL readers share. Nobody else can
        # write there either, so the file may be taken as immutable; unless a log beside it holds newer entries.
        if _is_there(path, "-wal"):
            raise
        return _connect_uri(path, "mode=ro&immutable=1")


def _is_there(path: Path, suffix: str) -> bool:
    beside = path.with_name(path.name + suffix)
    return beside.exists() and beside.stat().st_size > 0


def _roll_back(path: Path) -> None:
    """Let SQLite undo half a transaction, which it does for the first connection that may write."""
    with closing(connect_writer(path)) as connection:
        connection.execute("PRAGMA schema_version")


def _connect_uri(path: Path, query: str) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?{query}"
    connection = sqlite3.connect(
        uri, uri=True, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA schema_version")  # opening is lazy: this is what reads the file
    except BaseException:
        connection.close()
        raise
    return connection


def is_initialised(connection: sqlite3.Connection, path: Path) -> bool:
    """Return False for an empty file, True for a ledger. Raises StateInvalid for any other file."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        return False
    if application != APPLICATION_ID:
        raise StateInvalid(
            f"{path} is an SQLite file, but not a Headwater ledger.", "Point [state] url at another file."
        )
    if version < 1:
        raise StateDamaged(f"{path} states no version of its format.", _GOOD_COPY)
    if version > SCHEMA_VERSION:
        raise StateInvalid(
            f"{path} was written by a newer Headwater (state version {version}, this one reads {SCHEMA_VERSION}).",
            "Upgrade Headwater; nothing was changed.",
        )
    return True


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about the file at `path` into ours, each with its remedy."""
    try:
        yield
    except sqlite3.Error as error:
        raise translate(error, path) from error
    except UnicodeDecodeError as error:  # SQLite quotes damaged bytes in a message that Python cannot decode
        raise StateDamaged(f"{path} is damaged: it holds text that is not UTF-8.", _GOOD_COPY) from error


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code, or 0 for an error of the Python module itself."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def translate(error: sqlite3.Error, path: Path) -> ResourceError | IntegrityError:
    """Return what `error` means for the ledger at `path`."""
    code = _code(error)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StateDamaged(
            f"{path} is damaged or not a ledger: {error}.",
            _GOOD_COPY,
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return ResourceError(f"Another process keeps {path} locked.", "Try again when it has finished.")
    if code == sqlite3.SQLITE_CONSTRAINT:
        return IntegrityError(f"The ledger refused a change: {error}.")
    if code == sqlite3.SQLITE_FULL:
        return ResourceError(f"The disk that holds {path} is full.", "Free some space; nothing recorded was lost.")
    if code in _NO_WRITE_ACCESS:
        return ResourceError(f"{path} cannot be opened or written: {error}.", "Check that the folder is writable.")
    if code == sqlite3.SQLITE_IOERR:
        return ResourceError(f"Reading or writing {path} failed: {error}.", "Check the disk.")
    return StateDamaged(f"{path} does not answer as a ledger should: {error}.", "Run `headwater audit verify`.")
