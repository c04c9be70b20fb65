"""`why` and partitions as text and JSON."""

from __future__ import annotations

import json

from headwater.assets.key import AssetKey
from headwater.lineage.definition_change import DefinitionChange
from headwater.render.paper import Paper
from headwater.render.ranges import few_of, partition_cell
from headwater.render.run import step_line
from headwater.render.why import why_lines
from headwater.render.why_document import why_document
from headwater.runtime.explanation import Cause, ColumnMove, DefinitionMove, ReadProof
from headwater.runtime.model import Clause, Explanation, PartitionLine, Reason, Status, StepResult

X, Y, Z = AssetKey("mart.x"), AssetKey("stg.y"), AssetKey("raw.z")
CHANGED = Reason("INPUT_CHANGED", "a of stg.y changed.", Y, ("a",), ("2024-01-03",))
FILTER = DefinitionChange("ALTERED", "FILTER", "", "a > 0", "a > 2")


def explanation() -> Explanation:
    """Return an answer with every part of it."""
    return Explanation(
        X,
        Status("STALE", (CHANGED,)),
        (
            Clause("inputs", "Is what it reads equal?", False, (CHANGED,)),
            Clause("data", "Is its data unaltered?", True),
            Clause("checks", "Which verdict?", None),
        ),
        partitions=PartitionLine(5, 4, stale=("2024-01-03",)),
        definition=(DefinitionMove(1, (FILTER,), "--- a\n+++ b\n+x"), DefinitionMove(2, (), "-y", ("2024-01-01",))),
        columns=ColumnMove((("a", "integer"), ("b", "date")), (("a", "bigint"), ("c", "date"))),
        reads=(
            ReadProof(Y, ("a",), "a > 0", 1, 2, False, 3, "1234", ("2024-01-03",), ("2024-01-02", "2024-01-03")),
            ReadProof(Y, None, None, 1, 2, True, None, "", ("2024-01-01",), None, 1, "2024-01-06T12:00:00.5Z", "r"),
            ReadProof(Z, (), None, 1, 2, None),
        ),
        because=(
            Cause(Y, "stg.y v2 was built", 0, False, (), 2, "r1", "2024-01-06T12:00:00Z", 2, 3, (FILTER,)),
            Cause(Z, "delivered anew.", 1, True, (AssetKey("stg.a"), Y)),
        ),
        version=1,
        rows=1200,
    )


def test_every_part_of_the_answer_is_a_line_that_people_can_read() -> None:
    lines = [*why_lines(explanation(), "prod", Paper())]
    for line in (
        "mart.x is STALE in prod: a of stg.y changed.",
        "  partitions: 4 of 5, stale 2024-01-03",
        "  - stg.y v2 was built (run r1, 2024-01-06 12:00:00Z; 2 rows then, 3 now)",
        "      filter changed: a > 0 became a > 2",
        "    ! raw.z: delivered anew. (through stg.a, stg.y)",
        "      [2024-01-03] INPUT_CHANGED: a of stg.y changed.",
        "      [2024-01-03] stg.y@v1 (a where a > 0) of 2024-01-02, 2024-01-03, 3 rows, fingerprint 1234: "
        "other data in v2.",
        "      [2024-01-01] stg.y@v1 (all columns): equal in v2, unchanged since v1 of 2024-01-06 12:00:00Z.",
        "      raw.z@v1 (row count): nobody can tell whether v2 is equal.",
        "      not reached",
        "What changed in the definition since v1:",
        "  * filter changed: a > 0 became a > 2",
        "  +x",
        "Its text was edited since v2, which made 2024-01-01: nothing that counts.",
        "The next build adds c, drops b, makes a bigint (was integer); readers see 1,200 rows of v1.",
    ):
        assert line in lines, line
    assert "  -y" not in lines


def test_the_document_has_all_of_it() -> None:
    found = json.loads(json.dumps(why_document(explanation(), "prod")))
    assert found["definition"][0]["changes"][0]["message"] == "filter changed: a > 0 became a > 2"
    assert found["columns"]["retyped"] == [{"column": "a", "before": "integer", "after": "bigint"}]
    assert (found["reads"][0]["equal"], found["reads"][0]["upstream_partitions"][0]) == (False, "2024-01-02")
    assert (found["because"][1]["root"], found["because"][1]["path"]) == (True, ["stg.a", "stg.y"])
    assert found["partitions"]["stale"] == ["2024-01-03"]


def test_one_partition_is_named_and_its_ranges_are_not_repeated() -> None:
    one = Explanation(X, Status("STALE", (CHANGED,)), explanation().clauses, partition="2024-01-03")
    lines = [*why_lines(one, "prod", Paper())]
    assert lines[0] == "mart.x@2024-01-03 is STALE in prod: a of stg.y changed."
    assert "      INPUT_CHANGED: a of stg.y changed." in lines


def test_partitions_on_one_line() -> None:
    assert partition_cell(None) == ""
    assert partition_cell(PartitionLine(1_000_000, 1_000_000)) == "1,000,000 of 1,000,000"
    line = PartitionLine(9, 2, stale=("a", "b", "c"), missing=("d",), pending=("e",), unknown=("f",))
    assert partition_cell(line) == "2 of 9, missing d, unknown f, stale a and 2 more, pending e"


def test_the_first_ranges_of_a_text() -> None:
    assert few_of(None) == ""
    assert few_of("2024-01-01..2024-01-05") == "2024-01-01..2024-01-05"
    assert few_of('"a,b",c,d,e') == '"a,b", c and 2 more'
    assert few_of("day=1;r=a | day=2;r=b | day=3;r=c") == "day=1;r=a, day=2;r=b and 1 more"


def test_a_step_says_which_partitions_it_built() -> None:
    step = StepResult(X, "PUBLISHED", True, 3, 10, 1, 0.5, partitions="2024-01-01..2024-01-05")
    assert step_line(step) == "PUBLISHED mart.x: v3, 2024-01-01..2024-01-05, 10 rows, 0.50 s"
