"""Verbs about environments: env list, env create, env promote, env drop."""

from __future__ import annotations

import click

from headwater.cli.decide import selection
from headwater.cli.settings import global_options, print_lines, settings_of
from headwater.cli.verbs import VerbGroup, verb

_HERE = "headwater.cli.env"


@click.group(
    "env",
    cls=VerbGroup,
    verbs=(
        (
            "Verbs",
            (
                ("list", f"{_HERE}:list_"),
                ("create", f"{_HERE}:create"),
                ("promote", f"{_HERE}:promote"),
                ("drop", f"{_HERE}:drop"),
            ),
        ),
    ),
    examples=("headwater env create dev --from prod", "headwater env promote --from dev --to prod"),
    params=global_options(hidden=True),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.pass_context
def env(context: click.Context) -> None:
    """List, create, promote and drop environments."""
    if context.invoked_subcommand is None:
        print_lines([context.get_help()])


@verb("list", examples=("headwater env list", "headwater env list --format json"))
@click.pass_context
def list_(context: click.Context) -> None:
    """List environments and what they show."""
    from headwater.render.environments import environment_lines, environments_document

    settings = settings_of(context)
    found = settings.open(require=False).environments()
    settings.answer(lambda: environments_document(found), lambda paper: environment_lines(found, paper))


@verb("create", examples=("headwater env create dev", "headwater env create dev --from prod"))
@click.argument("name")
@click.option("--from", "source", metavar="NAME", help="Show at once what this environment shows; nothing is computed.")
@click.option("--suffix", metavar="TEXT", help="The suffix of its schemas; __NAME by default.")
@click.pass_context
def create(context: click.Context, name: str, source: str | None, suffix: str | None) -> None:
    """Declare the environment NAME, unless it is there.

    It is written into headwater.toml; with --from it shows at once what another environment shows.
    """
    from headwater.render.environments import created_lines, move_document

    settings = settings_of(context)
    done = settings.open().create_environment(name, source, suffix)
    settings.answer(lambda: move_document(done), lambda paper: created_lines(done, source))


@verb(
    "promote",
    examples=(
        "headwater env promote --from dev --to prod",
        "headwater env promote +mart.revenue --from dev --to prod --why 'reviewed in #42'",
    ),
)
@selection
@click.option("--from", "source", required=True, metavar="NAME", help="Where the versions were built.")
@click.option("--to", "target", default="prod", show_default=True, metavar="NAME", help="Whose readers shall see them.")
@click.option("--why", default="", metavar="TEXT", help="The reason, for the ledger.")
@click.pass_context
def promote(
    context: click.Context, select: tuple[str, ...], exclude: tuple[str, ...], source: str, target: str, why: str
) -> None:
    """Let readers of one environment see what another shows.

    The whole selection moves in one transaction, or nothing does. Nothing is computed.
    What would not be current where it arrives is refused by name.
    """
    from headwater.render.environments import move_document, promoted_lines

    settings = settings_of(context)
    done = settings.open().promote(select, exclude, source=source, target=target, why=why)
    settings.answer(lambda: move_document(done), lambda paper: promoted_lines(done, source, paper))


@verb("drop", examples=("headwater env drop dev", "headwater env drop dev --yes"))
@click.argument("name")
@click.option("--yes", is_flag=True, help="Its readers may lose what they see.")
@click.pass_context
def drop(context: click.Context, name: str, yes: bool) -> None:
    """Drop the views and pointers of NAME.

    The stored data that nobody else uses is freed.
    """
    from headwater.render.environments import dropped_lines, move_document

    settings = settings_of(context)
    done = settings.open().drop_environment(name, confirmed=yes)
    settings.answer(lambda: move_document(done), lambda paper: dropped_lines(done))
