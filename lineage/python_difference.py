"""What an edit of Python code changed for one asset: which function, constant or import of all that it reaches.

Pure and static, as its definition is: nothing is imported. Code that the asset does not reach is nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from headwater.assets.asset import PythonCode
from headwater.lineage.definition_change import DefinitionChange
from headwater.lineage.python_modules import Module, absolute_in
from headwater.lineage.python_names import uses_of
from headwater.lineage.python_reach import ProjectCode, Reach
from headwater.lineage.python_tree import encode_tree

_LONGEST = 200  # characters of a constant that are shown
_Pieces = dict[tuple[str, str, str], tuple[str, str | None]]  # (kind, file, name) -> what it means, how it is written


def python_difference(
    before: Mapping[str, str], after: Mapping[str, str], function: PythonCode
) -> tuple[DefinitionChange, ...]:
    """Return what changed in the code of `function`, sorted by file and name; `before` may lack files.

    Both map paths to texts. What stands in a file that `before` lacks is not compared. A function that one side lacks
    is one change of the kind FUNCTION.
    """
    shared = {path: text for path, text in after.items() if path not in before}
    then, now = _reached({**shared, **before}, function), _reached(after, function)
    changes = []
    for piece in sorted({*then, *now}, key=lambda it: (it[1], it[2], it[0])):
        (kind, where, name), old, new = piece, then.get(piece), now.get(piece)
        if old is None and new is not None:
            changes.append(DefinitionChange("ADDED", kind, name, None, new[1], where))
        elif new is None and old is not None:
            changes.append(DefinitionChange("REMOVED", kind, name, old[1], None, where))
        elif old is not None and new is not None and old[0] != new[0]:
            changes.append(DefinitionChange("ALTERED", kind, name, old[1], new[1], where))
    return tuple(changes)


def _reached(files: Mapping[str, str], function: PythonCode) -> _Pieces:
    """Return everything that counts for a function, with what it means."""
    code, reach = ProjectCode(files), Reach()
    pieces: _Pieces = {}
    for file, qualname in ((function.defined_in or function.module_file, function.qualname), *_others(function)):
        module = code.read(file)
        if isinstance(module, str):
            continue
        name = qualname.rsplit(".", 1)[-1]
        found = [node for it in module.statements for node in ast.walk(it.node) if _is_called(node, name)]
        if found:
            pieces["FUNCTION", file, name] = "".join(map(_meaning, found)), None
        code.reach(reach, reach.note(module, uses_of(list(found), absolute_in(file))))
    paths = {module.name: path for path in files if not isinstance(module := code.read(path), str)}
    for name, index in sorted(reach.statements):
        _add(pieces, paths[name], code.module(name), index)
    for text in reach.imports:
        where, _, rest = text.partition(":")
        bound, _, target = rest.partition("=")
        if where in paths:
            pieces["IMPORT", paths[where], bound] = target, target
    return pieces


def _others(function: PythonCode) -> list[tuple[str, str]]:
    return [(file, qualname) for file, qualname, *_ in function.functions]


def _is_called(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == name


def _meaning(node: ast.AST) -> str:
    """Return what a function means: its arguments' names and its body. How it is declared counts elsewhere."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return encode_tree(node)
    bare = type(node)(name=node.name, args=node.args, body=node.body, decorator_list=[])
    return encode_tree(bare)


def _add(pieces: _Pieces, path: str, module: Module, index: int) -> None:
    statement = module.statements[index]
    node = statement.node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        pieces.setdefault(("FUNCTION", path, node.name), (_meaning(node), None))
    elif isinstance(node, ast.ClassDef):
        pieces["CLASS", path, node.name] = statement.text, None
    else:
        written = ast.unparse(node)
        shown = written if len(written) <= _LONGEST else f"{written[:_LONGEST]}..."
        for name in sorted(statement.names) or ["a statement"]:
            old = pieces.get(("CONSTANT", path, name), ("", None))[0]
            pieces["CONSTANT", path, name] = old + statement.text, shown
