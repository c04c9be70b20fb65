"""A project's Python files, parsed: what each statement at the top of a module binds, uses and does on import."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from headwater.lineage.python_names import Absolute, Bound, Uses, bound_in, uses_of
from headwater.lineage.python_tree import encode_tree, without_docstring

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_PLAIN = (ast.Constant, ast.Tuple, ast.UnaryOp, ast.BinOp, ast.operator, ast.unaryop, ast.expr_context)


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """One top-level statement: the names it binds, what it uses, and what of that it uses while it is imported."""

    index: int
    node: ast.stmt
    names: frozenset[str]
    uses: Uses
    on_import: Uses
    text: str  # its canonical text; empty for imports, whose targets count instead

    @property
    def is_import(self) -> bool:
        """True for `import` and `from ... import`."""
        return isinstance(self.node, ast.Import | ast.ImportFrom)

    @property
    def is_plain(self) -> bool:
        """True where the order of this statement among others decides nothing: a function, or immutable constants."""
        if isinstance(self.node, _Function):
            defaults = (*self.node.args.defaults, *self.node.args.kw_defaults)
            return not self.node.decorator_list and all(d is None or isinstance(d, ast.Constant) for d in defaults)
        return isinstance(self.node, ast.Assign | ast.AnnAssign) and _is_constant(self.node)


@dataclass(frozen=True, slots=True, eq=False)
class Module:
    """One project file. `stars` are the modules that it star-imports, `loads` all that it imports anywhere."""

    name: str
    statements: tuple[Statement, ...]
    by_name: Mapping[str, tuple[int, ...]]  # indexes of the statements that bind a name
    imports: Mapping[str, tuple[str, ...]]  # absolute targets of a name that imports bind, in order
    stars: tuple[str, ...]
    loads: frozenset[str]
    changing: frozenset[str] = field(default=frozenset())  # names whose value may be changed in place


def module_name(path: str) -> str:
    """Return the dotted name under which the file at `path`, relative to the project, can be imported."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def absolute_in(path: str) -> Absolute:
    """Return a function that gives the absolute name of what a `from` import in the file at `path` takes from."""
    package = module_name(path).split(".")
    package = package if path.endswith("/__init__.py") else package[:-1]

    def absolute(node: ast.ImportFrom) -> str:
        above = package[: len(package) - node.level + 1] if node.level else []
        return ".".join([*above, *([node.module] if node.module else [])])

    return absolute


@lru_cache(maxsize=4096)
def parse_module(path: str, text: str) -> Module:
    """Return the module in `text`. Raises SyntaxError, ValueError or RecursionError where Python could not read it."""
    name = module_name(path)
    absolute = absolute_in(path)
    tree = ast.parse(text)
    statements = []
    by_name: dict[str, list[int]] = {}
    imports: dict[str, list[str]] = {}
    for index, node in enumerate(tree.body):
        bound = bound_in([node], absolute)
        for each in bound.names:
            by_name.setdefault(each, []).append(index)
        for each, targets in bound.imports.items():
            imports.setdefault(each, []).extend(targets)
        statements.append(_statement(index, node, bound, absolute))
    return Module(
        name,
        tuple(statements),
        {each: tuple(indexes) for each, indexes in by_name.items()},
        {each: tuple(targets) for each, targets in imports.items()},
        tuple(_stars(tree, absolute)),
        frozenset(_loads(tree, absolute)),
        frozenset(each for each, indexes in by_name.items() if _changes([statements[i] for i in indexes])),
    )


def _statement(index: int, node: ast.stmt, bound: Bound, absolute: Absolute) -> Statement:
    uses = uses_of([node], absolute)
    stub = _run_on_import(node)
    on_import = uses if stub is node else uses_of([stub], absolute)
    text = "" if isinstance(node, ast.Import | ast.ImportFrom) else encode_tree(node)
    return Statement(index, node, frozenset(bound.names), uses, on_import, text)


def _run_on_import(node: ast.stmt) -> ast.stmt:
    """Return a function or class without the bodies of its functions, which are not run when its module is imported."""
    if isinstance(node, _Function):
        return ast.FunctionDef(
            name=node.name, args=node.args, body=[], decorator_list=node.decorator_list, returns=None
        )
    if isinstance(node, ast.ClassDef):
        body = [_run_on_import(item) for item in without_docstring(node.body)]
        return ast.ClassDef(
            name=node.name, bases=node.bases, keywords=node.keywords, body=body, decorator_list=node.decorator_list
        )
    return node


def _changes(statements: list[Statement]) -> bool:
    """A name bound once, to a function, an import or an immutable constant, always means the same."""
    if len(statements) > 1:
        return True
    node = statements[0].node
    return not isinstance(node, _Function | ast.Import | ast.ImportFrom) and not _is_constant(node)


def _is_constant(node: ast.stmt) -> bool:
    if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
        return False
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return all(isinstance(target, ast.Name) for target in targets) and all(
        isinstance(part, _PLAIN) for part in ast.walk(node.value)
    )


def _stars(tree: ast.Module, absolute: Absolute) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            yield absolute(node)


def _loads(tree: ast.Module, absolute: Absolute) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = absolute(node)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)
