"""The fields of a struct type, read from its text."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.lineage.schema import SchemaColumns


def struct_fields(type_: str | None) -> SchemaColumns | None:
    """Return the fields of a type such as `struct(a integer, b varchar[])`, or None where it is no plain struct."""
    if type_ is None or not type_.lower().startswith("struct(") or not type_.endswith(")"):
        return None
    fields: list[tuple[str, str | None]] = []
    for part in _split(type_[7:-1]):
        name, _, rest = part.partition(" ")
        if part.startswith('"'):
            closing = part.find('"', 1)
            name, rest = part[1:closing], part[closing + 1 :]
        if not name or not rest.strip():
            return None
        fields.append((name, rest.strip()))
    return tuple(fields)


def field_type(type_: str | None, path: Sequence[str]) -> str | None:
    """Return the type of the field at `path`, or None where it is not known."""
    for name in path:
        fields = struct_fields(type_)
        if fields is None:
            return None
        type_ = next((field for field_name, field in fields if field_name.lower() == name.lower()), None)
    return type_


def unnested(type_: str, depth: int) -> SchemaColumns | str:
    """Return what `unnest` makes of a type in `depth` steps: the type of an element, or the fields of a struct."""
    while depth > 0 and type_.endswith("[]"):
        type_, depth = type_[:-2], depth - 1
    fields = struct_fields(type_) if depth > 0 else None
    if fields is None:
        return type_
    flat: list[tuple[str, str | None]] = []
    for name, field in fields:
        inner = unnested(field, depth - 1) if field is not None and struct_fields(field) is not None else None
        if isinstance(inner, tuple):
            flat += inner
        else:
            flat.append((name, field))
    return tuple(flat)


def _split(text: str) -> list[str]:
    """Split at the commas that stand outside parentheses and quotes."""
    parts: list[str] = []
    depth, quoted, start = 0, False, 0
    for index, char in enumerate(text):
        if char == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(text[start:index].strip())
            start = index + 1
    parts.append(text[start:].strip())
    return parts
