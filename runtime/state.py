"""What is known: versions, pointers, observations. A snapshot for deciding, read through a narrow reader."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from headwater.assets.key import AssetKey
from headwater.lineage.encoding import JsonValue
from headwater.lineage.fingerprint import FILE_BYTES
from headwater.lineage.schema import SchemaColumns

if TYPE_CHECKING:
    from headwater.runtime.part_files import PartFile
    from headwater.runtime.published import Published

Ranges = Sequence[tuple[int, int]]  # of slice numbers, both ends included


@dataclass(frozen=True, slots=True)
class TraceRead:
    """What a version saw of one upstream: its version, the columns (a column set key) and their fingerprint token."""

    upstream: AssetKey
    number: int
    columns: str
    token: str


@dataclass(frozen=True, slots=True)
class SliceRead:
    """What some partitions of a version saw of one upstream, at the version `number` of it.

    All of them saw the rows with the fingerprint `token`; or they saw the slices of the upstream that `parts` has (a
    SliceMap as JSON); or, with neither, each saw the rows that meet the condition in `columns` for its own partition:
    their tokens are among the slice facts.
    """

    upstream: AssetKey
    number: int
    columns: str
    token: str = ""
    parts: JsonValue = None
    count: int = 0  # of the partitions that `parts` has


@dataclass(frozen=True, slots=True)
class SliceTrace:
    """What some partitions of a version (as text) were made from, and when, ISO 8601 UTC."""

    partitions: str
    definition: Mapping[str, str]
    definition_hash: str
    clock: str | None
    created: str
    reads: tuple[SliceRead, ...]


@dataclass(frozen=True, slots=True)
class Slices:
    """The slices that a version of a partitioned asset shows: where they are stored, and those of each partition.

    `parts` is a SliceMap as JSON, `count` the number of its partitions, `last` the highest slice number ever given.
    """

    store: str
    parts: JsonValue
    count: int
    last: int
    traces: tuple[SliceTrace, ...]


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """The bytes of a file version: path relative to the project, SHA-256, size in bytes."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Gate:
    """The verdict on a version: the word, by which checks (their identity) and on what else they read."""

    word: str  # PASS | WARN | BLOCK
    checks_id: str
    reads: tuple[TraceRead, ...] = ()
    failed: tuple[str, ...] = ()  # labels of the checks that block


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """One materialised state of an asset, as recorded. `tokens` maps column set keys to fingerprint tokens.

    `physical` is the relation that holds it (a name in the private schema, or a foreign table as SQL writes it).
    `definition` maps part names to hashes; `data_times` maps sources to the data time that is inside, ISO 8601 UTC.
    `equal_to` is the version whose data this one shares, because a rebuild came out equal.
    """

    asset: AssetKey
    number: int
    kind: str
    physical: str
    rows: int
    schema: SchemaColumns
    definition: Mapping[str, str]
    definition_hash: str
    trace: tuple[TraceRead, ...]
    tokens: Mapping[str, str]
    gate: Gate
    run: str = ""
    created: str = ""
    clock: str | None = None
    equal_to: int | None = None
    order_dependent: tuple[str, ...] = ()
    file: PublishedFile | None = None
    source: Mapping[str, str] = field(default_factory=dict)
    data_times: Mapping[str, str] = field(default_factory=dict)
    milliseconds: int = 0
    text: str = ""  # digest of the blob with the text that its author wrote
    code: Mapping[str, str] = field(default_factory=dict)  # of Python: digests of other project files, by path
    named: str | None = None  # what the asset was called when this was recorded, where that is another name
    slices: Slices | None = None  # of a partitioned asset
    lineage: Mapping[str, object] | None = None  # of a Python asset's columns, in the form of recorded_lineage

    @property
    def trace_key(self) -> str:
        """What it was made from, as one hash: equal keys mean equal definition, inputs as read, and parameters."""
        parameter = self.clock or self.source.get("sha256")
        if self.slices is not None:  # which rows each partition saw is in the slices that it has
            parameter = f"{parameter}\0{self.slices.parts}"
        return trace_key(self.definition_hash, self.trace, parameter)

    @property
    def is_foreign(self) -> bool:
        """True for a table that something else writes: it is read where it stands, and may change at any time."""
        return self.physical.startswith("=")

    def tokens_seen(self) -> dict[tuple[AssetKey, int, str], str]:
        """Return the fingerprint tokens that it and its checks saw, by (upstream, version number, columns)."""
        return {(read.upstream, read.number, read.columns): read.token for read in (*self.trace, *self.gate.reads)}

    @property
    def rejected(self) -> bool:
        """True where its gate keeps it from readers."""
        return self.gate.word == "BLOCK"


def trace_key(definition_hash: str, reads: Iterable[TraceRead], parameter: str | None) -> str:
    """Return the hash of a trace; `parameter` is the clock literal, or the digest of a source's content.

    Version numbers are left out: equal data under another number is the same input.
    """
    parts = sorted(f"{read.upstream}\0{read.columns}\0{read.token}" for read in reads)
    return hashlib.sha256("\n".join([definition_hash, parameter or "", *parts]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Observation:
    """A source as last seen: its free state (JSON text), the SHA-256 of its content, when, and as which version."""

    source: AssetKey
    state: str
    digest: str
    at: str
    number: int


@dataclass(frozen=True, slots=True)
class DynamicKey:
    """A key of a list of dynamic keys. `since` is when it was added last, `retired` when it was taken off, or None."""

    key: str
    since: str
    retired: str | None = None


@dataclass(frozen=True, slots=True)
class SourceNow:
    """A source as it is now, by the free tier. `changed` is None where that cannot be told; `problem` says why.

    `state` is the file state (JSON text) that was compared, where it was found unchanged. `files` are those of a source
    with a file for each partition.
    """

    changed: bool | None
    problem: str | None = None
    detail: str = ""
    state: str = ""
    files: tuple[PartFile, ...] = ()


@dataclass(frozen=True, slots=True)
class WarehouseNow:
    """Whether stored data is what was recorded. `altered` holds physical names found different or gone.

    `verified` is False where nobody could tell, and `because` says why; `findings` are about the warehouse as a whole
    and, where there are any, nothing in it may be trusted or published.
    """

    verified: bool = True
    because: str = ""
    altered: frozenset[str] = frozenset()
    altered_files: frozenset[AssetKey] = frozenset()
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hold:
    """A version that a rollback left: while today's trace is its trace, it is neither shown nor built again.

    `by` is who rolled back, `at` when (ISO 8601 UTC), `why` the reason that was given, if any.
    """

    version: VersionRecord
    at: str
    by: str
    why: str = ""


class SliceFacts(Protocol):
    """Fingerprint tokens of single slices and partitions, looked up when they are needed: there may be millions."""

    def held(self, asset: AssetKey, columns: str, numbers: Ranges) -> Mapping[int, str]:
        """Return what is known of what slices of `asset` hold, by slice number."""
        ...

    def seen(self, asset: AssetKey, upstream: AssetKey, columns: str, numbers: Ranges) -> Mapping[int, str]:
        """Return what slices of `asset` saw of `upstream` under a condition with their parameters."""
        ...

    def shown(self, asset: AssetKey, number: int, columns: str) -> Mapping[str, str]:
        """Return what a version of `asset` shows under such a condition, by the text of the reader's partition."""
        ...


class NoSliceFacts:
    """Nothing is known, as where nothing is partitioned."""

    def held(self, asset: AssetKey, columns: str, numbers: Ranges) -> Mapping[int, str]:
        """Return nothing."""
        return {}

    def seen(self, asset: AssetKey, upstream: AssetKey, columns: str, numbers: Ranges) -> Mapping[int, str]:
        """Return nothing."""
        return {}

    def shown(self, asset: AssetKey, number: int, columns: str) -> Mapping[str, str]:
        """Return nothing."""
        return {}


@dataclass(slots=True)
class State:
    """A snapshot for one environment. The coordinator of a run updates its own copy; deciding only reads."""

    environment: str
    published: Published
    rejected: dict[AssetKey, tuple[VersionRecord, ...]]  # oldest first
    observed: dict[AssetKey, Observation]
    sources: dict[AssetKey, SourceNow] = field(default_factory=dict)
    extra_tokens: dict[tuple[AssetKey, int, str], str] = field(default_factory=dict)
    warehouse: WarehouseNow = field(default_factory=WarehouseNow)
    running: bool = False  # within a run, where the turn of an asset comes after that of all it reads
    holds: dict[AssetKey, tuple[Hold, ...]] = field(default_factory=dict)  # newest first
    shown_as: dict[AssetKey, AssetKey] = field(default_factory=dict)  # renamed assets -> where readers find them
    facts: SliceFacts = field(default_factory=NoSliceFacts)
    functions: Mapping[str, Callable[..., Iterable[str]]] = field(default_factory=dict)  # that map partitions, by name
    dynamic: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # lists of dynamic keys, without retired ones

    def token(self, version: VersionRecord, columns: str) -> str | None:
        """Return the fingerprint token of `columns` of `version`, or None where it was never computed."""
        if columns == FILE_BYTES:
            return "" if version.file is None else version.file.sha256
        found = version.tokens.get(columns)
        return found if found is not None else self.extra_tokens.get((version.asset, version.number, columns))


class StateReader(Protocol):
    """What deciding needs to know of the past. Nothing here writes."""

    def snapshot(self, environment: str) -> State:
        """Return what is known for `environment`. Raises StateInvalid where it cannot be read."""
        ...

    def last_slice(self, asset: AssetKey) -> int:
        """Return the highest slice number that any version of `asset` was given, 0 where there is none."""
        ...

    def versions(self, asset: AssetKey) -> tuple[VersionRecord, ...]:
        """Return every version of `asset`, oldest first."""
        ...

    def versions_of_definition(self, asset: AssetKey, definition_hash: str) -> tuple[VersionRecord, ...]:
        """Return the versions of `asset` that were made from this definition, newest first, rejected ones too."""
        ...
