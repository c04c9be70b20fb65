"""What every verb shares: the global options, the project, and the two ways out, text and JSON."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from headwater.render.paper import Paper, paper_for

if TYPE_CHECKING:
    from headwater.api import Project

Loader = Callable[..., "Project"]


@dataclass(slots=True)
class Settings:
    """The global options of one command. `load` opens a project; tests put their own in its place."""

    project: str = "."
    environment: str = "prod"
    format: str = "text"
    color: bool = True
    load: Loader | None = None

    def open(self, *, require: bool = True) -> Project:
        """Return the project. Raises ProjectError where `require` and it has declaration errors."""
        load = self.load or _load_project
        with contextlib.redirect_stdout(sys.stderr):  # what modules of the project print is no part of an answer
            project = load(self.project, require=require)
        _known_environment(self.environment, project.config.environments)
        return project

    def paper(self, stream: TextIO | None = None) -> Paper:
        """Return the paper that `stream` is, by default standard output."""
        return paper_for(stream or sys.stdout, os.environ, color=self.color)

    def answer(self, document: Callable[[], dict[str, object]], lines: Callable[[Paper], Iterable[str]]) -> None:
        """Print the answer of a verb to standard output in the format that was asked for."""
        if self.format == "json":
            from headwater.render.documents import to_text

            print_lines([to_text(document())])
        else:
            print_lines(lines(self.paper()))


def _load_project(path: str, *, require: bool) -> Project:
    from headwater.api import load_project

    return load_project(path, require=require)


def _known_environment(name: str, known: Iterable[str]) -> None:
    if name in known:
        return
    from headwater.assets.errors import RequestError

    names = ", ".join(sorted(known))
    raise RequestError(
        f"There is no environment {name!r}.", f"Known: {names}. Declare it in headwater.toml as [environments.{name}]."
    )


def settings_of(context: click.Context) -> Settings:
    """Return the settings of the command that `context` belongs to."""
    return context.find_root().ensure_object(Settings)


def print_lines(lines: Iterable[str]) -> None:
    """Write lines to standard output. A reader that left, as `head` does, is no error: the answer stands without it."""
    try:
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
    except BrokenPipeError:
        abandon(sys.stdout)


def say(text: str) -> None:
    """Write a line to standard error, where progress, logs and messages go."""
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except (BrokenPipeError, ValueError):
        return


def abandon(stream: TextIO) -> None:
    """Let nothing more be written to a stream whose reader left, not even what is left in its buffer at the end."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _set(name: str) -> Callable[[click.Context, click.Parameter, object], None]:
    def callback(context: click.Context, _parameter: click.Parameter, value: object) -> None:
        if value is not None:
            setattr(settings_of(context), name, value)

    return callback


def _set_color(context: click.Context, _parameter: click.Parameter, value: object) -> None:
    if value:
        settings_of(context).color = False


def global_options(*, hidden: bool = False) -> list[click.Parameter]:
    """Return the options that every verb has. They may stand before or after the verb."""

    def option(*names: str, **attributes: object) -> click.Option:
        return click.Option(names, expose_value=False, is_eager=True, hidden=hidden, **attributes)  # type: ignore[arg-type]

    return [
        option(
            "--project",
            metavar="DIR",
            callback=_set("project"),
            type=click.Path(file_okay=False),
            help="The project's folder; by default the nearest at or above the current one.",
        ),
        option("--env", metavar="NAME", callback=_set("environment"), help="The environment; prod by default."),
        option(
            "--format",
            type=click.Choice(["text", "json"]),
            callback=_set("format"),
            help="How to answer; json prints one document to standard output and nothing else.",
        ),
        option("--no-color", is_flag=True, callback=_set_color, help="No colours, as NO_COLOR=1 does."),
    ]


def absolute(directory: str) -> Path:
    """Return a folder that was named on the command line as a path that later changes of folder do not move."""
    return Path(directory).absolute()
