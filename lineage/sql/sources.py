"""What stands in a FROM clause: tables, CTEs, derived tables, VALUES, table functions, PIVOT."""

from __future__ import annotations

import json
from typing import Any, Final

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from headwater.lineage.sql import functions, refusals
from headwater.lineage.sql.context import CteDefinition, Environment, Resolution, end_of, start_of
from headwater.lineage.sql.expressions import Walk, function_name
from headwater.lineage.sql.model import (
    DISTINCT,
    IDENTITY,
    LOOK,
    TRANSFORMATION,
    Binding,
    Column,
    Relation,
    TableReference,
    TableRelation,
    whole,
)
from headwater.lineage.sql.scope import Scope
from headwater.lineage.sql.session import Made, use
from headwater.lineage.sql.subqueries import joined_back, so_far
from headwater.lineage.sql.table_functions import function_source

_FROM: Final = TokenType.FROM
_TABLES_ELSEWHERE: Final = frozenset(
    [
        TokenType.INTO, TokenType.TABLE, TokenType.INSERT, TokenType.UPDATE, TokenType.DELETE, TokenType.MERGE,
        TokenType.CREATE, TokenType.PIVOT, TokenType.UNPIVOT, TokenType.DESCRIBE, TokenType.SUMMARIZE, TokenType.HINT,
        TokenType.COPY, TokenType.COMMAND,
    ]
)  # fmt: skip


_HAVE_DUAL: Final = frozenset(["oracle", "mysql", "snowflake", "singlestore", "exasol", "dameng"])


def alias_of(node: Any) -> tuple[str | None, tuple[str, ...]]:
    """Return the lower-case alias of a FROM item and the column names it gives."""
    alias = node.args.get("alias")
    if alias is None:
        return None, ()
    if not isinstance(alias, exp.TableAlias):
        return (alias.name.lower() or None), ()
    name = alias.this.name.lower() if alias.this is not None else None
    columns = alias.args.get("columns")
    return name, tuple([column.name for column in columns]) if columns else ()


def drop_alias(resolution: Resolution, node: Any) -> None:
    """Note where the alias of a FROM item stands, so that the definition hash can leave it out."""
    alias = node.args.get("alias")
    identifier = alias.this if isinstance(alias, exp.TableAlias) else alias
    start, end = start_of(identifier), end_of(identifier)
    if start is not None and end is not None:
        resolution.aliases.append((start, end))


def note_renamed(resolution: Resolution, binding: Binding, names: tuple[str, ...]) -> None:
    """Note for the definition hash which columns are renamed: their order decides it, and the text does not say it."""
    if names:
        meant = [column.name.lower() for column in binding.relation.listed()[: len(names)]]
        resolution.notes.append(f"columns of {binding.index}: {json.dumps(meant)}")


def table(resolution: Resolution, node: exp.Table, scope: Scope, environment: Environment | None) -> Binding:
    """Return the binding of a table, a CTE or a table function."""
    this = node.args["this"]
    if type(this) is not exp.Identifier and not isinstance(this, exp.Dot):
        if isinstance(node.this, exp.Parameter) and (made := _made(resolution, (f"@{node.this.name.lower()}",))):
            return Binding(alias_of(node)[0] or node.this.name.lower(), made.relation, resolution.number())
        return table_function(resolution, node, node.this, scope, environment)
    identifiers = table_identifiers(node)
    if not identifiers:
        return opaque_source(resolution, node, scope, environment)
    parts = name_parts(identifiers)
    alias, renamed = alias_of(node)
    drop_alias(resolution, node)
    definition = environment.find(parts[-1]) if environment is not None and _may_be_cte(parts) else None
    if definition is not None:
        resolution.visited.add(id(node))
        resolution.problems += [problem for problem in definition.problems if not problem.refused]
        definition.problems = []
        binding = Binding(
            alias or identifiers[-1].name.lower(), cte_relation(resolution, definition), resolution.number(), renamed
        )
        note_cte(resolution, identifiers, definition, binding.index)
    elif resolution.session is not None and (made := _made(resolution, parts)) is not None:
        resolution.visited.add(id(node))
        binding = Binding(alias or identifiers[-1].name.lower(), made.relation, resolution.number(), renamed)
        binding.qualifier = () if alias else parts
    elif parts == ("dual",) and resolution.query.dialect in _HAVE_DUAL and not resolution.catalog.knows("dual"):
        resolution.visited.add(id(node))
        return Binding(alias or "dual", Relation("dual"), resolution.number(), renamed)
    else:
        relation = table_relation(resolution, node, identifiers, parts, alias)
        binding = Binding(alias or identifiers[-1].name.lower(), relation, resolution.number(), renamed)
        assert relation.reference is not None
        relation.reference.index = binding.index
        note_renamed(resolution, binding, renamed)
        binding.qualifier = () if alias else parts
    return binding


def _made(resolution: Resolution, parts: tuple[str, ...]) -> Made | None:
    """What a view given as text, or an earlier statement of the script, makes under this name; None for any table."""
    if resolution.session is None or (made := resolution.session.find(parts)) is None:
        return None
    use(resolution, made)
    return made


def _may_be_cte(parts: tuple[str, ...]) -> bool:
    return len(parts) == 1 or (len(parts) == 2 and parts[0] == "recurring")


def note_cte(resolution: Resolution, identifiers: list[Any], definition: CteDefinition, index: int) -> None:
    """Note that an identifier names a CTE, for the definition hash."""
    start = start_of(identifiers[-1])
    if start is not None:
        resolution.local_names[start] = f"cte{definition.index}#{index}"


def table_identifiers(node: exp.Table) -> list[Any]:
    """Return the identifiers of a table name, outermost first; empty where it is not a plain name."""
    parts = [node.args.get("catalog"), node.args.get("db")]
    this: Any = node.this
    if type(this) is exp.Identifier and parts == [None, None]:
        return [this]
    tail: list[Any] = []
    while isinstance(this, exp.Dot):
        tail.insert(0, this.args["expression"])
        this = this.this
    names = [part for part in (*parts, this, *tail) if part is not None]
    return names if all(isinstance(name, exp.Identifier) for name in names) else []


def name_parts(identifiers: list[Any]) -> tuple[str, ...]:
    """Return the lower-case parts of a table name; T-SQL's temporary tables keep their `#`."""
    parts = [identifier.name.lower() for identifier in identifiers]
    last = identifiers[-1].args
    if len(last) > 2:  # more than its name and whether it is quoted
        parts[-1] = f"{'##' if last.get('global_') else '#' if last.get('temporary') else ''}{parts[-1]}"
    return tuple(parts)


def place_of(node: exp.Table) -> int | None:
    """Return where a table name starts in the text, or None where the parser did not say."""
    identifiers = table_identifiers(node)
    return start_of(identifiers[0]) if identifiers else None


def table_relation(
    resolution: Resolution, node: exp.Expr, identifiers: list[Any], parts: tuple[str, ...], alias: str | None
) -> Relation:
    """Return a new relation for one reference to a table, and list the reference."""
    name = resolution.naming.complete(parts)
    schema = resolution.catalog.find(name)
    if schema is None and not resolution.catalog.knows(name):
        for candidate in resolution.naming.candidates(parts):
            if resolution.catalog.knows(candidate):
                name, schema = candidate, resolution.catalog.find(candidate)
                break
        if schema is None and resolution.session is not None:
            schema = resolution.session.schema_of(name)
    relation: Relation = Relation(name) if schema is None else TableRelation(name, schema)
    relation.open = schema is None
    start, end = start_of(identifiers[0]), end_of(identifiers[-1])
    relation.reference = TableReference(
        name, parts, -1 if start is None else start, -1 if end is None else end, schema, alias is not None,
        identifiers[-1].name,
    )  # fmt: skip
    resolution.references.append(relation.reference)
    resolution.visited.add(id(node))
    resolution.relations.append(relation)
    if start is None:
        resolution.notes.append(f"table {name}")  # no token stands for it
    if schema is None:
        refusals.check_table(resolution, relation.reference)
    if node.args.get("when") is not None or node.args.get("version") is not None:
        resolution.problem(f"{name} is read as of another time, which no trace can pin.", start, refused=True)
    return relation


def cte_relation(resolution: Resolution, definition: CteDefinition) -> Relation:
    """Return the relation of a CTE, resolved on first use."""
    if definition.relation is not None:
        return definition.relation
    if definition.busy:
        relation = Relation(definition.name)
        relation.open = True
        return relation
    definition.busy = True
    if definition.recursive and isinstance(definition.node, exp.SetOperation):
        relation = _recursive(resolution, definition)
    else:
        relation = resolution.resolve(resolution, definition.node, definition.scope, definition.environment)
        if definition.columns:
            relation = renamed_relation(definition.name, relation, definition.columns)
    relation.label = definition.name
    definition.relation = relation
    definition.busy = False
    return relation


def _recursive(resolution: Resolution, definition: CteDefinition) -> Relation:
    """A recursive CTE: its columns exist before the recursive part is resolved, and gain its edges afterwards."""
    node = definition.node
    anchor = resolution.resolve(resolution, node.this, definition.scope, definition.environment)
    relation = Relation(definition.name)
    listed = anchor.listed()
    for position, column in enumerate(listed):
        name = definition.columns[position] if position < len(definition.columns) else column.name
        relation.add(Column(name, column.type, [(column, IDENTITY)]))
    relation.gaps = list(anchor.gaps)
    relation.open = anchor.open
    relation.row_edges.append((anchor, LOOK))
    definition.relation = relation
    resolution.relations.append(relation)
    step = resolution.resolve(resolution, node.args["expression"], definition.scope, definition.environment)
    relation.row_edges.append((step, LOOK))
    for column, next_value in zip(relation.columns, step.listed(), strict=False):
        column.edges.append((next_value, IDENTITY))
        if column.type != next_value.type:
            column.type = None
    if relation.is_open or step.is_open or len(relation.columns) != len(step.listed()):
        for side in (anchor, step):
            relation.row_edges.append((whole(side, "the columns of a recursive query are not known"), LOOK))
    if node.args.get("distinct"):
        relation.row_edges += [(column, DISTINCT) for column in (*relation.columns, *step.listed())]
    return relation


def renamed_relation(label: str, relation: Relation, names: tuple[str, ...]) -> Relation:
    """Return `relation` with its first columns renamed by position."""
    renamed = Relation(label)
    renamed.row_edges.append((relation, LOOK))
    binding = Binding(None, relation, -1, names)
    for column in binding.listed():
        renamed.add(column)
    renamed.gaps = list(relation.gaps)
    renamed.open, renamed.source, renamed.single = relation.open, relation.source, relation.single
    return renamed


def derived(resolution: Resolution, node: Any, scope: Scope, environment: Environment | None) -> Binding:
    """Return the binding of a subquery in FROM."""
    alias, renamed = alias_of(node)
    drop_alias(resolution, node)
    # In DuckDB any subquery in FROM can see what stands before it; elsewhere only after the word LATERAL.
    outer = scope if resolution.query.dialect == "duckdb" else scope.parent
    since = so_far(resolution)
    relation = resolution.resolve(resolution, node, outer, environment)
    joined_back(resolution, relation, outer, since, grouped=True)
    if alias and relation.label == "the query":
        relation.label = alias
    return Binding(alias, relation, resolution.number(), renamed)


def table_function(
    resolution: Resolution, node: Any, call: Any, scope: Scope, environment: Environment | None
) -> Binding:
    """A function in FROM: each of its columns is made from all of its arguments."""
    alias, renamed = alias_of(node)
    drop_alias(resolution, node)
    while isinstance(call, exp.Dot) and isinstance(call.expression, (exp.Func, exp.Dot)):
        call = call.expression  # the schema of the function
    if isinstance(call, exp.Query):
        since = so_far(resolution)
        relation = resolution.resolve(resolution, call, scope, environment)
        joined_back(resolution, relation, scope, since, grouped=True)
        if alias and relation.label == "the query":
            relation.label = alias
        return Binding(alias, relation, resolution.number(), renamed)
    name = function_name(resolution, call) if isinstance(call, exp.Func) else functions.syntax_name(type(call))
    if resolution.session is not None and (macro := resolution.session.macro(name)) is not None:
        relation = resolution.session.inline_table(resolution, call, macro, scope, environment)
        return Binding(alias or name, relation, resolution.number(), renamed)
    return function_source(resolution, node, call, name, alias, renamed, scope, environment)


def opaque_source(resolution: Resolution, node: Any, scope: Scope, environment: Environment | None) -> Binding:
    """Something unfamiliar: whatever it mentions is looked at, and its columns may be anything."""
    alias, _ = alias_of(node)
    message = f"A {type(node).__name__.lower()} in FROM is not understood here, so what it reads cannot be known."
    resolution.problem(message, None, "Write it another way, or make it a Python asset.", refused=True)
    walk = Walk(resolution, scope, environment)
    walk.children(node, TRANSFORMATION, frozenset())
    walk.run(exp.Null())
    relation = Relation(alias or type(node).__name__.lower())
    relation.open, relation.source = True, walk.edges
    relation.row_edges += [(target, LOOK) for target, _ in walk.edges]
    resolution.relations.append(relation)
    resolution.keep_names()
    return Binding(alias, relation, resolution.number())


def _followed_all(resolution: Resolution) -> bool:
    """Whether the text names no table anywhere but in FROM clauses that were resolved, as nearly every text does."""
    types = resolution.query.types
    return types.count(_FROM) == len(resolution.clauses) and _TABLES_ELSEWHERE.isdisjoint(types)


def read_the_rest(resolution: Resolution, root: Relation) -> None:
    """The safety net: a table that no rule above came across is read whole."""
    if _followed_all(resolution):
        return
    for node in resolution.query.tree.find_all(exp.Table):
        if id(node) in resolution.visited or not isinstance(node.this, exp.Identifier):
            continue
        identifiers = table_identifiers(node)
        if not identifiers:
            continue  # refused already, where it stands in FROM
        parts = tuple(identifier.name.lower() for identifier in identifiers)
        if len(parts) == 1 and any(definition.name == parts[0] for definition in resolution.definitions):
            continue
        relation = table_relation(resolution, node, identifiers, parts, alias_of(node)[0])
        resolution.keep_names()
        root.row_edges.append((whole(relation, "it stands in a clause that is not followed"), LOOK))
