"""Each file here is named after what goes wrong elsewhere; each test shows that it does not go wrong here."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ..world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def dated(tmp_path: Path) -> World:
    """A world whose clock stands at noon until it is moved."""
    return World(tmp_path, datetime(2026, 3, 1, 12, tzinfo=UTC))
