"""The verb that does: run."""

from __future__ import annotations

import click

from headwater.cli.decide import certainty, only_partitions, selection
from headwater.cli.progress import watching
from headwater.cli.settings import settings_of
from headwater.cli.verbs import verb

CANCELLED = 130


@verb(
    "run",
    examples=(
        "headwater run",
        "headwater run +mart.revenue",
        "headwater run tag:finance --workers 4 --fail-fast",
        "headwater run mart.daily --partitions 2024-01-01..2024-01-31",
    ),
)
@selection
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="How many steps may run at once.")
@click.option("--fail-fast", is_flag=True, help="Start nothing more after the first failure.")
@click.option("--force", is_flag=True, help="Build what is current, too.")
@only_partitions
@certainty
@click.pass_context
def run(
    context: click.Context,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    workers: int | None,
    fail_fast: bool,
    force: bool,
    verify_data: bool,
    partitions: str | None,
) -> int:
    """Build what is stale, check it, and publish what passes.

    Exit code 1 where a step failed, was blocked by its checks, or is held by a blocked upstream.
    """
    settings = settings_of(context)
    project = settings.open()
    with watching(settings) as progress:
        result = project.run(
            select=select,
            exclude=exclude,
            env=settings.environment,
            workers=workers,
            fail_fast=fail_fast,
            force=force,
            verify_data=verify_data,
            progress=progress,
            partitions=partitions,
        )

    from headwater.render.documents import run_document
    from headwater.render.run import is_bad, run_lines

    settings.answer(lambda: run_document(result), lambda paper: run_lines(result, paper))
    return CANCELLED if result.outcome == "CANCELLED" else int(is_bad(result))
