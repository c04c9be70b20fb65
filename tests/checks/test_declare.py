"""What users write about checks, right and wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from headwater.assets.asset import CheckSpec, Location
from headwater.assets.errors import Problem
from headwater.checks.declare import distinct_labels, parse_check, parse_checks
from headwater.checks.library import KINDS, check_kind
from headwater.checks.scan import check_columns, check_expressions, check_query, check_tables

HERE = Location("assets/mart/revenue.sql", 7)


@pytest.mark.parametrize(
    ("raw", "column", "spec"),
    [
        ("not_null", "a", CheckSpec("not_null", "a")),
        ({"not_null": None}, "a", CheckSpec("not_null", "a")),
        ({"not_null": "a"}, None, CheckSpec("not_null", "a")),
        ({"not_null": {"column": "a", "where": "b > 1"}}, None, CheckSpec("not_null", "a", where="b > 1")),
        ("unique", "a", CheckSpec("unique", "a")),
        ({"unique": "a"}, None, CheckSpec("unique", options=(("columns", ("a",)),))),
        ({"unique": ["day", "region"]}, None, CheckSpec("unique", options=(("columns", ("day", "region")),))),
        ({"unique": {"columns": ["a"]}}, None, CheckSpec("unique", options=(("columns", ("a",)),))),
        ({"accepted_values": ["a", "b", "a"]}, "x", CheckSpec("accepted_values", "x", (("values", ("a", "b")),))),
        (
            {"accepted_values": [0.1, 1, True, date(2024, 1, 1)]},
            "x",
            CheckSpec("accepted_values", "x", (("values", (Decimal("0.1"), 1, True, date(2024, 1, 1))),)),
        ),
        ({"between": {"min": 0, "max": 1.5}}, "x", CheckSpec("between", "x", (("max", Decimal("1.5")), ("min", 0)))),
        ({"between": {"min": 0, "column": "x"}}, None, CheckSpec("between", "x", (("min", 0),))),
        ({"row_count": {"min": 1}}, None, CheckSpec("row_count", options=(("min", 1),))),
        ({"row_count": 5}, None, CheckSpec("row_count", options=(("exact", 5),))),
        ({"matches": "^[A-Z]{3}$"}, "x", CheckSpec("matches", "x", (("pattern", "^[A-Z]{3}$"),))),
        (
            {"relationship": {"to": "stg.Customers", "column": "cust"}},
            "customer",
            CheckSpec("relationship", "customer", (("column", ("cust",)), ("to", "stg.customers"))),
        ),
        (
            {"relationship": {"to": "stg.customers", "column": "cust"}},
            None,
            CheckSpec("relationship", None, (("columns", ("cust",)), ("to", "stg.customers"))),
        ),
        (
            {"relationship": {"to": "x", "columns": ["a", "b"], "column": ["c", "d"]}},
            None,
            CheckSpec("relationship", None, (("column", ("c", "d")), ("columns", ("a", "b")), ("to", "x"))),
        ),
        (
            {"expression": "amount >= 0"},
            None,
            CheckSpec("expression", options=(("sql", "amount >= 0"),), name="expression(amount >= 0)"),
        ),
        (
            {"expression": {"sql": "a > 0", "name": "positive", "severity": "warn", "warn_if": ">5%"}},
            None,
            CheckSpec("expression", options=(("sql", "a > 0"),), name="positive", severity="warn", warn_if="> 5%"),
        ),
        ({"sql": "select 1"}, None, CheckSpec("sql", options=(("sql", "select 1"),), name="sql(select 1)")),
    ],
)
def test_forms(raw, column, spec):
    found, problems = parse_check(raw, column, HERE)
    assert problems == ()
    assert found == spec
    assert found.location == HERE


@pytest.mark.parametrize(
    ("raw", "column", "message", "remedy"),
    [
        ({"uniqe": "a"}, None, "there is no check 'uniqe'.", "Did you mean `unique`?"),
        ("qqqq", None, "there is no check 'qqqq'.", "Known here: accepted_values, between, "),
        ({"between": {"mni": 0}}, "x", "between: there is no option `mni`.", "Did you mean `min`?"),
        (
            {"between": {"min": 0, "severty": "warn"}},
            "x",
            "between: there is no option `severty`.",
            "Did you mean `severity`?",
        ),
        ({"between": 5}, "x", "between: needs options by name.", "between: {min: 0, max: 10}"),
        ({"between": {}}, "x", "between: needs `min` or `max`.", "between: {min: 0, max: 10}"),
        ({"between": {"min": 5, "max": 4}}, "x", "between: min 5 is greater than max 4.", "Exchange"),
        ({"between": {"min": "10", "max": "9"}}, "x", "between: min 10 is greater than max 9.", "Exchange"),
        ({"between": {"min": date(2024, 1, 2), "max": date(2024, 1, 1)}}, "x", "min 2024-01-02 is greater", "Exchange"),
        ({"between": {"min": "b", "max": "a"}}, "x", "min 'b' is greater than max 'a'.", "Exchange"),
        ({"between": {"min": 1, "max": date(2024, 1, 1)}}, "x", "are of different kinds", "correct"),
        ({"between": {"min": True}}, "x", "`min` must be a number, a date or a text, not true.", ""),
        ({"between": {"min": [1]}}, "x", "`min` must be a text, a number or a date, not [1].", ""),
        ({"between": {"min": float("nan")}}, "x", "`min` is not a number", "For NaN use `expression`."),
        ({"between": {"max": 1234567890123456.78}}, "x", "`max` has more digits than a float keeps", "Quote it"),
        ({"between": {"max": 1e20}}, "x", "`max` has more digits than a float keeps", "Quote it"),
        ({"between": {"max": Decimal("1e9999")}}, "x", "`max` is beyond what any column can hold.", ""),
        ({"between": {"min": 0}}, None, "between: needs a column.", "Declare it on a column, or give `column`."),
        (
            {"between": {"min": 0, "column": "y"}},
            "x",
            "between: stands on column x and names y.",
            "Leave `column` out.",
        ),
        ("not_null", None, "not_null: needs a column.", "Declare it on a column"),
        ({"not_null": ["a", "b"]}, None, "not_null: `column` must be a text, not ['a', 'b'].", ""),
        ("unique", None, "unique: the columns are missing.", "unique: [day, region]"),
        ({"unique": []}, None, "unique: `columns` must be a name or a list of names, not nothing.", ""),
        ({"unique": ["a", 1]}, None, "unique: `columns` must be a name or a list of names, not ['a', 1].", ""),
        ({"unique": ["a", "A"]}, None, "unique: `columns` names a column twice.", "Keep each column once."),
        ({"unique": ["a"]}, "x", "unique: `columns` belong to a check of the table", "Write `unique` here"),
        ({"accepted_values": []}, "x", "accepted_values: `values` must be a list of values, not nothing.", ""),
        ("accepted_values", "x", "accepted_values: the values are missing.", "accepted_values: [a, b]"),
        ({"accepted_values": ["a", None]}, "x", "contains NULL, which is never compared.", "not_null refuses NULL"),
        ({"accepted_values": "a"}, "x", "`values` must be a list of values, not 'a'.", ""),
        ({"matches": "[a"}, "x", "matches: the pattern '[a' cannot be used: unterminated character set", "RE2"),
        ({"matches": "(?=a)"}, "x", "lookahead is not supported", "RE2"),
        ("matches", "x", "matches: the pattern is missing.", ""),
        ({"row_count": {"min": 2, "max": 1}}, None, "row_count: min 2 is greater than max 1.", "Exchange"),
        ({"row_count": {"min": -1}}, None, "`min` must be a whole number from 0 up, not -1.", ""),
        ({"row_count": {"min": 1.5}}, None, "`min` must be a whole number from 0 up, not 1.5.", ""),
        ({"row_count": True}, None, "`exact` must be a whole number from 0 up, not True.", ""),
        ({"row_count": {"exact": 1, "min": 1}}, None, "`exact` excludes `min` and `max`.", "Keep one form."),
        ("row_count", None, "row_count: needs `min`, `max` or `exact`.", "row_count: {min: 1}"),
        ({"row_count": {"min": 1}}, "x", "row_count: is about the table", "Move it to the asset's checks."),
        ({"relationship": {"column": "a"}}, "x", "relationship: needs `to`", "relationship: {to: stg.customers"),
        ({"relationship": {"to": "a b"}}, "x", "relationship: `to`: 'a b' is not an asset key.", "Use segments"),
        ({"relationship": "stg.x"}, None, "relationship: the columns are missing.", ""),
        (
            {"relationship": {"to": "x", "columns": ["a", "b"], "column": "c"}},
            None,
            "relationship: 2 columns here cannot equal 1 there.",
            "Name as many on both sides.",
        ),
        ({"expression": "(a > 0"}, None, "expression: ) is missing.", "Balance the brackets."),
        ({"expression": "a > (select 1)"}, None, "cannot contain a query", "`sql` or `relationship`"),
        ({"expression": "  "}, None, "expression: `sql` must be a text", ""),
        ({"expression": "columns(*) > 0"}, None, "cannot unfold COLUMNS", "Name each column."),
        ("expression", None, "expression: the condition is missing.", 'expression: "amount >= 0"'),
        ("sql", None, "sql: the query is missing.", "select * from $this"),
        ({"sql": "delete from x"}, None, "sql: this is not a query.", "$this"),
        ({"sql": "select 1; select 2"}, None, "sql: this is more than one statement.", "Write one select"),
        ({"not_null": {"severity": "fatal"}}, "x", "`severity` must be error or warn, not 'fatal'.", ""),
        ({"not_null": {"warn_if": "many"}}, "x", "not_null: `warn_if`: 'many' is not a threshold.", '"> 0.1%"'),
        ({"not_null": {"error_if": 5}}, "x", "`error_if` must be a text, not 5.", "Quote it"),
        ({"not_null": {"error_if": "> 0.1"}}, "x", "compares a number of rows with a fraction", '"> 0.1%"'),
        ({"not_null": {"where": "a > 1; drop table b"}}, "x", "`where`: an expression cannot contain a semicolon.", ""),
        ({"not_null": {"severity": "warn", "on_fail": "block"}}, "x", "severity warn never blocks", "Remove one"),
        ({"not_null": {"severity": "warn", "on_fail": "quarantine"}}, "x", "severity warn never blocks", "Remove one"),
        ({"not_null": {"on_fail": "quarantine"}}, "x", "on_fail: quarantine is not available yet.", "Use block"),
        ({"not_null": {"on_fail": "ignore"}}, "x", "`on_fail` must be block or quarantine", ""),
        ({"not_null": {"scope": "partition"}}, "x", "scope: partition is not available yet.", "Leave `scope` out."),
        ({"not_null": {"scope": "all"}}, "x", "`scope` must be rows or table or partition, not 'all'.", ""),
        ({"between": None, "min": 0}, "x", "one check has several names: between, min.", "Indent its options"),
        (5, "x", "5 is not a check.", "A check is a name"),
        ({}, "x", "{} is not a check.", "A check is a name"),
        ({1: "a"}, "x", "{1: 'a'} is not a check.", "A check is a name"),
    ],
)
def test_problems(raw, column, message, remedy):
    spec, problems = parse_check(raw, column, HERE)
    assert spec is None
    (problem,) = problems
    assert message in problem.message
    assert remedy in problem.remedy
    assert (problem.file, problem.line) == (HERE.file, HERE.line)


def test_every_problem_of_a_check_and_of_a_list_is_told():
    raw = [
        {"between": {"min": 5, "max": 4, "severity": "bad", "error_if": "x", "nope": 1}},
        "not_null",
        {"unqiue": "a"},
    ]
    specs, problems = parse_checks(raw, "x", HERE)
    assert [spec.kind for spec in specs] == ["not_null"]
    assert [problem.message.split(" ")[0] for problem in problems] == ["between:", "between:", "between:", "there"]


def test_no_checks():
    assert parse_checks(None, None, HERE) == ((), ())
    assert parse_checks([], None, HERE) == ((), ())


@pytest.mark.parametrize("raw", ["not_null", {"unique": "a"}, 5])
def test_checks_that_are_no_list(raw):
    specs, problems = parse_checks(raw, None, None)
    assert specs == ()
    assert problems == (Problem(None, None, "`checks` must be a list.", problems[0].remedy),)


def test_labels_tell_checks_of_one_table_apart():
    raw = [{"expression": "a > 0"}, {"expression": "b > 0"}, {"between": {"column": "a", "min": 0}}]
    raw += [{"between": {"column": "a", "max": 5}}, {"sql": "select " + "x, " * 50 + "1"}]
    specs, _ = parse_checks(raw, None, HERE)
    labels = [spec.label for spec in specs]
    assert labels[:4] == ["expression(a > 0)", "expression(b > 0)", "between(a)", "between(a) #2"]
    assert len(labels[4]) < 70
    assert distinct_labels(specs) == specs


def test_checks_made_in_python_take_column_and_place_from_where_they_stand():
    made = CheckSpec("between", None, (("min", 0),))
    (spec,), problems = parse_checks([made], "x", HERE)
    assert problems == ()
    assert spec == replace(made, column="x")
    assert spec.location == HERE


@pytest.mark.parametrize(
    ("made", "column", "message"),
    [
        (CheckSpec("between", None, (("min", 0),)), None, "between: needs a column."),
        (CheckSpec("unique"), None, "unique: the columns are missing."),
        (CheckSpec("not_null", "y"), "x", "not_null: stands on column x and names y."),
        (CheckSpec("row_count", None, (("min", 1),)), "x", "row_count: is about the table"),
        (CheckSpec("nope"), "x", "there is no check 'nope'."),
    ],
)
def test_checks_made_in_python_in_the_wrong_place(made, column, message):
    specs, problems = parse_checks([made], column, HERE)
    assert specs == ()
    assert message in problems[0].message


def test_what_a_check_reads():
    def spec(raw, column=None):
        return parse_checks([raw], column, None)[0][0]

    assert check_columns(spec("not_null", "a")) == ("a",)
    assert check_columns(spec({"unique": ["a", "b"]})) == ("a", "b")
    assert check_columns(spec({"row_count": 1})) == ()
    related = spec({"relationship": {"to": "stg.x", "columns": ["a", "b"], "column": ["c", "d"]}})
    assert check_columns(related) == ("a", "b")
    assert check_tables(related) == (("stg.x", ("c", "d")),)
    assert check_tables(spec({"relationship": "stg.x"}, "k")) == (("stg.x", ("k",)),)
    assert check_tables(spec("not_null", "a")) == ()
    assert check_expressions(spec({"expression": {"sql": "a > 0", "where": "b"}})) == ("a > 0", "b")
    assert check_expressions(spec({"sql": {"sql": "select 1", "where": "b"}})) == ("b",)
    assert check_query(spec({"sql": "select 1"})) == "select 1"
    assert check_query(spec("not_null", "a")) is None


@pytest.mark.parametrize("name", KINDS)
def test_every_check_gives_its_name_and_an_example_that_is_valid(name):
    import yaml

    kind = check_kind(name)
    assert kind.name == name
    spec, problems = parse_check(yaml.safe_load(kind.example), "x" if kind.on == "column" else None, None)
    assert problems == ()
    assert spec.kind == name
