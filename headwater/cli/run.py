"""The verb that does: run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from headwater.assets.errors import RequestError
from headwater.cli.decide import certainty, only_partitions, selection
from headwater.cli.progress import watching
from headwater.cli.settings import settings_of
from headwater.cli.verbs import verb

if TYPE_CHECKING:
    from headwater.runtime.model import Plan

CANCELLED = 130


@verb(
    "run",
    examples=(
        "headwater run",
        "headwater run +mart.revenue",
        "headwater run tag:finance --workers 4 --fail-fast",
        "headwater run mart.old --retire",
        "headwater run --plan plan.json     (what `plan --out plan.json` said, or nothing)",
        "headwater run mart.daily --partitions 2024-01-01..2024-01-31",
    ),
)
@selection
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="How many steps may run at once.")
@click.option("--fail-fast", is_flag=True, help="Start nothing more after the first failure.")
@click.option("--force", is_flag=True, help="Build what is current, too.")
@click.option("--retire", is_flag=True, help="Drop assets that are no longer declared from view: all, or those named.")
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Run a saved plan; refused where what it depends on has changed.",
)
@only_partitions
@certainty
@click.pass_context
def run(
    context: click.Context,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    plan_file: Path | None,
    workers: int | None,
    fail_fast: bool,
    force: bool,
    verify_data: bool,
    retire: bool,
    partitions: str | None,
) -> int:
    """Build what is stale, check it, and publish what passes.

    Exit code 1 where a step failed, was blocked by its checks, or is held by a blocked upstream.
    """
    settings = settings_of(context)
    project = settings.open()
    plan = None
    if plan_file is not None:
        _require_alone(select or exclude, force, retire)
        plan = _saved(plan_file, settings.environment)
    with watching(settings) as progress:
        result = project.run(
            plan,
            select=select,
            exclude=exclude,
            env=settings.environment,
            workers=workers,
            fail_fast=fail_fast,
            force=force,
            verify_data=verify_data,
            progress=progress,
            retire=retire,
            partitions=partitions,
        )

    from headwater.render.documents import run_document
    from headwater.render.run import is_bad, run_lines

    settings.answer(lambda: run_document(result), lambda paper: run_lines(result, paper))
    return CANCELLED if result.outcome == "CANCELLED" else int(is_bad(result))


def _require_alone(selection: tuple[str, ...], force: bool, retire: bool) -> None:
    """A saved plan says itself what is built: raise RequestError where the command line says more."""
    if selection or force or retire:
        what = "--force" if force else "--retire" if retire else "a selection"
        raise RequestError(
            f"A saved plan runs as it is, without {what}.", "Make another one: headwater plan --out FILE."
        )


def _saved(path: Path, environment: str) -> Plan:
    from headwater.api import load_plan

    plan = load_plan(path)
    if plan.environment != environment:
        raise RequestError(
            f"The plan {path} is for the environment {plan.environment}, and the run is in {environment}.",
            f"Say so: headwater --env {plan.environment} run --plan {path}.",
        )
    return plan
