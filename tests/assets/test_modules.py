"""What Python remembers of a project's own modules."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from headwater.assets import modules


class ImportedInto(dict[str, ModuleType]):
    """`sys.modules` while another thread imports: every walk over it meets a module that was not there before."""

    def items(self) -> Any:
        def walk() -> Iterator[tuple[str, ModuleType]]:
            for name in dict.keys(self):
                self[f"{name}.late"] = ModuleType("late")
                yield name, self[name]

        return walk()


def test_another_thread_may_import_while_the_modules_are_looked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by the oracle under a full suite: a garbage collection between two items let another step's import in."""
    known = ImportedInto(sys.modules)
    monkeypatch.setattr(modules, "sys", SimpleNamespace(modules=known, path=sys.path))
    (tmp_path / "a.py").write_text("x = 1\n", encoding="utf-8")
    assert modules.changed_module(tmp_path, {"a.py": "x = 1\n"}, "a.py") is None
    assert modules.changed_module(tmp_path, {"a.py": "x = 2\n"}, "a.py") == "a.py"
