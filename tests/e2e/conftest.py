"""Fixtures of the end-to-end tests: the flight records, and the figures that they must come to."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from headwater.assets.errors import RequestError
from headwater.demo import find_flights_data, write_demo_project


@pytest.fixture(scope="session")
def figures() -> ModuleType:
    """The module flights_figures.py; loaded by path, because test folders are not packages."""
    for extra in ("pandas", "duckdb"):
        pytest.importorskip(extra)
    path = Path(__file__).with_name("flights_figures.py")
    spec = importlib.util.spec_from_file_location("flights_figures", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["flights_figures"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def flights_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo project as it is shipped, with its data. Read only: a test that edits takes a copy."""
    try:
        find_flights_data()
    except RequestError as error:
        pytest.skip(str(error))
    return write_demo_project(tmp_path_factory.mktemp("flights") / "demo")


@pytest.fixture(scope="session")
def expected_figures(figures: ModuleType, flights_project: Path) -> dict[str, object]:
    """What pandas says that each mart and the report must hold, by asset key."""
    return figures.expected_figures(flights_project / "data")
