"""The other end of `loading_crew`: a process that declares files and resolves assets until nobody asks any more."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from headwater.assets.config import ProjectConfig, read_config
from headwater.assets.key import AssetKey
from headwater.runtime.cache import AnalysisCache
from headwater.runtime.declaring import declare_file
from headwater.runtime.definer import Definer
from headwater.runtime.loading import Loaded
from headwater.runtime.loading_crew import receive, send
from headwater.runtime.project_files import ProjectFiles


def serve() -> None:
    """Answer on the standard streams until they end. What anything prints goes nowhere."""
    gc.set_threshold(50_000, 20, 20)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        _serve(read_config(Path(sys.argv[1])), sys.stdin.buffer, answers)
    except (EOFError, ValueError, OSError, KeyboardInterrupt):
        return


def _serve(config: ProjectConfig, questions: BinaryIO, answers: BinaryIO) -> None:
    cache = AnalysisCache(None)
    doing: dict[str, Callable[..., None]] = {"declare": _Declaring(config, cache), "resolve": _Resolving(config, cache)}
    while True:
        message: Any = receive(questions)
        kind, tasks = message
        for task in tasks:
            doing[kind](*task)
        send(answers, cache.take())


class _Declaring:
    """Declares one file: its cache key, name, prefix of keys, text."""

    def __init__(self, config: ProjectConfig, cache: AnalysisCache) -> None:
        self._config, self._cache = config, cache

    def __call__(self, key: bytes, file: str, prefix: str, text: str) -> None:
        found, repeatable = declare_file(self._config, file, ProjectFiles({file: text}, {file: prefix}, ()))
        if repeatable:
            self._cache.put(key, found)


class _Resolving:
    """Resolves one SQL asset: its cache key, itself, the tables it names, the keys of its files, upstream schemas.

    Last come the identities of renamed assets.
    """

    def __init__(self, config: ProjectConfig, cache: AnalysisCache) -> None:
        self._assets: dict[AssetKey, Any] = {}
        self._references: dict[AssetKey, Any] = {}
        self._origins: dict[AssetKey, Any] = {}
        loaded = Loaded(config, self._assets, None, (), {}, {}, self._references, self._origins)
        self._definer = Definer(loaded, cache)

    def __call__(self, place: bytes, asset: Any, references: Any, origins: Any, schemas: Any, identities: Any) -> None:
        self._definer.identities.update(identities)
        self._assets[asset.key] = asset
        self._references[asset.key] = references
        self._origins[asset.key] = origins
        self._definer.resolve(asset.key, schemas)
