"""Verbs that decide and touch nothing: ls, stale, why, plan."""

from __future__ import annotations

from pathlib import Path

import click

from headwater.cli.completion import complete_asset
from headwater.cli.settings import settings_of
from headwater.cli.verbs import Callback, verb


def selection(function: Callback) -> Callback:
    """Add the SELECT arguments and `--exclude`."""
    exclude = click.option("--exclude", multiple=True, metavar="SELECT", help="Leave these out.")
    return click.argument("select", nargs=-1, shell_complete=complete_asset)(exclude(function))


def certainty(function: Callback) -> Callback:
    """Add `--verify-data`."""
    text = "Fingerprint all stored data instead of trusting the warehouse file's own state."
    return click.option("--verify-data", is_flag=True, help=text)(function)


def only_partitions(function: Callback) -> Callback:
    """Add `--partitions`."""
    text = "Of partitioned assets only these: 2024-01-01..2024-01-31, or eu,us, or day=2024-01-01..;region=eu."
    return click.option("--partitions", metavar="RANGES", help=text)(function)


@verb("ls", examples=("headwater ls", "headwater ls tag:finance", "headwater ls 'mart.*' --exclude kind:view"))
@selection
@click.pass_context
def ls(context: click.Context, select: tuple[str, ...], exclude: tuple[str, ...]) -> None:
    """List assets with kind, owner and status."""
    settings = settings_of(context)
    assets = settings.open().ls(select, exclude, settings.environment)

    from headwater.render.documents import assets_document
    from headwater.render.records import asset_lines

    settings.answer(lambda: assets_document(assets, settings.environment), lambda paper: asset_lines(assets, paper))


@verb(
    "stale",
    examples=("headwater stale", "headwater stale +mart.revenue --exit-code", "headwater stale --all --observe"),
)
@selection
@click.option("--all", "everything", is_flag=True, help="List current assets too.")
@click.option("--exit-code", is_flag=True, help="Answer 1 where an asset is not current.")
@click.option("--observe", is_flag=True, help="Look into sources whose state cannot be told for free.")
@certainty
@click.pass_context
def stale(
    context: click.Context,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    everything: bool,
    exit_code: bool,
    observe: bool,
    verify_data: bool,
) -> int:
    """Say which assets are stale, and why."""
    from headwater.render.status import is_stale, noteworthy, status_lines

    settings = settings_of(context)
    report = settings.open().status(select, exclude, settings.environment, observe=observe, verify_data=verify_data)
    items = noteworthy(report, everything=everything)

    def document() -> dict[str, object]:
        from headwater.render.documents import status_document

        return status_document(report, items)

    settings.answer(document, lambda paper: status_lines(report, items, paper))
    return int(exit_code and any(is_stale(item) for item in report.assets))


@verb("freshness", examples=("headwater freshness mart.revenue", "headwater freshness raw.orders --format json"))
@click.argument("asset", shell_complete=complete_asset)
@click.pass_context
def freshness(context: click.Context, asset: str) -> None:
    """Show how fresh ASSET has to be, and why.

    Whose promise that follows from, what was taken off for the way, and how old the sources inside are.
    """
    settings = settings_of(context)
    view = settings.open().freshness(asset, settings.environment)

    from headwater.render.freshness import freshness_document, freshness_lines

    settings.answer(lambda: freshness_document(view), lambda paper: freshness_lines(view, paper))


@verb("why", examples=("headwater why mart.revenue", "headwater why mart.daily@2024-01-31 --env dev"))
@click.argument("asset", shell_complete=complete_asset)
@click.pass_context
def why(context: click.Context, asset: str) -> None:
    """Show the decision about ASSET, clause by clause.

    ASSET@PARTITION asks about one partition. What led to it comes first, back to the root causes; then the clauses,
    failing ones first, with the proof of those that hold; then the change itself.
    """
    settings = settings_of(context)
    explanation = settings.open().why(asset, settings.environment)

    from headwater.render.why import why_lines
    from headwater.render.why_document import why_document

    settings.answer(
        lambda: why_document(explanation, settings.environment),
        lambda paper: why_lines(explanation, settings.environment, paper),
    )


@verb(
    "plan",
    examples=("headwater plan", "headwater plan +mart.revenue --out plan.json", "headwater plan 'stg.*' --force"),
)
@selection
@click.option("--force", is_flag=True, help="Plan to build what is current, too.")
@click.option("--retire", is_flag=True, help="Plan to drop what is no longer declared from view, too.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Save the plan, to run just this later: run --plan FILE.",
)
@only_partitions
@certainty
@click.pass_context
def plan(
    context: click.Context,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    force: bool,
    retire: bool,
    out: Path | None,
    verify_data: bool,
    partitions: str | None,
) -> None:
    """Show what `run` would do, in order, and why."""
    from headwater.cli.progress import watching

    settings = settings_of(context)
    project = settings.open()
    with watching(settings) as progress:
        made = project.plan(
            select,
            exclude,
            settings.environment,
            force=force,
            verify_data=verify_data,
            progress=progress,
            retire=retire,
            partitions=partitions,
        )
    if out is not None:
        from headwater.api import save_plan

        save_plan(made, out)

    from headwater.render.documents import plan_document
    from headwater.render.plan import plan_lines

    settings.answer(lambda: plan_document(made), lambda paper: plan_lines(made, paper))
