"""The log of a run: one file of JSON lines, each with time, asset and message. Its loss loses no recorded fact."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from headwater.runtime.clock import to_iso
from headwater.runtime.model import LogLine


class RunLog:
    """Writes lines from any thread. A log that cannot be written stops no run."""

    def __init__(self, folder: Path, run: str, now: Callable[[], datetime]) -> None:
        self._now = now
        self._guard = threading.Lock()
        self._file = None
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / f"{run}.jsonl").open("a", encoding="utf-8")

    def write(self, asset: str, message: str) -> None:
        """Write `message` about `asset`."""
        if self._file is None:
            return
        line = json.dumps({"at": to_iso(self._now()), "asset": str(asset), "message": message}, ensure_ascii=False)
        with self._guard, suppress(OSError, ValueError):
            self._file.write(line + "\n")

    def writer(self, asset: str) -> Callable[[str], None]:
        """Return a function that writes about `asset`."""
        return lambda message: self.write(asset, message)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()


def read_log(folder: Path, run: str) -> Iterator[LogLine]:
    """Yield the lines that a run logged; a line that was cut off is left out."""
    path = folder / f"{run}.jsonl"
    if not path.is_file():
        return
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            value = json.loads(text)
            yield LogLine(value["at"], value["asset"], value["message"])
        except (ValueError, KeyError, TypeError):
            continue
