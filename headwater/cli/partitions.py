"""Verbs about partitions: the keys of dynamic dimensions, which are data and not code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headwater.cli.settings import global_options, print_lines, settings_of
from headwater.cli.verbs import VerbGroup, verb

if TYPE_CHECKING:
    from headwater.runtime.dynamic_keys import KeyChange

_VERBS = (
    ("list", "headwater.cli.partitions:list_keys"),
    ("add", "headwater.cli.partitions:add"),
    ("retire", "headwater.cli.partitions:retire"),
)


def complete_list(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the lists of dynamic keys that an argument may go on with; none where the project cannot be read."""
    from headwater.runtime.key_lists import list_names

    try:
        assets = settings_of(context).open(require=False).assets
        return [name for name in list_names(assets) if name.startswith(incomplete)]
    except Exception:  # a broken project must not break the command line that is being typed
        return []


@click.group(
    "partitions",
    cls=VerbGroup,
    verbs=(("Verbs", _VERBS),),
    examples=("headwater partitions list shops", "headwater partitions add shops oslo bergen"),
    params=global_options(hidden=True),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.pass_context
def partitions(context: click.Context) -> None:
    """Add and retire the keys of dynamic dimensions."""
    if context.invoked_subcommand is None:
        print_lines([context.get_help()])


@verb("list", examples=("headwater partitions list shops", "headwater partitions list shops --format json"))
@click.argument("dimension", shell_complete=complete_list)
@click.pass_context
def list_keys(context: click.Context, dimension: str) -> None:
    """Print the keys of a dynamic dimension, retired ones too.

    DIMENSION is the name after `dynamic` where assets declare it.
    """
    from headwater.render.partitions import keys_document, keys_lines

    settings = settings_of(context)
    keys = settings.open().dynamic_keys(dimension)
    settings.answer(lambda: keys_document(dimension, keys), lambda paper: keys_lines(dimension, keys, paper))


@verb("add", examples=("headwater partitions add shops oslo bergen", "headwater partitions add shops 'kongens gate'"))
@click.argument("dimension", shell_complete=complete_list)
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@click.pass_context
def add(context: click.Context, dimension: str, keys: tuple[str, ...]) -> None:
    """Add keys to a dynamic dimension.

    Each key is a partition of every asset with this dimension from now on; retired ones come back with their history.
    It is recorded in the ledger.
    """
    _answer(context, settings_of(context).open().add_partitions(dimension, keys), "added")


@verb("retire", examples=("headwater partitions retire shops oslo",))
@click.argument("dimension", shell_complete=complete_list)
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@click.pass_context
def retire(context: click.Context, dimension: str, keys: tuple[str, ...]) -> None:
    """Take keys off a dynamic dimension.

    They are no partitions any more; what was built for them stays, and is there again when they are added again.
    """
    _answer(context, settings_of(context).open().retire_partitions(dimension, keys), "retired")


def _answer(context: click.Context, change: KeyChange, done: str) -> None:
    from headwater.render.partitions import change_document, change_lines

    settings_of(context).answer(lambda: change_document(change, done), lambda _: change_lines(change, done))
