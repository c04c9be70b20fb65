"""What Python remembers of a project's own modules: it imports each once for a process, a project is loaded anew.

Imports nothing heavy, because every load comes here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

_projects: set[str] = set()  # roots of the projects that were loaded in this process, each with a separator behind


def forget_modules(root: Path, files: Iterable[str]) -> None:
    """Drop what was imported of a project's own `files` from memory, and other projects' modules of the same names."""
    own = set(files)
    if not own:
        return
    here = f"{root}{os.sep}"
    _projects.add(here)
    names, folders = module_names(own), {folder.as_posix() for file in own for folder in Path(file).parents}
    for name, place in list(_places(tuple(_projects))):
        below = place.removeprefix(here).replace(os.sep, "/")
        if name in names or (place.startswith(here) and (below in own or below in folders)):
            del sys.modules[name]


def import_first_from(root: Path) -> None:
    """Let imports look into `root` first, before another project whose module has the same name."""
    if sys.path[:1] != [str(root)]:
        sys.path[:] = [str(root), *(entry for entry in sys.path if entry != str(root))]


def changed_module(root: Path, texts: Mapping[str, str], file: str) -> str | None:
    """Return a file of `texts`, `file` or one that was imported, whose text on disk is another by now, or None."""
    used = {place for _, place in _places((f"{root}{os.sep}",))}
    for name, text in texts.items():
        path = root / name
        if name == file or str(path) in used:
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


def _places(roots: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield each module imported from below `roots` with its file, or its folder where it is a package without one."""
    # Steps import on their threads meanwhile: a copy is made in one go, a list of the items is not.
    for name, module in sys.modules.copy().items():
        known = getattr(module, "__dict__", {})  # asking a lazy module for an attribute could import it
        place = known.get("__file__") or next(iter(known.get("__path__") or ()), None)
        if isinstance(place, str) and place.startswith(roots):
            yield name, place
