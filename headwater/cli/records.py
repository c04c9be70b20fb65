"""Verbs that look back: history, runs, show, logs. They answer for projects whose code is broken, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headwater.cli.completion import complete_asset
from headwater.cli.settings import settings_of
from headwater.cli.verbs import verb

if TYPE_CHECKING:
    from headwater.api import Project

_LATEST = "latest"


@verb("history", examples=("headwater history mart.revenue", "headwater history mart.revenue --format json"))
@click.argument("asset", shell_complete=complete_asset)
@click.pass_context
def history(context: click.Context, asset: str) -> None:
    """List the versions of ASSET, and where each is read."""
    from headwater.render.documents import history_document
    from headwater.render.records import history_lines

    settings = settings_of(context)
    versions = settings.open(require=False).history(asset)
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


@verb("show", examples=("headwater show latest", "headwater show latest --format json"))
@click.argument("run")
@click.pass_context
def show(context: click.Context, run: str) -> None:
    """Show what RUN did to each asset; `latest` is the newest run."""
    from headwater.render.documents import run_record_document
    from headwater.render.records import run_record_lines

    settings = settings_of(context)
    project = settings.open(require=False)
    record, steps = project.show(_resolve(project, run))
    settings.answer(
        lambda: run_record_document(record, steps),
        lambda paper: run_record_lines(record, steps, paper),
    )


@verb("logs", examples=("headwater logs latest", "headwater logs latest mart.revenue"))
@click.argument("run")
@click.argument("asset", required=False, shell_complete=complete_asset)
@click.pass_context
def logs(context: click.Context, run: str, asset: str | None) -> None:
    """Print what the steps of RUN wrote; `latest` is the newest run."""
    from headwater.render.documents import logs_document
    from headwater.render.records import log_lines

    settings = settings_of(context)
    project = settings.open(require=False)
    name = _resolve(project, run)
    lines = project.logs(name, asset)
    settings.answer(lambda: logs_document(name, lines), lambda paper: log_lines(lines))


def _resolve(project: Project, run: str) -> str:
    """Return the run that is meant. Raises RequestError for `latest` where there is none."""
    if run != _LATEST:
        return run
    newest = project.runs(1)
    if not newest:
        from headwater.assets.errors import RequestError

        raise RequestError("There are no runs yet.", "`headwater run` makes one.")
    return newest[0].run
