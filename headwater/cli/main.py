"""The entry point: parses, runs one verb, and turns whatever happens into a message and an exit code.

Exit codes: 0 done; 1 done, and the answer is bad; 2 the request or the project is wrong; 3 a resource is unavailable;
130 interrupted. No traceback is ever shown, unless HEADWATER_DEBUG is set.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise

import click

from headwater.assets.errors import HeadwaterError, Problem, ProjectError
from headwater.cli.settings import Loader, Settings, abandon, global_options, print_lines, say
from headwater.cli.verbs import VERBS, VerbGroup

INTERRUPTED = 130


def _show_version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from headwater import __version__

        print_lines([f"headwater {__version__}"])
        context.exit(0)


@click.group(
    cls=VerbGroup,
    verbs=VERBS,
    params=[
        *global_options(),
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_show_version,
            help="Show the version and exit.",
        ),
    ],
    context_settings={"help_option_names": ["-h", "--help"]},
    examples=(
        "headwater demo                  see all of it on real data",
        "headwater stale                 what is stale, and why",
        "headwater run +mart.revenue     build an asset and what it is made from",
        "headwater stale --format json   the same for programs",
    ),
)
@click.pass_context
def cli(context: click.Context) -> None:
    """Says which data assets are stale and proves why, rebuilds only those, publishes nothing unchecked."""
    if context.invoked_subcommand is None:
        print_lines([context.get_help()])


def main() -> None:
    """Run the command line of this process and end it with the exit code."""
    # A project is many objects that live until the end: looking for garbage among them often finds little each time.
    gc.set_threshold(50_000, 20, 20)
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str], load: Loader | None = None) -> int:
    """Run one command and return its exit code. `load` replaces `api.load_project`."""
    _never_fail_to_print()
    settings = Settings(format="json" if _asks_for_json(arguments) else "text", load=load)
    try:
        code = cli.main([*arguments], prog_name="headwater", standalone_mode=False, obj=settings)
        return code if isinstance(code, int) else 0
    except (click.exceptions.Abort, KeyboardInterrupt):
        return _report(settings, INTERRUPTED, "INTERRUPTED", "Interrupted.")
    except click.ClickException as error:
        return _report_usage(settings, error)
    except HeadwaterError as error:
        return _report_known(settings, error)
    except BrokenPipeError:
        abandon(sys.stdout)
        return 1
    except OSError as error:
        return _report_system(settings, error)
    except Exception as error:
        return _report_unknown(settings, error)


def _asks_for_json(arguments: Sequence[str]) -> bool:
    """True where the arguments ask for JSON, so that even an error in them is reported as they ask."""
    return "--format=json" in arguments or ("--format", "json") in pairwise(arguments)


def _never_fail_to_print() -> None:
    """Let characters that a terminal's encoding lacks be escaped, and a closed stream swallow what is printed."""
    if sys.stdout is None or sys.stderr is None:
        nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (it stays open as long as the process)
        sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _report_usage(settings: Settings, error: click.ClickException) -> int:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "headwater"
    return _report(settings, 2, "USAGE_ERROR", error.format_message(), f"`{path} --help` shows how.")


def _report_known(settings: Settings, error: HeadwaterError) -> int:
    problems: tuple[Problem, ...] = error.problems if isinstance(error, ProjectError) else ()
    message = error.message.split("\n", 1)[0] + "." if problems else error.message
    for problem in problems:
        say(str(problem))
    return _report(settings, error.exit_code, _code(error), message, error.remedy, problems)


def _code(error: HeadwaterError) -> str:
    """Return the stable code of an error: the name of its class in upper snake case."""
    name = type(error).__name__
    return "".join(f"_{it}" if it.isupper() and at else it for at, it in enumerate(name)).upper()


def _report_system(settings: Settings, error: OSError) -> int:
    _debug()
    what = error.strerror or str(error)
    message = f"{error.filename}: {what}." if error.filename else f"{what}."
    return _report(settings, 3, "RESOURCE_ERROR", message, "Check the path, its permissions and the free space.")


def _report_unknown(settings: Settings, error: Exception) -> int:
    _debug()
    message = f"Headwater failed in a way that it should not: {type(error).__name__}: {error}."
    return _report(settings, 1, "INTERNAL_ERROR", message, "Please report it with what HEADWATER_DEBUG=1 adds.")


def _debug() -> None:
    if os.environ.get("HEADWATER_DEBUG"):
        import traceback

        say(traceback.format_exc().rstrip())


def _report(
    settings: Settings, code: int, name: str, message: str, remedy: str = "", problems: Sequence[Problem] = ()
) -> int:
    if settings.format == "json":
        from headwater.render.documents import error_document, to_text

        with suppress(OSError):  # where nothing can be written any more, the sentence below still tells
            print_lines([to_text(error_document(name, message, remedy, problems))])
    say(f"Error: {message} {remedy}".rstrip())
    return code
