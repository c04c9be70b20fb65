"""Versions of installed distributions, found without importing them: an import of DuckDB alone takes 150 ms."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

UNKNOWN = "unknown"  # there is such a module, and nobody can tell from a version whether its code has changed
ABSENT = "absent"


@cache
def installed_version(module: str) -> str:
    """Return the version of the distribution that provides the top-level `module`, `absent`, or `unknown`.

    The name of its `.dist-info` folder tells; `importlib.metadata` is the slow way for the few where it does not. A
    distribution that is installed for editing is `unknown`: its code changes and its version does not.
    """
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return ABSENT
    if spec.origin in ("built-in", "frozen"):
        return spec.origin
    if spec.origin is None:  # a folder that several distributions may share
        return _slowly(module)
    origin = Path(spec.origin)
    folder = origin.parent.parent if origin.stem == "__init__" else origin.parent
    pattern = re.compile(re.escape(module).replace("_", "[-_.]") + r"-([^-]+)\.dist-info", re.IGNORECASE)
    versions = [match[1] for entry in folder.glob("*.dist-info") if (match := pattern.fullmatch(entry.name))]
    return versions[0] if len(versions) == 1 else _slowly(module)


def _slowly(module: str) -> str:
    from importlib import metadata

    found = []
    for name in sorted(set(metadata.packages_distributions().get(module, ()))):
        with suppress(metadata.PackageNotFoundError):
            distribution = metadata.distribution(name)
            if '"editable": true' in (distribution.read_text("direct_url.json") or ""):
                return UNKNOWN
            found.append(f"{name} {distribution.version}")
    return found[0].split(" ")[1] if len(found) == 1 else ", ".join(found) or UNKNOWN
