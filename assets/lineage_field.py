"""The field `lineage` of a Python asset: which columns of its inputs each column of its result is made from."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from headwater.assets.errors import Problem
from headwater.assets.front import Body, Declaring
from headwater.assets.key import AssetKey

Lineage = tuple[tuple[str, tuple[tuple[AssetKey, str], ...]], ...]


def declared_lineage(
    given: Mapping[str, tuple[str, ...]] | None, key: AssetKey, body: Body, at: Declaring
) -> tuple[Lineage, tuple[Problem, ...]]:
    """Return the lineage that an author declares, with a problem for each source that is no column of an input."""
    if given is None:
        return (), ()
    if body.python is None:
        message = "`lineage` is for Python assets: what a query makes its columns from follows from the query."
        return (), (at.problem(("lineage",), message, "Remove it.", key),)
    inputs = tuple(dict.fromkeys(upstream for _, upstream in body.python.inputs))
    lineage = []
    problems = []
    first: dict[str, str] = {}
    for column, texts in given.items():
        if first.setdefault(column.lower(), column) != column:
            message = f"`lineage` names the column {column!r} twice, as {first[column.lower()]!r} before."
            problems.append(at.problem(("lineage", column), message, "Keep one of them.", key))
        sources = []
        for text in texts:
            upstream, _, name = text.strip().lower().rpartition(".")
            if upstream in inputs and name:
                sources.append((AssetKey(upstream), name))
            else:
                problems.append(at.problem(("lineage", column), *_no_source(column, text, inputs), key))
        lineage.append((column, tuple(sources)))
    return tuple(lineage), tuple(problems)


def _no_source(column: str, text: str, inputs: tuple[AssetKey, ...]) -> tuple[str, str]:
    """Return message and remedy for a source that does not name a column of an input."""
    upstream, _, name = text.strip().lower().rpartition(".")
    message = f"`lineage` of {column!r} names {text!r}, which is no column of an input."
    close = difflib.get_close_matches(upstream, inputs, n=1)
    if close and name:
        return message, f"Did you mean {close[0]}.{name}?"
    if not inputs:
        return message, "Name the asset in `inputs` first."
    return message, f"Write input and column, such as {inputs[0]}.id."
