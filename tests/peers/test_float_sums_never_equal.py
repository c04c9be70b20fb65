"""SUM over doubles differs in its last bits from run to run; who hides that promises too much or rebuilds all."""

from __future__ import annotations

from ..world import World


def test_a_float_sum_is_current_up_to_row_order_and_says_so(world: World) -> None:
    world.csv("a", "id,x 1,0.1 2,0.2 3,0.3")
    world.sql("s.sum", "select sum(cast(x as double)) as total from raw.a")
    world.sql("s.round", "select round(total, 6) as total from s.sum")
    world.run()
    report = world.load().status()
    notes = {str(line.asset): line.note for line in report.assets}
    assert set(world.status().values()) == {"CURRENT"}
    assert notes["s.sum"] is not None
    assert notes["s.round"] is None
    assert world.run().outcome == "NOTHING_TO_DO"


def test_an_order_dependent_result_is_built_again_rather_than_reused(world: World) -> None:
    world.csv("a", "id,x 1,0.1 2,0.2")
    query = "select sum(cast(x as double)) as total from raw.a"
    world.sql("s.sum", query)
    world.run()
    world.sql("s.sum", query + " where id > 1")
    world.run()
    world.sql("s.sum", query)
    assert world.built() == {"s.sum": "PUBLISHED"}
