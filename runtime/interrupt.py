"""Ctrl-C and SIGTERM as something to be asked about, so that they never fall between a commit and its record."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """Hears the first Ctrl-C while `listening`; a second one ends whatever runs, as Python would have it."""

    def __init__(self) -> None:
        self.asked = False
        self._wake: Callable[[], object] = lambda: None

    def wakes(self, call: Callable[[], object]) -> None:
        """Let the first Ctrl-C call `call`, which must be safe wherever a signal may fall."""
        self._wake = call

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Within the block, the first Ctrl-C only sets `asked`. Who has a handler of their own keeps it.

        Threads other than the main one hear no signals, and this changes nothing there.
        """
        in_main = threading.current_thread() is threading.main_thread()
        if not in_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            yield
            return
        signal.signal(signal.SIGINT, self._first)
        terminated = signal.getsignal(signal.SIGTERM)
        if terminated is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._first)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGTERM, terminated)

    def _first(self, _number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if signal.getsignal(signal.SIGTERM) == self._first:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self.asked = True
        self._wake()
