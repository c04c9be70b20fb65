"""Standard output of user code, sent to the log of the step whose thread wrote it and never to our own."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

_line_of: dict[int, tuple[Callable[[str], None], list[str]]] = {}
_guard = threading.Lock()


class _Router:
    """Stands in for `sys.stdout` while any step captures; a thread without a step writes through."""

    def __init__(self, real: TextIO) -> None:
        self._real = real

    def write(self, text: str) -> int:
        entry = _line_of.get(threading.get_ident())
        if entry is None:
            return self._real.write(text)
        log, pending = entry
        *lines, rest = ("".join(pending) + text).split("\n")
        for line in lines:
            log(line)
        pending[:] = [rest] if rest else []
        return len(text)

    def flush(self) -> None:
        self._real.flush()

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)


@contextmanager
def capture(log: Callable[[str], None]) -> Iterator[None]:
    """Within the block, send what this thread prints to `log`, line by line."""
    with _guard:
        if not _line_of:
            sys.stdout = _Router(sys.stdout)
        _line_of[threading.get_ident()] = (log, [])
    try:
        yield
    finally:
        with _guard:
            _, pending = _line_of.pop(threading.get_ident())
            if pending:
                log("".join(pending))
            if not _line_of and isinstance(sys.stdout, _Router):
                sys.stdout = sys.stdout._real
