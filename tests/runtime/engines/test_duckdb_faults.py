"""DuckDB on a disk that takes no more, and a run that the keyboard interrupts: nothing published is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from headwater.runtime.engines import open_engine

# Publishes, then lets no file grow beyond `limit` bytes, as a full disk would.
FULL = """
import resource, signal, sys
from pathlib import Path
from headwater.assets.errors import ResourceError
from headwater.runtime.engines import open_engine
from headwater.runtime.engines.engine import Pointer, Publication

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path, limit = Path(sys.argv[1]), int(sys.argv[2])
warehouse = open_engine("duckdb")(path, new_identity="x")
session = warehouse.session()
session.build_table("a", "select 1 as x")
warehouse.publish(Publication("p1", 1, "prod", (Pointer("m", "a", "a", ("x",)),)))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
for effect in (
    lambda: session.build_table("b", "select md5(x::varchar) as x from range(200000) r(x)"),
    lambda: warehouse.publish(Publication("p2", 2, "prod", (Pointer("m", "a", "b", ("x",)),))),
    warehouse.close,
):
    try:
        effect()
        print("done")
    except ResourceError as error:
        assert error.remedy
        print("refused")
    except Exception as error:
        print(type(error).__name__)
"""

INTERRUPTED = """
import os, signal, sys, threading
from pathlib import Path
from headwater.runtime.engines import open_engine

session = open_engine("duckdb")(Path(sys.argv[1]), new_identity="x").session()
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    session.build_table("t", "select count(*) from range(100000000000) r(x) where hash(x) = 0")
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("limit", [300, 600_000], ids=["log", "file"])
def test_a_full_disk_is_a_resource_error_and_keeps_what_was_published(tmp_path: Path, limit: int) -> None:
    path = tmp_path / "warehouse"
    ended = subprocess.run([sys.executable, "-c", FULL, path, str(limit)], check=True, capture_output=True, text=True)
    assert ended.stdout.split() == ["refused", "StepError", "refused"]  # there is no table b to publish
    warehouse = open_engine("duckdb")(path, new_identity="y")
    assert dict(warehouse.pointers()) == {("m", "a"): "a"}
    assert warehouse.session().rows("select * from m.a", 5) == [(1,)]
    assert warehouse.physical_names() == {"a"}
    warehouse.close()


def test_ctrl_c_in_the_main_thread_stays_a_keyboard_interrupt(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, tmp_path / "warehouse"], check=True, capture_output=True, text=True
    )
    assert ended.stdout == "interrupted\n"
