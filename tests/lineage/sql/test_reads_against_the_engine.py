"""No missed read, ever: change one column of one table; if the result changes, the column must be among the reads."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.assets.errors import SqlError
from headwater.lineage import analyse_sql

Maker = Callable[[int], Any]


def unordered(value: object) -> object:
    """Return a list with its elements in an order of their own."""
    return sorted(map(repr, map(unordered, value))) if isinstance(value, list) else value


def order_reasons(sql: str, tables: Any) -> tuple[str, ...]:
    try:
        return analyse_sql(sql, schema=tables).order_dependent
    except SqlError:
        return ()


class Trial:
    """One generated query on generated tables, and what became of it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, make_query: Maker, seed: int) -> None:
        self.connection = connection
        self.maker = make_query(seed)
        self.random = Random(seed + 1)
        self.sql: str = self.maker.query()
        # Where we say that the result may depend on the order of rows, that of a list may follow from any plan.
        self.any_order = bool(order_reasons(self.sql, self.maker.tables))
        for table, columns in self.maker.tables.items():
            declared = ", ".join(f"{name} {type_}" for name, type_ in columns.items())
            connection.execute(f"create or replace table {table} ({declared})")
            connection.execute(f"insert into {table} values {', '.join(self.maker.rows(table))}")

    def result(self) -> list[str]:
        rows = self.connection.execute(self.sql).fetchall()
        return sorted(map(repr, (tuple(map(unordered, row)) for row in rows) if self.any_order else rows))

    def binds(self) -> bool:
        try:
            self.result()
        except duckdb.Error:
            return False
        return True

    def changes_when(self, table: str, column: str) -> bool:
        """Return whether the result is another one after the column has got other values, in equal row order.

        Asked again without the optimizer: a plan that goes by the values of a column may put rows that nothing orders
        into another order, in a list, though no value of it is looked at.
        """
        if not self._changes(table, column):
            return False
        self.connection.execute("pragma disable_optimizer")
        try:
            return any(self._changes(table, column) for _ in range(8))
        finally:
            self.connection.execute("pragma enable_optimizer")

    def _changes(self, table: str, column: str) -> bool:
        before = self.result()
        self.connection.execute(f"create or replace temp table kept as from {table}")
        type_ = self.maker.tables[table][column]
        values = ", ".join(self.maker.value(type_) for _ in range(5))
        self.connection.execute(
            f"create or replace table {table} as select * replace (cast([{values}][rowid + 1] as {type_}) as {column})"
            f" from {table} order by rowid"
        )
        try:
            after = self.result()
        except duckdb.Error:
            after = ["an error"]
        self.connection.execute(f"create or replace table {table} as from kept")
        return before != after


def missed(trial: Trial) -> list[tuple[str, str, str]]:
    """Return what a trial shows to be read, though we say that it is not: by schema known, half known, unknown."""
    schemas = {"known": trial.maker.tables, "half": dict(list(trial.maker.tables.items())[1:]), "unknown": {}}
    said = {name: analyse_sql(trial.sql, schema=schema).reads for name, schema in schemas.items()}
    found = []
    for table, columns in trial.maker.tables.items():
        for column in columns:
            answers = {
                name: any(read.table == table and (read.columns is None or column in read.columns) for read in reads)
                for name, reads in said.items()
            }
            if not all(answers.values()) and trial.changes_when(table, column):
                found += [(name, table, column) for name, read in answers.items() if not read]
    return found


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


def check(connection: duckdb.DuckDBPyConnection, make_query: Maker, seed: int) -> None:
    trial = Trial(connection, make_query, seed)
    if trial.binds():
        assert missed(trial) == [], trial.sql


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**40))
def test_no_read_is_missed(connection: duckdb.DuckDBPyConnection, make_query: Maker, seed: int) -> None:
    check(connection, make_query, seed)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_no_read_is_missed_at_length(connection: duckdb.DuckDBPyConnection, make_query: Maker, block: int) -> None:
    for seed in range(block * 5000, (block + 1) * 5000):
        check(connection, make_query, seed)
