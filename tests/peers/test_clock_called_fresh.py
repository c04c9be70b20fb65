"""A query that asks for the date is right until midnight; a tool that hashes its text calls it fresh for ever."""

from __future__ import annotations

from ..world import World


def test_a_clock_function_across_midnight(dated: World) -> None:
    dated.csv("a", "id,day 1,2026-03-01 2,2026-03-02")
    dated.sql("s.due", "select id from raw.a where day <= current_date")
    dated.sql("s.n", "select count(*) as n from s.due")
    dated.run()
    assert dated.rows("s.n") == {(1,): 1}
    assert set(dated.status().values()) == {"CURRENT"}
    assert dated.run().outcome == "NOTHING_TO_DO"
    dated.tomorrow()
    assert dated.status() == {"raw.a": "CURRENT", "s.due": "STALE", "s.n": "PENDING"}
    assert dated.codes("s.due") == ["CLOCK_GRAIN"]
    dated.run()
    assert dated.rows("s.n") == {(2,): 1}
    assert set(dated.status().values()) == {"CURRENT"}


def test_an_equal_result_on_the_next_day_keeps_readers_current(dated: World) -> None:
    dated.csv("a", "id,day 1,2026-01-01")
    dated.sql("s.due", "select id from raw.a where day <= current_date")
    dated.sql("s.n", "select count(*) as n from s.due")
    dated.run()
    dated.tomorrow()
    assert dated.built() == {"s.due": "PUBLISHED", "s.n": "VERIFIED_EQUAL"}


def test_a_monthly_clock_goes_stale_once_a_month(dated: World) -> None:
    dated.sql("s.m", "select current_date as at", "clock: month")
    dated.run()
    for _ in range(30):
        dated.tomorrow()
    assert dated.now is not None
    assert dated.now.day == 31
    assert dated.status()["s.m"] == "CURRENT"
    dated.tomorrow()
    assert dated.codes("s.m") == ["CLOCK_GRAIN"]
    dated.run()
    assert [str(value) for (value,) in dated.rows("s.m")] == ["2026-04-01"]


def test_a_function_that_asks_its_context_for_the_clock(dated: World) -> None:
    dated.python(
        "py",
        "import headwater as hw\n\n\ndef day_of(context):\n    return context.clock.date()\n\n\n"
        '@hw.asset("py.day")\ndef day(context):\n    return f"select date \'{day_of(context)}\' as day"\n',
    )
    dated.run()
    assert dated.run().outcome == "NOTHING_TO_DO"
    dated.tomorrow()
    assert dated.codes("py.day") == ["CLOCK_GRAIN"]
    dated.run()
    assert [str(value) for (value,) in dated.rows("py.day")] == ["2026-03-02"]
