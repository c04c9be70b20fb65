"""The picture in the manual is the one that is drawn today."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.cli.main import run

from .manual import DOCS

PICTURE = DOCS / "images" / "revenue.svg"


def draw(folder: Path) -> str:
    """Return the lineage of an asset of the project that `init` writes, drawn in `folder`."""
    shop = str(folder / "shop")
    assert run(["init", shop]) == 0
    assert run(["--project", shop, "run"]) == 0
    assert run(["--project", shop, "lineage", "mart.revenue", "--out", str(folder / "revenue.svg")]) == 0
    return (folder / "revenue.svg").read_text("utf-8")


def test_the_picture_in_the_manual_is_drawn_today(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert draw(tmp_path).splitlines() == PICTURE.read_text("utf-8").splitlines()
