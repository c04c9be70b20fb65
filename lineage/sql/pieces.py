"""Cutting a script into pieces: its statements, also those within procedures and blocks, and the conditions of control.

Works on words alone (see `lexing`), with the rules that the procedural languages share: `;` ends a statement, BEGIN,
THEN, ELSE, LOOP and DO are followed by one, and in T-SQL, where `;` may be missing, so does the first word of the next.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from headwater.assets.errors import SqlError
from headwater.lineage.sql.function_names import words as word_set
from headwater.lineage.sql.lexing import Lexeme, lexemes, unquoted
from headwater.lineage.sql.macros import macro_of
from headwater.lineage.sql.routines import parameters, routine_body
from headwater.lineage.sql.unended import NO_SEMICOLONS, STARTS, begins


def _upper(text: str) -> frozenset[str]:
    return frozenset(word.upper() for word in word_set(text))


QUERY_WORDS: Final = _upper("select with from values table")
_SKIPPED: Final = _upper("; begin loop else then do repeat try catch exception go / atomic as is")
_CONTROL: Final = _upper("if elseif elsif while when until for case foreach")
_CONTROL_ENDS: Final = _upper("then loop do")
_BEFORE_LITERAL: Final = _upper("immediate language plpgsql sp_executesql n (")
_QUIET: Final = _upper(
    "fetch close deallocate leave iterate exit continue raise throw print commit rollback grant revoke signal null goto"
)
_FOREIGN: Final = _upper("javascript python java scala plpython3u plpythonu plperl c plv8 js plr r internal")
_TRANSACTION: Final = _upper("; transaction tran work isolation read deferred immediate exclusive")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the script: a statement, or a condition of control of which only the subqueries matter."""

    start: int
    end: int
    kind: Literal["statement", "control", "opaque"]
    routine: bool  # whether it stands within a procedure or the like
    names: frozenset[str] = frozenset()  # variables and parameters that it can see, lower case
    text: str | None = None  # its own text, where that is not a stretch of the script: the content of a literal
    record: str = ""  # the cursor or loop variable that its rows go to, lower case
    cursor: str = ""  # the cursor whose rows a loop variable takes


def cut(sql: str, dialect: str) -> list[Piece]:
    """Return the pieces of a script in text order."""
    return list(_Cutter(sql, dialect).pieces())


class _Cutter:
    """One pass over the words of a script."""

    def __init__(self, sql: str, dialect: str, names: frozenset[str] = frozenset(), routine: bool = False) -> None:
        self.sql = sql
        self.dialect = dialect
        self.words = lexemes(sql, dialect)
        self.names = set(names)
        self.routine = routine
        self.blocks = 0  # blocks that are open, whose END may end a statement too
        self.outside: tuple[bool, frozenset[str]] = (routine, names)  # what holds after the routine

    def pieces(self) -> Iterator[Piece]:
        at = 0
        while at < len(self.words):
            before = at
            word = self.words[at].word
            if word == "BEGIN" and (self._word(at + 1) in _TRANSACTION or at + 1 >= len(self.words)):
                at = self._until_semicolon(at) + 1
            elif word == "END":
                at = self._after_end(at)
            elif word in ("EXECUTE", "EXEC", "DO") and (text := self._literal(at)) is not None:
                end = self._end(at + 1)
                yield from self._inner(self.words[text])
                at = end
            elif word in _SKIPPED or (word == "<" and self._word(at + 1) == "<"):
                self.blocks += word in ("BEGIN", "LOOP", "REPEAT", "DO")
                if word in ("GO", "/"):
                    self._leave_routine()
                at += 1
            elif word == "DECLARE":
                end = self._end(at + 1, declares=True)
                yield from self._declaration(at, end)
                at = end
            elif word in _CONTROL:
                end = self._control_end(at)
                self.blocks += word in ("IF", "CASE") and self.dialect not in NO_SEMICOLONS
                yield from self._control(at, end)
                at = end
            elif word in ("CREATE", "ALTER", "REPLACE") and (body := routine_body(self.words, at)) is not None:
                self._header(at, body)
                at = yield from self._body(at, body)
            elif word == "CURSOR" or self._word(at + 1) == "CURSOR":  # in the declarations of Oracle and Postgres
                end = self._end(at + 1)
                yield from self._query_within(at, end, self._word(at + (word == "CURSOR")).lower())
                at = end
            elif word in ("PROCEDURE", "FUNCTION"):  # within a package
                while at < len(self.words) and self.words[at].word not in ("IS", "AS", ";"):
                    at += 1
            elif word in _QUIET:
                end = self._end(at + 1)
                yield self._piece(at, end, "control")
                at = end
            elif word in ("RETURN", "OPEN"):
                end = self._end(at + 1)
                yield from self._returned(at, end)
                at = end
            else:
                end = self._end(at + 1)
                yield self._piece(at, end)
                at = end
            at = max(at, before + 1)

    # ---- kinds of pieces

    def _piece(self, at: int, end: int, kind: Literal["statement", "control", "opaque"] = "statement") -> Piece:
        last = self.words[end - 1].end
        return Piece(self.words[at].start, last, kind, self.routine, frozenset(self.names))

    def _declaration(self, at: int, end: int) -> Iterator[Piece]:
        """`DECLARE x INT DEFAULT (...)`, `DECLARE c CURSOR FOR select`, `DECLARE @t TABLE (...)`."""
        self._declare(at + 1, end)
        if self._word(at + 2) == "TABLE" or (self._word(at + 2) == "AS" and self._word(at + 3) == "TABLE"):
            yield self._piece(at, end)
            return
        yield from self._query_within(at + 1, end, self.words[at + 1].word.lower() if at + 1 < end else "")

    def _declare(self, at: int, end: int) -> None:
        while at < end and self.words[at].word and self.words[at].word not in ("(", ";"):
            self.names.add(self.words[at].word.lower())
            if self._word(at + 1) != ",":
                return
            at += 2

    def _query_within(self, at: int, end: int, record: str = "") -> Iterator[Piece]:
        """The first query at this level; where there is none, a piece of control."""
        depth = 0
        for index in range(at, end):
            word = self.words[index].word
            depth += (word == "(") - (word == ")")
            if depth == 0 and word in ("SELECT", "WITH") and index > at:
                yield replace(self._piece(index, end), record=record)
                return
        if end > at:
            yield replace(self._piece(at, end, "control"), record=record)

    def _control(self, at: int, end: int) -> Iterator[Piece]:
        if self.words[at].word != "FOR" or at + 2 >= end:
            yield from self._query_within(at, end)
            return
        record = self.words[at + 1].word.lower()
        self.names.add(record)
        if self._word(at + 2) == "IN" and at + 4 == end:
            yield replace(self._piece(at, end, "control"), record=record, cursor=self.words[at + 3].word.lower())
        else:
            yield from self._query_within(at, end, record)

    def _returned(self, at: int, end: int) -> Iterator[Piece]:
        """`RETURN QUERY select`, `RETURN (select ...)`, `OPEN c FOR select`."""
        start = at + 1
        while start < end and self.words[start].word in ("QUERY", "TABLE", "("):
            start += 1
        if start < end and self.words[start].word in QUERY_WORDS:
            stop = end
            while start > at + 1 and self.words[stop - 1].word == ")" and self.words[start - 1].word == "(":
                stop -= 1
                break
            yield self._piece(start, stop)
        else:
            yield from self._query_within(at, end)

    def _inner(self, literal: Lexeme) -> Iterator[Piece]:
        """The statements of a literal: the body of a function, or of EXECUTE IMMEDIATE."""
        text = self.sql[literal.start : literal.end]
        inside = unquoted(text)
        for piece in _Cutter(inside, self.dialect, frozenset(self.names), True).pieces():
            own = inside[piece.start : piece.end] if piece.text is None else piece.text
            yield replace(piece, start=literal.start, end=literal.end, routine=True, text=own)

    # ---- routines

    def _header(self, at: int, body: int) -> None:
        """Note the parameters, which a query of the body may name like columns."""
        self.outside = (self.routine, frozenset(self.names))
        self.names |= parameters(self.words, at, body)

    def _body(self, at: int, body: int) -> Generator[Piece, None, int]:
        """Yield what a literal body holds; return where to go on. Any other body is cut like the text around it."""
        self.routine = True
        if not (body < len(self.words) and self.words[body].text):
            return body
        end = self._until_semicolon(body)
        around = [word.word for word in (*self.words[at:body], *self.words[body + 1 : end])]
        foreign = any(
            word == "LANGUAGE" and index + 1 < len(around) and around[index + 1] in _FOREIGN
            for index, word in enumerate(around)
        )
        if foreign:
            yield self._piece(at, end, "opaque")
        elif self._is_macro(self.sql[self.words[at].start : self.words[end - 1].end]):
            yield self._piece(at, end)
        else:
            yield from self._inner(self.words[body])
        self._leave_routine()
        return end

    def _is_macro(self, text: str) -> bool:
        """Whether the text of a routine is one expression or query, which is inlined where it is called."""
        try:
            return macro_of(text, self.dialect) is not None
        except SqlError:
            return False

    def _leave_routine(self) -> None:
        if self.routine != self.outside[0]:
            self.routine, self.names = self.outside[0], set(self.outside[1])

    def _literal(self, at: int) -> int | None:
        """The literal that EXECUTE IMMEDIATE, EXEC or DO runs; None where it is put together at run time."""
        for place in range(at + 1, min(at + 5, len(self.words))):
            if self.words[place].text:
                return place if self._word(place + 1) not in ("+", "|", "%") else None
            if self.words[place].word not in _BEFORE_LITERAL:
                return None
        return None

    # ---- where things end

    def _word(self, index: int) -> str:
        return self.words[index].word if index < len(self.words) else ""

    def _until_semicolon(self, at: int) -> int:
        while at < len(self.words) and self.words[at].word != ";":
            at += 1
        return at

    def _after_end(self, at: int) -> int:
        """After `END`, `END IF`, `END TRY`, `END LOOP label`."""
        self.blocks = max(0, self.blocks - 1)
        if not self.blocks:
            self._leave_routine()
        at += 1
        while self._word(at) in ("IF", "LOOP", "WHILE", "REPEAT", "CASE", "TRY", "CATCH", "FOR"):
            at += 1
        if self.dialect not in NO_SEMICOLONS and at < len(self.words) and self._word(at) not in STARTS:
            while at < len(self.words) and self._word(at) not in (";", "ELSE", "BEGIN"):
                at += 1
        return at

    def _control_end(self, at: int) -> int:
        """The index after a condition: at THEN, LOOP or DO, or in T-SQL at the statement that depends on it."""
        depth = cases = 0
        ends = _CONTROL_ENDS | STARTS if self.dialect in NO_SEMICOLONS else _CONTROL_ENDS
        for index in range(at + 1, len(self.words)):
            word = self.words[index].word
            depth += (word == "(") - (word == ")")
            if depth:
                continue
            if word == "CASE":
                cases += 1
            elif word == "END" and cases:
                cases -= 1
            elif word == ";" or (word in ends and not cases):
                return index
        return len(self.words)

    def _end(self, at: int, declares: bool = False) -> int:
        """The index after the statement whose first word stands before `at`."""
        depth = cases = 0
        verb = self.words[at - 1].word
        for index in range(at, len(self.words)):
            word = self.words[index].word
            depth += (word == "(") - (word == ")")
            if depth > 0 or not word:
                continue
            if word == ";":
                return index
            if word == "CASE":
                cases += 1
            elif word == "END" and cases:
                cases -= 1
            elif cases:
                continue
            elif (word == "END" and self.blocks and not declares) or (word in ("GO", "/") and self._alone(index)):
                return index
            elif self.dialect in NO_SEMICOLONS and word in STARTS:
                if begins(self.words, index, at - 1, verb):
                    return index
                verb = word if verb in ("WITH", "INSERT", "CREATE") else verb
        return len(self.words)

    def _alone(self, index: int) -> bool:
        """Whether a word stands alone on its line."""
        start, end = self.words[index].start, self.words[index].end
        line = self.sql[self.sql.rfind("\n", 0, start) + 1 : start]
        rest = self.sql[end : (self.sql.find("\n", end) + 1 or len(self.sql) + 1) - 1]
        return not line.strip() and not rest.strip()
