"""The values that `why` answers with, beside the decision itself: what changed, what caused it, what proves it."""

from __future__ import annotations

from dataclasses import dataclass

from headwater.assets.key import AssetKey
from headwater.lineage.definition_change import DefinitionChange
from headwater.lineage.schema import SchemaColumns


@dataclass(frozen=True, slots=True)
class DefinitionMove:
    """How the definition moved between a version and today. Without `changes`, only what does not count was edited.

    `version` made `partitions` (ranges; None: all of the asset); `diff` is a unified diff of the texts, or None where
    one of them is not known or both are equal.
    """

    version: int
    changes: tuple[DefinitionChange, ...]
    diff: str | None = None
    partitions: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ColumnMove:
    """The columns that readers see, and those that the next build gives, as far as they are known before it."""

    before: SchemaColumns
    after: SchemaColumns

    @property
    def added(self) -> tuple[str, ...]:
        """The names of columns that come."""
        return _without(self.after, self.before)

    @property
    def removed(self) -> tuple[str, ...]:
        """The names of columns that go."""
        return _without(self.before, self.after)

    @property
    def retyped(self) -> tuple[tuple[str, str, str], ...]:
        """Columns that stay with another type, as (name, before, after)."""
        then = {name.lower(): type_ for name, type_ in self.before}
        both = [(name, then.get(name.lower()), type_) for name, type_ in self.after]
        return tuple((name, old, new) for name, old, new in both if old and new and old.lower() != new.lower())


@dataclass(frozen=True, slots=True)
class ReadProof:
    """What one read saw, and whether it would see the same now.

    `columns` is None for all, `condition` what rows had to meet, `partitions` the ranges of the reader that saw it,
    `slices` those of the upstream that they see. The data is that of `version` then and `now` today; `equal` is None
    where nobody can tell. `rows` were seen. It is as it is `since_version`, built by `since_run` at `since` (ISO 8601
    UTC), where that is known.
    """

    upstream: AssetKey
    columns: tuple[str, ...] | None
    condition: str | None
    version: int
    now: int | None
    equal: bool | None
    rows: int | None = None
    fingerprint: str = ""
    partitions: tuple[str, ...] | None = None
    slices: tuple[str, ...] | None = None
    since_version: int | None = None
    since: str | None = None
    since_run: str | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """One link of the way from an asset back to what changed first. A list of them is a tree, by `depth` from 0.

    `root` says that nothing lies behind it. `path` are the assets between, from the asset that was asked about.
    `version` was built by `run` at `at` (ISO 8601 UTC) where it is a version that caused it.
    """

    asset: AssetKey
    message: str
    depth: int = 0
    root: bool = False
    path: tuple[AssetKey, ...] = ()
    version: int | None = None
    run: str | None = None
    at: str | None = None
    rows_before: int | None = None
    rows_after: int | None = None
    changes: tuple[DefinitionChange, ...] = ()


def _without(columns: SchemaColumns, others: SchemaColumns) -> tuple[str, ...]:
    known = {name.lower() for name, _ in others}
    return tuple(name for name, _ in columns if name.lower() not in known)
