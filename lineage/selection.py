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

_TERM = re.compile(r"(?P<at>@)?(?:(?P<up>\d*)\+)?(?P<body>[^+@]+?)(?:\+(?P<down>\d*))?")
Labels = Mapping[str, Mapping[AssetKey, str]]  # method such as "status" -> asset -> lower-case word

_METHODS: Mapping[str, Callable[[Asset, str], bool]] = {
    "tag": lambda asset, value: value in (tag.lower() for tag in asset.tags),
    "owner": lambda asset, value: fnmatch.fnmatchcase((asset.owner or "").lower(), value),
    "group": lambda asset, value: (asset.group or "").lower() == value,
    "kind": lambda asset, value: (
        value in (asset.kind, "python" if asset.python else "sql" if asset.sql else "external")
    ),
    "path": lambda asset, value: (
        fnmatch.fnmatchcase(asset.location.file.lower(), value)
        or asset.location.file.lower().startswith(value.rstrip("/") + "/")
    ),
    "source": lambda asset, value: asset.is_external and fnmatch.fnmatchcase(asset.key, value),
}


@dataclass(frozen=True, slots=True)
class Scope:
    """What selectors choose from. `labels` holds what only the state knows, such as statuses."""

    assets: Mapping[AssetKey, Asset]
    graph: AssetGraph
    labels: Labels


def select(scope: Scope, selectors: Iterable[str], exclude: Iterable[str] = ()) -> tuple[AssetKey, ...]:
    """Return the chosen assets in build order; no selector chooses all.

    Space means union, comma intersection. Raises RequestError for a term that is malformed or matches nothing.
    """
    wanted = [term for text in selectors for term in text.split()]
    unwanted = [term for text in exclude for term in text.split()]
    chosen = set(scope.assets) if not wanted else set().union(*(_intersection(scope, term) for term in wanted))
    for term in unwanted:
        chosen -= _intersection(scope, term)
    return tuple(key for key in scope.graph.order if key in chosen)


def _intersection(scope: Scope, text: str) -> set[AssetKey]:
    sets = [_term(scope, term) for term in text.split(",") if term]
    if not sets:
        raise RequestError(f"The selector {text!r} is empty.", "Name an asset, or a method such as tag:finance.")
    return set.intersection(*sets)


def _term(scope: Scope, text: str) -> set[AssetKey]:
    match = _TERM.fullmatch(text)
    if match is None:
        raise RequestError(
            f"The selector {text!r} cannot be read.", "Write for example +mart.revenue or 2+mart.revenue+1."
        )
    base = _body(scope, match["body"].lower(), text)
    found = set(base)
    if match["at"]:
        return set(scope.graph.ancestors(scope.graph.descendants(base)))
    if match["up"] is not None:
        found |= scope.graph.ancestors(base, int(match["up"]) if match["up"] else None)
    if match["down"] is not None:
        found |= scope.graph.descendants(base, int(match["down"]) if match["down"] else None)
    return found


def _body(scope: Scope, body: str, text: str) -> set[AssetKey]:
    method, colon, value = body.partition(":")
    if not colon:
        found = {key for key in scope.assets if key == body or fnmatch.fnmatchcase(key, body)}
        if not found:
            close = difflib.get_close_matches(body, scope.assets, n=1)
            raise RequestError(
                f"No asset matches {text!r}.",
                f"Did you mean {close[0]}?" if close else "`headwater ls` lists the assets.",
            )
        return found
    if method in _METHODS:
        return {key for key, asset in scope.assets.items() if _METHODS[method](asset, value)}
    if method in scope.labels:
        return {key for key, word in scope.labels[method].items() if word == value and key in scope.assets}
    known = sorted([*_METHODS, *scope.labels])
    raise RequestError(
        f"The selector {text!r} has an unknown method.", f"Known: {', '.join(f'{name}:' for name in known)}."
    )
