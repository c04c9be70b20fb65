"""Processes to break: one that has imported everything and opened nothing forks a child for each run.

Forking before any thread, connection or lock exists makes a child in milliseconds that is as good as a new process.
Run as a program, this module is that process: one JSON line asks for a run, one JSON line answers.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

from faultkit.effects import Effects, Fault
from faultkit.looking import Looking

TRACE = "trace.txt"  # beside the project: every effect, written before it happens
RESULT = "result.json"  # beside the project: what the child came to, where it lived to tell
HUNG_SECONDS = 120.0
_woken, _wake = os.pipe()  # written to when a child ends
for _end in (_woken, _wake):
    os.set_blocking(_end, False)


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a child: its signal, or the run's outcome, or the error that it raised; and its effects."""

    signal: int | None
    outcome: str | None
    error: str | None
    message: str
    effects: tuple[str, ...]
    seen: tuple[str, ...] = ()  # what readers saw that they should not have
    looks: int = 0  # how often readers looked

    @property
    def reached(self) -> bool:
        """Whether the fault was reached."""
        return any(line.startswith("!") for line in self.effects)

    @property
    def points(self) -> tuple[str, ...]:
        """Every effect as label#occurrence, in order."""
        return tuple(line[1:] for line in self.effects)


class Nursery:
    """Starts the process; `run` lets it run a project in a child. Use as a context manager."""

    def __init__(self) -> None:
        path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "faultkit.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
            cwd=Path(__file__).parent,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def run(
        self,
        root: Path,
        fault: Fault | None = None,
        kill_after_seconds: float | None = None,
        *,
        workers: int = 1,
        batch: int = 3,
        allowed: Path | None = None,
        call: tuple[str, dict[str, object]] | None = None,
    ) -> Ended:
        """Run the project at `root` in a child, broken by `fault` or killed when so much time has passed.

        `call` is another method of the project, with its arguments, to call in place of `run`.

        `batch` is how many assets are published together: few, so that a run has several publications. `allowed` is a
        pickle of what readers may see; with it the child looks at all published views at every effect.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {
            "root": str(root),
            "fault": None if fault is None else asdict(fault),
            "kill_after_seconds": kill_after_seconds,
            "workers": workers,
            "batch": batch,
            "allowed": None if allowed is None else str(allowed),
            "call": call,
        }
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the nursery has ended"
        status, hung = json.loads(answer)["status"], json.loads(answer)["hung"]
        beside = root.parent / f"{root.name}.{TRACE}"
        effects = tuple(beside.read_text(encoding="utf-8").splitlines()) if beside.exists() else ()
        assert not hung, f"the run did not end; its last effect: {effects[-1:]}"
        told = root.parent / f"{root.name}.{RESULT}"
        if os.WIFSIGNALED(status):
            return Ended(os.WTERMSIG(status), None, None, "", effects)
        result = json.loads(told.read_text(encoding="utf-8"))
        return Ended(
            None,
            result.get("outcome"),
            result.get("error"),
            result.get("message", ""),
            effects,
            tuple(result.get("seen", ())),
            result.get("looks", 0),
        )


def serve() -> None:
    """Answer requests until the input ends."""
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(_wake)
    _warm_up()
    for line in sys.stdin:
        asked = json.loads(line)
        root = Path(asked["root"])
        for name in (TRACE, RESULT):
            (root.parent / f"{root.name}.{name}").unlink(missing_ok=True)
        child = os.fork()
        if child == 0:
            _be_a_run(asked, root)
        killed, status = _wait(child, asked["kill_after_seconds"] or HUNG_SECONDS)
        hung = killed and asked["kill_after_seconds"] is None
        print(json.dumps({"status": status, "hung": hung}), flush=True)


def _warm_up() -> None:
    """Import all there is and run a project once, so that a child starts where its run starts; leave nothing open."""
    import headwater
    from faultkit.house import write_house

    for module in pkgutil.walk_packages(headwater.__path__, "headwater."):
        if "__main__" not in module.name and "examples" not in module.name:
            importlib.import_module(module.name)
    with tempfile.TemporaryDirectory() as folder:
        write_house(Path(folder))
        project = headwater.load_project(folder, require=True)
        assert project.run(workers=1).outcome == "SUCCEEDED"
        project.workspace.cache.close()
    assert threading.active_count() == 1, "a fork would copy the locks of other threads"


def _wait(child: int, kill_after_seconds: float) -> tuple[bool, int]:
    """Wait for the child, killing it when so much time has passed; return whether it was killed, and its status."""
    ended, status = _ended_within(child, kill_after_seconds)
    if not ended:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    return not ended, status


def _ended_within(child: int, seconds: float) -> tuple[bool, int]:
    """Wait for SIGCHLD, which Linux and macOS both send, rather than look again and again."""
    deadline = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return True, status
        left = deadline - time.monotonic()
        if left <= 0:
            return False, 0
        select.select([_woken], [], [], left)
        with suppress(BlockingIOError):
            os.read(_woken, 4096)


def _be_a_run(asked: dict[str, Any], root: Path) -> NoReturn:
    """Run the project, tell what came of it, and end without a word to anyone else."""
    told: dict[str, object] = {}
    trace = os.open(root.parent / f"{root.name}.{TRACE}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    result = os.open(root.parent / f"{root.name}.{RESULT}", os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        from headwater import load_project
        from headwater.runtime import run

        run.BATCH = asked["batch"]
        fault = Fault(**asked["fault"]) if asked["fault"] else None
        looking = Looking(Path(asked["allowed"])) if asked["allowed"] else None

        def note(line: str) -> None:
            os.write(trace, line.encode())
            if looking is not None:
                looking.look()

        Effects(fault, note).install()
        project = load_project(root, require=True)
        if asked["call"] is None:
            told["outcome"] = project.run(workers=asked["workers"]).outcome
        else:
            name, arguments = asked["call"]
            told["outcome"] = str(getattr(project, name)(**arguments))
        if looking is not None:
            told["seen"], told["looks"] = looking.wrong, looking.looks
    except BaseException as error:
        told["error"], told["message"] = type(error).__name__, str(error)
    os.write(result, json.dumps(told).encode())
    os._exit(0)


if __name__ == "__main__":
    serve()
