"""The forms of dimensions and mappings as users write them, in YAML and in Python, and what they stand for."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from datetime import date, datetime

from headwater.assets.partitions import (
    All,
    ByFunction,
    Dimension,
    DynamicKeys,
    Identity,
    Latest,
    OneDimension,
    PartitionMapping,
    PerDimension,
    StaticKeys,
    StaticMap,
    Window,
    Windows,
)

GRAIN_OF = {
    "hourly": "hour",
    "daily": "day",
    "weekly": "week",
    "monthly": "month",
    "quarterly": "quarter",
    "yearly": "year",
}
_WORDS: Mapping[str, OneDimension] = {"identity": Identity(), "all": All(), "latest": Latest()}


class FormError(Exception):
    """Something that a user wrote is not what it should be: where below the field, what, and the remedy."""

    def __init__(self, message: str, remedy: str, *path: str) -> None:
        super().__init__(message)
        self.message, self.remedy, self.path = message, remedy, path


def dimension_of(name: str, value: object, timezone: str) -> Dimension:
    """Return the dimension that a value declares; `timezone` is the project's. Raises FormError."""
    if isinstance(value, Windows | StaticKeys | DynamicKeys):
        return value
    kind, options = _one(value, (*GRAIN_OF, "static", "dynamic"), f"the dimension {name}")
    if kind == "static":
        return StaticKeys(_keys(options, name, kind))
    if kind == "dynamic":
        if not isinstance(options, str):
            raise FormError(f"the dynamic keys of {name} have no name.", "Write {dynamic: shops}.", kind)
        return DynamicKeys(options)
    example = "Write {daily: {start: 2024-01-01}}."
    if not isinstance(options, Mapping) or "start" not in options:
        raise FormError(f"the windows of {name} have no `start`.", example, kind)
    _known(options, ("start", "end", "timezone"), kind)
    zone = options.get("timezone")
    if not isinstance(zone, str | None):
        raise FormError(f"the time zone of {name} is not a text.", "Write a name such as Europe/London.", kind)
    start, end = (_window_key(options.get(part), name, kind, part) for part in ("start", "end"))
    if start is None:
        raise FormError(f"the windows of {name} have no `start`.", example, kind)
    return Windows(GRAIN_OF[kind], start, end, timezone if zone is None else zone)


def mapping_of(value: object) -> PartitionMapping:
    """Return the mapping that a value declares. Raises FormError."""
    if isinstance(value, Mapping) and "dimensions" in value:
        _known(value, ("dimensions",))
        inner = value["dimensions"]
        if not isinstance(inner, Mapping) or not inner:
            raise FormError("`dimensions` maps no dimension.", "Write {dimensions: {day: identity}}.", "dimensions")
        return PerDimension(tuple(_tied(str(name), how) for name, how in inner.items()))
    if isinstance(value, PerDimension | ByFunction):
        return value
    return _simple(value)


def _tied(name: str, value: object) -> tuple[str, str, OneDimension]:
    to, how = name, value
    if isinstance(value, Mapping) and ("to" in value or "map" in value):
        _known(value, ("to", "map"), "dimensions", name)
        to, how = value.get("to", name), value.get("map", "identity")
    if not isinstance(to, str):
        raise FormError(f"`to` of {name} is not the name of a dimension.", "Write {to: area}.", "dimensions", name)
    try:
        return name.lower(), to.lower(), _simple(how)
    except FormError as wrong:
        raise FormError(wrong.message, wrong.remedy, "dimensions", name, *wrong.path) from None


def _simple(value: object) -> OneDimension:
    if isinstance(value, Window):
        return _window({"offset": value.offset, "trailing": value.trailing})
    if isinstance(value, Identity | All | Latest | StaticMap):
        return value
    if isinstance(value, str) and value.lower() in _WORDS:
        return _WORDS[value.lower()]
    kind, options = _one(value, (*_WORDS, "window", "static"), "the mapping")
    if kind == "window":
        return _window({} if options is None else options)
    if kind != "static":
        raise FormError(f"the mapping `{kind}` takes no options.", f"Write {kind}.")
    if not isinstance(options, Mapping):
        raise FormError("`static` is not a map.", "Write {static: {eu: [de, fr]}}.", "static")
    pairs = ((_key(key, "static"), _keys(listed, str(key), "static")) for key, listed in options.items())
    return StaticMap(tuple(pairs))


def _window(options: object) -> Window:
    if not isinstance(options, Mapping):
        raise FormError("`window` is not a map.", "Write {window: {offset: -1, trailing: 7}}.", "window")
    _known(options, ("offset", "trailing"), "window")
    numbers = [options.get("offset", 0), options.get("trailing", 1)]
    for part, number in zip(("offset", "trailing"), numbers, strict=True):
        if isinstance(number, bool) or not isinstance(number, int) or abs(number) > 1_000_000:
            raise FormError(f"`{part}` is not a whole number.", f"Write {part}: 1.", "window", part)
    if numbers[1] < 1:
        raise FormError("`trailing` is less than 1: nothing would be read.", "Write trailing: 1.", "window", "trailing")
    return Window(numbers[0], numbers[1])


def _one(value: object, known: Iterable[str], what: str) -> tuple[str, object]:
    """Return the one (word, options) that a value is: a word, or a map of one word to its options."""
    names = list(known)
    shown = ", ".join(names[:-1]) + f" or {names[-1]}"
    word, options = (value, None) if isinstance(value, str) else (None, None)
    if isinstance(value, Mapping) and len(value) == 1:
        word, options = next(iter(value.items()))
    if not isinstance(word, str):
        raise FormError(f"{what} is not one of {shown}.", "Write one of them, with its options below it.")
    if word.lower() not in names:
        close = difflib.get_close_matches(word.lower(), names, n=1)
        remedy = f"Did you mean {close[0]}?" if close else f"Known here: {shown}."
        raise FormError(
            f"{what} is of the unknown kind {word!r}.", remedy, *(() if isinstance(value, str) else (word,))
        )
    return word.lower(), options


def _known(given: Mapping[object, object], known: tuple[str, ...], *path: str) -> None:
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(str(name), known, n=1)
            remedy = f"Did you mean `{close[0]}`?" if close else f"Known here: {', '.join(known)}."
            raise FormError(f"unknown key `{name}`.", remedy, *path, str(name))


def _keys(value: object, name: str, part: str) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple):
        raise FormError(f"the keys of {name} are not a list.", "Write [a, b].", part)
    return tuple(_key(key, part) for key in listed)


def _key(value: object, part: str) -> str:
    if not isinstance(value, str):
        raise FormError(f"the key {value!r} is not a text.", "Put it in quotes.", part)
    return value


def _window_key(value: object, name: str, kind: str, part: str) -> str | None:
    """Return a key as text: YAML reads 2024-01-31 as a date, and 2024 as a number."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise FormError(f"the {part} of {name} is not the key of a window.", "Write its text in quotes.", kind, part)
