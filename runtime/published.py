"""The published versions of an environment: each in short at once, and whole only when somebody asks for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, MutableMapping
from typing import TypeVar

from headwater.assets.errors import ResourceError
from headwater.assets.key import AssetKey
from headwater.runtime.standing import Standing, standing_of
from headwater.runtime.state import VersionRecord

Fetch = Callable[[Collection[AssetKey] | None], Iterable[VersionRecord]]  # None: all
_SINGLY = 64  # records that are always read one by one
_SHARE = 4  # who asked for one in so many of more than that is going to ask for all, which is cheaper at once
_T = TypeVar("_T")


class Published(MutableMapping[AssetKey, VersionRecord]):
    """Versions by asset. `standings` has each in short; `fetch` reads records, of some assets or of all.

    A run sets what it publishes; the versions in short follow.
    """

    def __init__(self, versions: Iterable[VersionRecord] = ()) -> None:
        self._records = {version.asset: version for version in versions}
        self.standings: dict[AssetKey, Standing] = {key: standing_of(it) for key, it in self._records.items()}
        self._fetch: Fetch | None = None

    @classmethod
    def in_short(cls, standings: dict[AssetKey, Standing], fetch: Fetch) -> Published:
        """Return versions that are known in short, and read by `fetch` where more is asked for."""
        made = cls()
        made.standings, made._fetch = standings, fetch
        return made

    def fetch_by(self, fetch: Fetch) -> None:
        """Read records in another way from now on."""
        self._fetch = fetch

    def of_kind(self, kind: str) -> list[AssetKey]:
        """Return the assets whose version is of a kind, such as `file`."""
        return [key for key, standing in self.standings.items() if standing.kind == kind]

    def number(self, key: AssetKey) -> int | None:
        """Return the number of the version of an asset, or None; nothing is read for it."""
        standing = self.standings.get(key)
        return None if standing is None else standing.number

    def __getitem__(self, key: AssetKey) -> VersionRecord:
        found = self._records.get(key)
        if found is None:
            if key not in self.standings:
                raise KeyError(key)
            few = len(self._records) < max(_SINGLY, len(self.standings) // _SHARE)
            self._read([key] if few else None)
            found = self._records[key]
        return found

    def get(self, key: AssetKey, default: _T | None = None) -> VersionRecord | _T | None:  # type: ignore[override]
        """Return the version of an asset, or `default`."""
        found = self._records.get(key)
        if found is None:
            found = self[key] if key in self.standings else None
        return default if found is None else found

    def __setitem__(self, key: AssetKey, version: VersionRecord) -> None:
        self._records[key] = version
        self.standings[key] = standing_of(version)

    def __delitem__(self, key: AssetKey) -> None:
        del self.standings[key]
        self._records.pop(key, None)

    def __contains__(self, key: object) -> bool:
        return key in self.standings

    def __iter__(self) -> Iterator[AssetKey]:
        return iter(self.standings)

    def __len__(self) -> int:
        return len(self.standings)

    def _read(self, keys: Collection[AssetKey] | None) -> None:
        assert self._fetch is not None, "what is known in short only can be read"
        for version in self._fetch(keys):
            key = version.asset
            if key in self.standings and key not in self._records:
                if standing_of(version) != self.standings[key]:
                    raise _changed(key)
                self._records[key] = version
        gone = (
            [key for key in keys if key not in self._records]
            if keys is not None
            else self.standings.keys() - self._records.keys()
        )
        if gone:
            raise _changed(min(gone))


def _changed(key: AssetKey) -> ResourceError:
    return ResourceError(
        f"What is recorded of {key} changed while it was read.",
        "Ask again; where it stays so, run `headwater ledger rebuild`.",
    )
