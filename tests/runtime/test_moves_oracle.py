"""Edits, deliveries, runs, rollbacks, releases and promotions in any order, against a model of a few lines.

The model knows what each environment shows of `stg.a` (its factor and delivery) and of `mart.t`, and which of these a
rollback left. It computes rows itself and knows nothing of versions' traces, fingerprints or clauses.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.assets.errors import RequestError

from ..world import TOML, World

Made = tuple[int, int]  # what a version of stg.a was made from: factor, delivery
Op = tuple[str, str, int]
DELIVERIES = ("id,x 1,10 2,20", "id,x 1,11 2,20", "id,x 1,10 2,20 3,30")
ROWS = ((10, 20), (11, 20), (10, 20, 30))


@dataclass
class Shown:
    """What one environment shows, and what it was rolled back from."""

    number: int
    made: Made
    total: int
    held: dict[int, Made] = field(default_factory=dict)


@dataclass
class Model:
    """What should be so."""

    factor: int = 1
    delivery: int = 0
    environments: dict[str, Shown] = field(default_factory=dict)
    numbers: dict[Made, int] = field(default_factory=dict)

    def run(self, env: str) -> None:
        shown, today = self.environments[env], (self.factor, self.delivery)
        if today not in shown.held.values():
            shown.number = self.numbers.setdefault(today, len(self.numbers) + 1)
            shown.made = today
        shown.total = total(shown.made)


def total(made: Made) -> int:
    return made[0] * sum(ROWS[made[1]])


def write(world: World, model: Model) -> None:
    world.csv("a", DELIVERIES[model.delivery])
    world.sql("stg.a", f"select id, x * {model.factor} as x from raw.a")


def seen(world: World, env: str) -> tuple[list[int], list[int]]:
    suffix = "" if env == "prod" else f"__{env}"
    values = (sorted(n[-1] for n in world.rows(f"{schema}{suffix}.{table}").elements()) for schema, table in PLACES)
    return tuple(values)  # type: ignore[return-value]


PLACES = (("stg", "a"), ("mart", "t"))


def expected(model: Model, env: str) -> tuple[list[int], list[int]]:
    shown = model.environments[env]
    return sorted(x * shown.made[0] for x in ROWS[shown.made[1]]), [shown.total]


def perform(world: World, model: Model, op: Op) -> None:
    """Do one thing to the project and to the model. What the model says is refused has to be."""
    kind, env, number = op
    shown = model.environments[env]
    if kind == "edit":
        model.factor = 1 + number
    elif kind == "deliver":
        model.delivery = number
    elif kind == "run":
        result = world.run(env=env)
        assert result.outcome in ("SUCCEEDED", "NOTHING_TO_DO")
        model.run(env)
        assert world.run(env=env).outcome == "NOTHING_TO_DO"
    elif kind == "rollback":
        target = number + 1
        made = {n: it for it, n in model.numbers.items()}
        if target == shown.number or target not in made or target in shown.held:
            with pytest.raises(RequestError):
                world.load().rollback("stg.a", target, env)
        else:
            assert world.load().rollback("stg.a", target, env).outcome == "SUCCEEDED"
            shown.held[shown.number] = shown.made
            shown.number, shown.made = target, made[target]
    elif kind == "release":
        if shown.held:
            assert set(world.load().release("stg.a", env)) == set(shown.held)
            shown.held.clear()
        else:
            with pytest.raises(RequestError):
                world.load().release("stg.a", env)
    elif kind == "promote":
        other = "dev" if env == "prod" else "prod"
        try:
            done = world.load().promote("+mart.t", source=other, target=env)
        except RequestError:
            return
        if done.publication is None:
            return
        theirs = model.environments[other]
        assert (model.factor, model.delivery) == theirs.made, "what is not of today was promoted"
        assert theirs.made not in shown.held.values(), "what was rolled back was promoted"
        shown.number, shown.made, shown.total = theirs.number, theirs.made, theirs.total
        assert set(world.status(env).values()) == {"CURRENT"}
    write(world, model)


OPS = st.tuples(
    st.sampled_from(["edit", "deliver", "run", "run", "rollback", "rollback", "release", "promote"]),
    st.sampled_from(["prod", "dev"]),
    st.integers(0, 2),
)


def play(ops: list[Op]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world, model = World(Path(folder)), Model()
        world.write("headwater.toml", TOML + '[environments.dev]\nsuffix = "__dev"\n')
        world.sql("mart.t", "select sum(x) as total from stg.a")
        write(world, model)
        model.numbers[(1, 0)] = 1
        for env in ("prod", "dev"):
            world.run(env=env)
            model.environments[env] = Shown(1, (1, 0), total((1, 0)))
        for op in ops:
            perform(world, model, op)
            for env in ("prod", "dev"):
                assert seen(world, env) == expected(model, env), (op, env)
        assert world.load().audit_verify().verdict == "VERIFIED"


@settings(max_examples=5, deadline=None)
@given(st.lists(OPS, min_size=3, max_size=9))
def test_any_order_of_moves(ops: list[Op]) -> None:
    play(ops)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.lists(OPS, min_size=4, max_size=14))
def test_many_orders_of_moves(ops: list[Op]) -> None:
    play(ops)


def test_a_rollback_survives_runs_and_its_release_ends_it() -> None:
    play(
        [
            ("edit", "prod", 1),
            ("run", "prod", 0),
            ("rollback", "prod", 0),
            ("run", "prod", 0),
            ("run", "dev", 0),
            ("promote", "prod", 0),
            ("release", "prod", 0),
            ("promote", "prod", 0),
        ]
    )
