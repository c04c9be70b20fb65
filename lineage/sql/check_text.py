"""What a bare SQL expression uses: the text of a check, of `where`, of a cursor comparison."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from headwater.assets.errors import SqlError
from headwater.lineage.sql.analysis import SqlProblem, Volatility
from headwater.lineage.sql.catalog import EMPTY_CATALOG, Naming
from headwater.lineage.sql.context import Resolution
from headwater.lineage.sql.demand import demanded
from headwater.lineage.sql.edits import find_edits
from headwater.lineage.sql.expressions import Walk
from headwater.lineage.sql.model import LOOK, Binding, Relation, TableReference
from headwater.lineage.sql.parse import parse_query
from headwater.lineage.sql.queries import resolve_query
from headwater.lineage.sql.scope import Scope
from headwater.lineage.sql.volatility import judge

_PREFIX = "SELECT "
_ROW = "this"  # how the expression may call the row's table


@dataclass(frozen=True, slots=True)
class ExpressionUse:
    """What one SQL expression uses. `columns` are those of the row it judges, lower case and sorted; None means all."""

    columns: tuple[str, ...] | None
    tables: tuple[str, ...]
    volatility: Volatility
    aggregates: bool
    parameters: tuple[str, ...]
    problems: tuple[SqlProblem, ...]


def analyse_expression(text: str, dialect: str = "duckdb") -> ExpressionUse:
    """Return what the SQL expression `text` uses.

    Tables are those that its subqueries read. Raises SqlError with line and column (from 1, within `text`) for text
    that is not exactly one expression.
    """
    try:
        query = parse_query(_PREFIX + text, dialect)
    except SqlError as error:
        raise _moved(error) from None
    item = _only_item(query.tree, query.statements)
    resolution = Resolution(query, EMPTY_CATALOG, Naming(), resolve_query)
    row = Relation(_ROW)
    row.open = True
    row.reference = TableReference(_ROW, (_ROW,), -1, -1, None, True, _ROW)
    scope = Scope(None)
    scope.bindings = [Binding(_ROW, row, resolution.number())]
    root = Relation("the expression")
    try:
        root.row_edges = [(target, LOOK) for target, _ in Walk(resolution, scope, None).run(item)]
        volatility, _ = judge(resolution, edits := find_edits(resolution))
    except RecursionError:
        raise SqlError("The expression is nested too deeply to be analysed.", 1, 1) from None
    demand = demanded(root)
    columns = None if row in demand.reasons else tuple(sorted(demand.columns.get(row, ())))
    return ExpressionUse(
        columns=columns,
        tables=tuple(dict.fromkeys(reference.name for reference in resolution.references)),
        volatility=volatility,
        aggregates=_aggregates(item),
        parameters=tuple(sorted({edit.name for edit in edits if edit.kind == "PARAMETER"})),
        problems=tuple(map(_moved_problem, resolution.problems)),
    )


def _only_item(tree: exp.Expr, statements: int) -> exp.Expr:
    present = {key for key, value in tree.args.items() if value}
    items = tree.expressions
    if statements != 1 or not isinstance(tree, exp.Select) or present != {"expressions"} or len(items) != 1:
        raise SqlError("The text is not one SQL expression.", 1, 1, "Write a condition such as amount >= 0.")
    item: exp.Expr = items[0]
    if isinstance(item, (exp.Alias, exp.Star)):
        raise SqlError("The text is not one SQL expression.", 1, 1, "Write a condition without an alias.")
    return item


def _aggregates(item: exp.Expr) -> bool:
    return any(not isinstance(node.parent, exp.Window) for node in item.find_all(exp.AggFunc))


def _moved(error: SqlError) -> SqlError:
    column = error.column
    if error.line == 1 and column is not None:
        column = max(1, column - len(_PREFIX))
    return SqlError(error.message, error.line, column, error.remedy)


def _moved_problem(problem: SqlProblem) -> SqlProblem:
    if problem.line != 1 or problem.column is None:
        return problem
    return SqlProblem(problem.message, 1, max(1, problem.column - len(_PREFIX)), problem.remedy, problem.refused)
