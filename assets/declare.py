"""Python front end: `@asset` turns a function into a declared asset. It returns a value and registers nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from headwater.assets.asset import CheckSpec


@dataclass(frozen=True, slots=True)
class PythonAsset:
    """A function with what was declared about it; calling it calls the function.

    `fields` are the fields of INTERFACES as given to the decorator; they are validated when the project is loaded, so
    that every problem of a project is shown at once.
    """

    function: Callable[..., object]
    key: str | None
    inputs: Mapping[str, str]
    fields: Mapping[str, object] = field(default_factory=dict)

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Call the function itself, as a unit test would."""
        return self.function(*args, **kwargs)


def asset(
    key: str | None = None,
    *,
    inputs: Mapping[str, str] | None = None,
    checks: Sequence[CheckSpec | str | Mapping[str, object]] = (),
    **fields: object,
) -> Callable[[Callable[..., object]], PythonAsset]:
    """Declare the decorated function as an asset.

    `key` names it (default: the file's path and the function's name). `inputs` maps parameters to asset keys; each such
    parameter receives an Input, and a parameter called `context` receives a Context. `checks` takes functions such as
    `hw.not_null("carrier")`. Other fields are those of a SQL asset's comment. The function returns an Arrow table, a
    pandas or polars frame, a DuckDB relation, SQL text, or, for a file asset, a path.
    """

    def declare(function: Callable[..., object]) -> PythonAsset:
        given = {**fields, **({"checks": list(checks)} if checks else {})}
        return PythonAsset(function, key, dict(inputs or {}), given)

    return declare
