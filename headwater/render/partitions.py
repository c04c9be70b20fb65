"""Dynamic keys as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from headwater.render.paper import Paper
from headwater.render.table import table
from headwater.render.words import counted, moment

if TYPE_CHECKING:
    from headwater.runtime.dynamic_keys import KeyChange
    from headwater.runtime.state import DynamicKey


def keys_lines(name: str, keys: Sequence[DynamicKey], paper: Paper) -> Iterator[str]:
    """Yield what `partitions list` prints."""
    if not keys:
        yield f"{name} has no keys yet."
        return
    rows = [(it.key, moment(it.since), "" if it.retired is None else moment(it.retired)) for it in keys]
    yield from table(("KEY", "SINCE", "RETIRED"), rows, paper)
    yield ""
    retired = sum(it.retired is not None for it in keys)
    yield f"{counted(len(keys) - retired, 'key')} of {name}{f', {retired} retired' if retired else ''}."


def keys_document(name: str, keys: Sequence[DynamicKey]) -> dict[str, object]:
    """Return what `partitions list` answers as JSON."""
    return {"dimension": name, "keys": [{"key": it.key, "since": it.since, "retired": it.retired} for it in keys]}


def change_lines(change: KeyChange, done: str) -> Iterator[str]:
    """Yield what `partitions add` and `partitions retire` print; `done` is added or retired."""
    to = "to" if done == "added" else "from"
    if change.changed:
        count = counted(len(change.changed), "key")
        yield f"{done.capitalize()} {count} {to} {change.name}: {_listed(change.changed)}."
    if change.unchanged:
        were = "was" if len(change.unchanged) == 1 else "were"
        state = "there" if done == "added" else "retired"
        yield f"{_listed(change.unchanged)} {were} {state} already."


def change_document(change: KeyChange, done: str) -> dict[str, object]:
    """Return what `partitions add` and `partitions retire` answer as JSON."""
    return {"dimension": change.name, done: list(change.changed), "unchanged": list(change.unchanged)}


def _listed(keys: Sequence[str]) -> str:
    from headwater.assets.partitions.texts import quoted

    return ", ".join(map(quoted, keys))
