"""Fixtures for what is tested through a small project."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return an empty project."""
    return World(tmp_path)
