"""The analysis cache: packed rows by content hash. A corrupt or foreign cache is ignored, never trusted.

Its loss costs time only. Values are plain frozen data of ours; unpickling admits no other classes, so that a cache
written by someone else can at worst be useless.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from headwater.runtime.installed import installed_version

_ALLOWED = (
    "headwater.assets.",
    "headwater.lineage.",
    "headwater.runtime.staleness",
    "headwater.runtime.definer",
    "headwater.runtime.loading",
)
_ALLOWED_OTHERS = {("decimal", "Decimal"), ("datetime", "date"), ("datetime", "datetime")}
_DIGEST_BYTES = 16


class AnalysisCache:
    """`get_many` and `put_many` by key. Every failure of the store is treated as an empty cache."""

    def __init__(self, path: Path | None) -> None:
        self._connection = _open(path) if path is not None else None
        self._new: dict[bytes, bytes] = {}

    def get_many(self, keys: Iterable[bytes]) -> dict[bytes, object]:
        """Return the values that are stored under `keys`; a key without a sound value is left out."""
        if self._connection is None:
            return {}
        found: dict[bytes, object] = {}
        wanted = list(keys)
        try:
            for start in range(0, len(wanted), 500):
                part = wanted[start : start + 500]
                marks = ",".join("?" * len(part))
                for key, packed in self._connection.execute(
                    f"select key, value from packed where key in ({marks})", part
                ):
                    value = _unpack(key, packed)
                    if value is not None:
                        found[key] = value
        except sqlite3.Error:
            return {}
        return found

    def put(self, key: bytes, value: object) -> None:
        """Remember `value` under `key` until `flush`."""
        payload = pickle.dumps(value, protocol=5)
        self._new[key] = _digest(key, payload) + payload

    def flush(self) -> None:
        """Write what was put. A cache that cannot be written is no error: the next load is slower."""
        if self._connection is None or not self._new:
            return
        with suppress(sqlite3.Error):
            with self._connection:
                self._connection.executemany("insert or replace into packed values (?, ?)", self._new.items())
            self._new.clear()

    def close(self) -> None:
        """Write what was put and let go of the file."""
        self.flush()
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def cache_key(*parts: object) -> bytes:
    """Return the key for `parts`: their text forms, the versions that decide, and the code that analyses."""
    text = "\0".join(map(repr, parts))
    return hashlib.sha256(_generation().encode() + text.encode("utf-8", "surrogatepass")).digest()[:20]


_generation_text: str | None = None


def _generation() -> str:
    """Versions of sqlglot and of our own analysing code, the latter by size and mtime of its files."""
    global _generation_text
    if _generation_text is None:
        root = Path(__file__).parent
        import headwater.assets
        import headwater.checks
        import headwater.lineage

        folders = [root, *(Path(m.__path__[0]) for m in (headwater.assets, headwater.checks, headwater.lineage))]
        folders.append(folders[-1] / "sql")
        stamps = sorted(
            f"{entry.path}:{entry.stat().st_size}:{entry.stat().st_mtime_ns}"
            for folder in folders
            for entry in os.scandir(folder)
            if entry.name.endswith(".py")
        )
        _generation_text = f"{installed_version('sqlglot')};{';'.join(stamps)}"
    return _generation_text


def _open(path: Path) -> sqlite3.Connection | None:
    for attempt in range(2):
        connection: sqlite3.Connection | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, timeout=1.0, check_same_thread=False)
            connection.execute("pragma journal_mode=wal")
            connection.execute("pragma synchronous=off")
            connection.execute("create table if not exists packed (key blob primary key, value blob) without rowid")
            return connection
        except sqlite3.OperationalError:  # locked or not writable: do without
            return None
        except sqlite3.DatabaseError:
            if connection is not None:
                connection.close()
            if attempt == 0:
                with suppress(OSError):
                    path.unlink()
        except OSError:
            return None
    return None


def _digest(key: bytes, payload: bytes) -> bytes:
    return hashlib.blake2b(payload, digest_size=_DIGEST_BYTES, key=key).digest()


def _unpack(key: bytes, packed: bytes) -> object | None:
    payload = packed[_DIGEST_BYTES:]
    if packed[:_DIGEST_BYTES] != _digest(key, payload):
        return None
    try:
        loaded: object = _Unpickler(io.BytesIO(payload)).load()
        return loaded
    except Exception:  # whatever a foreign payload raises, it is only not a cache hit
        return None


class _Unpickler(pickle.Unpickler):
    """Admits the frozen values of this project and nothing else."""

    def find_class(self, module: str, name: str) -> type:
        if (module, name) in _ALLOWED_OTHERS or module.startswith(_ALLOWED):
            found = super().find_class(module, name)
            if isinstance(found, type):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is not part of a cache")


def texts_digest(texts: Mapping[str, str]) -> str:
    """Return one digest of named texts."""
    digest = hashlib.sha256()
    for name in sorted(texts):
        digest.update(f"{name}\0{len(texts[name])}\0{texts[name]}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
