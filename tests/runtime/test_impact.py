"""What a change would do downstream: proven where it breaks, proven where it does not reach, and said where it may."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.assets.errors import RequestError
from headwater.runtime.impact_model import ImpactReport
from tests.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.csv("o", "id,day,amount,note 1,2024-01-01,10,a 2,2024-01-02,20,b")
    world.sql("stg.o", "select\n  id,\n  day,\n  amount\nfrom raw.o\nwhere note <> 'x'")
    world.sql(
        "mart.total",
        "select day,\n  sum(amount) as total\nfrom stg.o\ngroup by day",
        "columns: {total: {checks: [not_null]}}",
    )
    world.sql("mart.copy", "select * from stg.o")
    world.sql(
        "mart.deep", "select id, amount + 1 as more from mart.copy", "materialization: {kind: file, path: out/d.csv}"
    )
    world.sql(
        "mart.days",
        "select id, day from stg.o",
        "checks: [{relationship: {to: mart.total, column: day, columns: day}}]",
    )
    return world


def outcomes(report: ImpactReport) -> dict[str, str]:
    """Return the outcome of each asset."""
    return {str(it.asset): it.outcome for it in report.impacts}


def ask(world: World, *words: str | None) -> ImpactReport:
    return world.load().impact(*words)  # type: ignore[arg-type]


def places(report: ImpactReport) -> list[str]:
    return [f"{place.file}:{place.line}" for it in (report.own, *report.impacts) for place in it.places]


def test_a_redefined_column_may_change_only_who_reads_it(world: World) -> None:
    world.run()
    report = ask(world, "stg.o.amount")
    assert outcomes(report) == {
        "mart.copy": "MAY_CHANGE",
        "mart.days": "UNTOUCHED",
        "mart.deep": "MAY_CHANGE",
        "mart.total": "MAY_CHANGE",
    }
    by = {str(it.asset): it for it in report.impacts}
    assert by["mart.days"].message == "reads only day, id of stg.o."
    assert by["mart.total"].columns == ("total",)
    assert by["mart.total"].checks == ("not_null(total)",)
    assert by["mart.total"].contract == ("total",)
    assert (by["mart.deep"].columns, by["mart.deep"].file) == (("more",), "out/d.csv")


def test_a_filter_touches_every_reader_of_the_rows(world: World) -> None:
    world.sql("mart.n", "select count(*) as n from mart.days")
    report = ask(world, "raw.o.note")
    assert set(outcomes(report).values()) == {"MAY_CHANGE"}
    assert "mart.n" in outcomes(report)


@pytest.mark.parametrize("built", [True, False])
def test_a_dropped_column_breaks_who_names_it_at_any_depth(built: bool, world: World) -> None:
    if built:
        world.run()
    report = ask(world, "stg.o.amount", "DROP")
    assert outcomes(report) == {
        "mart.copy": "STALE",
        "mart.days": "UNTOUCHED",
        "mart.deep": "BREAKS",
        "mart.total": "BREAKS",
    }
    assert places(report) == ["assets/mart/deep.sql:4", "assets/mart/total.sql:5"]


def test_what_a_drop_says_is_what_validate_says_after_it(world: World) -> None:
    world.run()
    report = ask(world, "stg.o.amount", "DROP")
    world.sql("stg.o", "select\n  id,\n  day\nfrom raw.o\nwhere note <> 'x'")
    errors = world.load().errors
    assert places(report) == [f"{it.file}:{it.line}" for it in errors]
    assert [place.message for it in report.impacts for place in it.places] == [it.message for it in errors]


def test_a_column_of_a_source_that_was_never_taken_in_breaks_its_readers(world: World) -> None:
    report = ask(world, "raw.o.amount", "DROP")
    assert outcomes(report)["stg.o"] == "BREAKS"
    assert places(report)[:1] == ["assets/stg/o.sql:4"]
    assert outcomes(report)["mart.total"] == "MAY_CHANGE"
    assert next(it for it in report.impacts if it.asset == "mart.total").message.startswith("it waits for stg.o")


def test_the_declaration_of_a_source_that_was_never_taken_in_names_the_column_too(world: World) -> None:
    world.csv(
        "o", "id,day,amount,note 1,2024-01-01,10,a", "    columns:\n      amount: {type: bigint, checks: [not_null]}\n"
    )
    for _ in range(2):
        own = ask(world, "raw.o.amount", "DROP").own
        assert {(it.file, it.line) for it in own.places} == {("assets/raw/o.yaml", 5)}
        assert (own.outcome, own.contract, own.checks) == ("BREAKS", ("amount",), ("not_null(amount)",))
        assert ask(world, "raw.o.amount", "RETYPE", "varchar").own.outcome == "MAY_CHANGE"
        world.run("raw.o")


def test_a_new_name_goes_on_through_a_star(world: World) -> None:
    world.run()
    assert outcomes(ask(world, "stg.o.id", "RENAME", "key")) == {
        "mart.copy": "STALE",
        "mart.days": "BREAKS",
        "mart.deep": "BREAKS",
        "mart.total": "UNTOUCHED",
    }
    with pytest.raises(RequestError, match="has a column 'day' already"):
        ask(world, "stg.o.id", "RENAME", "day")


def test_a_new_type_breaks_where_the_engine_no_longer_binds(world: World) -> None:
    world.run()
    report = ask(world, "stg.o.amount", "RETYPE", "varchar")
    assert outcomes(report) == {
        "mart.copy": "STALE",
        "mart.days": "UNTOUCHED",
        "mart.deep": "BREAKS",
        "mart.total": "BREAKS",
    }
    assert places(report) == ["assets/mart/deep.sql:4", "assets/mart/total.sql:5"]
    assert set(outcomes(ask(world, "stg.o.amount", "RETYPE", "smallint")).values()) == {"STALE", "UNTOUCHED"}
    assert set(outcomes(ask(world, "stg.o.amount", "RETYPE", "BIGINT")).values()) <= {
        "STALE",
        "MAY_CHANGE",
        "UNTOUCHED",
    }


def test_a_type_that_a_contract_forbids_breaks_it_where_it_is_declared(world: World) -> None:
    world.sql("mart.kept", "select amount\nfrom stg.o", "columns:\n  amount: {type: bigint}")
    world.run()
    report = ask(world, "stg.o.amount", "RETYPE", "integer")
    assert outcomes(report)["mart.kept"] == "BREAKS"
    assert places(report) == ["assets/mart/kept.sql:3"]


def test_a_new_type_of_what_was_never_built_may_break(world: World) -> None:
    assert outcomes(ask(world, "raw.o.amount", "RETYPE", "varchar"))["stg.o"] == "MAY_BREAK"


def test_a_dropped_asset_breaks_its_readers_and_their_readers_wait(world: World) -> None:
    report = ask(world, "stg.o", "DROP")
    assert outcomes(report) == {
        "mart.copy": "BREAKS",
        "mart.days": "BREAKS",
        "mart.deep": "MAY_CHANGE",
        "mart.total": "BREAKS",
    }
    assert places(report) == ["assets/mart/copy.sql:1", "assets/mart/total.sql:6", "assets/mart/days.sql:4"]


def test_checks_alone_are_judged_again_or_break(world: World) -> None:
    world.run()
    report = ask(world, "mart.total.day")
    assert outcomes(report) == {"mart.days": "MAY_CHANGE"}
    assert report.impacts[0].message.startswith("only its checks read day of mart.total")
    assert outcomes(ask(world, "mart.total.total")) == {}
    dropped = ask(world, "mart.total.day", "DROP")
    assert (outcomes(dropped), places(dropped)) == ({"mart.days": "BREAKS"}, ["assets/mart/days.sql:2"])


def test_checks_of_a_reader_break_where_only_they_read_what_changes(world: World) -> None:
    related = "checks: [{relationship: {to: raw.o, column: id, columns: id}}]"
    world.sql("mart.related", "select id from stg.o", related)
    world.run()
    dropped = ask(world, "raw.o.id", "DROP")
    assert outcomes(dropped)["mart.related"] == "BREAKS"
    assert "assets/mart/related.sql:2" in places(dropped)
    assert "assets/mart/related.sql:2" in places(ask(world, "raw.o", "DROP"))


def test_what_an_author_declares_breaks_where_it_names_the_column(world: World) -> None:
    declared = "import headwater as hw\n@hw.asset('py.p', inputs={'o': 'stg.o'}, lineage={'id': 'stg.o.id'})\n"
    world.python("p", declared + "def p(o):\n    return o.select('id').pandas()\n")
    world.run()
    report = ask(world, "stg.o.id", "DROP")
    assert outcomes(report)["py.p"] == "BREAKS"
    assert "assets/p.py:2" in places(report)


def test_its_own_contract_and_checks_break_too(world: World) -> None:
    world.run()
    report = ask(world, "mart.total.total", "DROP")
    assert report.own.outcome == "BREAKS"
    assert set(places(report)) == {"assets/mart/total.sql:2"}


def test_python_is_never_called_so_it_may_break(world: World) -> None:
    declared = "import headwater as hw\n@hw.asset('py.p', inputs={'o': 'stg.o'})\n"
    world.python("p", declared + "def p(o):\n    return o.select('id').arrow()\n")
    assert outcomes(ask(world, "stg.o.amount", "DROP"))["py.p"] == "MAY_BREAK"
    world.run()
    assert outcomes(ask(world, "stg.o.amount", "DROP"))["py.p"] == "UNTOUCHED"
    assert outcomes(ask(world, "stg.o.id", "DROP"))["py.p"] == "MAY_BREAK"
    assert outcomes(ask(world, "stg.o.id"))["py.p"] == "MAY_CHANGE"


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (("stg.o.amuont",), "Did you mean stg.o.amount?"),
        (("stg.o", "RETYPE", "int"), "Name one: stg.o.COLUMN."),
        (("stg.o.id", "RETYPE", "nonsense"), "Write a type of the engine, such as decimal(18,2)."),
        (("stg.o.id", "RETYPE", "int) ; drop table x; --"), "Write a type of the engine, such as decimal(18,2)."),
        (("stg.o.amount", "RENAME", " "), "Say which: --rename NAME."),
        (("stg.o", "RENAME", "Mart.Total"), "Choose another name."),
        (
            ("stg.o", "RENAME", "a b"),
            "Use segments of letters, digits and underscores joined by dots, such as mart.revenue.",
        ),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(words: tuple[str, ...], remedy: str, world: World) -> None:
    with pytest.raises(RequestError) as caught:
        ask(world, *words)
    assert caught.value.remedy == remedy


def test_the_warehouse_is_not_opened(world: World) -> None:
    world.run()
    (world.root / "warehouse.duckdb").unlink()
    assert outcomes(ask(world, "stg.o.amount", "RETYPE", "varchar"))["mart.total"] == "BREAKS"
    assert world.load().lineage("mart.total.total").column_edges
    assert not (world.root / "warehouse.duckdb").exists()
