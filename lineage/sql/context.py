"""What one resolving pass carries along: the graph being built, and notes by text position for the passes after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.lineage.sql.analysis import SqlProblem
from headwater.lineage.sql.catalog import Naming, SqlCatalog
from headwater.lineage.sql.model import Binding, Column, Relation, TableReference, Target
from headwater.lineage.sql.parse import ParsedQuery
from headwater.lineage.sql.scope import Scope

if TYPE_CHECKING:
    from headwater.lineage.sql.session import Session


@dataclass(slots=True, eq=False)
class CteDefinition:
    """A CTE: its query, what it can see, and, once used, its relation."""

    name: str
    node: exp.Expr
    columns: tuple[str, ...]
    environment: Environment | None
    scope: Scope | None
    recursive: bool
    index: int = -1
    relation: Relation | None = None
    busy: bool = False
    problems: list[SqlProblem] = field(default_factory=list)  # the engine minds them only where the CTE is used


@dataclass(slots=True, eq=False)
class Environment:
    """The CTEs of one WITH clause, each seeing those before it, and the clauses around it."""

    parent: Environment | None
    definitions: dict[str, tuple[int, CteDefinition]]
    limit: int

    def find(self, name: str) -> CteDefinition | None:
        """Return the definition that a table name means here, or None where it is not a CTE."""
        at: Environment | None = self
        while at is not None:
            entry = at.definitions.get(name)
            if entry is not None and entry[0] < at.limit and not (entry[1].busy and entry[1].relation is None):
                return entry[1]
            at = at.parent
        return None


@dataclass(slots=True, eq=False)
class Matched:
    """`inner = outer` in the WHERE of a correlated query: what it is made from inside, and what from outside."""

    inner: list[Target]
    outer: list[tuple[Column, Binding]]
    groups: bool  # whether the query aggregates, and so is grouped by what is inside


@dataclass(slots=True, eq=False)
class Resolution:
    """The state of one pass over one tree."""

    query: ParsedQuery
    catalog: SqlCatalog
    naming: Naming
    resolve: Callable[[Resolution, exp.Expr, Scope | None, Environment | None], Relation]
    references: list[TableReference] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)  # every query and table, for influences and unused parts
    problems: list[SqlProblem] = field(default_factory=list)
    bound: dict[int, tuple[int, str]] = field(default_factory=dict)  # start of a column name -> its end, its meaning
    column_of: dict[int, Column] = field(default_factory=dict)  # id of a Column node -> what it means
    type_of: dict[int, str] = field(default_factory=dict)  # id of a node that names a struct field -> its type
    stars: dict[int, tuple[int, str]] = field(
        default_factory=dict
    )  # start of a star -> its start with qualifiers, expansion
    local_names: dict[int, str] = field(default_factory=dict)  # start of an identifier -> its name by scope order
    aliases: list[tuple[int, int]] = field(default_factory=list)  # spans of table aliases
    qualifiers: list[tuple[int, int, TableReference]] = field(default_factory=list)  # spans of written qualifiers
    outer: list[tuple[Column, Binding]] = field(default_factory=list)  # columns named from inside another query
    matched: list[Matched] = field(default_factory=list)  # of these, what stands in an equality of WHERE
    visited: set[int] = field(default_factory=set)  # ids of the table nodes that were resolved
    files: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what names mean that are not bound to one column, for the hash
    calls: list[tuple[str, exp.Expr]] = field(default_factory=list)  # functions that may mind the order of rows
    cuts: list[tuple[str, exp.Expr]] = field(default_factory=list)  # LIMIT and the like, with their query
    volatile: bool = False  # whether a name without parentheses turned out to depend on the session
    names_matter: bool = False  # whether the spelling of column names can become data
    aliases_matter: bool = False  # whether the names of tables in this text can, too
    identities: Mapping[str, str] = field(default_factory=dict)  # lower-case table name -> what it was first called
    next_index: int = 0
    depth: int = 0  # of rules of types within rules
    definitions: list[CteDefinition] = field(default_factory=list)  # every CTE, in text order
    clauses: set[int] = field(default_factory=set)  # ids of the FROM clauses that were resolved
    may_choose_columns: bool = False  # whether COLUMNS(...) or `* LIKE` can occur in the text at all
    session: Session | None = None  # views, macros and what a script made, where there are any
    order_reasons: list[str] = field(default_factory=list)  # why a text that this one uses may depend on row order
    pseudo_columns: frozenset[str] = frozenset()  # names that mean no column in this dialect
    inlined: set[str] = field(default_factory=set)  # lower-case names of macros whose calls were followed

    def number(self) -> int:
        """Return the next number for a local name, in scope order."""
        self.next_index += 1
        return self.next_index - 1

    def keep_names(self) -> None:
        """Note that the spelling of columns, and the names of tables, can become data."""
        self.names_matter = self.aliases_matter = True

    def problem(
        self, message: str, offset: int | None, remedy: str = "", refused: bool = False, whole: bool = False
    ) -> None:
        """Note something wrong at a text offset."""
        line, column = (None, None) if offset is None else self.query.place(offset)
        self.problems.append(SqlProblem(message, line, column, remedy, refused, whole))


def start_of(identifier: object) -> int | None:
    """Return where an identifier stands in the text, or None where the parser did not say."""
    meta = getattr(identifier, "_meta", None)
    return None if not meta else meta.get("start")


def end_of(identifier: object) -> int | None:
    """Return the offset after an identifier in the text, or None where the parser did not say."""
    meta = getattr(identifier, "_meta", None)
    return None if not meta or "end" not in meta else int(meta["end"]) + 1
