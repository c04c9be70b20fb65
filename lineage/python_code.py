"""The definition of a Python asset: the syntax tree of its function and of all project code that it reaches.

Static: nothing is imported or run. What cannot be followed is said, never left out: a change that goes unseen would
make stale data look fresh.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from headwater.assets.asset import PythonCode
from headwater.lineage.python_effects import add_effects, declares_only, sentences_of_dynamic
from headwater.lineage.python_modules import Module, Statement, absolute_in, module_name
from headwater.lineage.python_names import uses_of
from headwater.lineage.python_purity import impure_attributes, impure_names, unfollowable
from headwater.lineage.python_reach import BUILTINS, ProjectCode, Reach
from headwater.lineage.python_tree import encode_tree

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class PythonDefinition:
    """`logic` is the hash; `modules` are the top-level third-party modules reached, whose versions count.

    `impure` and `undecidable` are sentences: what makes it volatile, and what could not be followed. `asks_clock` says
    that it may take the run's clock from its context, which is truncated to the asset's grain. `files` are the project
    files, sorted, that anything reached stands in.
    """

    logic: str
    modules: tuple[str, ...]
    impure: tuple[str, ...]
    undecidable: tuple[str, ...]
    asks_clock: bool = False
    files: tuple[str, ...] = ()


def analyse_python(files: Mapping[str, str], function: PythonCode) -> PythonDefinition:
    """Return the definition of a function. `files` maps the project's .py paths to their texts.

    Raises nothing: a file that cannot be read makes it undecidable.
    """
    code, reach = ProjectCode(files), Reach()
    file = function.defined_in or function.module_file
    given = frozenset(name for name, _ in function.bound)
    texts = [_root(code, reach, file, function.qualname, function.line, given)]
    texts += [_root(code, reach, *other, frozenset()) for other in function.functions]
    add_effects(code, reach, {file, function.module_file})
    return _definition(code, reach, texts, module_name(file))


def reaches_out(files: Mapping[str, str], file: str) -> tuple[str, ...]:
    """Return why importing `file` twice may declare different assets: what it takes from outside in doing so."""
    code, reach = ProjectCode(files), Reach()
    for module in code.loaded({file}, reach):
        for statement in module.statements:
            code.reach(reach, reach.note(module, statement.on_import))
    found = _definition(code, reach, [], "")
    return (*found.impure, *found.undecidable)


def _root(code: ProjectCode, reach: Reach, file: str, qualname: str, line: int, given: frozenset[str]) -> str:
    """Follow one function by its place and return its canonical text. `given` are defaults that are known by value."""
    module = code.read(file)
    nodes = [] if isinstance(module, str) else _find(module, qualname, line)
    if isinstance(module, str) or not nodes:
        reach.undecidable.add(
            module if isinstance(module, str) else f"the source of {qualname} was not found in {file}"
        )
        return ""
    nodes = [_bare(node, given, code, module) for node in nodes]
    if "<locals>" in qualname:  # the function that makes it decides too, and holds it
        code.reach(reach, [(module, qualname.split(".")[0])])
    else:
        code.reach(reach, reach.note(module, uses_of(nodes, absolute_in(file))))
    return "".join(map(encode_tree, nodes))


def _find(module: Module, qualname: str, line: int) -> list[ast.AST]:
    """Return the function with this name and first line (that of its first decorator), or every lambda of that line."""
    name = qualname.rsplit(".", 1)[-1]
    nodes = [node for statement in module.statements for node in ast.walk(statement.node)]
    if name == "<lambda>":
        return [node for node in nodes if isinstance(node, ast.Lambda) and node.lineno == line]
    functions = [node for node in nodes if isinstance(node, _Function | ast.ClassDef) and node.name == name]
    return [n for n in functions if min([n.lineno, *(d.lineno for d in n.decorator_list)]) == line]


def _bare(node: ast.AST, given: frozenset[str], code: ProjectCode, module: Module) -> ast.AST:
    """Return a function without what counts elsewhere or nowhere: its declaration, defaults that are known by value,
    and its own annotations."""
    if not isinstance(node, _Function):
        return node
    args, known = node.args, ast.Constant(...)
    by_name = zip(args.kwonlyargs, args.kw_defaults, strict=True)
    late = [*args.posonlyargs, *args.args][-len(args.defaults) :] if args.defaults else []
    bare = ast.arguments(
        posonlyargs=[ast.arg(a.arg) for a in args.posonlyargs],
        args=[ast.arg(a.arg) for a in args.args],
        vararg=ast.arg(args.vararg.arg) if args.vararg else None,
        kwonlyargs=[ast.arg(a.arg) for a in args.kwonlyargs],
        kw_defaults=[known if d and a.arg in given else d for a, d in by_name],
        kwarg=ast.arg(args.kwarg.arg) if args.kwarg else None,
        defaults=[known if a.arg in given else d for a, d in zip(late, args.defaults, strict=True)],
    )
    decorators = [d for d in node.decorator_list if not declares_only(code, module, d)]
    return type(node)(name=node.name, args=bare, body=node.body, decorator_list=decorators)


def _definition(code: ProjectCode, reach: Reach, roots: list[str], here: str) -> PythonDefinition:
    """Return the definition of all that was reached. `here` is the asset's own module, whose name does not count."""
    digest = hashlib.sha256()
    for text in (str(len(roots)), *roots, *_texts(code, reach, here)):
        digest.update(f"{len(text)}:{text}".encode("utf-8", "surrogatepass"))
    uses = reach.uses
    libraries = {name.split(".")[0] for name in reach.outside} - BUILTINS - sys.stdlib_module_names - {"headwater"}
    impure = impure_names(reach.outside) | impure_attributes(uses.attributes, uses.called, uses.texts)
    impure |= {"asks for the run's id"} if "context.run" in uses.locals else set()
    unknown = unfollowable(reach.outside, uses.attributes) | sentences_of_dynamic(code, reach)
    return PythonDefinition(
        digest.hexdigest(),
        tuple(sorted(libraries)),
        tuple(sorted(impure)),
        tuple(sorted(reach.undecidable | unknown)),
        "clock" in uses.attributes or "clock" in uses.texts,
        tuple(sorted({code.file(name) for name, _ in reach.statements | reach.symbols})),
    )


def _texts(code: ProjectCode, reach: Reach, here: str) -> list[str]:
    """Return what imported names stand for and the text of each reached statement, sorted where order is nothing."""
    found = sorted(text.removeprefix(here) if text.startswith(f"{here}:") else text for text in reach.imports)
    for name in sorted({module for module, _ in reach.statements}):
        module = code.module(name)
        chosen = [statement for statement in module.statements if (name, statement.index) in reach.statements]
        free = [statement.text for statement in chosen if _is_free(module, statement)]
        found += [f"module {'' if name == here else name}", *sorted(free), "in order"]
        found += [statement.text for statement in chosen if not _is_free(module, statement)]
    return found


def _is_free(module: Module, statement: Statement) -> bool:
    return statement.is_plain and all(len(module.by_name[name]) == 1 for name in statement.names)
