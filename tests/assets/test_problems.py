"""What is said about declarations that are wrong: every problem, at its line, with its remedy, in file order."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater import load_project

HERE = Path(__file__).parent / "problems"


def cases(name: str) -> dict[str, tuple[dict[str, str], str]]:
    """Return the cases of a file: the files of a project, and the text of its problems."""
    found = {}
    for case in (HERE / f"{name}.txt").read_text().split("\n=== ")[1:]:
        title, *parts = case.split("\n--- ")
        files = {head: body for head, _, body in (part.partition("\n") for part in parts)}
        found[title] = files, files.pop("problems").strip()
    return found


def problems(root: Path, files: dict[str, str]) -> str:
    for file, text in {"headwater.toml": "", **files}.items():
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (root / "assets").mkdir(exist_ok=True)
    return "\n".join(map(str, load_project(root).errors))


CASES = [(name, title) for name in ("sql", "yaml", "python", "partitions") for title in cases(name)]


@pytest.mark.parametrize(("name", "title"), CASES)
def test_every_problem_is_said_where_it_is(name, title, tmp_path):
    files, expected = cases(name)[title]
    assert problems(tmp_path, files) == expected
