"""Packed values: frozen data of ours as bytes and back, fast enough for ten thousand assets on each start.

A value is pickled as calls of one function with plain arguments, so that unpacking looks no class up twice and admits
no class but our own data. The text form of a class is its module and name.
"""

from __future__ import annotations

import importlib
import io
import pickle
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, Final, cast

from headwater.assets.key import AssetKey

# Where values may come from: the frozen data of these modules, and a few types of the standard library.
_OURS: Final = ("headwater.assets.", "headwater.lineage.", "headwater.runtime.", "headwater.checks.")
_PLAIN: Final = {("decimal", "Decimal"), ("datetime", "date"), ("datetime", "datetime"), ("datetime", "timezone")} | {
    ("datetime", "timedelta")
}
_KEY: Final = "k"

Maker = Callable[..., object]
_names: dict[type, tuple[str, tuple[str, ...]]] = {}  # class -> its text form and its fields
_makers: dict[str, Maker] = {_KEY: AssetKey}  # and back: the text form to what makes a value of its fields


def pack(value: object) -> bytes:
    """Return `value` as bytes. Raises what pickle raises for what cannot be packed."""
    out = io.BytesIO()
    _Packer(out, protocol=5).dump(value)
    return out.getvalue()


def unpack(payload: bytes) -> object:
    """Return the value that was packed. Raises UnpicklingError, or anything else, for bytes that we did not make."""
    value: object = _Unpacker(io.BytesIO(payload)).load()
    return value


class _Packer(pickle.Pickler):
    def reducer_override(self, value: object) -> Any:
        """Return how to make `value` again, or NotImplemented where pickle knows better."""
        kind = type(value)
        known = _names.get(kind)
        if known is None:
            if kind is AssetKey:
                return restore, (_KEY, str(value))
            if not is_dataclass(kind) or not _is_ours(kind.__module__, kind.__qualname__):
                return NotImplemented
            known = _names[kind] = f"{kind.__module__}:{kind.__qualname__}", tuple(f.name for f in fields(kind))
        name, parts = known
        return restore, (name, *[getattr(value, part) for part in parts])


def restore(name: str, *values: object) -> object:
    """Return the value of the class called `name` with these fields, in order, as they were: nothing is computed."""
    maker = _makers.get(name) or _find(name)
    return maker(*values)


def _find(name: str) -> Maker:
    module, _, qualname = name.partition(":")
    found = getattr(importlib.import_module(module), qualname, None) if _is_ours(module, qualname) else None
    if not isinstance(found, type) or not is_dataclass(found) or found.__module__ != module:
        raise pickle.UnpicklingError(f"{name} is not part of a cache")
    maker = _makers[name] = _maker(found)
    return maker


def _maker(made: type) -> Maker:
    """Return a function that makes a frozen value of its fields.

    It is compiled, as dataclasses compile their `__init__`, for a loop over the fields takes twice as long.
    """
    parts = [part.name for part in fields(made)]
    lines = [f"def make({', '.join(parts)}):", "    made_ = new(cls)"]
    lines += [f"    set_(made_, {part!r}, {part})" for part in parts]
    known: dict[str, object] = {"new": object.__new__, "cls": made, "set_": object.__setattr__}
    exec("\n".join([*lines, "    return made_"]), known)
    return cast(Maker, known["make"])


def _is_ours(module: str, qualname: str) -> bool:
    return module.startswith(_OURS) and "." not in qualname


class _Unpacker(pickle.Unpickler):
    """Admits `restore` and a few plain types, and nothing else."""

    def find_class(self, module: str, name: str) -> object:
        if (module, name) == (__name__, "restore"):
            return restore
        if (module, name) in _PLAIN:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not part of a cache")
