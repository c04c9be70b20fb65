"""What a function was given when it was made: closure cells, defaults and the arguments of a partial, as plain data."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path, PurePath
from types import BuiltinFunctionType, FunctionType

from headwater.assets.asset import Options, OptionValue

_PURE = (abs, all, any, len, max, min, repr, round, sorted, sum)
_TEXTS = (Decimal, date, datetime, time, timedelta)


@dataclass(frozen=True, slots=True)
class Given:
    """`bound` holds what is plain data, by name; `functions` the project functions and classes among it, as (file,
    qualified name, line); `opaque` the names of the rest, of which nobody can tell whether it changed.
    """

    bound: Options
    functions: tuple[tuple[str, str, int], ...]
    opaque: tuple[str, ...]


def written_function(value: object) -> FunctionType | None:
    """Return the function that a user wrote under partials and decorators that use `functools.wraps`, or None."""
    while not isinstance(value, FunctionType) or hasattr(value, "__wrapped__"):
        if isinstance(value, functools.partial):
            value = value.func
        elif hasattr(value, "__wrapped__"):
            value = value.__wrapped__
        else:
            return None
    return value


def given_to(value: object, root: Path) -> Given:
    """Return what `value`, a function under partials and decorators, was given. `root` is the project.

    Of a function at the top of a module, what is not plain data follows from the module's text, so it is no riddle.
    """
    plain = _Plain(root)
    bound: dict[str, OptionValue] = {}
    opaque: list[str] = []
    for name, item, in_text in _pieces(value):
        try:
            bound[name] = plain.data(item)
        except (TypeError, RecursionError):
            opaque += [] if in_text else [name]
    return Given(tuple(sorted(bound.items())), tuple(dict.fromkeys(plain.functions)), tuple(sorted(set(opaque))))


def _pieces(value: object) -> Iterator[tuple[str, object, bool]]:
    """Yield (name, value, whether the module's text says it) of everything given, from the outermost layer inwards."""
    written = written_function(value)
    at_top = written is not None and "<locals>" not in written.__qualname__
    layer = 0
    while value is not None:
        inner = value.func if isinstance(value, functools.partial) else getattr(value, "__wrapped__", None)
        mark = f"{layer}:" if inner is not None or layer else ""
        if isinstance(value, functools.partial):
            yield from ((f"{mark}{index}", item, False) for index, item in enumerate(value.args))
            yield from ((f"{mark}{name}", item, False) for name, item in value.keywords.items())
        elif isinstance(value, FunctionType):
            cells = zip(value.__code__.co_freevars, value.__closure__ or (), strict=True)
            yield from ((f"{mark}{n}", c, at_top) for n, cell in cells for c in _content(cell) if c is not inner)
            mark = "" if inner is None else mark  # the defaults of the written function go by their own names
            defaults = {n: p.default for n, p in inspect.signature(value, follow_wrapped=False).parameters.items()}
            yield from ((f"{mark}{n}", d, at_top) for n, d in defaults.items() if d is not inspect.Parameter.empty)
        value, layer = inner, layer + 1


def _content(cell: object) -> tuple[object, ...]:
    try:
        return (cell.cell_contents,)  # type: ignore[attr-defined]
    except ValueError:  # not filled yet
        return ()


class _Plain:
    """Turns values into plain data in which different values stay different: of another type, or in another order."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._seen: set[int] = set()
        self.functions: list[tuple[str, str, int]] = []

    def data(self, value: object) -> OptionValue:
        """Return `value` as plain data. Raises TypeError for what is none, RecursionError for what holds itself."""
        if value is None or type(value) in (str, int, float, bool):
            return value  # type: ignore[return-value]
        if type(value) in _TEXTS:
            return (type(value).__name__, str(value))
        if isinstance(value, PurePath):
            return ("path", str(value))
        if type(value) is bytes:
            return ("bytes", value.hex())
        if type(value) in (list, tuple):
            return (type(value).__name__, *map(self.data, value))  # type: ignore[call-overload]
        if type(value) in (set, frozenset):
            return (type(value).__name__, *sorted(map(self.data, value), key=repr))  # type: ignore[call-overload]
        if type(value) is dict:
            return ("dict", *((self.data(name), self.data(item)) for name, item in value.items()))
        return self._code(value)

    def _code(self, value: object) -> OptionValue:
        """Return a function or class by name; those of the project are noted, so that their code counts."""
        if isinstance(value, BuiltinFunctionType) and value in _PURE:
            return ("builtin", value.__name__)
        if isinstance(value, type) and value.__module__ == "builtins":
            return ("builtin", value.__name__)
        if isinstance(value, FunctionType) and not hasattr(value, "__wrapped__"):
            file = self._file(value.__code__.co_filename)
            self.functions.append((file, value.__qualname__, value.__code__.co_firstlineno))
            if id(value) in self._seen:
                return ("function", file, value.__qualname__)
            self._seen.add(id(value))
            inner = tuple((name, self.data(item)) for name, item, _ in _pieces(value))
            return ("function", file, value.__qualname__, inner)
        if isinstance(value, type) and "<locals>" not in value.__qualname__:
            file = self._file(getattr(sys.modules.get(value.__module__), "__file__", None))
            self.functions.append((file, value.__qualname__, 0))
            return ("class", file, value.__qualname__)
        raise TypeError(f"{type(value).__name__} is not plain data")

    def _file(self, name: str | None) -> str:
        path = Path(name or "")
        if name is None or not path.is_relative_to(self._root) or "site-packages" in path.parts:
            raise TypeError("code from outside the project")
        return path.relative_to(self._root).as_posix()
