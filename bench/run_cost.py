"""What orchestration costs for each tiny asset: a full build against the bare CREATE TABLE AS of the same queries.

    python bench/run_cost.py [--assets 1000] [--checks 1] [--repeat 3]

Both are done in this process, in turn, in fresh folders; medians are printed. The bare build runs the same queries one
after the other on one connection with one thread, committing each, as a careful person's script would.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import duckdb
from generate import WIDTH, query, write_project

from headwater.api import load_project


def bare(folder: Path, assets: int) -> float:
    """Return the seconds that the bare CREATE TABLE AS of every asset takes."""
    config = {"threads": "1", "default_block_size": "16384"}
    connection = duckdb.connect(str(folder / "bare.duckdb"), config=config)
    for layer in range((assets - 1) // WIDTH + 1):
        connection.execute(f"create schema l{layer}")
    started = time.perf_counter()
    for number in range(assets):
        layer, place = divmod(number, WIDTH)
        connection.execute(f"create table l{layer}.t{place} as {query(layer, place)}")
    seconds = time.perf_counter() - started
    connection.close()
    return seconds


def orchestrated(folder: Path, assets: int, checks: int) -> tuple[float, int]:
    """Return the seconds of a first run, loading left out, and the bytes that its records take."""
    project = load_project(write_project(folder, assets, checks), require=True)
    project.workspace.survey("prod")  # definitions are resolved; only the run itself is timed
    started = time.perf_counter()
    result = project.run()
    seconds = time.perf_counter() - started
    if result.outcome != "SUCCEEDED":
        raise SystemExit(f"the run ended {result.outcome}: {result.counts}")
    state = folder / ".headwater" / "state.db"
    return seconds, sum(path.stat().st_size for path in state.parent.glob("state.db*"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=int, default=1000)
    parser.add_argument("--checks", type=int, default=1, choices=(0, 1, 2, 3))
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    bare_seconds, run_seconds, record_bytes = [], [], 0
    for _ in range(options.repeat):
        with tempfile.TemporaryDirectory() as folder:
            bare_seconds.append(bare(Path(folder), options.assets))
            seconds, record_bytes = orchestrated(Path(folder) / "project", options.assets, options.checks)
            run_seconds.append(seconds)
    per_bare = statistics.median(bare_seconds) / options.assets * 1000
    per_run = statistics.median(run_seconds) / options.assets * 1000
    print(f"{options.assets} tiny tables, {options.checks} checks each, medians of {options.repeat}")
    print(f"bare CREATE TABLE AS   {per_bare:8.2f} ms per asset")
    print(f"headwater run          {per_run:8.2f} ms per asset")
    print(f"orchestration          {per_run - per_bare:8.2f} ms per asset above it ({per_run / per_bare:.1f} times)")
    print(f"records                {record_bytes / options.assets / 1000:8.2f} kB per asset run, projections included")


if __name__ == "__main__":
    main()
