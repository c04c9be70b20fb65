"""YAML with line numbers, without YAML 1.1's surprises: `no` and `on` stay text, a key twice is an error."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import yaml

from headwater.assets.errors import Problem

Path = tuple[str | int, ...]

_Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc, valid-type]
    """The safe loader with booleans and numbers as YAML 1.2 has them (`NO` is Norway, `1:30` is text)."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rsplit(":", 1)[-1] not in ("bool", "int", "float")]
    for first, resolvers in _Base.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?$|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$"
    ),
    list("-+0123456789."),
)


@dataclass(frozen=True, slots=True)
class YamlText:
    """A parsed text: its value, and for each path of keys and indexes the line (from 1) it stands on."""

    value: object
    lines: dict[Path, int] = field(repr=False)

    def line(self, path: Path) -> int:
        """Return the line of `path`, or of its nearest parent that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def parse_yaml(text: str, file: str, first_line: int = 1) -> YamlText | Problem:
    """Return the parsed `text`, or the Problem that prevents it. `first_line` is the file line of its first line."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        lines: dict[Path, int] = {}
        duplicate = _walk(node, (), lines, first_line) if node is not None else None
        if duplicate is not None:
            key, line = duplicate
            return Problem(file, line, f"the key {key!r} is given twice.", "Keep one of them.")
        return YamlText(None if node is None else loader.construct_document(node), lines)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = first_line + (mark.line if mark else 0)
        return Problem(
            file,
            line,
            f"the YAML cannot be read: {error.problem or error.context}.",
            "Check indentation, quotes and brackets.",
        )
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return Problem(
            file, first_line, f"the YAML cannot be read: {error}.", "Check indentation, quotes and brackets."
        )
    finally:
        loader.dispose()


def _walk(root: yaml.Node, top: Path, lines: dict[Path, int], first_line: int) -> tuple[str, int] | None:
    """Note the line of every path below `root`; return the first key that stands twice in one mapping."""
    pending: list[tuple[yaml.Node, Path]] = [(root, top)]
    while pending:
        node, path = pending.pop()
        lines.setdefault(path, first_line + node.start_mark.line)
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                name = str(key.value)
                line = first_line + key.start_mark.line
                if name in seen and name != "<<":
                    return name, line
                seen.add(name)
                lines[(*path, name)] = line
                pending.append((value, (*path, name)))
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                pending.append((item, (*path, index)))
    return None
