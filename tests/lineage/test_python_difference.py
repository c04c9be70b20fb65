"""What an edit of Python code changed: of what one function reaches, and nothing else."""

from __future__ import annotations

import pytest

from headwater.assets.asset import PythonCode
from headwater.lineage.python_difference import python_difference

BEFORE = {
    "assets/a.py": "from helper import RATE\nimport math\nLIMIT = 1\n\n\nclass Kind:\n    x = 1\n\n\n"
    "def f(x):\n    return math.floor(x) * RATE + LIMIT + Kind.x\n\n\ndef g():\n    return 1\n",
    "helper.py": "RATE = 2\nUNUSED = 3\n",
}
CODE = PythonCode("assets/a.py", "f")


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("assets/a.py", "def f", "# said\ndef f", []),
        ("assets/a.py", "def f", "\n\ndef f", []),
        ("assets/a.py", "return 1\n", "return 2\n", []),
        ("helper.py", "UNUSED = 3", "UNUSED = 4", []),
        ("assets/a.py", "return math", 'return "doc" and math', [("ALTERED", "FUNCTION", "f")]),
        ("assets/a.py", "LIMIT = 1", "LIMIT = 2", [("ALTERED", "CONSTANT", "LIMIT")]),
        ("assets/a.py", "x = 1", "x = 2", [("ALTERED", "CLASS", "Kind")]),
        ("assets/a.py", "import math", "import cmath as math", [("ALTERED", "IMPORT", "math")]),
        ("helper.py", "RATE = 2", "RATE = 5", [("ALTERED", "CONSTANT", "RATE")]),
        ("helper.py", "RATE = 2", "RATE = UNUSED", [("ALTERED", "CONSTANT", "RATE"), ("ADDED", "CONSTANT", "UNUSED")]),
    ],
)
def test_what_is_reached_and_means_something_else(
    file: str, old: str, new: str, expected: list[tuple[str, str, str]]
) -> None:
    after = {**BEFORE, file: BEFORE[file].replace(old, new, 1)}
    assert after != BEFORE
    assert [(it.action, it.kind, it.name) for it in python_difference(BEFORE, after, CODE)] == expected


def test_a_file_whose_text_then_is_not_known_is_not_compared() -> None:
    after = {**BEFORE, "helper.py": "RATE = 5\nUNUSED = 3\n"}
    assert python_difference({"assets/a.py": BEFORE["assets/a.py"]}, after, CODE) == ()


def test_code_that_cannot_be_read_is_everything_that_came_or_went() -> None:
    found = python_difference({**BEFORE, "assets/a.py": "def f(:"}, BEFORE, CODE)
    assert ("ADDED", "FUNCTION", "f") in [(it.action, it.kind, it.name) for it in found]
