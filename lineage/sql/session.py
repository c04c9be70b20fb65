"""What a text can name beyond the tables of the catalog: views and macros given as text, and what a script has made.

A view that is given as text is expanded: lineage and reads go on to what it reads. To let them stop at a view, give its
columns in the schema instead of its text. Each is resolved on its own, at first use; the hash of its own definition
becomes part of the definition hash of whatever uses it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from headwater.lineage.sql.analysis import SqlProblem
from headwater.lineage.sql.catalog import Naming, SqlCatalog, TableSchema
from headwater.lineage.sql.context import Environment, Resolution
from headwater.lineage.sql.macros import Macro, macro_of
from headwater.lineage.sql.model import LOOK, Column, Relation
from headwater.lineage.sql.scope import Scope
from headwater.lineage.sql.walk import Walk


@dataclass(slots=True, eq=False)
class Made:
    """A relation that another text makes, and what has to be known of that text by whoever uses it."""

    relation: Relation
    relations: tuple[Relation, ...]  # all that stand behind it, so that reads and influences can be listed
    digest: str  # the definition hash of the text
    volatile: bool = False
    order: tuple[str, ...] = ()
    problems: tuple[SqlProblem, ...] = ()
    lasting: bool = False  # whether others can see it too


InlineScalar = Callable[[Walk, Any, Macro, int, frozenset[str]], None]
InlineTable = Callable[[Resolution, Any, Macro, Scope, Environment | None], Relation]


@dataclass(slots=True, eq=False)
class Session:
    """The views and macros of one analysis, and what the statements of a script have made so far."""

    catalog: SqlCatalog
    naming: Naming
    dialect: str
    make: Callable[[Session, str], Made]  # resolves the text of a view
    inline_scalar: InlineScalar
    inline_table: InlineTable
    views: dict[str, str] = field(default_factory=dict)  # lower-case name -> text
    macros: dict[str, Macro] = field(default_factory=dict)
    made: dict[str, Made] = field(default_factory=dict)  # completed name -> what it holds now
    schemas: dict[str, TableSchema] = field(default_factory=dict)  # tables whose columns the script declared
    busy: set[str] = field(default_factory=set)  # names that are being expanded, which do not mean themselves
    records: dict[str, Made] = field(default_factory=dict)  # cursors and loop variables -> the rows they go through
    variables: frozenset[str] = frozenset()  # names of a procedure's parameters and variables

    def define(self, definitions: Mapping[str, str]) -> None:
        """Take in views and macros given as text. Raises SqlError for a macro that cannot be parsed."""
        for name, text in definitions.items():
            macro = macro_of(text, self.dialect, name)
            if macro is None:
                self.views[name.lower().replace('"', "")] = text
                if (written := _written_name(text)) is not None:
                    self.views.setdefault(written, text)
            else:
                self.macros[macro.name] = macro

    def find(self, parts: tuple[str, ...]) -> Made | None:
        """Return what a table name means here, or None where it means a table of the catalog."""
        if not (self.made or self.views):
            return None
        for name in self.naming.candidates(parts):
            if (made := self.made.get(name)) is not None:
                return made
            if name in self.views and name not in self.busy:
                self.busy.add(name)
                made = self.made[name] = self.make(self, self.views[name])
                self.busy.discard(name)
                return made
        return None

    def schema_of(self, name: str) -> TableSchema | None:
        """Return the columns that the script declared for a table, or None."""
        return self.schemas.get(name)

    def macro(self, name: str) -> Macro | None:
        """Return the macro of this lower-case name, unless it is the one being expanded."""
        return None if name in self.busy else self.macros.get(name)


_CREATE_VIEW: Final = re.compile(r"\s*create\b[^(;]*?\bview\s+(?:if\s+not\s+exists\s+)?([^\s(]+)", re.I)


def _written_name(text: str) -> str | None:
    """The name that a CREATE VIEW gives itself, in lower case, or None."""
    match = _CREATE_VIEW.match(text)
    return None if match is None else re.sub(r'["`\[\]]', "", match[1]).lower()


def use(resolution: Resolution, made: Made) -> None:
    """Let `resolution` depend on what another text makes."""
    known = {id(relation) for relation in resolution.relations}
    resolution.relations += [relation for relation in made.relations if id(relation) not in known]
    resolution.notes.append(f"made by {made.digest}")
    resolution.volatile = resolution.volatile or made.volatile
    resolution.order_reasons += made.order
    resolution.problems += made.problems


def union(first: Made, second: Made, label: str) -> Made:
    """Return what a table holds after rows of `second` came to those of `first`, matched by name, then by position."""
    relation = Relation(label)
    for column in first.relation.listed():
        relation.add(Column(column.name, column.type, [(column, 0)]))
    for position, column in enumerate(second.relation.listed()):
        target = relation.by_name.get(column.name.lower())
        if target is None and not first.relation.listed():
            relation.add(Column(column.name, column.type, [(column, 0)]))
        elif target is None and position < len(relation.columns):
            relation.columns[position].edges.append((column, 0))
        elif target is not None:
            target.edges.append((column, 0))
    return _joined(relation, first, second)


def changed(first: Made, second: Made, label: str) -> Made:
    """Return what a table holds after UPDATE, MERGE or DELETE: columns that were set gain sources, rows conditions."""
    relation = Relation(label)
    for column in first.relation.listed():
        relation.add(Column(column.name, column.type, [(column, 0)]))
    for column in second.relation.listed():
        if (target := relation.by_name.get(column.name.lower())) is not None:
            target.edges.append((column, 0))
    return _joined(relation, first, second)


def _joined(relation: Relation, first: Made, second: Made) -> Made:
    relation.row_edges += [(first.relation, LOOK), (second.relation, LOOK)]
    relation.gaps = [*first.relation.gaps, *second.relation.gaps]
    relation.open = first.relation.open or second.relation.open
    relation.source = [*first.relation.source, *second.relation.source]
    behind = {id(item): item for item in (*first.relations, *second.relations)}
    return Made(
        relation,
        (*behind.values(), relation),
        f"{first.digest} {second.digest}",
        first.volatile or second.volatile,
        (*first.order, *second.order),
        (),
        first.lasting,
    )
