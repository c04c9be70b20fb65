"""Contract: readers see a publication whole or not at all, and only what is ours is ever replaced."""

from __future__ import annotations

import threading

import pytest

from headwater.assets.errors import IntegrityError, StepError
from headwater.runtime.engines.engine import Pointer, Publication, Session, Warehouse

from .conftest import Open


def build(session: Session, name: str, value: int) -> str:
    session.build_table(name, f"select {value} as x, 'y{value}' as y")
    return name


def pointer(place: str, physical: str | None, columns: tuple[str, ...] = ("x", "y")) -> Pointer:
    schema, table = place.split(".")
    return Pointer(schema, table, physical, columns)


def publication(number: int, *pointers: Pointer) -> Publication:
    return Publication(f"p{number}", number, "prod", pointers)


def test_pointers_show_swap_and_vanish_together(warehouse: Warehouse, session: Session) -> None:
    for number in (1, 2):
        build(session, f"a{number}", number)
        build(session, f"b{number}", 10 * number)
        warehouse.publish(publication(number, pointer("mart.a", f"a{number}"), pointer("stg.b", f"b{number}")))
        assert session.rows("select a.x, b.x from mart.a, stg.b", 5) == [(number, 10 * number)]
        assert dict(warehouse.pointers()) == {("mart", "a"): f"a{number}", ("stg", "b"): f"b{number}"}
    warehouse.publish(publication(3, pointer("mart.a", None), pointer("stg.never", None)))
    assert dict(warehouse.pointers()) == {("stg", "b"): "b2"}
    with pytest.raises(StepError, match="does not exist"):
        session.rows("select * from mart.a", 1)


def test_the_marker_says_what_was_published(warehouse: Warehouse, session: Session) -> None:
    build(session, "a1", 1)
    assert warehouse.last_publication() == 0
    warehouse.publish(publication(7, pointer("mart.a", "a1")))
    assert warehouse.last_publication() == 7
    assert warehouse.is_published("p7")
    assert not warehouse.is_published("p8")
    assert not warehouse.is_published("it's not")


def test_a_number_never_comes_twice_nor_goes_back(warehouse: Warehouse, session: Session) -> None:
    build(session, "a1", 1)
    warehouse.publish(publication(2, pointer("mart.a", "a1")))
    for number in (1, 2):
        with pytest.raises(IntegrityError, match="cannot follow publication 2"):
            warehouse.publish(publication(number, pointer("mart.b", "a1")))
    assert dict(warehouse.pointers()) == {("mart", "a"): "a1"}


def test_an_id_never_comes_twice(warehouse: Warehouse, session: Session) -> None:
    build(session, "a1", 1)
    warehouse.publish(Publication("same", 1, "prod", (pointer("mart.a", "a1"),)))
    with pytest.raises(StepError):
        warehouse.publish(Publication("same", 2, "prod", (pointer("mart.b", "a1"),)))
    assert warehouse.last_publication() == 1
    assert dict(warehouse.pointers()) == {("mart", "a"): "a1"}


@pytest.mark.parametrize("made", ["table", "view"])
def test_what_a_user_made_is_named_and_kept(opened: Open, path: object, made: str) -> None:
    duckdb = pytest.importorskip("duckdb")
    opened().close()
    with duckdb.connect(str(path)) as user:
        user.execute(f"create schema mart; create {made} mart.taken as select 'precious' as x")
    warehouse = opened()
    session = warehouse.session()
    build(session, "a1", 1)
    with pytest.raises(StepError, match="taken"):
        warehouse.publish(publication(1, pointer("mart.free", "a1"), pointer("mart.taken", "a1")))
    assert session.rows("select * from mart.taken", 5) == [("precious",)]
    assert dict(warehouse.pointers()) == {}
    assert not warehouse.is_published("p1")
    warehouse.publish(publication(2, pointer("mart.taken", None), pointer("mart.free", "a1")))
    assert session.rows("select * from mart.taken", 5) == [("precious",)]
    assert dict(warehouse.pointers()) == {("mart", "free"): "a1"}


@pytest.mark.parametrize(
    "bad",
    [pointer("mart.b", "absent"), pointer("mart.b", "a1", ("nothing",)), pointer("mart.b", "a1", ())],
    ids=["no table", "no such column", "no columns"],
)
def test_one_bad_pointer_publishes_nothing_and_harms_nothing_later(
    warehouse: Warehouse, session: Session, bad: Pointer
) -> None:
    build(session, "a1", 1)
    build(session, "a2", 2)
    warehouse.publish(publication(1, pointer("mart.a", "a1")))
    with pytest.raises(StepError):
        warehouse.publish(publication(2, pointer("mart.a", "a2"), bad, pointer("mart.c", "a2")))
    assert dict(warehouse.pointers()) == {("mart", "a"): "a1"}
    assert warehouse.last_publication() == 1
    warehouse.publish(publication(2, pointer("mart.a", "a2")))
    assert dict(warehouse.pointers()) == {("mart", "a"): "a2"}


def test_odd_names_and_columns_are_quoted(warehouse: Warehouse, session: Session) -> None:
    odd, column = 'odd "name"; --', 'a "b", c'
    session.build_table(odd, """select 1 as "a ""b"", c", 2 as unseen""")
    warehouse.publish(publication(1, Pointer("odd schema", "odd table", odd, (column,))))
    assert session.rows('select * from "odd schema"."odd table"', 5) == [(1,)]
    assert session.describe('"odd schema"."odd table"') == ((column, "integer"),)
    assert dict(warehouse.pointers()) == {("odd schema", "odd table"): odd}


def test_names_compare_without_case(warehouse: Warehouse, session: Session) -> None:
    build(session, "a1", 1)
    build(session, "a2", 2)
    warehouse.publish(publication(1, pointer("Mart.A", "a1")))
    warehouse.publish(publication(2, pointer("mart.a", "a2")))
    assert session.rows("select x from mart.a", 5) == [(2,)]


def test_readers_see_whole_publications_only(warehouse: Warehouse) -> None:
    """Two views always change together; a reader that joins them must never see two publications at once."""
    session = warehouse.session()
    for number in range(1, 41):
        build(session, f"t{number}", number)
    warehouse.publish(publication(1, pointer("m.a", "t1"), pointer("m.b", "t1")))
    seen: set[tuple[object, ...]] = set()
    done = threading.Event()

    def read() -> None:
        reader = warehouse.session()
        while not done.is_set():
            seen.update(reader.rows("select a.x, b.x from m.a, m.b", 5))

    thread = threading.Thread(target=read)
    thread.start()
    for number in range(2, 41):
        warehouse.publish(publication(number, pointer("m.a", f"t{number}"), pointer("m.b", f"t{number}")))
    done.set()
    thread.join()
    assert all(a == b for a, b in seen)


def test_publishers_in_several_threads_follow_one_another(warehouse: Warehouse, session: Session) -> None:
    build(session, "a1", 1)
    guard, numbers, failures = threading.Lock(), iter(range(1, 41)), []

    def work(worker: int) -> None:
        try:
            for turn in range(10):
                with guard:
                    warehouse.publish(publication(next(numbers), pointer(f"s{worker}.t{turn}", "a1")))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(warehouse.pointers()) == 40
