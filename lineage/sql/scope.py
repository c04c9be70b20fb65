"""Where names are looked up: the FROM clause of one SELECT, its aliases, and the scopes around it."""

from __future__ import annotations

from sqlglot import exp

from headwater.lineage.sql.model import IDENTITY, LOOK, TRANSFORMATION, Binding, Column, Edge, TableReference, whole

NO_NAMES: frozenset[str] = frozenset()
Known = tuple[Column, str, TableReference | None]  # its meaning for the hash, and the reference that qualifies it


class Scope:
    """The names that one SELECT sees. `parent` is the enclosing scope of a correlated or lateral query."""

    __slots__ = ("aliases", "bindings", "group", "known", "lateral_aliases", "merged", "parent", "windows")

    def __init__(self, parent: Scope | None, lateral_aliases: bool = True) -> None:
        self.parent = parent
        self.lateral_aliases = lateral_aliases  # whether a select item can refer to those before it
        self.bindings: list[Binding] = []
        self.group = 0  # where the joined tables after the last comma begin: USING and NATURAL look no further back
        self.known: dict[str | tuple[str, str], Known] = {}  # plain names looked up before, as written
        self.merged: dict[str, Column] = {}  # columns that USING made one
        self.aliases: dict[str, Column] = {}  # select items so far
        self.windows: dict[str, exp.Expr] = {}

    def binding(self, qualifier: tuple[str, ...]) -> Binding | None:
        """Return the binding that a qualifier names in this scope, or None."""
        name = qualifier[-1]
        for candidate in self.bindings:
            if len(qualifier) == 1:
                if candidate.alias == name:
                    return candidate
            elif candidate.qualifier[-len(qualifier) :] == qualifier:
                return candidate
        return None


class Found:
    """The answer to a lookup: the column, and the binding it was found in where there is exactly one."""

    __slots__ = ("ambiguous", "binding", "column", "doubtful", "meaning")

    def __init__(
        self, column: Column, binding: Binding | None = None, ambiguous: bool = False, meaning: str = "alias"
    ) -> None:
        self.column = column
        self.binding = binding
        self.ambiguous = ambiguous
        self.doubtful = False  # whether it may be something else after all
        self.meaning = meaning  # in words for the definition hash, where there is no binding


def look_up(scope: Scope | None, name: str, aliases_first: bool = False) -> Found | None:
    """Return what an unqualified lower-case name means, or None where nothing can have that name.

    Columns win over aliases of the select list, an inner scope over an outer one. Where a table of unknown columns
    might own the name, everything that could be meant is looked at, and the likeliest is taken as the source.
    """
    at: Scope | None = scope
    doubtful: list[Binding] = []
    inner = 0  # how many of the doubtful ones stand in the innermost scope that has any
    while at is not None:
        found = in_scope(at, name, aliases_first, doubtful)
        if found is not None:
            is_alias = found.binding is None and found.meaning == "alias" and at.lateral_aliases
            return with_doubt(found, doubtful, name, certain=is_alias)
        if at.binding((name,)) is not None:
            break  # the row of a table of that name is nearer than any column further out
        at = at.parent
        aliases_first = False
        inner = inner or len(doubtful)
    if not doubtful:
        return None
    return made_up(doubtful, name, inner)


def in_scope(scope: Scope, name: str, aliases_first: bool, doubtful: list[Binding]) -> Found | None:
    """Return a certain answer of this one scope, or None; bindings that might have the name are added to `doubtful`."""
    if aliases_first and (alias := scope.aliases.get(name)) is not None:
        return _alias_or_column(scope, name, alias)
    if (merged := scope.merged.get(name)) is not None:
        return Found(merged, meaning="merged")
    certain: list[Found] = []
    for binding in scope.bindings:
        if (column := binding.certain(name)) is not None:
            certain.append(Found(column, binding))
    if len(certain) == 1:
        return certain[0]  # were it in an unknown table too, the engine would call it ambiguous
    if certain:
        edges: list[Edge] = [(found.column, IDENTITY) for found in certain]
        meaning = f"any of {[found.binding.index for found in certain if found.binding is not None]}"
        return Found(Column(certain[0].column.name, certain[0].column.type, edges), None, True, meaning)
    doubtful += [binding for binding in scope.bindings if binding.is_open]
    if (alias := scope.aliases.get(name)) is not None:
        return _alias_or_row(scope, name, alias)
    return None


def _alias_or_row(scope: Scope, name: str, alias: Column) -> Found:
    """In a select list and WHERE the engine takes the row of a table of that name, elsewhere the alias: both count."""
    binding = scope.binding((name,))
    if binding is None:
        return Found(alias)
    reason = f"{name} may be a whole row or an alias"
    edges: list[Edge] = [(alias, IDENTITY), (whole(binding.relation, reason), TRANSFORMATION)]
    return Found(Column(alias.name, None, edges), meaning="alias or row")


def _alias_or_column(scope: Scope, name: str, alias: Column) -> Found:
    """HAVING means the alias by a name, but the column inside an aggregate: where there are both, both count."""
    edges: list[Edge] = [(alias, IDENTITY)]
    for binding in scope.bindings:
        if (column := binding.certain(name)) is not None:
            edges.append((column, IDENTITY))
        elif binding.is_open:
            edges.append((whole(binding.relation, f"{name} may be its column or an alias"), LOOK))
    if len(edges) == 1:
        return Found(alias)
    return Found(Column(alias.name, None, edges), meaning="alias or column")


def with_doubt(found: Found, doubtful: list[Binding], name: str, certain: bool = True) -> Found:
    """Return `found`, looking at all that might own the name instead; `certain`: it is the likeliest all the same."""
    if not doubtful:
        return found
    guess, other = found.column, None if certain or len(doubtful) > 1 else doubtful[0].find(name)
    edges: list[Edge] = []
    if other is not None:
        guess, other = other, guess  # the innermost table is the likelier owner
        edges.append((other, LOOK))
    edges.append((guess, IDENTITY))
    for binding in doubtful:
        edges.append((whole(binding.relation, f"column {name} may belong to it or to something else"), LOOK))
    owner = found.meaning if found.binding is None else str(found.binding.index)
    meaning = f"{owner} unless {[binding.index for binding in doubtful]}"
    answer = Found(Column(found.column.name, found.column.type, edges), meaning=meaning)
    answer.doubtful = True
    return answer


def made_up(doubtful: list[Binding], name: str, inner: int | None = None) -> Found | None:
    """Return the column that tables of unknown columns must have, or any of several may have.

    The first `inner` of them stand in the innermost scope, whose tables are the likelier owners; all are looked at.
    """
    answers = [(column, binding) for binding in doubtful if (column := binding.find(name)) is not None]
    if not answers:
        return None
    if len(answers) == 1:
        return Found(*answers[0])
    likely = [column for column, binding in answers if binding in doubtful[:inner]] or [column for column, _ in answers]
    edges: list[Edge] = [(column, IDENTITY) for column in likely]
    for _, binding in answers:
        edges.append((whole(binding.relation, f"column {name} may belong to several tables of unknown columns"), LOOK))
    answer = Found(Column(name, None, edges), meaning=f"one of {[binding.index for _, binding in answers]}")
    answer.doubtful = True
    return answer
