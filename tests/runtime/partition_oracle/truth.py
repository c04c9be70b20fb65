"""What every partition of a project must hold, and what each sees: plain DuckDB on the same queries, one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import duckdb

from .model import Made, Project, Source
from .shapes import FILTERS, PARTED, SEEN, Text, condition, literals
from .spaces import WHOLE, Keys, partitions, read_by

Columns = tuple[tuple[str, str], ...]
Rows = frozenset[tuple[tuple[object, ...], int]]  # a multiset


@dataclass(frozen=True)
class Table:
    """Columns, and the rows of every partition (`WHOLE`: of an asset without dimensions).

    `waiting` partitions cannot be built yet, `failing` ones not at all; they have no rows here.
    """

    columns: Columns = ()
    parts: Mapping[Keys, Rows] = field(default_factory=dict)
    waiting: frozenset[Keys] = frozenset()
    failing: frozenset[Keys] = frozenset()

    def all_rows(self) -> Rows:
        """Return the rows of all partitions together."""
        together: Counter[tuple[object, ...]] = Counter()
        for rows in self.parts.values():
            together.update(dict(rows))
        return frozenset(together.items())


Tables = Mapping[str, Table]


@lru_cache(maxsize=64)
def truth(project: Project) -> Tables:
    """Return what a clean rebuild gives, by asset key."""
    tables: dict[str, Table] = {source.key: _delivered(source) for source in project.sources}
    for made in project.made:
        tables[made.key] = _made(project, made, tables)
    return tables


def troubled(project: Project) -> set[str]:
    """Return the assets of which some step must fail, and all that stand on them."""
    found: set[str] = set()
    for made in project.made:
        if truth(project)[made.key].failing or found.intersection(made.upstreams):
            found.add(made.key)
    return found


def seen(project: Project, made: Made, partition: Keys, tables: Tables) -> object:
    """Return what one partition of `made` sees in `tables`: of each upstream the columns, and their rows.

    Several references to one upstream see together what any of them sees.
    """
    out: list[object] = []
    for upstream in dict.fromkeys(made.upstreams):
        if upstream not in tables:
            return None
        table, places = tables[upstream], [place for place, key in enumerate(made.upstreams) if key == upstream]
        shown = [_shown(made, place, partition) for place in places if place < len(SEEN[made.shape])]
        columns = None if any(names is None for names, _ in shown) else {n for names, _ in shown for n in names or ()}
        where = " or ".join(f"({condition})" for _, condition in shown)
        kept = tuple((name, kind) for name, kind in table.columns if columns is None or name in columns)
        parts, _ = read_by(made.mapping(upstream), made.dims, partition, project.dims(upstream), project.now)
        rows = _together(table, [part for part in parts if part in table.parts])
        listed = ", ".join(f"t.{name}" for name, _ in (kept if columns is None else sorted(kept))) or "1"
        query = f"select {listed} from {values(table.columns, sorted(rows.items(), key=repr))} t where {where}"
        out.append((upstream, *_run(query)))
    return tuple(out)


def _shown(made: Made, place: int, partition: Keys) -> tuple[set[str] | None, str]:
    """Return the columns that a reference sees, and the condition on its rows."""
    columns, narrows = SEEN[made.shape][place]
    names = made.filters[place]
    if made.shape == "py_text":
        names = ("day" if made.dims[0].is_time else "region",)
    narrowing = tuple(name for name in names if narrows and FILTERS[name][2])
    if made.mapping(made.upstreams[place]) is not None and any(name in PARTED for name in narrowing):
        narrowing = ()  # the mapping says already which partitions are read
    where = condition(narrowing, "t", made.dims, Text(lambda _, key: key, literals(partition)))
    return None if columns is None else {*columns, *(n for name in names for n in FILTERS[name][1])}, where


def values(columns: Columns, rows: Iterable[tuple[tuple[object, ...], int]]) -> str:
    """Return a relation with these rows, typed."""
    names = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in columns)
    listed = ["(" + ", ".join(map(_literal, row)) + ")" for row, count in rows for _ in range(count)]
    if not listed:
        nulls = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in columns)
        return f"(select {nulls} where false)"
    return f"(select {names} from (values {', '.join(listed)}) v({', '.join(name for name, _ in columns)}))"


def _delivered(source: Source) -> Table:
    rows = frozenset(Counter(source.rows).items())
    columns, found = _run(f"select * from {values(source.columns, rows)}")
    return Table(columns, {WHOLE: found})


def _made(project: Project, made: Made, tables: Tables) -> Table:
    columns: Columns = ()
    parts: dict[Keys, Rows] = {}
    waiting, failing = set(), set()
    for partition in partitions(made.dims, project.now):
        sources: dict[str, str] = {}
        for upstream in dict.fromkeys(made.upstreams):
            table = tables[upstream]
            read, absent = read_by(made.mapping(upstream), made.dims, partition, project.dims(upstream), project.now)
            nothing_there = not table.parts and not table.failing
            if (absent and not made.skips) or table.waiting.intersection(read) or nothing_there:
                waiting.add(partition)
            elif table.failing.intersection(read) or (table.failing and not table.parts):
                failing.add(partition)
            else:
                sources[upstream] = values(table.columns, _together(table, read).items())
        if partition in waiting or partition in failing:
            continue
        text = Text(lambda _, key, known=sources: known[key], literals(partition))  # type: ignore[misc]
        try:
            columns, found = _run(made.query(text))
        except duckdb.ConversionException:
            failing.add(partition)
        else:
            keys = [place for place, (name, _) in enumerate(columns) if name in {dim.name for dim in made.dims}]
            parts[partition] = frozenset(  # null_partition: drop
                (row, count) for row, count in found if None not in [row[place] for place in keys]
            )
    return Table(columns, parts, frozenset(waiting), frozenset(failing))


def _together(table: Table, parts: Iterable[Keys]) -> Counter[tuple[object, ...]]:
    rows: Counter[tuple[object, ...]] = Counter()
    for part in parts:
        rows.update(dict(table.parts[part]))
    return rows


@lru_cache(maxsize=20_000)
def _run(text: str) -> tuple[Columns, Rows]:
    found = _connection().execute(text)
    columns = tuple((str(name), str(kind)) for name, kind, *_ in found.description or ())
    rows = frozenset(Counter(found.fetchall()).items())
    return columns, rows


@lru_cache(maxsize=1)
def _connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config={"threads": "1"})


def _literal(value: object) -> str:
    return "null" if value is None else "'" + str(value) + "'"
