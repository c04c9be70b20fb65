"""Chronically delayed flights: 14 CFR 399.81(c) calls more than four such months in a row unrealistic scheduling."""

from __future__ import annotations

import pandas as pd

import headwater as hw

FLIGHT = ["carrier", "flight_number", "origin", "destination"]


@hw.asset(
    "mart.chronic_delays",
    inputs={"outcomes": "mart.flight_outcomes"},
    description="Flights operated 10 times in a month or more, over half of them 30 minutes late or cancelled",
    owner="performance@example.com",
    tags=["performance"],
    checks=[
        hw.unique("year", "month", *FLIGHT),
        hw.not_null("carrier"),
        hw.between("operated_flights", min=10),
        hw.between("consecutive_months", min=1, max=12),
    ],
)
def chronic_delays(outcomes: hw.Input) -> pd.DataFrame:
    """Return one row for each chronically delayed flight and month."""
    return chronic(outcomes.select("year", "month", *FLIGHT, "is_cancelled", "is_over_30_late").pandas())


def chronic(outcomes: pd.DataFrame) -> pd.DataFrame:
    """The rule itself, on any frame with these columns; a flight here is a flight number on a route."""
    flights = (
        outcomes.groupby([*FLIGHT, "year", "month"], as_index=False)
        .agg(
            scheduled_flights=("is_cancelled", "size"),
            cancelled_flights=("is_cancelled", "sum"),
            over_30_late_flights=("is_over_30_late", "sum"),
        )
        .sort_values([*FLIGHT, "year", "month"], ignore_index=True)
    )
    flights["operated_flights"] = flights["scheduled_flights"] - flights["cancelled_flights"]
    late = flights["over_30_late_flights"] * 2 > flights["scheduled_flights"]
    found = flights[late & (flights["operated_flights"] >= 10)].copy()
    # Months in a row share (months since year 0) minus (position within the flight).
    streak = found["year"] * 12 + found["month"] - found.groupby(FLIGHT).cumcount()
    found["consecutive_months"] = found.groupby([*FLIGHT, streak.rename("streak")]).cumcount() + 1
    columns = ["scheduled_flights", "operated_flights", "over_30_late_flights", "consecutive_months"]
    return found[["year", "month", *FLIGHT, *columns]]
