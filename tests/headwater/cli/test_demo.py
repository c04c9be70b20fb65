"""The demo as a user sees it: every scene comes to what it says, and a scene that does not is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from headwater import demo
from headwater.cli.main import run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "flights"


def test_every_scene_comes_to_what_it_says(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--format", "json", "demo", str(folder)]) == 0
    told = capsys.readouterr()
    answer = json.loads(told.out)
    assert answer["passed"] is True
    assert [scene["name"] for scene in answer["scenes"]] == [scene.name for scene in demo.SCENES]
    assert "- 2013,2,1,HA,Hawaiian Airlines Inc.,28,25,89.29" in told.err
    assert "+ 2013,2,1,HA,Hawaiian Airlines Inc.,28,26,92.86" in told.err
    assert "FAILED ENTRY_ALTERED at entry" in told.err


@pytest.mark.slow
def test_told_again_it_reuses_and_names_what_differs(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not folder.exists():
        assert run(["demo", str(folder)]) == 0
    first, comment, *others = demo.SCENES
    wrong = replace(comment, expected=demo.Expected(published=frozenset({"stg.planes"})))
    monkeypatch.setattr(demo, "SCENES", (first, wrong, *others))
    assert run(["demo", str(folder)]) == 1
    out = capsys.readouterr().out
    assert "It was told here before" in out
    assert out.rstrip().endswith("  A comment: stg.planes was not published.")
