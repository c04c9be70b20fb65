"""Projects made of a few files, loaded without building anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from headwater.assets.asset import Asset
from headwater.assets.config import read_config
from headwater.runtime.cache import AnalysisCache
from headwater.runtime.loading import Loaded, load


@pytest.fixture
def declare(tmp_path: Path) -> Callable[..., Loaded]:
    """Return a function from files (path -> text or bytes) to the project that they declare."""

    def declared(files: dict[str, str | bytes]) -> Loaded:
        for name, text in {"headwater.toml": "", **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load(read_config(tmp_path), AnalysisCache(None))

    return declared


@pytest.fixture
def declare_one(declare: Callable[..., Loaded]) -> Callable[[str | bytes], Asset]:
    """Return a function from the text of one SQL file to its asset."""

    def declared(text: str | bytes) -> Asset:
        loaded = declare({"assets/a.sql": text})
        assert loaded.problems == ()
        (asset,) = loaded.assets.values()
        return asset

    return declared
