"""The gate: results to a verdict. Pure, and never green where a check did not run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from headwater.assets.asset import CheckSpec
from headwater.checks.check import CheckResult, Verdict


def judge(results: Iterable[CheckResult], declared: Iterable[CheckSpec] = ()) -> Verdict:
    """Return BLOCK if a check of severity error failed or raised, else WARN if anything is amiss, else PASS.

    A check among `declared` without a result counts as one that raised, and its result is added.
    """
    found = tuple(results)
    reported = Counter(result.check for result in found)
    missing = []
    for spec in declared:
        reported[spec.label] -= 1
        if reported[spec.label] < 0:
            missing.append(_not_run(spec))
    found += tuple(missing)
    if any(result.outcome in ("FAIL", "ERROR") and result.severity != "warn" for result in found):
        return Verdict("BLOCK", found)
    return Verdict("PASS" if all(result.outcome == "PASS" for result in found) else "WARN", found)


def _not_run(spec: CheckSpec) -> CheckResult:
    return CheckResult(
        spec.label, spec.kind, spec.column, spec.severity, "ERROR", "", "was not run", message="The check was not run."
    )
