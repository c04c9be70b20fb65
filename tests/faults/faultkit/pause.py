"""A run in a process of its own that stops in the middle of a step until it is told to go on: no sleeps, two pipes."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

SECONDS = 120.0  # after which a process that does not answer is given up

_ASSET = """\
import os
from pathlib import Path

import headwater as hw


@hw.asset("mart.pause", inputs={"orders": "stg.orders"}, version="1")
def pause(orders: hw.Input):
    root = Path(__file__).parents[2]
    entered = os.open(root / "entered.pipe", os.O_WRONLY)
    os.write(entered, b"x")
    os.close(entered)
    go_on = os.open(root / "go_on.pipe", os.O_RDONLY)
    os.read(go_on, 1)
    os.close(go_on)
    return orders.select("id").relation()
"""


def add_pause(root: Path) -> None:
    """Add an asset that waits, and one behind it, to the project at `root`."""
    (root / "assets/mart/pause.py").write_text(_ASSET, encoding="utf-8")
    (root / "assets/mart/later.sql").write_text("select count(*) as pauses from mart.pause\n", encoding="utf-8")
    for pipe in ("entered", "go_on"):
        os.mkfifo(root / f"{pipe}.pipe")


class Paused:
    """`headwater run` as a process, held in the step of mart.pause."""

    def __init__(self, root: Path) -> None:
        self._entered = os.open(root / "entered.pipe", os.O_RDONLY | os.O_NONBLOCK)
        self._go_on = os.open(root / "go_on.pipe", os.O_RDWR)
        self.process = start(root, "run", "--workers", "2")

    def __enter__(self) -> Self:
        ready, _, _ = select.select([self._entered], [], [], SECONDS)
        if not ready:
            self.process.kill()
            raise AssertionError(f"the run never came to its pause: {self.process.communicate()}")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        os.close(self._entered)
        os.close(self._go_on)

    def go_on(self) -> None:
        """Let the step end."""
        os.write(self._go_on, b"x")

    def end(self) -> tuple[int, str, str]:
        """Wait for the process; return its exit code, standard output and standard error."""
        out, err = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, out, err


def start(root: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start the command line in the project at `root`, able to hear Ctrl-C whatever started the tests."""
    code = "from headwater.cli.main import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, "--project", str(root), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=root,
        preexec_fn=_hear_ctrl_c,
    )


def _hear_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def answer(root: Path, *arguments: str) -> tuple[int, str, str]:
    """Run one command to its end; return exit code, standard output and standard error."""
    process = start(root, *arguments)
    out, err = process.communicate(timeout=SECONDS)
    return process.returncode, out, err
