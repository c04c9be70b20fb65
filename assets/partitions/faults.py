"""What is wrong with declared dimensions and mappings: each fault with its remedy, before anything is done."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from headwater.assets.partitions.axis import TimeAxis
from headwater.assets.partitions.days import EXAMPLES
from headwater.assets.partitions.dimensions import Dimension, Dimensions, DynamicKeys, StaticKeys, Windows
from headwater.assets.partitions.mappings import PartitionMapping, PerDimension, StaticMap
from headwater.assets.partitions.relate import mapping_fault, read_before_start
from headwater.assets.partitions.space import Space
from headwater.assets.partitions.texts import key_fault, quoted

LIST_NAME = re.compile(r"[a-z_][a-z0-9_]*", re.ASCII)
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)  # axes do not depend on the time of asking


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, as a sentence, and what to do; `part` is the option that it stands in, if any."""

    message: str
    remedy: str
    part: str = ""


def dimension_faults(name: str, dimension: Dimension) -> Iterator[Fault]:
    """Yield what is wrong with one dimension."""
    if isinstance(dimension, Windows):
        yield from _window_faults(name, dimension)
    elif isinstance(dimension, DynamicKeys):
        if not LIST_NAME.fullmatch(dimension.name):
            message = f"{dimension.name!r} cannot be the name of the dynamic keys of {name}."
            yield Fault(message, "Use lower-case letters, digits and underscores.", "dynamic")
    else:
        if not dimension.keys:
            yield Fault(f"the dimension {name} has no keys.", "List at least one.", "static")
        for key in dict.fromkeys(dimension.keys):
            fault = key_fault(key)
            if fault:
                yield Fault(f"the key {key!r} of {name} {fault}.", "Write another.", "static")
            if dimension.keys.count(key) > 1:
                yield Fault(f"the key {quoted(key)} of {name} is listed twice.", "Keep one of them.", "static")


def _window_faults(name: str, windows: Windows) -> Iterator[Fault]:
    try:
        if windows.timezone != "UTC":
            ZoneInfo(windows.timezone)
    except (KeyError, ValueError, OSError):
        message = f"there is no time zone {windows.timezone!r}, which {name} names."
        yield Fault(message, "Write a name such as Europe/London.", "timezone")
        return
    axis = TimeAxis(windows.grain, windows.timezone)
    numbers: list[int] = []
    for part, key in (("start", windows.start), ("end", windows.end)):
        number = None if key is None else axis.number(key)
        if key is not None and number is None:
            message = f"the {part} of {name}, {key}, is no {windows.grain} in {windows.timezone}."
            yield Fault(message, f"Write the key of one, such as {EXAMPLES[windows.grain]}.", part)
        numbers += [] if number is None else [number]
    if len(numbers) == 2 and numbers[1] < numbers[0]:
        yield Fault(f"{name} ends with {windows.end}, before it starts with {windows.start}.", "Swap them.", "end")


def mapping_faults(
    mapping: PartitionMapping, reader: Dimensions, upstream: Dimensions, *, waits: bool
) -> Iterator[Fault]:
    """Yield what is wrong with a mapping between these dimensions; `waits` where missing partitions are waited for.

    Dimensions must be without faults. What depends on dynamic keys is not known here.
    """
    mine, other = Space(reader, _ANY_TIME), Space(upstream, _ANY_TIME)
    fault = mapping_fault(mapping, mine.axes, other.axes)
    if fault is not None:
        yield Fault(f"{fault}.", "Write a mapping that fits, or `dimensions` with one for each.")
        return
    for name, to, static in _static_maps(mapping, reader, upstream):
        yield from _listed_faults(static, (name, dict(reader)[name]), (to, dict(upstream)[to]))
    if not waits:
        return
    for name, read, start in read_before_start(mapping, mine, other):
        message = f"its first partition reads {read} of {name}, and the upstream starts with {start}."
        yield Fault(message, "Start later, or say missing_partitions: skip.")


def _static_maps(
    mapping: PartitionMapping, reader: Dimensions, upstream: Dimensions
) -> Iterator[tuple[str, str, StaticMap]]:
    if isinstance(mapping, StaticMap):
        yield reader[0][0], upstream[0][0], mapping
    elif isinstance(mapping, PerDimension):
        yield from ((name, to, how) for name, to, how in mapping.dimensions if isinstance(how, StaticMap))


def _listed_faults(static: StaticMap, mine: tuple[str, Dimension], other: tuple[str, Dimension]) -> Iterator[Fault]:
    """Listed keys must be there, and keys that are there must be listed: to read nothing is said, not left out."""
    listed = [to for _, keys in static.pairs for to in keys]
    yield from _unknown(mine, [key for key, _ in static.pairs], "the asset")
    yield from _unknown(other, listed, "the upstream")
    name, dimension = mine
    known = dimension.keys if isinstance(dimension, StaticKeys) else ()
    unlisted = [key for key in known if key not in dict(static.pairs)]
    if unlisted:
        what = ", ".join(map(quoted, unlisted))
        yield Fault(f"it does not say what {what} of {name} reads.", "List it, with [] for nothing.")


def _unknown(named: tuple[str, Dimension], keys: Iterable[str], whose: str) -> Iterator[Fault]:
    name, dimension = named
    if isinstance(dimension, DynamicKeys):
        return
    axis = Space((named,), _ANY_TIME).axes[0][1]
    for key in dict.fromkeys(keys):
        if axis.number(key) is None:
            yield Fault(f"it maps {quoted(key)}, and {name} of {whose} has no such key.", "Correct the key.")
