"""Verbs that look back: history, runs, show, logs. They answer for projects whose code is broken, too."""

from __future__ import annotations

import click

from headwater.cli.completion import complete_asset
from headwater.cli.settings import settings_of
from headwater.cli.verbs import verb


@verb("history", examples=("headwater history mart.revenue", "headwater history mart.revenue --format json"))
@click.argument("asset", shell_complete=complete_asset)
@click.pass_context
def history(context: click.Context, asset: str) -> None:
    """List the versions of ASSET, and where each is read."""
    from headwater.render.documents import history_document
    from headwater.render.records import history_lines

    settings = settings_of(context)
    versions = settings.open(require=False).history(asset)
    asset = versions[0].asset if versions else asset.lower()
    settings.answer(
        lambda: history_document(asset, versions),
        lambda paper: history_lines(asset, versions, paper),
    )


@verb("runs", examples=("headwater runs", "headwater runs --limit 100 --format json"))
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="At most N runs.")
@click.pass_context
def runs(context: click.Context, limit: int) -> None:
    """List the newest runs."""
    from headwater.render.documents import runs_document
    from headwater.render.records import run_list_lines

    settings = settings_of(context)
    found = settings.open(require=False).runs(limit)
    settings.answer(lambda: runs_document(found), lambda paper: run_list_lines(found, paper))


@verb("show", examples=("headwater show last", "headwater show last --format json"))
@click.argument("run")
@click.pass_context
def show(context: click.Context, run: str) -> None:
    """Show what RUN did to each asset.

    RUN is an id, the beginning of one, or `last`.
    """
    from headwater.render.documents import run_record_document
    from headwater.render.records import run_record_lines

    settings = settings_of(context)
    record, steps = settings.open(require=False).show(run)
    settings.answer(
        lambda: run_record_document(record, steps),
        lambda paper: run_record_lines(record, steps, paper),
    )


@verb("logs", examples=("headwater logs last", "headwater logs last mart.revenue"))
@click.argument("run")
@click.argument("asset", required=False, shell_complete=complete_asset)
@click.pass_context
def logs(context: click.Context, run: str, asset: str | None) -> None:
    """Print what the steps of RUN wrote, about ASSET or all.

    RUN is an id, the beginning of one, or `last`.
    """
    from headwater.render.documents import logs_document
    from headwater.render.records import log_lines

    settings = settings_of(context)
    project = settings.open(require=False)
    lines = project.logs(run, asset)
    settings.answer(lambda: logs_document(project.show(run)[0].run, lines), lambda paper: log_lines(lines))
