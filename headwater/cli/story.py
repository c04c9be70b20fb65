"""How the demo is told: an edit, the commands that a user would type, a compact view of each answer, and a check."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from headwater.cli.progress import is_live, watching
from headwater.cli.settings import Settings
from headwater.demo import BUILT, REPORT_PATH, Expected, Scene, is_demo_project
from headwater.demo_edits import REPORT, Tampering, tamper_with_a_copy
from headwater.render import lineage, plan, records, run, status, why
from headwater.render.table import hanging
from headwater.render.words import counted

if TYPE_CHECKING:
    from headwater.api import Project
    from headwater.runtime.model import Progress, RunResult

COPY = "tampered-copy"
_LOG_LINES = 8
_REPORT_LINES = 2
_PAGE = 118  # two columns less than a wide terminal, because answers are indented


class Teller:
    """Tells scene after scene of one demo project. `again` where the project's ledger is of an earlier telling."""

    def __init__(self, directory: Path, settings: Settings, tell: Callable[[str], None], *, again: bool) -> None:
        self._directory = directory
        self._settings = settings
        self._tell = tell
        paper = settings.paper()
        self._paper = replace(paper, width=min(paper.width or _PAGE, _PAGE))
        self._again = again
        self._expected = Expected()
        self._tampering: Tampering | None = None
        self._found: list[str] = []

    def tell(self, scene: Scene, number: int) -> list[str]:
        """Do what `scene` says, print it, and return what came to something else than it says, one sentence each."""
        self._found = []
        self._tell("")
        self._tell(self._paper.bold(f"{number}. {scene.title}"))
        for line in hanging("", scene.narration, self._paper):
            self._tell(line)
        if scene.change:
            self._tell(f"Edit: {scene.change}")
        if scene.edit is not None:
            scene.edit(self._directory)
        if scene.expected is not None:
            self._expected = scene.expected
        for command in scene.commands:
            self._perform(shlex.split(command)[1:], first=number == 1)
        return [f"{scene.title}: {it}" for it in self._found]

    def _perform(self, words: list[str], *, first: bool) -> None:
        folder = self._directory
        if words[:2] == ["--project", "COPY"]:
            folder = self._copy()
            words = [*words[:1], folder.relative_to(self._directory).as_posix(), *words[2:]]
        self._tell(self._paper.paint(f"\n$ headwater {shlex.join(words)}", "cyan"))
        if words[0] == "--project":
            words = words[2:]
        project = Settings(str(folder), load=self._settings.load).open()
        for line in self._answer(project, words, first):
            self._tell(f"  {line}" if line else "")

    def _answer(self, project: Project, words: list[str], first: bool) -> Iterable[str]:
        match words:
            case ["run"]:
                return self._run(project, first)
            case ["stale"]:
                report = project.status()
                return status.status_lines(report, status.noteworthy(report, everything=False), self._paper)
            case ["plan"]:
                return plan.plan_lines(project.plan(), self._paper)
            case ["why", asset]:
                return self._why(project, asset)
            case ["lineage", asset]:
                return lineage.tree_lines(project.lineage(asset, True, False), self._paper, downstream=False)
            case ["history", asset]:
                return records.history_lines(asset, project.history(asset), self._paper)
            case ["audit", "log"]:
                return self._log(project)
            case ["audit", "verify"]:
                return self._verify(project)
        raise ValueError(f"The demo cannot tell `headwater {shlex.join(words)}`.")

    def _run(self, project: Project, first: bool) -> Iterator[str]:
        report = self._directory / REPORT_PATH
        before = _lines(report)
        with watching(self._settings) if is_live() else nullcontext(_unseen) as progress:
            result = project.run(progress=progress)
        yield from run.run_lines(result, self._paper, brief=True)
        after = _lines(report)
        yield from report_change(before, after)
        lenient = first and self._again
        self._found += differences(result, self._expected, lenient=lenient)
        if not lenient and REPORT not in self._expected.published and before != after:
            self._found.append(f"{REPORT_PATH} changed, and nothing was published into it.")
        if not (self._expected.blocked or self._expected.held):
            now = project.status().assets
            self._found += [f"{it.asset} is {it.status.word} after the run." for it in now if status.is_stale(it)]

    def _why(self, project: Project, asset: str) -> Iterable[str]:
        explanation = project.why(asset)
        codes = {reason.code for reason in explanation.status.reasons}
        for code, assets in (("BLOCKED", self._expected.blocked), ("HELD", self._expected.held)):
            if asset in assets and code not in codes:
                self._found.append(f"why {asset} does not say {code}.")
        return why.why_lines(explanation, "prod", self._paper)

    def _log(self, project: Project) -> Iterator[str]:
        entries = project.audit_log()
        shown = entries[:_LOG_LINES]
        yield from records.entry_lines(shown, self._paper, of=len(entries))

    def _verify(self, project: Project) -> Iterable[str]:
        report = project.audit_verify()
        if self._tampering is None and report.verdict != "VERIFIED":
            self._found.append(f"the ledger is {report.verdict}.")
        if self._tampering is not None:
            named = [finding.seq for finding in report.findings]
            if report.verdict != "FAILED" or self._tampering.seq not in named:
                self._found.append(f"the changed entry {self._tampering.seq} was not found.")
        return records.audit_lines(report, self._paper)

    def _copy(self) -> Path:
        copy = self._directory / COPY
        if is_demo_project(copy):
            shutil.rmtree(copy)
        made = self._tampering = tamper_with_a_copy(self._directory, copy)
        self._tell(f"Entry {made.seq}, {made.type}: {made.before} became {made.after}")
        return copy


def differences(result: RunResult, expected: Expected, *, lenient: bool = False) -> list[str]:
    """Return where a run came to something else than expected. `lenient`: any part of it may be reused already."""
    found = {step.asset: step.outcome for step in result.steps}
    published = {asset for asset, outcome in found.items() if outcome in ("PUBLISHED", "REUSED")} & BUILT
    rows = [
        ("published", published, published if lenient else expected.published),
        ("blocked", {asset for asset, outcome in found.items() if outcome == "BLOCKED"}, expected.blocked),
        ("held", {asset for asset, outcome in found.items() if outcome == "HELD"}, expected.held),
        ("failed", {asset for asset, outcome in found.items() if outcome in ("FAILED", "SKIPPED", "CANCELLED")}, set()),
        ("rechecked", {asset for asset, outcome in found.items() if outcome == "RECHECKED"}, set()),
    ]
    return [
        *(f"{asset} was {word}." for word, actual, wanted in rows for asset in sorted(actual - wanted)),
        *(f"{asset} was not {word}." for word, actual, wanted in rows for asset in sorted(wanted - actual)),
    ]


def report_change(before: list[str], after: list[str]) -> Iterator[str]:
    """Yield how the report file that readers see has changed."""
    if not before or not after:
        return
    if before == after:
        yield f"{REPORT_PATH} is as it was, byte for byte."
        return
    gone, new = [it for it in before if it not in set(after)], [it for it in after if it not in set(before)]
    yield f"{REPORT_PATH}: {counted(len(new), 'line')} changed."
    for old, line in [*zip(gone, new, strict=False)][:_REPORT_LINES]:
        yield from (f"  - {old}", f"  + {line}")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _unseen(progress: Progress) -> None:
    """Show nothing: the answer that follows says all."""
