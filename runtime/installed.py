"""Versions of installed distributions, found without importing them: an import of DuckDB alone takes 150 ms."""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def installed_version(module: str) -> str:
    """Return the version of the distribution that provides the top-level `module`, or `absent`.

    The name of its `.dist-info` folder tells; `importlib.metadata` is the slow way for the few where it does not.
    """
    folder = _folder(module)
    if folder is None:
        return "absent"
    pattern = re.compile(re.escape(module).replace("_", "[-_.]") + r"-([^-]+)\.dist-info", re.IGNORECASE)
    for entry in folder.glob("*.dist-info"):
        match = pattern.fullmatch(entry.name)
        if match:
            return match[1]
    return _slowly(module)


def _folder(module: str) -> Path | None:
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin in (None, "built-in", "frozen"):
        return None
    origin = Path(str(spec.origin))
    return origin.parent.parent if origin.stem == "__init__" else origin.parent


def _slowly(module: str) -> str:
    from importlib import metadata

    for name in metadata.packages_distributions().get(module, ()):
        return metadata.version(name)
    return "unknown"
