"""Makes `faultkit` importable here: test folders are no packages, and processes that the tests start import it too."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)

if TYPE_CHECKING:
    from faultkit.house import Worlds
    from faultkit.nursery import Nursery


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """A process with everything imported that forks a child for each run that shall be broken."""
    from faultkit.nursery import Nursery

    with Nursery() as started:
        yield started


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory, nursery: Nursery) -> Worlds:
    """The project before its change, and what an undisturbed run makes of the change."""
    from faultkit.house import make_worlds

    return make_worlds(tmp_path_factory.mktemp("worlds"), nursery)
