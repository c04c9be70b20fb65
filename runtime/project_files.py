"""Reading a project: every asset file, and the Python files that assets may import."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headwater.assets.config import FILE_NAME, ProjectConfig, line_in
from headwater.assets.errors import Problem
from headwater.assets.modules import forget_modules

_ENDINGS = (".sql", ".py", ".yaml", ".yml")
_SKIPPED_FOLDERS = frozenset(("__pycache__", "node_modules", "site-packages"))


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """The texts of files by path relative to the project; `folder_of` maps asset files to the prefix of their keys."""

    texts: Mapping[str, str] = field(repr=False)
    folder_of: Mapping[str, str] = field(repr=False)
    problems: tuple[Problem, ...]


def read_files(config: ProjectConfig) -> ProjectFiles:
    """Read every asset file, and, where one is in Python, every Python file of the project that assets may import."""
    texts: dict[str, str] = {}
    folder_of: dict[str, str] = {}
    problems: list[Problem] = []
    below = len(str(config.root)) + 1  # where names relative to the project start in a path
    for folder in config.asset_folders:
        top = config.root / folder
        if not top.is_dir():
            problems.append(_missing(config, folder))
            continue
        for path in _walk(str(top), _ENDINGS):
            file = path[below:].replace(os.sep, "/")
            text = _read(path, file, problems)
            if text is not None:
                texts[file] = text
                folder_of[file] = "".join(f"{part.lower()}." for part in path[len(str(top)) + 1 :].split(os.sep)[:-1])
    if any(file.endswith(".py") for file in folder_of):
        for path in _own_modules(config.root):
            file = path[below:].replace(os.sep, "/")
            text = texts[file] if file in texts else _read(path, file, problems)
            if text is not None:
                texts[file] = text
        forget_modules(config.root, [file for file in texts if file.endswith(".py")])
    return ProjectFiles(texts, dict(sorted(folder_of.items())), tuple(dict.fromkeys(problems)))


def _missing(config: ProjectConfig, folder: str) -> Problem:
    line = line_in((config.root / FILE_NAME).read_text("utf-8-sig"), "project", "assets")
    remedy = "Create it, or correct project.assets."
    return Problem(FILE_NAME, line, f"the asset folder {folder!r} does not exist.", remedy)


def _own_modules(root: Path) -> Iterator[str]:
    """Yield Python files that assets may import: those beside headwater.toml, and those in folders there."""
    yield from sorted(map(str, root.glob("*.py")))
    for entry in sorted(os.scandir(root), key=lambda e: e.name):
        if entry.is_dir() and not _is_skipped(entry.path):
            yield from _walk(entry.path, (".py",))


def _is_skipped(folder: str) -> bool:
    """Hidden folders, caches and virtual environments hold nothing that a user declares."""
    name = os.path.basename(folder)
    return name.startswith(".") or name in _SKIPPED_FOLDERS or os.path.exists(os.path.join(folder, "pyvenv.cfg"))


def _walk(top: str, endings: tuple[str, ...]) -> Iterator[str]:
    """Yield files below `top` in order, through symbolic links too, but into no folder that it is in already."""
    inside: dict[str, frozenset[str]] = {top: frozenset((os.path.realpath(top),))}
    for folder, folders, files in os.walk(top, followlinks=True):
        above = inside.pop(folder)
        entered = []
        for name in sorted(folders):
            path = os.path.join(folder, name)
            real = os.path.realpath(path)
            if not _is_skipped(path) and real not in above:
                entered.append(name)
                inside[path] = above | {real}
        folders[:] = entered
        wanted = [name for name in sorted(files) if name.endswith(endings) and not name.startswith(".")]
        yield from (os.path.join(folder, name) for name in wanted)


def _read(path: str, file: str, problems: list[Problem]) -> str | None:
    try:
        with open(path, "rb", buffering=0) as opened:
            content = opened.read()
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        problems.append(Problem(file, line, f"the file is not UTF-8 text (byte {error.start}).", "Save it as UTF-8."))
    except OSError as error:
        problems.append(Problem(file, None, f"the file cannot be read: {error.strerror}.", "Check its permissions."))
    return None
