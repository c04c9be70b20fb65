"""Shell completion: the script to load, and the names of assets."""

from __future__ import annotations

import os
from pathlib import Path

import click

from headwater.assets.errors import RequestError
from headwater.cli.settings import print_lines, settings_of
from headwater.cli.verbs import verb

SHELLS = ("bash", "zsh", "fish")


@verb("completion", examples=('eval "$(headwater completion bash)"', "headwater completion fish | source"))
@click.argument("shell", required=False, type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str | None) -> None:
    """Print the completion script of a shell.

    It completes verbs, options and the names of assets. Without SHELL, the shell is taken from the environment.
    """
    from click.shell_completion import get_completion_class

    name = shell or Path(os.environ.get("SHELL", "")).name
    maker = get_completion_class(name) if name in SHELLS else None
    if maker is None:
        raise RequestError("The shell cannot be told from the environment.", f"Name one: {', '.join(SHELLS)}.")
    root = context.find_root()
    print_lines([maker(root.command, {}, "headwater", "_HEADWATER_COMPLETE").source()])


def complete_asset(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the asset keys that an argument may go on with, after a selector's `+` or `@` too.

    Returns nothing where the project cannot be read.
    """
    typed = incomplete.lower().lstrip("+@0123456789")
    operators = incomplete[: len(incomplete) - len(typed)]
    try:
        keys = settings_of(context).open(require=False).assets
        return sorted(f"{operators}{key}" for key in keys if key.startswith(typed))
    except Exception:  # a broken project must not break the command line that is being typed
        return []


def complete_column(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the asset keys that an argument may go on with, or after the dot behind one, its columns.

    Returns nothing where the project cannot be read.
    """
    keys = complete_asset(context, _parameter, incomplete)
    parent, dot, typed = incomplete.lower().rpartition(".")
    try:
        project = settings_of(context).open(require=False)
        if not dot or parent not in project.assets:
            return keys
        names = project.columns(parent, settings_of(context).environment)
        return [*keys, *(f"{parent}.{name}" for name in names if name.lower().startswith(typed))]
    except Exception:  # a broken project must not break the command line that is being typed
        return keys
