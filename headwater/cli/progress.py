"""What a run shows while it runs, on standard error: live on a terminal, else one line for each step that ended."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING

from headwater.cli.settings import Settings, say
from headwater.render.run import step_line
from headwater.render.words import one_line

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from headwater.runtime.model import Progress

_WORTH_A_LINE = ("FAILED", "BLOCKED")
_SHOWN_AT_ONCE = 8


@contextmanager
def watching(settings: Settings) -> Iterator[Callable[[Progress], None]]:
    """Give the function that shows progress until the end of the block.

    Whatever else is printed meanwhile, as by the user's own functions, goes to standard error too.
    """
    if not is_live():
        with redirect_stdout(sys.stderr):
            yield show_line
        return
    with _bars(settings.color) as bars:
        yield LiveView(bars)


def is_live() -> bool:
    """True where standard error is a terminal on which lines can be drawn again."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def show_line(progress: Progress) -> None:
    """Write one line for a step that ended."""
    if progress.result is not None:
        say(f"[{progress.done}/{progress.total}] {step_line(progress.result)}")


class LiveView:
    """Shows one bar for the run and one line for each step at work; what went wrong stays on the screen above."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._run: TaskID | None = None
        self._steps: dict[str, TaskID] = {}

    def __call__(self, progress: Progress) -> None:
        """Take in what happened to one step."""
        self._count(progress)
        if progress.phase == "finished" or progress.result is not None:
            self._finish(progress)
        elif progress.asset in self._steps:
            self._bars.update(self._steps[progress.asset], description=_describe(progress))
        elif len(self._steps) < _SHOWN_AT_ONCE:
            self._steps[progress.asset] = self._bars.add_task(_describe(progress), total=None)

    def _count(self, progress: Progress) -> None:
        if self._run is None:
            self._run = self._bars.add_task("steps", total=progress.total)
        self._bars.update(self._run, completed=progress.done, total=progress.total)

    def _finish(self, progress: Progress) -> None:
        task = self._steps.pop(progress.asset, None)
        if task is not None:
            self._bars.remove_task(task)
        if progress.result is not None and progress.result.outcome in _WORTH_A_LINE:
            self._bars.console.print(step_line(progress.result), style="red", markup=False, highlight=False)


def _describe(progress: Progress) -> str:
    return one_line(f"{progress.phase} {progress.asset}")


def _bars(color: bool) -> Bars:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    return Bars(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True, no_color=None if color else True),
        transient=True,
    )
