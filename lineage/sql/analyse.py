"""`analyse_sql`: one parse, one resolving pass, and the passes that read its graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlglot import exp

from headwater.assets.errors import SqlError
from headwater.lineage.collecting import not_collecting
from headwater.lineage.sql import scripts, sources, stars, types, writes
from headwater.lineage.sql.analysis import Analysis, ColumnSource, Influence, OutputColumn, Read, put_off
from headwater.lineage.sql.catalog import Naming, Schema, SqlCatalog
from headwater.lineage.sql.context import Resolution
from headwater.lineage.sql.definition import Definition
from headwater.lineage.sql.demand import Demand, demanded
from headwater.lineage.sql.dialect_clauses import PSEUDO_COLUMNS
from headwater.lineage.sql.edits import find_edits
from headwater.lineage.sql.inline import inline_scalar, inline_table, made_of
from headwater.lineage.sql.model import (
    IDENTITY,
    LOOK,
    ROW_NAMES,
    SPREAD,
    VALUE_NAMES,
    WINDOW,
    Column,
    Edge,
    Relation,
    Target,
)
from headwater.lineage.sql.parse import ParsedQuery, parse_query
from headwater.lineage.sql.provenance import edge_sources, kinds_of, provenance
from headwater.lineage.sql.queries import resolve_query
from headwater.lineage.sql.scripts import Script
from headwater.lineage.sql.session import Made, Session
from headwater.lineage.sql.volatility import judge
from headwater.lineage.sql.writes import Outcome

# A tree of a form that no rule here has met. It has to be an error of the text: what is not understood is not read.
_UNFORESEEN = (AssertionError, AttributeError, IndexError, KeyError, TypeError, ValueError)
_STRANGE = "The query has a form that is not understood"
# Dialects in which the case of a name, quoted or not, can tell two columns apart.
_CASE_SENSITIVE = frozenset(
    ["postgres", "redshift", "oracle", "snowflake", "clickhouse", "bigquery", "trino", "presto", "athena", "teradata",
     "materialize", "risingwave", "exasol"]
)  # fmt: skip
_TOO_DEEP = ("The query is nested too deeply to be analysed.", 1, 1, "Split it into CTEs.")


def analyse_sql(
    sql: str | ParsedQuery,
    dialect: str = "duckdb",
    schema: Schema = None,
    default_catalog: str | None = None,
    default_schema: str | None = None,
    definitions: Mapping[str, str] | None = None,
    identities: Mapping[str, str] | None = None,
) -> Analysis:
    """Return everything known about one SQL text: outputs, reads, influences, definition hash, problems, edits.

    `sql` may be parsed already (`parse_query`). `schema` maps table names to columns; for many queries, build one
    `SqlCatalog` and pass it each time. `definitions` maps names to the text of views (a query or CREATE VIEW) and of
    macros (CREATE MACRO or CREATE FUNCTION): both are expanded, so lineage and reads go on to what they read; to let
    them stop at a view, give its columns in `schema` instead. A script is refused, and analysed all the same: see
    `analyse_script`. `identities` maps lower-case names of renamed tables to what they were first called: the
    definition hash names them so, and stays as it was when a table is renamed. Raises SqlError with line and column for
    text that cannot be parsed.
    """
    naming = Naming(default_catalog, default_schema)
    with not_collecting():
        return _analyse_text(sql, dialect, SqlCatalog.of(schema), naming, definitions or {}, identities or {})


def _analyse_text(
    sql: str | ParsedQuery,
    dialect: str,
    catalog: SqlCatalog,
    naming: Naming,
    definitions: Mapping[str, str],
    identities: Mapping[str, str],
) -> Analysis:
    try:
        query = sql if isinstance(sql, ParsedQuery) else parse_query(sql, dialect)
    except SqlError:
        if isinstance(sql, ParsedQuery) or not scripts.may_be_script(sql, dialect):
            raise
        return _analyse_script(sql, dialect, catalog, naming, definitions).main
    if scripts.is_script(query):
        return _analyse_script(query.text, query.dialect, catalog, naming, definitions).main
    resolution = _new_resolution(query, catalog, naming)
    resolution.identities = identities
    try:
        if definitions:
            resolution.session = _session(catalog, naming, query.dialect, definitions)
        return describe(resolution, writes.resolve_statement(resolution))
    except RecursionError:
        raise SqlError(*_TOO_DEEP) from None
    except _UNFORESEEN as error:
        raise SqlError(f"{_STRANGE}: {type(error).__name__}: {error}.", 1, 1, "Write it in another way.") from error


def define_sql(sql: str, dialect: str = "duckdb", schema: Schema = None) -> tuple[Analysis, Definition]:
    """Return the analysis of one query together with what its definition hash is made of.

    Raises SqlError for text that is not one query that can be parsed.
    """
    with not_collecting():
        try:
            query = parse_query(sql, dialect)
            if scripts.is_script(query):
                raise SqlError("The text is a script.", 1, 1, "Give one query.")
            resolution = _new_resolution(query, SqlCatalog.of(schema), Naming())
            return _described(resolution, writes.resolve_statement(resolution))
        except RecursionError:
            raise SqlError(*_TOO_DEEP) from None
        except _UNFORESEEN as error:
            raise SqlError(f"{_STRANGE}: {type(error).__name__}: {error}.", 1, 1, "Write it in another way.") from error


def analyse_script(
    sql: str,
    dialect: str = "duckdb",
    schema: Schema = None,
    default_catalog: str | None = None,
    default_schema: str | None = None,
    definitions: Mapping[str, str] | None = None,
) -> Script:
    """Return what each statement of a text yields or writes, and what the text as a whole comes to.

    The text may hold one statement, several, or a procedure. What a statement creates can be read by those after it:
    lineage goes on through it, to tables that the text did not create. Arguments are those of `analyse_sql`. Raises
    SqlError for a statement that reads or writes and cannot be parsed.
    """
    naming = Naming(default_catalog, default_schema)
    with not_collecting():
        return _analyse_script(sql, dialect, SqlCatalog.of(schema), naming, definitions or {})


def _analyse_script(
    sql: str, dialect: str, catalog: SqlCatalog, naming: Naming, definitions: Mapping[str, str]
) -> Script:
    try:
        return scripts.analyse(sql, _session(catalog, naming, dialect, definitions), _resolution, _describe_now)
    except RecursionError:
        raise SqlError(*_TOO_DEEP) from None
    except _UNFORESEEN as error:
        raise SqlError(f"{_STRANGE}: {type(error).__name__}: {error}.", 1, 1, "Write it in another way.") from error


def _session(catalog: SqlCatalog, naming: Naming, dialect: str, definitions: Mapping[str, str]) -> Session:
    session = Session(catalog, naming, dialect, _make_view, inline_scalar, inline_table)
    session.define(definitions)
    return session


def _resolution(query: ParsedQuery, session: Session) -> Resolution:
    resolution = _new_resolution(query, session.catalog, session.naming)
    resolution.session = session
    return resolution


def _new_resolution(query: ParsedQuery, catalog: SqlCatalog, naming: Naming) -> Resolution:
    resolution = Resolution(query, catalog, naming, resolve_query)
    resolution.may_choose_columns = _may_choose_columns(query.text)
    resolution.names_matter = query.dialect in _CASE_SENSITIVE
    if (pseudo_columns := PSEUDO_COLUMNS.get(query.dialect)) is not None:
        resolution.pseudo_columns = pseudo_columns
    return resolution


def _make_view(session: Session, text: str) -> Made:
    resolution = _resolution(parse_query(text, session.dialect), session)
    outcome = writes.resolve_statement(resolution)[0]
    resolution.problems = [problem for problem in resolution.problems if "is not a query" not in problem.message]
    return made_of(resolution, outcome.relation)


def _may_choose_columns(text: str) -> bool:
    lowered = text.lower()
    return "columns" in lowered or ("*" in lowered and any(w in lowered for w in ("like", "similar", "glob", "~")))


def describe(resolution: Resolution, outcomes: list[Outcome]) -> Analysis:
    """Return the analysis of a resolved statement; of several targets, the outputs stand one after the other."""
    return _described(resolution, outcomes)[0]


def _described(resolution: Resolution, outcomes: list[Outcome]) -> tuple[Analysis, Definition]:
    root, target = outcomes[0].relation, outcomes[0].target
    if len(outcomes) > 1:
        root = _together(resolution, outcomes)
    sources.read_the_rest(resolution, root)
    _check_names(resolution)
    edits = find_edits(resolution)
    demand = demanded(root)
    volatility, order_dependent = judge(resolution, edits)
    analysis = Analysis(
        outputs=_outputs(root),
        influences=_influences(resolution, demand),
        reads=_reads(resolution, demand),
        definition_hash="",
        volatility=volatility,
        order_dependent=order_dependent,
        problems=tuple(sorted(resolution.problems, key=lambda it: (not it.whole, it.line or 0, it.column or 0))),
        edits=edits,
        parameters=tuple(sorted({edit.name for edit in edits if edit.kind == "PARAMETER"})),
        files=tuple(dict.fromkeys(resolution.files)),
        target=target,
        spreads=_spreads(resolution, demand),
    )
    definition = Definition(resolution, root)
    return put_off(analysis, definition.hash), definition


def _describe_now(resolution: Resolution, outcomes: list[Outcome]) -> Analysis:
    """Return the analysis of one statement of a script, hash and all: other statements add to the resolution."""
    analysis = describe(resolution, outcomes)
    assert analysis.definition_hash
    return analysis


def _together(resolution: Resolution, outcomes: list[Outcome]) -> Relation:
    out = Relation("all targets")
    resolution.relations.append(out)
    for outcome in outcomes:
        out.row_edges.append((outcome.relation, LOOK))
        out.gaps += outcome.relation.gaps
        out.open = out.open or outcome.relation.open
        out.source += outcome.relation.source
        for column in outcome.relation.listed():
            out.add(column)
    return out


def _check_names(resolution: Resolution) -> None:
    """An output that the engine would name after a subquery would be named after the version it was run on."""
    tree = resolution.query.tree
    for item in tree.expressions if isinstance(tree, exp.Select) else ():
        if type(item) not in (exp.Alias, exp.Column) and item.find(exp.Table) is not None:
            table = next(node for node in item.find_all(exp.Table))
            message = "An output is a subquery without a name of its own, and would be named after the tables it reads."
            resolution.problem(message, sources.place_of(table), "Give it an alias: (...) as name.")
        elif resolution.may_choose_columns and stars.unpacks(item):
            message = "An output unpacks COLUMNS(...) without a name of its own, and would be named after the tables."
            resolution.problem(message, None, "Give it an alias: ... as name.")


def _outputs(root: Relation) -> tuple[OutputColumn, ...] | None:
    if root.is_open:
        return None
    return tuple([OutputColumn(column.name, types.shown(column.type), _sources(column)) for column in root.listed()])


def _sources(column: Column) -> tuple[ColumnSource, ...]:
    found: dict[tuple[str, str, int, bool], None] = {}
    for leaf, bits in provenance(column).items():
        assert leaf.leaf is not None
        assert leaf.leaf.reference is not None
        table = leaf.leaf.reference.name
        for kind, masked in kinds_of(bits):
            found[table, leaf.name, kind, masked] = None
    return tuple(
        [ColumnSource(table, name, VALUE_NAMES[kind], kind >= WINDOW, masked) for table, name, kind, masked in found]
    )


def _influences(resolution: Resolution, demand: Demand) -> tuple[Influence, ...]:
    found: dict[tuple[str, str, int], None] = {}
    for relation in resolution.relations:
        if relation not in demand.reached:
            continue
        for target, kind in relation.row_edges:
            if kind not in ROW_NAMES:
                continue
            for leaf in _leaves(target):
                if leaf.leaf is not None and leaf.leaf.reference is not None:
                    found[leaf.leaf.reference.name, leaf.name, kind] = None
    return tuple([Influence(table, column, ROW_NAMES[kind]) for table, column, kind in found])


def _leaves(target: Target) -> Iterable[Column]:
    if type(target) is not Column:
        return edge_sources([(target, IDENTITY)])
    return (target,) if target.leaf is not None else provenance(target)


def _spreads(resolution: Resolution, demand: Demand) -> tuple[tuple[str, str], ...]:
    found: dict[tuple[str, str], None] = {}
    for relation in resolution.relations:
        edges: list[Edge] = [(target, IDENTITY) for target, kind in relation.row_edges if kind == SPREAD]
        for leaf in edge_sources(edges) if edges and relation in demand.reached else ():
            if leaf.leaf is not None and leaf.leaf.reference is not None:
                found[leaf.leaf.reference.name, leaf.name] = None
    return tuple(found)


def _reads(resolution: Resolution, demand: Demand) -> tuple[Read, ...]:
    reads = []
    tables = [(relation.reference, relation) for relation in resolution.relations if relation.reference is not None]
    for reference, relation in sorted(tables, key=lambda table: table[0].start):
        if relation in demand.reasons:
            reads.append(Read(reference.name, None, reference.filter, demand.reasons[relation]))
        else:
            columns = tuple(sorted(demand.columns.get(relation, ())))
            reads.append(Read(reference.name, columns, reference.filter))
    return tuple(reads)
