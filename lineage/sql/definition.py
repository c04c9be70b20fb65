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
_PARAMETER: Final = TokenType.PARAMETER
_SEMICOLON: Final = TokenType.SEMICOLON
_STRING: Final = TokenType.STRING
_VAR: Final = TokenType.VAR


class Definition:
    """All that the definition hash of a resolved query is made of.

    The hash is asked for later, or never, so this holds neither the tree nor the graph, which are large. Text and
    numbers alone: there is nothing in it that could fail.
    """

    __slots__ = (
        "aliases", "aliases_matter", "bound", "dialect", "ends", "exact", "identities", "is_open", "local_names",
        "notes", "outputs", "references", "stars", "starts", "text", "types", "vocabulary", "words",
    )  # fmt: skip

    def __init__(self, resolution: Resolution, root: Relation) -> None:
        query = resolution.query
        self.text, self.dialect = query.text, query.dialect
        self.starts, self.ends, self.types = query.starts, query.ends, query.types
        self.words, self.vocabulary = query.words, query.vocabulary
        self.exact, self.aliases_matter = resolution.names_matter, resolution.aliases_matter
        self.aliases, self.bound, self.stars = resolution.aliases, resolution.bound, resolution.stars
        self.references, self.local_names = resolution.references, resolution.local_names
        self.identities = resolution.identities
        self.notes = resolution.notes
        self.outputs = [column.name for column in root.listed()]
        self.is_open = root.is_open

    def hash(self) -> str:
        """Return the definition hash, in hexadecimal."""
        parts = [VERSION, self.dialect]
        parts += _tokens(self)
        parts.append("meanings")
        parts += [_sized(note) for note in self.notes]
        parts.append("outputs")
        parts += [_sized(name if self.exact else name.lower()) for name in self.outputs]
        if self.is_open:
            parts.append("and unknown ones")
        # A text has no half characters, but the names of a schema may: nobody expects an error this late.
        return hashlib.sha256("\x1f".join(parts).encode(errors="surrogatepass")).hexdigest()

    def meanings(self) -> tuple[Words, set[int]]:
        """Return what every token counts as (None: nothing), and the indexes of those that an earlier one stands for.

        What the hash is made of, token by token, so that two texts can be compared where they differ.
        """
        return _words(self)


def _sized(text: str) -> str:
    """Free text with its length in front, so that no text can look like two parts."""
    return f"{len(text)}:{text}"


def _tokens(it: Definition) -> list[str]:
    """The words of the text, each as it counts."""
    return [word for word in _words(it)[0] if word is not None]


def _words(it: Definition) -> tuple[Words, set[int]]:
    """What every token counts as, and the indexes of those within names that an earlier one stands for."""
    text, starts, ends, types, exact = it.text, it.starts, it.ends, it.types, it.exact
    plain = _with_case(it) if exact else it.words
    words: Words = [f"\x1e{word}" if type_ is _VAR else word for word, type_ in zip(plain, types, strict=True)]
    for index in [index for index, type_ in enumerate(types) if type_ in _FREE_OR_DOT]:
        if types[index] is not _DOT and types[index] is not _COLON:
            words[index] = _free(text[starts[index] : ends[index]], types, index, exact)
        elif index + 1 < len(types) and types[index + 1] is _VAR:
            words[index + 1] = f"\x1e{text[starts[index + 1] : ends[index + 1]]}"  # a field keeps its case
    uneven = {word for word in (set(plain) if exact else it.vocabulary) if _is_uneven(word)}
    for index in [index for index, word in enumerate(plain) if word in uneven] if uneven else ():
        if types[index] not in _FREE_OR_DOT:
            words[index] = _one_line(words[index] or "")
    inside = _replace(it, words)
    _note_gaps(it, words, inside)
    return words, inside


def _with_parameters(it: Definition) -> Sequence[TokenType]:
    """The types of the tokens, `$name` being an operand: not so `@`, which is an operator in some dialects."""
    if _PARAMETER not in it.types:
        return it.types
    return [
        _VAR if type_ is _PARAMETER and it.text[start] == "$" else type_
        for type_, start in zip(it.types, it.starts, strict=True)
    ]


def _is_uneven(word: str) -> bool:
    """`group by` is one token, whatever white space and comments stand inside it."""
    return not word.isprintable() or (" " in word and _one_line(word) != word)


def _one_line(word: str) -> str:
    return " ".join(_COMMENT.sub(" ", word).split())


def _with_case(it: Definition) -> Sequence[str]:
    """The words as written, but for those that cannot be names: reserved ones, functions, and what is cast to."""
    before, types, after = (_SEMICOLON, *it.types), it.types, (*it.types[1:], _SEMICOLON)
    return [
        word if type_ in _RESERVED or after is _L_PAREN or before is _DCOLON else it.text[start:end]
        for word, before, type_, after, start, end in zip(
            it.words, before, types, after, it.starts, it.ends, strict=False
        )
    ]


def _free(text: str, types: Sequence[TokenType], index: int, exact: bool) -> str:
    """A token of free text: a literal stays as it is; a quoted name without need of its quotes is that name."""
    if types[index] is _IDENTIFIER and not exact and types[index - 1] is not _DOT:
        name = text[1:-1]
        if _PLAIN_NAME.match(name) is not None:
            return f"\x1e{name}"
    return _sized(text)


def _replace(it: Definition, words: Words) -> set[int]:
    """Put what names mean in their place, and nothing where a word does not count; return the indexes within names."""
    starts, types = it.starts, it.types
    special = _special(it)
    inside: set[int] = set()
    until = 0  # the text up to here has been replaced already
    for index in [index for index, start in enumerate(starts) if start in special]:
        start = starts[index]
        if start < until:
            continue
        until, meaning = special[start]
        if meaning:
            words[index] = _with_spelling(meaning, it.text[start:until], it.aliases_matter) if it.exact else meaning
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


def _special(it: Definition) -> dict[int, tuple[int, str]]:
    """Start of a span -> its end, and the text that stands for what it means; empty where it is left out."""
    special: dict[int, tuple[int, str]] = {}
    for index in redundant(_with_parameters(it)):
        special[it.starts[index]] = (it.ends[index], "")
    for index in range(len(it.types) - 1, -1, -1):
        if it.types[index] is not _SEMICOLON:
            break
        special[it.starts[index]] = (it.ends[index], "")
    if not (it.exact and it.aliases_matter):
        special.update((start, (end, "")) for start, end in it.aliases)
    special.update(it.bound)
    for reference in it.references:
        if reference.start >= 0:
            name = it.identities.get(reference.name.lower(), reference.name)
            special[reference.start] = (reference.end, f"t{_sized(name)}#{reference.index}")
    for start, (first, description) in it.stars.items():
        special[first] = (start + 1, f"*{description}")
    for start, name in it.local_names.items():
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


def _note_gaps(it: Definition, words: Words, inside: set[int]) -> None:
    """White space and comments go; anything else between two tokens, which the tokenizer skipped, stays."""
    text, starts, ends, types = it.text, it.starts, it.ends, it.types
    strange = not _only_blanks_between(it)
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


def _only_blanks_between(it: Definition) -> bool:
    """Whether certainly nothing but white space stands between tokens, by counting, as looking at each takes longer."""
    if not it.text.isascii() or not all(map(operator.le, it.ends, it.starts[1:])):
        return False  # the words may be longer than the text, or overlap
    text, within = it.text[: it.ends[-1]], "".join(it.words)
    return len(text) - len(within) == _blanks(text) - _blanks(within)


def _blanks(text: str) -> int:
    return text.count(" ") + text.count("\n") + text.count("\r") + text.count("\t")
