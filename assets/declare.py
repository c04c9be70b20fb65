"""Python front end: `@asset` turns a function into a declared asset. It returns a value and registers nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import overload

from headwater.assets.asset import CheckSpec

Function = Callable[..., object]
Check = CheckSpec | str | Mapping[str, object]


_made: ContextVar[list[PythonAsset] | None] = ContextVar("made", default=None)


@dataclass(frozen=True, slots=True)
class PythonAsset:
    """A function with what was declared about it; calling it calls the function.

    `fields` are the fields of INTERFACES as given to the decorator; they are validated when the project is loaded, so
    that every problem of a project is shown at once.
    """

    function: Function
    key: str | None
    inputs: Mapping[str, str]
    fields: Mapping[str, object] = field(default_factory=dict)

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Call the function itself, as a unit test would."""
        return self.function(*args, **kwargs)


@overload
def asset(key: Function) -> PythonAsset: ...


@overload
def asset(
    key: str | None = None,
    *,
    inputs: Mapping[str, str] | None = None,
    checks: Sequence[Check] = (),
    **fields: object,
) -> Callable[[Function], PythonAsset]: ...


def asset(
    key: str | Function | None = None,
    *,
    inputs: Mapping[str, str] | None = None,
    checks: Sequence[Check] = (),
    **fields: object,
) -> PythonAsset | Callable[[Function], PythonAsset]:
    """Declare the decorated function as an asset.

    `key` names it (default: the file's path and the function's name). `inputs` maps parameters to asset keys; each such
    parameter receives an Input, and a parameter called `context` receives a Context. `checks` takes functions such as
    `hw.not_null("carrier")`. Other fields are those of a SQL asset's comment, and `lineage`, which maps columns of the
    result to the columns of inputs that they come from, as in `lineage={"total": "raw.orders.amount"}`. The function
    returns an Arrow table, a pandas or polars frame, a DuckDB relation, SQL text, or, for a file asset, a path. Without
    inputs and fields it may stand without parentheses.
    """
    if callable(key):
        return PythonAsset(key, None, {})
    given = {**fields, **({"checks": list(checks)} if checks else {})}

    def declare(function: Function) -> PythonAsset:
        declared = PythonAsset(function, key, dict(inputs or {}), given)
        made = _made.get()
        if made is not None:
            made.append(declared)
        return declared

    return declare


@contextmanager
def collecting() -> Iterator[list[PythonAsset]]:
    """Within the block, collect every asset that is declared: a loop may bind one name again and again."""
    made: list[PythonAsset] = []
    token = _made.set(made)
    try:
        yield made
    finally:
        _made.reset(token)
