"""A project on disk: written as its users write it, run through the API, and harmed behind Headwater's back."""

from __future__ import annotations

import json
import os
from pathlib import Path

import duckdb

from headwater import load_project
from headwater.api import Project as Loaded
from headwater.runtime.model import RunResult
from headwater.runtime.state import VersionRecord
from headwater.runtime.state_reader import SqlStateReader

from .project import Project, Source
from .truth import Table, published, values


class Site:
    """One folder with one project in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._files: dict[str, str] = {}
        self._sources: dict[str, Source] = {}
        self._result: RunResult | None = None

    @property
    def warehouse(self) -> Path:
        """The warehouse file."""
        return self.root / "warehouse.duckdb"

    def write(self, project: Project, keep_mtime: bool = False) -> None:
        """Make the folder say what `project` says; files whose text stays are not touched."""
        files = project.files()
        for path in self._files.keys() - files.keys():
            (self.root / path).unlink()
        for path, text in files.items():
            if self._files.get(path) != text:
                (self.root / path).parent.mkdir(parents=True, exist_ok=True)
                (self.root / path).write_text(text, encoding="utf-8")
        for source in project.sources:
            if self._sources.get(source.name) != source:
                self.deliver(source, keep_mtime)
        self._files = files
        self._sources = {source.name: source for source in project.sources}

    def deliver(self, source: Source, keep_mtime: bool = False) -> None:
        """Write the data of one source."""
        if source.form == "table":
            self.behind(
                f"create schema if not exists ext; create or replace table ext.{source.name} as {values(source)}"
            )
            return
        path = self.root / f"data/{source.name}.{source.form}"
        path.parent.mkdir(exist_ok=True)
        before = path.stat() if path.exists() else None
        if source.form == "parquet":
            with duckdb.connect(":memory:") as connection:
                connection.execute(f"copy ({values(source)}) to '{path}' (format parquet)")
        else:
            path.write_text(_csv(source) if source.form == "csv" else _json(source), encoding="utf-8")
        if before is not None and keep_mtime:
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def load(self) -> Loaded:
        """Return the project as a new process would load it."""
        return load_project(self.root)

    def run(self, *select: str, force: bool = False) -> RunResult:
        """Run a selection, or everything."""
        self._result = self.load().run(select=select, force=force, workers=2)
        return self._result

    def last(self, key: str) -> str:
        """Return what the last run says of an asset, and what its status says now: for a failure's message."""
        if self._result is None:
            return "there was none"
        project = self.load()
        step = [step for step in self._result.steps if str(step.asset) == key]
        log = [line.message for line in project.logs(self._result.run, key)] if self._result.run else []
        return f"{step}, {project.why(key).status}, {log}"

    def status(self) -> dict[str, str]:
        """Return the status word of each asset."""
        return {str(key): status.word for key, status in self.load().status().items()}

    def shown(self, project: Project) -> dict[str, Table]:
        """Return what readers see."""
        return published(self.root, project) if self.warehouse.exists() else {}

    def versions(self) -> dict[str, VersionRecord]:
        """Return the published version of each asset."""
        with self.load().workspace.reader() as reader:
            assert reader is not None, "it ran before"
            return {str(key): v for key, v in SqlStateReader(reader.connection).snapshot("prod").published.items()}

    def behind(self, statement: str) -> list[tuple[object, ...]]:
        """Execute one statement in the warehouse behind Headwater's back."""
        with duckdb.connect(str(self.warehouse), config={"threads": "1"}) as connection:
            return connection.execute(statement).fetchall()


def _csv(source: Source) -> str:
    lines = [",".join(name for name, _ in source.columns)]
    lines += [",".join("" if value is None else str(value) for value in row) for row in source.rows]
    return "\n".join(lines) + "\n"


def _json(source: Source) -> str:
    records = [
        {
            n: None if v is None else str(v) if t == "varchar" else v
            for (n, t), v in zip(source.columns, row, strict=True)
        }
        for row in source.rows
    ]
    return json.dumps(records)
