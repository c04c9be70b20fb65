"""Python front end: the module is executed, the `PythonAsset` values in it become assets."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from types import FunctionType, ModuleType

from headwater.assets.asset import Asset, PythonCode
from headwater.assets.declare import PythonAsset
from headwater.assets.errors import Problem, RequestError
from headwater.assets.external_fields import declare_code_source
from headwater.assets.fields import declare_asset
from headwater.assets.front import Body, Declaring
from headwater.assets.key import AssetKey
from headwater.assets.partitions import All, ByFunction
from headwater.assets.python_module import imported_modules, load_module
from headwater.assets.python_values import given_to, written_function

Inputs = tuple[tuple[str, AssetKey], ...]
_NOT_PLAIN = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
_AT_TOP = "Write a plain function at the top of a file of the project."


def declare_python_file(
    root: Path, file: str, key_prefix: str, at: Declaring, dialect: str, asset_files: Collection[str] = ()
) -> tuple[tuple[Asset, ...], tuple[Problem, ...]]:
    """Execute `file` (relative to `root`) and return the assets it declares, with every problem found.

    What it imports from another of `asset_files` is declared there. What it prints goes to standard error.
    """
    with redirect_stdout(sys.stderr):
        module = load_module(root, file)
    if isinstance(module, Problem):
        return (), (module,)
    elsewhere = {
        id(declared)
        for other, imported in imported_modules(root)
        if other != file and other in asset_files
        for declared in declared_in(imported)
    }
    assets: list[Asset] = []
    problems: list[Problem] = []
    for declared in declared_in(module):
        if id(declared) not in elsewhere:
            asset, found = _Declaration(declared, root, file, key_prefix, at).asset(dialect)
            assets += [asset] if asset else []
            problems.extend(found)
    return tuple(assets), tuple(problems)


def find_function(module: ModuleType, asset: Asset, key_prefix: str) -> PythonAsset | None:
    """Return the PythonAsset in `module` that declares `asset`, found by its key."""
    return next((declared for declared in declared_in(module) if _key_text(declared, key_prefix) == asset.key), None)


def declared_in(module: ModuleType) -> Iterator[PythonAsset]:
    """Yield the assets among the module's values, each once, also inside lists, tuples and dicts (made in a loop)."""
    seen: set[int] = {id(vars(module)), id(vars(module).get("__builtins__"))}
    pending: list[object] = list(reversed(list(vars(module).values())))
    while pending:
        value = pending.pop()
        if isinstance(value, PythonAsset | list | tuple | dict) and id(value) not in seen:
            seen.add(id(value))
            if isinstance(value, PythonAsset):
                yield value
            else:
                inner = list(value.values()) if isinstance(value, dict) else list(value)
                pending.extend(reversed(inner))


def _key_text(declared: PythonAsset, key_prefix: str) -> str:
    if isinstance(declared.key, str):
        return declared.key.strip().lower()
    written = written_function(declared.function)
    return f"{key_prefix}{written.__name__ if written else '?'}".lower()


class _Declaration:
    """One PythonAsset on its way to an Asset: every problem is placed at the function's first line."""

    def __init__(self, declared: PythonAsset, root: Path, file: str, key_prefix: str, at: Declaring) -> None:
        self._declared = declared
        self._root = root
        self._file = file
        self._key = _key_text(declared, key_prefix)
        self._written = written_function(declared.function)
        self._line = self._written.__code__.co_firstlineno if self._written and self._is_here(self._written) else 1
        self._at = replace(
            at, location=replace(at.location, file=file, line=self._line), line_of=lambda path: self._line
        )
        self._problems: list[Problem] = []

    def asset(self, dialect: str) -> tuple[Asset | None, tuple[Problem, ...]]:
        """Return the asset, or None with what is wrong."""
        written = self._written
        if written is None:
            kind = type(self._declared.function).__name__
            self._problem(f"{self._key} is declared on a {kind}, not on a function.", "Write a function around it.")
            return None, tuple(self._problems)
        inputs = self._inputs()
        names = self._parameters(written)
        given = given_to(self._declared.function, self._root)
        fields = self._declared.fields
        if "deps" in fields and not self._declared.external:
            self._problem("a Python asset names its upstreams in `inputs`.", "Remove `deps`.")
            fields = {name: value for name, value in fields.items() if name != "deps"}
        fields, functions = self._mapped(fields) if not self._declared.external else (fields, self._observing())
        code = PythonCode(
            module_file=self._file,
            qualname=written.__qualname__,
            line=written.__code__.co_firstlineno,
            inputs=inputs,
            context_parameter="context" if "context" in names else None,
            defined_in=None if self._is_here(written) else self._place(written),
            bound=given.bound,
            functions=tuple(dict.fromkeys((*given.functions, *functions))),
            opaque=given.opaque,
        )
        if self._declared.external:
            observes = self._declared.observe is not None
            asset, more = declare_code_source(fields, self._key, code, observes, self._at)
        else:
            asset, more = declare_asset(fields, self._key, Body(python=code), self._at, dialect)
        return (None if self._problems else asset), (*self._problems, *more)

    def _mapped(self, fields: Mapping[str, object]) -> tuple[Mapping[str, object], list[tuple[str, str, int]]]:
        """Return the fields with functions among the mappings by name, and these functions: their code counts too."""
        mappings = fields.get("mappings")
        if not isinstance(mappings, Mapping) or not any(map(callable, mappings.values())):
            return fields, []
        named: dict[object, object] = dict(mappings)
        functions = []
        for upstream, mapping in mappings.items():
            if not callable(mapping):
                continue
            place = self._at_top(mapping)
            if place is None:
                self._problem(f"the mapping of {self._key} for {upstream} cannot be found by its name.", _AT_TOP)
                named[upstream] = All()
                continue
            functions.append(place)
            named[upstream] = ByFunction(f"{place[0]}:{place[1]}")
        return {**fields, "mappings": named}, functions

    def _observing(self) -> list[tuple[str, str, int]]:
        """Return the function that gives a source's version token: tokens of another one are not comparable."""
        observe = self._declared.observe
        if observe is None:
            return []
        place = self._at_top(observe)
        if place is None:
            self._problem(f"the `observe` of {self._key} cannot be found by its name.", _AT_TOP)
            return []
        assert isinstance(observe, FunctionType), "it has a place"
        if any(map(_needs_value, inspect.signature(observe).parameters.values())):
            self._problem(f"the `observe` of {self._key} has parameters.", "Write it without: nothing is given to it.")
        if any(is_kind(observe) for is_kind in _NOT_PLAIN):
            self._problem(f"the `observe` of {self._key} is a coroutine or generator.", "Write a plain function.")
        return [place]

    def _at_top(self, value: object) -> tuple[str, str, int] | None:
        """Return file, name and line of a plain function at the top of a file of the project, or None."""
        written = value if isinstance(value, FunctionType) else None
        file = None if written is None else self._place(written)
        if written is None or file is None or not written.__qualname__.isidentifier() or file.startswith("/"):
            return None
        return file, written.__qualname__, written.__code__.co_firstlineno

    def _is_here(self, function: FunctionType) -> bool:
        return Path(function.__code__.co_filename) == self._root / self._file

    def _place(self, function: FunctionType) -> str:
        path = Path(function.__code__.co_filename)
        return path.relative_to(self._root).as_posix() if path.is_relative_to(self._root) else str(path)

    def _problem(self, message: str, remedy: str) -> None:
        self._problems.append(self._at.problem((), message, remedy, self._key))

    def _inputs(self) -> Inputs:
        found: list[tuple[str, AssetKey]] = []
        for parameter, text in self._declared.inputs.items():
            try:
                found.append((parameter, AssetKey.parse(text)))
            except (RequestError, AttributeError):
                remedy = "Write the key of an asset as text, such as inputs={'orders': 'stg.orders'}."
                given = repr(text) if isinstance(text, str) else f"a {type(text).__name__}"
                self._problem(f"the input {parameter!r} of {self._key} is not an asset key: {given}.", remedy)
        return tuple(found)

    def _parameters(self, written: FunctionType) -> tuple[str, ...]:
        """Return the parameters that Headwater may give, noting those that cannot be given or are not there."""
        if any(is_kind(written) for is_kind in _NOT_PLAIN):
            self._problem(f"{self._key} is a coroutine or generator.", "Write a plain function that returns the data.")
        parameters = inspect.signature(self._declared.function).parameters
        inputs = self._declared.inputs
        for name, parameter in parameters.items():
            if name in (*inputs, "context"):
                if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
                    self._problem(
                        f"the parameter {name!r} of {self._key} is positional-only.", "Remove the `/` after it."
                    )
            elif _needs_value(parameter):
                remedy = "A source takes only `context`." if self._declared.external else "Name it in `inputs`."
                self._problem(f"the parameter {name!r} of {self._key} has no input.", remedy)
        takes_any = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values())
        for name in inputs if not takes_any else ():
            if name not in parameters:
                self._problem(f"the input {name!r} of {self._key} is not a parameter.", "Add the parameter.")
        return tuple(parameters)


def _needs_value(parameter: inspect.Parameter) -> bool:
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return parameter.default is inspect.Parameter.empty and parameter.kind not in variadic
