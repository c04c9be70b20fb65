"""Checks between assets: relationship."""

from __future__ import annotations

from headwater.assets.asset import CheckSpec, Options
from headwater.checks.given import Given
from headwater.checks.library.kind import Ask, CannotEvaluate, CheckKind, Measure, TablesRead, Target, texts
from headwater.checks.literal import comparable


class Relationship(CheckKind):
    """Fails on a row whose key is not found in another asset. Keys that contain a NULL are not compared."""

    name = "relationship"
    on = "either"
    scope = "rows"
    takes = ("to", "column", "columns")
    shorthand = "to"
    example = "relationship: {to: stg.customers, column: cust}"

    def read(self, given: Given) -> Options:
        """Return `to`, and `column` (there) and `columns` (here) as far as one does not follow from the other."""
        to, there, here = given.key("to"), given.names("column"), given.names("columns")
        if not given.has("to"):
            given.fault("needs `to`, the asset that has the keys.", f"Say for example {self.example}.")
        if given.column is not None and here is not None:
            given.fault(
                "`columns` belong to a check of the table, and this one stands on a column.",
                "Leave them out, or move the check to the asset's checks.",
            )
        own = (given.column,) if given.column is not None else here or there
        there = there or own
        if own is None or there is None:
            if not given.open_column and not given.faults:
                given.fault("the columns are missing.", f"Say for example {self.example}.")
            return (("to", to),)
        if len(own) != len(there):
            given.fault(f"{len(own)} columns here cannot equal {len(there)} there.", "Name as many on both sides.")
        own_is_open = given.open_column and here is None
        options: Options = (("to", to),)
        if given.column is None and not own_is_open:
            options += (("columns", own),)
        return (*options, ("column", there)) if there != own or own_is_open else options

    def columns(self, spec: CheckSpec) -> tuple[str, ...]:
        """Return the key's columns here."""
        return texts(spec.option("columns", spec.column or spec.option("column")))

    def tables(self, spec: CheckSpec) -> TablesRead:
        """Return the other asset and the key's columns there."""
        return ((str(spec.option("to")), self._there(spec)),)

    def measure(self, spec: CheckSpec, target: Target) -> Measure:
        """Return the query that counts rows without a match."""
        return Measure(queries=(f"select count(*) {self._orphans(spec, target)}",))

    def failing(self, spec: CheckSpec, measure: Measure, rows: int, values: tuple[int, ...], ask: Ask) -> int:
        """Return how many rows have no match."""
        return ask(measure.queries[0])

    def expected(self, spec: CheckSpec) -> str:
        """Return for example `carrier in stg.airlines.carrier`."""
        here, there = ", ".join(self.columns(spec)), ", ".join(self._there(spec))
        if len(self.columns(spec)) == 1:
            return f"{here} in {spec.option('to')}.{there}"
        return f"({here}) in {spec.option('to')} ({there})"

    def actual(self, spec: CheckSpec, failing: int, rows: int) -> str:
        """Return for example `3 of 100 rows without a match`."""
        return f"{failing} of {rows} rows without a match"

    def sample(self, spec: CheckSpec, target: Target, limit: int) -> str | None:
        """Return whole rows without a match."""
        return f"select failing.* {self._orphans(spec, target)} limit {limit}"

    def _there(self, spec: CheckSpec) -> tuple[str, ...]:
        return texts(spec.option("column")) or self.columns(spec)

    def _orphans(self, spec: CheckSpec, target: Target) -> str:
        to = str(spec.option("to"))
        names, other_names = self.columns(spec), self._there(spec)
        here = [target.column(name) for name in names or (None,)]
        relation = target.other(to)
        there = [target.other_column(to, name) for name in other_names]
        for name, other_name, ours, theirs in zip(names, other_names, here, there, strict=True):
            if not comparable(ours[1], theirs[1]):  # the engine would cast text to numbers by rounding it
                kinds = f"{name} is {ours[1].sql}, and {other_name} in {to} is {theirs[1].sql}"
                raise CannotEvaluate(f"The keys are of different types: {kinds}. Cast one of them in its asset.")
        complete = " and ".join(f"failing.{column} is not null" for column, _ in here)
        same = " and ".join(
            f"keys.{theirs} = failing.{ours}" for (ours, _), (theirs, _) in zip(here, there, strict=True)
        )
        return (
            f"from {target.filtered(spec.where)} as failing where {complete} and not exists "
            f"(select 1 from {relation} as keys where {same})"
        )
