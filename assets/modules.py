"""What Python remembers of a project's own modules: it imports each once for a process, a project is loaded anew.

Imports nothing heavy, because every load comes here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

_projects: set[Path] = set()  # roots of the projects that were loaded in this process


def forget_modules(root: Path, files: Iterable[str]) -> None:
    """Drop what was imported of a project's own `files` from memory, and other projects' modules of the same names."""
    names = module_names(files)
    own = {root / file for file in files}
    folders = {folder for file in own for folder in file.parents if folder.is_relative_to(root)}
    for name, place in list(_places()):
        if place in own or place in folders or (name in names and _projects & set(place.parents)):
            del sys.modules[name]
    _projects.add(root)


def import_first_from(root: Path) -> None:
    """Let imports look into `root` first, before another project whose module has the same name."""
    if sys.path[:1] != [str(root)]:
        sys.path[:] = [str(root), *(entry for entry in sys.path if entry != str(root))]


def changed_module(root: Path, texts: Mapping[str, str], file: str) -> str | None:
    """Return a file of `texts`, `file` or one that was imported, whose text on disk is another by now, or None."""
    used = {place for _, place in _places()}
    for name, text in texts.items():
        path = root / name
        if name == file or path in used:
            try:
                same = path.read_bytes().decode("utf-8-sig") == text
            except (OSError, UnicodeDecodeError):
                same = False
            if not same:
                return name
    return None


def module_names(files: Iterable[str]) -> frozenset[str]:
    """Return the dotted names under which a project's own files can be imported."""
    return frozenset(file.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for file in files)


def _places() -> Iterator[tuple[str, Path]]:
    """Yield each imported module with its file, or its folder where it is a package without one."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        folder = next(iter(getattr(module, "__path__", None) or ()), None)
        place = file or folder
        if isinstance(place, str):
            yield name, Path(place)
