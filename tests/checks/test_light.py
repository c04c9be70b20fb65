"""The warm path imports the values and the gate: they must not bring an engine or a validator with them."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"duckdb", "pydantic", "sqlglot", "yaml", "networkx", "rich", "pyarrow"}


def loaded_by(module: str) -> set[str]:
    code = f"import {module}, sys; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["check", "gate", "identity", "declare", "functions", "scan"])
def test_nothing_heavy(module):
    assert not loaded_by(f"headwater.checks.{module}") & HEAVY


def test_the_values_bring_no_other_part_of_the_library():
    ours = {name for name in loaded_by("headwater.checks.check") if name.startswith("headwater.")}
    assert ours == {"headwater.checks", "headwater.checks.check"}


def test_declaring_imports_only_the_kinds_that_are_used():
    assert "headwater.checks.library.across" not in loaded_by("headwater.checks.functions")
