"""Selectors, as dbt has them: `+mart.revenue`, `tag:finance,kind:table`, `stg.* --exclude tag:x`."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from headwater.assets.asset import Asset
from headwater.assets.errors import RequestError
from headwater.assets.key import AssetKey
from headwater.lineage.graph import AssetGraph

_TERM = re.compile(r"(?:(?P<at>@)|(?P<up>\d*)\+)?(?P<body>[^+@][^+]*)(?:\+(?P<down>\d*))?")
Labels = Mapping[str, Mapping[AssetKey, str]]  # method such as "status" -> asset -> lower-case word

# What each method looks at; a value may be a glob.
_METHODS: Mapping[str, Callable[[Asset], tuple[str, ...]]] = {
    "tag": lambda asset: asset.tags,
    "owner": lambda asset: (asset.owner,) if asset.owner else (),
    "group": lambda asset: (asset.group,) if asset.group else (),
    "kind": lambda asset: (asset.kind, "python" if asset.python else "sql" if asset.sql is not None else "external"),
    "path": lambda asset: _with_folders(asset.location.file),
    "source": lambda asset: (asset.key,) if asset.is_external else (),
}
_STATUSES = ("missing", "unknown", "stale", "pending", "current", "retired")
_BUILT = ("published", "verified_equal", "reused", "rechecked", "observed", "retired", "rolled_back")
_NOT_BUILT = ("blocked", "held", "failed", "skipped", "cancelled")
_WORDS = {"status": _STATUSES, "result": (*_BUILT, *_NOT_BUILT)}


@dataclass(frozen=True, slots=True)
class Scope:
    """What selectors choose from. `labels` holds what only the state knows, such as statuses."""

    assets: Mapping[AssetKey, Asset]
    graph: AssetGraph
    labels: Labels


def select(scope: Scope, selectors: Iterable[str], exclude: Iterable[str] = ()) -> tuple[AssetKey, ...]:
    """Return the chosen assets in build order; no selector chooses all.

    Space means union, comma intersection. Raises RequestError for a term that is malformed, or that names something
    that no asset has; no asset of a known status or result is an answer.
    """
    wanted = [term for text in selectors for term in text.split()]
    unwanted = [term for text in exclude for term in text.split()]
    chosen = set(scope.assets) if not wanted else set().union(*(_intersection(scope, term) for term in wanted))
    for term in unwanted:
        chosen -= _intersection(scope, term)
    return tuple(key for key in scope.graph.order if key in chosen)


def _intersection(scope: Scope, text: str) -> set[AssetKey]:
    return set.intersection(*(_term(scope, term, text) for term in text.split(",")))


def _term(scope: Scope, term: str, text: str) -> set[AssetKey]:
    match = _TERM.fullmatch(term)
    if match is None or (match["at"] and match["down"] is not None):
        raise RequestError(
            f"The selector {text!r} cannot be read.", "Write for example +mart.revenue or tag:a,kind:view."
        )
    base = _body(scope, match["body"].lower(), text)
    found = set(base)
    if match["at"]:
        found |= scope.graph.ancestors(scope.graph.descendants(base))
    if match["up"] is not None:
        found |= scope.graph.ancestors(base, int(match["up"]) if match["up"] else None)
    if match["down"] is not None:
        found |= scope.graph.descendants(base, int(match["down"]) if match["down"] else None)
    return found


def _body(scope: Scope, body: str, text: str) -> set[AssetKey]:
    method, colon, value = body.partition(":")
    if not colon:
        found = {key for key in scope.assets if fnmatch.fnmatchcase(key, body)}
        return found or _nothing(f"No asset matches {text!r}.", body, scope.assets, "`headwater ls` lists the assets.")
    if method in _METHODS:
        words = {key: [word.lower() for word in _METHODS[method](asset)] for key, asset in scope.assets.items()}
        found = {key for key, has in words.items() if any(fnmatch.fnmatchcase(word, value.rstrip("/")) for word in has)}
        known = {word for has in words.values() for word in has}
        return found or _nothing(f"No asset matches {text!r}.", value, known, "`headwater ls` lists the assets.")
    if method in scope.labels:
        if value not in _WORDS.get(method, (value,)):
            _nothing(f"There is no {method} {value!r}.", value, _WORDS[method], f"Known: {', '.join(_WORDS[method])}.")
        return {key for key, word in scope.labels[method].items() if word == value and key in scope.assets}
    known = {*_METHODS, *scope.labels}
    names = ", ".join(f"{name}:" for name in sorted(known))
    return _nothing(f"The selector {text!r} has an unknown method.", method, known, f"Known: {names}.")


def _nothing(message: str, given: str, known: Iterable[str], otherwise: str) -> set[AssetKey]:
    close = difflib.get_close_matches(given, sorted(known), n=1)
    raise RequestError(message, f"Did you mean {close[0]}?" if close else otherwise)


def _with_folders(file: str) -> tuple[str, ...]:
    """Return a file and the folders that it is in."""
    parts = file.split("/")
    return tuple("/".join(parts[:size]) for size in range(1, len(parts) + 1))
