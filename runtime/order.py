"""An order is all that a worker needs to build or judge one version; what it built comes back as a value.

Workers know no state and no ledger: the coordinator resolves, pins and decides before, and records after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from headwater.assets.key import AssetKey
from headwater.checks.check import Verdict
from headwater.lineage.recorded_lineage import RecordedLineage
from headwater.lineage.schema import SchemaColumns
from headwater.runtime.staleness import Resolved
from headwater.runtime.state import PublishedFile, SliceTrace, TraceRead, VersionRecord

if TYPE_CHECKING:
    from headwater.assets.partitions import Partition, PartitionMapping, PartitionSet
    from headwater.lineage.slices import SliceMap
    from headwater.runtime.part_files import PartFile


@dataclass(frozen=True, slots=True)
class Pinned:
    """An upstream version that a step reads, with the relation as SQL writes it and the file of a file asset."""

    version: VersionRecord
    relation: str
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class SliceOrder:
    """One partition to build, as the slice `number`. `relations` are the upstreams of which it reads a part."""

    partition: Partition
    number: int
    sql: str | None
    relations: Mapping[AssetKey, str]


@dataclass(frozen=True, slots=True)
class SliceWork:
    """The partitions of an asset that a step builds, and what becomes of the others.

    `kept` are the slices of the version before that stay, `current` the partitions of them that were found current now.
    `mapped` has for each upstream that is read in parts its slices now, with how they are chosen. `store` is where the
    kept slices are; None where there is none yet.
    """

    orders: tuple[SliceOrder, ...]
    new: SliceMap
    kept: SliceMap
    current: PartitionSet
    before: tuple[SliceTrace, ...]
    mapped: Mapping[AssetKey, tuple[PartitionMapping, SliceMap]]
    store: str | None
    functions: Mapping[str, Callable[..., Iterable[str]]]  # of mappings, by name
    files: tuple[PartFile, ...] = ()  # of a source: those of the kept partitions, as far as their content is known

    def read_by(self, readers: PartitionSet, upstream: AssetKey) -> SliceMap:
        """Return the slices that `readers` read now of an upstream that is read in parts."""
        from headwater.assets.partitions import forward

        mapping, slices = self.mapped[upstream]
        return slices.restricted(forward(mapping, readers, slices.space, self.functions) & slices.domain)

    @property
    def last(self) -> int:
        """The highest slice number given so far."""
        return max((high for parts in (self.new, self.kept) for _, high in parts.id_ranges()), default=0)


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
    partition: Partition | None = None  # the one that a Python function is called for
    slices: SliceWork | None = None  # of a partitioned asset
    # Conditions with parameters of readers' partitions, as column set keys, and those partitions.
    shown: tuple[tuple[str, tuple[Partition, ...]], ...] = ()
    inside: Mapping[str, str] = field(default_factory=dict)  # data times of what it reads, as a version records them
    python: Mapping[str, str] = field(default_factory=dict, repr=False)  # the project's Python files, as loaded
    dynamic_lists: tuple[str, ...] = ()  # of dynamic keys, which a Python asset may add to

    @property
    def key(self) -> AssetKey:
        """The asset that the order is about."""
        return self.resolved.asset.key


@dataclass(frozen=True, slots=True)
class Observed:
    """What was found of a source: its free state when it was read, the digest of its content, its data time.

    `state` is JSON text (of a FileState, or of a version token), empty where the source has none.

    `data_time` is None where the source declares none, and NO_TIME where it does and no row has one.
    """

    state: str
    digest: str
    data_time: str | None = None


@dataclass(frozen=True, slots=True)
class BuiltSlices:
    """What was made of a SliceWork: where it is, what was seen by each slice, and the fingerprints that were taken.

    `orders` are those that were carried out, and `saw` has for each the (upstream, column set key) that it read;
    `tokens` are the fingerprints of what all of them saw alike. `held` are those of the new slices, by column set key
    and number, `seen` those of what each saw of an upstream for itself, by (upstream, key) and the partition's text.
    """

    store: str
    orders: tuple[SliceOrder, ...]
    saw: tuple[frozenset[tuple[AssetKey, str]], ...]
    tokens: Mapping[tuple[AssetKey, str], str]
    held: Mapping[str, Mapping[int, str]]
    seen: Mapping[tuple[AssetKey, str], Mapping[str, str]]


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
    slices: BuiltSlices | None = None
    shown: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # tokens for readers' partitions, by key
    lineage: RecordedLineage | None = None  # of a Python asset's columns, as far as it is proven
    added_keys: tuple[tuple[str, str], ...] = ()  # (list, key) that a Python asset asked to add, in order
