"""What one analysis of a SQL text yields. Plain frozen data; positions are character offsets, end exclusive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

Transformation = Literal[
    "IDENTITY",
    "TRANSFORMATION",
    "AGGREGATION",
    "JOIN",
    "FILTER",
    "GROUP_BY",
    "SORT",
    "WINDOW",
    "CONDITIONAL",
    "DISTINCT",
]
Volatility = Literal["STABLE", "CLOCK", "VOLATILE"]


@dataclass(frozen=True, slots=True)
class ColumnSource:
    """One source column of one output. Directly: IDENTITY, TRANSFORMATION, AGGREGATION; indirectly: the others."""

    table: str
    column: str
    transformation: Transformation
    indirect: bool = False
    masking: bool = False


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """One output, by position. `type` is None where it is not known."""

    name: str
    type: str | None
    sources: tuple[ColumnSource, ...] = ()


@dataclass(frozen=True, slots=True)
class Influence:
    """A column that shapes the whole result: FILTER, JOIN, GROUP_BY, SORT or DISTINCT."""

    table: str
    column: str
    transformation: Transformation


@dataclass(frozen=True, slots=True)
class Read:
    """One table reference, in text order: the columns seen in any position, or None for ALL, with the reason why ALL.

    `filter` is the text of a predicate that stands directly on the reference, or None.
    """

    table: str
    columns: tuple[str, ...] | None
    filter: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """A place in the text that the engine run replaces.

    `kind` says by what: TABLE (name: the table) by a pinned name, aliased to `alias` where the text gives none;
    QUALIFIER (name: the table) by the alias; PARAMETER (name: as written after `$`) and CLOCK (name: the function)
    by a typed literal.
    """

    kind: Literal["TABLE", "QUALIFIER", "PARAMETER", "CLOCK"]
    start: int
    end: int
    name: str
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class SqlProblem:
    """Something wrong in the text, at line and column (from 1). `refused` marks what would bypass the graph."""

    message: str
    line: int | None = None
    column: int | None = None
    remedy: str = ""
    refused: bool = False
    whole: bool = False  # with the text as such, which is no single query: it comes before all others


class _Later:
    """A value whose `definition_hash` is computed when it is first asked for, if `put_off` said how."""

    __slots__ = ("_compute",)

    if not TYPE_CHECKING:  # where any name would pass for an attribute

        def __getattr__(self, name: str) -> object:
            """Python comes here for what is not there: in a value with slots, for those that nothing was put in."""
            if name != "definition_hash":
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            if (compute := self._compute) is not None:
                object.__setattr__(self, name, compute())
                object.__setattr__(self, "_compute", None)  # which holds the text
            return object.__getattribute__(self, name)


def put_off(analysis: Analysis, definition_hash: Callable[[], str]) -> Analysis:
    """Return `analysis` such that its definition hash is computed when it is first asked for."""
    object.__setattr__(analysis, "_compute", definition_hash)
    object.__delattr__(analysis, "definition_hash")
    return analysis


@dataclass(frozen=True, slots=True)
class Analysis(_Later):
    """Everything known about one query. `outputs` is None where the output columns cannot be known."""

    outputs: tuple[OutputColumn, ...] | None
    influences: tuple[Influence, ...]
    reads: tuple[Read, ...]
    definition_hash: str
    volatility: Volatility
    order_dependent: tuple[str, ...]  # why the result may depend on row order; empty: it does not
    problems: tuple[SqlProblem, ...]
    edits: tuple[Edit, ...]
    parameters: tuple[str, ...]  # names used after `$`, sorted
    files: tuple[str, ...] = ()  # paths given to table functions such as read_csv
    target: str | None = None
    spreads: tuple[tuple[str, str], ...] = ()  # (table, column) that decide how many rows one row becomes (UNNEST)
