"""Progress on a terminal and without one."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from headwater.assets.key import AssetKey
from headwater.cli.live import LiveView, bars
from headwater.cli.progress import show_line
from headwater.runtime.model import Progress, StepResult

A, B = AssetKey("a"), AssetKey("b")


def test_lines_are_written_for_steps_that_ended(capsys: pytest.CaptureFixture[str]) -> None:
    show_line(Progress(A, "started", 0, 2))
    show_line(Progress(A, "finished", 1, 2, StepResult(A, "FAILED", error="no\nmore")))
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "[1/2] FAILED a: no\n")


def test_the_live_view_follows_steps_and_keeps_what_went_wrong() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=80, color_system=None)
    display = bars(color=False, console=console)
    display.disable = True  # nothing is drawn by the clock
    view = LiveView(display)
    view(Progress(A, "started", 0, 2))
    view(Progress(A, "[bold]building", 0, 2))
    view(Progress(B, "started", 0, 2))
    assert [task.description for task in display.tasks] == ["steps", "[bold]building a", "started b"]
    view(Progress(A, "finished", 1, 2, StepResult(A, "BLOCKED", version=3)))
    view(Progress(B, "finished", 2, 2, StepResult(B, "PUBLISHED")))
    (run,) = display.tasks
    assert (run.completed, run.total) == (2, 2)
    assert stream.getvalue() == "BLOCKED a: v3\n"
    with console.capture() as drawn:
        console.print(display.get_renderable())
    assert "2/2" in drawn.get()


def test_many_steps_at_once_do_not_fill_the_screen() -> None:
    display = bars(color=False, console=Console(file=io.StringIO()))
    display.disable = True
    view = LiveView(display)
    for number in range(50):
        view(Progress(AssetKey(f"a{number}"), "started", 0, 50))
    assert len(display.tasks) == 9
