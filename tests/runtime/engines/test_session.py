"""Contract: building, describing and reading, and what goes wrong there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from headwater.assets.errors import StepError
from headwater.runtime.engines.engine import Session, Warehouse


def test_a_table_holds_the_rows_of_its_query_in_their_order(session: Session) -> None:
    rows = session.build_table("t", "select x from range(5) r(x) order by x desc -- backwards")
    assert rows == 5
    assert session.rows(f"select x from {session.relation('t')}", 10) == [(4,), (3,), (2,), (1,), (0,)]


def test_a_pivot_says_how_many_rows_it_has(session: Session) -> None:
    pivot = "pivot (select * from (values (1, 'a', 2), (2, 'b', 3)) t(id, k, v)) on k using sum(v) group by id"
    assert session.build_table("t", pivot) == 2


@pytest.mark.parametrize(
    "sql",
    [
        "select 1 as x;",
        "select 1 as x; \n",
        "with a as (select 1 as x) from a",
        "values (1)",
        "(select 1 as x) union all (select 2)",
        "select 1 as x -- note",
        "select 1 as x /* note */",
    ],
)
def test_any_one_query_can_be_built(session: Session, sql: str) -> None:
    session.build_table("t", sql)
    session.build_view("v", sql)
    assert session.rows(f"select * from {session.relation('v')}", 1) == [(1,)]


def test_a_second_statement_is_refused_and_does_not_run(session: Session) -> None:
    session.build_table("victim", "select 1 as x")
    with pytest.raises(StepError):
        session.build_table("t", f"select 1; drop table {session.relation('victim')}")
    assert session.row(f"select count(*) from {session.relation('victim')}") == (1,)


def test_odd_names_are_quoted(session: Session) -> None:
    name = 'it\'s "odd"; --'
    session.build_table(name, 'select 1 as "a ""b"" c"')
    assert session.describe(session.relation(name)) == (('a "b" c', "integer"),)


def test_our_own_tables_are_not_built_over(session: Session) -> None:
    with pytest.raises(StepError, match="own tables"):
        session.build_table("identity", "select 1 as id")


def test_a_name_that_is_taken_is_an_error_and_keeps_what_stands_there(session: Session) -> None:
    session.build_table("t", "select 1 as x")
    with pytest.raises(StepError, match="already exists"):
        session.build_table("t", "select 2 as x")
    assert session.row(f"select x from {session.relation('t')}") == (1,)


def test_types_are_lower_case_but_for_what_is_quoted(session: Session) -> None:
    session.build_table("t", """select 1 as "Id", 'A'::enum('A', 'b') as e, {'Key': [1.5::decimal(4,1)]} as s""")
    described = dict(session.describe(session.relation("t")))
    assert list(described) == ["Id", "e", "s"]
    assert described["Id"] == "integer"
    assert described["e"] == "enum('A', 'b')"
    assert "decimal(4,1)[]" in str(described["s"])


def test_the_columns_of_a_query_are_known_without_running_it(session: Session) -> None:
    sql = "select error('this query ran') as a, 2 as b -- note"
    assert session.columns_of(sql) == ("a", "b")
    with pytest.raises(StepError):
        session.columns_of("select nothing_there")


def test_an_error_names_the_line_of_the_users_text(session: Session) -> None:
    with pytest.raises(StepError, match=r"Referenced column \"missing\".*\(line 3\)") as raised:
        session.build_table("t", "select\n  1 as x,\n  missing\nfrom range(1)")
    assert "create table" not in str(raised.value)


@pytest.mark.parametrize(
    "sql",
    ["selec 1", "select * from nowhere", "select 'a'::integer", "select 1 // 0", "select error('mine')"],
)
def test_every_engine_error_is_a_step_error_and_leaves_nothing(warehouse: Warehouse, sql: str) -> None:
    session = warehouse.session()
    with pytest.raises(StepError):
        session.build_table("t", sql)
    assert warehouse.physical_names() == frozenset()
    assert session.row("select 1") == (1,)


def test_python_variables_are_not_tables(session: Session) -> None:
    pytest.importorskip("pyarrow")
    import pyarrow as pa

    local_table = pa.table({"x": [1]})
    with pytest.raises(StepError, match="local_table"):
        session.build_table("t", "select * from local_table")
    assert local_table.num_rows == 1


@pytest.mark.parametrize(
    "sql",
    ["set timezone = 'Asia/Tokyo'", "set global default_null_order = 'nulls_first'", "attach 'x' as x"],
)
def test_a_query_cannot_be_a_command(session: Session, sql: str) -> None:
    with pytest.raises(StepError):
        session.build_table("t", sql)
    with pytest.raises(StepError):
        session.rows(sql, 1)


def test_values_that_are_none_of_ours_come_as_the_engines_text(session: Session) -> None:
    sql = """select 1 as i, 'x' as s, 1.5::double as d, true as b, null as n, 'ab'::blob as bytes,
      1.50::decimal(9,2), date '2020-01-02', timestamptz '2020-01-02 03:04:05+00', [1, null], interval '1 month'"""
    expected = (1, "x", 1.5, True, None, b"ab", "1.50", "2020-01-02", "2020-01-02 03:04:05+00", "[1, NULL]", "1 month")
    assert session.rows(sql, 5) == [expected]
    assert session.row(sql) == expected
    assert session.row(sql, small=True) == expected


def test_rows_gives_no_more_than_asked_for(session: Session) -> None:
    assert session.rows("select x from range(1000000) r(x)", 3) == [(0,), (1,), (2,)]
    assert session.rows("select x from range(2) r(x)", 3) == [(0,), (1,)]


@pytest.mark.parametrize("sql", ["select 1 where false", "select * from range(2)"])
def test_a_row_is_exactly_one(session: Session, sql: str) -> None:
    with pytest.raises(StepError, match="one row"):
        session.row(sql)


def test_small_scans_see_what_was_just_built(session: Session) -> None:
    session.build_table("t", "select x from range(10) r(x)")
    query = f"select count(*), max(x) from {session.relation('t')} where x < 5"
    assert session.row(query, small=True) == session.row(query) == (5, 4)


def test_a_collation_is_refused_because_no_type_would_show_it(warehouse: Warehouse) -> None:
    session = warehouse.session()
    for build in (session.build_table, session.build_view):
        with pytest.raises(StepError, match=r"name of .* carries the collation nocase"):
            build("t", "select 'A' collate nocase as name")
        with pytest.raises(StepError, match="collation nocase"):
            build("t", "select [{'deep': 'A' collate nocase}] as name")
    assert warehouse.physical_names() == frozenset()
    session.build_table("t", "select 'A' collate nocase = 'a' as same, 'A' collate nocase collate \"binary\" as name")
    session.build_view("v", f"select name from {session.relation('t')} where name collate nocase = 'a'")
    assert session.rows(f"select * from {session.relation('v')}", 2) == [("A",)]


def test_sessions_work_at_once(warehouse: Warehouse) -> None:
    failures: list[Exception] = []

    def work(worker: int) -> None:
        try:
            session = warehouse.session()
            for number in range(20):
                name = f"t_{worker}_{number}"
                session.build_table(name, f"select {worker} as w, {number} as n")
                assert session.row(f"select w, n from {session.relation(name)}") == (worker, number)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    warehouse.use_threads(2)
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(warehouse.physical_names()) == 80


def test_an_interrupt_stops_this_session_only(warehouse: Warehouse) -> None:
    slow, other = warehouse.session(), warehouse.session()
    raised: list[Exception] = []
    stopped = threading.Event()

    def work() -> None:
        try:
            slow.build_table("t", "select count(*) from range(100000000000) r(x) where hash(x) = 0")
        except StepError as error:
            raised.append(error)
        stopped.set()

    thread = threading.Thread(target=work)
    thread.start()
    while not stopped.wait(0.01):
        slow.interrupt()
    thread.join()
    assert "interrupted" in str(raised[0])
    assert other.row("select 1") == (1,)
    assert warehouse.physical_names() == frozenset()


def test_a_closed_session_may_be_closed_and_interrupted_again(session: Session) -> None:
    session.close()
    session.close()
    session.interrupt()
    with pytest.raises(StepError):
        session.row("select 1")


def _arrow(rows: list[dict[str, object]]) -> object:
    pa = pytest.importorskip("pyarrow")
    return pa.Table.from_pylist(rows)


def _batches(rows: list[dict[str, object]]) -> object:
    pa = pytest.importorskip("pyarrow")
    return pa.Table.from_pylist(rows).to_reader()


def _pandas(rows: list[dict[str, object]]) -> object:
    return pytest.importorskip("pandas").DataFrame(rows)


def _polars(rows: list[dict[str, object]]) -> object:
    return pytest.importorskip("polars").DataFrame(rows)


def _lazy(rows: list[dict[str, object]]) -> object:
    return pytest.importorskip("polars").LazyFrame(rows)


def _foreign(rows: list[dict[str, object]]) -> object:
    """A relation of a connection that has nothing to do with the warehouse."""
    duckdb = pytest.importorskip("duckdb")
    values = ", ".join(f"({row['id']}, '{row['name']}')" for row in rows)
    return duckdb.connect().sql(f"select * from (values {values}) as t(id, name)")


@pytest.mark.parametrize("make", [_arrow, _batches, _pandas, _polars, _lazy, _foreign])
def test_what_python_assets_return_becomes_a_table(
    session: Session, make: Callable[[list[dict[str, object]]], object]
) -> None:
    session.build_from_object("t", make([{"id": 2, "name": "b"}, {"id": 1, "name": "a"}]))
    assert session.rows(f"select * from {session.relation('t')}", 5) == [(2, "b"), (1, "a")]
    assert [name for name, _ in session.describe(session.relation("t"))] == ["id", "name"]


def test_a_relation_of_the_warehouse_keeps_its_exact_types(session: Session) -> None:
    session.build_table("t", "select 1::hugeint as h, '101'::bit as b, 'x'::enum('x','y') as e")
    relation = session.read(f"select * from {session.relation('t')}", "relation")
    session.build_from_object("u", relation)
    assert session.describe(session.relation("u")) == session.describe(session.relation("t"))


def test_a_pandas_column_is_typed_by_all_of_its_values(session: Session) -> None:
    pandas = pytest.importorskip("pandas")
    values: list[object] = [1] * 5000 + ["x"]
    session.build_from_object("t", pandas.DataFrame({"a": pandas.Series(values, dtype="object")}))
    assert session.row(f"select count(*), max(a) from {session.relation('t')}") == (5001, "x")


@pytest.mark.parametrize("data", [None, 42, [1, 2], {"a": [1]}, object()])
def test_what_is_no_table_is_named(session: Session, data: object) -> None:
    with pytest.raises(StepError, match="not a table") as raised:
        session.build_from_object("t", data)
    assert type(data).__name__ in str(raised.value)


def test_an_error_inside_a_stream_is_a_step_error_and_leaves_nothing(warehouse: Warehouse) -> None:
    pa = pytest.importorskip("pyarrow")

    def batches() -> object:
        yield pa.record_batch({"a": [1]})
        raise ValueError("the source broke off")

    reader = pa.RecordBatchReader.from_batches(pa.schema({"a": pa.int64()}), batches())
    with pytest.raises(StepError, match="the source broke off"):
        warehouse.session().build_from_object("t", reader)
    assert warehouse.physical_names() == frozenset()


def test_reading_gives_every_form(session: Session, tmp_path: Path) -> None:
    session.build_table("t", "select x from range(3) r(x)")
    query = f"select x from {session.relation('t')} order by x desc"
    arrow, pandas, polars = (session.read(query, form) for form in ("arrow", "pandas", "polars"))
    assert arrow.column("x").to_pylist() == [2, 1, 0]  # type: ignore[attr-defined]
    assert pandas["x"].tolist() == [2, 1, 0]  # type: ignore[index]
    assert polars["x"].to_list() == [2, 1, 0]  # type: ignore[index]
