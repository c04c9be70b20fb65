"""Every asset of a project resolved: each in short at once, and whole only when somebody asks for it.

What resolving comes to is cached as one row for each environment, under the digest of all it follows from: the
project, the settings, the code of Python assets, and the shapes of the published versions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from headwater.assets.key import AssetKey
from headwater.runtime.cache import AnalysisCache, cache_key
from headwater.runtime.later import Later
from headwater.runtime.staleness import Resolved
from headwater.runtime.standing import Outline, outline_of
from headwater.runtime.state import State


class Resolutions(Mapping[AssetKey, Resolved]):
    """Resolved assets in build order. `outlines` has each in short."""

    def __init__(self, outlines: Mapping[AssetKey, Outline], resolved: Mapping[AssetKey, Resolved]) -> None:
        self.outlines = outlines
        self._resolved = resolved

    @classmethod
    def of(cls, resolved: Mapping[AssetKey, Resolved]) -> Resolutions:
        """Return what is known whole."""
        return cls({key: outline_of(it) for key, it in resolved.items()}, resolved)

    def prefetch(self, keys: Collection[AssetKey]) -> None:
        """Read many at once."""
        if isinstance(self._resolved, Later):
            self._resolved.prefetch(keys)

    def replaced(self, changed: Mapping[AssetKey, Resolved]) -> Resolutions:
        """Return the same with other values for some assets."""
        return Resolutions.of({**self._resolved, **changed}) if changed else self

    def __getitem__(self, key: AssetKey) -> Resolved:
        return self._resolved[key]

    def __iter__(self) -> Iterator[AssetKey]:
        return iter(self.outlines)

    def __len__(self) -> int:
        return len(self.outlines)


@dataclass(frozen=True, slots=True)
class StoredResolutions:
    """`rows` has each asset's outline as a plain tuple; `places` are the cache keys of what it was resolved to."""

    digest: str
    rows: Mapping[AssetKey, tuple[object, ...]]
    places: Mapping[AssetKey, bytes]

    def outlines(self) -> dict[AssetKey, Outline]:
        """Return each asset in short."""
        return {key: Outline._make(row) for key, row in self.rows.items()}


def situation_digest(
    project: str, settings: str, identities: Mapping[AssetKey, str], python: Collection[object], state: State | None
) -> str:
    """Return one digest of everything that resolving a whole project follows from."""
    shapes = [] if state is None else [f"{key}\0{it.shape}" for key, it in state.published.standings.items()]
    whole = "\n".join((project, settings, repr(sorted(identities.items())), *map(repr, python), *sorted(shapes)))
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()


def stored_resolutions(cache: AnalysisCache, environment: str, digest: str) -> StoredResolutions | None:
    """Return what was stored last for an environment, if it is of the situation as it is now."""
    place = _place(environment)
    found = cache.get_many([place]).get(place)
    return found if isinstance(found, StoredResolutions) and found.digest == digest else None


def store_resolutions(
    cache: AnalysisCache, environment: str, digest: str, resolved: Resolutions, places: Mapping[AssetKey, bytes]
) -> None:
    """Store what resolving came to in the place of what it came to before."""
    rows = {key: tuple(outline) for key, outline in resolved.outlines.items()}
    cache.put(_place(environment), StoredResolutions(digest, rows, places))


def _place(environment: str) -> bytes:
    return cache_key("resolutions", environment)
