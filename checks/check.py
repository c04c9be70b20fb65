"""The values that checks produce: a result for each check, and one verdict for the version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["PASS", "WARN", "FAIL", "ERROR"]
VerdictWord = Literal["PASS", "WARN", "BLOCK"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found. `expected` and `actual` are short texts.

    `failing_rows` is None where the check does not count rows. ERROR means the check itself raised: it counts as
    failed. `sample` holds a few failing rows as ((column, text), ...) for people; it is never needed to decide.
    """

    check: str  # the label
    kind: str
    column: str | None
    severity: str
    outcome: Outcome
    expected: str
    actual: str
    failing_rows: int | None = None
    message: str | None = None
    sample: tuple[tuple[tuple[str, str | None], ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate decided about a version: PASS, WARN or BLOCK, with every result it was decided from."""

    word: VerdictWord
    results: tuple[CheckResult, ...] = ()

    @property
    def blocks(self) -> bool:
        """True where the version must not become visible."""
        return self.word == "BLOCK"
