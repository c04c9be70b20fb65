"""A warm `headwater stale` with nothing changed, as a whole process, beside a bare `python -c pass`.

python bench/stale.py [--assets 1000] [--repeat 7]
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from generate import write_project

from headwater.api import load_project


def timed(command: list[str], repeat: int) -> list[float]:
    """Return the wall seconds of each of `repeat` runs of a command, one before them not counted."""
    seconds = []
    for _ in range(repeat + 1):
        started = time.perf_counter()
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
        seconds.append(time.perf_counter() - started)
        assert done.stdout or command[-1] == "pass", "it said nothing, so it did nothing"
    return seconds[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = write_project(Path(folder) / "project", options.assets)
        load_project(project, require=True).run()
        empty = statistics.median(timed([sys.executable, "-c", "pass"], options.repeat))
        command = [sys.executable, "-m", "headwater", "--project", str(project), "stale"]
        stale = statistics.median(timed(command, options.repeat))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{options.assets} assets, nothing changed, whole processes, medians of {options.repeat}")
    print(f"python -c pass     {empty * 1000:8.0f} ms")
    print(f"headwater stale    {stale * 1000:8.0f} ms   peak memory of a child {peak:.0f} MiB")


if __name__ == "__main__":
    main()
