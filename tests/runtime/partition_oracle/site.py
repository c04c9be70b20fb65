"""A partitioned project on disk: written as its users write it, run through the API, read back slice by slice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from headwater import load_project
from headwater.api import Project as Loaded
from headwater.assets.partitions import Space
from headwater.lineage.slices import SliceMap
from headwater.runtime.model import RunResult
from headwater.runtime.state import VersionRecord
from headwater.runtime.state_reader import SqlStateReader
from headwater.runtime.workspace import Outside

from .model import Project
from .spaces import WHOLE, Keys
from .truth import Columns, Rows, Table


@dataclass(frozen=True)
class Verdicts:
    """What `stale` says: the word of each asset, and which of its partitions it calls CURRENT."""

    words: Mapping[str, str]
    current: Mapping[str, frozenset[Keys]]
    reasons: Mapping[str, tuple[str, ...]]


class Site:
    """One folder with one project in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._files: dict[str, str] = {}
        self._looked: dict[str, dict[str, _Stored]] = {}
        self._spaces: tuple[Project | None, dict[str, Space]] = (None, {})
        self.now = datetime.min

    def write(self, project: Project) -> None:
        """Make folder and clock say what `project` says; files whose text stays are not touched."""
        files = project.files()
        for path in self._files.keys() - files.keys():
            (self.root / path).unlink()
        for path, text in files.items():
            if self._files.get(path) != text:
                (self.root / path).parent.mkdir(parents=True, exist_ok=True)
                (self.root / path).write_text(text, encoding="utf-8")
        self._files, self.now = files, project.now

    def load(self) -> Loaded:
        """Return the project as a new process would load it."""
        return load_project(self.root, outside=Outside(now=lambda: self.now))

    def run(self, env: str = "prod", select: str = "", parts: str | None = None, force: bool = False) -> RunResult:
        """Run a selection, or everything."""
        self._looked = {}
        return self.load().run(select=[select] if select else (), env=env, partitions=parts, force=force, workers=2)

    def verdicts(self, project: Project, env: str) -> Verdicts:
        """Return what `stale` says of every asset and partition of it."""
        loaded = self.load()
        assert loaded.errors == (), f"the oracle wrote a wrong project: {loaded.errors}"
        survey = loaded.workspace.survey(env)
        words, current, reasons = {}, {}, {}
        for key, decision in survey.decisions.items():
            words[str(key)] = decision.status.word
            reasons[str(key)] = tuple(f"{r.code}: {r.message}" for r in decision.status.reasons)
            if decision.partitions is not None:
                current[str(key)] = frozenset(p.keys for p in decision.partitions.of("CURRENT"))
            else:
                current[str(key)] = frozenset([WHOLE] if decision.status.word == "CURRENT" else [])
        return Verdicts(words, current, reasons)

    def built(self, project: Project, result: RunResult) -> dict[str, frozenset[Keys]]:
        """Return the partitions of each asset that a run computed."""
        found: dict[str, frozenset[Keys]] = {}
        spaces = self.spaces(project)
        for step in result.steps:
            if step.outcome == "PUBLISHED" and not spaces[step.asset].axes:
                found[step.asset] = frozenset([WHOLE])
            elif step.outcome == "PUBLISHED" and step.partitions is not None:
                found[step.asset] = frozenset(p.keys for p in spaces[step.asset].parse(step.partitions))
        return found

    def spaces(self, project: Project) -> dict[str, Space]:
        """Return the partitions of every asset as Headwater has them."""
        if self._spaces[0] is not project:
            found = {str(key): Space(asset.partitions, project.now) for key, asset in self.load().assets.items()}
            self._spaces = project, found
        return self._spaces[1]

    def published(self, project: Project, env: str) -> dict[str, Table]:
        """Return what is published in an environment, by asset and partition; partitions that are gone are left out."""
        spaces = self.spaces(project)
        found = self._look(env)
        return {key: _parted(stored, spaces[key]) for key, stored in found.items() if key in spaces}

    def shown(self, key: str, env: str) -> tuple[Columns, Rows]:
        """Return what readers of an environment see of an asset."""
        return self._look(env)[key].shown

    def _look(self, env: str) -> dict[str, _Stored]:
        """Read all that is published; nothing changes between two runs."""
        if env not in self._looked:
            with self.load().workspace.reader() as reader:
                versions = {} if reader is None else SqlStateReader(reader.connection).snapshot(env).published
            found = self._looked[env] = {}
            if versions:
                suffix = "" if env == "prod" else f"__{env}"
                with duckdb.connect(str(self.root / "warehouse.duckdb"), read_only=True) as connection:
                    for key, version in versions.items():
                        schema, _, table = str(key).rpartition(".")
                        shown = _read(connection, f"select * from {schema}{suffix}.{table}")
                        found[str(key)] = _Stored(version, shown, _rows(connection, version))
        return self._looked[env]


@dataclass(frozen=True)
class _Stored:
    """One published version: what readers see of it, and its rows, of a partitioned one by slice."""

    version: VersionRecord
    shown: tuple[Columns, Rows]
    rows: tuple[Columns, Rows]


def _rows(connection: duckdb.DuckDBPyConnection, version: VersionRecord) -> tuple[Columns, Rows]:
    if version.slices is None:
        return _read(connection, f'select * from _headwater."{version.physical}"')
    store = f'_headwater."{version.slices.store}"'
    return _read(connection, f"select _headwater_slice, * exclude (_headwater_slice) from {store}")


def _parted(stored: _Stored, space: Space) -> Table:
    (columns, rows), slices = stored.rows, stored.version.slices
    if slices is None:
        return Table(columns, {} if space.axes else {WHOLE: rows})
    by_slice: dict[object, dict[tuple[object, ...], int]] = {}
    for (number, *row), count in rows:
        by_slice.setdefault(number, {})[tuple(row)] = count
    found = SliceMap.restore(slices.parts, space).items()
    return Table(columns[1:], {p.keys: frozenset(by_slice.get(number, {}).items()) for p, number in found})


def _read(connection: duckdb.DuckDBPyConnection, text: str) -> tuple[Columns, Rows]:
    found = connection.execute(text)
    columns = tuple((str(name), str(kind)) for name, kind, *_ in found.description or ())
    return columns, frozenset(Counter(found.fetchall()).items())
