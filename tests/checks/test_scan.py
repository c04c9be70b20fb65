"""One query from many checks, and what happens when one of them raises."""

from __future__ import annotations

import pytest

from headwater.assets.asset import CheckSpec
from headwater.assets.errors import StepError
from headwater.checks.scan import plan_scan, run_scan, sample_sql

ROW_CHECKS = [
    {"not_null": "a"},
    {"not_null": {"column": "b", "where": "a > 3"}},
    {"between": {"column": "a", "min": 2}},
    {"accepted_values": {"column": "s", "values": ["s1", "s2"]}},
    {"matches": {"column": "s", "pattern": "^s"}},
    {"expression": "a < b"},
    {"expression": {"sql": "a <> 5", "where": "a > 3"}},
    {"row_count": {"min": 3, "where": "a > 3"}},
]
BROKEN = [
    {"expression": "s::integer > 0"},
    {"expression": "no_such_column > 0"},
    {"expression": "no_such_function(a)"},
    {"expression": "a > > b"},
    {"not_null": {"column": "a", "where": "s::integer > 0"}},
    {"sql": "select * from no_such_table"},
    {"unique": ["a", "nope"]},
]
ROWS = "select i as a, case when i <> 4 then i + 1 end as b, 's' || i as s from range(10) r(i)"


def declared(bench, raw):
    return tuple(bench.declare(item) for item in raw)


def outcomes(result):
    return [(each.check, each.outcome, each.failing_rows, each.actual) for each in result.results]


def test_row_checks_row_count_and_extras_are_one_query(bench):
    bench.stage(ROWS)
    result = bench.scan(declared(bench, ROW_CHECKS), ("sum(a)", "max(s)", "count(*)"))
    assert len(bench.asked) == 1
    assert (result.rows, result.extra, result.extra_errors) == (10, (45, "s9", 10), ())
    assert [each.failing_rows for each in result.results] == [0, 1, 2, 8, 0, 0, 1, None]
    assert [each.outcome for each in result.results][-1] == "PASS"


def test_what_is_asked_twice_is_computed_once(bench):
    bench.stage(ROWS)
    twice = declared(bench, [*ROW_CHECKS, *ROW_CHECKS])
    scan = plan_scan("t", bench.schema, twice, {}, ("sum(a)", "sum(a)"), bench.render)
    assert len(set(scan.selected)) == len(scan.selected)
    assert scan.selected[0] == "count(*)"
    assert scan.extra_at == (1, 1)
    assert scan.sql.startswith("select count(*), sum(a), ")
    assert scan.sql.endswith(" from t")


def test_a_unique_key_costs_one_query_more_and_a_broken_one_two(bench):
    bench.stage(ROWS)
    bench.scan(declared(bench, [{"unique": "a"}, {"not_null": "a"}]))
    assert len(bench.asked) == 2
    bench.asked.clear()
    bench.scan(declared(bench, [{"unique": {"columns": "a", "where": "a < 3"}}]))
    assert len(bench.asked) == 2
    bench.stage("select 1 as a from range(3)")
    assert bench.scan(declared(bench, [{"unique": "a"}])).results[0].failing_rows == 3
    assert len(bench.asked) == 3


@pytest.mark.parametrize("broken", BROKEN)
def test_a_check_that_raises_spoils_no_other(bench, broken):
    bench.stage(ROWS)
    good = declared(bench, [*ROW_CHECKS, {"unique": "a"}])
    alone = bench.scan(good, ("sum(a)",))
    (bad,) = declared(bench, [broken])
    both = bench.scan((good[0], bad, *good[1:]), ("sum(a)",))
    assert both.results[1].outcome == "ERROR"
    assert both.results[1].actual == "could not be evaluated"
    assert both.results[1].message
    assert both.results[1].failing_rows is None
    assert [each for index, each in enumerate(outcomes(both)) if index != 1] == outcomes(alone)
    assert (both.rows, both.extra) == (alone.rows, alone.extra)


def test_the_message_of_an_engine_does_not_quote_our_sql(bench):
    bench.stage(ROWS)
    message = bench.check({"expression": "s::integer > 0"}).message
    assert "Could not convert" in message
    assert "select" not in message


def test_an_extra_that_raises_is_named_and_the_rest_goes_on(bench):
    bench.stage(ROWS)
    result = bench.scan(declared(bench, ROW_CHECKS[:1]), ("sum(a)", "sum(s::integer)", "min(a)"))
    assert result.extra == (45, None, 0)
    ((position, message),) = result.extra_errors
    assert position == 1
    assert "Could not convert" in message
    assert result.results[0].outcome == "PASS"


def test_an_extra_that_is_null_did_not_raise(bench):
    bench.stage("select 1 as a where false")
    result = bench.scan((), ("sum(a)",))
    assert (result.rows, result.extra, result.extra_errors) == (0, (None,), ())


def test_a_relation_that_cannot_be_read_raises(bench):
    scan = plan_scan("no_such_relation", (("a", "integer"),), declared(bench, ROW_CHECKS[:1]), {}, (), bench.render)
    with pytest.raises(StepError, match="no_such_relation"):
        run_scan(scan, bench.execute)


def test_an_interruption_is_not_mistaken_for_a_check_that_raises(bench):
    scan = plan_scan("t", (("a", "integer"),), declared(bench, [{"not_null": "a"}]), {}, (), bench.render)

    def interrupted(query):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_scan(scan, interrupted)


@pytest.mark.parametrize("answer", [None, "5", 5.0, True])
def test_an_answer_that_is_no_number_of_rows_is_an_error(bench, answer):
    scan = plan_scan("t", (("a", "integer"),), declared(bench, [{"sql": "select 1"}]), {}, (), str)
    result = run_scan(scan, lambda query: (10,) if query == scan.sql else (answer,))
    assert result.results[0].outcome == "ERROR"


def test_a_row_of_another_length_is_never_read_by_position(bench):
    bench.stage("select 1 as a, -1 as b")
    result = bench.scan(declared(bench, [{"not_null": "a"}]), ("columns(*)", "7"))
    assert (result.rows, result.extra) == (1, (None, 7))
    assert [position for position, _ in result.extra_errors] == [0]
    assert result.results[0].outcome == "PASS"


@pytest.mark.parametrize(
    "spec",
    [
        CheckSpec("unique"),
        CheckSpec("not_null"),
        CheckSpec("between", None, (("min", 0),)),
        CheckSpec("relationship", None, (("to", "x"),)),
    ],
)
def test_a_check_that_never_got_its_column_is_an_error(bench, spec):
    bench.stage(ROWS)
    (result,) = bench.scan((spec,)).results
    assert (result.outcome, result.message) == ("ERROR", "The check needs a column. Declare it on one.")


def test_a_kind_that_the_library_does_not_have_is_an_error(bench):
    bench.stage(ROWS)
    result = bench.scan((CheckSpec("from_the_future", "a"),))
    assert (result.results[0].outcome, result.results[0].severity) == ("ERROR", "error")


def test_a_render_that_refuses_is_an_error_of_its_check(bench):
    def refuse(query):
        raise StepError("stg.x is not an upstream.", "Declare it.")

    specs = declared(bench, [{"sql": "select * from stg.x"}, {"not_null": "a"}])
    scan = plan_scan("t", (("a", "integer"),), specs, {}, (), refuse)
    result = run_scan(scan, lambda query: (4, 4))
    assert [(each.outcome, each.message) for each in result.results] == [
        ("ERROR", "stg.x is not an upstream. Declare it."),
        ("PASS", None),
    ]
    assert sample_sql(specs[0], "t", (("a", "integer"),), {}, refuse) is None


def test_sql_is_deterministic(bench):
    specs = declared(bench, ROW_CHECKS)
    bench.stage(ROWS)
    assert plan_scan("t", bench.schema, specs, {}, (), str) == plan_scan("t", bench.schema, specs, {}, (), str)


def test_samples_are_bounded(bench):
    bench.stage("select 1 as a from range(100)")
    for raw in ({"unique": "a"}, {"between": {"column": "a", "min": 2}}, {"sql": "select * from $this"}):
        assert len(bench.sample(bench.declare(raw), limit=7)) == 7
    assert bench.sample(bench.declare({"row_count": 5})) is None


def test_the_schema_may_spell_a_column_in_another_case(bench):
    bench.stage('select null as "Carrier"')
    assert bench.check("not_null", "carrier").failing_rows == 1
    scan = plan_scan("t", (("CARRIER", None), ("carrier", None)), (bench.declare("not_null", "carrier"),), {}, (), str)
    assert scan.selected == ("count(*)", 'count("carrier")')


def test_types_may_be_unknown_or_in_capitals(bench):
    bench.stage("select * from (values ('nan'::double), (1), (9)) t(a)")
    spec = bench.declare({"between": {"column": "a", "min": 0, "max": 5}})
    for type_ in (None, "DOUBLE", "double"):
        scan = plan_scan('"staged tables"."t__v1"', (("a", type_),), (spec,), {}, (), str)
        assert run_scan(scan, bench.execute).results[0].failing_rows == 2
