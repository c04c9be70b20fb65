"""Score of our column lineage on cases that others labelled, with sqlglot's own lineage beside it in the same run.

Run: python bench/lineage_score.py [--show N] [--typed] [--sources a,b]. The cases lie beside the repository, in
../shared; without them this says so and stops.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from headwater.lineage.sql.analyse import analyse_sql

SHARED = Path(__file__).resolve().parents[1].parent / "shared"
Edges = set[tuple[str, str | None, str]]


def ours(
    sql: str,
    dialect: str,
    schema: dict[str, dict[str, str]],
    default_db: str | None = None,
    default_schema: str | None = None,
    definitions: dict[str, str] | None = None,
) -> Edges:
    """Return (output, table, column) for every source of every output."""
    analysis = analyse_sql(sql, dialect, schema, default_db, default_schema, definitions)
    return {(out.name, source.table, source.column) for out in analysis.outputs or () for source in out.sources}


def ours_typed(
    sql: str,
    dialect: str,
    schema: dict[str, dict[str, str]],
    default_db: str | None = None,
    default_schema: str | None = None,
    definitions: dict[str, str] | None = None,
) -> set[tuple[str, str, str, str, str]]:
    """Return the typed edges, and the influences on the whole result under the output `*`."""
    analysis = analyse_sql(sql, dialect, schema, default_db, default_schema, definitions)
    found = {
        (out.name, source.table, source.column, "INDIRECT" if source.indirect else "DIRECT", str(source.transformation))
        for out in analysis.outputs or ()
        for source in out.sources
    }
    found |= {("*", item.table, item.column, "INDIRECT", str(item.transformation)) for item in analysis.influences}
    return found


def sqlglots(
    sql: str,
    dialect: str,
    schema: dict[str, dict[str, str]],
    default_db: str | None = None,
    default_schema: str | None = None,
    definitions: dict[str, str] | None = None,
) -> Edges:
    """Return the edges that `sqlglot.lineage.lineage(None, ...)` finds."""
    from sqlglot import exp
    from sqlglot.lineage import lineage

    nodes: Any = lineage(
        None, sql, schema=schema or None, dialect=dialect or None, trim_selects=False,
        catalog=default_db, db=default_schema, sources=_queries(definitions, dialect),
    )  # fmt: skip
    edges: Edges = set()
    for name, node in nodes.items():
        for leaf in node.walk():
            if not leaf.downstream and isinstance(leaf.expression, exp.Table):
                edges.add((name, ".".join(part.name for part in leaf.expression.parts), leaf.name.rsplit(".", 1)[-1]))
    return edges


def _queries(definitions: dict[str, str] | None, dialect: str) -> dict[str, Any]:
    """Views as queries, which is how sqlglot takes them."""
    import sqlglot

    found: dict[str, Any] = {}
    for name, text in (definitions or {}).items():
        tree = sqlglot.parse_one(text, dialect=dialect or None)
        found[name] = tree.expression if isinstance(tree, sqlglot.exp.Create) else tree
    return found


def load_scorer() -> ModuleType | None:
    """Return the scoring tool, or None where it is not at hand."""
    path = SHARED / "tools" / "score_lineage.py"
    if not path.exists():
        return None
    spec = importlib.util.spec_from_file_location("score_lineage", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Print the scores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--typed", action="store_true")
    parser.add_argument("--sources")
    parser.add_argument("--only-ours", action="store_true")
    arguments = parser.parse_args()
    scorer = load_scorer()
    if scorer is None:
        print("The labelled cases (../shared/cases/lineage) are not here: nothing to score.")
        sys.exit(0)
    cases = scorer.load(set(arguments.sources.split(",")) if arguments.sources else None)
    tools: list[tuple[str, Callable[..., Edges]]] = [("headwater", ours), ("sqlglot lineage(None)", sqlglots)]
    for name, tool in tools[: 1 if arguments.only_ours else 2]:
        print(f"\n{name} (strict)")
        started = time.process_time()
        results = scorer.run(_on_case(tool), cases)
        cpu_seconds = time.process_time() - started
        scorer.report(cases, results, True, arguments.show if tool is ours else 0)
        print(f"CPU: {cpu_seconds:.2f} s")
    if arguments.typed:
        print("\nheadwater, typed")
        scorer.report_typed(cases, _on_case(ours_typed))


def _on_case(tool: Callable[..., Any]) -> Callable[[dict[str, Any]], Any]:
    def run(case: dict[str, Any]) -> Any:
        return tool(
            case["sql"],
            case["dialect"],
            case["schema"],
            default_db=case["default_db"],
            default_schema=case["default_schema"],
            definitions=(case.get("extra") or {}).get("sources") or None,
        )

    return run


if __name__ == "__main__":
    main()
