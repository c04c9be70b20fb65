"""Which names a COLUMNS(...) or a pattern behind a star chooses, worked out on the names themselves.

A small part of the language, on strings alone. What is not in it, or what Python's regular expressions might see in
another way than the engine's, raises `Unclear`: then nobody claims to know what is chosen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlglot import exp

PATTERNS: Final = (exp.Like, exp.ILike, exp.SimilarTo, exp.Glob, exp.RegexpLike, exp.RegexpFullMatch, exp.RegexpILike)
_PLAIN_PATTERN: Final = re.compile(r"(?:[^\\\[({]|\\[dDwWsSbB.\\+*?|()\[\]^$/-]|\[(?!\[?:)|\((?!\?)|\{(?!,))*\Z")
MOST_REPEATS: Final = 4  # of one pattern; with more, the time grows with a high power of a name's length
_REPEATS: Final = re.compile(r"[*+]|\{\d*,")
_NESTED: Final = re.compile(r"\([^()]*(?:[*+]|\{\d*,|\|)[^()]*\)(?:[*+]|\{)")
Value = str | bool | list[str]


class Unclear(Exception):
    """What is chosen cannot be told here."""


def expression(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """Return a regular expression that means the same here and in the engine. Raises Unclear for any other."""
    if pattern.startswith("(?i)"):
        pattern, flags = pattern[4:], flags | re.I
    if _PLAIN_PATTERN.match(pattern) is None or _is_costly(pattern):
        raise Unclear
    try:
        return re.compile(pattern, flags | re.ASCII | re.S)
    except re.error:
        raise Unclear from None


def _is_costly(pattern: str) -> bool:
    """Whether Python, which tries every way, may take for ever where the engine takes one step for each letter."""
    return len(_REPEATS.findall(pattern)) > MOST_REPEATS or _NESTED.search(pattern) is not None


def _like(pattern: str, any_text: str, any_one: str, name: str, flags: int) -> bool:
    """Whether a pattern of wildcards matches all of a name: one try from the left for each part between `any_text`."""
    first, *rest = (
        re.compile("".join("." if char == any_one else re.escape(char) for char in part), re.S | flags)
        for part in pattern.split(any_text)
    )
    start = first.match(name)
    if start is None or not rest:
        return start is not None and start.end() == len(name)
    at = start.end()
    for part in rest[:-1]:
        found = part.search(name, at)
        if found is None:
            return False
        at = found.end()
    last = len(pattern.split(any_text)[-1])  # each letter of a part matches one letter
    return len(name) - last >= at and rest[-1].match(name, len(name) - last) is not None


def predicate(node: Any) -> Callable[[str], bool]:
    """Return what decides about a name: for `lambda x: ...`, or for a pattern whose left side stands for the name."""
    if isinstance(node, exp.Lambda):
        parameters = [parameter.name.lower() for parameter in node.expressions]
        if len(parameters) != 1:
            raise Unclear
        body = node.this
        return lambda name: _truth(_value(body, {parameters[0]: name}))
    return lambda name: _truth(_value(node, {"": name}))


def listed(node: Any, names_of: Callable[[Any], Sequence[str]]) -> list[str]:
    """Return the names that a list of strings holds; `names_of` says which a star in it stands for."""
    if isinstance(node, exp.Paren):
        return listed(node.this, names_of)
    if isinstance(node, exp.Array):
        if len(node.expressions) == 1 and isinstance(node.expressions[0], exp.Comprehension):
            return _comprehension(node.expressions[0], names_of)
        return [_text(_value(item, {})) for item in node.expressions]
    if isinstance(node, exp.Comprehension):
        return _comprehension(node, names_of)
    if isinstance(node, exp.ArrayConcat):
        return [name for part in (node.this, *node.expressions) for name in listed(part, names_of)]
    raise Unclear


def _comprehension(node: Any, names_of: Callable[[Any], Sequence[str]]) -> list[str]:
    if node.args.get("position") is not None:
        raise Unclear
    source = node.args["iterator"]
    while isinstance(source, exp.Paren):
        source = source.this
    parameter, condition = node.args["expression"].name.lower(), node.args.get("condition")
    chosen = []
    for name in names_of(source):
        known: dict[str, str] = {parameter: name}
        if condition is None or _truth(_value(condition, known)):
            chosen.append(_text(_value(node.this, known)))
    return chosen


def _truth(value: Value) -> bool:
    if not isinstance(value, bool):
        raise Unclear
    return value


def _text(value: Value) -> str:
    if not isinstance(value, str):
        raise Unclear
    return value


def _value(node: Any, known: dict[str, str]) -> Value:
    kind = type(node)
    if kind is exp.Literal and node.is_string:
        return str(node.name)
    if kind is exp.Identifier or (kind is exp.Column and len(node.parts) == 1 and type(node.this) is exp.Identifier):
        if node.name.lower() in known:
            return known[node.name.lower()]
        raise Unclear
    if kind is exp.Star or (kind is exp.Column and type(node.this) is exp.Star):
        if "" in known:
            return known[""]
        raise Unclear
    if kind is exp.Paren:
        return _value(node.this, known)
    if kind is exp.Boolean:
        return bool(node.this)
    if kind is exp.Not:
        return not _truth(_value(node.this, known))
    if kind is exp.And:
        return _truth(_value(node.this, known)) and _truth(_value(node.expression, known))
    if kind is exp.Or:
        return _truth(_value(node.this, known)) or _truth(_value(node.expression, known))
    if kind is exp.In and not any(node.args.get(key) for key in ("query", "unnest", "field")):
        return _value(node.this, known) in [_value(item, known) for item in node.expressions]
    if isinstance(node, PATTERNS):
        return _matches(node, known)
    if kind in _COMPARED or kind in _CALLED:
        return _COMBINED[kind](_text(_value(node.this, known)), _text(_value(node.expression, known)))
    if kind in _TURNED:
        return _TURNED[kind](_text(_value(node.this, known)))
    raise Unclear


def _matches(node: Any, known: dict[str, str]) -> bool:
    if any(node.args.get(key) for key in ("flag", "options", "full_match")):
        raise Unclear
    name, pattern = _text(_value(node.this, known)), _text(_value(node.expression, known))
    if isinstance(node, (exp.Like, exp.ILike)):
        if "\\" in pattern:
            raise Unclear
        found = _like(pattern, "%", "_", name, re.I if isinstance(node, exp.ILike) else 0)
    elif isinstance(node, exp.Glob):
        if any(char in pattern for char in "[]\\"):
            raise Unclear
        found = _like(pattern, "*", "?", name, 0)
    elif isinstance(node, (exp.SimilarTo, exp.RegexpFullMatch)):
        found = expression(pattern).fullmatch(name) is not None
    else:
        found = expression(pattern, re.I if isinstance(node, exp.RegexpILike) else 0).search(name) is not None
    return found != bool(node.args.get("negate"))


_COMPARED: Final = (exp.EQ, exp.NEQ)
_CALLED: Final = (exp.StartsWith, exp.EndsWith, exp.Contains)
_COMBINED: Final[dict[Any, Callable[[str, str], bool]]] = {
    exp.EQ: lambda left, right: left == right,
    exp.NEQ: lambda left, right: left != right,
    exp.StartsWith: lambda text, part: text.startswith(part),
    exp.EndsWith: lambda text, part: text.endswith(part),
    exp.Contains: lambda text, part: part in text,
}
_TURNED: Final[dict[Any, Callable[[str], str]]] = {exp.Lower: str.lower, exp.Upper: str.upper}
