"""DuckDB syntax that the parser refuses or reads as something else, said in tokens that it reads rightly.

Only the parser sees the repaired tokens: positions stay those of the text, and everything that is hashed or replaced
goes by the tokens as they stand there. `MISREAD` are repaired before parsing, since the parser would not complain;
`REFUSED` only after it has. Each repair returns the tokens it was given where it finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlglot.tokenizer_core import Token, TokenType

_T = TokenType
Tokens = list[Token]
Repair = Callable[[Tokens], Tokens]

_OPEN: Final = frozenset([_T.L_PAREN, _T.L_BRACKET, _T.L_BRACE])
_CLOSE: Final = frozenset([_T.R_PAREN, _T.R_BRACKET, _T.R_BRACE])
_NAMES: Final = frozenset([_T.VAR, _T.IDENTIFIER])
_TRAILING: Final = frozenset([_T.ORDER_BY, _T.LIMIT, _T.OFFSET])
_MISREAD_WORDS: Final = ("[", "export_state", "nearest")  # a quick look first


def may_be_misread(lowered: str) -> bool:
    """Return whether a text, in lower case, may hold what the parser misreads without a word."""
    return any(word in lowered for word in _MISREAD_WORDS)


def repaired(tokens: Tokens, refused: bool) -> Tokens:
    """Return the tokens to parse; `refused`: the parser has refused them as they are."""
    for repair in (*MISREAD, *REFUSED) if refused else MISREAD:
        tokens = repair(tokens)
    return tokens


def _made(type_: TokenType, text: str, beside: Token) -> Token:
    """A token that the text does not hold, standing where `beside` does."""
    return Token(type_, text, beside.line, beside.col, beside.start, beside.end)


def _is_word(token: Token, *words: str) -> bool:
    return token.text.lower() in words and token.token_type not in (_T.STRING, _T.IDENTIFIER)


def _open_slices(tokens: Tokens) -> Tokens:
    """`a[:n]`: without a lower bound, `:n` would be a placeholder, and the column n be overlooked."""
    found: Tokens = []
    for index, token in enumerate(tokens):
        if token.token_type is _T.COLON and index and tokens[index - 1].token_type is _T.L_BRACKET:
            found.append(_made(_T.NUMBER, "", token))
        found.append(token)
    return found


def _exported_states(tokens: Tokens) -> Tokens:
    """`sum(x) EXPORT_STATE` is no alias."""
    return [
        token
        for index, token in enumerate(tokens)
        if not (index and _is_word(token, "export_state") and tokens[index - 1].token_type is _T.R_PAREN)
    ]


def _group_frames(tokens: Tokens) -> Tokens:
    """`OVER (GROUPS BETWEEN ...)`: which rows a frame holds changes no lineage."""
    found = list(tokens)
    for index, token in enumerate(tokens[:-2]):
        if _is_word(token, "groups") and (
            _is_word(tokens[index + 1], "between", "unbounded", "current")
            or _is_word(tokens[index + 2], "preceding", "following")
        ):
            found[index] = _made(_T.RANGE, "RANGE", token)
    return found


def _unpacked_arguments(tokens: Tokens) -> Tokens:
    """`f(*COLUMNS(...))` has as many arguments as there are columns, so the parser must not count them."""
    found = list(tokens)
    for index in range(1, len(tokens) - 2):
        opens = tokens[index].token_type is _T.L_PAREN and tokens[index + 1].token_type is _T.STAR
        if opens and _is_word(tokens[index + 2], "columns") and tokens[index - 1].token_type not in _OPEN:
            found[index - 1] = _made(_T.VAR, "unpacked", tokens[index - 1])
    return found


def _nearest_joins(tokens: Tokens) -> Tokens:
    """`[APPROX | EXACT] NEAREST [n] BY`: the parser minds these words in some places only."""
    found: Tokens = []
    for index, token in enumerate(tokens):
        following = tokens[index + 1] if index + 1 < len(tokens) else token
        if _is_word(token, "approx", "exact") and _is_word(following, "nearest"):
            continue
        found.append(token)
        if _is_word(token, "nearest") and _is_word(following, "by"):
            found.append(_made(_T.NUMBER, "1", token))
    return found


def _pivot_statements(tokens: Tokens) -> Tokens:
    """PIVOT and UNPIVOT as statements: aliases without AS or inside IN, VALUES for VALUE, ORDER BY and LIMIT behind."""
    found = list(tokens)
    for index in range(len(tokens) - 1, -1, -1):
        if tokens[index].token_type not in (_T.PIVOT, _T.UNPIVOT) or _follows_a_source(tokens, index):
            continue
        end = _end_of_level(found, index)
        found[index:end] = _trailing_outside(_aliases_said(found[index:end]))
    return found


def _follows_a_source(tokens: Tokens, index: int) -> bool:
    """Whether this is the PIVOT of a FROM clause rather than of a statement."""
    if index + 1 >= len(tokens):
        return True
    before = tokens[index - 1].token_type if index else _T.SEMICOLON
    return tokens[index + 1].token_type is _T.L_PAREN and (before in _NAMES or before is _T.R_PAREN)


def _end_of_level(tokens: Tokens, index: int) -> int:
    """The index of what closes the parentheses around `index`, or the end of the statement."""
    depth = 0
    for at in range(index, len(tokens)):
        type_ = tokens[at].token_type
        if type_ in _OPEN:
            depth += 1
        elif type_ in _CLOSE:
            depth -= 1
            if depth < 0:
                return at
        elif type_ is _T.SEMICOLON and depth == 0:
            return at
    return len(tokens)


def _aliases_said(tokens: Tokens) -> Tokens:
    """In `ON a b`, b gets its AS; in `ON a IN (1 AS b)`, it becomes a COLLATE, which any expression may bear."""
    found: Tokens = []
    inside = False  # between ON and USING, GROUP BY or INTO
    lists: list[bool] = []  # of each open parenthesis: whether it holds the values after IN
    for index, token in enumerate(tokens):
        type_ = token.token_type
        before = tokens[index - 1] if index else token
        if type_ in _OPEN:
            lists.append(inside and before.token_type is _T.IN)
        elif type_ in _CLOSE and lists:
            lists.pop()
        if not lists:
            if type_ is _T.ON:
                inside = True
            elif type_ in (_T.USING, _T.GROUP_BY, _T.INTO) or type_ in _TRAILING:
                inside = False
        in_list = bool(lists) and lists[-1]
        if _is_word(token, "values") and before.token_type in _NAMES and not lists:
            token = _made(_T.VAR, "VALUE", token)
        elif type_ is _T.ALIAS and in_list:
            token = _made(_T.COLLATE, "COLLATE", token)
        elif inside and type_ in _NAMES and _ends_a_value(before):
            if in_list:
                found.append(_made(_T.COLLATE, "COLLATE", token))
            elif not lists:
                found.append(_made(_T.ALIAS, "AS", token))
        found.append(token)
    return found


def _ends_a_value(token: Token) -> bool:
    return token.token_type in _NAMES or token.token_type in (_T.NUMBER, _T.STRING, _T.R_PAREN)


def _trailing_outside(tokens: Tokens) -> Tokens:
    """`PIVOT ... ORDER BY ...` as `FROM (PIVOT ...) ORDER BY ...`."""
    depth = 0
    for index, token in enumerate(tokens):
        if token.token_type in _OPEN:
            depth += 1
        elif token.token_type in _CLOSE:
            depth -= 1
        elif depth == 0 and token.token_type in _TRAILING:
            opening = [_made(_T.FROM, "FROM", tokens[0]), _made(_T.L_PAREN, "(", tokens[0])]
            return [*opening, *tokens[:index], _made(_T.R_PAREN, ")", tokens[index - 1]), *tokens[index:]]
    return tokens


MISREAD: Final[tuple[Repair, ...]] = (_open_slices, _exported_states, _nearest_joins)
REFUSED: Final[tuple[Repair, ...]] = (_group_frames, _unpacked_arguments, _pivot_statements)
