"""The definition hash of a query: SHA-256 of its tokens, with names replaced by what they mean.

Every token stays, so nothing that a parser's tree would drop or normalise is lost: JSON paths, spellings of functions,
sample clauses. Replaced are only: tables by their completed name and number, columns by the number of the table
reference and their name, CTE names and table aliases by scope order, stars by the columns they stand for. Left out are
white space, comments, redundant parentheses and case. Where the spelling of columns can become data (structs, PIVOT,
COLUMNS), they stay as written, and so do the names of tables where these can. Output names are appended, in order.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from sqlglot.tokenizer_core import TokenType

from headwater.lineage.sql.context import Resolution
from headwater.lineage.sql.model import Relation
from headwater.lineage.sql.parentheses import redundant

VERSION: Final = "headwater-sql-1"  # part of what is hashed; raise it when the encoding changes
_PLAIN_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*\Z")
_LAST_NAME: Final = re.compile(r'("(?:[^"]|"")*"|[^\s."]+)\s*\Z')
_COMMENT: Final = re.compile(r"--[^\n]*|/\*.*?\*/|#[^\n]*", re.S)


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
    query = resolution.query
    text, exact, aliases = query.text, resolution.names_matter, resolution.aliases_matter
    lowered = text.lower()
    if exact or len(lowered) != len(text):
        lowered = text
    special = _special(resolution)
    out: list[str] = []
    until = 0  # the text up to here has been replaced already
    end, type_ = 0, TokenType.SEMICOLON
    for start, next_end, next_type in zip(query.starts, query.ends, query.types, strict=True):
        before, previous_end, type_, end = type_, end, next_type, next_end
        if start < until:
            continue
        if previous_end != start:
            gap = text[previous_end:start]
            if gap != " " and (type_ is TokenType.STRING or not gap.isspace()):
                _note_gap(gap, before, type_, out)
        elif type_ is TokenType.STRING and before is TokenType.VAR:
            out.append("adjacent")  # x'ab' is not x 'ab'
        if (replacement := special.get(start)) is not None:
            until, meaning = replacement
            if meaning:
                out.append(_with_spelling(meaning, text[start:until], aliases) if exact else meaning)
            elif before is TokenType.ALIAS and type_ is not TokenType.L_PAREN and out and out[-1] == "as":
                out.pop()
        elif type_ is TokenType.VAR:
            out.append(f"\x1e{text[start:end] if before is TokenType.DOT else lowered[start:end]}")
        elif type_ in _FREE:
            out.append(_free(text[start:end], type_, before, exact))
        else:
            word = lowered[start:end]
            out.append(word if word.isalnum() or len(word) < 4 else " ".join(_COMMENT.sub(" ", word).split()))
    return out


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
        if query.types[index] is not TokenType.SEMICOLON:
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


def _free(text: str, type_: TokenType, before: TokenType, exact: bool) -> str:
    """A token of free text: a literal stays as it is; a quoted name without need of its quotes is that name."""
    if type_ is TokenType.IDENTIFIER:
        name = text[1:-1]
        if not exact and before is not TokenType.DOT and _PLAIN_NAME.match(name) is not None:
            return f"\x1e{name}"
    return _sized(text)


_FREE: Final = frozenset(
    [
        TokenType.IDENTIFIER, TokenType.STRING, TokenType.HEREDOC_STRING,
        TokenType.BYTE_STRING, TokenType.RAW_STRING, TokenType.HEX_STRING,
        TokenType.BIT_STRING, TokenType.UNICODE_STRING, TokenType.NATIONAL_STRING,
    ]
)  # fmt: skip


def _note_gap(gap: str, before: TokenType, after: TokenType, out: list[str]) -> None:
    """White space and comments go; anything else between two tokens, which the tokenizer skipped, stays."""
    if before is TokenType.STRING and after is TokenType.STRING and "\n" in gap:
        out.append("continued")  # 'a' and 'b' on the next line are one literal
    if not gap.isspace() and (rest := _COMMENT.sub("", gap).strip()):
        out.append(_sized(rest))
