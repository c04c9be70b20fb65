"""Loading of Python asset files: the module is executed, the `PythonAsset` values in it become assets."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from headwater.assets.asset import Asset, Options, PythonCode
from headwater.assets.declare import PythonAsset
from headwater.assets.errors import HeadwaterError, Problem, RequestError
from headwater.assets.fields import Body, Declaring, declare_asset, freeze_options
from headwater.assets.key import AssetKey
from headwater.assets.modules import import_first_from


def declare_python_file(
    root: Path, file: str, key_prefix: str, at: Declaring, dialect: str
) -> tuple[tuple[Asset, ...], tuple[Problem, ...]]:
    """Execute `file` (relative to `root`) and return the assets it declares, with every problem found."""
    module = load_module(root, file)
    if isinstance(module, Problem):
        return (), (module,)
    assets: list[Asset] = []
    problems: list[Problem] = []
    for declared in _declared(module):
        asset, found = _declare(declared, file, key_prefix, at, dialect)
        assets += [asset] if asset else []
        problems.extend(found)
    return tuple(assets), tuple(problems)


def load_module(root: Path, file: str) -> ModuleType | Problem:
    """Execute `file` as a module of its own and return it, or the Problem that stopped it."""
    path = root / file
    name = "headwater_project_" + hashlib.sha256(str(path).encode()).hexdigest()[:16]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None, "a .py file always has a loader"
    module = importlib.util.module_from_spec(spec)
    import_first_from(root)
    importlib.invalidate_caches()
    sys.modules[name] = module
    # No bytecode: a .pyc is found stale by mtime and size only, and two edits within a second can share both.
    dont_write, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        source = path.read_bytes()
        exec(compile(source, str(path), "exec"), module.__dict__)
    except HeadwaterError as error:
        return Problem(file, _line_in(error, path), error.message, error.remedy)
    except (Exception, SystemExit) as error:
        line = error.lineno if isinstance(error, SyntaxError) else _line_in(error, path)
        text = error.msg if isinstance(error, SyntaxError) else f"{type(error).__name__}: {error}"
        return Problem(file, line, f"the file cannot be imported: {text}.", "Run it with python to see more.")
    finally:
        sys.dont_write_bytecode = dont_write
    return module


def function_of(module: ModuleType, qualname: str, line: int) -> PythonAsset | None:
    """Return the asset of `module` whose function has this qualified name and first line, or None."""
    for declared in _declared(module):
        code = declared.function.__code__
        if declared.function.__qualname__ == qualname and code.co_firstlineno == line:
            return declared
    return None


def find_function(module: ModuleType, asset: Asset, key_prefix: str) -> PythonAsset | None:
    """Return the PythonAsset in `module` that declares `asset`, found by its key."""
    return next((d for d in _declared(module) if _key_text(d, key_prefix) == asset.key), None)


def _declared(module: ModuleType) -> Iterator[PythonAsset]:
    """Yield assets among the module's values, also inside lists, tuples and dicts (assets made in a loop), each once."""
    seen: set[int] = set()
    pending: list[object] = list(reversed(list(vars(module).values())))
    while pending:
        value = pending.pop()
        if id(value) in seen:
            continue
        if isinstance(value, PythonAsset):
            seen.add(id(value))
            if value.function.__module__ == module.__name__ or value.function.__code__.co_filename == module.__file__:
                yield value
        elif isinstance(value, list | tuple):
            seen.add(id(value))
            pending.extend(reversed(value))
        elif isinstance(value, dict) and value is not vars(module) and value is not module.__builtins__:
            seen.add(id(value))
            pending.extend(reversed(list(value.values())))


def _key_text(declared: PythonAsset, key_prefix: str) -> str:
    return (declared.key or f"{key_prefix}{declared.function.__name__}").lower()


def _declare(
    declared: PythonAsset, file: str, key_prefix: str, at: Declaring, dialect: str
) -> tuple[Asset | None, tuple[Problem, ...]]:
    function = declared.function
    line = function.__code__.co_firstlineno
    here = replace(at, location=replace(at.location, file=file, line=line), line_of=lambda path: line)
    key = _key_text(declared, key_prefix)
    inputs, problems = _inputs(declared, key, here)
    if "deps" in declared.fields:
        problems.append(here.problem((), "a Python asset names its upstreams in `inputs`.", "Remove `deps`.", key))
    parameters = inspect.signature(function).parameters
    unknown = [p for p in parameters if p not in declared.inputs and p != "context" and _needs_value(parameters[p])]
    if unknown:
        problems.append(
            here.problem((), f"the parameter {unknown[0]!r} of {key} has no input.", "Name it in `inputs`.", key)
        )
    missing = [p for p in declared.inputs if p not in parameters]
    if missing:
        problems.append(
            here.problem((), f"the input {missing[0]!r} of {key} is not a parameter.", "Add the parameter.", key)
        )
    code = PythonCode(
        module_file=file,
        qualname=function.__qualname__,
        line=line,
        inputs=inputs,
        context_parameter="context" if "context" in parameters else None,
        bound=_bound(declared),
    )
    asset, more = declare_asset(declared.fields, key, Body(python=code), here, dialect)
    return (None if problems else asset), (*problems, *more)


def _inputs(declared: PythonAsset, key: str, at: Declaring) -> tuple[tuple[tuple[str, AssetKey], ...], list[Problem]]:
    found: list[tuple[str, AssetKey]] = []
    problems: list[Problem] = []
    for parameter, text in declared.inputs.items():
        try:
            found.append((parameter, AssetKey.parse(text)))
        except (RequestError, AttributeError):
            problems.append(at.problem((), f"the input {parameter!r} of {key} is not an asset key: {text!r}.", "", key))
    return tuple(found), problems


def _needs_value(parameter: inspect.Parameter) -> bool:
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return parameter.default is inspect.Parameter.empty and parameter.kind not in variadic


def _bound(declared: PythonAsset) -> Options | None:
    """Return closure cells and default arguments by name, or None where one is not plain data."""
    function = declared.function
    values: dict[str, object] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        values[name] = cell.cell_contents
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.default is not inspect.Parameter.empty:
            values[name] = parameter.default
    try:
        return freeze_options(values)
    except TypeError:
        return None


def _line_in(error: BaseException, path: Path) -> int | None:
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno for frame in reversed(frames) if frame.filename == str(path)), None)
