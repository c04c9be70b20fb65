"""Whether a query still binds where a column has another type: the engine is asked, over empty tables in memory."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from headwater.assets.asset import Asset
from headwater.assets.errors import Problem, SqlError
from headwater.assets.key import AssetKey
from headwater.lineage.schema import SchemaColumns
from headwater.runtime.clock_sql import clock_literals
from headwater.runtime.column_lineage import KnownProject
from headwater.runtime.literals import sql_literal

if TYPE_CHECKING:
    from headwater.runtime.engines.duckdb_bind import Binder, Bound

Schemas = Mapping[AssetKey, SchemaColumns | None]
_LINE = re.compile(r"^LINE (\d+):", re.MULTILINE)
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)  # binding looks at types only


@dataclass(frozen=True, slots=True)
class Retyped:
    """What a query gives over other types: its columns, or the `problem` of one that no longer binds."""

    columns: SchemaColumns = ()
    problem: Problem | None = None


class Retyping:
    """Asks the engine. The binder is made when it is first needed."""

    def __init__(self, project: KnownProject) -> None:
        self._project = project
        self._binder: Binder | None = None

    def type_name(self, text: str) -> str | None:
        """Return a type as the engine spells it, or None where it knows no such type."""
        return self._get().type_name(text) if re.fullmatch(r"[\w\s(),.\[\]\"']+", text) else None

    def bind(self, asset: Asset, after: Schemas) -> Retyped | None:
        """Return what the query of `asset` gives over the columns `after`; None where that cannot be told.

        It cannot where a type is not known, or where the query does not bind today either; and where data decides about
        the columns, as in a dynamic PIVOT, empty tables say no more than what no longer binds.
        """
        today = self._ask(asset, self._project.schemas)
        if today is None or today.problem is not None:
            return None
        found = self._ask(asset, after)
        analysis = self._project.workspace.definer.analysis(asset.key, after)
        by_data = analysis is not None and analysis.outputs is None
        return None if by_data and found is not None and found.problem is None else found

    def columns(self, asset: Asset, schemas: Schemas) -> SchemaColumns | None:
        """Return the columns with types that a query gives over `schemas`; None where it cannot be told."""
        found = self._ask(asset, schemas)
        return None if found is None or found.problem is not None else found.columns

    def bind_sql(self, sql: str, tables: Mapping[str, SchemaColumns]) -> Bound:
        """Return what a query of the engine's own dialect gives over `tables`, or why it does not bind."""
        return self._get().bind(sql, tables)

    def close(self) -> None:
        """Let go of the binder, if there is one."""
        if self._binder is not None:
            self._binder.close()

    def _get(self) -> Binder:
        if self._binder is None:
            from headwater.runtime.engines.duckdb_bind import Binder

            self._binder = Binder()
        return self._binder

    def _ask(self, asset: Asset, schemas: Schemas) -> Retyped | None:
        from headwater.lineage.sql import render

        if asset.dialect != "duckdb" or asset.sql is None:
            return None
        analysis = self._project.workspace.definer.analysis(asset.key, schemas)
        assert analysis is not None, "the asset has SQL"
        tables: dict[str, SchemaColumns] = {}
        for read in analysis.reads:
            known = schemas.get(AssetKey(read.table.lower()))
            if known is None or any(type_ is None for _, type_ in known):
                return None
            tables[read.table] = known
        variables = self._project.workspace.config.variables
        parameters = {f"vars.{name}": sql_literal(value) for name, value in variables.items()}
        quoted = {name: '"' + name.replace('"', '""') + '"' for name in tables}
        try:
            sql = render(asset.sql, analysis, quoted, parameters, clock_literals(_ANY_TIME))
        except SqlError:
            return None
        bound = self._get().bind(sql, tables)
        if bound.error is None:
            return Retyped(bound.columns)
        line = _LINE.search(bound.error)
        at = asset.sql_line + (int(line[1]) - 1 if line else 0)
        message = bound.error.split("\n", 1)[0].strip()
        return Retyped(problem=Problem(asset.location.file, at, f"it no longer binds: {message}", asset=asset.key))
