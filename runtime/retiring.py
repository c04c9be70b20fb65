"""Retired assets: published, no longer declared. They stay in view until someone asks for them to be dropped."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable

from headwater.assets.key import AssetKey
from headwater.runtime.model import Reason, Step
from headwater.runtime.state import State

RETIRED = Reason(
    "RETIRED", "no longer declared; readers still see its last version, until `headwater run --retire` drops it."
)


def retired(state: State, declared: Collection[AssetKey]) -> tuple[AssetKey, ...]:
    """Return the assets that are published and no longer declared, by name."""
    return tuple(sorted(key for key in state.published if key not in declared))


def divide(
    terms: Iterable[str], declared: Iterable[AssetKey], gone: Collection[AssetKey]
) -> tuple[list[str], set[AssetKey]]:
    """Return the selectors that are about declared assets, and the retired assets that `terms` name.

    A plain name or glob may mean both. One that only retired assets have is no selector of declared ones.
    """
    known = list(declared)
    rest: list[str] = []
    named: set[AssetKey] = set()
    for term in (part for text in terms for part in text.split()):
        found = set(fnmatch.filter(gone, term.lower()))
        if not found or fnmatch.filter(known, term.lower()):
            rest.append(term)
        named |= {AssetKey(key) for key in found}
    return rest, named


def retire_steps(keys: Iterable[AssetKey]) -> list[Step]:
    """Return the steps that drop retired assets from view."""
    return [Step(key, "RETIRE", "CERTAIN", (RETIRED,)) for key in sorted(keys)]
