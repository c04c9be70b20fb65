"""Verbs that begin a project: init, validate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from headwater.cli.settings import absolute, settings_of
from headwater.cli.verbs import verb
from headwater.render.words import counted

if TYPE_CHECKING:
    from headwater.assets.errors import Problem
    from headwater.runtime.promise import Unkept


@verb("init", examples=("headwater init", "headwater init sales && cd sales && headwater run"))
@click.argument("directory", default=".", type=click.Path(file_okay=False))
@click.pass_context
def init(context: click.Context, directory: str) -> None:
    """Write a new project that runs."""
    from headwater.api import init_project

    files = [str(path) for path in init_project(absolute(directory))]
    after = "" if directory == "." else f"cd {directory} && "
    settings_of(context).answer(
        lambda: {"directory": directory, "files": files},
        lambda paper: [
            f"Wrote {counted(len(files), 'file')}:",
            *(f"  {it}" for it in files),
            f"Next: {after}headwater run",
        ],
    )


@verb("validate", examples=("headwater validate", "headwater --project sales validate --format json"))
@click.pass_context
def validate(context: click.Context) -> int:
    """Report every declaration error with its file and line.

    Exit code 2 where there is one. Promises that history says cannot be kept are warnings.
    """
    from headwater.assets.errors import ProjectError

    settings = settings_of(context)
    try:
        project = settings.open(require=False)
        assets, problems = len(project.assets), tuple(project.errors)
        warnings = () if problems else project.warnings
    except ProjectError as error:  # the project file itself
        assets, problems, warnings = 0, error.problems, ()
    settings.answer(lambda: _document(assets, problems, warnings), lambda paper: _lines(assets, problems, warnings))
    return 2 if problems else 0


def _document(assets: int, problems: tuple[Problem, ...], warnings: tuple[Unkept, ...]) -> dict[str, object]:
    from headwater.render.documents import problems_document
    from headwater.render.freshness import warnings_document

    return {"assets": assets, "problems": problems_document(problems), "warnings": warnings_document(warnings)}


def _lines(assets: int, problems: tuple[Problem, ...], warnings: tuple[Unkept, ...]) -> Iterator[str]:
    from headwater.render.freshness import warning_text

    yield from map(str, problems)
    yield from (f"Warning: {warning_text(it)}" for it in warnings)
    yield f"{counted(assets, 'asset')}, {counted(len(problems), 'problem') if problems else 'no problems'}."
