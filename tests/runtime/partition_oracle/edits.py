"""Random edits of a project: of data, columns, queries, their dress, partitions, mappings and the clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import strategies as st

from .draw import (
    KEYS,
    NUMBERS,
    STARTS,
    TYPES,
    Draw,
    draw_dims,
    draw_filters,
    draw_made,
    draw_mappings,
    draw_row,
    mended,
    pick,
)
from .model import Made, Project, Row, Source
from .shapes import PYTHON


@dataclass(frozen=True)
class Edit:
    """What an edit made of the project, and whether all of it is cosmetic."""

    name: str
    project: Project
    cosmetic: bool = False


def draw_edit(draw: Draw, project: Project) -> Edit:
    """Return an edit of `project`."""
    name = pick(draw, sorted(EDITS))
    return Edit(name, mended(EDITS[name](draw, project)), name in COSMETIC)


def _rows(change: Callable[[Draw, Source], tuple[Row, ...]]) -> Callable[[Draw, Project], Project]:
    def edit(draw: Draw, project: Project) -> Project:
        source = pick(draw, project.sources)
        return project.with_source(replace(source, rows=change(draw, source)))

    return edit


def _place(draw: Draw, source: Source) -> int:
    return int(str(draw(st.integers(0, max(0, len(source.rows) - 1)))))


def _with(source: Source, at: int, column: int, value: object) -> tuple[Row, ...]:
    if not source.rows:
        return ()
    row = list(source.rows[at])
    row[column] = value
    return (*source.rows[:at], tuple(row), *source.rows[at + 1 :])


def _altered(draw: Draw, source: Source) -> tuple[Row, ...]:
    column = int(str(draw(st.integers(2, len(source.columns) - 1))))
    return _with(source, _place(draw, source), column, pick(draw, NUMBERS))


def _moved(draw: Draw, source: Source) -> tuple[Row, ...]:
    column = int(str(draw(st.integers(0, 1))))
    return _with(source, _place(draw, source), column, draw_row(draw, source)[column])


def _unkeyed(draw: Draw, source: Source) -> tuple[Row, ...]:
    return _with(source, _place(draw, source), int(str(draw(st.integers(0, 1)))), None)


def _swapped(draw: Draw, source: Source) -> tuple[Row, ...]:
    one, other = _place(draw, source), _place(draw, source)
    column = int(str(draw(st.integers(0, len(source.columns) - 1))))
    if not source.rows:
        return ()
    first, second = source.rows[one][column], source.rows[other][column]
    return _with(replace(source, rows=_with(source, one, column, second)), other, column, first)


def _grown(draw: Draw, source: Source) -> tuple[Row, ...]:
    return (*source.rows, draw_row(draw, source))


def _doubled(draw: Draw, source: Source) -> tuple[Row, ...]:
    return (*source.rows, *source.rows[-1:], *source.rows[-1:])


def _shrunk(draw: Draw, source: Source) -> tuple[Row, ...]:
    at = _place(draw, source)
    return source.rows[:at] + source.rows[at + 1 :]


def _widened(draw: Draw, project: Project) -> Project:
    """Add, drop, rename or retype a column that is named by nobody, or retype one that is."""
    source = pick(draw, project.sources)
    if len(source.columns) == 4:
        rows = tuple((*row, pick(draw, NUMBERS)) for row in source.rows)
        return project.with_source(replace(source, columns=(*source.columns, ("c", pick(draw, TYPES))), rows=rows))
    how = pick(draw, ("drop", "rename", "retype"))
    if how == "drop":
        return project.with_source(
            replace(source, columns=source.columns[:4], rows=tuple(row[:4] for row in source.rows))
        )
    (name, kind), kept = source.columns[4], source.columns[:4]
    column = (name if how == "retype" else "d" if name == "c" else "c", pick(draw, (*TYPES, "varchar")))
    return project.with_source(replace(source, columns=(*kept, column if how == "retype" else (column[0], kind))))


def _retyped(draw: Draw, project: Project) -> Project:
    source, at = pick(draw, project.sources), int(str(draw(st.integers(2, 3))))
    columns = list(source.columns)
    columns[at] = (columns[at][0], pick(draw, TYPES))
    return project.with_source(replace(source, columns=tuple(columns)))


def _of_made(change: Callable[[Draw, Project, Made], Made]) -> Callable[[Draw, Project], Project]:
    def edit(draw: Draw, project: Project) -> Project:
        made = pick(draw, project.made)
        before = replace(project, made=project.made[: project.made.index(made)])
        return project.with_made(change(draw, before, made))

    return edit


def _redressed(draw: Draw, before: Project, made: Made) -> Made:
    dress = made.dress
    changed = {
        "alias": "u" if dress.alias == "t" else "t",
        "comment": "another" if dress.comment != "another" else "",
        "upper": not dress.upper,
        "parentheses": not dress.parentheses,
        "description": "told anew" if dress.description != "told anew" else "as before",
    }
    what = pick(draw, sorted(changed))
    return replace(made, dress=replace(dress, **{what: changed[what]}))


def _refiltered(draw: Draw, before: Project, made: Made) -> Made:
    return replace(made, filters=draw_filters(draw, made.dims))


def _reshaped(draw: Draw, before: Project, made: Made) -> Made:
    return replace(draw_made(draw, before, made.name), dims=made.dims, fails=0)


def _extra(draw: Draw, before: Project, made: Made) -> Made:
    return replace(made, extra=0 if made.extra == 8 or made.is_python else made.extra + 1)


def _remapped(draw: Draw, before: Project, made: Made) -> Made:
    return replace(made, mappings=draw_mappings(draw, before, made))


def _repartitioned(draw: Draw, before: Project, made: Made) -> Made:
    dims = draw_dims(draw)
    made = replace(made, dims=dims, filters=draw_filters(draw, dims))
    return replace(made, mappings=draw_mappings(draw, before, made))


def _restarted(draw: Draw, before: Project, made: Made) -> Made:
    dims = tuple(replace(dim, start=pick(draw, STARTS[dim.grain])) if dim.is_time else dim for dim in made.dims)
    return replace(made, dims=dims)


def _rekeyed(draw: Draw, before: Project, made: Made) -> Made:
    dims = tuple(dim if dim.is_time else replace(dim, keys=pick(draw, KEYS)) for dim in made.dims)
    return replace(made, dims=dims)


def _rematerialised(draw: Draw, before: Project, made: Made) -> Made:
    return replace(made, view=not made.view and not made.fails)


def _skipping(draw: Draw, project: Project) -> Project:
    if any(made.fails for made in project.made):
        return project
    made = pick(draw, project.made)
    return project.with_made(replace(made, skips=not made.skips))


def _failing(draw: Draw, project: Project) -> Project:
    """Make an asset fail, or all of them well again. Not where readers may skip what was never built."""
    if any(made.fails for made in project.made) or any(made.skips for made in project.made):
        return replace(project, made=tuple(replace(made, fails=0) for made in project.made))
    made = pick(draw, project.made)
    return project if made.view or made.shape in PYTHON else project.with_made(replace(made, fails=22))


def _later(draw: Draw, project: Project) -> Project:
    return replace(project, now=project.now + timedelta(days=int(str(draw(st.sampled_from((1, 1, 2, 4)))))))


EDITS: dict[str, Callable[[Draw, Project], Project]] = {
    "alter a value": _rows(_altered),
    "swap two values": _rows(_swapped),
    "move a row": _rows(_moved),
    "take a key away": _rows(_unkeyed),
    "add a row": _rows(_grown),
    "add duplicates": _rows(_doubled),
    "delete a row": _rows(_shrunk),
    "reorder rows": _rows(lambda draw, source: source.rows[::-1]),
    "change columns": _widened,
    "retype a column": _retyped,
    "write it otherwise": _of_made(_redressed),
    "edit a filter": _of_made(_refiltered),
    "write another query": _of_made(_reshaped),
    "edit an extra column": _of_made(_extra),
    "map otherwise": _of_made(_remapped),
    "partition otherwise": _of_made(_repartitioned),
    "move the start": _of_made(_restarted),
    "change the keys": _of_made(_rekeyed),
    "store it otherwise": _of_made(_rematerialised),
    "skip what is missing": _skipping,
    "make it fail": _failing,
    "move the clock": _later,
}
COSMETIC = ("reorder rows", "write it otherwise")
