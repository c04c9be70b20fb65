"""Which parentheses are certainly redundant.

Judged on tokens, by operators whose precedence every dialect agrees on, never on the parser's tree: where the parser
and the engine disagree about a precedence (`j -> 'a' = 1`), parentheses that look redundant in the tree are not.
A pair that cannot be proven redundant stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot.tokenizer_core import TokenType

_T = TokenType
PRECEDENCE: Final = {
    _T.OR: 1, _T.AND: 2, _T.EQ: 5, _T.NEQ: 5, _T.LT: 5, _T.LTE: 5, _T.GT: 5, _T.GTE: 5,
    _T.PLUS: 7, _T.DASH: 7, _T.STAR: 8, _T.SLASH: 8, _T.MOD: 8,
}  # fmt: skip
_COMPARISON: Final = 5
_OPENERS: Final = frozenset(
    [_T.SELECT, _T.COMMA, _T.L_PAREN, _T.WHERE, _T.HAVING, _T.QUALIFY, _T.WHEN, _T.THEN, _T.ELSE]
)
_BY: Final = frozenset([_T.GROUP_BY, _T.ORDER_BY, _T.PARTITION_BY])
_CLOSERS: Final = frozenset(
    [
        _T.COMMA, _T.R_PAREN, _T.FROM, _T.WHERE, _T.GROUP_BY, _T.HAVING, _T.QUALIFY, _T.ORDER_BY, _T.LIMIT, _T.UNION,
        _T.EXCEPT, _T.INTERSECT, _T.THEN, _T.ELSE, _T.END, _T.WHEN, _T.ALIAS, _T.JOIN, _T.LEFT, _T.RIGHT, _T.FULL,
        _T.INNER, _T.CROSS, _T.NATURAL, _T.SEMICOLON, _T.WINDOW, _T.ASC, _T.DESC,
    ]
)  # fmt: skip
_OPERANDS: Final = frozenset([_T.VAR, _T.IDENTIFIER, _T.STRING, _T.NUMBER, _T.DOT, _T.TRUE, _T.FALSE, _T.NULL])
_UNSURE: Final = frozenset(
    [_T.IS, _T.IN, _T.LIKE, _T.ILIKE, _T.BETWEEN, _T.DPIPE, _T.DCOLON, _T.ARROW, _T.DARROW, _T.NOT, _T.EXISTS, _T.INT,
     _T.DATE, _T.BIGINT, _T.VARCHAR, _T.TEXT, _T.DECIMAL, _T.DOUBLE, _T.TIMESTAMP, _T.BOOLEAN, _T.INTERVAL]
)  # fmt: skip
_OPEN: Final = frozenset([_T.L_PAREN, _T.L_BRACKET, _T.L_BRACE, _T.CASE])
_CLOSE: Final = frozenset([_T.R_PAREN, _T.R_BRACKET, _T.R_BRACE, _T.END])
_STRUCTURE: Final = _OPEN | _CLOSE | {_T.BETWEEN}
_NO_OPERATOR: Final = 100
# Members by name of their own: looking one up in the enumeration costs five times as much.
_BETWEEN: Final = _T.BETWEEN
_DASH: Final = _T.DASH
_DISTINCT: Final = _T.DISTINCT
_FROM: Final = _T.FROM
_L_PAREN: Final = _T.L_PAREN
_NUMBER: Final = _T.NUMBER
_ON: Final = _T.ON
_PLUS: Final = _T.PLUS
_SELECT: Final = _T.SELECT
_STAR: Final = _T.STAR
_TILDE: Final = _T.TILDE
_VALUES: Final = _T.VALUES
_WITH: Final = _T.WITH


class _Inside:
    """What stands between two parentheses, at their own level."""

    __slots__ = ("atom", "known", "lowest", "number", "valid")

    def __init__(self) -> None:
        self.valid = True  # only operands and operators
        self.known = True  # only operators of known precedence
        self.lowest = _NO_OPERATOR
        self.atom = True  # no operator at all
        self.number = False


def redundant(types: Sequence[TokenType]) -> set[int]:
    """Return the indexes of parentheses that can be left out without changing what the text means."""
    if _L_PAREN not in types:
        return set()
    match, around, with_between = _pairs(types)
    gone: set[int] = set()
    for opening, outer in around.items():
        if types[opening] is not _L_PAREN or opening == 0 or opening not in match:
            continue
        left = _left_strength(types, _neighbour(types, opening, -1, gone), gone)
        if left is None:
            continue
        closing = match[opening]
        right = _right_strength(types, _neighbour(types, closing, 1, gone))
        if right is None:
            continue
        inside = _inside(types, opening, closing, match)
        if inside.valid and _is_redundant(inside, left, right, outer in with_between):
            gone.add(opening)
            gone.add(closing)
    return gone


def _is_redundant(inside: _Inside, left: int, right: int, near_between: bool) -> bool:
    if inside.atom:
        return not inside.number or left > 0 or right > 0  # a bare number alone may be an ordinal
    if left == 0 and right == 0:
        return True
    if not inside.known or near_between:
        return False
    if inside.lowest == _COMPARISON:
        return left < _COMPARISON and right < _COMPARISON
    return inside.lowest > left and inside.lowest >= right


def _pairs(types: Sequence[TokenType]) -> tuple[dict[int, int], dict[int, int], set[int]]:
    """Matching closers by opener; for each opener, in order, the one around it; those with a BETWEEN directly inside.

    Around everything is -1.
    """
    match: dict[int, int] = {}
    around: dict[int, int] = {}
    with_between: set[int] = set()
    stack = [-1]
    for index in [index for index, type_ in enumerate(types) if type_ in _STRUCTURE]:
        type_ = types[index]
        if type_ is _BETWEEN:
            with_between.add(stack[-1])
        elif type_ in _OPEN:
            around[index] = stack[-1]
            stack.append(index)
        elif len(stack) > 1:
            match[stack.pop()] = index
    return match, around, with_between


def _neighbour(types: Sequence[TokenType], index: int, step: int, gone: set[int]) -> int:
    index += step
    while index in gone:
        index += step
    return index if 0 <= index < len(types) else -1


def _left_strength(types: Sequence[TokenType], before: int, gone: set[int]) -> int | None:
    """How strongly what stands before binds: 0 for a delimiter, None for what is not understood."""
    if before < 0:
        return None
    type_ = types[before]
    if type_ in _OPENERS:
        if type_ is _L_PAREN:
            return 0
        return 0
    if type_ is _ON:
        return None if before > 0 and types[before - 1] is _DISTINCT else 0
    if type_ in _BY:
        return 0
    strength = PRECEDENCE.get(type_)
    if strength is None or type_ is _STAR or strength != 7:
        return strength if type_ is not _STAR or _ends_operand(types, before - 1) else None
    return strength if _ends_operand(types, before - 1) else None  # a sign, not a binary operator


def _ends_operand(types: Sequence[TokenType], index: int) -> bool:
    return index >= 0 and (types[index] in _OPERANDS or types[index] in _CLOSE)


def _right_strength(types: Sequence[TokenType], after: int) -> int | None:
    if after < 0:
        return 0
    type_ = types[after]
    return 0 if type_ in _CLOSERS else PRECEDENCE.get(type_)


def _inside(types: Sequence[TokenType], opening: int, closing: int, match: dict[int, int]) -> _Inside:
    inside = _Inside()
    index = opening + 1
    inside.valid = index < closing
    inside.number = closing - opening == 2 and types[index] is _NUMBER
    if types[index] in (_PLUS, _DASH, _TILDE):
        inside.known = inside.atom = False
    while index < closing and inside.valid:
        type_ = types[index]
        if type_ in _OPEN and index in match:
            if type_ is _L_PAREN and index + 1 < closing and types[index + 1] in (_SELECT, _WITH, _FROM, _VALUES):
                inside.known = False
            index = match[index]
        elif (strength := PRECEDENCE.get(type_)) is not None:
            inside.atom = False
            inside.lowest = min(inside.lowest, strength)
        elif type_ in _UNSURE:
            inside.atom = inside.known = False
        elif type_ not in _OPERANDS:
            inside.valid = False
        index += 1
    return inside
