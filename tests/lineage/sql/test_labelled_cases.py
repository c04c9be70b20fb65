"""Column lineage on cases that others labelled (see bench/lineage_score.py): a floor under what has been reached."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from headwater.assets.errors import SqlError

ROOT = Path(__file__).resolve().parents[3]


def load_bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lineage_score", ROOT / "bench" / "lineage_score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BENCH = load_bench()
SCORER = BENCH.load_scorer()


@pytest.mark.skipif(SCORER is None, reason="the labelled cases are not here")
@pytest.mark.parametrize(
    ("source", "floor"),
    [("tpch", 1.0), ("tpcds", 1.0), ("duckdb_tests", 0.98), ("sqllineage", 0.98), ("openlineage_sql", 1.0)],
)
def test_share_of_cases_that_are_exactly_right(source: str, floor: float) -> None:
    def run(case: dict[str, Any]) -> Any:
        return BENCH.ours(case["sql"], case["dialect"], case["schema"], case["default_db"], case["default_schema"])

    assert SCORER is not None
    cases = SCORER.load({source})
    results = [
        {"id": c["id"], "edges": sorted(map(list, edges(run, c)), key=str), "err": None, "s": 1.0} for c in cases
    ]
    found, _ = SCORER.report(cases, results, True, 0)
    assert found[source]["exact"] >= floor * found[source]["ne"]


def edges(run: Any, case: dict[str, Any]) -> Any:
    try:
        return run(case)
    except SqlError:
        return set()
