"""Loading on several cores comes to what one core comes to, whatever becomes of the helpers."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from headwater.assets.config import read_config
from headwater.runtime import loading_crew
from headwater.runtime.cache import AnalysisCache
from headwater.runtime.definer import Definer
from headwater.runtime.loading import load
from headwater.runtime.loading_crew import Crew, receive, send

FILES = {
    "headwater.toml": '[project]\nname = "p"\n[vars]\nfloor = 3\n[defaults]\nowner = "me@corp.example"\n',
    "assets/raw.yaml": "external:\n  raw.r:\n    file: data/r.csv\n    columns: {id: bigint, x: varchar}\n",
    **{f"assets/a/t{n}.sql": f"select id, x, {n} as n from raw.r where id > $vars.floor" for n in range(12)},
    **{
        f"assets/b/t{n}.sql": f"/* @asset\nchecks: [{{relationship: {{column: id, to: raw.r}}}}]\n*/\n"
        f"select t.*, u.n as m from a.t{n} t join a.t{11 - n} u using (id)"
        for n in range(12)
    },
    "assets/c/broken.sql": "select nothing from a.t0",
    "assets/c/worse.sql": "select from where",
    "assets/c/p.py": 'import headwater as hw\n@hw.asset("c.p", inputs={"t": "b.t1"})\ndef p(t):\n  return t.arrow()\n',
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(loading_crew, "WORTH_STARTING", 2)
    monkeypatch.setattr(loading_crew, "WORTH_SHARING", 2)
    return tmp_path


def everything(root: Path, crew: Crew | None, cache: AnalysisCache | None = None) -> tuple[object, ...]:
    """Return all that a load comes to: declarations, problems, definitions."""
    cache = cache or AnalysisCache(None)
    loaded = load(read_config(root), cache, crew)
    resolved, problems = Definer(loaded, cache, crew).resolve_all(None)
    return loaded.assets, loaded.problems, loaded.references, resolved, problems, list(resolved)


def test_helpers_come_to_the_same(root: Path) -> None:
    alone = everything(root, None)
    crew = Crew(root, processes=3)
    cache = AnalysisCache(None)
    assert everything(root, crew, cache) == alone
    assert alone[4], "a project with a problem in each phase tells more"
    assert alone[1]


def test_helpers_do_a_share_of_the_work(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without this, a crew that does nothing would pass."""
    rows: list[int] = []
    adopt = AnalysisCache.adopt
    monkeypatch.setattr(AnalysisCache, "adopt", lambda cache, got: (rows.append(len(got)), adopt(cache, got))[1])
    everything(root, Crew(root, processes=2))
    assert len(rows) >= 3, "declared, and resolved in two generations"
    assert sum(rows) > 20


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_helper_may_die_at_any_time(root: Path, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    crew = Crew(root, processes=2)
    answers = 0
    real = receive

    def dying(pipe: io.BufferedReader) -> object:
        nonlocal answers
        answers += 1
        if answers > after:
            for helper in crew._helpers or ():
                assert helper._process is not None
                helper._process.kill()
        return real(pipe)

    monkeypatch.setattr(loading_crew, "receive", dying)
    assert everything(root, crew) == everything(root, None)
    assert answers == min(after + 1, 3), "nobody asks it again"


def test_a_helper_that_talks_nonsense_is_not_believed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading_crew, "_COMMAND", "import sys; sys.stdout.write('x' * 100)")
    assert everything(root, Crew(root, processes=2)) == everything(root, None)


def test_a_helper_that_cannot_start_is_done_without(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert everything(root, Crew(root, processes=2)) == everything(root, None)


@pytest.mark.parametrize("executable", [None, "", "/opt/shop/shop"])
def test_a_program_that_has_python_inside_has_no_helpers(
    root: Path, monkeypatch: pytest.MonkeyPatch, executable: str | None
) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    assert_alone(root, monkeypatch)


def test_a_frozen_program_does_not_start_itself_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert_alone(root, monkeypatch)


def assert_alone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **_: started.append(a))
    assert everything(root, Crew(root, processes=3)) == everything(root, None)
    assert started == []


STOPPED = "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="nothing stops a process here")
def test_a_stopped_helper_is_not_waited_for(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading_crew, "_COMMAND", STOPPED)
    crew = Crew(root, processes=3, patience_seconds=0, clock=lambda: 0.0)
    asked: list[float] = []
    collect = loading_crew._Helper.collect
    monkeypatch.setattr(loading_crew._Helper, "collect", lambda it, s: (asked.append(s), collect(it, s))[1])
    assert everything(root, crew) == everything(root, None)
    assert asked == [0.0, 0.0], "each was asked once, and ended"


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="nothing stops a process here")
def test_a_stopped_helper_does_not_take_what_is_longer_than_a_pipe(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading_crew, "_COMMAND", STOPPED)
    crew = Crew(root, processes=2, patience_seconds=0, clock=lambda: 0.0)
    got: list[object] = []
    assert len(crew.share("declare", [("x" * 200_000,)] * 4, got.append)) == 2
    crew.collect()
    assert got == []
    assert crew._helpers == []


def test_a_helper_has_as_long_again_as_the_own_share_took(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(loading_crew._Helper, "collect", lambda _, seconds: waits.append(seconds))
    times = iter([100.0, 107.0, 107.0, 109.0])  # asked, own share done, asks the first helper, and the second
    crew = Crew(root, processes=3, patience_seconds=5, clock=lambda: next(times))
    crew.share("declare", [("x",)] * 6, lambda _: None)
    crew.collect()
    crew.dismiss()
    assert waits == [12.0, 10.0]


def test_few_tasks_start_nobody(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading_crew, "WORTH_STARTING", 512)
    crew = Crew(root, processes=4)
    everything(root, crew)
    assert crew._helpers is None


def test_a_helper_ends_when_nobody_is_left_to_ask() -> None:
    command = [sys.executable, "-P", "-c", loading_crew._COMMAND, "."]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, cwd=Path(__file__).parent)
    assert done.stdout == b""


def test_a_message_comes_over_as_it_was() -> None:
    pipe = io.BytesIO()
    send(pipe, ("declare", (1, "x", None)))
    send(pipe, {b"k": b"v"})
    pipe.seek(0)
    assert receive(pipe) == ("declare", (1, "x", None))
    assert receive(pipe) == {b"k": b"v"}
    with pytest.raises(EOFError):
        receive(pipe)
