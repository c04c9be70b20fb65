"""The places in the user's own text that the engine run replaces, and the replacing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from sqlglot.tokenizer_core import Token, TokenType

from headwater.assets.errors import SqlError
from headwater.lineage.sql import functions
from headwater.lineage.sql.analysis import Analysis, Edit
from headwater.lineage.sql.context import Resolution
from headwater.lineage.sql.model import TableReference
from headwater.lineage.sql.parse import ParsedQuery

_CLOCK_WORDS = functions.REPLACEABLE_CLOCK | {"age"}
Clock = Callable[[str], str] | Mapping[str, str]


def find_edits(resolution: Resolution) -> tuple[Edit, ...]:
    """Return every edit of a resolved query, in text order."""
    aliases = _aliases(resolution)
    edits = [*_tables(aliases), *_qualifiers(resolution, aliases), *parameter_edits(resolution.query)]
    edits += clock_edits(resolution.query)
    return tuple(sorted(edits, key=lambda edit: (edit.start, edit.end)))


def _tables(aliases: list[tuple[TableReference, str]]) -> list[Edit]:
    return [
        Edit("TABLE", reference.start, reference.end, reference.name, None if reference.has_alias else alias)
        for reference, alias in aliases
        if reference.start >= 0
    ]


def _aliases(resolution: Resolution) -> list[tuple[TableReference, str]]:
    """The alias under which each table goes on: its own name, or all of it where another table shares the last part."""
    holders: dict[str, str] = {}
    aliases = []
    for reference in sorted(resolution.references, key=lambda reference: reference.start):
        alone = reference.has_alias or holders.setdefault(reference.parts[-1], reference.name) == reference.name
        aliases.append((reference, reference.alias_text if alone else "__".join(reference.parts)))
    return aliases


def _qualifiers(resolution: Resolution, aliases: list[tuple[TableReference, str]]) -> list[Edit]:
    edits = {}
    named = {id(reference): alias for reference, alias in aliases if not reference.has_alias}
    for start, end, reference in resolution.qualifiers:
        alias = named.get(id(reference))
        if alias is not None and resolution.query.text[start:end].strip('"').lower() != alias.lower():
            edits[start] = Edit("QUALIFIER", start, end, reference.name, alias)
    return list(edits.values())


def parameter_edits(query: ParsedQuery) -> list[Edit]:
    """Return the places of `$name` and `$name.part`."""
    edits: list[Edit] = []
    tokens = query.tokens
    if "$" not in query.text:
        return edits
    for index, token in enumerate(tokens):
        if token.token_type is not TokenType.PARAMETER or query.text[token.start : token.end + 1] != "$":
            continue
        end = token.end + 1
        at = index + 1
        if at < len(tokens) and tokens[at].start == end and _is_word(query.text, tokens[at]):
            end = tokens[at].end + 1
            while _dotted(query.text, tokens, at + 1, end):
                at += 2
                end = tokens[at].end + 1
            edits.append(Edit("PARAMETER", token.start, end, query.text[token.start + 1 : end]))
    return edits


def _dotted(text: str, tokens: tuple[Token, ...], at: int, end: int) -> bool:
    return (
        at + 1 < len(tokens)
        and tokens[at].token_type is TokenType.DOT
        and tokens[at].start == end
        and tokens[at + 1].start == end + 1
        and _is_word(text, tokens[at + 1])
    )


def _is_word(text: str, token: Token) -> bool:
    first = text[token.start]
    return first.isalnum() or first == "_"


def clock_edits(query: ParsedQuery) -> list[Edit]:
    """Return the places of clock functions. One-argument `age(` gets an empty span, where its first argument goes."""
    edits: list[Edit] = []
    tokens = query.tokens
    if _CLOCK_WORDS.isdisjoint(query.vocabulary):
        return edits
    for index, name in enumerate(query.words):
        if name not in _CLOCK_WORDS:
            continue
        token = tokens[index]
        if index and tokens[index - 1].token_type is TokenType.DOT:
            continue
        closing = _call_end(tokens, index)
        if name == "age":
            if closing is not None and _arguments(tokens, index + 1, closing) == 1:
                place = tokens[index + 1].end + 1
                edits.append(Edit("CLOCK", place, place, name))
        elif closing is None:
            if token.token_type not in (TokenType.VAR, TokenType.IDENTIFIER):
                edits.append(Edit("CLOCK", token.start, token.end + 1, name))
        elif _arguments(tokens, index + 1, closing) == 0:
            edits.append(Edit("CLOCK", token.start, tokens[closing].end + 1, name))
    return edits


def _call_end(tokens: tuple[Token, ...], index: int) -> int | None:
    """The index of the parenthesis that closes the call of the function named at `index`, or None."""
    if index + 1 >= len(tokens) or tokens[index + 1].token_type is not TokenType.L_PAREN:
        return None
    depth = 0
    for at in range(index + 1, len(tokens)):
        if tokens[at].token_type is TokenType.L_PAREN:
            depth += 1
        elif tokens[at].token_type is TokenType.R_PAREN:
            depth -= 1
            if depth == 0:
                return at
    return None


def _arguments(tokens: tuple[Token, ...], opening: int, closing: int) -> int:
    if closing == opening + 1:
        return 0
    depth = count = 0
    for at in range(opening + 1, closing):
        kind = tokens[at].token_type
        if kind in (TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE):
            depth += 1
        elif kind in (TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE):
            depth -= 1
        elif kind is TokenType.COMMA and depth == 0:
            count += 1
    return count + 1


def apply_edits(sql: str, edits: Iterable[tuple[Edit, str]]) -> str:
    """Return `sql` with the span of each edit replaced by its text; the rest stays byte for byte.

    Raises ValueError where edits overlap.
    """
    parts: list[str] = []
    at = 0
    for edit, replacement in sorted(edits, key=lambda pair: (pair[0].start, pair[0].end)):
        if edit.start < at:
            raise ValueError(f"edits overlap at {edit.start}")
        parts += [sql[at : edit.start], replacement]
        at = edit.end
    parts.append(sql[at:])
    return "".join(parts)


def render(sql: str, analysis: Analysis, tables: Mapping[str, str], parameters: Mapping[str, str], clock: Clock) -> str:
    """Return the text that the engine runs.

    `tables` maps table names to quoted relations, `parameters` names to literals, and `clock` gives the literal for a
    clock function by its lower-case name (for `age`: what it is counted from). A table that is not in `tables` stays as
    written. Raises SqlError for a parameter or clock function without a value.
    """
    return apply_edits(sql, [(edit, _replacement(sql, edit, tables, parameters, clock)) for edit in analysis.edits])


def _replacement(sql: str, edit: Edit, tables: Mapping[str, str], parameters: Mapping[str, str], clock: Clock) -> str:
    written = sql[edit.start : edit.end]
    if edit.kind == "TABLE":
        if edit.name not in tables:
            return written
        return tables[edit.name] + (f" AS {quote(edit.alias)}" if edit.alias is not None else "")
    if edit.kind == "QUALIFIER":
        return quote(edit.alias or "") if edit.name in tables else written
    if edit.kind == "PARAMETER":
        if edit.name not in parameters:
            raise SqlError(f"The parameter ${edit.name} has no value here.", *_place(sql, edit))
        return parameters[edit.name]
    literal = clock.get(edit.name) if isinstance(clock, Mapping) else clock(edit.name)
    if literal is None:
        raise SqlError(f"The clock function {edit.name} has no value here.", *_place(sql, edit))
    return f"{literal}, " if edit.name == "age" else literal


def quote(name: str) -> str:
    """Return a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def _place(sql: str, edit: Edit) -> tuple[int, int]:
    before = sql[: edit.start]
    return before.count("\n") + 1, edit.start - (before.rfind("\n") + 1) + 1
