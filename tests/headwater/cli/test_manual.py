"""The manual says what is so: its examples answer as written, and it has a page for every verb and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from headwater.runtime.model import Action, StatusWord, StepOutcome
from headwater.runtime.staleness import CLAUSES

from .manual import DOCS, NOT_PLAYED, PAGES, normal, play
from .test_main import every_verb


@pytest.mark.parametrize("page", [page for page in PAGES if page.stem not in NOT_PLAYED], ids=lambda page: page.stem)
def test_examples_answer_as_written(page: Path, tmp_path: Path) -> None:
    played, written = play(page, tmp_path), page.read_text(encoding="utf-8")
    assert normal(played).splitlines() == normal(written).splitlines()


def test_every_verb_has_a_page_that_shows_its_options() -> None:
    verbs = {path.replace(" ", "-"): command for path, command in every_verb()}
    assert {page.stem for page in (DOCS / "cli").glob("*.md")} == set(verbs)
    for name, command in verbs.items():
        text = (DOCS / "cli" / f"{name}.md").read_text(encoding="utf-8")
        options = [it for it in command.params if it.param_type_name == "option" and not getattr(it, "hidden", False)]
        for option in options:
            assert option.opts[-1] in text, (name, option.opts)


@pytest.mark.parametrize("page", [*DOCS.rglob("*.md")], ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+\.md)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).is_file(), target


def test_the_manual_lists_the_clauses_in_their_order() -> None:
    text = (DOCS / "cli" / "why.md").read_text(encoding="utf-8")
    places = [text.index(f"| {clause.name} | {clause.question}") for clause in CLAUSES]
    assert places == sorted(places)


def test_every_finding_is_explained() -> None:
    text = (DOCS / "cli" / "audit-verify.md").read_text(encoding="utf-8")
    lineage = DOCS.parent / "lineage"
    source = "".join((lineage / name).read_text(encoding="utf-8") for name in ("audit.py", "audit_walk.py"))
    codes = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)*)"', source)) - {"VERIFIED", "FAILED", "INCONCLUSIVE", "MORE"}
    assert {code for code in codes if code not in text} == set()


def test_statuses_and_outcomes_are_explained() -> None:
    for page, words in (("stale", get_args(StatusWord)), ("run", get_args(StepOutcome)), ("plan", get_args(Action))):
        text = (DOCS / "cli" / f"{page}.md").read_text(encoding="utf-8")
        assert [word for word in words if word not in text] == [], page
