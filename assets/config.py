"""`headwater.toml`: the project file, read and validated without pydantic because every command reads it."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headwater.assets.errors import Problem, ProjectError, RequestError

FILE_NAME = "headwater.toml"

_KEYS: dict[str, dict[str, type]] = {
    "project": {"name": str, "assets": list, "dialect": str, "timezone": str},
    "engine": {"kind": str, "path": str, "threads": int, "lock_timeout": int},
    "state": {"url": str},
}


@dataclass(frozen=True, slots=True)
class ProjectConfig:
    """What `headwater.toml` says, with defaults filled in. Paths are relative to `root` unless absolute."""

    root: Path
    name: str
    asset_folders: tuple[str, ...] = ("assets",)
    dialect: str = "duckdb"
    timezone: str = "UTC"
    engine: str = "duckdb"
    warehouse: str = "warehouse.duckdb"
    threads: int | None = None
    lock_timeout_seconds: int = 30
    state: str = ".headwater/state.db"
    variables: Mapping[str, str | int | bool | float] = field(default_factory=dict)
    defaults: Mapping[str, object] = field(default_factory=dict)
    environments: Mapping[str, str] = field(default_factory=lambda: {"prod": ""})  # name -> schema suffix

    @property
    def warehouse_path(self) -> Path:
        """The warehouse file."""
        return self.root / self.warehouse

    @property
    def state_path(self) -> Path:
        """The SQLite state file."""
        return self.root / self.state

    @property
    def home(self) -> Path:
        """The folder of everything that Headwater itself keeps."""
        return self.root / ".headwater"


def find_project(start: Path) -> Path:
    """Return the nearest folder at or above `start` with a headwater.toml. Raises RequestError where there is none."""
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder
    raise RequestError(
        f"There is no {FILE_NAME} in {start} or above it.",
        "Go to a project, pass --project DIR, or make one with `headwater init`.",
    )


def read_config(root: Path) -> ProjectConfig:
    """Return the configuration of the project at `root`. Raises ProjectError with every problem in the file."""
    try:
        text = (root / FILE_NAME).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(
            f"{root / FILE_NAME} cannot be read: {error}.", "Check the path and its permissions."
        ) from error
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProjectError((Problem(FILE_NAME, None, f"the file is not valid TOML: {error}."),)) from error
    problems: list[Problem] = []
    sections = {name: _section(raw, name, text, problems) for name in _KEYS}
    environments = _environments(raw, text, problems)
    for name in raw:
        if name not in (*_KEYS, "vars", "defaults", "environments"):
            problems.append(_unknown(name, [*_KEYS, "vars", "defaults", "environments"], text))
    variables, defaults = raw.get("vars", {}), raw.get("defaults", {})
    for name, value in variables.items() if isinstance(variables, dict) else ():
        if not isinstance(value, str | int | bool | float):
            problems.append(_at(text, name, f"the variable {name!r} is not a text, number or boolean."))
    folders = sections["project"].get("assets", ["assets"])
    if not isinstance(folders, list) or not all(isinstance(item, str) for item in folders):
        problems.append(_at(text, "assets", "`project.assets` is not a list of folder names."))
    _reject_what_is_not_here(sections, text, problems)
    if problems:
        raise ProjectError(tuple(problems))
    return _config(root, sections, variables, defaults, environments)


def _config(
    root: Path,
    sections: Mapping[str, Mapping[str, object]],
    variables: Mapping[str, str | int | bool | float],
    defaults: Mapping[str, object],
    environments: Mapping[str, str],
) -> ProjectConfig:
    project, engine, state = sections["project"], sections["engine"], sections["state"]
    threads, folders = engine.get("threads"), project.get("assets", ["assets"])
    timeout = engine.get("lock_timeout", 30)
    return ProjectConfig(
        root=root,
        name=str(project.get("name", root.name)),
        asset_folders=tuple(folders) if isinstance(folders, list) else (),
        dialect=str(project.get("dialect", "duckdb")),
        timezone=str(project.get("timezone", "UTC")),
        engine=str(engine.get("kind", "duckdb")),
        warehouse=str(engine.get("path", "warehouse.duckdb")),
        threads=threads if isinstance(threads, int) else None,
        lock_timeout_seconds=timeout if isinstance(timeout, int) else 30,
        state=str(state.get("url", "sqlite:///.headwater/state.db")).removeprefix("sqlite:///"),
        variables=variables,
        defaults=defaults,
        environments=environments,
    )


def _section(raw: Mapping[str, object], name: str, text: str, problems: list[Problem]) -> Mapping[str, object]:
    section = raw.get(name, {})
    if not isinstance(section, dict):
        problems.append(_at(text, name, f"`{name}` is not a section.", f"Write [{name}]."))
        return {}
    for key, value in section.items():
        expected = _KEYS[name].get(key)
        if expected is None:
            problems.append(_unknown(key, list(_KEYS[name]), text))
        elif not isinstance(value, expected) or isinstance(value, bool):
            problems.append(_at(text, key, f"`{name}.{key}` is not {_article(expected)}."))
    return section


def _reject_what_is_not_here(sections: Mapping[str, Mapping[str, object]], text: str, problems: list[Problem]) -> None:
    if sections["engine"].get("kind", "duckdb") != "duckdb":
        problems.append(_at(text, "kind", "the only engine of this version is duckdb.", 'Write kind = "duckdb".'))
    url = sections["state"].get("url", "sqlite:///x")
    if isinstance(url, str) and not url.startswith("sqlite:///"):
        problems.append(_at(text, "url", "the state store of this version is SQLite.", "Write sqlite:///PATH."))


def _environments(raw: Mapping[str, object], text: str, problems: list[Problem]) -> dict[str, str]:
    found = {"prod": ""}
    section = raw.get("environments", {})
    for name, options in section.items() if isinstance(section, dict) else ():
        if not isinstance(options, dict) or set(options) - {"suffix"}:
            problems.append(_at(text, name, f"the environment {name!r} takes `suffix` only."))
        else:
            found[name] = str(options.get("suffix", "" if name == "prod" else f"__{name}"))
    return found


def _line(text: str, word: str) -> int | None:
    return next((n for n, line in enumerate(text.splitlines(), 1) if line.lstrip("[ ").startswith(word)), None)


def _at(text: str, word: str, message: str, remedy: str = "") -> Problem:
    return Problem(FILE_NAME, _line(text, word), message, remedy)


def _unknown(name: str, known: list[str], text: str) -> Problem:
    close = difflib.get_close_matches(name, known, n=1)
    remedy = f"Did you mean `{close[0]}`?" if close else f"Known here: {', '.join(known)}."
    return _at(text, name, f"unknown key `{name}`.", remedy)


def _article(expected: type) -> str:
    return {str: "a text", int: "a whole number", list: "a list"}[expected]
