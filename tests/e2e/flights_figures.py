"""The figures of the flights example, computed with pandas from the CSV files alone: no SQL, no Headwater.

Also here: the example's own SQL run through plain DuckDB, so that the queries can be judged apart from the runtime.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import duckdb
import pandas as pd
import yaml
from pandas.testing import assert_series_equal

MONTH = ["year", "month", "carrier"]
FLIGHT = ["carrier", "flight_number", "origin", "destination"]
BAD_WEATHER = ["LOW_VISIBILITY", "ICE_OR_SNOW", "HIGH_WIND", "RAIN"]

# The columns that identify a row of each asset.
KEYS: dict[str, list[str]] = {
    "mart.flight_outcomes": ["flight_date", "carrier", "flight_number", "origin"],
    "mart.on_time_by_month": MONTH,
    "mart.cancellations_by_month": MONTH,
    "mart.delay_causes": [*MONTH, "phase", "conditions"],
    "mart.fleet_age": MONTH,
    "mart.route_performance": ["origin", "destination"],
    "mart.chronic_delays": ["year", "month", *FLIGHT],
    "report.air_travel_consumer_report": MONTH,
}

# An order in which the example can be built.
ORDER = (
    "stg.flights",
    "stg.weather",
    "stg.planes",
    "stg.airports",
    "stg.carriers",
    *(key for key in KEYS if key.startswith("mart.")),
    "report.air_travel_consumer_report",
)


def expected_figures(data: Path) -> dict[str, pd.DataFrame]:
    """Return the rows that each mart and the report must have, by asset key. `data` holds the five CSV files."""
    flights = pd.read_csv(data / "flights.csv")
    outcomes = _outcomes(flights)
    marts = {
        "mart.flight_outcomes": outcomes,
        "mart.on_time_by_month": _on_time(outcomes),
        "mart.cancellations_by_month": _cancellations(outcomes),
        "mart.delay_causes": _delay_causes(outcomes, pd.read_csv(data / "weather.csv")),
        "mart.fleet_age": _fleet_age(flights, pd.read_csv(data / "planes.csv")),
        "mart.route_performance": _routes(outcomes, pd.read_csv(data / "airports.csv")),
        "mart.chronic_delays": _chronic(outcomes),
    }
    report = _report(marts, pd.read_csv(data / "airlines.csv"))
    return {**marts, "report.air_travel_consumer_report": report}


def _outcomes(flights: pd.DataFrame) -> pd.DataFrame:
    outcome = pd.Series("LATE", index=flights.index)
    outcome[flights["arr_delay"] < 15] = "ON_TIME"
    outcome[flights["arr_delay"].isna()] = "DIVERTED"
    outcome[flights["dep_time"].isna()] = "CANCELLED"
    return pd.DataFrame(
        {
            "year": flights["year"],
            "month": flights["month"],
            "flight_date": pd.to_datetime(flights[["year", "month", "day"]]),
            "carrier": flights["carrier"],
            "flight_number": flights["flight"],
            "origin": flights["origin"],
            "destination": flights["dest"],
            "scheduled_hour_utc": pd.to_datetime(flights["time_hour"], utc=True).dt.tz_localize(None),
            "distance_miles": flights["distance"],
            "departure_delay_minutes": flights["dep_delay"],
            "arrival_delay_minutes": flights["arr_delay"],
            "outcome": outcome,
            "is_cancelled": flights["dep_time"].isna(),
            "is_over_30_late": flights["dep_time"].isna() | (flights["arr_delay"] > 30),
        }
    )


def _count(outcomes: pd.DataFrame, by: list[str], **outcome_of: str) -> pd.DataFrame:
    """Count the rows of each group, and those of one outcome for each name given."""
    counted = outcomes.groupby(by).size().rename("scheduled_flights").to_frame()
    for name, outcome in outcome_of.items():
        counted[name] = outcomes[outcomes["outcome"] == outcome].groupby(by).size()
    return counted.fillna(0).astype("int64").reset_index()


def _percent(part: pd.Series, whole: pd.Series) -> list[float]:
    cents = Decimal("0.01")
    shares = (Decimal(100 * int(p)) / Decimal(int(w)) for p, w in zip(part, whole, strict=True))
    return [float(share.quantize(cents, ROUND_HALF_UP)) for share in shares]


def _on_time(outcomes: pd.DataFrame) -> pd.DataFrame:
    frame = _count(outcomes, MONTH, on_time_arrivals="ON_TIME", late_arrivals="LATE", diverted_flights="DIVERTED")
    return frame.assign(on_time_percent=_percent(frame["on_time_arrivals"], frame["scheduled_flights"]))


def _cancellations(outcomes: pd.DataFrame) -> pd.DataFrame:
    frame = _count(outcomes, MONTH, cancelled_flights="CANCELLED")
    return frame.assign(cancelled_percent=_percent(frame["cancelled_flights"], frame["scheduled_flights"]))


def _delay_causes(outcomes: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    conditions = pd.Series("FAIR", index=weather.index)
    conditions[weather["precip"] > 0] = "RAIN"
    conditions[weather["wind_gust"] >= 35] = "HIGH_WIND"
    conditions[(weather["precip"] > 0) & (weather["temp"] <= 32)] = "ICE_OR_SNOW"
    conditions[weather["visib"] < 3] = "LOW_VISIBILITY"
    hours = pd.to_datetime(weather["time_hour"], utc=True).dt.tz_localize(None)
    observed = dict(zip(zip(weather["origin"], hours, strict=True), conditions, strict=True))
    late = outcomes[outcomes["outcome"] == "LATE"].copy()
    places = zip(late["origin"], late["scheduled_hour_utc"], strict=True)
    late["conditions"] = [observed.get(place, "NOT_OBSERVED") for place in places]
    late["phase"] = ["BEFORE_DEPARTURE" if d >= 15 else "EN_ROUTE" for d in late["departure_delay_minutes"]]
    grouped = late.groupby([*MONTH, "phase", "conditions"])["arrival_delay_minutes"]
    frame = grouped.agg(late_flights="size", delay_minutes="sum").reset_index()
    return frame.astype({"delay_minutes": "int64"})


def _fleet_age(flights: pd.DataFrame, planes: pd.DataFrame) -> pd.DataFrame:
    made = dict(zip(planes["tailnum"], planes["year"], strict=True))
    flown = flights[flights["dep_time"].notna() & flights["tailnum"].notna()]
    rows = []
    for month, tails in flown.groupby(MONTH)["tailnum"]:
        aircraft = sorted(set(tails))
        ages = [int(month[0] - made[tail]) for tail in aircraft if pd.notna(made.get(tail))]
        average = (Decimal(sum(ages)) / len(ages)).quantize(Decimal("0.1"), ROUND_HALF_UP) if ages else None
        rows.append((*month, len(aircraft), len(ages), None if average is None else float(average)))
    return pd.DataFrame(rows, columns=[*MONTH, "aircraft", "aircraft_of_known_age", "average_age_years"])


def _routes(outcomes: pd.DataFrame, airports: pd.DataFrame) -> pd.DataFrame:
    names = dict(zip(airports["faa"], airports["name"], strict=True))
    names |= {
        "BQN": "Rafael Hernandez Airport",
        "PSE": "Mercedita Airport",
        "SJU": "Luis Munoz Marin International Airport",
        "STT": "Cyril E King Airport",
    }
    route = ["origin", "destination"]
    frame = _count(outcomes, route, on_time_arrivals="ON_TIME")
    frame.insert(2, "destination_name", frame["destination"].map(names))
    frame.insert(3, "distance_miles", outcomes.groupby(route)["distance_miles"].max().to_numpy())
    return frame.assign(on_time_percent=_percent(frame["on_time_arrivals"], frame["scheduled_flights"]))


def _chronic(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Flight by flight, in plain Python: the asset itself is written with pandas."""
    counts: dict[tuple[object, ...], list[int]] = {}
    fields = [*FLIGHT, "month", "is_cancelled", "is_over_30_late"]
    for *flight, month, cancelled, late in zip(*(outcomes[name] for name in fields), strict=True):
        count = counts.setdefault((*flight, month), [0, 0, 0])
        count[0] += 1
        count[1] += not cancelled
        count[2] += late
    rows, streaks = [], {}
    for *flight, month in sorted(counts):
        scheduled, operated, late = counts[*flight, month]
        if operated >= 10 and 2 * late > scheduled:
            streaks[*flight, month] = 1 + streaks.get((*flight, month - 1), 0)
            rows.append((2013, month, *flight, scheduled, operated, late, streaks[*flight, month]))
    columns = ["scheduled_flights", "operated_flights", "over_30_late_flights", "consecutive_months"]
    return pd.DataFrame(rows, columns=["year", "month", *FLIGHT, *columns])


def _report(marts: dict[str, pd.DataFrame], airlines: pd.DataFrame) -> pd.DataFrame:
    causes, fleet = marts["mart.delay_causes"], marts["mart.fleet_age"]
    bad = causes[causes["conditions"].isin(BAD_WEATHER)].groupby(MONTH)["late_flights"].sum()
    chronic = marts["mart.chronic_delays"].groupby(MONTH).size()
    known = fleet["aircraft_of_known_age"] * 2 >= fleet["aircraft"]
    ages = fleet[known].set_index(MONTH)["average_age_years"]
    frame = marts["mart.on_time_by_month"].merge(
        marts["mart.cancellations_by_month"].drop(columns="scheduled_flights"), on=MONTH
    )
    by_month = pd.MultiIndex.from_frame(frame[MONTH])
    frame["carrier_name"] = frame["carrier"].map(dict(zip(airlines["carrier"], airlines["name"], strict=True)))
    frame["place"] = frame.groupby(["year", "month"])["on_time_percent"].rank("min", ascending=False).astype("int64")
    frame["late_in_bad_weather"] = bad.reindex(by_month, fill_value=0).to_numpy()
    frame["chronically_delayed_flights"] = chronic.reindex(by_month, fill_value=0).to_numpy()
    frame["fleet_age_years"] = ages.reindex(by_month).to_numpy()
    columns = ["year", "month", "place", "carrier", "carrier_name", "scheduled_flights", "on_time_arrivals"]
    columns += ["on_time_percent", "late_arrivals", "late_in_bad_weather", "cancelled_flights", "cancelled_percent"]
    columns += ["diverted_flights", "chronically_delayed_flights", "fleet_age_years"]
    return frame[columns].sort_values(["year", "month", "place", "carrier"], ignore_index=True)


def assert_same(actual: pd.DataFrame, expected: pd.DataFrame, key: list[str]) -> None:
    """Assert that two frames hold the same rows in the same columns, whatever their order and number types."""
    assert list(actual.columns) == list(expected.columns)
    assert len(actual) == len(expected)
    left, right = (frame.sort_values(key, ignore_index=True) for frame in (actual, expected))
    for column in expected.columns:
        assert_series_equal(_plain(left[column]), _plain(right[column]), check_names=False)


def _plain(values: pd.Series) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return values.astype("datetime64[us]")
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values.astype("float64")
    texts = values.astype("object")
    return texts.where(texts.notna(), None)


# -- The example's SQL in plain DuckDB --


def build_with_plain_duckdb(project: Path) -> duckdb.DuckDBPyConnection:
    """Return an in-memory database with every asset of the flights project, built without Headwater."""
    connection = duckdb.connect()
    for schema in ("raw", "stg", "mart", "report"):
        connection.execute(f"create schema {schema}")
    for key, statement in _sources(project):
        connection.execute(f"create table {key} as {statement}")
    for key in ORDER:
        path = project / "assets" / key.replace(".", "/")
        if path.with_suffix(".sql").exists():
            connection.execute(f"create table {key} as {path.with_suffix('.sql').read_text(encoding='utf-8')}")
        else:
            frame = _run_python(path.with_suffix(".py"), connection.sql("from mart.flight_outcomes").df())
            connection.register("computed", frame)
            connection.execute(f"create table {key} as from computed")
            connection.unregister("computed")
    return connection


def _sources(project: Path) -> Iterator[tuple[str, str]]:
    declared = yaml.safe_load((project / "assets/raw/sources.yaml").read_text(encoding="utf-8"))["external"]
    for key, external in declared.items():
        columns = {n: c if isinstance(c, str) else c["type"] for n, c in external["columns"].items()}
        assert external["null_values"] == ["NA"]
        assert all(isinstance(c, str) or set(c) <= {"type", "description"} for c in external["columns"].values())
        file = str(project / external["file"]).replace("'", "''")
        yield key, f"from read_csv('{file}', header = true, delim = ',', nullstr = 'NA', columns = {columns})"


def _run_python(path: Path, outcomes: pd.DataFrame) -> pd.DataFrame:
    spec = importlib.util.spec_from_file_location("chronic_delays", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.chronic_delays(_Handle(outcomes))


class _Handle:
    """As much of an Input as the Python asset uses; a column it does not select is not there."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def select(self, *columns: str) -> _Handle:
        return _Handle(self._frame[list(columns)])

    def pandas(self) -> pd.DataFrame:
        return self._frame
