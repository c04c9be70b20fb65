"""DuckDB's `hash` gives one number for values that differ; an early cutoff on it would be a false fresh."""

from __future__ import annotations

import pytest

from ..world import World

PAIRS = {
    "[] and NULL": ("[]::integer[]", "null::integer[]", "v is null"),
    "0.0 and -0.0": ("0.0::double", "'-0.0'::double", "v::varchar"),
    "one month and 30 days": ("interval 1 month", "interval 30 days", "date '2024-02-01' + v"),
    "24 hours and one day": ("interval 24 hours", "interval 1 day", "v::varchar"),
    "[NULL] and []": ("[null]::integer[]", "[]::integer[]", "len(v)"),
    "{NULL} and NULL": ("{'a': null::integer}", "null::struct(a integer)", "v is null"),
    "text that looks like a separator": ("['a;', 'b']", "['a', ';b']", "v[1]"),
    "empty text and NULL": ("''", "null::varchar", "v is null"),
    "float zeros in a list": ("[0.0::double]", "['-0.0'::double]", "v::varchar"),
    "JSON of one meaning": ("""'{"a":1}'::json""", """'{"a": 1}'::json""", "v::varchar"),
}


@pytest.mark.parametrize("name", PAIRS)
def test_the_reader_is_rebuilt(world: World, name: str) -> None:
    before, after, seen = PAIRS[name]
    world.sql("s.a", f"select 1 as id, {before} as v")
    world.sql("s.b", f"select id, {seen} as seen from s.a")
    world.run()
    old = world.rows("s.b")
    world.sql("s.a", f"select 1 as id, {after} as v")
    assert world.built() == {"s.a": "PUBLISHED", "s.b": "PUBLISHED"}
    assert world.rows("s.b") != old


def test_two_json_paths_that_parse_to_one_tree(world: World) -> None:
    """`j->'a.b'` asks for a key with a dot in it; a tree that drops the spelling calls both one query."""
    world.sql("s.a", """select '{"a.b": 1, "a": {"b": 2}}'::json as j""")
    world.sql("s.b", "select (j->'a.b')::varchar as v from s.a")
    world.run()
    assert world.rows("s.b") == {("1",): 1}
    world.sql("s.b", "select (j->'$.a.b')::varchar as v from s.a")
    assert world.built() == {"s.b": "PUBLISHED"}
    assert world.rows("s.b") == {("2",): 1}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("select random() < 2 and random() < 2 as v", "select random() < 2 as v"),
        ("select 0.1 + 0.2 as v", "select 0.3::double as v"),
        ("select 1 / 2 as v", "select 1 // 2 as v"),
        ("select 'a' as v", "select 'A' as v"),
        ("select 'a  b' as v", "select 'a b' as v"),
        ("select 1 as v union all select 1", "select 1 as v union select 1"),
        ("select cast('1' as integer) as v", "select try_cast('1' as integer) as v"),
    ],
)
def test_what_a_simplifier_merges_stays_two_definitions(world: World, before: str, after: str) -> None:
    world.sql("s.a", before)
    world.run()
    world.sql("s.a", after)
    assert "DEFINITION_CHANGED" in world.codes("s.a")
