"""What it costs to ask which assets are stale: whole processes, beside their budgets.

    python bench/staleness.py [--repeat 5] [--largest 10000] [--slices 300]

Processor seconds (user and system) and peak memory of each child process are printed as medians, with the wall clock
beside them: on a machine that others use it says little. Except for the first assets of each project, which are built
for real, the published versions are those that a run would have recorded, without their data (see fabricate.py): a
warm `stale` never opens the warehouse. `--largest 100000` takes minutes and prints the exponent over all sizes.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

from fabricate import backfilled, publish_unbuilt, rebuilt, unbuilt
from generate import WIDTH, write_partitioned, write_project

from headwater.api import load_project

SIZES = (1_000, 10_000, 100_000)
DAILY = "daily: {start: 2022-01-01"
HOURLY = "hourly: {start: '1910-01-01T00+00:00'"
FIRST_HOURS, LAST_HOUR = "1910-01-01T02+00:00", "2024-01-30T16+00:00"  # a million


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one process: processor seconds, wall seconds, peak memory in MiB, and its output."""

    cpu: float
    wall: float
    memory: float
    output: str


def cost(command: list[str]) -> Cost:
    """Return what a command costs. It runs as installed packages do: with compiled bytecode at hand."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(command, stdout=out, env=environment)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - started
        out.seek(0)
        output = out.read().decode()
    if child.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
    return Cost(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024, output)


def apart(function: Callable[..., object], *arguments: object) -> None:
    """Call a function in a process of its own: the peak memory of a child is at least that of its parent."""
    process = multiprocessing.get_context("spawn").Process(target=function, args=arguments)
    process.start()
    process.join()
    if process.exitcode != 0:
        raise SystemExit(f"{function.__name__} failed")


def headwater(project: Path, *arguments: str) -> list[str]:
    """Return the command of a verb."""
    return [sys.executable, "-m", "headwater", "--project", str(project), *arguments]


def median(costs: list[Cost]) -> Cost:
    """Return the medians, with the last output."""
    middle = [statistics.median(getattr(it, name) for it in costs) for name in ("cpu", "wall", "memory")]
    return Cost(*middle, costs[-1].output)


def line(what: str, found: Cost, budget: str = "") -> None:
    """Print one figure."""
    figures = f"{found.cpu:7.2f} s CPU {found.wall:7.2f} s wall {found.memory:6.0f} MiB"
    print(f"{what:<58} {figures}   {budget}", flush=True)


def warm(project: Path, repeat: int, *arguments: str, expect: str = "all current") -> Cost:
    """Return the median cost of `stale` where nothing changed since the one before, which is not counted."""
    command = headwater(project, *(arguments or ("stale",)))
    found = median([cost(command) for _ in range(repeat + 1)][1:])
    if expect not in found.output:
        raise SystemExit(f"it should say {expect!r}: {found.output[-300:]}")
    return found


def unpartitioned(project: Path, assets: int) -> None:
    """Make a project of tiny assets, two layers of it built."""
    write_project(project, min(assets, 2 * WIDTH))
    load_project(project, require=True).run()
    write_project(project, assets)
    publish_unbuilt(project, unbuilt)


def partitioned(project: Path, assets: int, dimension: str, first: str, end: str, width: int = WIDTH) -> None:
    """Make a project of partitioned assets: one built for the partitions up to `first`, all published up to `end`."""
    write_partitioned(project, 1, dimension, first, width)
    load_project(project, require=True).run()
    write_partitioned(project, assets, dimension, end, width)
    publish_unbuilt(project, backfilled)


def change(project: Path, key: str, partitions: str) -> None:
    """Publish a version of an asset in which some partitions hold something else."""
    publish_unbuilt(project, rebuilt(key, partitions))


def measure_sizes(root: Path, repeat: int, largest: int) -> None:
    """Print what `stale` costs at each size, how it grows, and `plan` after an edit."""
    points = []
    for assets in (size for size in SIZES if size <= largest):
        project = root / f"a{assets}"
        apart(unpartitioned, project, assets)
        first = cost(headwater(project, "stale"))
        found = warm(project, repeat if assets < 100_000 else 1)
        budget = "0.6 s, 150 MB" if assets == 10_000 else ""
        line(f"stale, {assets:,} assets, first after a run", first)
        line(f"stale, {assets:,} assets, nothing changed", found, budget)
        points.append((assets, found.cpu))
        if assets == 10_000:
            line("plan, 10,000 assets, an edit in the middle", edited(project, repeat), "1.5 s")
    empty = cost([sys.executable, "-m", "headwater", "--help"]).cpu
    for (a, small), (b, large) in pairwise(points):
        exponent = math.log((large - empty) / (small - empty)) / math.log(b / a)
        print(f"exponent from {a:,} to {b:,} assets, starting Python left out: {exponent:.2f}   1 is linear")


def measure_opened(root: Path, repeat: int) -> None:
    """Print what `stale` costs where the warehouse's file is not as it was left: all of it is fingerprinted.

    All of this project is built for real, so there are 1,000 assets; the budget is for 10,000.
    """
    project, found = root / "opened", []
    apart(_built, project)
    for number in range(repeat):
        os.utime(project / "warehouse.duckdb", (number, number))
        found.append(cost(headwater(project, "stale")))
    line("stale, 1,000 assets, the warehouse's file was touched", median(found), "10,000 assets: 1 s, 400 MB")


def _built(project: Path) -> None:
    _run(write_project(project, 1000))


def edited(project: Path, repeat: int) -> Cost:
    """Return the median cost of `plan` after an edit of one asset in the middle, another one each time."""
    file = project / "assets" / "l50" / "t50.sql"
    text = file.read_text()
    found = []
    for number in range(repeat):
        file.write_text(text.replace("is not null", f"is not null and a.amount <> -{number + 1}"))
        found.append(cost(headwater(project, "plan")))
    file.write_text(text)
    return median(found)


def measure_partitions(root: Path, repeat: int) -> None:
    """Print what `stale` costs where assets have many partitions."""
    project = root / "days"
    apart(partitioned, project, 1000, DAILY, "2022-01-03", "2024-09-27")
    line("stale, 1,000 assets x 1,000 daily partitions", warm(project, repeat), "2 s")
    apart(change, project, "l0.t1", "2023-03-01..2023-03-10")
    line("  the same, ten days of a source changed", warm(project, repeat, expect="stale"), "2 s")
    project = root / "hours"
    apart(partitioned, project, 1, HOURLY, FIRST_HOURS, LAST_HOUR)
    line("stale, one asset with 1,000,000 partitions", warm(project, repeat), "1 s")
    project = root / "pair"
    apart(partitioned, project, 2, HOURLY, FIRST_HOURS, LAST_HOUR, 1)
    line("stale, that one and its reader, by identity", warm(project, repeat))
    apart(change, project, "l0.t0", "2000-01-01T00+00:00..2000-01-31T23+00:00")
    line("  the same, a month of a source changed", warm(project, repeat, expect="stale"))


def measure_slices(root: Path, slices: int) -> None:
    """Print what a run costs for each tiny partition of one asset, starting and loading included."""
    project, start = root / "slices", date(2022, 1, 1)
    write_partitioned(project, 1, DAILY, str(start + timedelta(days=1)))
    apart(_run, project)
    write_partitioned(project, 1, DAILY, str(start + timedelta(days=slices + 1)))
    found = cost(headwater(project, "run"))
    print(f"run, {slices:,} tiny partitions of one asset: {found.cpu / slices * 1000:.2f} ms CPU for each")


def _run(project: Path) -> None:
    load_project(project, require=True).run()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--largest", type=int, default=10_000)
    parser.add_argument("--slices", type=int, default=1000)
    options = parser.parse_args()
    print(f"whole processes, medians of {options.repeat}; the budgets are for wall time on two cores")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        measure_sizes(root, options.repeat, options.largest)
        measure_opened(root, options.repeat)
        measure_partitions(root, options.repeat)
        measure_slices(root, options.slices)


if __name__ == "__main__":
    main()
