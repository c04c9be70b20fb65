"""What every table of a project must hold, computed by plain DuckDB from the same queries, without Headwater."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import duckdb

from .project import Dress, Made, Project, Source

Types = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    """The columns and the multiset of rows of one table; `absent` where a gate keeps it from readers."""

    columns: Types
    rows: frozenset[tuple[tuple[object, ...], int]]
    absent: bool = False

    def seen(self, columns: frozenset[str] | None) -> object:
        """Return what a reader of these columns sees: names, types and rows, or the number of rows only."""
        if columns is None:
            return self.columns, self.rows
        places = [index for index, (name, _) in enumerate(self.columns) if name in columns]
        seen: Counter[tuple[object, ...]] = Counter()
        for row, count in self.rows:
            seen[tuple(row[place] for place in places)] += count
        return tuple(sorted(self.columns[place] for place in places)), frozenset(_by_name(self.columns, places, seen))


def _by_name(columns: Types, places: list[int], seen: Counter[tuple[object, ...]]) -> list[object]:
    order = sorted(range(len(places)), key=lambda index: columns[places[index]][0])
    return [(tuple(row[index] for index in order), count) for row, count in seen.items()]


@lru_cache(maxsize=512)
def truth(project: Project) -> dict[str, Table]:
    """Return every table by asset key."""
    connection = _connection()
    connection.execute(
        "drop schema if exists s cascade; drop schema if exists raw cascade; create schema s; create schema raw"
    )
    tables: dict[str, Table] = {}
    for source in project.sources:
        connection.execute(f"create table raw.{source.name} as {values(source)}")
        tables[f"raw.{source.name}"] = read(connection, f"raw.{source.name}")
    for made in project.made:
        query = made.query(Dress()).replace("$vars.step", str(project.step))
        connection.execute(f"create table {made.key} as {query}")
        needed = (*made.upstreams, *(check[2].rpartition(".")[0] for check in made.checks if check[2]))
        absent = any(tables[upstream].absent for upstream in needed) or _blocked(connection, made)
        found = read(connection, made.key)
        tables[made.key] = Table(found.columns, found.rows, absent)
    return tables


def read(connection: duckdb.DuckDBPyConnection, relation: str) -> Table:
    """Return what a relation holds."""
    columns = tuple((str(name), str(kind)) for name, kind, *_ in connection.execute(f"describe {relation}").fetchall())
    rows = connection.execute(f"select * from {relation}").fetchall()
    return Table(columns, frozenset(Counter(rows).items()))


def published(root: Path, project: Project) -> dict[str, Table]:
    """Return what readers of the project in `root` see, by asset key; what is not there is left out.

    A Parquet file is under its path.
    """
    found: dict[str, Table] = {}
    places = {f"raw.{s.name}": f"raw.{s.name}" for s in project.sources if s.form != "table"}
    places |= {made.key: made.key for made in project.made}
    places |= {m.path: f"(from read_parquet('{root}/{m.path}'))" for m in project.made if m.kind == "parquet"}
    with duckdb.connect(str(root / "warehouse.duckdb"), config={"threads": "1"}) as connection:
        for name, relation in places.items():
            try:
                found[name] = read(connection, relation)
            except (duckdb.CatalogException, duckdb.IOException, duckdb.InvalidInputException):
                continue
    return found


def values(source: Source) -> str:
    """Return a query for the rows of a source, typed."""
    names = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in source.columns)
    if not source.rows:
        nulls = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in source.columns)
        return f"select {nulls} where false"
    rows = ", ".join("(" + ", ".join(map(_literal, row)) + ")" for row in source.rows)
    listed = ", ".join(name for name, _ in source.columns)
    return f"select {names} from (values {rows}) t({listed})"


def _literal(value: object) -> str:
    return "null" if value is None else "'" + str(value) + "'"


def _blocked(connection: duckdb.DuckDBPyConnection, made: Made) -> bool:
    for check, column, other, constant in made.checks:
        asset, _, there = other.rpartition(".")
        keys = f"select o.{there}::varchar from {asset} o where o.{there} is not null"
        foreign = f"select count(*) > 0 from {made.key} t where t.{column}::varchar not in ({keys})"
        related = f"{foreign} and t.{column} is not null"  # a NULL refers to nothing
        failing = {
            "unique": f"select count(*) > 0 from (select {column} from {made.key} where {column} is not null "
            f"group by all having count(*) > 1)",
            "not_null": f"select count(*) > 0 from {made.key} where {column} is null",
            "row_count": f"select count(*) < {constant} from {made.key}",
            "expression": f"select count(*) > 0 from {made.key} where not (length({column}::varchar) < {constant + 2})",
            "foreign": foreign,
            "relationship": related,
        }[check]
        if connection.execute(failing).fetchall()[0][0]:
            return True
    return False


@lru_cache(maxsize=1)
def _connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config={"threads": "1"})
