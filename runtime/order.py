"""An order is all that a worker needs to build or judge one version; what it built comes back as a value.

Workers know no state and no ledger: the coordinator resolves, pins and decides before, and records after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from headwater.assets.key import AssetKey
from headwater.checks.check import Verdict
from headwater.lineage.recorded_lineage import RecordedLineage
from headwater.lineage.schema import SchemaColumns
from headwater.runtime.sources import FileState
from headwater.runtime.staleness import Resolved
from headwater.runtime.state import PublishedFile, TraceRead, VersionRecord


@dataclass(frozen=True, slots=True)
class Pinned:
    """An upstream version that a step reads, with the relation as SQL writes it and the file of a file asset."""

    version: VersionRecord
    relation: str
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """Build a new version into `physical`, or judge the existing `version` again (kind RECHECK).

    `tokens` are fingerprint tokens known for pinned inputs, by (upstream, column set key). `wanted` are the column set
    keys of what readers of this asset see: their fingerprints are taken in the same scan.
    """

    kind: Literal["BUILD", "RECHECK"]
    resolved: Resolved
    physical: str
    inputs: Mapping[AssetKey, Pinned]
    tokens: Mapping[tuple[AssetKey, str], str]
    wanted: tuple[str, ...]
    run: str
    now: datetime
    root: Path
    store: Path
    suffix: str = ""  # of the environment
    key_prefix: str = ""
    sql: str | None = None  # the user's text with references pinned, for SQL assets
    clock: str | None = None
    clock_at: datetime | None = None
    variables: Mapping[str, object] = field(default_factory=dict)
    version: VersionRecord | None = None
    python: Mapping[str, str] = field(default_factory=dict, repr=False)  # the project's Python files, as loaded
    dynamic_lists: tuple[str, ...] = ()  # of dynamic keys, which a Python asset may add to

    @property
    def key(self) -> AssetKey:
        """The asset that the order is about."""
        return self.resolved.asset.key


@dataclass(frozen=True, slots=True)
class Observed:
    """What was found of a source: its free state when it was read, the digest of its content, its data time."""

    state: FileState | None
    digest: str
    data_time: str | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """What a worker made and found: where it is, what is in it, what it was made from, and the verdict."""

    physical: str
    schema: SchemaColumns
    rows: int
    tokens: Mapping[str, str]
    trace: tuple[TraceRead, ...]
    check_reads: tuple[TraceRead, ...]
    verdict: Verdict
    milliseconds: int
    text: str = ""
    file: PublishedFile | None = None
    observed: Observed | None = None
    lineage: RecordedLineage | None = None  # of a Python asset's columns, as far as it is proven
    added_keys: tuple[tuple[str, str], ...] = ()  # (list, key) that a Python asset asked to add, in order
