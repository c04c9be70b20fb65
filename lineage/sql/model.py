"""The dependency graph that the resolving pass builds, and the later passes read.

Three things can be depended on: a `Column`, the rows of a `Relation`, or `Everything` in a relation. Each dependency
carries a kind. Kinds 0 to 4 say how a value passes through (identity, transformed, aggregated, by way of a window key,
by way of a condition); the others say how rows are shaped, or only that something is looked at.

Column lineage is the closure over the value kinds; reads are plain reachability over all kinds. So a read can only be
missed if an edge is missing, never because of how an edge was classified.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from headwater.lineage.schema import distinct_names
from headwater.lineage.sql.analysis import Transformation
from headwater.lineage.sql.catalog import TableSchema

# How a value passes through one expression.
IDENTITY: Final = 0
TRANSFORMATION: Final = 1
AGGREGATION: Final = 2
WINDOW: Final = 3
CONDITIONAL: Final = 4
VALUE_KINDS: Final = 5
MASKED: Final = 5  # added to a value kind where the value is hidden (hashed) on its way

# How the rows of a relation are shaped, and what is merely looked at.
FILTER: Final = 20
JOIN: Final = 21
GROUP_BY: Final = 22
SORT: Final = 23
DISTINCT: Final = 24
SPREAD: Final = 25  # it decides how many rows one becomes: no influence has that name, but rows depend on it
LOOK: Final = 30  # counts as a read, but is no lineage

VALUE_NAMES: Final[tuple[Transformation, ...]] = ("IDENTITY", "TRANSFORMATION", "AGGREGATION", "WINDOW", "CONDITIONAL")
ROW_NAMES: Final[dict[int, Transformation]] = {
    FILTER: "FILTER",
    JOIN: "JOIN",
    GROUP_BY: "GROUP_BY",
    SORT: "SORT",
    DISTINCT: "DISTINCT",
}


def _compose(outer: int, inner: int) -> int:
    """The innermost indirection wins; among direct kinds, the stronger one."""
    mask = MASKED if outer >= MASKED or inner >= MASKED else 0
    outer, inner = outer % MASKED, inner % MASKED
    if inner >= WINDOW:
        return inner + mask
    return (outer if outer >= WINDOW else max(outer, inner)) + mask


COMPOSE: Final = tuple(tuple(_compose(outer, inner) for inner in range(10)) for outer in range(10))


class Column:
    """A column of a relation. A leaf belongs to a table reference; any other has edges to what it is made from."""

    __slots__ = ("edges", "leaf", "name", "provenance", "type")

    def __init__(
        self, name: str, type_: str | None = None, edges: list[Edge] | None = None, leaf: Relation | None = None
    ) -> None:
        self.name = name
        self.type = type_
        self.edges: list[Edge] = [] if edges is None else edges
        self.leaf = leaf
        self.provenance: dict[Column, int] | None = None


NO_COLUMNS: Final[dict[str, Column]] = {}  # shared until there is one, as there seldom is; never written to
NO_NAMES: Final[set[str]] = set()


class Relation:
    """A set of rows: a query, a set operation, a table function.

    `open` says that it may have columns beyond the listed ones; `gaps` are the open relations that a star let through.
    """

    __slots__ = (
        "by_name",
        "columns",
        "everything",
        "gaps",
        "label",
        "late",
        "made_up",
        "open",
        "reference",
        "row_edges",
        "single",
        "source",
    )

    def __init__(self, label: str) -> None:
        self.label = label
        self.columns: list[Column] = []
        self.by_name: dict[str, Column] = {}
        self.made_up = NO_COLUMNS
        self.open = False
        self.gaps: list[Gap] = []
        self.late = NO_NAMES  # names listed after a gap, which may hold a column of that name before it
        self.row_edges: list[Edge] = []
        self.reference: TableReference | None = None
        self.source: list[Edge] = []  # what any unlisted column of an opaque relation is made from
        self.everything: Everything | None = None
        self.single = False  # whether at most one row can come out

    @property
    def is_open(self) -> bool:
        """Whether there may be columns that are not listed."""
        return self.open or bool(self.gaps)

    @property
    def names(self) -> Mapping[str, object]:
        """The names of all listed columns in lower case, now and later."""
        return self.by_name

    def add(self, column: Column) -> None:
        """Append an output column; the first of equal names answers to the name."""
        self.columns.append(column)
        key = column.name.lower()
        if self.gaps and key not in self.by_name:
            self.late = self.late or set()
            self.late.add(key)
        self.by_name.setdefault(key, column)

    def listed(self) -> list[Column]:
        """Return the listed columns in order."""
        return self.columns

    def certain(self, name: str) -> Column | None:
        """Return the listed column of this lower-case name, or None where it has none, or perhaps two."""
        return None if name in self.late else self.by_name.get(name)

    def find(self, name: str) -> Column | None:
        """Return the column of this lower-case name, made up where the relation is open; None where it has none.

        What stands behind a star of unknown columns may be hidden by one of them, or be called `name_1` for it: then
        the other is looked at too.
        """
        found = self.certain(name)
        if found is not None or not (self.open or self.gaps):
            return found
        found = self.by_name.get(name)
        made = self.made_up.get(name)
        if made is None and (made := self._beyond(name)) is not None:
            if found is not None:
                made = Column(found.name, found.type, [(found, IDENTITY), (made, LOOK)])
            elif (numbered := _NUMBERED.match(name)) is not None:
                behind = [(column, LOOK) for column in self.listed() if column.name.lower() == numbered[1]]
                made = Column(made.name, made.type, [(made, IDENTITY), *behind]) if behind else made
            self.made_up = self.made_up or {}
            self.made_up[name] = made
        return found if made is None else made

    def _beyond(self, name: str) -> Column | None:
        if self.open:
            return Column(name, None, list(self.source), None if self.reference is None else self)
        gaps = [gap for gap in self.gaps if name not in gap.excluded]
        if not gaps:
            return None
        if len(gaps) == 1:
            inner = gaps[0].relation.find(gaps[0].renamed.get(name, name))
            return (
                inner if inner is None or inner.name.lower() == name else Column(name, inner.type, [(inner, IDENTITY)])
            )
        edges: list[Edge] = []
        for gap in gaps:
            if (inner := gap.relation.find(gap.renamed.get(name, name))) is not None:
                edges.append((inner, IDENTITY))
            edges.append((whole(gap.relation, f"column {name} may come from several tables of unknown columns"), LOOK))
        return Column(name, None, edges)


class TableRelation(Relation):
    """A table reference of known columns. A column comes into being when it is asked for."""

    __slots__ = ("_complete", "schema")

    def __init__(self, label: str, schema: TableSchema) -> None:
        super().__init__(label)
        self.schema = schema
        self._complete = False

    @property
    def names(self) -> Mapping[str, object]:
        return self.schema.by_name

    def certain(self, name: str) -> Column | None:
        found = self.by_name.get(name)
        if found is None and (known := self.schema.by_name.get(name)) is not None:
            found = Column(known[0], known[1], None, self)
            if name in self.schema.twins:  # which one is meant depends on case, which is compared without: look at all
                twins: list[Edge] = [(self._leaf(twin), LOOK) for twin in self.schema.twins[name]]
                found = Column(known[0], known[1], [(found, IDENTITY), *twins])
            self.by_name[name] = found
        return found

    def listed(self) -> list[Column]:
        if not self._complete:
            self._complete = True
            for known in self.schema.columns:
                column = self.by_name.get(known[0].lower())
                if column is None or column.name != known[0]:
                    column = self._leaf(known)
                    self.by_name.setdefault(known[0].lower(), column)
                self.columns.append(column)
        return self.columns

    def _leaf(self, known: tuple[str, str | None]) -> Column:
        return Column(known[0], known[1], None, self)


@dataclass(slots=True, eq=False)
class Gap:
    """An open relation behind a star whose columns are not known."""

    relation: Relation
    excluded: frozenset[str] = frozenset()
    renamed: dict[str, str] = field(default_factory=dict)


class Everything:
    """All that a relation holds, known or not, and why it is needed."""

    __slots__ = ("reason", "relation")

    def __init__(self, relation: Relation, reason: str) -> None:
        self.relation = relation
        self.reason = reason


def whole(relation: Relation, reason: str) -> Everything:
    """Return the dependency on all of `relation`; the first reason given is kept."""
    if relation.everything is None:
        relation.everything = Everything(relation, reason)
    return relation.everything


_NUMBERED: Final = re.compile(r"(.+)_\d+\Z")  # what the engine calls a column whose name is taken
Target = Column | Relation | Everything
Edge = tuple[Target, int]


@dataclass(slots=True, eq=False)
class TableReference:
    """A table named in the text: the parts as written (lower case), the completed name, and where it stands."""

    name: str
    parts: tuple[str, ...]
    start: int
    end: int  # exclusive
    schema: TableSchema | None
    has_alias: bool
    alias_text: str  # as written, or the last part
    index: int = -1
    filter: str | None = None


class Binding:
    """A relation as one FROM clause sees it: under an alias, perhaps with renamed columns."""

    __slots__ = (
        "_by_name", "_columns", "alias", "certain", "hidden", "index", "merged", "names", "qualifier", "relation",
    )  # fmt: skip

    def __init__(self, alias: str | None, relation: Relation, index: int, renamed: tuple[str, ...] = ()) -> None:
        self.alias = alias  # lower case
        self.relation = relation
        self.index = index
        self.qualifier: tuple[str, ...] = ()  # all parts under which it can be qualified, where it has no alias
        self.hidden: set[str] = set()  # names that a USING clause merged: a star shows them once
        self.merged: dict[str, Column] = NO_COLUMNS  # ... and here is what it shows, at the leftmost of them
        self.names = relation.names  # of what is listed: a quick look before `certain`
        # The listed column of a lower-case name, or None.
        self.certain: Callable[[str], Column | None] = relation.certain
        self._columns: list[Column] | None = None
        self._by_name: dict[str, Column] | None = None
        if renamed:
            self._rename(renamed)

    def _rename(self, names: tuple[str, ...]) -> None:
        self._columns = []
        for position, column in enumerate(self.relation.listed()):
            if position < len(names):
                column = Column(names[position], column.type, [(column, IDENTITY)])
            self._columns.append(column)
        if self.is_open:
            reason = "columns are renamed by position and the columns of the table are not known"
            for name in names[len(self._columns) :]:
                edges: list[Edge] = [(whole(self.relation, reason), TRANSFORMATION)]
                self._columns.append(Column(name, None, self.relation.source or edges))
        self._answer_by({column.name.lower(): column for column in reversed(self._columns)})

    def tell_apart(self) -> None:
        """Give columns of equal names the names under which DuckDB lets them be asked for: `a`, `a_1`."""
        if self._columns is None and isinstance(self.relation, TableRelation):
            return
        columns = self.listed()
        if len({column.name.lower() for column in columns}) == len(columns):
            return
        names = distinct_names([column.name for column in columns])
        self._columns = [
            column if column.name == name else Column(name, column.type, [(column, IDENTITY)])
            for column, name in zip(columns, names, strict=True)
        ]
        self._answer_by({column.name.lower(): column for column in self._columns})

    def _answer_by(self, by_name: dict[str, Column]) -> None:
        self.names = self._by_name = by_name
        self.certain = by_name.get

    @property
    def is_open(self) -> bool:
        """Whether there may be columns that are not listed."""
        return self.relation.is_open

    def find(self, name: str) -> Column | None:
        """Return the column of this lower-case name, or None."""
        if self._by_name is not None:
            found = self._by_name.get(name)
            if found is not None or not self.is_open:
                return found
        return self.relation.find(name)

    def listed(self) -> list[Column]:
        """Return the listed columns in order."""
        return self.relation.listed() if self._columns is None else self._columns
