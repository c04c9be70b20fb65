"""The values that decisions and runs are made of. Printed, stored and tested as they are; nothing here has an effect."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from headwater.assets.key import AssetKey
from headwater.checks.check import CheckResult

StatusWord = Literal["MISSING", "UNKNOWN", "STALE", "PENDING", "CURRENT", "RETIRED"]
FreshnessWord = Literal["OK", "DUE", "LATE", "NONE"]
Action = Literal["BUILD", "RECHECK", "REUSE", "REDEFINE", "OBSERVE", "RETIRE"]
Certainty = Literal["CERTAIN", "IF_INPUT_CHANGES"]
StepOutcome = Literal[
    "PUBLISHED", "VERIFIED_EQUAL", "REUSED", "RECHECKED", "OBSERVED", "BLOCKED", "HELD", "FAILED", "SKIPPED", "CANCELLED"
]
RunOutcome = Literal["SUCCEEDED", "FAILED", "BLOCKED", "CANCELLED", "NOTHING_TO_DO"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a clause failed: a stable code (INTERFACES lists them), one sentence, and what it is about."""

    code: str
    message: str
    upstream: AssetKey | None = None
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """The answer to "is it stale?" for one asset. `reasons` is empty only for CURRENT."""

    word: StatusWord
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class AssetStatus:
    """One line of `stale`: status, and freshness as the second axis. `lag_seconds` is None without data."""

    asset: AssetKey
    status: Status
    freshness: FreshnessWord = "NONE"
    lag_seconds: int | None = None
    note: str | None = None  # such as "up to row order"


@dataclass(frozen=True, slots=True)
class StatusReport:
    """What `stale` answers. `at` and the values of `observed` are ISO 8601 UTC texts."""

    environment: str
    at: str
    assets: tuple[AssetStatus, ...]
    observed: tuple[tuple[AssetKey, str], ...] = ()
    findings: tuple[str, ...] = ()  # about the warehouse as a whole, such as a restored backup


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
    """What `why` answers: the status and every clause in its order; `diff` is the definition change as text."""

    asset: AssetKey
    status: Status
    clauses: tuple[Clause, ...]
    diff: str | None = None
    causes: tuple[str, ...] = ()  # root causes through the layers, nearest first


@dataclass(frozen=True, slots=True)
class Step:
    """One item of a plan. `expected_seconds` is None where there is no history."""

    asset: AssetKey
    action: Action
    certainty: Certainty
    reasons: tuple[Reason, ...] = ()
    expected_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done and why, in an order in which it can be done. `unaffected` holds (asset, sentence)."""

    environment: str
    at: str
    plan_hash: str
    steps: tuple[Step, ...]
    unaffected: tuple[tuple[AssetKey, str], ...] = ()
    force: bool = False


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


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run came to. `run` is the run's id; `counts` is derived from `steps`."""

    run: str
    outcome: RunOutcome
    steps: tuple[StepResult, ...]
    environment: str = "prod"

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
