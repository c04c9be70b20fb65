"""What modules do while they are imported: fill a table, call a set-up function, register a class.

Such a statement decides what other code finds, without being named by it. It counts where it may change something that
was reached, or where it does something that cannot be bounded.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass

from headwater.lineage.python_modules import Module, Statement
from headwater.lineage.python_names import uses_of
from headwater.lineage.python_purity import unfollowable, words
from headwater.lineage.python_reach import BUILTINS, ProjectCode, Reach, Symbol

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_ACTING = (ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.AugAssign, ast.Delete)
_DECLARING = frozenset(
    f"headwater.{place}{name}" for place in ("", "assets.declare.") for name in ("asset", "external")
)
# Calls of these change nothing that others see.
_QUIET_NAMES = words(
    """
    all any bool bytes classmethod dict enumerate float frozenset int isinstance len list max min property range
    reversed round set sorted staticmethod str sum super tuple type zip
    """
)
_QUIET_MODULES = words(
    """
    abc collections contextlib dataclasses datetime decimal enum fractions headwater itertools logging math pathlib re
    string types typing typing_extensions warnings zoneinfo
    """
)
_QUIET_METHODS = words("copy format get items join keys lower replace split strip upper values")
_REGISTERS = ("register", "install", "patch", "hook", "set_")


@dataclass(frozen=True, slots=True, eq=False)
class _Effect:
    """What one statement may change while it is imported; `unbounded` where that cannot be told by names."""

    module: Module
    index: int
    touched: frozenset[Symbol]
    unbounded: bool


def add_effects(code: ProjectCode, reach: Reach, files: Iterable[str]) -> None:
    """Add what the modules of `files`, and all they import, do on import to things in `reach`, until nothing is new."""
    waiting = [
        _effect(code, module, statement)
        for module in code.loaded(files, reach)
        for statement in module.statements
        if _may_act(code, module, statement)
    ]
    grown = True
    while grown:
        counted = [effect for effect in waiting if effect.unbounded or effect.touched & reach.symbols]
        for effect in counted:
            code.reach(reach, code.include(reach, effect.module, effect.index))
        waiting = [effect for effect in waiting if effect not in counted]
        grown = bool(counted)


def declares_only(code: ProjectCode, module: Module, decorator: ast.expr) -> bool:
    """Say whether `decorator` is `hw.asset` or `hw.external`, so that all it is given is in the declared asset."""
    outside = _meant(code, module, decorator.func if isinstance(decorator, ast.Call) else decorator)
    return outside is not None and bool(outside) and outside <= _DECLARING


def sentences_of_dynamic(code: ProjectCode, reach: Reach) -> set[str]:
    """Return a sentence for each library of which something is taken by a name that is not written down."""
    taken = {name for place in reach.dynamic for name in code.meaning(code.module(place[0]), place[1]).outside}
    return {f"getattr({name}, ...) cannot be followed" for name in taken - BUILTINS}


def _may_act(code: ProjectCode, module: Module, statement: Statement) -> bool:
    """Say whether importing the statement may do more than bind its names."""
    node = statement.node
    if statement.is_import or _is_main(node):
        return False
    if isinstance(node, _ACTING) or statement.on_import.acts:
        return True
    if isinstance(node, ast.ClassDef) and (node.bases or node.keywords):
        return True
    return any(not _is_quiet(code, module, called) for called in _called_on_import(node))


def _is_quiet(code: ProjectCode, module: Module, called: ast.expr) -> bool:
    if isinstance(called, ast.Attribute) and called.attr in _QUIET_METHODS:
        return True
    outside = _meant(code, module, called)
    if outside is None:
        return _declares(code, module, called)
    return all(name in _QUIET_NAMES or name.split(".")[0] in _QUIET_MODULES for name in outside)


def _declares(code: ProjectCode, module: Module, called: ast.expr) -> bool:
    """Say whether a call of the project's own is but a way to declare assets, such as a partial of `hw.asset`."""
    reach = Reach()
    code.reach(reach, reach.note(module, uses_of([called], lambda node: "")))
    return bool(reach.outside & _DECLARING) and not reach.acts


def _meant(code: ProjectCode, module: Module, called: ast.expr) -> set[str] | None:
    """Return the names outside the project that `called` may mean, or None where it may be anything else."""
    chains = uses_of([called], lambda node: "").chains
    meanings = [code.meaning(module, chain) for chain in chains]
    if len(meanings) != 1 or meanings[0].symbols or meanings[0].modules or meanings[0].undecidable:
        return None
    return meanings[0].outside


def _effect(code: ProjectCode, module: Module, statement: Statement) -> _Effect:
    reach = Reach()
    code.reach(reach, reach.note(module, statement.on_import))
    acted = [code.meaning(code.module(name), chain) for name, chain in reach.acts]
    touched = {symbol for symbol in reach.symbols if symbol[1] in code.module(symbol[0]).changing}
    touched |= {symbol for meaning in acted for symbol in meaning.symbols}
    if isinstance(statement.node, ast.ClassDef) and not _is_hooked(statement, reach):
        touched = set()
    outside = {name for meaning in acted for name in meaning.outside}
    unbounded = (
        bool(unfollowable(reach.outside, reach.uses.attributes) or sentences_of_dynamic(code, reach))
        or any(name.split(".")[0] not in _QUIET_MODULES | BUILTINS for name in outside)
        or any(_registers(name) for name in reach.outside)
    )
    return _Effect(module, statement.index, frozenset(touched), unbounded)


def _is_hooked(statement: Statement, reach: Reach) -> bool:
    """Say whether making a class may do more than make it: a base takes notice, or its body or decorators call."""
    hooked = "__init_subclass__" in reach.uses.attributes
    return hooked or bool(statement.on_import.acts) or bool(_called_on_import(statement.node))


def _registers(name: str) -> bool:
    """Say whether a name of a library sounds as if calling it made the library behave differently."""
    head, *rest = name.split(".")
    return head not in _QUIET_MODULES and any(part.startswith(_REGISTERS) for part in rest)


def _called_on_import(root: ast.stmt) -> list[ast.expr]:
    """Return what is called while `root` is imported, decorators too: not what functions call when they run."""
    found: list[ast.expr] = []
    pending: list[ast.AST] = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, _Function | ast.ClassDef):
            found += [d for d in node.decorator_list if not isinstance(d, ast.Call)]
        if isinstance(node, _Function):
            pending += [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]
            continue
        if isinstance(node, ast.Call):
            found.append(node.func)
        pending.extend(ast.iter_child_nodes(node))
    return found


def _is_main(node: ast.stmt) -> bool:
    """`if __name__ == "__main__":` without `else` is not run on import."""
    if not isinstance(node, ast.If) or node.orelse or not isinstance(node.test, ast.Compare):
        return False
    left, operators = node.test.left, node.test.ops
    return (
        isinstance(left, ast.Name)
        and left.id == "__name__"
        and len(operators) == 1
        and isinstance(operators[0], ast.Eq)
    )
