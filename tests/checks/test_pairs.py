"""Rows and a definition in; outcome, expected, actual, failing rows out. The files of pairs are named after checks."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from headwater.checks.library import KINDS

PAIRS = Path(__file__).parent / "pairs"
CASES = [
    pytest.param(case, id=f"{file.stem}: {case['name']}")
    for file in sorted(PAIRS.glob("*.yaml"))
    for case in yaml.safe_load(file.read_text(encoding="utf-8"))
]


def test_every_check_of_the_library_has_pairs():
    assert {file.stem for file in PAIRS.glob("*.yaml")} == set(KINDS)


@pytest.mark.parametrize("optimizer", ["enable_optimizer", "disable_optimizer"])
@pytest.mark.parametrize("case", CASES)
def test_pair(bench, case, optimizer):
    bench.connection.execute(f"pragma {optimizer}")
    bench.stage(case["rows"])
    for key, query in case.get("others", {}).items():
        bench.other(key, query)
    spec = bench.declare(case["check"], case.get("column"))
    result = bench.scan((spec,)).results[0]

    found = {"outcome": result.outcome, "failing": result.failing_rows}
    assert found == {"outcome": case["outcome"], "failing": case.get("failing")}, result
    for said in ("expected", "actual", "message"):
        if said in case:
            assert getattr(result, said) == case[said]
    if result.outcome != "ERROR" and result.failing_rows is not None:
        sample = bench.sample(spec, 10_000)
        assert len(sample) == result.failing_rows
        if "sample" in case:
            assert [[str(value) for value in row] for row in sample] == case["sample"]
