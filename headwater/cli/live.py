"""The live display of a run: the only module that imports rich, and itself imported only for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from headwater.render.run import step_line
from headwater.render.words import one_line

if TYPE_CHECKING:
    from rich.progress import TaskID

    from headwater.runtime import model

_WORTH_A_LINE = ("FAILED", "BLOCKED")
_SHOWN_AT_ONCE = 8


class LiveView:
    """Shows one bar for the run and one line for each step at work; what went wrong stays on the screen above."""

    def __init__(self, display: Progress) -> None:
        self._display = display
        self._run: TaskID | None = None
        self._steps: dict[str, TaskID] = {}

    def __call__(self, progress: model.Progress) -> None:
        """Take in what happened to one step."""
        self._count(progress)
        if progress.phase == "finished" or progress.result is not None:
            self._finish(progress)
        elif progress.asset in self._steps:
            self._display.update(self._steps[progress.asset], description=_describe(progress))
        elif len(self._steps) < _SHOWN_AT_ONCE:
            self._steps[progress.asset] = self._display.add_task(_describe(progress), total=None)

    def _count(self, progress: model.Progress) -> None:
        if self._run is None:
            self._run = self._display.add_task("steps", total=progress.total)
        self._display.update(self._run, completed=progress.done, total=progress.total)

    def _finish(self, progress: model.Progress) -> None:
        task = self._steps.pop(progress.asset, None)
        if task is not None:
            self._display.remove_task(task)
        if progress.result is not None and progress.result.outcome in _WORTH_A_LINE:
            self._display.console.print(step_line(progress.result), style="red", markup=False, highlight=False)


class _RunBar(BarColumn):
    """A bar for the run as a whole; nobody can say how far a single step is."""

    def render(self, task: Task) -> RenderableType:  # type: ignore[override]
        return Text() if task.total is None else super().render(task)


class _RunCount(MofNCompleteColumn):
    """How many steps of the run are done."""

    def render(self, task: Task) -> Text:
        return Text() if task.total is None else super().render(task)


def bars(*, color: bool, console: Console | None = None) -> Progress:
    """Return the display on standard error; it is gone when the run has ended."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        _RunBar(),
        _RunCount(),
        TimeElapsedColumn(),
        console=console or Console(stderr=True, no_color=None if color else True),
        transient=True,
    )


def _describe(progress: model.Progress) -> str:
    return one_line(f"{progress.phase} {progress.asset}")
