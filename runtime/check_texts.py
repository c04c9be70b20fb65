"""The SQL inside checks, judged before anything runs: what it reads, and what is wrong with it, with file and line."""

from __future__ import annotations

from headwater.assets.asset import Asset, CheckSpec
from headwater.assets.errors import Problem, SqlError
from headwater.lineage.schema import SchemaColumns
from headwater.lineage.sql.analysis import Analysis
from headwater.runtime.definition_problems import missing_columns

THIS = "__this"  # stands for the staged table while the text of a check is analysed


def query_analysis(
    asset: Asset, check: CheckSpec, schemas: dict[str, SchemaColumns], own: SchemaColumns | None
) -> tuple[Analysis | None, list[Problem]]:
    """Return the analysis of a `sql` check, None for any other kind, with the problems found in its text."""
    from headwater.checks.scan import check_query
    from headwater.lineage import analyse_sql

    text = check_query(check)
    if text is None:
        return None, []
    try:
        analysis = analyse_sql(
            text.replace("$this", THIS), "duckdb", schemas | ({THIS: own} if own is not None else {})
        )
    except SqlError as error:
        return None, [_problem(asset, check, error.message, error.remedy)]
    problems = [_problem(asset, check, problem.message, problem.remedy) for problem in analysis.problems]
    return analysis, problems + _must_be_repeatable(asset, check, analysis.volatility)


def expression_problems(asset: Asset, check: CheckSpec, own: SchemaColumns | None) -> list[Problem]:
    """Return what is wrong with the condition and the `where` of a check: syntax, and columns that are not there."""
    from headwater.checks.scan import check_expressions
    from headwater.lineage.sql import analyse_expression

    problems: list[Problem] = []
    for text in check_expressions(check):
        try:
            use = analyse_expression(text)
        except SqlError as error:
            problems.append(_problem(asset, check, error.message, error.remedy))
            continue
        problems += [_problem(asset, check, problem.message, problem.remedy) for problem in use.problems]
        if use.tables:
            problems.append(_problem(asset, check, f"it reads {use.tables[0]}.", "Write it as a `sql` check."))
        if use.parameters:
            problems.append(_problem(asset, check, f"it uses ${use.parameters[0]}.", "Write the value itself."))
        problems += _must_be_repeatable(asset, check, use.volatility)
        problems += missing_columns(asset, check, use.columns or (), own, asset.key)
    return problems


def _must_be_repeatable(asset: Asset, check: CheckSpec, volatility: str) -> list[Problem]:
    if volatility == "STABLE":
        return []
    message = "it asks for clock or chance, so its verdict could not be repeated."
    return [_problem(asset, check, message, "Compare with a column instead.")]


def _problem(asset: Asset, check: CheckSpec, message: str, remedy: str) -> Problem:
    place = check.location or asset.location
    said = message.replace(THIS, "$this")
    return Problem(place.file, place.line, f"the check {check.label!r}: {said}", remedy, asset.key)
