"""`stale` as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from headwater.render.paper import Paper
from headwater.render.ranges import partition_cell
from headwater.render.reasons import because
from headwater.render.table import table
from headwater.render.words import age, counted, counts, duration, moment

if TYPE_CHECKING:
    from headwater.runtime.model import AssetStatus, StatusReport

_QUIET = ("CURRENT", "RETIRED")


def is_stale(item: AssetStatus) -> bool:
    """True for an asset that is not proven current, so that `stale --exit-code` answers 1."""
    return item.status.word not in _QUIET


def noteworthy(report: StatusReport, *, everything: bool) -> tuple[AssetStatus, ...]:
    """Return the assets that `stale` lists: those not current or not fresh, or all."""
    if everything:
        return report.assets
    return tuple(it for it in report.assets if it.status.word != "CURRENT" or it.freshness in ("LATE", "DUE"))


def status_lines(report: StatusReport, items: Sequence[AssetStatus], paper: Paper) -> Iterator[str]:
    """Yield what `stale` prints about the listed `items`, and a summary of all."""
    for finding in report.findings:
        yield f"{paper.mark(False)} {finding}"
    yield from table(
        ("STATUS", "ASSET", "PARTITIONS", "FRESHNESS", "REASON"),
        [(it.status.word, it.asset, partition_cell(it.partitions), _freshness(it), _why(it)) for it in items],
        paper,
        words=(0, 3),
    )
    if items:
        yield ""
    yield f"{_summary(report)}, as of {moment(report.at)}."
    yield from _observed(report)


def _freshness(item: AssetStatus) -> str:
    if item.freshness == "NONE":
        return ""
    lag = "" if item.lag_seconds is None else f" ({duration(item.lag_seconds)})"
    return f"{item.freshness}{lag}"


def _why(item: AssetStatus) -> str:
    note = f" [{item.note}]" if item.note else ""
    return " ".join(part for part in (f"{because(item.status.reasons)}{note}".strip(), _late(item)) if part)


def _late(item: AssetStatus) -> str:
    """Return until when the data of an asset that is DUE or LATE has to be replaced, and whose promise that is."""
    if item.freshness not in ("DUE", "LATE") or item.deadline is None:
        return ""
    has = "had" if item.freshness == "LATE" else "has"
    promised = "" if item.promised_by == item.asset else f", as {item.promised_by} promises"
    return f"Its source data {has} to be replaced by {moment(item.deadline)}{promised}."


def _summary(report: StatusReport) -> str:
    numbers = report.counts
    judged = f"{counted(len(report.assets), 'asset')} in {report.environment}"
    if numbers["CURRENT"] == len(report.assets):
        return f"{judged}, all current" if report.assets else judged
    return f"{judged}: {counts(numbers)}"


def _observed(report: StatusReport) -> Iterator[str]:
    """Yield how old the knowledge about the sources is: what was judged rests on it."""
    times = sorted(at for _, at in report.observed if at)
    if not times:
        return
    oldest = age(times[0], report.at)
    if oldest is not None:
        yield f"{counted(len(times), 'source')} last taken in up to {oldest} ago; --observe looks again."
