"""`freshness` as text and JSON: what is required of an asset, by whom, and what was taken off for the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from headwater.render.branches import branches
from headwater.render.paper import Paper
from headwater.render.words import counted, duration, moment

if TYPE_CHECKING:
    from headwater.runtime.freshness import FreshnessNow
    from headwater.runtime.freshness_view import FreshnessView, RequirementLine, SourceLine, Taken
    from headwater.runtime.promise import Promise, Unkept

_Node = tuple[str, tuple["_Node", ...]]  # a line of the tree and the lines below it


def freshness_lines(view: FreshnessView, paper: Paper) -> Iterator[str]:
    """Yield the answer in one sentence, and the tree of what it follows from."""
    yield f"{view.asset} is {paper.word(view.freshness.word)} in {view.environment}: {_sentence(view.freshness)}"
    parts: list[_Node] = []
    if view.requirements:
        below = tuple(_requirement(line, paper) for line in view.requirements)
        parts.append(("required of it, the tightest first", below))
    total = duration(sum(it.seconds for it in view.work))
    work = tuple((_taken(it), ()) for it in view.work)
    parts.append((f"expected to take {total} from a source on", work))
    sources = tuple((_source(it), ()) for it in view.sources)
    parts.append(("source data inside, the oldest first" if sources else "no source data inside", sources))
    root: _Node = ("", tuple(parts))
    yield from branches(root, lambda node: [(child, child[0]) for child in node[1]], paper)


def _sentence(it: FreshnessNow) -> str:
    if it.word == "NONE":
        age = "" if it.lag_seconds is None else f" Its oldest source data is {duration(it.lag_seconds)} old."
        return f"neither it nor anything downstream promises how fresh it is.{age}"
    if it.lag_seconds is None:
        return "nobody can date its source data." if it.word == "LATE" else "no source data is inside that could age."
    age = f"its oldest source data is {duration(it.lag_seconds)} old"
    if it.deadline is None or it.latest_start is None:
        return f"{age} and never has to be replaced."
    has = "had" if it.word == "LATE" else "has"
    return f"{age} and {has} to be replaced by {moment(it.deadline)}; latest start {moment(it.latest_start)}."


def _requirement(line: RequirementLine, paper: Paper) -> _Node:
    judged = line.judged
    until = "" if judged.deadline is None else f", here until {moment(judged.deadline)}"
    text = f"{paper.word(judged.word)} {line.promise.asset}: {promise_text(line.promise)}{until}"
    return text, tuple((f"less {_taken(it)}", ()) for it in reversed(line.taken_off))


def _taken(it: Taken) -> str:
    basis = f"last {counted(it.builds, 'build')}" if it.builds else "never built, so assumed"
    return f"{duration(it.seconds)} for {it.asset} ({basis})"


def _source(it: SourceLine) -> str:
    if it.data_time is None or it.age_seconds is None:
        return f"{it.source}: nobody can date it"
    what = f"newest {it.column}" if it.column is not None else it.seen
    return f"{it.source}: {what} {moment(it.data_time)}, {duration(it.age_seconds)} ago"


def promise_text(promise: Promise) -> str:
    """Return what is promised, as the end of a sentence."""
    if promise.max_lag_seconds is not None:
        return f"data no older than {duration(promise.max_lag_seconds)}"
    skipped = f", not on holidays of {promise.holidays}" if promise.holidays else ""
    return f'by "{promise.by}" ({promise.timezone}{skipped}) data from after the deadline before'


def warning_text(it: Unkept) -> str:
    """Return why history says that a promise cannot be kept, with the arithmetic, in one sentence."""
    promises = f"{it.promise.asset} promises {promise_text(it.promise)}"
    if it.reason == "PATH":
        gap = duration(it.allowed_seconds or 0)
        apart = "" if it.promise.by is None else f"; deadlines are as little as {gap} apart"
        total = duration(it.needed_seconds)
        return f"{promises}{apart}; history says that bringing in new data takes {total}: {_sum(it.terms)}."
    (source, age), *way = it.terms
    times = f"{it.late} of {it.deliveries} times"
    old = f"{duration(age)} old when the next delivery of {source} is taken in (median)"
    total = duration(it.needed_seconds)
    return f"{promises}; {times} data was too old before newer came: {old} + {_sum(way)} = {total}."


def _sum(terms: Iterable[tuple[str, float]]) -> str:
    return " + ".join(f"{duration(seconds)} for {asset}" for asset, seconds in terms if seconds > 0) or "0 s"


def freshness_document(view: FreshnessView) -> dict[str, object]:
    """Return the shape of `freshness`."""
    return {
        "asset": view.asset,
        "environment": view.environment,
        "at": view.at,
        "status": view.status,
        **_judged(view.freshness),
        "requirements": [
            {
                "promised_by": line.promise.asset,
                "max_lag_seconds": line.promise.max_lag_seconds,
                "by": line.promise.by,
                "timezone": line.promise.timezone if line.promise.by else None,
                "holidays": line.promise.holidays,
                "freshness": line.judged.word,
                "deadline": line.judged.deadline,
                "latest_start": line.judged.latest_start,
                "taken_off": [_taken_document(it) for it in line.taken_off],
            }
            for line in view.requirements
        ],
        "work": [_taken_document(it) for it in view.work],
        "sources": [
            {
                "source": it.source,
                "data_time": it.data_time,
                "age_seconds": it.age_seconds,
                "from": it.column if it.column is not None else it.seen.upper(),
            }
            for it in view.sources
        ],
    }


def _judged(it: FreshnessNow) -> dict[str, object]:
    return {
        "freshness": it.word,
        "lag_seconds": it.lag_seconds,
        "deadline": it.deadline,
        "latest_start": it.latest_start,
        "promised_by": it.promised_by,
    }


def _taken_document(it: Taken) -> dict[str, object]:
    return {"asset": it.asset, "expected_seconds": round(it.seconds, 6), "builds": it.builds}


def warnings_document(warnings: Iterable[Unkept]) -> list[dict[str, object]]:
    """Return promises that cannot be kept in the shape that `plan` and `validate` share."""
    return [
        {
            "code": "PROMISE_TOO_TIGHT",
            "asset": it.promise.asset,
            "message": warning_text(it),
            "needed_seconds": round(it.needed_seconds, 6),
            "allowed_seconds": it.allowed_seconds,
            "terms": [{"asset": asset, "seconds": round(seconds, 6)} for asset, seconds in it.terms],
        }
        for it in warnings
    ]
