"""`impact` as text and JSON: a line for each asset, where it breaks, and the tree of ways that the change takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from headwater.render.branches import branches
from headwater.render.documents import Document, problems_document
from headwater.render.paper import Paper
from headwater.render.table import table
from headwater.render.words import counted, counts, one_line

if TYPE_CHECKING:
    from headwater.runtime.impact_model import Impact, ImpactReport

_WIDEST_NAMES = 16  # of columns, on a terminal
_MOST_PLACES = 20  # that a text lists; JSON has all


def impact_lines(report: ImpactReport, paper: Paper, *, everything: bool = False) -> Iterator[str]:
    """Yield what a change would do: the asset itself, everything downstream, and the ways that it takes."""
    untouched = report.counts["UNTOUCHED"]
    shown = [it for it in report.impacts if everything or it.outcome != "UNTOUCHED"]
    yield paper.bold(f"What {one_line(str(report.change))} would do")
    yield ""
    rows = [_row(it) for it in [*([report.own] if _says(report.own) else []), *shown]]
    headers = ("OUTCOME", "ASSET", "COLUMNS", "BECAUSE", "ALSO")
    if paper.width is None:
        yield from table(headers, rows, paper, words=(0,))
    else:  # two columns of sentences do not fit beside each other
        yield from table(headers[:-1], [_narrow(*row) for row in rows], paper, words=(0,))
    yield from _places([report.own, *shown], paper)
    if any(it.causes for it in shown if it.outcome != "UNTOUCHED"):
        yield from ("", paper.bold("The ways it takes"))
        yield from _ways(report, paper)
    yield from ([""] if rows else [])
    said = counts(report.counts) or "nothing"
    hidden = f"; --all lists the {counted(untouched, 'untouched asset')}" if untouched and not everything else ""
    yield f"{counted(len(report.impacts), 'asset')} downstream: {said}{hidden}."


def impact_document(report: ImpactReport) -> Document:
    """Return the shape of `impact`. `columns` is null where all of an asset, and its rows, may change."""
    change = report.change
    return {
        "asset": change.asset,
        "column": change.column,
        "change": change.kind,
        "to": change.to,
        "own": _impact(report.own),
        "assets": [_impact(it) for it in report.impacts],
        "counts": report.counts,
    }


def _impact(it: Impact) -> Document:
    return {
        "asset": it.asset,
        "outcome": it.outcome,
        "message": it.message,
        "columns": None if it.columns is None else list(it.columns),
        "because": [
            {"upstream": cause.upstream, "columns": None if cause.columns is None else list(cause.columns)}
            for cause in it.causes
        ],
        "places": problems_document(it.places),
        "checks": list(it.checks),
        "contract": list(it.contract),
        "file": it.file,
    }


def _says(own: Impact) -> bool:
    return bool(own.places or own.checks or own.contract or own.file)


def _narrow(outcome: str, asset: str, columns: str, because: str, also: str) -> tuple[str, str, str, str]:
    """Return a row for a terminal: what also counts stands behind the reason, and many columns are only counted."""
    shown = columns if len(columns) <= _WIDEST_NAMES else counted(len(columns.split(", ")), "column")
    return outcome, asset, shown, f"{because} Also {also}." if also else because


def _row(it: Impact) -> tuple[str, str, str, str, str]:
    columns = "all" if it.columns is None else ", ".join(it.columns)
    also = [
        f"contract: {', '.join(it.contract)}" if it.contract else "",
        f"checks: {', '.join(it.checks)}" if it.checks else "",
        f"writes {it.file}" if it.file else "",
    ]
    return it.outcome, it.asset, columns, it.message, "; ".join(part for part in also if part)


def _places(impacts: Sequence[Impact], paper: Paper) -> Iterator[str]:
    places = [*dict.fromkeys(one_line(str(place)) for it in impacts for place in it.places)]
    if not places:
        return
    doubtful = any(it.outcome == "MAY_BREAK" and it.places for it in impacts)
    yield from ("", paper.bold("Where it breaks, or may break" if doubtful else "Where it breaks"))
    for place in places[:_MOST_PLACES]:
        yield f"  {place}"
    if len(places) > _MOST_PLACES:
        yield f"  and {len(places) - _MOST_PLACES:,} more; --format json lists them"


def _ways(report: ImpactReport, paper: Paper) -> Iterator[str]:
    below: dict[str, list[tuple[str, str]]] = {}
    for it in report.impacts:
        for cause in it.causes:
            read = ", ".join(cause.columns) if cause.columns else "its rows"
            below.setdefault(cause.upstream, []).append((it.asset, f"{it.asset}  {it.outcome}: reads {one_line(read)}"))
    start = report.change.asset if report.change.column is None else f"{report.change.asset}.{report.change.column}"
    yield one_line(start)
    yield from branches(str(report.change.asset), lambda asset: below.get(asset, ()), paper)
