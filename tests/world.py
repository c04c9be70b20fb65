"""A small project in a folder of its own, worked on as its users work: files edited, the project loaded each time."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from headwater import load_project
from headwater.api import Project
from headwater.runtime.model import RunResult, StatusReport
from headwater.runtime.workspace import Outside

TOML = '[project]\nname = "world"\n'


class World:
    """One project. `now` is its clock: None is the real one."""

    def __init__(self, root: Path, now: datetime | None = None) -> None:
        self.root = root
        self.now = now
        self.write("headwater.toml", TOML)
        (root / "assets").mkdir(exist_ok=True)

    def write(self, path: str, text: str) -> Path:
        """Write a text file below the project."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def sql(self, key: str, query: str, block: str = "") -> None:
        """Write a SQL asset; `block` is the YAML of its comment."""
        head = f"/* @asset\n{block.strip()}\n*/\n" if block else ""
        self.write("assets/" + key.replace(".", "/") + ".sql", head + query + "\n")

    def csv(self, name: str, text: str, block: str = "") -> None:
        """Write `raw.NAME` with its data; rows are separated by spaces."""
        self.write(f"data/{name}.csv", text.replace(" ", "\n") + "\n")
        self.write(f"assets/raw/{name}.yaml", f"external:\n  raw.{name}:\n    file: data/{name}.csv\n{block}")

    def python(self, name: str, text: str) -> None:
        """Write a Python file of assets."""
        self.write(f"assets/{name}.py", text)

    def load(self) -> Project:
        """Return the project as a new process would load it."""
        outside = Outside() if self.now is None else Outside(now=lambda: self.now or datetime.now(UTC))
        return load_project(self.root, outside=outside)

    def run(self, *select: str, env: str = "prod", force: bool = False) -> RunResult:
        """Run a selection, or everything."""
        return self.load().run(select=select, env=env, force=force, workers=2)

    def built(self, *select: str, env: str = "prod") -> dict[str, str]:
        """Run, and return the outcome of each step."""
        return outcomes(self.run(*select, env=env))

    def status(self, env: str = "prod") -> dict[str, str]:
        """Return the status word of each asset."""
        return words(self.load().status(env=env))

    def codes(self, asset: str, env: str = "prod") -> list[str]:
        """Return the reason codes of an asset's status."""
        return [reason.code for reason in self.load().status(env=env)[asset].reasons]

    def rows(self, table: str) -> Counter[tuple[object, ...]]:
        """Return what a reader of `table` sees, as a multiset."""
        return Counter(tuple(map(_hashable, row)) for row in self.behind(f"select * from {table}"))

    def behind(self, statement: str) -> list[tuple[object, ...]]:
        """Execute one statement in the warehouse behind Headwater's back."""
        with duckdb.connect(str(self.root / "warehouse.duckdb")) as connection:
            return connection.execute(statement).fetchall()

    def physical(self) -> dict[str, str]:
        """Return the physical relation behind each published asset."""
        with self.load().workspace.hold("test", environment="prod") as held:
            return {str(key): version.physical for key, version in held.state.published.items()}

    def tomorrow(self) -> None:
        """Move the clock on by one day."""
        assert self.now is not None, "the clock is the real one"
        self.now += timedelta(days=1)


def _hashable(value: object) -> object:
    return repr(value) if isinstance(value, dict | list) else value


def outcomes(result: RunResult) -> dict[str, str]:
    """Return the outcome of each step of a run."""
    return {str(step.asset): step.outcome for step in result.steps}


def words(report: StatusReport) -> dict[str, str]:
    """Return the status word of each asset."""
    return {str(key): status.word for key, status in report.items()}
