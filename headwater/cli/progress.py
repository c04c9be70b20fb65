"""What a run shows while it runs, on standard error: live on a terminal, else one line for each step that ended."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING

from headwater.cli.settings import Settings, say
from headwater.render.run import step_line

if TYPE_CHECKING:
    from headwater.runtime.model import Progress


@contextmanager
def watching(settings: Settings) -> Iterator[Callable[[Progress], None]]:
    """Give the function that shows progress until the end of the block.

    Whatever else is printed meanwhile, as by the user's own functions, goes to standard error too.
    """
    if not is_live():
        with redirect_stdout(sys.stderr):
            yield show_line
        return
    from headwater.cli.live import LiveView, bars

    with bars(color=settings.color) as display:  # rich redirects standard output by itself
        yield LiveView(display)


def is_live() -> bool:
    """True where standard error is a terminal on which lines can be drawn again."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def show_line(progress: Progress) -> None:
    """Write one line for a step that ended."""
    if progress.result is not None:
        say(f"[{progress.done}/{progress.total}] {step_line(progress.result)}")
