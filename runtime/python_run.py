"""Calling the function of a Python asset: its handles, its context, its output and its errors."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

from headwater.assets.asset import Asset
from headwater.assets.declare import PythonAsset
from headwater.assets.errors import HeadwaterError, Problem, StepError
from headwater.assets.key import AssetKey
from headwater.assets.modules import changed_module
from headwater.assets.python_file import find_function
from headwater.assets.python_module import load_module
from headwater.runtime.engines.engine import Session
from headwater.runtime.order import Order
from headwater.runtime.output import capture
from headwater.runtime.python_io import Context, Input, Taken

Log = Callable[[str], None]
AddedKeys = tuple[tuple[str, str], ...]  # (list of dynamic keys, key)


def call_function(order: Order, session: Session, log: Log) -> tuple[object, dict[AssetKey, Taken], AddedKeys]:
    """Call the asset's function and return what it returned, what it took of each upstream, and the keys it added.

    Raises StepError with the user's file and line where it raises; the whole traceback goes to the log.
    """
    asset = order.resolved.asset
    code = asset.python
    assert code is not None, "a Python asset has a function"
    declared = declared_function(asset, order.root, order.key_prefix)
    taken = {upstream: Taken() for _, upstream in code.inputs}
    arguments: dict[str, object] = {}
    for parameter, upstream in code.inputs:
        pinned = order.inputs[upstream]
        arguments[parameter] = Input(session, pinned.relation, pinned.version.schema, taken[upstream], pinned.file)
    at = order.clock_at or order.now
    context = Context(order.run, at, order.variables, log, order.partition, order.dynamic_lists)
    if code.context_parameter is not None:
        arguments[code.context_parameter] = context
    result = called(lambda: declared.function(**arguments), order.root, log)
    require_same_code(asset, order.root, order.python)
    return result, taken, context.added_partitions


def declared_function(asset: Asset, root: Path, key_prefix: str) -> PythonAsset:
    """Import the file that declares a Python asset and return what it declares. Raises StepError where that fails."""
    assert asset.python is not None, "a Python asset has a function"
    module = load_module(root, asset.python.module_file)
    if isinstance(module, Problem):
        raise StepError(str(module))
    declared = find_function(module, asset, key_prefix)
    if declared is None:
        raise StepError(f"{asset.python.module_file} no longer declares {asset.key}.", "Run again.")
    return declared


def called(function: Callable[[], object], root: Path, log: Log) -> object:
    """Call the user's code and return what it returned; what it prints goes to the log.

    Raises StepError with the user's file and line where it raises; the whole traceback goes to the log.
    """
    try:
        with capture(log):
            return function()
    except HeadwaterError:
        raise
    except (Exception, SystemExit, KeyboardInterrupt) as error:  # of the asset's own making: Ctrl-C comes elsewhere
        log("".join(traceback.format_exception(error)))
        raise StepError(f"{type(error).__name__}: {error} ({_place(error, root)}).") from error


def require_same_code(asset: Asset, root: Path, texts: Mapping[str, str]) -> None:
    """Raise StepError where the code that was called is not that of `texts`, of which the definition was made."""
    assert asset.python is not None, "a Python asset has a function"
    changed = changed_module(root, texts, asset.python.module_file)
    if changed is not None:
        raise StepError(f"{changed} was edited while {asset.key} was built from it.", "Run again.")


def _place(error: BaseException, root: Path) -> str:
    """Return the innermost place in the project's own code, as file and line."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename.startswith(str(root)) or frame.filename in sys.modules]
    frame = own[-1] if own else frames[-1]
    name = Path(frame.filename)
    shown = name.relative_to(root).as_posix() if name.is_relative_to(root) else name.name
    return f"{shown}:{frame.lineno}"
