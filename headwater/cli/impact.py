"""The verb that looks ahead: impact."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headwater.cli.completion import complete_column
from headwater.cli.settings import settings_of
from headwater.cli.verbs import verb

if TYPE_CHECKING:
    from headwater.runtime.impact_model import ChangeKind


@verb(
    "impact",
    examples=(
        "headwater impact stg.orders.amount",
        "headwater impact stg.orders.amount --drop",
        "headwater impact raw.orders.city --rename town --format json",
        "headwater impact raw.orders.price --retype varchar --exit-code",
        "headwater impact stg.orders --drop",
    ),
)
@click.argument("asset", metavar="ASSET[.COLUMN]", shell_complete=complete_column)
@click.option("--redefine", is_flag=True, help="Its values would be others; this is meant where nothing else is said.")
@click.option("--drop", is_flag=True, help="It would be gone.")
@click.option("--rename", metavar="NAME", help="It would be called NAME.")
@click.option("--retype", metavar="TYPE", help="The column would have another type.")
@click.option("--all", "everything", is_flag=True, help="List untouched assets too, each with its proof.")
@click.option("--exit-code", is_flag=True, help="Answer 1 where something breaks.")
@click.pass_context
def impact(
    context: click.Context,
    asset: str,
    redefine: bool,
    drop: bool,
    rename: str | None,
    retype: str | None,
    everything: bool,
    exit_code: bool,
) -> int:
    """Say what a change to an asset or a column would do.

    For every asset downstream: whether it breaks, goes stale or is left alone, with the proof. Nothing is changed,
    built or decided.
    """
    kind, to = _change(context, redefine, drop, rename, retype)
    settings = settings_of(context)
    report = settings.open().impact(asset, kind, to, settings.environment)

    from headwater.render.impact import impact_document, impact_lines

    settings.answer(lambda: impact_document(report), lambda paper: impact_lines(report, paper, everything=everything))
    broken = report.own.outcome == "BREAKS" or report.counts["BREAKS"] > 0
    return int(exit_code and broken)


def _change(
    context: click.Context, redefine: bool, drop: bool, rename: str | None, retype: str | None
) -> tuple[ChangeKind, str | None]:
    given: list[tuple[ChangeKind, str | None]] = []
    given += [("REDEFINE", None)] if redefine else []
    given += [("DROP", None)] if drop else []
    given += [("RENAME", rename)] if rename is not None else []
    given += [("RETYPE", retype)] if retype is not None else []
    if len(given) > 1:
        raise click.UsageError("Name one change: --redefine, --drop, --rename or --retype.", context)
    return given[0] if given else ("REDEFINE", None)
