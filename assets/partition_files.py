"""A file for each partition: the form of its path, such as `data/flights_{day}.csv`, with a place for each key."""

from __future__ import annotations

import re
from collections.abc import Iterator

from headwater.assets.errors import RequestError
from headwater.assets.partitions import Dimensions, Partition, StaticKeys

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_UNSAFE = re.compile(r'[/\\*?\[\]{}<>|"\x00-\x1f\x7f]|^\.|^~|^_|^\s|\s$|^$')


def file_of(form: str, partition: Partition) -> str:
    """Return the path of one partition's file. Raises RequestError for a key that cannot be part of a file's name."""
    keys = dict(zip(partition.names, partition.keys, strict=True))
    for key in keys.values():
        if is_unsafe(key):
            message = f"The key {key!r} cannot be part of the name of a file, as {form} needs it."
            raise RequestError(message, "Retire it: `headwater partitions retire`.")
    return _PLACEHOLDER.sub(lambda found: keys[found[1].strip().lower()], form)


def glob_of(form: str) -> str:
    """Return the glob that matches the files of all partitions, and maybe others."""
    return _PLACEHOLDER.sub("*", form)


def is_unsafe(key: str) -> bool:
    """Say whether a key could lead out of its folder, is special to a shell or a glob, or hides the file."""
    return bool(_UNSAFE.search(key))


def form_faults(form: str, dimensions: Dimensions) -> Iterator[tuple[str, str]]:
    """Yield (message, remedy) for what is wrong with the form of the files of these dimensions."""
    named = [name.strip().lower() for name in _PLACEHOLDER.findall(form)]
    known = [name for name, _ in dimensions]
    for name in dict.fromkeys(named):
        if name not in known:
            yield f"{form!r} has a place for {name!r}, which is no dimension.", f"There is {', '.join(known)}."
    for name, dimension in dimensions:
        if name not in named:
            yield f"{form!r} has no place for the dimension {name}.", f"Write {{{name}}} where its key stands."
        for key in dimension.keys if isinstance(dimension, StaticKeys) else ():
            if is_unsafe(key):
                yield f"the key {key!r} of {name} cannot be part of the name of a file.", "Name it otherwise."
    rest = _PLACEHOLDER.sub("", form)
    if any(mark in rest for mark in "*?[]{}"):
        yield f"{form!r} is a glob, and each partition has one file.", "Leave out the wildcards."
