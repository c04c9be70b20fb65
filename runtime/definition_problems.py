"""What is wrong with an asset once the columns that it reads are known: a sentence, its line, and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from headwater.assets.asset import Asset, CheckSpec
from headwater.assets.errors import Problem, SqlError, StepError
from headwater.assets.key import AssetKey
from headwater.lineage.schema import SchemaColumns
from headwater.lineage.sql.analysis import Analysis, SqlProblem


def sql_problem(asset: Asset, error: SqlError) -> Problem:
    """Return the problem of SQL that cannot be parsed, at its line of the file."""
    place = f" (column {error.column})" if error.column else ""
    message = f"{error.message.rstrip('.')}{place}."
    # What has no line in the text is wrong with the dialect itself.
    line = asset.line_of("dialect") if error.line is None else line_in_file(asset, error.line)
    return Problem(asset.location.file, line, message, error.remedy, asset.key)


def text_problem(asset: Asset, problem: SqlProblem) -> Problem:
    """Return a problem of the analysed SQL at its line of the file."""
    place = line_in_file(asset, problem.line)
    return Problem(asset.location.file, place, problem.message, problem.remedy, asset.key)


def line_in_file(asset: Asset, line: int | None) -> int:
    """Return the line of the file for a line of the asset's SQL."""
    return asset.sql_line + (line or 1) - 1


def missing_columns(
    asset: Asset, check: CheckSpec, columns: tuple[str, ...], schema: SchemaColumns | None, table: str
) -> list[Problem]:
    """Return a problem for each of `columns`, named by a check, that `table` is known to lack."""
    if schema is None:
        return []
    names = {name.lower() for name, _ in schema}
    place = check.location or asset.location
    found = []
    for column in columns:
        if column.lower() not in names:
            close = difflib.get_close_matches(column.lower(), names, n=1)
            remedy = f"Did you mean {close[0]}?" if close else f"It has {', '.join(sorted(names))}."
            message = f"the check {check.label!r} names the column {column!r}, which {table} lacks."
            found.append(Problem(place.file, place.line, message, remedy, asset.key))
    return found


def contract_problems(asset: Asset, schema: SchemaColumns | None) -> list[Problem]:
    """Return a problem for each declared column that the query is known not to give."""
    if schema is None:
        return []
    names = {name.lower() for name, _ in schema}
    found = []
    for column in asset.columns:
        if column.name.lower() not in names:
            close = difflib.get_close_matches(column.name.lower(), names, n=1)
            remedy = f"Did you mean {close[0]}?" if close else "Add it to the query, or remove it from `columns`."
            message = f"`columns` declares {column.name!r}, which the query does not give."
            place = column.location or asset.location
            found.append(Problem(place.file, place.line, message, remedy, asset.key))
    return found


def lineage_problems(asset: Asset, schemas: Mapping[AssetKey, SchemaColumns | None]) -> list[Problem]:
    """Return a problem for each source that `lineage` names, which its asset is known to lack."""
    found = []
    for column, sources in asset.lineage:
        for upstream, name in sources:
            schema = schemas.get(upstream)
            names = {known.lower() for known, _ in schema or ()}
            if schema is not None and name.lower() not in names:
                close = difflib.get_close_matches(name.lower(), names, n=1)
                remedy = f"Did you mean {upstream}.{close[0]}?" if close else f"It has {', '.join(sorted(names))}."
                message = f"`lineage` of {column!r} names the column {name!r}, which {upstream} lacks."
                found.append(Problem(asset.location.file, asset.line_of("lineage"), message, remedy, asset.key))
    return found


def refusals(asset: Asset, analysis: Analysis) -> list[Problem]:
    """Refuse what cannot be run as declared, what bypasses the graph, and what its own promises exclude."""
    found: list[tuple[str, str, str]] = []
    if analysis.files:
        message = f"it reads the file {analysis.files[0]!r} itself."
        found.append(("", message, "Declare the file as an external and read that."))
    if asset.regulated and analysis.order_dependent:
        message = f"a regulated asset may not depend on row order: {'; '.join(analysis.order_dependent)}."
        found.append(("regulated", message, "Order it totally, or use decimals."))
    if asset.kind == "view" and analysis.volatility != "STABLE" and asset.volatile is not False:
        message = "a view may not ask for clock, chance or session: readers would see it change unchecked."
        found.append(("materialization", message, "Make it a table."))
    return [Problem(asset.location.file, asset.line_of(name), text, remedy, asset.key) for name, text, remedy in found]


def require_dialect(asset: Asset, engine: str) -> None:
    """Raise StepError where the SQL of an asset is of another dialect than its engine's, which is called the same.

    That is no declaration error: names, columns and lineage of such an asset are known, it only cannot be built here.
    """
    if asset.dialect != engine:
        place = f"{asset.location.file}:{asset.line_of('dialect')}"
        message = f"{asset.key} is written in the {asset.dialect} dialect, and the engine here runs {engine} only"
        raise StepError(f"{message} ({place}).", f"Write it for {engine}, or leave it out of the run.")


def require_declared(asset: Asset, schema: SchemaColumns) -> None:
    """Raise StepError where the `lineage` of an asset names a column that its data does not have."""
    names = {name.lower() for name, _ in schema}
    for column, _ in asset.lineage:
        if column.lower() not in names:
            message = f"The lineage of {asset.key} names the column {column!r}, which the function did not return."
            raise StepError(message, f"It returned {', '.join(sorted(names))}.")
