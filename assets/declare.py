"""Python front end: `@asset` turns a function into a declared asset, `@external` into a source that it reads.

They return a value and register nothing.
"""

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
    that every problem of a project is shown at once. `external` says that the function returns the data of a source,
    and `observe` is what was given to ask for its version token.
    """

    function: Function
    key: str | None
    inputs: Mapping[str, str]
    fields: Mapping[str, object] = field(default_factory=dict)
    external: bool = False
    observe: object = None

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
    given = _with_checks(fields, checks)
    return lambda function: _note(PythonAsset(function, key, dict(inputs or {}), given))


@overload
def external(key: Function) -> PythonAsset: ...


@overload
def external(
    key: str | None = None,
    *,
    observe: Callable[[], object] | None = None,
    checks: Sequence[Check] = (),
    **fields: object,
) -> Callable[[Function], PythonAsset]: ...


def external(
    key: str | Function | None = None,
    *,
    observe: Callable[[], object] | None = None,
    checks: Sequence[Check] = (),
    **fields: object,
) -> PythonAsset | Callable[[Function], PythonAsset]:
    """Declare a source that the decorated function reads: a service, a database, a format that Headwater does not know.

    The function takes nothing, or a parameter called `context`, and returns the data: an Arrow table, a pandas or
    polars frame, a DuckDB relation, SQL text, or the path of a file. `observe` is a cheap function without parameters,
    at the top of a file of the project, that returns a version token (a text, an integer or bytes): an equal token
    proves the data unchanged, another one says that it may have changed, and None that nobody can tell. Without it,
    `run`, `plan` and `stale --observe` read the data again each time. Other fields are those of an external in YAML,
    with `version` and `ignore_versions` as for `asset`.
    """
    if callable(key):
        return PythonAsset(key, None, {}, external=True)
    given = _with_checks(fields, checks)
    return lambda function: _note(PythonAsset(function, key, {}, given, external=True, observe=observe))


def _with_checks(fields: Mapping[str, object], checks: Sequence[Check]) -> Mapping[str, object]:
    return {**fields, **({"checks": list(checks)} if checks else {})}


def _note(declared: PythonAsset) -> PythonAsset:
    made = _made.get()
    if made is not None:
        made.append(declared)
    return declared


@contextmanager
def collecting() -> Iterator[list[PythonAsset]]:
    """Within the block, collect every asset that is declared: a loop may bind one name again and again."""
    made: list[PythonAsset] = []
    token = _made.set(made)
    try:
        yield made
    finally:
        _made.reset(token)
