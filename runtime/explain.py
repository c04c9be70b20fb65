"""`why`: the decision with every clause, the change itself, and the causes behind it back through the layers."""

from __future__ import annotations

import difflib

from headwater.assets.key import AssetKey
from headwater.runtime.ledger_reader import LedgerReader
from headwater.runtime.loading import Loaded, source_text
from headwater.runtime.model import Explanation
from headwater.runtime.proofs import clauses_of
from headwater.runtime.workspace import Survey

MOST_CAUSES = 20


def explain(survey: Survey, key: AssetKey, loaded: Loaded, reader: LedgerReader | None) -> Explanation:
    """Return why `key` has the status that it has; for a CURRENT asset, the proof that it is."""
    decision = survey.decisions[key]
    changed = any(reason.code == "DEFINITION_CHANGED" for reason in decision.status.reasons)
    version = survey.state.published.get(key)
    diff = None
    if changed and version is not None and version.text and reader is not None:
        before = reader.blob(version.text)
        if before is not None:
            name = f"{key}@v{version.number}"
            diff = text_diff(before.decode(), source_text(loaded.assets[key], loaded), name, f"{key} (today)")
    return Explanation(key, decision.status, clauses_of(survey.case(key), decision), diff, _causes(survey, key))


def text_diff(before: str, after: str, before_name: str, after_name: str) -> str | None:
    """Return a unified diff, or None where the texts are equal."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), before_name, after_name, lineterm="", n=2)
    return "\n".join(lines) or None


def _causes(survey: Survey, key: AssetKey) -> tuple[str, ...]:
    """Follow what an asset waits for up to what changed first; each cause once, nearest first."""
    found: dict[str, None] = {}
    seen = {key}
    front = [key]
    while front and len(found) < MOST_CAUSES:
        asset = front.pop(0)
        for reason in survey.decisions[asset].status.reasons:
            upstream = reason.upstream
            if reason.code in ("UPSTREAM_PENDING", "UPSTREAM_MISSING", "HELD") and upstream is not None:
                if upstream not in seen:
                    seen.add(upstream)
                    front.append(upstream)
            elif asset != key:
                found[f"{asset}: {reason.message}"] = None
    return tuple(found)
