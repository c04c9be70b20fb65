"""What a change of columns means for the contract and the checks of the very asset that has them."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from typing import Protocol

from headwater.assets.asset import Asset, CheckSpec
from headwater.assets.errors import Problem, SqlError
from headwater.lineage.schema import SchemaColumns
from headwater.runtime.check_texts import expression_problems, query_analysis
from headwater.runtime.definition_problems import contract_problems, missing_columns
from headwater.runtime.impact_model import Change


class TypeNames(Protocol):
    """Knows how the engine spells a type."""

    def type_name(self, text: str) -> str | None:
        """Return the engine's spelling of a type, or None where it knows no such type."""
        ...


def own_problems(
    asset: Asset, change: Change, before: SchemaColumns | None, after: SchemaColumns | None, types: TypeNames
) -> tuple[Problem, ...]:
    """Return what of an asset's contract and checks would no longer fit the columns `after`, at its place."""
    if before is None and asset.key == change.asset:
        return _unseen_problems(asset, change)
    if after is None or after == before:
        return ()
    if change.kind == "RETYPE":  # what is declared of a source says how it is read: it is the type
        return () if asset.is_external else tuple(_other_types(asset, before, after, types))
    was = {*contract_problems(asset, before), *_check_problems(asset, before)}
    now = (*contract_problems(asset, after), *_check_problems(asset, after))
    return tuple(dict.fromkeys(replace(problem, remedy="") for problem in now if problem not in was))


def _unseen_problems(asset: Asset, change: Change) -> tuple[Problem, ...]:
    """Return the places that name the column of an asset whose columns are not known: its declaration, its checks."""
    if change.column is None or change.kind not in ("DROP", "RENAME"):
        return ()
    name = change.column.lower()
    places = [(it.location, "`columns` declares") for it in asset.columns if it.name.lower() == name]
    for check in asset.checks:
        if name in (columns_of_check(asset, check) or ()):
            places.append((check.location, f"the check {check.label!r} names"))
    return tuple(
        Problem(
            (place or asset.location).file,
            (place or asset.location).line,
            f"{said} {change.column!r}.",
            asset=asset.key,
        )
        for place, said in places
    )


def checks_naming(asset: Asset, columns: Set[str] | None) -> tuple[str, ...]:
    """Return the labels of the checks that name one of `columns` (lower case), or of all where it is None."""
    return tuple(
        check.label
        for check in asset.checks
        if columns is None or (seen := columns_of_check(asset, check)) is None or not columns.isdisjoint(seen)
    )


def _other_types(asset: Asset, before: SchemaColumns | None, after: SchemaColumns, types: TypeNames) -> list[Problem]:
    old = {name.lower(): type_ for name, type_ in before or ()}
    new = {name.lower(): type_ for name, type_ in after}
    found = []
    for column in asset.columns:
        name = column.name.lower()
        if column.type is None or new.get(name) is None or new.get(name) == old.get(name):
            continue
        declared = types.type_name(column.type)
        if declared is not None and declared != new[name]:
            place = column.location or asset.location
            message = f"its contract declares {column.name} {declared}, and it would be {new[name]}."
            found.append(Problem(place.file, place.line, message, asset=asset.key))
    return found


def _check_problems(asset: Asset, schema: SchemaColumns | None) -> list[Problem]:
    from headwater.checks.scan import check_columns

    problems: list[Problem] = []
    for check in asset.checks:
        problems += missing_columns(asset, check, check_columns(check), schema, asset.key)
        problems += query_analysis(asset, check, {}, schema)[1] + expression_problems(asset, check, schema)
    return problems


def columns_of_check(asset: Asset, check: CheckSpec) -> set[str] | None:
    """Return the columns of its own asset that a check looks at, lower case, or None where it may be all."""
    from headwater.checks.scan import check_columns, check_expressions
    from headwater.lineage.sql import analyse_expression
    from headwater.runtime.check_texts import THIS

    seen = {name.lower() for name in check_columns(check)}
    for text in check_expressions(check):
        try:
            columns = analyse_expression(text).columns
        except SqlError:
            return None
        if columns is None:
            return None
        seen.update(columns)
    analysis, _ = query_analysis(asset, check, {}, None)
    for read in analysis.reads if analysis is not None else ():
        if read.table.lower() in (THIS, asset.key):
            if read.columns is None:
                return None
            seen.update(name.lower() for name in read.columns)
    return seen
