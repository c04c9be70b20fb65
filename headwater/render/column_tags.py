"""Tags of columns as text and JSON: `lineage --tag`, and what a view of lineage says about them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headwater.lineage.column_graph import WHOLE_RESULT, ColumnRef
from headwater.render.documents import Document, reference_document, tag_row
from headwater.render.paper import Paper
from headwater.render.table import table
from headwater.render.words import counted, one_line

if TYPE_CHECKING:
    from headwater.lineage.column_tags import CarriedTag
    from headwater.runtime.model import LineageView, TagReport


def tag_lines(report: TagReport, paper: Paper) -> Iterator[str]:
    """Yield the columns that carry a tag, with where it comes from and how it is carried, then those where it ends."""
    rows = [
        (_name(it.column), type_ or "", "itself" if it.is_own else _name(it.origin), _how(it))
        for it, type_ in zip(report.carried, report.types, strict=True)
    ]
    yield from table(("COLUMN", "TYPE", "FROM", "HOW"), rows, paper)
    if report.stopped:
        yield from ("", paper.bold(f"Where {one_line(report.tag)} ends, as is declared"))
        yield from table(("COLUMN", "FROM"), [(_name(it.column), _name(it.origin)) for it in report.stopped], paper)
    columns = {it.column for it in report.carried}
    notes = {
        "perhaps": len({it.column for it in report.carried if not it.certain}),
        "only masked": len(columns - {it.column for it in report.carried if not it.masked}),
    }
    said = ", ".join(f"{number:,} {what}" for what, number in notes.items() if number)
    carry = "carries" if len(columns) == 1 else "carry"
    yield from ([""] if rows or report.stopped else [])
    yield f"{counted(len(columns), 'column')} {carry} {one_line(report.tag)}{f', {said}' if said else ''}."


def tag_document(report: TagReport) -> Document:
    """Return the shape of `lineage --tag`."""
    rows = zip(report.carried, report.types, strict=True)
    return {
        "tag": report.tag,
        "columns": [{**tag_row(it), "type": type_} for it, type_ in rows],
        "anonymised": [
            {**reference_document(it.column), "tag": it.tag, "origin": reference_document(it.origin)}
            for it in report.stopped
        ],
    }


def tags_of(view: LineageView) -> dict[str, str]:
    """Return what each column of the asset carries in one phrase, such as `pii from raw.orders.email`."""
    said: dict[str, list[str]] = {}
    for it in view.tags:
        if it.column.asset == view.asset:
            origin = "" if it.is_own else f" from {_name(it.origin)}"
            said.setdefault(it.column.column, []).append(f"{it.word}{origin}")
    return {column: ", ".join(words) for column, words in said.items()}


def _how(it: CarriedTag) -> str:
    certain = "" if it.certain else "perhaps: it is not known what the column is made from"
    return "; ".join(word for word in ("masked" if it.masked else "", certain) if word)


def _name(ref: ColumnRef) -> str:
    return f"any column of {ref.asset}" if ref.column == WHOLE_RESULT else f"{ref.asset}.{one_line(ref.column)}"
