"""An engine for tests of checks: tables from SQL, and checks evaluated on them as a run would."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import duckdb
import pytest

from headwater.assets.asset import CheckSpec
from headwater.assets.errors import StepError
from headwater.checks.check import CheckResult
from headwater.checks.declare import parse_check
from headwater.checks.scan import ScanResult, plan_scan, run_scan, sample_sql

RELATION = '"staged tables"."t__v1"'


@dataclass
class Bench:
    """One staged table in a real engine, with the queries that were asked of it."""

    connection: duckdb.DuckDBPyConnection
    tables: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def stage(self, query: str) -> None:
        """Make the staged table from a query; forget other tables and what was asked."""
        self.tables.clear()
        self.asked.clear()
        self.connection.execute(f"create or replace table {RELATION} as {query}")

    def other(self, key: str, query: str) -> None:
        """Make another asset's version from a query."""
        relation = f'"staged tables"."{key}"'
        self.connection.execute(f"create or replace table {relation} as {query}")
        self.tables[key] = relation

    @property
    def schema(self) -> tuple[tuple[str, str | None], ...]:
        """The staged table's columns as a session describes them."""
        return self.describe(RELATION)

    def describe(self, relation: str) -> tuple[tuple[str, str | None], ...]:
        """A table's columns as a session describes them."""
        rows = self.connection.execute(f"describe {relation}").fetchall()
        return tuple((name, type_.lower()) for name, type_, *_ in rows)

    def execute(self, query: str) -> tuple[object, ...]:
        """Run a query and return its one row; engine errors are StepErrors."""
        self.asked.append(query)
        try:
            (row,) = self.connection.execute(query).fetchall()
        except duckdb.Error as error:
            raise StepError(str(error)) from error
        return tuple(row)

    def render(self, query: str) -> str:
        """Stand in for the runtime: `$this` and asset keys become relations."""
        for name, relation in {"$this": RELATION, **self.tables}.items():
            query = query.replace(name, relation)
        return query

    def scan(self, checks: Sequence[CheckSpec], extra: Sequence[str] = ()) -> ScanResult:
        """Plan and run a scan of the staged table."""
        schemas = {key: self.describe(relation) for key, relation in self.tables.items()}
        scan = plan_scan(RELATION, self.schema, checks, self.tables, extra, self.render, schemas)
        return run_scan(scan, self.execute)

    @staticmethod
    def declare(declared: object, column: str | None = None) -> CheckSpec:
        """Return a check declared as in YAML, which must be without problems."""
        spec, problems = parse_check(declared, column, None)
        assert not problems, problems
        assert spec is not None
        return spec

    def check(self, declared: object, column: str | None = None) -> CheckResult:
        """Declare one check as YAML would, and evaluate it."""
        return self.scan((self.declare(declared, column),)).results[0]

    def sample(self, spec: CheckSpec, limit: int = 10) -> list[tuple[object, ...]] | None:
        """Return the failing rows that a report would show."""
        query = sample_sql(spec, RELATION, self.schema, self.tables, self.render, limit)
        return None if query is None else self.connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    connection = duckdb.connect(config={"threads": 2})
    connection.execute('create schema "staged tables"')
    with connection:
        yield Bench(connection)
