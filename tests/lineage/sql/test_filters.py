"""A filter that is kept says which rows cannot matter: change those, and the result is as it was."""

from __future__ import annotations

from random import Random

import duckdb
import pytest

from headwater.lineage import analyse_sql

SCHEMA = {
    "t": {"id": "integer", "region": "varchar", "day": "date"},
    "u": {"id": "integer", "x": "integer"},
}


def filters(sql: str) -> list[str | None]:
    return [read.filter for read in analyse_sql(sql, schema=SCHEMA).reads]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select id from t where region = 'EU'", ["\"region\" = 'EU'"]),
        ("select id from t where REGION = 'a''b' and day >= $start", ["\"region\" = 'a''b' AND \"day\" >= $start"]),
        ("select id from t where day = date '2024-01-01'", ["\"day\" = CAST('2024-01-01' AS DATE)"]),
        ("select id from t where id in (1, -2) or region is null", ['("id" IN (1, -2) OR "region" IS NULL)']),
        ("select id from t where (id between 1 and 2) and not id = 3", ['"id" BETWEEN 1 AND 2 AND NOT ("id" = 3)']),
        ("with c as (select * from t where id = 1) select * from c where id = 2", ['"id" = 1']),
        ("select 1 from t x, t y where x.id = 1 and y.id = 2", ['"id" = 1', '"id" = 2']),
        ("select 1 from t join u using (id) where region = 'a' and u.x > t.id", ["\"region\" = 'a'", None]),
        ("select 1 from t left join u on t.id = u.id where t.id = 1 and u.x is null", ['"id" = 1', None]),
        ("select 1 from u right join t on t.id = u.id where t.id = 1", [None, None]),
        ("select 1 from t full join u on t.id = u.id where t.id = 1", [None, None]),
        ("select 1 from t asof join u on t.id >= u.id where u.x = 1", [None, None]),
        ("select 1 from t positional join u where t.id = 1", [None, None]),
        ("select 1 from (t left join u on t.id = u.id) where u.x = 1", [None, None]),
        ("select 1 from t tablesample 1 rows where id = 1", [None]),
        ("select 1 from t where id + 1 = 2", [None]),
        ("select 1 from t where random() < 0.5 and id = 1", ['"id" = 1']),
        ("select 1 from t where id = 1 or exists (from u)", [None, None]),
        ("select id from t group by id having id = 1", [None]),
        ("select id, row_number() over () from t qualify id = 1", [None]),
        ("select 1 from t as t(a, b, c) where a = 1", [None]),
        ("select 1 from t where $vars.region = region", ['$vars.region = "region"']),
        ("select 1 from nowhere where id = 1", ['"id" = 1']),
    ],
)
def test_what_is_kept(sql: str, expected: list[str | None]) -> None:
    assert filters(sql) == expected


JOINS = (
    "join",
    "left join",
    "right join",
    "full join",
    "semi join",
    "anti join",
    "asof join",
    "cross join",
    "left join",
)
CONDITIONS = (
    "{}.v = {}", "{}.v <> {}", "{}.v > {}", "{}.v <= {} ", "{}.v is null", "{}.v is null",
    "{}.v is not null", "{}.v in ({}, 3)",
    "{}.v between 0 and {}", "not {}.v = {}", "({}.v = {} or a.k = 1)", "{}.v + 1 = {}", "coalesce({}.v, 1) = {}",
)  # fmt: skip
SHAPES = (
    "select count(*), sum({v}) from {source}",
    "select a.k, {v} from {source}",
    "select distinct {v} from {source}",
    "select a.k, count(*) over (partition by {v}), max({v}) over () from {source}",
    "select * from (select a.k, {v} as w from {source}) where w is null or w > 0",
    "select (select count(*) from t1 where v = a.k) from {source}",
    "with c as (select a.k, {v} as w from {source}) select * from c x left join c y on x.k = y.w",
    "select a.k, {v} from {source} union select v, k from t0 where v = 2",
)
TABLES = {"t0": {"k": "integer", "v": "integer"}, "t1": {"k": "integer", "v": "integer"}}


def draw_query(random: Random) -> str:
    """Return a query over t0 and t1, both (k, v), with simple and less simple filters."""
    kind = random.choice((*JOINS, ""))
    on = "" if kind in ("", "cross join") else f" on a.k {'>=' if kind == 'asof join' else '='} b.k"
    seen = ["a"] if kind in ("", "semi join", "anti join") else ["a", "b"]
    conditions = [
        random.choice(CONDITIONS).format(random.choice(seen), random.randrange(3))
        for _ in range(random.choice((1, 1, 2)))
    ]
    source = f"t0 a {kind} {'t1 b' if kind else ''}{on} where {' and '.join(conditions)}"
    return random.choice(SHAPES).format(source=source, v=f"{random.choice(seen)}.v")


def rows(random: Random) -> str:
    """Return five rows, of few values, so that some meet."""
    pairs = [[random.choice(("null", "0", "1", "2", "3")) for _ in range(2)] for _ in range(5)]
    return ", ".join(f"({k}, {v})" for k, v in pairs)


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


@pytest.mark.parametrize("part", range(4))
def test_rows_outside_the_filters_do_not_matter(connection: duckdb.DuckDBPyConnection, part: int) -> None:
    for seed in range(part * 250, part * 250 + 250):
        random = Random(seed)
        sql = draw_query(random)
        reads = analyse_sql(sql, schema=TABLES).reads
        for table in TABLES:
            connection.execute(f"create or replace table {table} (k integer, v integer)")
            connection.execute(f"insert into {table} values {rows(random)}")
        before = sorted(map(repr, connection.execute(sql).fetchall()))
        for table in TABLES:
            kept = [read.filter or "true" for read in reads if read.table == table]
            outside = f"({' or '.join(f'({text})' for text in kept) or 'false'}) is not true"
            connection.execute(f"delete from {table} where {outside}")
            if random.random() < 0.5:
                connection.execute(f"insert into {table} select * from (values {rows(random)}) v(k, v) where {outside}")
        after = sorted(map(repr, connection.execute(sql).fetchall()))
        assert after == before, (seed, sql, [read.filter for read in reads])
