"""Lists of dynamic keys, as declared and as recorded: which there are, what may be in them, and the entries. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from headwater.assets.asset import Asset
from headwater.assets.errors import RequestError
from headwater.assets.key import AssetKey
from headwater.assets.partitions import DynamicKeys
from headwater.assets.partitions.texts import key_fault, quoted
from headwater.lineage import record
from headwater.lineage.encoding import JsonValue
from headwater.lineage.record import Draft
from headwater.runtime.publish import draft


def list_names(assets: Mapping[AssetKey, Asset]) -> tuple[str, ...]:
    """Return the lists of dynamic keys that assets declare, sorted."""
    dimensions = (dimension for asset in assets.values() for _, dimension in asset.partitions)
    return tuple(sorted({it.name for it in dimensions if isinstance(it, DynamicKeys)}))


def changed_entry(kind: str, name: str, keys: Sequence[str], by: AssetKey | None = None, run: str = "") -> Draft:
    """Return the entry of keys that were added or retired; `by` is the asset whose code did so in `run`."""
    payload: dict[str, JsonValue] = {"keys": list(keys)}
    if by is not None:
        payload |= {"asset": str(by), "run": run}
    done = "added to" if kind == record.PARTITION_ADDED else "retired from"
    count = f"{len(keys)} key was" if len(keys) == 1 else f"{len(keys)} keys were"
    return draft(kind, f"partitions:{name}", name, payload, f"{count} {done} {name}{f' by {by}' if by else ''}.")


def require_list(name: str, known: Sequence[str]) -> None:
    """Raise RequestError unless some asset declares dynamic keys of this name."""
    if name in known:
        return
    close = difflib.get_close_matches(name, known, n=1)
    there = f"There is {', '.join(known)}." if known else "Declare them: partitions: {shop: {dynamic: shops}}."
    remedy = f"Did you mean {close[0]}?" if close else there
    raise RequestError(f"No asset has dynamic keys that are called {name!r}.", remedy)


def require_keys(keys: Iterable[str]) -> None:
    """Raise RequestError for the first text that cannot be the key of a partition."""
    for key in keys:
        fault = key_fault(key) if isinstance(key, str) else "is not a text"
        if fault is not None:
            raise RequestError(f"The key {key!r} {fault}.", "Nothing was changed; name another.")


def never_a_key(name: str, missing: Sequence[str], known: Iterable[str]) -> RequestError:
    """Return the error about keys that a list of dynamic keys never had."""
    close = difflib.get_close_matches(missing[0], list(known), n=1)
    remedy = f"Did you mean {quoted(close[0])}?" if close else f"`headwater partitions list {name}` shows what it has."
    return RequestError(f"{quoted(missing[0])} was never a key of {name}.", remedy)
