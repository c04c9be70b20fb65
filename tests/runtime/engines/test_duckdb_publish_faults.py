"""Every statement of a publication on DuckDB is broken: it fails, it fails though it was done, the process dies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from headwater.assets.errors import StepError
from headwater.runtime.engines import open_engine
from headwater.runtime.engines.duckdb_publish import Publisher
from headwater.runtime.engines.engine import Pointer, Publication

from .breaking import NEXT, STATEMENTS, Breaking

BEFORE = {("mart", "a"): "a1", ("mart", "b"): "a1"}
AFTER = {("mart", "a"): "a2", ("new", "c"): "a2"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A warehouse, closed, with one publication."""
    warehouse = open_engine("duckdb")(tmp_path / "warehouse", new_identity="x")
    session = warehouse.session()
    for number in (1, 2):
        session.build_table(f"a{number}", f"select {number} as x")
    first = (Pointer("mart", "a", "a1", ("x",)), Pointer("mart", "b", "a1", ("x",)))
    warehouse.publish(Publication("p1", 1, "prod", first))
    warehouse.close()
    return tmp_path / "warehouse"


@pytest.mark.parametrize("done", [False, True], ids=["failed", "failed but done"])
@pytest.mark.parametrize("at", range(1, STATEMENTS + 1))
def test_a_statement_that_fails_leaves_all_or_nothing(path: Path, at: int, done: bool) -> None:
    published = done and at == STATEMENTS
    with duckdb.connect(str(path)) as connection:
        publisher = Publisher(Breaking(connection.cursor(), at, done))  # type: ignore[arg-type]
        with pytest.raises(StepError, match="broken off"):
            publisher.publish(NEXT)
        assert publisher.is_published("p2") == published
        assert publisher.pointers() == (AFTER if published else BEFORE)
        assert publisher.last_number() == (2 if published else 1)
        publisher.publish(Publication("p3", 3, "prod", NEXT.pointers))
        assert publisher.pointers() == AFTER
        publisher.close()


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, STATEMENTS + 1))
def test_a_process_that_dies_leaves_all_or_nothing(path: Path, at: int, done: bool) -> None:
    program = Path(__file__).with_name("breaking.py")
    assert subprocess.run([sys.executable, program, path, str(at), str(done)], check=False).returncode == 9
    published = done and at == STATEMENTS
    warehouse = open_engine("duckdb")(path, new_identity="y")
    assert warehouse.is_published("p2") == published
    assert dict(warehouse.pointers()) == (AFTER if published else BEFORE)
    assert warehouse.last_publication() == (2 if published else 1)
    warehouse.publish(Publication("p3", 3, "prod", NEXT.pointers))
    assert dict(warehouse.pointers()) == AFTER
    warehouse.close()


def test_the_statements_are_as_many_as_are_broken(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        cursor = Breaking(connection.cursor(), 0, False)
        publisher = Publisher(cursor)  # type: ignore[arg-type]
        publisher.publish(NEXT)
        assert cursor.count == STATEMENTS
        assert publisher.pointers() == AFTER
        publisher.close()
