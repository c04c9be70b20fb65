"""`analyse_sql`: one parse, one resolving pass, and the passes that read its graph."""

from __future__ import annotations

from sqlglot import exp

from headwater.assets.errors import SqlError
from headwater.lineage.collecting import not_collecting
from headwater.lineage.sql import sources, stars, types, writes
from headwater.lineage.sql.analysis import Analysis, ColumnSource, Influence, OutputColumn, Read, Transformation
from headwater.lineage.sql.catalog import Naming, Schema, SqlCatalog
from headwater.lineage.sql.context import Resolution
from headwater.lineage.sql.definition import definition_hash
from headwater.lineage.sql.demand import Demand, demanded
from headwater.lineage.sql.edits import find_edits
from headwater.lineage.sql.model import ROW_NAMES, VALUE_NAMES, WINDOW, Column, Relation
from headwater.lineage.sql.parse import ParsedQuery, parse_query
from headwater.lineage.sql.provenance import edge_sources, kinds_of, provenance
from headwater.lineage.sql.queries import resolve_query
from headwater.lineage.sql.volatility import judge


def analyse_sql(
    sql: str | ParsedQuery,
    dialect: str = "duckdb",
    schema: Schema = None,
    default_catalog: str | None = None,
    default_schema: str | None = None,
) -> Analysis:
    """Return everything known about one SQL text: outputs, reads, influences, definition hash, problems, edits.

    `sql` may be parsed already (`parse_query`). `schema` maps table names to columns; for many queries, build one
    `SqlCatalog` and pass it each time. Raises SqlError with line and column for text that cannot be parsed.
    """
    with not_collecting():
        return _analyse_text(sql, dialect, SqlCatalog.of(schema), Naming(default_catalog, default_schema))


def _analyse_text(sql: str | ParsedQuery, dialect: str, catalog: SqlCatalog, naming: Naming) -> Analysis:
    query = sql if isinstance(sql, ParsedQuery) else parse_query(sql, dialect)
    resolution = Resolution(query, catalog, naming, resolve_query)
    resolution.may_choose_columns = _may_choose_columns(query.text)
    try:
        return _analyse(resolution)
    except RecursionError:
        raise SqlError("The query is nested too deeply to be analysed.", 1, 1, "Split it into CTEs.") from None


def _may_choose_columns(text: str) -> bool:
    lowered = text.lower()
    return "columns" in lowered or ("*" in lowered and any(w in lowered for w in ("like", "similar", "glob", "~")))


def _analyse(resolution: Resolution) -> Analysis:
    root, target = writes.resolve_statement(resolution)
    sources.read_the_rest(resolution, root)
    _check_names(resolution)
    edits = find_edits(resolution)
    demand = demanded(root)
    volatility, order_dependent = judge(resolution, edits)
    return Analysis(
        outputs=_outputs(root),
        influences=_influences(resolution, demand),
        reads=_reads(resolution, demand),
        definition_hash=definition_hash(resolution, root),
        volatility=volatility,
        order_dependent=order_dependent,
        problems=tuple(sorted(resolution.problems, key=lambda problem: (problem.line or 0, problem.column or 0))),
        edits=edits,
        parameters=tuple(sorted({edit.name for edit in edits if edit.kind == "PARAMETER"})),
        files=tuple(dict.fromkeys(resolution.files)),
        target=target,
    )


def _check_names(resolution: Resolution) -> None:
    """An output that the engine would name after a subquery would be named after the version it was run on."""
    tree = resolution.query.tree
    for item in tree.expressions if isinstance(tree, exp.Select) else ():
        if not isinstance(item, exp.Alias) and item.find(exp.Table) is not None:
            table = next(node for node in item.find_all(exp.Table))
            message = "An output is a subquery without a name of its own, and would be named after the tables it reads."
            resolution.problem(message, sources.place_of(table), "Give it an alias: (...) as name.")
        elif resolution.may_choose_columns and stars.unpacks(item):
            message = "An output unpacks COLUMNS(...) without a name of its own, and would be named after the tables."
            resolution.problem(message, None, "Give it an alias: ... as name.")


def _outputs(root: Relation) -> tuple[OutputColumn, ...] | None:
    if root.is_open:
        return None
    return tuple(OutputColumn(column.name, types.shown(column.type), _sources(column)) for column in root.listed())


def _sources(column: Column) -> tuple[ColumnSource, ...]:
    found: dict[ColumnSource, None] = {}
    for leaf, bits in provenance(column).items():
        assert leaf.leaf is not None
        assert leaf.leaf.reference is not None
        table = leaf.leaf.reference.name
        for kind, masked in kinds_of(bits):
            found[ColumnSource(table, leaf.name, VALUE_NAMES[kind], kind >= WINDOW, masked)] = None
    return tuple(found)


def _influences(resolution: Resolution, demand: Demand) -> tuple[Influence, ...]:
    found: dict[tuple[str, str, Transformation], None] = {}
    for relation in resolution.relations:
        if id(relation) not in demand.reached:
            continue
        for target, kind in relation.row_edges:
            name = ROW_NAMES.get(kind)
            if name is None:
                continue
            leaves = [target] if isinstance(target, Column) and target.leaf is not None else edge_sources([(target, 0)])
            for leaf in leaves:
                if leaf.leaf is not None and leaf.leaf.reference is not None:
                    found[leaf.leaf.reference.name, leaf.name, name] = None
    return tuple(Influence(*key) for key in found)


def _reads(resolution: Resolution, demand: Demand) -> tuple[Read, ...]:
    reads = []
    tables = [relation for relation in resolution.relations if relation.reference is not None]
    for relation in sorted(tables, key=lambda table: table.reference.start if table.reference else 0):
        reference = relation.reference
        assert reference is not None
        if relation in demand.reasons:
            reads.append(Read(reference.name, None, reference.filter, demand.reasons[relation]))
        else:
            columns = tuple(sorted(demand.columns.get(relation, ())))
            reads.append(Read(reference.name, columns, reference.filter))
    return tuple(reads)
