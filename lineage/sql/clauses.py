"""The parts of a query as its author sees them: output columns, filters, joins, group keys, one by one.

Cut by tokens, so that nothing a parser's tree would drop is lost, and with what each token means to the definition
hash, so that parts which differ in white space, case or local names are equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from sqlglot.tokenizer_core import TokenType

from headwater.lineage.sql.definition import Definition
from headwater.lineage.sql.wording import Wording

PartKind = Literal[
    "COLUMN", "DISTINCT", "TABLE", "JOIN", "FILTER", "GROUP_KEY", "GROUP_FILTER", "WINDOW_FILTER", "SORT", "LIMIT",
    "SET_OPERATION", "OTHER",
]  # fmt: skip
_T = TokenType
_SET: Final = frozenset([_T.UNION, _T.EXCEPT, _T.INTERSECT])
_CLAUSES: Final = {
    _T.SELECT: "SELECT", _T.FROM: "FROM", _T.WHERE: "WHERE", _T.GROUP_BY: "GROUP BY", _T.HAVING: "HAVING",
    _T.QUALIFY: "QUALIFY", _T.ORDER_BY: "ORDER BY", _T.LIMIT: "LIMIT", _T.OFFSET: "OFFSET", _T.WINDOW: "WINDOW",
}  # fmt: skip
_CONDITIONS: Final[dict[str, PartKind]] = {"WHERE": "FILTER", "HAVING": "GROUP_FILTER", "QUALIFY": "WINDOW_FILTER"}
_LISTS: Final[dict[str, PartKind]] = {"GROUP BY": "GROUP_KEY", "ORDER BY": "SORT"}
_JOIN_WORDS: Final = frozenset(
    ["natural", "asof", "positional", "left", "right", "full", "outer", "inner", "cross", "semi", "anti", "join"]
)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a query. `where` says in which: empty for the query itself, `with f` for the CTE f.

    `name` is what it is called (a column, a table), or empty; `words` is what it means, in words that are equal for
    equal parts; `text` is how it is written.
    """

    kind: PartKind
    where: str
    name: str
    words: tuple[str, ...]
    text: str


def parts_of(definition: Definition, outputs: Sequence[str] | None) -> tuple[Part, ...]:
    """Return the parts of a query, in the order of the text. `outputs` are its columns, where they are known."""
    return tuple(_Cutter(definition, outputs)(0, len(definition.starts)))


class _Cutter:
    """Cuts one text. Ranges are of token indexes, the end exclusive."""

    def __init__(self, definition: Definition, outputs: Sequence[str] | None) -> None:
        self._wording = Wording(definition)
        self._types = definition.types
        self._outputs = outputs

    def __call__(self, start: int, end: int) -> Iterator[Part]:
        yield from self._query(start, end, "")

    def _part(self, kind: PartKind, where: str, name: str, start: int, end: int, words: tuple[str, ...] = ()) -> Part:
        return Part(kind, where, name, words or self._wording.words(start, end), self._wording.text(start, end))

    def _query(self, start: int, end: int, where: str) -> Iterator[Part]:
        start, end = self._bare(start, end)
        if start >= end:
            return
        if self._types[start] is _T.WITH:
            body = self._body(start, end)
            yield from self._ctes(start + 1, body, where)
            start, end = self._bare(body, end)
        cuts = [
            i for i in self._wording.levels(start, end) if self._types[i] in _SET and self._types[i - 1] is not _T.STAR
        ]
        if not cuts:
            yield from self._select(start, end, where)
            return
        places = [start, *cuts, end]
        for number, (low, high) in enumerate(pairwise(places), 1):
            inside = f"{where}, query {number}" if where else f"query {number}"
            if number > 1:
                body = low + 1
                while body < high and self._wording.raw(body).lower() in ("all", "distinct", "by", "name"):
                    body += 1
                yield self._part("SET_OPERATION", inside, "", low, body)
                low = body
            yield from self._query(low, high, inside)

    def _bare(self, start: int, end: int) -> tuple[int, int]:
        """Return a range without parentheses around all of it, and without the semicolons behind."""
        while end > start and (self._wording.dropped[end - 1] or self._types[end - 1] is _T.SEMICOLON):
            end -= 1
        while start < end and self._wording.dropped[start]:
            start += 1
        if start < end and self._types[start] is _T.L_PAREN:
            closing = list(self._wording.levels(start, end))
            if closing[:2] == [start, end - 1]:
                return self._bare(start + 1, end - 1)
        return start, end

    def _body(self, start: int, end: int) -> int:
        """Return where the statement begins that stands behind a WITH: after a query that no comma follows."""
        live = list(self._wording.levels(start, end))
        for place, following in pairwise(live):
            if self._types[place] is _T.R_PAREN and self._types[following] not in (_T.COMMA, _T.ALIAS):
                return following
        return end

    def _ctes(self, start: int, end: int, where: str) -> Iterator[Part]:
        if start < end and self._wording.raw(start).lower() == "recursive":
            start += 1
        for low, high in self._split(start, end):
            opening = [i for i in self._wording.levels(low, high) if self._types[i] is _T.L_PAREN and i > low]
            if not opening:
                continue
            inside = f"with {self._wording.raw(low)}" if not where else f"{where}, with {self._wording.raw(low)}"
            # Columns in a list of their own stand before AS, and mean something.
            if len(opening) > 1:
                yield self._part("OTHER", inside, "", low + 1, opening[-1])
            yield from self._query(opening[-1], high, inside)

    def _select(self, start: int, end: int, where: str) -> Iterator[Part]:
        heads = [i for i in self._wording.levels(start, end) if self._is_clause(i)]
        if not heads or heads[0] != start:
            yield self._part("OTHER", where, "", start, heads[0] if heads else end)
        if not heads:
            return
        for low, high in zip(heads, [*heads[1:], end], strict=True):
            clause = _CLAUSES[self._types[low]]
            if clause == "SELECT":
                yield from self._columns(low + 1, high, where)
            elif clause == "FROM":
                yield from self._sources(low + 1, high, where)
            elif clause in _CONDITIONS:
                yield from (self._part(_CONDITIONS[clause], where, "", *cut) for cut in self._conjuncts(low + 1, high))
            elif clause in _LISTS:
                yield from (self._part(_LISTS[clause], where, "", *cut) for cut in self._split(low + 1, high))
            else:
                yield self._part("OTHER" if clause == "WINDOW" else "LIMIT", where, "", low, high)

    def _is_clause(self, index: int) -> bool:
        type_ = self._types[index]
        if type_ is _T.FROM and index and self._types[index - 1] is _T.DISTINCT:  # IS DISTINCT FROM
            return index < 2 or self._wording.raw(index - 2).lower() not in ("is", "not")
        return type_ in _CLAUSES

    def _columns(self, start: int, end: int, where: str) -> Iterator[Part]:
        if start < end and self._types[start] is _T.DISTINCT:
            stop = start + 1
            if stop < end and self._wording.raw(stop).lower() == "on":
                stop = next((i for i in self._wording.levels(stop, end) if self._types[i] is _T.R_PAREN), stop) + 1
            yield self._part("DISTINCT", where, "", start, stop)
            start = stop
        items = self._split(start, end)
        named = self._outputs if not where and self._outputs is not None and len(self._outputs) == len(items) else None
        for place, (low, high) in enumerate(items):
            words = self._wording.words(low, high)
            alias = words[-1] if words and words[-1][:1] == "\x1e" and self._is_alias(low, high) else None
            if alias is not None:
                words = words[:-2] if len(words) > 1 and words[-2] == "as" else words[:-1]
            if words and (words[-1] == "*" or words[-1][:2] == "* ") and len(words) == 1:
                words = ("*",)  # the columns that it stands for are compared as such
                name = self._wording.text(low, high)
            elif named is not None:
                name = named[place]
            else:
                name = alias[1:] if alias is not None else words[-1].rpartition(".")[2] if words else ""
            yield Part("COLUMN", where, name.lower(), _bare(words), self._wording.text(low, high))

    def _is_alias(self, low: int, high: int) -> bool:
        """Return whether the last of several tokens names what stands before it."""
        last = high - 1
        while last > low and self._wording.dropped[last]:
            last -= 1
        before = last - 1
        while before > low and self._wording.dropped[before]:
            before -= 1
        if last <= low:
            return False
        return self._types[before] in _ENDS_VALUE or self._types[before] is _T.ALIAS

    def _sources(self, start: int, end: int, where: str) -> Iterator[Part]:
        """Yield what FROM joins: each source with how it is joined, and the parts of its own where it is a query."""
        heads = [start]
        previous = start
        for index in self._wording.levels(start, end):
            word, joins = self._wording.raw(index).lower(), self._types[index] is _T.COMMA
            if joins or (
                word in _JOIN_WORDS and self._wording.raw(previous).lower() not in _JOIN_WORDS and index > start
            ):
                calls = index + 1 < end and self._types[index + 1] is _T.L_PAREN and word in ("left", "right")
                if not calls and self._within(heads[-1], index):
                    heads.append(index)
            previous = index
        for low, high in zip(heads, [*heads[1:], end], strict=True):
            body = low
            while body < high and (self._wording.raw(body).lower() in _JOIN_WORDS or self._types[body] is _T.COMMA):
                body += 1
            yield from self._source(low, body, high, where)

    def _within(self, start: int, end: int) -> bool:
        return any(not self._wording.dropped[i] and self._types[i] is not _T.COMMA for i in range(start, end))

    def _source(self, low: int, body: int, high: int, where: str) -> Iterator[Part]:
        name = next(
            (w[6:] for i in range(body, high) if (w := self._wording.word(i)) is not None and w[:6] == "table "), ""
        )
        opening = next((i for i in range(body, high) if not self._wording.dropped[i]), high)
        kind: PartKind = "TABLE" if low == body or self._types[low] is _T.COMMA else "JOIN"
        nested = opening < high and self._types[opening] is _T.L_PAREN and self._begins_query(opening + 1)
        if not nested:
            yield self._part(kind, where, name, low if kind == "JOIN" else body, high)
            return
        closing = next((i for i in self._wording.levels(opening, high) if self._types[i] is _T.R_PAREN), high - 1)
        rest = [i for i in range(closing + 1, high) if not self._wording.dropped[i] and self._types[i] is not _T.ALIAS]
        alias = self._wording.raw(rest[0]) if rest and self._wording.meanings[rest[0]] is None else f"a query of {name}"
        words = (*self._wording.words(low, body), *self._wording.words(closing + 1, high))
        yield Part(
            kind,
            where,
            alias.strip('"').lower(),
            words,
            f"{self._wording.text(low, body)} (...) {self._wording.text(closing + 1, high)}".strip(),
        )
        yield from self._query(opening + 1, closing, f"{where}, {alias}" if where else alias)

    def _begins_query(self, index: int) -> bool:
        while index < len(self._types) and (self._types[index] is _T.L_PAREN or self._wording.dropped[index]):
            index += 1
        return index < len(self._types) and self._types[index] in (_T.SELECT, _T.WITH, _T.FROM)

    def _split(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the ranges between commas."""
        cuts = [i for i in self._wording.levels(start, end) if self._types[i] is _T.COMMA]
        pairs = zip([start, *(i + 1 for i in cuts)], [*cuts, end], strict=True)
        return [(low, high) for low, high in pairs if any(not self._wording.dropped[i] for i in range(low, high))]

    def _conjuncts(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the ranges between the ANDs of a condition; all of it where an OR stands beside them."""
        cuts: list[int] = []
        between = 0
        for index in self._wording.levels(start, end):
            type_ = self._types[index]
            if type_ is _T.OR:
                return [(start, end)]
            if type_ is _T.BETWEEN:
                between += 1
            elif type_ is _T.AND and between:
                between -= 1
            elif type_ is _T.AND:
                cuts.append(index)
        return list(zip([start, *(i + 1 for i in cuts)], [*cuts, end], strict=True))


_ENDS_VALUE: Final = frozenset(
    [_T.VAR, _T.IDENTIFIER, _T.STRING, _T.NUMBER, _T.R_PAREN, _T.R_BRACKET, _T.R_BRACE, _T.END, _T.NULL, _T.TRUE,
     _T.FALSE, _T.PARAMETER, _T.INT, _T.DATE, _T.BIGINT, _T.VARCHAR, _T.TEXT, _T.DOUBLE, _T.TIMESTAMP, _T.BOOLEAN]
)  # fmt: skip


def _bare(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return what a value means without parentheses around it, which the hash keeps where it cannot be sure of them."""
    while len(words) > 2 and words[0] == "(" and words[-1] == ")":
        depth = 0
        for place, word in enumerate(words):
            depth += (word == "(") - (word == ")")
            if (depth == 0 and place < len(words) - 1) or (depth == 1 and word == ","):
                return words
        words = words[1:-1]
    return words
