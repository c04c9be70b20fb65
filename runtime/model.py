"""The values that decisions and runs are made of, printed, stored and tested as they are. Nothing has an effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from headwater.assets.key import AssetKey
from headwater.checks.check import CheckResult

if TYPE_CHECKING:
    from headwater.lineage.column_graph import ColumnEdge, OpenEnd
    from headwater.lineage.column_tags import CarriedTag, StoppedTag
    from headwater.runtime.explanation import Cause, ColumnMove, DefinitionMove, ReadProof
    from headwater.runtime.promise import Unkept

StatusWord = Literal["MISSING", "UNKNOWN", "STALE", "PENDING", "CURRENT", "RETIRED"]
FreshnessWord = Literal["OK", "DUE", "LATE", "NONE"]
Action = Literal["BUILD", "RECHECK", "REUSE", "REDEFINE", "OBSERVE", "RETIRE", "ROLLBACK"]
Certainty = Literal["CERTAIN", "IF_INPUT_CHANGES"]
StepOutcome = Literal[
    "PUBLISHED",
    "VERIFIED_EQUAL",
    "REUSED",
    "RECHECKED",
    "OBSERVED",
    "RETIRED",
    "ROLLED_BACK",
    "BLOCKED",
    "HELD",
    "FAILED",
    "SKIPPED",
    "CANCELLED",
]
RunOutcome = Literal["SUCCEEDED", "FAILED", "BLOCKED", "CANCELLED", "NOTHING_TO_DO"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a clause failed: a stable code (INTERFACES lists them), one sentence, and what it is about."""

    code: str
    message: str
    upstream: AssetKey | None = None
    columns: tuple[str, ...] | None = None
    partitions: tuple[str, ...] | None = None  # ranges that it is about; None: the asset as a whole


@dataclass(frozen=True, slots=True)
class Status:
    """The answer to "is it stale?" for one asset. `reasons` is empty only for CURRENT."""

    word: StatusWord
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class PartitionLine:
    """How many partitions an asset has, how many are current, and the ranges of the others by their status."""

    total: int
    current: int
    stale: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AssetStatus:
    """One line of `stale`: status, and freshness as the second axis. `lag_seconds` is None without data."""

    asset: AssetKey
    status: Status
    freshness: FreshnessWord = "NONE"
    lag_seconds: int | None = None
    partitions: PartitionLine | None = None
    note: str | None = None  # such as "up to row order"
    deadline: str | None = None  # until when its oldest source data has to be replaced, ISO 8601 UTC
    latest_start: str | None = None  # when work on that has to begin
    promised_by: AssetKey | None = None  # whose promise that is


@dataclass(frozen=True)
class StatusReport(Mapping[str, Status]):
    """What `stale` answers: a mapping from asset keys to statuses, with what else `stale` shows.

    `at` and the values of `observed` are ISO 8601 UTC texts.
    """

    environment: str
    at: str
    assets: tuple[AssetStatus, ...]
    observed: tuple[tuple[AssetKey, str], ...] = ()
    findings: tuple[str, ...] = ()  # about the warehouse as a whole, such as a restored backup

    def __getitem__(self, key: str) -> Status:
        """Return the status of the asset called `key`."""
        for item in self.assets:
            if item.asset == key:
                return item.status
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        """Yield asset keys in build order."""
        return (item.asset for item in self.assets)

    def __len__(self) -> int:
        """Return the number of assets judged."""
        return len(self.assets)

    @property
    def counts(self) -> dict[str, int]:
        """Number of assets for each of the five statuses, zeros included, and RETIRED where there is one."""
        counted = dict.fromkeys(("CURRENT", "STALE", "PENDING", "MISSING", "UNKNOWN"), 0)
        for item in self.assets:
            counted[item.status.word] = counted.get(item.status.word, 0) + 1
        return counted


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of the decision about an asset, as `why` shows it. `reasons` says what failed, `proof` what held."""

    name: str
    question: str
    holds: bool | None  # None: not reached, or cannot be decided
    reasons: tuple[Reason, ...] = ()
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What `why` answers: the status and every clause in its order; `diff` is the definition change as text.

    With `partition` it is about that one only. `definition` says what the edit changed, `columns` what comes of it;
    `reads` prove what was seen; `because` is the way back to the root causes, whose sentences are `causes`. `version`
    is the published one, with `rows`, `built` at (ISO 8601 UTC) by `run`.
    """

    asset: AssetKey
    status: Status
    clauses: tuple[Clause, ...]
    diff: str | None = None
    causes: tuple[str, ...] = ()  # root causes through the layers, nearest first
    partition: str | None = None
    partitions: PartitionLine | None = None
    definition: tuple[DefinitionMove, ...] = ()
    columns: ColumnMove | None = None
    reads: tuple[ReadProof, ...] = ()
    because: tuple[Cause, ...] = ()
    version: int | None = None
    run: str | None = None
    built: str | None = None
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One item of a plan. `expected_seconds` is None where there is no history.

    `version` is the number of the stored version that a ROLLBACK shows.
    """

    asset: AssetKey
    action: Action
    certainty: Certainty
    reasons: tuple[Reason, ...] = ()
    expected_seconds: float | None = None
    partitions: str | None = None  # of a partitioned asset: those that it would build, as text
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """What a plan stands on in one asset, as hashes and numbers: each is None where there is nothing yet.

    `definition` has the parts of its definition by name; `delivery` is the digest of a source as last taken in.
    """

    asset: AssetKey
    definition: tuple[tuple[str, str], ...] | None
    checks: str | None
    version: int | None
    delivery: str | None = None


@dataclass(frozen=True, slots=True)
class Basis:
    """All that a plan depends on: the environment's schema suffix, what was asked for, and every asset it stands on."""

    suffix: str
    selected: tuple[AssetKey, ...]
    assets: tuple[Ground, ...]
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done and why, in an order in which it can be done. `unaffected` holds (asset, sentence).

    `retired` are published assets that are no longer declared and that this plan leaves in view; `rolled_back` holds
    (asset, sentence) for those that stay as a rollback left them. `why` is the reason of a rollback. A plan with a
    `basis` is carried out only while nothing of it has changed.
    `expected_seconds` is what the steps of `critical_path`, the longest path by history, are expected to take; None
    where no step has a history. `warnings` are promises that history says cannot be kept.
    """

    environment: str
    at: str
    plan_hash: str
    steps: tuple[Step, ...]
    unaffected: tuple[tuple[AssetKey, str], ...] = ()
    force: bool = False
    retired: tuple[AssetKey, ...] = ()
    basis: Basis | None = None
    rolled_back: tuple[tuple[AssetKey, str], ...] = ()
    why: str = ""
    only: str | None = None  # the partitions that were asked for, as text
    critical_path: tuple[AssetKey, ...] = ()
    expected_seconds: float | None = None
    warnings: tuple[Unkept, ...] = ()


@dataclass(frozen=True, slots=True)
class StepResult:
    """What one step came to. `version` is the version's number; `changed` says whether readers see something new."""

    asset: AssetKey
    outcome: StepOutcome
    changed: bool = False
    version: int | None = None
    rows: int | None = None
    attempts: int = 0
    seconds: float = 0.0
    checks: tuple[CheckResult, ...] = ()
    error: str | None = None
    message: str = ""  # one sentence: why this outcome
    partitions: str | None = None  # those that were built, as text


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run came to. `run` is the run's id; `counts` is derived from `steps`.

    `rolled_back` holds (asset, sentence) for what was left alone as a rollback left it.
    """

    run: str
    outcome: RunOutcome
    steps: tuple[StepResult, ...]
    environment: str = "prod"
    rolled_back: tuple[tuple[AssetKey, str], ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Number of steps for each outcome that occurred."""
        counted: dict[str, int] = {}
        for step in self.steps:
            counted[step.outcome] = counted.get(step.outcome, 0) + 1
        return counted


@dataclass(frozen=True, slots=True)
class Progress:
    """What a running plan tells whoever watches: the step, what it is doing, and how far the run is."""

    asset: AssetKey
    phase: str  # started | building | checking | finished
    done: int
    total: int
    result: StepResult | None = field(default=None)


@dataclass(frozen=True, slots=True)
class ColumnLineage:
    """One output column of an asset. `sources` are (asset, column, transformation, indirect, masking).

    They are None where nobody knows them, as with what a Python function computes. `left_out` is the number of columns
    that it is made from or decided by in ways that were not asked for.
    """

    column: str
    type: str | None
    sources: tuple[tuple[str, str, str, bool, bool], ...] | None = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class ReadLine:
    """What an asset reads of one upstream: columns, or None for ALL with the reason."""

    upstream: AssetKey
    columns: tuple[str, ...] | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class TableColumns:
    """The columns of one asset in a drawing, as (name, type or None, tags), in order.

    Tags are the column's own and those that came to it from upstream, marked where masked: `pii`, `pii (masked)`.
    Where its columns are not known, those that others are known to read; none where there are none of these either.
    """

    asset: AssetKey
    columns: tuple[tuple[str, str | None, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class LineageView:
    """What `lineage` answers: columns and reads of one asset, and the edges (upstream, downstream) around it.

    `columns` is None where the output columns are not known. `kinds` maps each asset of the drawing to its kind.
    `influences` are the (asset, column, transformation) that shape its rows. `tables` are all the assets in the drawing
    and `column_edges` what the asset's columns are made from and go into; where one column was asked for, only the
    assets that it touches are drawn.
    The picture is complete only where `open_ends` is empty: those say what nobody knows. `row_edges` are the
    (upstream, downstream) whose rows shape each other without a column of their own, as a count of rows does. `tags`
    are what the drawn columns carry, with where it comes from. `narrowed` says that edges of some kinds only were asked
    for: then nothing may be made of where there are no edges.
    """

    asset: AssetKey
    columns: tuple[ColumnLineage, ...] | None
    reads: tuple[ReadLine, ...]
    edges: tuple[tuple[AssetKey, AssetKey], ...] = ()
    kinds: tuple[tuple[AssetKey, str], ...] = ()
    column: str | None = None  # where one column was asked for
    tables: tuple[TableColumns, ...] = ()
    column_edges: tuple[ColumnEdge, ...] = ()
    influences: tuple[tuple[str, str, str], ...] = ()
    open_ends: tuple[OpenEnd, ...] = ()
    row_edges: tuple[tuple[AssetKey, AssetKey], ...] = ()
    tags: tuple[CarriedTag, ...] = ()
    narrowed: bool = False


@dataclass(frozen=True, slots=True)
class TagReport:
    """What `lineage --tag` answers: every column that carries `tag` with its origin, and the columns where it ends.

    `types` has the type of each column that carries it, or None where that is not known.
    """

    tag: str
    carried: tuple[CarriedTag, ...]
    stopped: tuple[StoppedTag, ...] = ()
    types: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One line of `history`. `published_in` are the environments whose readers see it now."""

    asset: AssetKey
    number: int
    created: str
    run: str
    rows: int
    verdict: str
    milliseconds: int
    definition_hash: str
    published_in: tuple[str, ...] = ()
    equal_to: int | None = None
    failed_checks: tuple[str, ...] = ()
    held_in: tuple[str, ...] = ()  # environments that were rolled back from it
    named: str | None = None  # what the asset was called then, where it was renamed since


@dataclass(frozen=True, slots=True)
class RunLine:
    """One line of `runs`, times in ISO 8601 UTC. `outcome` is None while it runs, INTERRUPTED where found dead."""

    run: str
    environment: str
    started: str
    finished: str | None
    outcome: str | None
    actor: str
    host: str
    counts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class StepLine:
    """One line of `show`: what one asset came to in a run. `checks` are results in the shape of `run`'s JSON."""

    asset: AssetKey
    outcome: str
    version: int | None
    at: str
    message: str = ""
    changed: bool = False
    checks: tuple[Mapping[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line that a step wrote."""

    at: str
    asset: str
    message: str


@dataclass(frozen=True, slots=True)
class AssetLine:
    """One line of `ls`."""

    asset: AssetKey
    kind: str
    owner: str | None
    status: StatusWord
    file: str
    description: str | None = None
    partitions: PartitionLine | None = None


@dataclass(frozen=True, slots=True)
class EnvironmentLine:
    """One line of `env list`. `schemas` are those that its readers find; `since` is its last publication, ISO 8601.

    `shared` is the number of its pointers that point to the version that prod points to. `suffix` is None for an
    environment that still has pointers and is no longer declared.
    """

    name: str
    suffix: str | None
    schemas: tuple[str, ...] = ()
    pointers: int = 0
    shared: int = 0
    since: str | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """A pointer that was moved: the asset, the version that readers see now, and the one before (None: none)."""

    asset: AssetKey
    version: int | None
    before: int | None


@dataclass(frozen=True, slots=True)
class Move:
    """What moving pointers came to. `publication` is the id of the one transaction, None where nothing had to move.

    `unchanged` is the number of chosen assets that were as they should be; `freed` are the stored versions that
    nobody used any more, as (asset, version number).
    """

    environment: str
    publication: str | None
    moved: tuple[Moved, ...] = ()
    unchanged: int = 0
    freed: tuple[tuple[AssetKey, int], ...] = ()
