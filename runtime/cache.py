"""The analysis cache: packed rows by content hash. A corrupt or foreign cache is ignored, never trusted.

Its loss costs time only. Values are plain frozen data of ours; unpickling admits no other classes, so that a cache
written by someone else can at worst be useless.
"""

from __future__ import annotations

import hashlib
import pickle
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from headwater.runtime.installed import installed_version
from headwater.runtime.packing import pack, unpack

_DIGEST_BYTES = 16
_MAX_BYTES = 1 << 30  # beyond this the cache starts anew: old versions of texts are never asked for again
_ROWS_PER_QUERY = 500


class AnalysisCache:
    """`get_many` and `put` by key. Every failure of the store is treated as an empty cache."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._connection = _open(path) if path is not None else None
        self._new: dict[bytes, bytes] = {}

    def get_many(self, keys: Iterable[bytes]) -> dict[bytes, object]:
        """Return the values that are stored under `keys`; a key without a sound value is left out."""
        found: dict[bytes, object] = {}
        wanted = list(keys)
        for key in wanted if self._new else ():
            if key in self._new and (value := _unpack(key, self._new[key])) is not None:
                found[key] = value
        if self._connection is None:
            return found
        wanted = [key for key in wanted if key not in found]
        try:
            for start in range(0, len(wanted), _ROWS_PER_QUERY):
                part = wanted[start : start + _ROWS_PER_QUERY]
                query = f"select key, value from packed where key in ({','.join('?' * len(part))})"
                for key, packed in self._connection.execute(query, part):
                    value = _unpack(key, packed)
                    if value is not None:
                        found[key] = value
        except sqlite3.Error as error:
            self._give_up(error)
        return found

    def adopt(self, rows: Mapping[bytes, bytes]) -> None:
        """Remember rows that another process put, as `take` gave them."""
        self._new.update(rows)

    def take(self) -> dict[bytes, bytes]:
        """Return what was put since the last time, and forget it."""
        rows, self._new = self._new, {}
        return rows

    def put(self, key: bytes, value: object) -> None:
        """Remember `value` under `key` until `flush`. A value that cannot be packed is not remembered."""
        with suppress(pickle.PicklingError, TypeError, AttributeError, RecursionError):
            payload = pack(value)
            self._new[key] = _digest(key, payload) + payload

    def flush(self) -> None:
        """Write what was put. A cache that cannot be written is no error: the next load is slower."""
        if self._connection is None or not self._new:
            return
        try:
            with self._connection:
                self._connection.executemany("insert or replace into packed values (?, ?)", self._new.items())
            self._new.clear()
        except sqlite3.Error as error:
            self._give_up(error)

    def close(self) -> None:
        """Write what was put and let go of the file."""
        self.flush()
        self._let_go()

    def _give_up(self, error: sqlite3.Error) -> None:
        """Do without a store that is locked; begin one that is damaged anew."""
        if not isinstance(error, sqlite3.OperationalError) and self._path is not None:
            self._let_go()
            _remove(self._path)
            self._connection = _open(self._path)

    def _let_go(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def cache_key(*parts: object) -> bytes:
    """Return the key for `parts`: their text forms, the versions that decide, and the code that analyses."""
    text = "\0".join(map(repr, parts))
    return hashlib.sha256(_generation() + text.encode("utf-8", "surrogatepass")).digest()[:20]


@cache
def _generation() -> bytes:
    """One digest of the version of sqlglot and of our own analysing code, by size and mtime of its files."""
    import headwater.assets
    import headwater.checks
    import headwater.lineage
    import headwater.runtime

    homes = (headwater.assets, headwater.checks, headwater.lineage, headwater.runtime)
    code = [path for home in homes for path in Path(home.__path__[0]).rglob("*.py")]
    stamps = sorted(f"{path}:{path.stat().st_size}:{path.stat().st_mtime_ns}" for path in code)
    return hashlib.sha256(f"{installed_version('sqlglot')};{';'.join(stamps)}".encode()).digest()


def _open(path: Path) -> sqlite3.Connection | None:
    for _ in range(2):
        connection: sqlite3.Connection | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and path.stat().st_size > _MAX_BYTES:
                _remove(path)
            connection = sqlite3.connect(path, timeout=1.0, check_same_thread=False)
            connection.execute("pragma journal_mode=wal")
            connection.execute("pragma synchronous=off")
            connection.execute("create table if not exists packed (key blob primary key, value blob) without rowid")
            return connection
        except sqlite3.OperationalError:  # locked or not writable: do without
            return None
        except sqlite3.DatabaseError:  # not a database: start anew
            if connection is not None:
                connection.close()
            _remove(path)
        except OSError:
            return None
    return None


def _remove(path: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        with suppress(OSError):
            path.with_name(path.name + ending).unlink()


def _digest(key: bytes, payload: bytes) -> bytes:
    return hashlib.blake2b(payload, digest_size=_DIGEST_BYTES, key=key).digest()


def _unpack(key: bytes, packed: object) -> object | None:
    if not isinstance(packed, bytes) or packed[:_DIGEST_BYTES] != _digest(key, packed[_DIGEST_BYTES:]):
        return None
    try:
        return unpack(packed[_DIGEST_BYTES:])
    except Exception:  # whatever a foreign payload raises, it is only not a cache hit
        return None


def texts_digest(texts: Mapping[str, str]) -> str:
    """Return one digest of named texts."""
    digest = hashlib.sha256()
    for name in sorted(texts):
        digest.update(f"{name}\0{len(texts[name])}\0{texts[name]}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
