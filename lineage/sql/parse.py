"""One parse of one SQL text: the tokens and the tree that every later pass shares."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

from sqlglot import Dialect, ErrorLevel, exp
from sqlglot.errors import ParseError, SqlglotError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from headwater.assets.errors import SqlError
from headwater.lineage.sql import repairs
from headwater.lineage.sql.nesting import require_shallow
from headwater.lineage.sql.templates import filled_in

# sqlglot warns where it falls back to an opaque command; we turn those into errors ourselves.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)

MAX_TEXT = 4_000_000  # characters; a guard, far above any query a person or a generator writes
# A literal or quoted name, which stays (group 1), or a comment.
_COMMENT = re.compile(r"""('(?:[^'\\]|''|\\.)*'|"(?:[^"]|"")*"|\$(\w*)\$.*?\$\2\$)|--[^\n]*|/\*.*?\*/""", re.S)
_HALF = re.compile("[\ud800-\udfff]")  # a lone surrogate, which no encoding of text can hold
_ANSI = re.compile(r"\x1b\[\d*m")


@dataclass(frozen=True, slots=True, eq=False)
class ParsedQuery:
    """A parsed text. `tree` is the first statement; `statements` is how many there are. All of it is read-only."""

    text: str
    dialect: str
    tokens: tuple[Token, ...]
    tree: exp.Expr
    statements: int
    starts: tuple[int, ...]  # of each token, in characters
    ends: tuple[int, ...]  # exclusive
    types: tuple[TokenType, ...]
    words: tuple[str, ...]  # the text of each token in lower case
    vocabulary: frozenset[str]  # each word once: a quarter of them, and enough for most questions
    templated: bool = False  # whether placeholders of a template were replaced to parse it

    def place(self, offset: int) -> tuple[int, int]:
        """Return the line and column (from 1) of a character offset."""
        return line_and_column(self.text, offset)


def parse_query(sql: str, dialect: str = "duckdb") -> ParsedQuery:
    """Parse `sql` once.

    Raises SqlError with line and column for text that cannot be parsed, that nests too deeply, or that is empty.
    """
    _guard(sql)
    engine = _dialect(dialect)
    try:
        tokens, types, trees = _parse(engine, sql, dialect)
        if "{{" in sql and _holds_placeholders(tokens) and (filled := filled_in(sql)) is not None:
            return replace(parse_query(filled, dialect), templated=True)
    except ParseError as error:
        if (filled := filled_in(sql)) is None:
            raise _from_parse_error(sql, error) from None
        return replace(parse_query(filled, dialect), templated=True)
    except TokenError:
        message = "The text cannot be split into words: a quote or a comment is not closed."
        raise SqlError(message, *line_and_column(sql, len(sql))) from None
    except RecursionError:
        raise SqlError("The query is nested too deeply to be analysed.", 1, 1, "Split it into CTEs.") from None
    except (SqlglotError, ValueError, IndexError, AttributeError, TypeError, KeyError) as error:
        raise SqlError(f"The query cannot be parsed: {_first_line(str(error))}", 1, 1) from None
    statements = [tree for tree in trees if tree is not None and not isinstance(tree, exp.Semicolon)]
    if not statements:
        raise SqlError("The text holds no SQL statement.", 1, 1, "Write one query.")
    starts = tuple([token.start for token in tokens])
    ends = tuple([token.end + 1 for token in tokens])
    words = _words(sql, starts, ends)
    return ParsedQuery(
        sql, dialect, tuple(tokens), statements[0], len(statements), starts, ends, types, words, frozenset(words)
    )


def _words(sql: str, starts: tuple[int, ...], ends: tuple[int, ...]) -> tuple[str, ...]:
    text = sql.lower()
    if len(text) != len(sql):  # some letters are two in lower case, which would move every place after them
        return tuple([sql[start:end].lower() for start, end in zip(starts, ends, strict=True)])
    return tuple([text[start:end] for start, end in zip(starts, ends, strict=True)])


def _parse(engine: Dialect, sql: str, dialect: str) -> tuple[list[Token], tuple[TokenType, ...], list[exp.Expr | None]]:
    duckdb = dialect == "duckdb"
    tokens = engine.tokenize(sql)
    types = _types(tokens)
    require_shallow(sql, tokens, types)
    read = repairs.repaired(tokens, refused=False) if duckdb and repairs.may_be_misread(sql.lower()) else tokens
    try:
        return tokens, types, engine.parser(error_level=ErrorLevel.IMMEDIATE).parse(read, sql)
    except ParseError as error:
        # The parser reads `group by` as one token and stumbles over a comment inside it; blanks keep every position.
        blanked = _COMMENT.sub(lambda part: part[1] or re.sub(r"[^\n]", " ", part[0]), sql)
        tokens = tokens if blanked == sql else engine.tokenize(blanked)
        read = repairs.repaired(tokens, refused=True) if duckdb else tokens
        if blanked == sql and not duckdb:
            raise
        try:
            return tokens, _types(tokens), engine.parser(error_level=ErrorLevel.IMMEDIATE).parse(read, sql)
        except ParseError:
            raise error from None


def _holds_placeholders(tokens: list[Token]) -> bool:
    """Whether `{{` stands where no value can: the parser takes it for a struct in a struct without a name."""
    brace = TokenType.L_BRACE
    return any(
        token.token_type is brace and next_.token_type is brace and not (at and tokens[at - 1].text.lower() == "map")
        for at, (token, next_) in enumerate(pairwise(tokens))
    )


def _types(tokens: list[Token]) -> tuple[TokenType, ...]:
    return tuple([token.token_type for token in tokens])


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Return the line and column (from 1) of a character offset."""
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


@cache
def _dialect(name: str) -> Dialect:
    try:
        return Dialect.get_or_raise(name or None)
    except ValueError:
        raise SqlError(
            f"Unknown SQL dialect '{name}'.", remedy="See the list of dialects that sqlglot knows."
        ) from None


def _guard(sql: str) -> None:
    if len(sql) > MAX_TEXT:
        raise SqlError(f"The query is longer than {MAX_TEXT:,} characters.", 1, 1, "Move constants into a table.")
    if (null := sql.find("\x00")) >= 0:
        raise SqlError("The text contains a null byte.", *line_and_column(sql, null), "Remove it.")
    if not sql.isascii() and (half := _HALF.search(sql)) is not None:
        raise SqlError("The text contains half of a character.", *line_and_column(sql, half.start()), "Remove it.")


def _from_parse_error(sql: str, error: ParseError) -> SqlError:
    details = error.errors[0] if error.errors else {}
    description = str(details.get("description") or _first_line(str(error)))
    description = re.sub(
        r"Required keyword: '\w+' missing for <class '[\w.]*?(\w+)'>",
        lambda part: f"a part of the {part[1].lower()} here is missing",
        description,
    )
    description = re.sub(r"<Token [^>]*SENTINEL[^>]*>", "the end of the text", description)
    description = re.sub(r"<Token [^>]*?text: (.*?), line: [^>]*>", r"'\1'", description)
    highlight, before = details.get("highlight"), details.get("start_context")
    line, column = details.get("line"), details.get("col")
    if highlight and before is not None and (start := sql.find(before + highlight)) >= 0:
        line, column = line_and_column(sql, start + len(before))
    return SqlError(f"The query cannot be parsed: {description.rstrip('.')}.", line or 1, column or 1)


def _first_line(message: str) -> str:
    return _ANSI.sub("", message).split("\n", 1)[0].strip()
