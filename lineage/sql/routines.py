"""The headers of CREATE PROCEDURE, FUNCTION, TRIGGER and the like: where the body begins, and what it can name."""

from __future__ import annotations

from typing import Final

from headwater.lineage.sql.function_names import words as word_set
from headwater.lineage.sql.lexing import Lexeme, closing


def _upper(text: str) -> frozenset[str]:
    return frozenset(word.upper() for word in word_set(text))


_ROUTINES: Final = _upper("procedure proc trigger task package function")
_MODIFIERS: Final = _upper("or replace temp temporary secure editionable alter aggregate")
_BLOCKS: Final = _upper("begin declare")
_CHANGES: Final = _upper("select insert update delete merge")
_NO_PARAMETERS: Final = _upper("in out inout variadic") | {")", "."}


def routine_body(words: list[Lexeme], at: int) -> int | None:
    """Return the index after the header that begins at `at`, or None where none does or its body is one expression."""
    index = at + 1
    while _word(words, index) in _MODIFIERS:
        index += 1
    kind = _word(words, index)
    if kind not in _ROUTINES:
        return None
    depth = 0
    seen_name = False
    for place in range(index + 1, len(words)):
        word = words[place].word
        depth += (word == "(") - (word == ")")
        if depth:
            continue
        if word == ";":
            return None if kind == "FUNCTION" else place
        if word == "BEGIN":
            return place
        if word in ("AS", "IS"):
            following = _word(words, place + 1)
            if place + 1 < len(words) and words[place + 1].text:
                return place + 1
            if kind == "FUNCTION" and following not in _BLOCKS and not _has_begin(words[place : place + 60]):
                return None
            if word == "AS" and following in ("CALLER", "OWNER", "SELF"):
                continue  # EXECUTE AS CALLER
            return place + 1
        if seen_name and word in _CHANGES and kind in ("PROCEDURE", "PROC"):
            return place
        seen_name = True
    return None


def _word(words: list[Lexeme], index: int) -> str:
    return words[index].word if index < len(words) else ""


def _has_begin(following: list[Lexeme]) -> bool:
    """Whether declarations, up to a BEGIN, come before any query."""
    found = [lexeme.word for lexeme in following if lexeme.word in ("BEGIN", "SELECT", ";")]
    return bool(found) and (found[0] == "BEGIN" or (found[0] == ";" and "BEGIN" in found))


def parameters(words: list[Lexeme], at: int, body: int) -> set[str]:
    """Return the names of the parameters of a header, lower case, and those of the rows that a trigger sees."""
    names: set[str] = set()
    if any(words[place].word == "TRIGGER" for place in range(at, min(at + 6, body))):
        names |= {"new", "old", "inserted", "deleted"}
    opening = next((place for place in range(at, body) if words[place].word == "("), None)
    end = body if opening is None else closing(words, opening)
    start = (at + 2 if opening is None else opening) + 1
    depth, fresh = 0, True
    for place in range(start, end):
        word = words[place].word
        depth += (word in "([") - (word in ")]") if word else 0
        if fresh and word and word not in _NO_PARAMETERS:
            names.add(word.lower())
            fresh = False
        elif word == "," and depth == 0:
            fresh = True
    return names
