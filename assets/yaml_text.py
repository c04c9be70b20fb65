"""YAML with line numbers, without YAML 1.1's surprises: `no` and `on` stay text, a key twice is an error."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal

import yaml

from headwater.assets.errors import Problem

Path = tuple[str | int, ...]

_Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc, valid-type]
    """The safe loader with booleans and numbers as YAML 1.2 has them: `NO` is Norway, `1:30` and `007` are texts."""


_REPLACED = ("bool", "int", "float", "value")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rsplit(":", 1)[-1] not in _REPLACED]
    for first, resolvers in _Base.yaml_implicit_resolvers.items()
}
_INTEGER = r"[-+]?(?:0|[1-9][0-9]*)"
_NUMBER = rf"{_INTEGER}(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|[-+]?\.[0-9]+(?:[eE][-+]?[0-9]+)?"
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:[tT]rue|TRUE|[fF]alse|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(f"^{_INTEGER}$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(rf"^(?:{_NUMBER}|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"),
    list("-+0123456789."),
)


def _number(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal | float:
    """Return a number with a fraction digit for digit; only infinities and NaN need binary floating point."""
    text = str(loader.construct_scalar(node))
    if text.lstrip("+-").lower() in (".inf", ".nan"):
        return float(text.replace(".", ""))
    return Decimal(text)


_Loader.add_constructor("tag:yaml.org,2002:float", _number)


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


def parse_yaml(text: str, file: str, first_line: int = 1) -> YamlText | tuple[Problem, ...]:
    """Return the parsed `text`, or the problems that prevent it. `first_line` is the file line of its first line."""
    remedy = "Check indentation, quotes and brackets."
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            lines: dict[Path, int] = {}
            problems = () if node is None else _walk(node, lines, file, first_line)
            return problems or YamlText(None if node is None else loader.construct_document(node), lines)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = first_line + (mark.line if mark else 0)
        return (Problem(file, line, f"the YAML cannot be read: {error.problem or error.context}.", remedy),)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        text = " ".join(str(error).split())
        return (Problem(file, first_line, f"the YAML cannot be read: {text}.", remedy),)


def _walk(root: yaml.Node, lines: dict[Path, int], file: str, first_line: int) -> tuple[Problem, ...]:
    """Note the line of every path below `root`; return a problem for each key that stands twice in one mapping.

    What an alias repeats has the lines of its anchor. Something that contains itself is a problem too.
    """
    problems: list[Problem] = []
    pending: list[tuple[yaml.Node, Path]] = [(root, ())]
    seen: set[int] = set()
    while pending:
        node, path = pending.pop()
        lines.setdefault(path, first_line + node.start_mark.line)
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            names: set[str] = set()
            for key, value in node.value:
                name = str(key.value)
                line = lines[(*path, name)] = first_line + key.start_mark.line
                if name in names and name != "<<":
                    problems.append(Problem(file, line, f"the key {name!r} is given twice.", "Keep one of them."))
                names.add(name)
                pending.append((value, (*path, name)))
        elif isinstance(node, yaml.SequenceNode):
            pending.extend((item, (*path, index)) for index, item in enumerate(node.value))
    if not problems and _holds_itself(root):
        problems.append(Problem(file, first_line, "the YAML contains itself through an alias.", "Write it out."))
    return tuple(problems)


def _holds_itself(root: yaml.Node) -> bool:
    """Say whether a node can be reached from itself: depth first, with the nodes that are still open."""
    opened: set[int] = set()
    closed: set[int] = set()
    pending: list[tuple[yaml.Node, bool]] = [(root, False)]
    while pending:
        node, done = pending.pop()
        if done:
            opened.discard(id(node))
            closed.add(id(node))
        elif id(node) in opened:
            return True
        elif id(node) not in closed and isinstance(node, yaml.CollectionNode):
            opened.add(id(node))
            pending.append((node, True))
            inner = (
                node.value if isinstance(node, yaml.SequenceNode) else [part for pair in node.value for part in pair]
            )
            pending.extend((item, False) for item in inner)
    return False
