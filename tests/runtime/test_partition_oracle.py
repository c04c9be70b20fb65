"""Random projects with partitions under random edits, against plain DuckDB: P1 and P2 for every single partition.

Whatever is called CURRENT holds what a clean rebuild gives; after a run everything does; a partition that a run
computed was edited, or sees other rows of other columns than when it was last proven.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from .partition_oracle.draw import Draw, draw_project
from .partition_oracle.edits import EDITS, Edit, draw_edit
from .partition_oracle.laws import Game
from .partition_oracle.model import Project

PARTS, EXAMPLES = 4, 16  # of the default suite; each example is a project with up to MOST_EDITS edits
MOST_EDITS = 4


def play(data: st.DataObject) -> None:
    """Run a project, then edit it and run it again some times; judge each time."""
    draw: Draw = data.draw
    with tempfile.TemporaryDirectory() as folder:
        project = draw_project(draw)
        game = Game(Path(folder), project)
        game.run()
        past = [project]
        for _ in range(draw(st.integers(1, MOST_EDITS))):  # type: ignore[arg-type]
            edit = _edit(draw, project, past)
            project = edit.project
            past.append(project)
            env = str(draw(st.sampled_from(("prod", "prod", "prod", "dev"))))
            game.edit(edit, env)
            if draw(st.integers(0, 2)) == 0:
                made = draw(st.sampled_from(project.made))
                game.run_part(env, made, draw)  # type: ignore[arg-type]
            game.run(env)


def _edit(draw: Draw, project: Project, past: list[Project]) -> Edit:
    if len(past) > 1 and draw(st.integers(0, 6)) == 0:
        earlier: Project = draw(st.sampled_from(past[:-1]))  # type: ignore[assignment]
        return Edit("revert", replace(earlier, now=project.now))
    return draw_edit(draw, project)


def _cases(number: int, examples: int) -> None:
    chosen = settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    seed(number)(chosen(given(data=st.data())(play)))()


@pytest.mark.parametrize("part", range(PARTS))
def test_every_partition_is_as_plain_duckdb_makes_it(part: int) -> None:
    _cases(part, EXAMPLES)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(100, 130))
def test_every_partition_is_as_plain_duckdb_makes_it_in_thousands_of_cases(part: int) -> None:
    _cases(part, 100)


def test_every_kind_of_edit_changes_a_project() -> None:
    """An edit that no longer changes anything would test nothing."""
    changed: set[str] = set()

    def collect(data: st.DataObject) -> None:
        project = draw_project(data.draw)
        changed.update(name for name, make in EDITS.items() if make(data.draw, project) != project)

    quiet = settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    seed(0)(quiet(given(data=st.data())(collect)))()
    assert changed == set(EDITS)
