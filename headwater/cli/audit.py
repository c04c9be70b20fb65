"""Verbs about the ledger: audit log, audit verify, ledger rebuild. They answer where the code is broken, too."""

from __future__ import annotations

from pathlib import Path

import click

from headwater.cli.completion import complete_asset
from headwater.cli.settings import global_options, print_lines, settings_of
from headwater.cli.verbs import VerbGroup, verb
from headwater.render.words import counted

_HELP = {"help_option_names": ["-h", "--help"]}


@click.group(
    "audit",
    cls=VerbGroup,
    verbs=(("Verbs", (("log", "headwater.cli.audit:log"), ("verify", "headwater.cli.audit:verify"))),),
    examples=("headwater audit log --limit 20", "headwater audit verify"),
    params=global_options(hidden=True),
    context_settings=_HELP,
)
@click.pass_context
def audit(context: click.Context) -> None:
    """Read and verify the ledger of everything that was decided."""
    if context.invoked_subcommand is None:
        print_lines([context.get_help()])


@click.group(
    "ledger",
    cls=VerbGroup,
    verbs=(("Verbs", (("rebuild", "headwater.cli.audit:rebuild"),)),),
    examples=("headwater ledger rebuild",),
    params=global_options(hidden=True),
    context_settings=_HELP,
)
@click.pass_context
def ledger(context: click.Context) -> None:
    """Put the ledger's tables in order."""
    if context.invoked_subcommand is None:
        print_lines([context.get_help()])


@verb("log", examples=("headwater audit log --limit 20", "headwater audit log --asset mart.revenue --format json"))
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the newest N entries.")
@click.option("--asset", metavar="ASSET", shell_complete=complete_asset, help="Only entries about this asset.")
@click.pass_context
def log(context: click.Context, limit: int | None, asset: str | None) -> None:
    """Print the entries of the ledger, newest first."""
    from headwater.render.documents import entries_document
    from headwater.render.records import entry_lines

    settings = settings_of(context)
    entries = settings.open(require=False).audit_log(limit, asset)
    settings.answer(lambda: entries_document(entries), lambda paper: entry_lines(entries, paper))


@verb("verify", examples=("headwater audit verify", "headwater audit verify --checkpoint kept/checkpoint.txt"))
@click.option(
    "--checkpoint",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A checkpoint that you kept: the ledger must continue it.",
)
@click.pass_context
def verify(context: click.Context, checkpoint: Path | None) -> int:
    """Prove that no recorded fact was changed, or name the place.

    Exit code 1 where the ledger FAILED verification or it is INCONCLUSIVE.
    """
    from headwater.render.records import audit_lines

    settings = settings_of(context)
    report = settings.open(require=False).audit_verify(checkpoint)
    settings.answer(report.to_json, lambda paper: audit_lines(report, paper))
    return int(report.verdict != "VERIFIED")


@verb("rebuild", examples=("headwater ledger rebuild",))
@click.pass_context
def rebuild(context: click.Context) -> None:
    """Derive the current state again from the entries."""
    settings = settings_of(context)
    entries = settings.open(require=False).rebuild_ledger()
    settings.answer(
        lambda: {"entries": entries},
        lambda paper: [f"Derived the current state again from {counted(entries, 'entry', 'entries')}."],
    )
