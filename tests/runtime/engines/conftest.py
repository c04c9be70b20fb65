"""The contract suite runs against every engine in the table; a new engine adds its name to ENGINES and nothing here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headwater.runtime.engines import ENGINES, open_engine
from headwater.runtime.engines.engine import Session, Warehouse

Open = Callable[..., Warehouse]


@pytest.fixture(params=sorted(ENGINES), scope="session")
def engine(request: pytest.FixtureRequest) -> str:
    """The name of the engine under test."""
    return str(request.param)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the warehouse of a test lies."""
    return tmp_path / "warehouse"


@pytest.fixture
def opened(engine: str, path: Path) -> Iterator[Open]:
    """Opens the warehouse of a test, as often as it asks; whatever it leaves open is closed."""
    warehouses: list[Warehouse] = []

    def open_again(**options: object) -> Warehouse:
        options.setdefault("new_identity", "identity-1")
        warehouses.append(open_engine(engine)(path, **options))  # type: ignore[arg-type]
        return warehouses[-1]

    yield open_again
    for warehouse in warehouses:
        warehouse.close()


@pytest.fixture
def warehouse(opened: Open) -> Warehouse:
    """A new warehouse, open."""
    return opened()


@pytest.fixture
def session(warehouse: Warehouse) -> Session:
    """A session of a new warehouse."""
    return warehouse.session()


@pytest.fixture(scope="module")
def scratch(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """One session for many queries that build nothing."""
    warehouse = open_engine(engine)(tmp_path_factory.mktemp("scratch") / "warehouse", new_identity="scratch")
    yield warehouse.session()
    warehouse.close()
