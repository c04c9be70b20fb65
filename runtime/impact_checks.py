"""Whether checks can still be evaluated where columns have other types: what a run would refuse is asked beforehand.

The scan that a run would make is planned over the new types, and each of its queries is bound over empty tables in
memory. A check that cannot be planned, or whose query does not bind, would block every run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headwater.assets.asset import Asset, CheckSpec
from headwater.assets.errors import Problem, StepError
from headwater.assets.key import AssetKey
from headwater.lineage.schema import SchemaColumns
from headwater.runtime.check_texts import THIS, query_analysis
from headwater.runtime.impact_bind import Retyping
from headwater.runtime.impact_own import columns_of_check

Schemas = Mapping[AssetKey, SchemaColumns | None]
_Seen = dict[AssetKey, frozenset[str] | None]  # columns of each asset, lower case; None: any
_ANY_COLUMN: SchemaColumns = (("_", "integer"),)  # a table has one at least


@dataclass(frozen=True, slots=True)
class CheckFindings:
    """The checks that can no longer be evaluated (`broken`), and those of which that cannot be told (`doubtful`)."""

    broken: tuple[Problem, ...] = ()
    doubtful: tuple[Problem, ...] = ()


def check_findings(asset: Asset, before: Schemas, after: Schemas, types: Retyping) -> CheckFindings:
    """Return what becomes of the checks of `asset` that look at a column whose type is another one in `after`.

    Of an asset whose columns are not known, `before` has None, and `after` the one column of which the type is known.
    """
    broken: list[Problem] = []
    doubtful: list[Problem] = []
    for check in asset.checks:
        tables = _looked_at(asset, check)
        if not any(_differs(table, columns, before, after) for table, columns in tables.items()):
            continue
        known, today = _known(tables, after, before), _known(tables, before, before)
        if known is None:
            said = "whether it can be evaluated with the new type cannot be told before all types are known."
            doubtful.append(_problem(asset, check, said))
            continue
        fault = _fault(asset, check, known, types)
        if fault is not None and (today is None or _fault(asset, check, today, types) is None):
            broken.append(_problem(asset, check, f"it could no longer be evaluated: {fault}"))
    return CheckFindings(tuple(broken), tuple(doubtful))


def typed(schema: SchemaColumns | None) -> SchemaColumns | None:
    """Return the columns where all of their types are known, else None."""
    return None if schema is None or any(type_ is None for _, type_ in schema) else schema


def _known(tables: _Seen, schemas: Schemas, before: Schemas) -> dict[AssetKey, SchemaColumns] | None:
    """Return the columns with known types of each table, or None where a check looks at others too."""
    found: dict[AssetKey, SchemaColumns] = {}
    for table, columns in tables.items():
        schema = schemas.get(table) or ()
        there = tuple(column for column in schema if column[1] is not None)
        whole = before.get(table) is not None and there == schema
        if not whole and (columns is None or not columns <= {name.lower() for name, _ in there}):
            return None
        found[table] = there or _ANY_COLUMN
    return found


def _looked_at(asset: Asset, check: CheckSpec) -> _Seen:
    """Return the columns (lower case; None: any) that a check looks at of each asset, its own first."""
    from headwater.checks.scan import check_tables

    own = columns_of_check(asset, check)
    found: _Seen = {asset.key: None if own is None else frozenset(own)}
    analysis, _ = query_analysis(asset, check, {}, None)
    others = [(it.table, it.columns) for it in (analysis.reads if analysis is not None else ())]
    for table, columns in (*check_tables(check), *others):
        key = AssetKey(table.lower())
        if table.lower() != THIS and key != asset.key:
            seen = found.get(key, frozenset())
            both = columns is None or seen is None
            found[key] = None if both else frozenset({*(seen or ()), *(name.lower() for name in columns or ())})
    return found


def _differs(table: AssetKey, columns: frozenset[str] | None, before: Schemas, after: Schemas) -> bool:
    old, new = dict(before.get(table) or ()), dict(after.get(table) or ())
    changed = {name.lower() for name in {*old, *new} if old.get(name) != new.get(name)}
    return bool(changed) and (columns is None or not changed.isdisjoint(columns))


def _fault(asset: Asset, check: CheckSpec, schemas: Mapping[AssetKey, SchemaColumns], types: Retyping) -> str | None:
    """Return why a check cannot be evaluated over empty tables of these columns, or None where it can."""
    from headwater.checks.scan import plan_scan, run_scan
    from headwater.lineage.sql import analyse_sql, render

    tables = {str(key): '"' + key.replace('"', '""') + '"' for key in schemas}
    by_name = {str(key): columns for key, columns in schemas.items()}
    own, schema = tables[str(asset.key)], schemas[asset.key]

    def rendered(text: str) -> str:
        marked = text.replace("$this", THIS)
        analysis = analyse_sql(marked, "duckdb", {**by_name, THIS: schema})
        return render(marked, analysis, {**tables, THIS: own}, {}, {})

    def bound(sql: str) -> Sequence[object]:
        found = types.bind_sql(sql, by_name)
        if found.error is not None:
            raise StepError(found.error)
        return (0,) * len(found.columns)

    plan = plan_scan(own, schema, [check], tables, (), rendered, by_name)
    (result,) = run_scan(plan, bound).results
    return (result.message or "").split("\n", 1)[0].strip() if result.outcome == "ERROR" else None


def _problem(asset: Asset, check: CheckSpec, said: str) -> Problem:
    place = check.location or asset.location
    return Problem(place.file, place.line, f"the check {check.label!r}: {said}", asset=asset.key)
