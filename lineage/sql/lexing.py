"""A lexer for cutting scripts into statements: words, literals and signs with their places, in any dialect.

The parser's own tokenizer swallows the rest of a statement after words such as EXECUTE; cutting needs less, and must
not be misled by a procedure in a language of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_BACKSLASH: Final = frozenset(
    ["mysql", "bigquery", "hive", "spark", "spark2", "databricks", "snowflake", "clickhouse", "doris", "starrocks"]
)
_HASH_COMMENT: Final = frozenset(["mysql", "bigquery"])
_BRACKETS: Final = frozenset(["tsql", "fabric", "sqlite"])


@dataclass(frozen=True, slots=True)
class Lexeme:
    """One word, literal or sign. `word` is upper case and empty for anything else than a bare word or a sign."""

    word: str
    start: int
    end: int
    text: bool = False  # whether it is a string literal


def lexemes(sql: str, dialect: str) -> list[Lexeme]:
    """Return the lexemes of a text without comments and white space, in order."""
    found: list[Lexeme] = []
    for match in _pattern(dialect).finditer(sql):
        kind = match.lastgroup
        if kind == "skip":
            continue
        if kind == "word" or kind == "sign":
            found.append(Lexeme(match.group().upper(), match.start(), match.end()))
        else:
            found.append(Lexeme("", match.start(), match.end(), kind == "string"))
    return found


_PATTERNS: dict[str, re.Pattern[str]] = {}


def _pattern(dialect: str) -> re.Pattern[str]:
    if dialect not in _PATTERNS:
        escape = r"|\\." if dialect in _BACKSLASH else ""
        plain = r"[^'\\]" if escape else "[^']"
        strings = [r'"""(?s:.*?)"""', r"'''(?s:.*?)'''"] if dialect == "bigquery" else []
        strings += [r"\$(?P<tag>\w*)\$(?s:.*?)\$(?P=tag)\$", rf"'(?:{plain}|''{escape})*'"]
        quoted = [r'"(?:[^"]|"")*"', r"`[^`]*`"]
        if dialect in _BRACKETS:
            quoted.append(r"\[(?:[^\]]|\]\])*\]")
        comments = [r"--[^\n]*", r"/\*(?s:.*?)\*/", r"\s+"]
        if dialect in _HASH_COMMENT:
            comments.append(r"\#[^\n]*")
        _PATTERNS[dialect] = re.compile(
            rf"(?P<skip>{'|'.join(comments)})|(?P<string>{'|'.join(strings)})|(?P<quoted>{'|'.join(quoted)})"
            r"|(?P<word>[@#:$]*\w[\w$#]*)|(?P<sign>.)",
            re.S,
        )
    return _PATTERNS[dialect]


def closing(words: list[Lexeme], opening: int) -> int:
    """Return the index of the parenthesis that closes the one at `opening`, or of the last lexeme."""
    depth = 0
    for index in range(opening, len(words)):
        if words[index].word == "(":
            depth += 1
        elif words[index].word == ")":
            depth -= 1
            if depth == 0:
                return index
    return len(words) - 1


def unquoted(literal: str) -> str:
    """Return the content of a string literal, or of a dollar quote."""
    if literal.startswith("$"):
        tag = literal[: literal.index("$", 1) + 1]
        return literal[len(tag) : -len(tag)]
    if literal[:3] in ('"""', "'''") and len(literal) >= 6:
        return literal[3:-3]
    return literal[1:-1].replace("''", "'").replace("\\'", "'")
