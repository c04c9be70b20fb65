"""A parser turns two JSON paths into one tree, so tools that compare trees, SQLMesh among them, see no change."""

from __future__ import annotations

from ..world import World


def test_a_path_that_becomes_a_key_is_another_definition(world: World) -> None:
    world.sql("raw.docs", """select '{"a.b": 1, "a": {"b": 2}}'::json as j""")
    world.sql("s.value", "select j -> 'a.b' as v from raw.docs")
    world.run()
    assert world.rows("s.value") == {("1",): 1}
    world.sql("s.value", "select j -> '$.a.b' as v from raw.docs")
    assert world.codes("s.value") == ["DEFINITION_CHANGED"]
    assert world.built()["s.value"] == "PUBLISHED"
    assert world.rows("s.value") == {("2",): 1}
