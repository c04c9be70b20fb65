"""How fast lineage is: TPC-DS beside sqlglot's own in the same run, wide models, growth with size, a whole project.

python bench/lineage_speed.py [--repeat 7] [--assets 10000]

CPU seconds of one core, medians; the project as whole processes, wall and CPU, cold and warm. TPC-DS needs the labelled
cases beside the repository (../shared) and is left out without them.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path

from generate import write_project

from headwater.lineage import SqlCatalog, analyse_sql
from headwater.lineage.sql import parse_query

CASES = Path(__file__).resolve().parents[1].parent / "shared" / "cases" / "lineage" / "tpcds.json"


def cpu_seconds(work: Callable[[], object], repeat: int) -> float:
    """Return the median CPU seconds of `work`, after one run that is not counted."""
    work()
    seconds = []
    for _ in range(repeat):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return statistics.median(seconds)


def interleaved(works: Mapping[str, Callable[[], object]], repeat: int) -> dict[str, float]:
    """Return the median CPU seconds of each, taken in turn, so that a busy machine slows down all of them alike."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(repeat + 1):
        for name, work in works.items():
            gc.collect()  # what one leaves behind is not for the next one to clear up
            started = time.process_time()
            work()
            if turn:  # the first is not counted
                seconds[name].append(time.process_time() - started)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def tpcds(repeat: int) -> None:
    """Queries per second: parsing, our lineage, all of our analysis, and what sqlglot needs for column lineage."""
    if not CASES.exists():
        print("TPC-DS: the labelled cases (../shared/cases/lineage) are not here")
        return
    from sqlglot import parse_one
    from sqlglot.lineage import lineage
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope
    from sqlglot.schema import MappingSchema

    cases = json.loads(CASES.read_text(encoding="utf-8"))
    catalogs = [SqlCatalog(case["schema"]) for case in cases]
    schemas = [MappingSchema(case["schema"], dialect="duckdb") for case in cases]

    def ours() -> None:
        for case, catalog in zip(cases, catalogs, strict=True):
            analysis = analyse_sql(case["sql"], "duckdb", catalog)
            assert analysis.outputs is not None
            assert analysis.influences is not None
            assert analysis.reads is not None

    def everything() -> None:
        for case, catalog in zip(cases, catalogs, strict=True):
            analysis = analyse_sql(case["sql"], "duckdb", catalog)
            for part in fields(analysis):
                getattr(analysis, part.name)  # some of them are computed when they are first asked for

    def parsed() -> None:
        for case in cases:
            parse_query(case["sql"])

    def theirs() -> None:
        for case, schema in zip(cases, schemas, strict=True):
            tree = parse_one(case["sql"], dialect="duckdb")
            tree = qualify(tree, schema=schema, dialect="duckdb", validate_qualify_columns=False, identify=False)
            lineage(
                None, tree, schema=schema, dialect="duckdb", scope=build_scope(tree), trim_selects=False, copy=False
            )

    print(f"TPC-DS, {len(cases)} queries, CPU, medians of {repeat}")
    works = {
        "parse": parsed,
        "lineage (outputs, influences, reads)": ours,
        "with everything (hash, volatility, edits)": everything,
        "sqlglot qualify + lineage(None)": theirs,
    }
    times = interleaved(works, repeat)
    for name, seconds in times.items():
        ratio = times["sqlglot qualify + lineage(None)"] / seconds
        each = f"{len(cases) / seconds:7.0f} queries/s   {seconds / len(cases) * 1e3:6.3f} ms each"
        print(f"  {name:42} {each}   {ratio:5.2f} times sqlglot")


def wide(columns: int, ctes: int) -> tuple[str, SqlCatalog]:
    """Return a query that carries `columns` columns through `ctes` CTEs."""
    parts, before = [], "raw.t"
    for number in range(ctes):
        items = ", ".join(f"c{column} + {number} as c{column}" for column in range(columns))
        parts.append(f"s{number} as (select {items} from {before})")
        before = f"s{number}"
    schema = {"raw.t": {f"c{column}": "integer" for column in range(columns)}}
    return f"with {', '.join(parts)} select * from {before}", SqlCatalog(schema)


def shapes(repeat: int) -> None:
    """Wide models, and the exponent with which the cost grows with the size of a query."""
    for columns, ctes in ((300, 5), (1000, 3)):
        sql, catalog = wide(columns, ctes)
        seconds = cpu_seconds(lambda sql=sql, catalog=catalog: analyse_sql(sql, schema=catalog), repeat)
        print(f"{columns:5} columns through {ctes} CTEs {seconds * 1e3:8.0f} ms CPU")
    grown = {
        "columns": lambda n: wide(n, 3),
        "CTEs": lambda n: wide(20, n // 20),
        "branches": lambda n: (
            " union all ".join(["select a, b from t"] * n),
            SqlCatalog({"t": {"a": "int", "b": "int"}}),
        ),
        "terms": lambda n: ("select " + " + ".join(["a"] * n) + " from t", SqlCatalog({"t": {"a": "int"}})),
    }
    for name, make in grown.items():
        times = []
        for size in (500, 4000):
            sql, catalog = make(size)
            times.append(cpu_seconds(lambda sql=sql, catalog=catalog: analyse_sql(sql, schema=catalog), 3))
        print(f"cost in {name:10} grows as size to the power {math.log(times[1] / times[0]) / math.log(8):.2f}")


def project(assets: int, repeat: int) -> None:
    """`validate` as a whole process: every file parsed and every column resolved, then again with a warm cache."""
    with tempfile.TemporaryDirectory() as folder:
        root = write_project(Path(folder) / "project", assets)
        command = [sys.executable, "-m", "headwater", "--project", str(root), "validate"]
        for name, cold in (("cold", True), ("warm", False)):
            walls, cpus = [], []
            for _ in range(repeat):
                if cold:
                    shutil.rmtree(root / ".headwater", ignore_errors=True)
                before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
                assert done.stdout, "it said nothing, so it did nothing"
                walls.append(time.perf_counter() - started)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
            wall, cpu = statistics.median(walls), statistics.median(cpus)
            print(f"{assets:6} assets, {name} {wall:8.2f} s wall {cpu:8.2f} s CPU")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--assets", type=int, default=10_000)
    options = parser.parse_args()
    tpcds(options.repeat)
    shapes(options.repeat)
    project(options.assets, 3)


if __name__ == "__main__":
    main()
