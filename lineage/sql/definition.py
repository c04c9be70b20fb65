"""The definition hash of a query: SHA-256 of its tokens, with names replaced by what they mean.

Every token stays, so nothing that a parser's tree would drop or normalise is lost: JSON paths, spellings of functions,
sample clauses. Replaced are only: tables by their completed name and number, columns by the number of the table
reference and their name, CTE names and table aliases by scope order, stars by the columns they stand for. Left out are
white space, comments, redundant parentheses and case. Where local names or their spelling can become data (structs of
rows, PIVOT, COLUMNS), names stay as written. Output names are appended, in order.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from sqlglot.tokenizer_core import Token, TokenType

from headwater.lineage.sql.context import Resolution
from headwater.lineage.sql.model import Relation
from headwater.lineage.sql.parentheses import redundant

VERSION: Final = "headwater-sql-1"  # part of what is hashed; raise it when the encoding changes
_QUOTED: Final = frozenset([TokenType.IDENTIFIER])
_PLAIN_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*\Z")
_COMMENT: Final = re.compile(r"--[^\n]*|/\*.*?\*/|#[^\n]*", re.S)


def definition_hash(resolution: Resolution, root: Relation) -> str:
    """Return the definition hash, in hexadecimal, of the resolved query whose result is `root`."""
    parts = [VERSION, resolution.query.dialect]
    parts += _tokens(resolution)
    parts.append("outputs")
    for column in root.listed():
        parts.append(f"o{column.name if resolution.names_matter else column.name.lower()}")
    if root.is_open:
        parts.append("and unknown ones")
    return hashlib.sha256("\x1f".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()


def _tokens(resolution: Resolution) -> list[str]:
    tokens = list(resolution.query.tokens)
    while tokens and tokens[-1].token_type is TokenType.SEMICOLON:
        tokens.pop()
    replaced = _replacements(resolution)
    aliases = set() if resolution.names_matter else {start for start, _ in resolution.aliases}
    gone = redundant(tokens)
    exact = resolution.names_matter
    out: list[str] = []
    until = 0  # the text up to here has been replaced already
    previous_end, previous = 0, TokenType.SEMICOLON
    for index, token in enumerate(tokens):
        start, end = token.start, token.end + 1
        if start < until:
            previous_end, previous = end, token.token_type
            continue
        if previous_end < start:
            _note_gap(resolution.query.text[previous_end:start], previous, token.token_type, out)
        elif token.token_type is TokenType.STRING and previous is TokenType.VAR:
            out.append("adjacent")  # x'ab' is not x 'ab'
        previous_end = end
        previous, before = token.token_type, previous
        if index in gone:
            continue
        if (replacement := replaced.get(start)) is not None:
            until, text = replacement
            out.append(text if not exact else text + " " + resolution.query.text[start:until])
        elif start in aliases:
            if before is TokenType.ALIAS and out and out[-1] == "kas":
                out.pop()
        else:
            out.append(_one(resolution.query.text[start:end], token, before, exact))
    return out


def _replacements(resolution: Resolution) -> dict[int, tuple[int, str]]:
    """Start of a span -> its end, and the text that stands for what it means."""
    replaced: dict[int, tuple[int, str]] = {}
    for bound in resolution.bound:
        replaced[bound.start] = (bound.end, f"c{bound.index}.{bound.column}")
    for reference in resolution.references:
        if reference.start >= 0:
            replaced[reference.start] = (reference.end, f"t{reference.name}#{reference.index}")
    for start, (first, description) in resolution.stars.items():
        replaced[first] = (start + 1, f"*{description}")
    for start, name in resolution.local_names.items():
        replaced[start] = (start + 1, f"l{name}")
    return replaced


def _one(text: str, token: Token, before: TokenType, exact: bool) -> str:
    """A token that stands for itself, with a tag of its kind."""
    type_ = token.token_type
    if type_ is TokenType.VAR:
        return f"i{text}" if exact or before is TokenType.DOT else f"i{text.lower()}"
    if type_ in _QUOTED:
        name = text[1:-1]
        plain = not exact and before is not TokenType.DOT and _PLAIN_NAME.match(name) is not None
        return f"i{name}" if plain else f"q{text}"
    if type_ in _VERBATIM:
        return f"v{text}"
    if exact and text.isidentifier():
        return f"k{text}"
    if text.isalnum() or len(text) < 4:
        return f"k{text.lower()}"
    return f"k{' '.join(_COMMENT.sub(' ', text).lower().split())}"  # `group by` is one token, whatever stands inside


_VERBATIM: Final = frozenset(
    [
        TokenType.STRING, TokenType.HEREDOC_STRING, TokenType.BYTE_STRING, TokenType.RAW_STRING, TokenType.HEX_STRING,
        TokenType.BIT_STRING, TokenType.UNICODE_STRING, TokenType.NATIONAL_STRING,
    ]
)  # fmt: skip


def _note_gap(gap: str, before: TokenType, after: TokenType, out: list[str]) -> None:
    """White space and comments go; anything else between two tokens, which the tokenizer skipped, stays."""
    if before is TokenType.STRING and after is TokenType.STRING and "\n" in gap:
        out.append("continued")  # 'a' and 'b' on the next line are one literal
    if not gap.isspace() and (rest := _COMMENT.sub("", gap).strip()):
        out.append(f"g{rest}")
