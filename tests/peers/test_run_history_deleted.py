"""Elsewhere, a run that is deleted takes with it what was fresh or failed. Here nothing deletes a run."""

from __future__ import annotations

import sqlite3

import pytest

from headwater.assets.errors import StateInvalid
from headwater.cli.main import cli

from ..world import World


def test_no_verb_deletes_runs_and_the_ledger_refuses_it(world: World) -> None:
    world.sql("s.a", "select 1 as x")
    world.run()
    assert not [name for name in cli.list_commands(None) if name in ("delete", "prune", "wipe", "clean")]  # type: ignore[arg-type]
    with sqlite3.connect(world.root / ".headwater/state.db") as state:
        for statement in ("delete from entry", "update entry set body = x'00'", "delete from entry where seq = 2"):
            with pytest.raises(sqlite3.DatabaseError):
                state.execute(statement)


def test_a_run_that_was_taken_out_of_the_tables_is_noticed_and_comes_back(world: World) -> None:
    world.sql("s.a", "select 1 as x")
    run = world.run().run
    with sqlite3.connect(world.root / ".headwater/state.db") as state:
        state.execute("delete from run")
    with pytest.raises(StateInvalid, match="ledger rebuild"):
        world.run(force=True)
    world.load().rebuild_ledger()
    assert [line.run for line in world.load().runs()] == [run]
    assert world.status() == {"s.a": "CURRENT"}
