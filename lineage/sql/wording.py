"""The tokens of a resolved query: how they are written, and what they mean, by names in the place of numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from sqlglot.tokenizer_core import TokenType

from headwater.lineage.sql.definition import Definition

_T = TokenType
_OPEN: Final = frozenset([_T.L_PAREN, _T.L_BRACKET, _T.L_BRACE, _T.CASE])
_CLOSE: Final = frozenset([_T.R_PAREN, _T.R_BRACKET, _T.R_BRACE, _T.END])
_TABLE: Final = re.compile(r"t\d+:(.*)#(-?\d+)\Z", re.DOTALL)
_CTE: Final = re.compile(r"lcte(\d+)(?:#(\d+))?\Z")
_OWNED: Final = re.compile(r"(c|row)((?:merged )?)(\d+)(\..*)?\Z", re.DOTALL)
_STARRED: Final = re.compile(r"\*(\d.*)\Z", re.DOTALL)


_LOOSE: Final = frozenset([_T.GROUP_BY, _T.ORDER_BY, _T.PARTITION_BY])


class Wording:
    """One text by its tokens. Ranges are of token indexes, the end exclusive. `dropped` are redundant parentheses."""

    def __init__(self, definition: Definition) -> None:
        self._it = definition
        self._types = definition.types
        self.meanings, inside = definition.meanings()
        self.dropped = [
            word is None and index not in inside and definition.types[index] in (_T.L_PAREN, _T.R_PAREN)
            for index, word in enumerate(self.meanings)
        ]
        self._owners = self._named()

    def _named(self) -> dict[str, str]:
        """Return what the numbers of table references stand for: the table, numbered where it is read repeatedly."""
        tables: dict[str, list[str]] = {}
        ctes: dict[str, str] = {}
        for index, word in enumerate(self.meanings):
            if word is None:
                continue
            if (table := _TABLE.match(word)) is not None:
                tables.setdefault(table[1], []).append(table[2])
            elif (cte := _CTE.match(word)) is not None:
                name = ctes.setdefault(cte[1], self.raw(index).strip('"').lower())
                if cte[2] is not None:
                    tables.setdefault(name, []).append(cte[2])
        names = {
            number: name if at == 0 else f"{name}({at + 1})"
            for name, numbers in tables.items()
            for at, number in enumerate(dict.fromkeys(numbers))
        }
        return names | {f"cte{number}": name for number, name in ctes.items()}

    def raw(self, index: int) -> str:
        """Return a token as it is written."""
        return self._it.text[self._it.starts[index] : self._it.ends[index]]

    def word(self, index: int) -> str | None:
        """Return what a token means, with the names of what it belongs to in the place of their numbers."""
        word = self.meanings[index]
        if word is None or word[:1] == "\x1e":
            return word
        if (table := _TABLE.match(word)) is not None:
            return f"table {self._owner(table[2])}"
        if (cte := _CTE.match(word)) is not None:
            return f"table {self._owner(cte[2]) if cte[2] else self._owners[f'cte{cte[1]}']}"
        if (owned := _OWNED.match(word)) is not None:
            return f"{owned[1]} {owned[2]}{self._owner(owned[3])}{owned[4] or ''}"
        if (starred := _STARRED.match(word)) is not None:
            pieces = [piece.partition(".") for piece in starred[1].split(" ")]
            return "* " + " ".join(f"{self._owner(number)}.{name}" for number, _, name in pieces)
        return word

    def _owner(self, number: str) -> str:
        if number not in self._owners:  # a subquery of its own: by the order in which it is met
            self._owners[number] = f"subquery {sum(1 for name in self._owners.values() if name[:9] == 'subquery ') + 1}"
        return self._owners[number]

    def words(self, start: int, end: int) -> tuple[str, ...]:
        """Return what the tokens of a range mean, without those that mean nothing."""
        return tuple(word for index in range(start, end) if (word := self.word(index)) is not None)

    def text(self, start: int, end: int) -> str:
        """Return how tokens are written, on one line, without comments and redundant parentheses."""
        shown: list[str] = []
        last = None
        for index in range(start, end):
            if self.dropped[index]:
                continue
            if last is not None and self._it.starts[index] > self._it.ends[last]:
                shown.append(" ")
            shown.append(" ".join(self.raw(index).split()) if self._types[index] in _LOOSE else self.raw(index))
            last = index
        return "".join(shown).strip().removesuffix(";").strip()

    def levels(self, start: int, end: int) -> Iterator[int]:
        """Yield the indexes that stand within no parentheses, brackets or CASE."""
        depth = 0
        for index in range(start, end):
            if self.dropped[index]:
                continue
            type_ = self._types[index]
            if type_ in _CLOSE:
                depth -= 1
            if depth == 0:
                yield index
            if type_ in _OPEN:
                depth += 1
