"""What nests too deeply to be handed to a parser that recurses in C: it would end the process, not raise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot.tokenizer_core import Token, TokenType

from headwater.assets.errors import SqlError

DEEPEST: Final = 1_500  # open brackets of any kind; the parser gives up at about half of that, and dies at many times
LONGEST_CHAIN: Final = 300  # `a[1][2].f().g()`, `array<array<...`: the parser's time grows with the square of it
MOST_PIVOTED: Final = 100_000  # columns of one PIVOT
_T = TokenType
_OPENERS: Final = frozenset([_T.L_PAREN, _T.L_BRACKET, _T.L_BRACE])
_CLOSERS: Final = frozenset([_T.R_PAREN, _T.R_BRACKET, _T.R_BRACE])
_LT: Final = _T.LT
_IN_TYPES: Final = frozenset([_T.ARRAY, _T.STRUCT, _T.MAP, _T.LIST, _T.NESTED, _T.LT, _T.VAR, _T.COLON])
_PIVOT: Final = _T.PIVOT
_CHAINS: Final = frozenset([_T.DOT, _T.L_BRACKET])
_IN_CHAINS: Final = _OPENERS | _CLOSERS | {_T.DOT, _T.VAR}


def require_shallow(sql: str, tokens: Sequence[Token], types: Sequence[TokenType]) -> None:
    """Raise SqlError, with line and column, for text that nests or chains more than any person or generator writes."""
    if _PIVOT in types:
        _require_few_pivots(tokens, types)
    if sum(map(sql.count, "([{<")) <= LONGEST_CHAIN:
        return
    chains = [0]
    angles = 0
    for index, type_ in enumerate(types):
        if type_ in _OPENERS:
            chains.append(0)
        elif type_ in _CLOSERS:
            if len(chains) > 1:
                chains.pop()
            if index + 1 < len(types) and types[index + 1] in _CHAINS:
                chains[-1] += 1
        elif type_ not in _IN_CHAINS:
            chains[-1] = 0
        angles = angles + (type_ is _LT) if type_ in _IN_TYPES else 0
        if len(chains) > DEEPEST:
            raise _error(tokens[index], f"more than {DEEPEST:,} brackets are open here", "Split it into CTEs.")
        if max(chains[-1], angles) > LONGEST_CHAIN:
            message = f"more than {LONGEST_CHAIN} calls, subscripts or types follow each other here"
            raise _error(tokens[index], message, "Do it in several columns.")


def _require_few_pivots(tokens: Sequence[Token], types: Sequence[TokenType]) -> None:
    """The parser names every column of a PIVOT, of which there are as many as the product of its lists."""
    columns = 1
    for index, type_ in enumerate(types):
        if type_ is _T.PIVOT:
            columns = 1
        elif type_ is _T.IN and index + 1 < len(types) and types[index + 1] is _T.L_PAREN:
            columns *= 1 + _commas(types, index + 2)
            if columns > MOST_PIVOTED:
                message = f"a PIVOT of more than {MOST_PIVOTED:,} columns"
                raise _error(tokens[index], message, "Pivot by fewer values.")


def _commas(types: Sequence[TokenType], start: int) -> int:
    depth = count = 0
    for index in range(start, len(types)):
        if types[index] in _OPENERS:
            depth += 1
        elif types[index] in _CLOSERS:
            if depth == 0:
                break
            depth -= 1
        elif depth == 0 and types[index] is _T.COMMA:
            count += 1
    return count


def _error(token: Token, message: str, remedy: str) -> SqlError:
    return SqlError(f"The query cannot be parsed: {message}.", token.line, token.col, remedy)
