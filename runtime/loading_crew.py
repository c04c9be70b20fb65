"""Cold loads on every core: other processes declare files and resolve assets, and give back rows of the cache.

They do what this process would do, with the same functions, and their rows are found under the same keys; so a helper
that dies, or that sees another configuration, costs time and nothing else. Started only for work that is worth it.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
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
_LENGTH: Final = struct.Struct(">Q")
_LONGEST: Final = 1 << 32  # bytes of one message
_COMMAND: Final = "from headwater.runtime.loading_help import serve; serve()"


class Crew:
    """The helpers of one project at `root`. `processes` counts this one too."""

    def __init__(self, root: Path, processes: int | None = None) -> None:
        self._root = root
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
        size = -(-len(tasks) // (len(helpers) + 1))
        for number, helper in enumerate(helpers, 1):
            if part := tasks[number * size : (number + 1) * size]:
                helper.ask(kind, part, adopt)
        return tasks[:size]

    def collect(self) -> None:
        """Wait for what was given away and hand its rows on."""
        for helper in self._helpers or ():
            helper.collect()
        if self._helpers:
            self._helpers = [helper for helper in self._helpers if helper.works]

    def dismiss(self) -> None:
        """End the helpers."""
        for helper in self._helpers or ():
            helper.end()
        self._helpers = None

    def _at_hand(self, tasks: int) -> list[_Helper]:
        if self._helpers is None:
            if self._count < 1 or tasks < WORTH_STARTING:
                return []
            self._helpers = [_Helper(self._root) for _ in range(self._count)]
        return [helper for helper in self._helpers if helper.works]


class _Helper:
    """One process at the other end of two pipes."""

    def __init__(self, root: Path) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._adopt: Callable[[Rows], None] | None = None
        with suppress(OSError):
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _COMMAND, str(root)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            self._finalizer = weakref.finalize(self, _end, self._process)

    @property
    def works(self) -> bool:
        return self._process is not None

    def ask(self, kind: str, tasks: Sequence[Task], adopt: Callable[[Rows], None]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            send(self._process.stdin, (kind, tuple(tasks)))
            self._adopt = adopt
        except OSError:
            self.end()

    def collect(self) -> None:
        adopt, self._adopt = self._adopt, None
        if adopt is None or self._process is None:
            return
        assert self._process.stdout is not None
        try:
            rows = receive(self._process.stdout)
        except (OSError, EOFError, ValueError):
            rows = None
        if isinstance(rows, dict):
            adopt(rows)
        else:
            self.end()

    def end(self) -> None:
        if self._process is not None:
            self._finalizer()
            self._process = None


def _end(process: subprocess.Popen[bytes]) -> None:
    """A helper ends when nobody can ask it anything any more; one that is busy is not waited for."""
    process.kill()
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError):
            pipe.close() if pipe is not None else None
    process.wait()


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


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
