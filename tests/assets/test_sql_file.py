"""SQL asset files: the comment, the query, and every field that INTERFACES has."""

from __future__ import annotations

from datetime import date

import pytest

from headwater.assets.asset import Freshness, Materialization

FULL = """/* @asset
key: Mart.Revenue
description: Booked revenue
owner: finance@corp.example
tags: [finance, regulated]
group: money
freshness: {max_lag: 24h, by: "0 8 * * mon-fri", timezone: Europe/London, holidays: GB}
materialization: {kind: file, path: out/revenue.parquet}
regulated: true
clock: month
volatile: false
ignore_versions: true
version: "7"
on_upstream_blocked: use_last_good
meta: {ticket: 12, since: 2024-01-01, list: [a, {b: c}]}
columns:
  revenue: {type: "decimal(18,2)", description: Net, tags: money, checks: [not_null, {between: {min: 0}}]}
  day: date
  note:
checks:
  - unique: [day]
  - row_count: {min: 1}
*/
select 1.5::decimal(18,2) as revenue, date '2024-01-01' as day, 'x' as note
"""


def test_every_field(declare_one):
    asset = declare_one(FULL)
    assert asset.key == "mart.revenue"
    assert (asset.description, asset.owner, asset.group) == ("Booked revenue", "finance@corp.example", "money")
    assert asset.tags == ("finance", "regulated")
    assert asset.freshness == Freshness(86400, "0 8 * * mon-fri", "Europe/London", "GB")
    assert asset.materialization == Materialization("file", "parquet", "out/revenue.parquet")
    assert (asset.regulated, asset.clock, asset.volatile, asset.ignore_versions) == (True, "month", False, True)
    assert (asset.version, asset.on_upstream_blocked) == ("7", "use_last_good")
    assert asset.meta == (("list", ("a", (("b", "c"),))), ("since", date(2024, 1, 1)), ("ticket", 12))
    assert [(c.name, c.type, c.tags) for c in asset.columns] == [
        ("revenue", "decimal(18,2)", ("money",)),
        ("day", "date", ()),
        ("note", None, ()),
    ]
    assert {(check.label, check.location.line) for check in asset.checks} == {
        ("unique(day)", 21),
        ("row_count", 22),
        ("not_null(revenue)", 17),
        ("between(revenue)", 17),
    }
    assert asset.line_of("owner") == 4
    assert asset.line_of("deps") == asset.location.line == 24


def test_a_bare_query_is_an_asset(declare_one):
    asset = declare_one("select 1 as x")
    assert (asset.key, asset.kind, asset.location.file, asset.location.line) == ("a", "table", "assets/a.sql", 1)


@pytest.mark.parametrize(
    "text",
    [
        "/* @asset\nowner: me\n*/ select 1 as x",
        "/* @asset owner: me */ select 1 as x",
        "/*@asset\nowner: me*/select 1 as x",
        "/**\n@asset\nowner: me\n*/\nselect 1 as x",
        "\n\n  /* @asset\n  owner: me\n  */\nselect 1 as x",
        "-- licence\n-- of two lines\n/* @asset\nowner: me\n*/\nselect 1 as x",
        "/* licence */\n\n/* @asset\nowner: me\n*/\nselect 1 as x",
        "/* @asset\n---\nowner: me\n*/\nselect 1 as x",
        "/* @asset\r\nowner: me\r\n*/\r\nselect 1 as x\r\n",
        b"\xef\xbb\xbf/* @asset\nowner: me\n*/\nselect 1 as x",
        "/* @asset\nowner: me # */\nselect 1 as x",
        "/* @asset\nowner: me\n*/\n/* another comment */ select 1 as x -- */",
    ],
)
def test_forms_of_the_comment(declare_one, text):
    assert declare_one(text).owner == "me"


@pytest.mark.parametrize(
    "text",
    [
        "select 1 as x /* @assets are nice */",
        "select '/* @asset' as x",
        "-- /* @asset\nselect 1 as x",
        "/* @assets\nowner: me */ select 1 as x",
        "/* @asset */ select 1 as x",
        "/* @asset\n# owner: me\n*/\nselect 1 as x",
    ],
)
def test_what_is_no_comment_of_an_asset(declare_one, text):
    assert declare_one(text).owner is None


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_text_of_the_query_is_the_users_own(declare_one, newline):
    query = f"{newline}select 1 as x, -- one{newline}  '*/' as y{newline}"
    asset = declare_one(f"/* @asset{newline}owner: me{newline}*/{query}")
    assert asset.sql == query
    assert (asset.sql_line, asset.location.line) == (3, 4)


def test_problems_are_on_their_lines_in_files_of_windows_and_after_a_mark(declare):
    text = "/* @asset\r\nowner: me\r\nownr: me\r\n*/\r\nselect 1 as x\r\n"
    assert [p.line for p in declare({"assets/a.sql": text}).problems] == [3]
    assert [p.line for p in declare({"assets/a.sql": b"\xef\xbb\xbf" + text.encode()}).problems] == [3]
    broken = "/* @asset\r\nowner: me\r\n*/\r\n\r\nselect from\r\n"
    assert [p.line for p in declare({"assets/a.sql": broken}).problems] == [5]


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("5 m", 300), ("24h", 86400), ("7d", 604800), ("2w", 1209600)]
)
def test_durations(declare_one, text, seconds):
    assert (
        declare_one(f"/* @asset\nfreshness: {{max_lag: {text}}}\n*/ select 1 as x").freshness.max_lag_seconds == seconds
    )


def test_checks_that_say_the_same_have_labels_of_their_own(declare_one):
    block = "columns: {x: {checks: [not_null]}}\nchecks: [{not_null: x}, {not_null: {column: x}}]"
    text = f"/* @asset\n{block}\n*/ select 1 as x"
    labels = [check.label for check in declare_one(text).checks]
    assert len(labels) == len(set(labels)) == 3
