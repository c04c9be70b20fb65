"""What nests too deeply to be handed to a parser that recurses in C: it would end the process, not raise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot.tokenizer_core import Token, TokenType

from headwater.assets.errors import SqlError

DEEPEST: Final = 1_500  # open brackets of any kind; the parser gives up at about half of that, and dies at many times
LONGEST_CHAIN: Final = 300  # `a[1][2].f().g()`, `array<array<...`: the parser's time grows with the square of it
_T = TokenType
_OPENERS: Final = frozenset([_T.L_PAREN, _T.L_BRACKET, _T.L_BRACE])
_CLOSERS: Final = frozenset([_T.R_PAREN, _T.R_BRACKET, _T.R_BRACE])
_LT: Final = _T.LT
_IN_TYPES: Final = frozenset([_T.ARRAY, _T.STRUCT, _T.MAP, _T.LIST, _T.NESTED, _T.LT, _T.VAR, _T.COLON])
_NESTING: Final = (*_OPENERS, _LT)
_CHAINS: Final = frozenset([_T.DOT, _T.L_BRACKET])
_IN_CHAINS: Final = _OPENERS | _CLOSERS | {_T.DOT, _T.VAR}


def require_shallow(tokens: Sequence[Token]) -> None:
    """Raise SqlError, with line and column, for text that nests or chains more than any person or generator writes."""
    types = [token.token_type for token in tokens]
    if sum(map(types.count, _NESTING)) <= LONGEST_CHAIN:
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


def _error(token: Token, message: str, remedy: str) -> SqlError:
    return SqlError(f"The query cannot be parsed: {message}.", token.line, token.col, remedy)
