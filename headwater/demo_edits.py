"""The edits of the demo: what its story does to the project's files, and to a copy of its ledger.

Each asserts that what it replaces is there, so that a changed project is refused, not half changed.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from headwater.assets.errors import RequestError

REPORT = "report.air_travel_consumer_report"

FLIGHTS = "data/flights.csv"
COMMENT = "-- 14 CFR 234.2: on time is at the gate less than 15 minutes after the scheduled arrival.\n"
SPEED_CUT = "60 * f.distance // f.air_time as average_speed_mph"
SPEED_ROUNDED = "(60 * f.distance + f.air_time // 2) // f.air_time as average_speed_mph"
# Hawaiian 51 to Honolulu on 5 February came in at 15:55, 15 minutes late; the corrected record says 15:54, 14 late.
ROW_DELIVERED = "2013,2,5,900,900,0,1555,1540,15,HA,51,N386HA,JFK,HNL,679,4983,9,0,2013-02-05T14:00:00Z\n"
ROW_CORRECTED = "2013,2,5,900,900,0,1554,1540,14,HA,51,N386HA,JFK,HNL,679,4983,9,0,2013-02-05T14:00:00Z\n"
REPEATED_DAY = "2013,9,30,"


def add_comment(project: Path) -> None:
    """Add a comment to the query of mart.on_time_by_month."""
    _replace_once(project / "assets/mart/on_time_by_month.sql", "*/\nwith", f"*/\n{COMMENT}with")


def round_the_speed(project: Path) -> None:
    """Round average_speed_mph of stg.flights instead of cutting it off. No asset reads the column."""
    _replace_once(project / "assets/stg/flights.sql", SPEED_CUT, SPEED_ROUNDED)


def correct_one_row(project: Path) -> None:
    """Deliver the flights again with the arrival of one flight corrected by one minute."""
    _replace_once(project / FLIGHTS, ROW_DELIVERED, ROW_CORRECTED)


def repeat_a_day(project: Path) -> None:
    """Deliver the flights again with the records of 30 September in them twice."""
    path = project / FLIGHTS
    content = path.read_bytes()
    day = [line for line in content.splitlines(keepends=True) if line.startswith(REPEATED_DAY.encode())]
    if not day or len(set(day)) != len(day) or not content.endswith(b"\n"):
        raise _changed(path)
    write_whole(path, content + b"".join(day))


def withdraw_the_delivery(project: Path) -> None:
    """Undo `repeat_a_day`: the delivery as it was before, byte for byte."""
    path = project / FLIGHTS
    lines = path.read_bytes().splitlines(keepends=True)
    day = [line for line in lines if line.startswith(REPEATED_DAY.encode())]
    half = len(day) // 2
    if not half or day[:half] != day[half:] or lines[-half:] != day[half:]:
        raise _changed(path)
    write_whole(path, b"".join(lines[:-half]))


def _replace_once(path: Path, old: str, new: str) -> None:
    content = path.read_bytes()
    if content.count(old.encode()) != 1:
        raise _changed(path)
    write_whole(path, content.replace(old.encode(), new.encode()))


def _changed(path: Path) -> RequestError:
    return RequestError(f"{path} is not as the demo left it.", "Write a fresh one: headwater demo DIR.")


@dataclass(frozen=True, slots=True)
class Tampering:
    """What was changed in a copy of the ledger: the entry's place in it, its type, its time before and after."""

    copy: Path
    seq: int
    type: str
    before: str
    after: str


def tamper_with_a_copy(project: Path, copy: Path) -> Tampering:
    """Copy the project's ledger to `copy` and move the time of the report's last entry by changing one byte.

    The entry stays well-formed, so that nothing but its hash can tell. Raises RequestError where `copy` exists or the
    ledger holds no such entry.
    """
    if copy.exists():
        raise RequestError(f"{copy} exists already.", "Choose another folder for the copy.")
    home = project / ".headwater"
    if not (home / "state.db").is_file():
        raise RequestError(f"There is no ledger in {project}.", "Run the project first.")
    shutil.copytree(project / "assets", copy / "assets")
    shutil.copy2(project / "headwater.toml", copy / "headwater.toml")
    state = copy / ".headwater" / "state.db"
    (state.parent / "keys").mkdir(parents=True)
    for public_key in (home / "keys").glob("*.vkey"):  # the private key stays where it is
        shutil.copy2(public_key, state.parent / "keys")
    with closing(sqlite3.connect(home / "state.db")) as connection:
        # A plain copy could miss what is still in the write-ahead log, and would hold stale pages beside the live ones.
        connection.execute("vacuum into ?", (str(state),))
    content = bytearray(state.read_bytes())
    found = max(_ENTRY.finditer(content), key=lambda match: int(match["seq"]), default=None)
    if found is None:
        raise RequestError(f"The ledger of {project} has no entry about {REPORT}.", "Run the project first.")
    before = found["ts"].decode()
    at = found.start("ts") + len("2013-01-01T00:0")  # the last digit of the minute: any other digit is a time too
    content[at] = ord("0") + (content[at] - ord("0") + 1) % 10
    state.write_bytes(content)
    after = content[found.start("ts") : found.end("ts")].decode()
    return Tampering(copy, int(found["seq"]), found["type"].decode(), before, after)


_ENTRY = re.compile(
    rb'"seq":(?P<seq>\d+),"stream":"' + re.escape(REPORT.encode()) + rb'","stream_prev":(?:null|"[0-9a-f]{64}"),'
    rb'"stream_seq":\d+,"subject":"[^"]*","ts":"(?P<ts>[-0-9T:.]+Z)","type":"(?P<type>[a-z._]+)"'
)


def write_whole(path: Path, content: bytes) -> None:
    """Replace the file whole: whoever reads it meanwhile sees the old content or the new one."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
