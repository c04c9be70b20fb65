"""The ledger store on SQLite: one transaction per append, contiguous under many writers, signed checkpoints.

Nothing about the ledger is kept in memory between calls, so that any number of processes may append to one file and a
failed commit leaves nothing behind that could disagree with it.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Final, Self

from headwater.assets.errors import ResourceError, StateEmpty, StateInvalid
from headwater.lineage.checkpoint import Signer
from headwater.lineage.record import CLOCK_ANOMALY, LEDGER_CREATED, LEDGER_STREAM, Actor, Draft, Entry
from headwater.runtime.ephemera import Ephemera
from headwater.runtime.ledger_batch import Batch
from headwater.runtime.ledger_projection import Projector, rebuild_projections
from headwater.runtime.ledger_rows import (
    latest_note,
    ledger_origin,
    ledger_size,
    stored_blob,
    stored_entries,
    stored_entry,
)
from headwater.runtime.ledger_schema import connect_writer, create_schema, is_initialised, prefer_wal, sqlite_errors
from headwater.runtime.ledger_signing import store_checkpoint

LEDGER_ACTOR: Final = "headwater"  # the actor of what the ledger states about itself

Now = Callable[[], datetime]
SignerFor = Callable[[str], Signer]  # origin -> signer


def new_origin() -> str:
    """Return a name that no other ledger has, and that can name a key (C2SP signed-note: no space, no plus)."""
    return f"headwater/{secrets.token_hex(16)}"


class LedgerStore:
    """The one writer's view of a ledger. Use as a context manager, or call `close`."""

    def __init__(self, connection: sqlite3.Connection, path: Path, projector: Projector, now: Now, clock: str) -> None:
        self._connection = connection
        self._path = path
        self._projector = projector
        self._now = now
        self._clock = clock
        self._lock = RLock()
        self.ephemera = Ephemera(connection, path, self._lock)

    @classmethod
    def open(
        cls,
        path: Path,
        projector: Projector,
        now: Now,
        *,
        create: bool = False,
        signer_for: SignerFor | None = None,
        origin: Callable[[], str] = new_origin,
        clock: str = "system",
        connect: Callable[[Path], sqlite3.Connection] = connect_writer,
    ) -> Self:
        """Return the ledger at `path`; with `create`, make it where there is none.

        A new ledger holds one entry, `ledger.created`, and with `signer_for` a checkpoint over it, in the same
        transaction: there is no moment at which a ledger exists that nobody signed. Raises StateInvalid for a file
        that is no ledger or was written by a newer Headwater, ResourceError where it cannot be opened or written.
        """
        if not create and not path.is_file():
            raise StateInvalid(f"There is no ledger at {path}.", "Run `headwater run` first, or check --project.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ResourceError(f"{path.parent} cannot be made: {error}.", "Check that it is writable.") from error
        with sqlite_errors(path):
            connection = connect(path)
            store = cls(connection, path, projector, now, clock)
            try:
                store._prepare(create, signer_for, origin)
            except BaseException:
                connection.close()
                raise
        return store

    def _prepare(self, create: bool, signer_for: SignerFor | None, origin: Callable[[], str]) -> None:
        if not is_initialised(self._connection, self._path):
            if not create:
                raise StateEmpty(f"{self._path} is empty: it holds no ledger.", "Run `headwater run` first.")
            self._initialise(signer_for, origin())
        prefer_wal(self._connection)
        present = {name for (name,) in self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not present.issuperset(self._projector.tables):
            self.rebuild()

    def _initialise(self, signer_for: SignerFor | None, origin: str) -> None:
        with self._transaction():
            if is_initialised(self._connection, self._path):  # another process was faster
                return
            create_schema(self._connection)
            self._projector.create(self._connection)
            created = Draft(LEDGER_CREATED, LEDGER_STREAM, origin, {"origin": origin}, "A new ledger was begun.")
            self._append((created,), Actor(LEDGER_ACTOR, "service"))
            if signer_for:
                store_checkpoint(self._connection, signer_for(origin))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    @property
    def connection(self) -> sqlite3.Connection:
        """For reading projections. Whoever writes through it breaks the promise that the ledger can rebuild them."""
        return self._connection

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._path

    @property
    def origin(self) -> str:
        """The permanent id of this ledger, which stands in the first line of every checkpoint."""
        with self._lock, sqlite_errors(self._path):
            return ledger_origin(self._connection)

    def size(self) -> int:
        """Return the number of entries."""
        with self._lock, sqlite_errors(self._path):
            return ledger_size(self._connection)

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[Entry]:
        """Yield the entries from `start` up to `stop`, in order. Raises IntegrityError, naming one that is damaged."""
        with sqlite_errors(self._path):
            yield from stored_entries(self._connection, start, self.size() if stop is None else stop)

    def blob(self, digest: str) -> bytes | None:
        """Return the bytes whose SHA-256 (hex) is `digest`, or None. Raises IntegrityError where they were altered."""
        with self._lock, sqlite_errors(self._path):
            return stored_blob(self._connection, digest)

    def append(self, drafts: Sequence[Draft], actor: Actor) -> tuple[Entry, ...]:
        """Record `drafts` and update the projections, all in one durable transaction or not at all.

        Returns the entries, one for each draft, in order. Where the clock went backwards since the last entry, the
        ledger notes that in an entry of its own before them. Raises EncodingError for a draft that has no canonical
        bytes and ResourceError where the file cannot be written; nothing is recorded then.
        """
        if not drafts:
            return ()
        with self._transaction():
            return self._append(drafts, actor)

    def checkpoint(self, signer: Signer) -> bytes:
        """Return the signed note over all entries, which is stored before it is returned.

        Bodies since the last checkpoint are hashed again, and every node that the root rests on is compared: a ledger
        whose tree does not follow from its entries is refused with IntegrityError, naming the node. Where nothing was
        appended since the last checkpoint, that one is returned.
        """
        with self._transaction():
            return store_checkpoint(self._connection, signer)

    def latest_checkpoint(self) -> bytes | None:
        """Return the newest stored note, or None."""
        with self._lock, sqlite_errors(self._path):
            row = latest_note(self._connection)
        return None if row is None else row[1]

    def rebuild(self) -> int:
        """Make the projections anew from the entries, in one transaction. Returns the number of entries applied.

        Raises IntegrityError, naming the entry, where one does not match its stored hash; nothing is changed then.
        """
        with self._transaction():
            return rebuild_projections(self._connection, self._projector)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """One write transaction. The lock is taken at its start, so that what it reads cannot change under it."""
        with self._lock, sqlite_errors(self._path):
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield
                if not self._connection.in_transaction:
                    raise ResourceError("The transaction ended early: a projector may not commit or run scripts.")
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _append(self, drafts: Sequence[Draft], actor: Actor) -> tuple[Entry, ...]:
        connection = self._connection
        size = ledger_size(connection)
        moment = timestamp(self._now())
        own: tuple[Draft, ...] = ()
        if size and moment < (before := self._last_timestamp(size)):
            payload = {"before": before, "now": moment}
            own = (Draft(CLOCK_ANOMALY, LEDGER_STREAM, self._clock, payload, "The clock went backwards."),)
        batch = Batch(connection, size)
        for draft in own:
            batch.add(draft, Actor(LEDGER_ACTOR, "service", actor.id), moment, self._clock)
        for draft in drafts:
            batch.add(draft, actor, moment, self._clock)
        batch.write()
        for entry in batch.entries:
            self._projector.apply(connection, entry)
        return tuple(batch.entries[len(own) :])

    def _last_timestamp(self, size: int) -> str:
        body = self._connection.execute("SELECT body FROM entry WHERE seq = ?", (size - 1,)).fetchone()[0]
        return stored_entry(size - 1, body).ts


def timestamp(moment: datetime) -> str:
    """Return `moment`, which must be aware, as UTC text of fixed width, so that its order is that of time."""
    if moment.tzinfo is None:
        raise ValueError("The ledger's clock must give aware datetimes.")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").rjust(26, "0") + "Z"
