"""Where a statement ends that no `;` ends: T-SQL takes the first word of the next one for it."""

from __future__ import annotations

from typing import Final

from headwater.lineage.sql.function_names import words as word_set
from headwater.lineage.sql.lexing import Lexeme


def _upper(text: str) -> frozenset[str]:
    return frozenset(word.upper() for word in word_set(text))


NO_SEMICOLONS: Final = frozenset(["tsql", "fabric"])
STARTS: Final = _upper(
    """
    select insert update delete merge with create alter drop truncate declare set if while exec execute print return
    begin end else use throw raiserror commit rollback open close deallocate waitfor goto save
    """
)
_CONTINUED_BY: Final = _upper("union all except intersect distinct then on for to grant revoke deny return") | {
    ",",
    "(",
}
_QUERIES_AND_CHANGES: Final = _upper("select insert update delete merge exec execute")
_LONG: Final = _upper("merge alter grant deny revoke")  # hold the first words of other statements within themselves


def begins(words: list[Lexeme], index: int, first: int, verb: str) -> bool:
    """Return whether the word at `index`, which can begin a statement, does so here.

    `first` is the index of the first word of the statement so far, and `verb` what that statement is known to do.
    """
    word, before = words[index].word, words[index - 1].word
    if before in _CONTINUED_BY or index == first + 1 or verb in _LONG:
        return False
    if word == "WITH":  # and not WITH (NOLOCK), WITH TIES, WITH ROLLUP, WITH SCHEMABINDING AS SELECT
        following = [lexeme.word for lexeme in words[index + 1 : index + 4]]
        if len(following) < 3 or following[0] == "(" or before == "AS":
            return False
        return following[1] == "(" or following[1:] == ["AS", "("]
    if verb == "UPDATE" and word == "SET":
        return False
    if verb in ("DROP", "CREATE", "TRUNCATE") and word == "IF":
        return False
    if verb == "WITH":
        return word not in _QUERIES_AND_CHANGES and word != "SET"
    if verb == "INSERT":
        return word not in ("SELECT", "EXEC", "EXECUTE")
    if verb == "CREATE":
        return word not in ("SELECT", "RETURN") or before != "AS"
    return True
