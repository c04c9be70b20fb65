"""Each check finds exactly one planted fault of its kind among 10,000 good rows, and is quiet on good ones."""

from __future__ import annotations

import pytest

from headwater.checks.library import KINDS

ROWS = 10_000
GOOD = (
    "select i as id, i % 50 as grp, 'k' || (i % 7) as kind, i / 3.0::double as ratio, "
    "(i % 1000)::decimal(10, 2) as amount, date '2000-01-01' + i::integer as day, "
    "case when i % 11 > 0 then i end as loose from range({rows}) r(i)"
)
CASES = {
    "not_null": ({"not_null": "kind"}, "kind = null"),
    "unique": ({"unique": "id"}, "id = 4242"),
    "unique of several": ({"unique": ["grp", "kind", "day"]}, "grp = 42, kind = 'k0', day = date '2000-01-01' + 4242"),
    "accepted_values": ({"accepted_values": {"column": "kind", "values": [f"k{n}" for n in range(7)]}}, "kind = 'k7'"),
    "between": ({"between": {"column": "amount", "min": 0, "max": 999}}, "amount = 999.01"),
    "between of dates": (
        {"between": {"column": "day", "min": "2000-01-01", "max": "2027-05-18"}},
        "day = '2027-05-19'",
    ),
    "between and NaN": ({"between": {"column": "ratio", "min": 0}}, "ratio = 'nan'"),
    "matches": ({"matches": {"column": "kind", "pattern": "^k[0-6]$"}}, "kind = 'k6 '"),
    "row_count": ({"row_count": {"max": 0, "where": "grp > 49"}}, "grp = 50"),
    "relationship": ({"relationship": {"columns": "grp", "to": "groups", "column": "grp"}}, "grp = 50"),
    "relationship of several": ({"relationship": {"columns": ["grp", "kind"], "to": "groups"}}, "kind = 'k9'"),
    "expression": ({"expression": "loose is null or loose = id"}, "loose = -1"),
    "sql": ({"sql": "select grp from $this group by grp having sum(amount) < 0"}, "amount = -999999.99"),
}


def test_every_check_is_here():
    assert {next(iter(raw)) for raw, _ in CASES.values()} == set(KINDS)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("place", [0, 1, 2047, 2048, 6007, ROWS - 1])
def test_one_planted_fault(bench, case, place):
    raw, fault = CASES[case]
    bench.stage(GOOD.format(rows=ROWS))
    bench.other("groups", "select distinct grp, kind from (" + GOOD.format(rows=ROWS) + ")")
    spec = bench.declare(raw)
    clean = bench.scan((spec,)).results[0]
    assert (clean.outcome, clean.failing_rows) == ("PASS", None if "row_count" in raw else 0)

    bench.connection.execute(f'update "staged tables"."t__v1" set {fault} where id = {place}')
    found = bench.scan((spec,)).results[0]
    assert found.outcome == "FAIL"
    if "row_count" in raw:
        assert found.actual == "1 rows"
        return
    assert found.failing_rows == (2 if "unique" in raw else 1)
    sample = bench.sample(spec)
    assert len(sample) == found.failing_rows
