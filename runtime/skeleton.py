"""A sound project in short, cached as one row: which assets there are and what reads what, under the digest of every
text and setting that decides it. While none of these changes, a load reads and hashes files, and unpacks no asset.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from headwater.assets.config import ProjectConfig
from headwater.assets.key import AssetKey
from headwater.lineage.graph import AssetGraph
from headwater.runtime.cache import AnalysisCache, cache_key, texts_digest
from headwater.runtime.packing import pack, unpack
from headwater.runtime.project_files import ProjectFiles

References = Mapping[AssetKey, tuple[str, ...]]
Origins = Mapping[AssetKey, tuple[bytes, ...]]


@dataclass(frozen=True, slots=True)
class Skeleton:
    """`keys` are the assets in the order of their files, `notable` those that somebody looks for among all of them.
    `details` packs what is needed only where something has changed.
    """

    digest: str
    keys: tuple[AssetKey, ...]
    graph: AssetGraph
    notable: tuple[AssetKey, ...]
    details: bytes

    def unpacked(self) -> tuple[References, Origins]:
        """Return the tables that each asset names, and the cache keys of the files that declare it."""
        return cast("tuple[References, Origins]", unpack(self.details))


def packed_details(references: References, origins: Origins) -> bytes:
    """Return what `Skeleton.unpacked` gives back."""
    return pack((dict(references), dict(origins)))


def project_digest(config: ProjectConfig, files: ProjectFiles) -> str:
    """Return one digest of everything that loading a project follows from."""
    places = "\n".join(f"{file}\0{prefix}" for file, prefix in files.folder_of.items())
    whole = "\0".join((repr(config), places, texts_digest(files.texts)))
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()


def stored_skeleton(cache: AnalysisCache, digest: str) -> Skeleton | None:
    """Return the skeleton that was stored last, if it is that of the project as it is now."""
    place = _place()
    found = cache.get_many([place]).get(place)
    return found if isinstance(found, Skeleton) and found.digest == digest else None


def store_skeleton(cache: AnalysisCache, skeleton: Skeleton) -> None:
    """Store a skeleton in the place of the one before: nobody asks for that of a former text."""
    cache.put(_place(), skeleton)


def _place() -> bytes:
    return cache_key("skeleton")
