"""Macros and SQL functions given as text: read from CREATE MACRO or CREATE FUNCTION, and inlined by what they mean.

A call becomes the body with its parameters standing for the arguments, resolved where the call stands: parameters come
before columns, and what is neither is looked up around the call. Every argument is looked at, used or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlglot import exp

from headwater.assets.errors import SqlError
from headwater.lineage.sql.lexing import Lexeme, closing, lexemes, unquoted
from headwater.lineage.sql.parse import ParsedQuery, parse_query

_QUERY_WORDS = ("SELECT", "WITH", "FROM", "VALUES", "TABLE", "PIVOT", "UNPIVOT")
_MODIFIERS = ("OR", "REPLACE", "TEMP", "TEMPORARY", "SECURE", "ALTER", "IF", "NOT", "EXISTS", "AGGREGATE")


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """One body of a macro, for one number of parameters. A parameter without default has the empty text."""

    parameters: tuple[tuple[str, str], ...]
    body: ParsedQuery
    is_query: bool

    @property
    def node(self) -> Any:
        """The body: a query, or the expression."""
        return self.body.tree if self.is_query else self.body.tree.expressions[0].unalias()


@dataclass(frozen=True, slots=True, eq=False)
class Macro:
    """A macro by its lower-case name, without schema, with its variants."""

    name: str
    variants: tuple[Variant, ...]

    def variant(self, given: int) -> Variant:
        """Return the variant for a number of arguments; the first where none fits."""
        for variant in self.variants:
            required = sum(1 for _, default in variant.parameters if not default)
            if required <= given <= len(variant.parameters):
                return variant
        return self.variants[0]


@cache
def macro_of(text: str, dialect: str, name: str | None = None) -> Macro | None:
    """Return the macro that a CREATE MACRO or CREATE FUNCTION defines; None for any other text.

    `name` overrides the one in the text. Raises SqlError for a body that cannot be parsed.
    """
    words = lexemes(text, dialect)
    at = 0
    if not words or words[0].word != "CREATE":
        return None
    at = 1
    while at < len(words) and words[at].word in _MODIFIERS:
        at += 1
    if at >= len(words) or words[at].word not in ("MACRO", "FUNCTION"):
        return None
    at += 1
    while at < len(words) and words[at].word in ("IF", "NOT", "EXISTS"):
        at += 1
    opening = next((place for place in range(at, len(words)) if words[place].word == "("), None)
    if opening is None:
        return None
    if name is None:
        last = words[opening - 1]
        name = text[last.start : last.end].strip('"`[]')
    variants = list(_variants(text, dialect, words, opening))
    return Macro(name.lower().rsplit(".", 1)[-1], tuple(variants)) if variants else None


def _variants(text: str, dialect: str, words: Sequence[Lexeme], opening: int) -> Sequence[Variant]:
    found: list[Variant] = []
    while True:
        end = closing(list(words), opening)
        parameters = tuple(_parameters(text, words, opening + 1, end))
        at = end + 1
        while at < len(words) and words[at].word not in ("AS", "RETURN"):
            at = (closing(list(words), at) if words[at].word == "(" else at) + 1
        if at >= len(words):
            at = end + 1  # Hive: the body follows without a word
        in_block = False
        while at < len(words) and words[at].word in ("AS", "RETURN", "BEGIN", "TABLE"):
            in_block = in_block or words[at].word == "BEGIN"
            at += 1
        if at >= len(words):
            return found
        stop, following = _body_end(words, at)
        if in_block and words[stop - 1].word == "END":
            stop -= 1
        if words[at].text:
            body = unquoted(text[words[at].start : words[at].end])
        else:
            body = text[words[at].start : words[stop - 1].end]
        variant = _variant(parameters, body, dialect)
        if variant is None:
            return found
        found.append(variant)
        if following is None:
            return found
        opening = following


def _parameters(text: str, words: Sequence[Lexeme], start: int, end: int) -> Sequence[tuple[str, str]]:
    """Names in lower case, each with the text of its default, split at the commas of this level."""
    found: list[tuple[str, str]] = []
    item = start
    depth = 0
    for place in range(start, end + 1):
        word = words[place].word
        if (word == "," and depth == 0) or place == end:
            if place > item:
                found.append(_parameter(text, words[item:place]))
            item = place + 1
        depth += (word in ("(", "[", "{")) - (word in (")", "]", "}"))
    return found


def _parameter(text: str, words: Sequence[Lexeme]) -> tuple[str, str]:
    name = text[words[0].start : words[0].end].strip('"`').lower()
    for place in range(1, len(words)):
        pair = words[place].word + (words[place + 1].word if place + 1 < len(words) else "")
        if pair.startswith((":=", "=>")) or words[place].word in ("DEFAULT", ":=", ":"):
            first = place + (1 if words[place].word in ("DEFAULT", ":=") else 2)
            if first < len(words):
                return name, text[words[first].start : words[-1].end]
    return name, ""


def _body_end(words: Sequence[Lexeme], at: int) -> tuple[int, int | None]:
    """The index after a body, and where the parameters of the next variant open, or None."""
    depth = 0
    for place in range(at, len(words)):
        word = words[place].word
        if depth == 0 and word == "," and place + 1 < len(words) and words[place + 1].word == "(":
            after = closing(list(words), place + 1) + 1
            if after < len(words) and words[after].word == "AS":
                return place, place + 1
        if depth == 0 and (word == ";" or (word in ("LANGUAGE", "OPTIONS") and place > at)):
            return place, None
        depth += (word in ("(", "[", "{")) - (word in (")", "]", "}"))
    return len(words), None


def _variant(parameters: tuple[tuple[str, str], ...], body: str, dialect: str) -> Variant | None:
    bare = body.lstrip("( \n\t\r").split(None, 1)
    is_query = bool(bare) and bare[0].upper().rstrip("(") in _QUERY_WORDS
    try:
        if is_query and body.lstrip().startswith("(") and not body.rstrip(" \n\t\r;").endswith(")"):
            is_query = False  # `(select ...) + 1`
        query = parse_query(body if is_query else f"select {body}", dialect)
    except SqlError:
        if not is_query:
            raise
        query, is_query = parse_query(f"select {body}", dialect), False
    if is_query and not isinstance(query.tree, exp.Query):
        return None
    return Variant(parameters, query, is_query)


def arguments_of(call: Any) -> tuple[list[Any], dict[str, Any]]:
    """Return the positional and the named arguments of a call."""
    items: list[Any] = []
    for value in call.args.values():
        items += value if isinstance(value, list) else [value]
    given: list[Any] = []
    named: dict[str, Any] = {}
    for item in items:
        if isinstance(item, (exp.PropertyEQ, exp.Kwarg)):
            named[item.this.name.lower()] = item.expression
        elif isinstance(item, exp.Expr):
            given.append(item)
    return given, named
