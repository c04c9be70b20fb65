"""Statements: a query as such, or one that writes, of which the target is noted and what it takes in is followed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from headwater.lineage.sql import changes, templates
from headwater.lineage.sql.context import Environment, Resolution
from headwater.lineage.sql.inserts import insert, several_inserts
from headwater.lineage.sql.model import IDENTITY, LOOK, Binding, Column, Relation, whole
from headwater.lineage.sql.parse import ParsedQuery
from headwater.lineage.sql.queries import with_clause
from headwater.lineage.sql.scope import Scope
from headwater.lineage.sql.session import use
from headwater.lineage.sql.sources import name_parts, renamed_relation, table_identifiers
from headwater.lineage.sql.targets import column_names, columns_of, target_table

_WRITING = frozenset(["insert", "update", "delete", "merge"])
_BY_NAME = frozenset(["mysql", "singlestore", "doris"])


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What one statement yields, or writes to one target."""

    relation: Relation
    target: str | None = None
    does: Literal["SELECT", "CREATE", "INSERT", "OVERWRITE", "CHANGE", "OTHER"] = "OTHER"
    temporary: bool = False


def resolve_statement(resolution: Resolution) -> list[Outcome]:
    """Return what the statement yields or writes: one outcome, or one for each target of a multi-table INSERT."""
    tree: Any = resolution.query.tree
    start = resolution.query.starts[0] if resolution.query.starts else 0  # a comment before it may be long
    if resolution.query.statements > 1:
        message = "The text holds more than one statement."
        _refuse(resolution, message, _second_statement(resolution), "An asset is one query.")
    if resolution.query.templated:
        _refuse(resolution, templates.REFUSAL, start, "Give the text as it is run.")
    scope = _variables(resolution)
    into = _into(tree)
    if isinstance(tree, (exp.Query, exp.Pivot)) and (inner := _inner_write(resolution.query)) is not None:
        message = f"{type(inner).__name__.upper()} within a query changes what it names."
        _refuse(resolution, message, start, "An asset is one SELECT.")
    if isinstance(tree, (exp.Query, exp.Pivot)) and into is None:
        return [Outcome(resolution.resolve(resolution, tree, scope, None), None, "SELECT")]
    what = "SELECT INTO" if isinstance(tree, exp.Query) else _verb(resolution.query)
    _refuse(resolution, f"{what} is not a query.", start, "An asset is one SELECT.")
    if isinstance(tree, exp.Query):
        return [_select_into(resolution, tree, into, scope)]
    environment = with_clause(resolution, tree, scope, None)
    if isinstance(tree, exp.MultitableInserts):
        return [
            Outcome(relation, _name(resolution, table), "OVERWRITE" if overwrites else "INSERT")
            for relation, table, overwrites in several_inserts(resolution, tree, scope, environment)
        ]
    return [_one_target(resolution, tree, scope, environment)]


def is_one_query(query: ParsedQuery) -> bool:
    """Return whether a text is a single query that writes nothing; where it is not, its analysis says what it is."""
    reads = isinstance(query.tree, (exp.Query, exp.Pivot)) and _into(query.tree) is None
    return reads and query.statements == 1 and not query.templated and _inner_write(query) is None


def _inner_write(query: ParsedQuery) -> exp.Expr | None:
    """A statement that writes where a query should stand: `with gone as (delete from t returning *) select ...`."""
    return None if _WRITING.isdisjoint(query.words) else query.tree.find(exp.DML, exp.Merge)


def _refuse(resolution: Resolution, message: str, offset: int | None, remedy: str) -> None:
    resolution.problem(message, offset, remedy, refused=True, whole=True)


def _verb(query: ParsedQuery) -> str:
    """The word that says what a statement does: the first, which the parser may know as a command or a name only."""
    first = query.words[0] if query.words else ""
    return first.upper() if first.isidentifier() and first != "with" else query.tree.key.upper()


def _variables(resolution: Resolution) -> Scope | None:
    """The variables of a procedure, which a name means where no table has such a column for certain."""
    session = resolution.session
    if session is None or not (session.variables or session.records):
        return None
    scope = Scope(None)
    scope.aliases = {name: Column(name) for name in session.variables}
    for name, made in session.records.items():
        if name in resolution.query.words:
            use(resolution, made)
            scope.bindings.append(Binding(name, made.relation, resolution.number()))
    return scope


def _one_target(resolution: Resolution, tree: Any, scope: Scope | None, environment: Environment | None) -> Outcome:
    table = target_table(tree)
    name = _name(resolution, table)
    if isinstance(tree, exp.Update):
        target = table if (clause := tree.args.get("from_")) is None else changes.named_in(table, clause) or table
        relation = changes.update(resolution, tree, scope, environment)
        return Outcome(relation, _through_cte(resolution, target, environment), "CHANGE")
    if isinstance(tree, exp.Delete):
        relation = changes.delete(resolution, tree, scope, environment)
        return Outcome(relation, _through_cte(resolution, _deleted(tree), environment), "CHANGE")
    if isinstance(tree, exp.Merge):
        columns = columns_of(resolution, table)
        return Outcome(changes.merge(resolution, tree, scope, environment, columns), name, "CHANGE")
    if table is not None:
        resolution.visited.add(id(table))
    if isinstance(tree, exp.Insert):
        does: Any = "OVERWRITE" if tree.args.get("overwrite") and not _partition(tree) else "INSERT"
        return Outcome(insert(resolution, tree, table, scope, environment), name, does, _is_temporary(table))
    if isinstance(tree, (exp.Create, exp.Cache)):
        relation = _created(resolution, tree, scope, environment)
        return Outcome(relation, _created_name(resolution, tree, name), "CREATE", _is_made_for_now(tree, table))
    for key in ("this", "expression"):  # COPY (query), EXPORT, DESCRIBE query
        if isinstance(tree.args.get(key), exp.Query):
            return Outcome(resolution.resolve(resolution, tree.args[key], scope, environment))
    if isinstance(tree, exp.Copy):
        return _copied(resolution, tree, table, scope, environment)
    return _other(resolution, tree, scope, environment)


def _partition(tree: Any) -> bool:
    return bool(tree.args.get("partition") or (isinstance(tree.this, exp.Table) and tree.this.args.get("partition")))


def _into(tree: Any) -> Any:
    """The INTO clause of SELECT, which stands in the first branch of a set operation."""
    while isinstance(tree, exp.SetOperation):
        tree = tree.this
    return tree.args.get("into") if isinstance(tree, exp.Select) else None


def _select_into(resolution: Resolution, tree: Any, into: Any, scope: Scope | None) -> Outcome:
    table = into.this
    relation = resolution.resolve(resolution, tree, scope, None)
    if not isinstance(table, exp.Table):
        return Outcome(relation, None, "SELECT")  # SELECT ... INTO variable
    resolution.visited.add(id(table))
    identifiers = table_identifiers(table)
    if resolution.session is not None and identifiers and identifiers[-1].name.lower() in resolution.session.variables:
        return Outcome(relation, None, "SELECT")
    return Outcome(relation, _name(resolution, table), "CREATE", bool(into.args.get("temporary")))


def _created(resolution: Resolution, tree: Any, scope: Scope | None, environment: Environment | None) -> Relation:
    query = tree.args.get("expression")
    if isinstance(query, exp.Query):
        relation = resolution.resolve(resolution, query, scope, environment)
        names = column_names(tree)
        if names and resolution.query.dialect in _BY_NAME:
            return _declared_too(relation, names)
        return renamed_relation(relation.label, relation, names) if names else relation
    out = Relation("the new table")
    resolution.relations.append(out)
    for name in column_names(tree):
        out.add(Column(name))
    clone = tree.args.get("clone")
    origin = clone.this if clone is not None else _like(tree)
    if isinstance(origin, exp.Table):
        copied = resolution.resolve(resolution, exp.select("*").from_(origin, copy=False), scope, environment)
        out.row_edges.append((copied, LOOK))
        for column in copied.listed():
            out.add(Column(column.name, column.type, [(column, IDENTITY if clone is not None else LOOK)]))
        out.gaps += copied.gaps
    return out


def _declared_too(relation: Relation, names: tuple[str, ...]) -> Relation:
    """MySQL matches declared columns with those of the query by name; the others of the query come after them."""
    out = renamed_relation(relation.label, relation, ())
    queried = out.columns
    out.columns, out.by_name = [], {}
    own = {column.name.lower(): column for column in queried}
    for name in names:
        out.add(own.pop(name.lower(), Column(name)))
    for column in queried:
        if column.name.lower() in own:
            out.add(column)
    return out


def _like(tree: Any) -> Any:
    properties = tree.args.get("properties")
    found = [] if properties is None else [p for p in properties.expressions if isinstance(p, exp.LikeProperty)]
    if not found and isinstance(tree.this, exp.Schema):
        found = [item for item in tree.this.expressions if isinstance(item, exp.LikeProperty)]
    return found[0].this if found else None


def _created_name(resolution: Resolution, tree: Any, name: str | None) -> str | None:
    """ClickHouse: what `CREATE MATERIALIZED VIEW v TO t` writes is t."""
    properties = tree.args.get("properties")
    for item in properties.expressions if properties is not None else ():
        if isinstance(item, exp.ToTableProperty) and isinstance(item.this, exp.Table):
            resolution.visited.add(id(item.this))
            return _name(resolution, item.this)
    return name


def _is_made_for_now(tree: Any, table: Any) -> bool:
    properties = tree.args.get("properties")
    made_for_now = (exp.TemporaryProperty, exp.GlobalProperty, exp.VolatileProperty)
    found = properties is not None and any(isinstance(item, made_for_now) for item in properties.expressions)
    return found or isinstance(tree, exp.Cache) or _is_temporary(table)


def _is_temporary(table: Any) -> bool:
    identifiers = [] if table is None else table_identifiers(table)
    return bool(identifiers and identifiers[-1].args.get("temporary")) or isinstance(
        getattr(table, "this", None), exp.Parameter
    )


def _deleted(tree: Any) -> exp.Table | None:
    named = (tree.args.get("tables") or [tree.this])[0]
    if isinstance(named, exp.Table) and named.name.lower() == "top":
        named = tree.this  # T-SQL: DELETE TOP (n) FROM t
    if not isinstance(named, exp.Expr):
        return None
    for source in (*(tree.args.get("using") or ()), tree.this):
        if isinstance(source, exp.Expr) and (table := changes.named_in(named, source)) is not None:
            return table
    return named if isinstance(named, exp.Table) else None


def _through_cte(resolution: Resolution, table: exp.Table | None, environment: Environment | None) -> str | None:
    """The target's name; T-SQL writes through a CTE to the table that it selects from."""
    for _ in range(20):
        definition = environment.find(table.name.lower()) if environment is not None and table is not None else None
        if definition is None or table is None or table.args.get("db") is not None:
            break
        clause = definition.node.args.get("from_")
        table = clause.this if clause is not None and isinstance(clause.this, exp.Table) else None
        environment = definition.environment
    return _name(resolution, table)


def _copied(
    resolution: Resolution, tree: Any, table: Any, scope: Scope | None, environment: Environment | None
) -> Outcome:
    """COPY INTO target FROM (query), COPY INTO stage FROM table."""
    into = bool(tree.args.get("kind"))
    for source in tree.args.get("files") or ():
        inner = source.this if isinstance(source, exp.Subquery) else source
        if isinstance(inner, exp.Query):
            relation = resolution.resolve(resolution, inner, scope, environment)
        elif isinstance(inner, exp.Table) and table_identifiers(inner):
            relation = resolution.resolve(resolution, exp.select("*").from_(inner, copy=False), scope, environment)
        else:
            continue
        names = column_names(tree)
        relation = renamed_relation(relation.label, relation, names) if names else relation
        return Outcome(relation, _name(resolution, table) if into else None, "INSERT" if into else "OTHER")
    out = Relation("the copy")
    if table is not None and not into and table_identifiers(table):
        resolution.visited.discard(id(table))
        return Outcome(resolution.resolve(resolution, exp.select("*").from_(table, copy=False), scope, environment))
    return Outcome(out, _name(resolution, table) if into else None, "INSERT" if into else "OTHER")


def _other(resolution: Resolution, tree: Any, scope: Scope | None, environment: Environment | None) -> Outcome:
    """Neither a query nor one that is known to write: what it reads is read whole, or by its subqueries."""
    if isinstance(tree, (exp.Drop, exp.TruncateTable, exp.Alter, exp.Use, exp.Set, exp.Declare, exp.Comment)):
        out = Relation("nothing")
        for query in tree.find_all(exp.Query):
            if query.find_ancestor(exp.Query) is None:
                relation = resolution.resolve(resolution, query, scope, environment)
                out.row_edges.append((relation, LOOK))
                out.row_edges += [(column, LOOK) for column in relation.listed()]
                out.row_edges += [(whole(gap.relation, "a subquery selects all of it"), LOOK) for gap in relation.gaps]
        for table in tree.find_all(exp.Table):
            if table.find_ancestor(exp.Query) is None:
                resolution.visited.add(id(table))
        return Outcome(out)
    return Outcome(resolution.resolve(resolution, tree, scope, environment))


def _name(resolution: Resolution, table: Any) -> str | None:
    if isinstance(table, exp.Table) and isinstance(table.this, exp.Parameter):
        return f"@{table.this.name.lower()}"
    identifiers = [] if not isinstance(table, exp.Table) else table_identifiers(table)
    return resolution.naming.complete(name_parts(identifiers)) if identifiers else None


def _second_statement(resolution: Resolution) -> int | None:
    query = resolution.query
    return next((end for end, type_ in zip(query.ends, query.types, strict=True) if type_ is TokenType.SEMICOLON), None)
