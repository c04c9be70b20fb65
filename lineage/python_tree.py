"""A syntax tree as text: equal for equal code, whatever its formatting, comments and docstrings.

Our own encoder and not `ast.dump`, so that a new Python, which may add fields, rebuilds nothing.
"""

from __future__ import annotations

import ast

_SKIPPED_FIELDS = frozenset(("type_comment", "type_ignores", "kind", "ctx"))
_DOCUMENTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)


def encode_tree(root: ast.AST) -> str:
    """Return one text for a syntax tree. Different code has different texts; docstrings do not count.

    Absent and empty fields are left out, so that a field which a later Python adds changes nothing while it is unused.
    """
    out: list[str] = []
    pending: list[object] = [root]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            out.append(item)
            continue
        assert isinstance(item, ast.AST), "leaves are texts"
        out.append(type(item).__name__ + "(")
        pending.append(")")
        for name in sorted(item._fields, reverse=True):
            value = _field(item, name)
            if isinstance(value, list):
                pending.append("]")
                pending.extend(_part(part) for part in reversed(value))
                pending.append(f"{name}=[")
            elif value is not None:
                pending += [";", _part(value[0]), f"{name}="]
    return "".join(out)


def _field(node: ast.AST, name: str) -> list[object] | tuple[object] | None:
    """Return a list field, another field as a tuple of one, or None where it says nothing."""
    value = getattr(node, name, None)
    if isinstance(node, ast.Constant) and name == "value":
        return (value,)
    if name in _SKIPPED_FIELDS or value is None or value == []:
        return None
    if not isinstance(value, list):
        return (value,)
    if name == "body" and isinstance(node, _DOCUMENTED):
        return list(without_docstring(value))
    return _joined(value) if isinstance(node, ast.JoinedStr) else value


def _part(value: object) -> object:
    if isinstance(value, ast.AST):
        return value
    # Hexadecimal, because Python refuses to write very long integers in decimal; ASCII, because Pythons differ in the
    # characters that they hold to be printable.
    text = hex(value) if isinstance(value, int) and not isinstance(value, bool) else ascii(value)
    return f"{type(value).__name__}:{text},"


def _joined(values: list[ast.AST]) -> list[object]:
    """Return the parts of an f-string with neighbouring texts made one: Pythons differ in where they split them."""
    parts: list[object] = []
    for value in values:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            last = parts[-1] if parts else None
            if isinstance(last, ast.Constant):
                parts[-1] = ast.Constant(str(last.value) + value.value)
            elif value.value:
                parts.append(value)
        else:
            parts.append(value)
    return parts


def without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return the statements of a function, class or module without its docstring."""
    first = body[0] if body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return body[1:]
    return body
