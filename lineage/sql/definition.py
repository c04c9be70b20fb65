"""The definition hash of a query: SHA-256 of its tokens, with names replaced by what they mean.

Every token stays, so nothing that a parser's tree would drop or normalise is lost: JSON paths, spellings of functions,
sample clauses. Replaced are only: tables by their completed name and number, columns by the number of the table
reference and their name, CTE names and table aliases by scope order, stars by the columns they stand for. Left out are
white space, comments, redundant parentheses and case. Where the spelling of columns can become data (structs, PIVOT,
COLUMNS), they stay as written, and so do the names of tables where these can. Output names are appended, in order.
"""

from __future__ import annotations

import hashlib
import operator
import re
from collections.abc import Sequence
from typing import Final

from sqlglot.tokenizer_core import TokenType

from headwater.lineage.sql.context import Resolution
from headwater.lineage.sql.model import Relation
from headwater.lineage.sql.parentheses import redundant
from headwater.lineage.sql.parse import ParsedQuery

Words = list[str | None]  # None: it does not count
VERSION: Final = "headwater-sql-2"  # part of what is hashed; raise it when the encoding changes
_PLAIN_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*\Z")
_LAST_NAME: Final = re.compile(r'("(?:[^"]|"")*"|[^\s."]+)\s*\Z')
_COMMENT: Final = re.compile(r"--[^\n]*|/\*.*?\*/|#[^\n]*", re.S)

# Members by name of their own: looking one up in the enumeration costs five times as much.
_ALIAS: Final = TokenType.ALIAS
_COLON: Final = TokenType.COLON
_DCOLON: Final = TokenType.DCOLON
_DOT: Final = TokenType.DOT
_IDENTIFIER: Final = TokenType.IDENTIFIER
_L_PAREN: Final = TokenType.L_PAREN
_SEMICOLON: Final = TokenType.SEMICOLON
_STRING: Final = TokenType.STRING
_VAR: Final = TokenType.VAR


def definition_hash(resolution: Resolution, root: Relation) -> str:
    """Return the definition hash, in hexadecimal, of the resolved query whose result is `root`."""
    parts = [VERSION, resolution.query.dialect]
    parts += _tokens(resolution)
    parts.append("meanings")
    parts += [_sized(note) for note in resolution.notes]
    parts.append("outputs")
    exact = resolution.names_matter
    parts += [_sized(column.name if exact else column.name.lower()) for column in root.listed()]
    if root.is_open:
        parts.append("and unknown ones")
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def _sized(text: str) -> str:
    """Free text with its length in front, so that no text can look like two parts."""
    return f"{len(text)}:{text}"


def _tokens(resolution: Resolution) -> list[str]:
    """The words of the text, each as it counts."""
    query, exact = resolution.query, resolution.names_matter
    text, starts, ends, types = query.text, query.starts, query.ends, query.types
    plain = _with_case(query) if exact else query.words
    words: Words = [f"\x1e{word}" if type_ is _VAR else word for word, type_ in zip(plain, types, strict=True)]
    for index in [index for index, type_ in enumerate(types) if type_ in _FREE_OR_DOT]:
        if types[index] is not _DOT and types[index] is not _COLON:
            words[index] = _free(text[starts[index] : ends[index]], types, index, exact)
        elif index + 1 < len(types) and types[index + 1] is _VAR:
            words[index + 1] = f"\x1e{text[starts[index + 1] : ends[index + 1]]}"  # a field keeps its case
    uneven = {word for word in (set(plain) if exact else query.vocabulary) if _is_uneven(word)}
    for index in [index for index, word in enumerate(plain) if word in uneven] if uneven else ():
        if types[index] not in _FREE_OR_DOT:
            words[index] = _one_line(words[index] or "")
    inside = _replace(resolution, words)
    _note_gaps(query, words, inside)
    return [word for word in words if word is not None]


def _is_uneven(word: str) -> bool:
    """`group by` is one token, whatever white space and comments stand inside it."""
    return not word.isprintable() or (" " in word and _one_line(word) != word)


def _one_line(word: str) -> str:
    return " ".join(_COMMENT.sub(" ", word).split())


def _with_case(query: ParsedQuery) -> Sequence[str]:
    """The words as written, but for those that cannot be names: reserved ones, functions, and what is cast to."""
    before, types, after = (_SEMICOLON, *query.types), query.types, (*query.types[1:], _SEMICOLON)
    return [
        word if type_ in _RESERVED or after is _L_PAREN or before is _DCOLON else query.text[start:end]
        for word, before, type_, after, start, end in zip(
            query.words, before, types, after, query.starts, query.ends, strict=False
        )
    ]


def _free(text: str, types: Sequence[TokenType], index: int, exact: bool) -> str:
    """A token of free text: a literal stays as it is; a quoted name without need of its quotes is that name."""
    if types[index] is _IDENTIFIER and not exact and types[index - 1] is not _DOT:
        name = text[1:-1]
        if _PLAIN_NAME.match(name) is not None:
            return f"\x1e{name}"
    return _sized(text)


def _replace(resolution: Resolution, words: Words) -> set[int]:
    """Put what names mean in their place, and nothing where a word does not count; return the indexes within names."""
    query, exact, aliases = resolution.query, resolution.names_matter, resolution.aliases_matter
    starts, types = query.starts, query.types
    special = _special(resolution)
    inside: set[int] = set()
    until = 0  # the text up to here has been replaced already
    for index in [index for index, start in enumerate(starts) if start in special]:
        start = starts[index]
        if start < until:
            continue
        until, meaning = special[start]
        if meaning:
            words[index] = _with_spelling(meaning, query.text[start:until], aliases) if exact else meaning
        else:
            words[index] = None
            if types[index] is not _L_PAREN and index and types[index - 1] is _ALIAS:
                words[index - 1] = None  # the AS before an alias
        index += 1
        while index < len(starts) and starts[index] < until:
            words[index] = None
            inside.add(index)
            index += 1
    return inside


def _with_spelling(meaning: str, text: str, aliases: bool) -> str:
    """Return a meaning with how it is spelled: all of it, or of a column only its own name."""
    if aliases:
        return f"{meaning} {_sized(text)}"
    last = _LAST_NAME.search(text) if meaning.startswith("c") else None
    return meaning if last is None else f"{meaning} {_sized(last[0])}"


def _special(resolution: Resolution) -> dict[int, tuple[int, str]]:
    """Start of a span -> its end, and the text that stands for what it means; empty where it is left out."""
    special: dict[int, tuple[int, str]] = {}
    query = resolution.query
    for index in redundant(query.types):
        special[query.starts[index]] = (query.ends[index], "")
    for index in range(len(query.types) - 1, -1, -1):
        if query.types[index] is not _SEMICOLON:
            break
        special[query.starts[index]] = (query.ends[index], "")
    if not (resolution.names_matter and resolution.aliases_matter):
        special.update((start, (end, "")) for start, end in resolution.aliases)
    special.update(resolution.bound)
    for reference in resolution.references:
        if reference.start >= 0:
            special[reference.start] = (reference.end, f"t{_sized(reference.name)}#{reference.index}")
    for start, (first, description) in resolution.stars.items():
        special[first] = (start + 1, f"*{description}")
    for start, name in resolution.local_names.items():
        special[start] = (start + 1, f"l{name}")
    return special


_RESERVED: Final = frozenset(
    [
        TokenType.SELECT, TokenType.FROM, TokenType.WHERE, TokenType.GROUP_BY, TokenType.HAVING, TokenType.QUALIFY,
        TokenType.ORDER_BY, TokenType.PARTITION_BY, TokenType.LIMIT, TokenType.OFFSET, TokenType.UNION,
        TokenType.EXCEPT, TokenType.INTERSECT, TokenType.WITH, TokenType.ALIAS, TokenType.ON, TokenType.USING,
        TokenType.JOIN, TokenType.INNER, TokenType.LEFT, TokenType.RIGHT, TokenType.FULL, TokenType.CROSS,
        TokenType.NATURAL, TokenType.AND, TokenType.OR, TokenType.NOT, TokenType.IN, TokenType.IS, TokenType.NULL,
        TokenType.TRUE, TokenType.FALSE, TokenType.CASE, TokenType.WHEN, TokenType.THEN, TokenType.ELSE,
        TokenType.END, TokenType.DISTINCT, TokenType.ALL, TokenType.ASC, TokenType.DESC, TokenType.BETWEEN,
        TokenType.LIKE, TokenType.ILIKE, TokenType.EXISTS, TokenType.LATERAL, TokenType.ASOF, TokenType.SEMI,
        TokenType.ANTI, TokenType.OVER,
    ]
)  # fmt: skip
_FREE_OR_DOT: Final = frozenset(
    [
        TokenType.DOT, TokenType.COLON, TokenType.IDENTIFIER, TokenType.STRING, TokenType.HEREDOC_STRING,
        TokenType.BYTE_STRING, TokenType.RAW_STRING, TokenType.HEX_STRING,
        TokenType.BIT_STRING, TokenType.UNICODE_STRING, TokenType.NATIONAL_STRING,
    ]
)  # fmt: skip


def _note_gaps(query: ParsedQuery, words: Words, inside: set[int]) -> None:
    """White space and comments go; anything else between two tokens, which the tokenizer skipped, stays."""
    text, starts, ends, types = query.text, query.starts, query.ends, query.types
    strange = not _only_blanks_between(query)
    for index in [index for index, type_ in enumerate(types) if strange or type_ is _STRING]:
        if index in inside:
            continue
        gap, before = (text[ends[index - 1] : starts[index]], types[index - 1]) if index else (text[: starts[0]], None)
        word = words[index]
        note = ""
        if types[index] is _STRING and before is _STRING and "\n" in gap:
            note = "continued"  # 'a' and 'b' on the next line are one literal
        elif types[index] is _STRING and before is _VAR and not gap:
            note = "adjacent"  # x'ab' is not x 'ab'
        rest = "" if not gap or gap.isspace() else _COMMENT.sub("", gap).strip()
        if note or rest:
            own = () if word is None else (word,)
            words[index] = "\x1f".join([*([note] if note else ()), *([_sized(rest)] if rest else ()), *own])


def _only_blanks_between(query: ParsedQuery) -> bool:
    """Whether certainly nothing but white space stands between tokens, by counting: to look at each gap takes longer."""
    if not query.text.isascii() or not all(map(operator.le, query.ends, query.starts[1:])):
        return False  # the words may be longer than the text, or overlap
    text, within = query.text[: query.ends[-1]], "".join(query.words)
    return len(text) - len(within) == _blanks(text) - _blanks(within)


def _blanks(text: str) -> int:
    return text.count(" ") + text.count("\n") + text.count("\r") + text.count("\t")
