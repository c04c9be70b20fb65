"""`headwater.toml`: the project file, read and validated without pydantic because every command reads it."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from headwater.assets.errors import Problem, ProjectError, RequestError

FILE_NAME = "headwater.toml"

_KEYS: Mapping[str, Mapping[str, type]] = {
    "project": {"name": str, "assets": list, "dialect": str, "timezone": str},
    "engine": {"kind": str, "path": str, "threads": int, "lock_timeout": int},
    "state": {"url": str},
}
_SECTIONS = (*_KEYS, "vars", "defaults", "environments")
_ARTICLES = {str: "a text", int: "a whole number", list: "a list"}
_EXAMPLES = {str: 'Put it in quotes: {key} = "...".', int: "Write {key} = 1.", list: 'Write {key} = ["..."].'}
_SUFFIX = re.compile(r"[a-z0-9_]*")
_SQLITE = "sqlite:///"


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
        text = (root / FILE_NAME).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(
            f"{root / FILE_NAME} cannot be read: {error}.", "Check the path and its permissions."
        ) from error
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at line (\d+)", str(error))
        line = int(place[1]) if place else len(text.splitlines())  # "at end of document"
        raise ProjectError(
            (Problem(FILE_NAME, line, f"the file is not TOML: {error}.", "Correct it there."),)
        ) from error
    reader = _Reader(raw, text)
    config = reader.config(root)
    if reader.problems:
        raise ProjectError(tuple(sorted(reader.problems, key=lambda p: (p.line or 0, p.message))))
    return config


def line_in(text: str, section: str, key: str | None = None) -> int | None:
    """Return the line of `text`, a TOML file, on which `key` of `section` stands, or that of the section, or None."""
    here, found = "", None
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[+\s*([^]]+?)\s*\]", line)
        if header:
            here = header[1].replace('"', "").replace(" ", "")
        name = re.match(r"""\s*["']?([^"'=.\[\]#]+?)["']?\s*[.=]""", line)
        top = here.split(".")[0] if here else name[1] if name else ""
        if top == section:
            found = found or number
            if key is not None and (here == f"{section}.{key}" or (not header and name and name[1] == key)):
                return number
    return found


class _Reader:
    """Reads the sections one by one, collecting every problem with its line."""

    def __init__(self, raw: Mapping[str, object], text: str) -> None:
        self.problems: list[Problem] = []
        self._raw = raw
        self._text = text

    def config(self, root: Path) -> ProjectConfig:
        """Return the configuration; it counts only if there are no problems."""
        for name in self._raw:
            if name not in _SECTIONS:
                self._unknown(name, None, _SECTIONS)
        project, engine, state = (self._section(name) for name in _KEYS)
        threads = self._at_least(engine, "threads", 1)
        timeout = self._at_least(engine, "lock_timeout", 0)
        return ProjectConfig(
            root=root,
            name=str(project.get("name", root.name)),
            asset_folders=self._folders(project),
            dialect=str(project.get("dialect", "duckdb")),
            timezone=self._timezone(project),
            engine=self._engine(engine),
            warehouse=str(engine.get("path", "warehouse.duckdb")),
            threads=threads,
            lock_timeout_seconds=30 if timeout is None else timeout,
            state=self._state(state),
            variables=self._variables(),
            defaults=self._table("defaults"),
            environments=self._environments(),
        )

    def _problem(self, section: str, key: str | None, message: str, remedy: str) -> None:
        self.problems.append(Problem(FILE_NAME, line_in(self._text, section, key), message, remedy))

    def _unknown(self, section: str, key: str | None, known: Iterable[str]) -> None:
        name = key or section
        close = difflib.get_close_matches(name.lower(), list(known), n=1)
        remedy = f"Did you mean `{close[0]}`?" if close else f"Known here: {', '.join(known)}."
        self._problem(section, key, f"unknown key `{name}`.", remedy)

    def _table(self, name: str) -> Mapping[str, object]:
        table = self._raw.get(name, {})
        if isinstance(table, dict):
            return table
        self._problem(name, None, f"`{name}` is not a section.", f"Write [{name}], and its keys below it.")
        return {}

    def _section(self, name: str) -> Mapping[str, object]:
        """Return the keys of a section that are known and of the right type."""
        sound: dict[str, object] = {}
        for key, value in self._table(name).items():
            expected = _KEYS[name].get(key)
            if expected is None:
                self._unknown(name, key, _KEYS[name])
            elif not isinstance(value, expected) or isinstance(value, bool):
                remedy = _EXAMPLES[expected].format(key=key)
                self._problem(name, key, f"`{name}.{key}` is not {_ARTICLES[expected]}.", remedy)
            elif value == "":
                self._problem(name, key, f"`{name}.{key}` is empty.", "Give it, or leave the key out.")
            else:
                sound[key] = value
        return sound

    def _at_least(self, engine: Mapping[str, object], key: str, least: int) -> int | None:
        value = engine.get(key)
        if isinstance(value, int) and value < least:
            self._problem("engine", key, f"`engine.{key}` is {value}, less than {least}.", f"Write {least} or more.")
        return value if isinstance(value, int) else None

    def _folders(self, project: Mapping[str, object]) -> tuple[str, ...]:
        folders = project.get("assets", ["assets"])
        assert isinstance(folders, list), "the section was read"
        wrong = [folder for folder in folders if not isinstance(folder, str) or not folder]
        outside = [f for f in folders if isinstance(f, str) and (Path(f).is_absolute() or ".." in Path(f).parts)]
        if wrong or not folders:
            self._problem(
                "project", "assets", "`project.assets` is not a list of folders.", 'Write assets = ["assets"].'
            )
        for folder in outside:
            remedy = "Keep assets below headwater.toml; a symbolic link there will do."
            self._problem("project", "assets", f"the asset folder {folder!r} lies outside the project.", remedy)
        return tuple(folder for folder in folders if folder not in wrong)

    def _timezone(self, project: Mapping[str, object]) -> str:
        name = str(project.get("timezone", "UTC"))
        try:
            if name != "UTC":
                ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            message = f"`project.timezone`: there is no time zone {name!r}."
            self._problem("project", "timezone", message, "Write a name such as Europe/London.")
        return name

    def _engine(self, engine: Mapping[str, object]) -> str:
        if engine.get("kind", "duckdb") != "duckdb":
            self._problem("engine", "kind", "the only engine of this version is duckdb.", 'Write kind = "duckdb".')
        return "duckdb"

    def _state(self, state: Mapping[str, object]) -> str:
        url = str(state.get("url", f"{_SQLITE}.headwater/state.db"))
        if not url.startswith(_SQLITE) or url == _SQLITE:
            remedy = f'Write url = "{_SQLITE}.headwater/state.db".'
            self._problem("state", "url", "the state store of this version is a SQLite file.", remedy)
        return url.removeprefix(_SQLITE)

    def _variables(self) -> Mapping[str, str | int | bool | float]:
        found: dict[str, str | int | bool | float] = {}
        for name, value in self._table("vars").items():
            if isinstance(value, str | int | bool | float):
                found[name] = value
            else:
                message = f"the variable {name!r} is not a text, number or boolean."
                self._problem("vars", name, message, "Dates go as text, lists as several variables.")
        return found

    def _environments(self) -> Mapping[str, str]:
        found = {"prod": ""}
        for name, options in self._table("environments").items():
            given = options if isinstance(options, dict) else {name: options}
            suffix = given.get("suffix", "" if name == "prod" else f"__{name}")
            if set(given) - {"suffix"}:
                message = f"the environment {name!r} takes `suffix` only."
                self._problem("environments", name, message, f'Write [environments.{name}] and suffix = "__{name}".')
            elif not isinstance(suffix, str) or not _SUFFIX.fullmatch(suffix):
                message = f"the suffix of the environment {name!r} cannot be part of a schema's name: {suffix!r}."
                self._problem("environments", name, message, "Use lower-case letters, digits and underscores.")
            elif suffix in [other for known, other in found.items() if known != name]:
                message = f"the environment {name!r} has the suffix of another: {suffix!r}."
                self._problem("environments", name, message, "Give it one of its own: they would share their tables.")
            else:
                found[name] = suffix
        return found
