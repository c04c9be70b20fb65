"""Dagster 10160: a parent that is rebuilt while its child runs leaves the child FRESH with the old data inside."""

from __future__ import annotations

from ..world import World

SLOW = """import headwater as hw


@hw.asset("py.child", inputs={"parent": "s.parent"}, volatile=False)
def child(parent):
    rows = parent.select("x").relation().fetchall()
    with open(__file__.replace("assets/py.py", "data/a.csv"), "w") as file:
        file.write(NEW)
    return f"select {sum(x for x, in rows)} as total"


NEW = "id,x\\n1,10\\n2,21\\n"
"""


def test_a_delivery_while_the_child_runs_is_not_lost(world: World) -> None:
    world.csv("a", "id,x 1,10 2,20")
    world.sql("s.parent", "select x from raw.a")
    world.python("py", SLOW)
    world.run()
    assert world.rows("py.child") == {(30,): 1}
    assert world.status() == {"raw.a": "PENDING", "s.parent": "PENDING", "py.child": "PENDING"}
    world.run()
    assert world.rows("py.child") == {(31,): 1}
    assert set(world.status().values()) == {"CURRENT"}


def test_the_child_is_traced_to_the_version_that_it_read(world: World) -> None:
    """Of two projects on one folder, the one loaded first decides on the state of its turn, not of its load."""
    world.csv("a", "id,x 1,10 2,20")
    world.sql("s.parent", "select x from raw.a")
    world.sql("s.child", "select sum(x) as total from s.parent")
    world.run()
    first = world.load()
    world.csv("a", "id,x 1,10 2,22")
    world.run("s.parent")
    first.run(force=True)
    assert world.rows("s.child") == {(32,): 1}
    assert set(world.status().values()) == {"CURRENT"}
