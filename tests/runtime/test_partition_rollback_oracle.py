"""Deliveries, edits, new days, runs, rollbacks and releases in any order, against a model that keeps a dict of days.

The model knows what each version shows of each day: the factor of the definition and the amount that was delivered. It
knows nothing of slices, traces or fingerprints.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.assets.errors import RequestError

from ..world import World
from .test_partitioned import DAILY

Made = tuple[int, int]  # what a day was made from: factor, amount
Op = tuple[str, int, int]


@dataclass
class Model:
    """What should be so."""

    factor: int = 1
    last: int = 2  # the last day that is over
    source: dict[int, int] = field(default_factory=lambda: {1: 10, 2: 20})
    versions: dict[int, dict[int, Made]] = field(default_factory=dict)
    shown: int = 0
    held: list[int] = field(default_factory=list)
    sums: dict[int, int] = field(default_factory=dict)  # what a reader that maps each day shows

    @property
    def days(self) -> dict[int, Made]:
        return self.versions.get(self.shown, {})

    def today(self) -> dict[int, Made]:
        return {day: (self.factor, self.source.get(day, 0)) for day in range(1, self.last + 1)}

    def kept(self) -> set[int]:
        """Return the days for which a build would make what a rollback left, and that readers do not see so."""
        today = self.today()
        left = {d for number in self.held for d, made in self.versions[number].items() if made == today[d]}
        return {day for day in left if self.days.get(day) != today[day]}

    def run(self) -> set[int]:
        """Return the days that are built."""
        today, kept = self.today(), self.kept()
        built = {day for day in today if day not in kept and self.days.get(day) != today[day]}
        after = {**self.days, **{day: today[day] for day in built}}
        if built:
            again = [n for n, it in self.versions.items() if it == today and n not in self.held]
            if again and not kept:  # all of it is of today, and stored
                self.shown = again[-1]
            else:
                self.shown = max(self.versions, default=0) + 1
                self.versions[self.shown] = after
        self.sums.update({day: factor * amount for day, (factor, amount) in self.days.items()})
        return built


def write(world: World, model: Model) -> None:
    rows = [f"2024-01-{day:02},{amount}" for day, amount in sorted(model.source.items())]
    world.csv("a", " ".join(["day,x", *rows]))
    world.sql("stg.a", f"select day, x * {model.factor} as x from raw.a where day = $partition", DAILY)
    world.now = datetime(2024, 1, model.last + 1, 12, tzinfo=UTC)


def seen(world: World, table: str) -> dict[int, int]:
    return {int(str(d)): int(str(x)) for d, x in world.behind(f"select day(day), x from {table}")}


def perform(world: World, model: Model, op: Op) -> None:
    """Do one thing to the project and to the model. What the model says is refused has to be."""
    kind, day, number = op
    if kind == "edit":
        model.factor = 1 + number
    elif kind == "deliver":
        model.source[1 + day % model.last] = 10 + number
    elif kind == "day":
        model.last += 1
        model.source[model.last] = 10 * model.last
    elif kind in ("run", "force"):
        result = world.run("stg.a", force=kind == "force") if kind == "force" else world.run()
        kept = model.kept()
        if kind == "force":
            today = model.today()
            if set(today) - kept:
                model.versions[max(model.versions) + 1] = {
                    d: today[d] if d not in kept else model.days[d] for d in today if d not in kept or d in model.days
                }
                model.shown = max(model.versions)
        else:
            model.run()
            assert set(result_words(result)) <= {
                "PUBLISHED",
                "REUSED",
                "OBSERVED",
                "VERIFIED_EQUAL",
                "HELD",
                "ROLLED_BACK",
            }
            again = set(result_words(world.run()))
            assert again <= {"HELD"}, again
    elif kind == "rollback":
        target = 1 + number % max(model.versions)
        if target == model.shown or target in model.held:
            with pytest.raises(RequestError):
                world.load().rollback("stg.a", target)
        else:
            assert world.load().rollback("stg.a", target).outcome == "SUCCEEDED"
            model.held.append(model.shown)
            model.shown = target
    elif model.held:
        assert set(world.load().release("stg.a")) == set(model.held)
        model.held.clear()
    else:
        with pytest.raises(RequestError):
            world.load().release("stg.a")
    write(world, model)


def result_words(result: object) -> list[str]:
    return [step.outcome for step in result.steps]  # type: ignore[attr-defined]


def check(world: World, model: Model, op: object) -> None:
    expected = {day: factor * amount for day, (factor, amount) in model.days.items()}
    assert seen(world, "stg.a") == expected, op
    assert seen(world, "mart.sums") == model.sums, op
    kept = {day for it in world.load().status()["stg.a"].reasons if it.code == "ROLLED_BACK" for day in days(it)}
    if world.load().status()["raw.a"].word == "CURRENT":  # else the delivery is not known yet
        assert kept == model.kept(), op


def days(reason: object) -> set[int]:
    found: set[int] = set()
    for text in reason.partitions or ():  # type: ignore[attr-defined]
        ends = [int(end[-2:]) for end in text.split("..")]
        found |= set(range(ends[0], ends[-1] + 1))
    return found


OPS = st.tuples(
    st.sampled_from(["edit", "deliver", "day", "run", "run", "force", "rollback", "rollback", "release"]),
    st.integers(0, 4),
    st.integers(0, 3),
)


def play(ops: list[Op]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world, model = World(Path(folder)), Model()
        identity = f"{DAILY}\nmappings: {{stg.a: identity}}"
        world.sql("mart.sums", "select day, sum(x) as x from stg.a group by day", identity)
        write(world, model)
        world.run()
        model.run()
        for op in ops:
            perform(world, model, op)
            check(world, model, op)
        assert world.load().audit_verify().verdict == "VERIFIED"
        before = world.status()
        world.load().rebuild_ledger()
        assert world.status() == before


@settings(max_examples=5, deadline=None)
@given(st.lists(OPS, min_size=3, max_size=8))
def test_any_order(ops: list[Op]) -> None:
    play(ops)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.lists(OPS, min_size=4, max_size=14))
def test_many_orders(ops: list[Op]) -> None:
    play(ops)


def test_a_day_is_kept_while_others_go_on() -> None:
    play(
        [
            ("deliver", 1, 9),
            ("run", 0, 0),
            ("rollback", 0, 0),
            ("day", 0, 0),
            ("run", 0, 0),
            ("deliver", 1, 3),
            ("run", 0, 0),
            ("deliver", 1, 9),
            ("run", 0, 0),
            ("force", 0, 0),
            ("release", 0, 0),
            ("run", 0, 0),
        ]
    )
