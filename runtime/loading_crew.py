"""Cold loads on every core: other processes declare files and resolve assets, and give back rows of the cache.

They do what this process would do, with the same functions, and their rows are found under the same keys; so a helper
that dies, hangs, or sees another configuration costs time and nothing else. Started only for work that is worth it.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from headwater.runtime.packing import pack, unpack

Task = tuple[object, ...]
Rows = Mapping[bytes, bytes]

WORTH_STARTING: Final = 512  # tasks; a helper takes as long to start as some hundreds of them
WORTH_SHARING: Final = 16  # tasks; fewer are done sooner here than they are sent
MOST_PROCESSES: Final = 8
PATIENCE_SECONDS: Final = 10.0  # for a helper, beyond as much time again as the own share of the work took
_END_SECONDS: Final = 1.0  # for a process that was killed
_INTERPRETERS: Final = ("python", "pypy", "graalpy")
_LENGTH: Final = struct.Struct(">Q")
_LONGEST: Final = 1 << 32  # bytes of one message
_COMMAND: Final = "from headwater.runtime.loading_help import serve; serve()"


class Crew:
    """The helpers of one project at `root`. `processes` counts this one too.

    `patience_seconds` is how long a helper that does not answer is waited for, by `clock`, which counts in seconds.
    """

    def __init__(
        self,
        root: Path,
        processes: int | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root = root
        self._patience_seconds, self._clock = patience_seconds, clock
        self._asked = 0.0  # when work was given away last
        self._helpers: list[_Helper] | None = None
        self._count = (min(_cores(), MOST_PROCESSES) if processes is None else processes) - 1

    def share(self, kind: str, tasks: Sequence[Task], adopt: Callable[[Rows], None]) -> Sequence[Task]:
        """Give away a part of `tasks`, and return the rest together with what to do with them: first do that rest.

        `adopt` is called with the rows that come back, when `collect` is. Tasks whose helper failed are simply not
        among the rows.
        """
        helpers = self._at_hand(len(tasks))
        if not helpers or len(tasks) < WORTH_SHARING:
            return tasks
        self._asked = self._clock()
        size = -(-len(tasks) // (len(helpers) + 1))
        for number, helper in enumerate(helpers, 1):
            if part := tasks[number * size : (number + 1) * size]:
                helper.ask(kind, part, adopt)
        return tasks[:size]

    def collect(self) -> None:
        """Wait for what was given away and hand its rows on; a helper much slower than this process is ended."""
        now = self._clock()
        until = now + (now - self._asked) + self._patience_seconds
        for helper in self._helpers or ():
            helper.collect(max(until - self._clock(), 0.0))
        if self._helpers:
            self._helpers = [helper for helper in self._helpers if helper.works]

    def dismiss(self) -> None:
        """End the helpers."""
        for helper in self._helpers or ():
            helper.end()
        self._helpers = None

    def _at_hand(self, tasks: int) -> list[_Helper]:
        if self._helpers is None:
            interpreter = _interpreter()
            if self._count < 1 or tasks < WORTH_STARTING or interpreter is None:
                return []
            self._helpers = [_Helper(interpreter, self._root) for _ in range(self._count)]
        return [helper for helper in self._helpers if helper.works]


class _Helper:
    """One process at the other end of two pipes."""

    def __init__(self, interpreter: str, root: Path) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._adopt: Callable[[Rows], None] | None = None
        self._exchange: _Exchange | None = None
        with suppress(OSError):
            self._process = subprocess.Popen(
                [interpreter, "-P", "-c", _COMMAND, str(root)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            self._finalizer = weakref.finalize(self, _end, self._process)

    @property
    def works(self) -> bool:
        return self._process is not None

    def ask(self, kind: str, tasks: Sequence[Task], adopt: Callable[[Rows], None]) -> None:
        assert self._process is not None
        try:
            self._adopt, self._exchange = adopt, _Exchange(self._process, (kind, tuple(tasks)))
        except RuntimeError:  # no more threads
            self.end()

    def collect(self, seconds: float) -> None:
        """Hand on the rows that come within `seconds`, or end the helper."""
        exchange, self._exchange = self._exchange, None
        if exchange is None or self._adopt is None:
            return
        rows = exchange.answer(seconds)
        if rows is None:
            self.end()
        else:
            self._adopt(rows)

    def end(self) -> None:
        if self._process is not None:
            self._finalizer()
            self._process = None


class _Exchange:
    """One question to a helper and its answer, on a thread, since a helper that hangs neither reads nor writes."""

    def __init__(self, process: subprocess.Popen[bytes], question: object) -> None:
        self._process, self._question = process, question
        self._rows: Rows | None = None
        self._thread = threading.Thread(target=self._talk, name="headwater-helper", daemon=True)
        self._thread.start()

    def answer(self, seconds: float) -> Rows | None:
        """Return the rows, or None for a helper that failed or did not answer within `seconds`."""
        self._thread.join(seconds)
        return self._rows

    def _talk(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(Exception):  # whatever it is, this process does the work then
            send(self._process.stdin, self._question)
            rows = receive(self._process.stdout)
            self._rows = rows if isinstance(rows, dict) else None


def _end(process: subprocess.Popen[bytes]) -> None:
    """A helper ends when nobody can ask it anything any more; one that is busy or stopped is not waited for."""
    process.kill()
    with suppress(subprocess.TimeoutExpired):  # the kernel may hold it: then it, and who talks to it, are left behind
        process.wait(_END_SECONDS)
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                pipe.close() if pipe is not None else None


def send(pipe: IO[bytes], message: object) -> None:
    """Write one message. Raises OSError where nobody reads."""
    payload = pack(message)
    pipe.write(_LENGTH.pack(len(payload)))
    pipe.write(payload)
    pipe.flush()


def receive(pipe: IO[bytes]) -> object:
    """Return one message. Raises EOFError at the end, ValueError for what is none."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (size,) = _LENGTH.unpack(head)
    if size > _LONGEST:
        raise ValueError("not a message")
    payload = pipe.read(size)
    if len(payload) < size:
        raise EOFError
    try:
        return unpack(payload)
    except Exception as error:  # whatever unpacking raises, it is no message
        raise ValueError("not a message") from error


def _interpreter() -> str | None:
    """Return what runs Python code, or None in a program that has Python inside: started again, it would be itself."""
    executable = sys.executable
    if not executable or hasattr(sys, "frozen"):
        return None
    return executable if any(name in Path(executable).name.lower() for name in _INTERPRETERS) else None


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
