"""Random projects and random edits, drawn so that hypothesis can shrink them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from .project import PYTHON, SHAPES, TWO_INPUTS, Made, Project, Source
from .truth import Types, truth

POOL = ("a", "b", "c", "d", "e")
TYPES = ("integer", "varchar", "bigint")
KINDS = ("table", "view", "view", "parquet", "csv")
CHECKS = ("none", "unique", "not_null", "row_count", "expression", "foreign", "foreign", "relationship")
NUMBERS: tuple[object, ...] = (1, 2, 3, 22, None)
Draw = Callable[[st.SearchStrategy], object]


@dataclass(frozen=True)
class Edit:
    """What an edit made of the project: which assets it edited itself, and whether all of it is cosmetic."""

    name: str
    project: Project
    edited: frozenset[str] = frozenset()
    cosmetic: bool = False


def draw_project(draw: Draw) -> Project:
    """Return a project of one to three sources and two to six assets in layers."""
    sources = tuple(_source(draw, f"r{n}") for n in range(draw(st.integers(1, 3))))
    project = Project(sources, ())
    for n in range(draw(st.integers(2, 6))):
        project = replace(project, made=(*project.made, draw_made(draw, project, f"m{n}")))
    return _rechecked(draw, project, "").project if draw(st.booleans()) else project


def draw_gated_project(draw: Draw) -> Project:
    """Return a small project whose assets have checks, most of which look at another table."""
    columns = (("a", "integer"), ("b", "integer"))
    few = st.sampled_from((1, 1, 2))  # so that references are found more often than not
    rows = [tuple((draw(few), draw(few)) for _ in range(draw(st.integers(1, 3)))) for _ in range(2)]  # type: ignore[arg-type]
    sources = tuple(Source(f"r{n}", "csv", columns, rows[n]) for n in range(2))
    project = Project(sources, ())
    for n in range(draw(st.integers(1, 3))):
        made = replace(draw_made(draw, project, f"m{n}"), kind="table")
        project = replace(project, made=(*project.made, made))
        others = [f"raw.{s.name}" for s in sources if f"raw.{s.name}" not in made.upstreams]
        given = truth(project)[made.key].columns
        if others and draw(st.integers(0, 3)):
            check = ("foreign", _column(draw, given), f"{others[0]}.{draw(st.sampled_from('ab'))}", 0)
            project = mended(project.with_made(replace(made, checks=(check,))))[0]
        else:
            project = _checked(draw, project, made)
    return project


def draw_made(draw: Draw, project: Project, name: str) -> Made:
    """Return an asset that reads what the project has so far."""
    known = truth(project)
    shape = str(draw(st.sampled_from(SHAPES)))
    recent = list(known)[-4:]
    first = str(draw(st.sampled_from(recent)))
    upstreams = (first, str(draw(st.sampled_from(recent)))) if shape in TWO_INPUTS else (first,)
    kind = "table" if shape in PYTHON else _kind(draw, project, upstreams)
    picks = (_column(draw, known[first].columns), _column(draw, known[first].columns))
    others = ("", "")
    if shape in TWO_INPUTS:
        others = (_column(draw, known[upstreams[1]].columns), _column(draw, known[upstreams[1]].columns))
    names = draw(st.sampled_from([(a, b) for a in POOL for b in POOL if a != b]))
    extras = (("x", 7),) if shape not in (*PYTHON, "union") and draw(st.booleans()) else ()
    made = Made(name, shape, upstreams, picks, others, names, draw(st.integers(0, 2)), kind, extras)  # type: ignore[arg-type]
    return repaired(made, known)


def repaired(made: Made, known: dict) -> Made:
    """Return `made` reading only columns that are there, and naming each of its own but once."""
    first, last = known[made.upstreams[0]].columns, known[made.upstreams[-1]].columns
    names = [name for name, _ in first]
    picks = tuple(name if name in names else names[0] for name in made.picks)
    there = [name for name, _ in last]
    others = tuple(name if name in there else there[0] for name in made.others) if made.others[0] else made.others
    extras = tuple(e for e in made.extras if made.shape not in ("star", "columns") or e[0] not in names)
    return replace(made, picks=picks, others=others, extras=extras)


def mended(project: Project) -> tuple[Project, frozenset[str]]:
    """Return the project with every asset repaired after its upstreams changed, and the keys of those that were."""
    whole = replace(project, made=())
    changed: set[str] = set()
    for made in project.made:
        found = repaired(made, truth(whole))
        checked = replace(whole, made=(*whole.made, replace(found, checks=())))
        found = replace(found, checks=tuple(c for c in found.checks if _sound(c, found.key, truth(checked))))
        if replace(found, checks=()) != replace(made, checks=()):
            changed.add(found.key)
        whole = replace(whole, made=(*whole.made, found))
    return whole, frozenset(changed)


def _sound(check: tuple[str, str, str, int], key: str, known: dict) -> bool:
    own = dict(known[key].columns)
    asset, _, there = check[2].rpartition(".")
    if check[0] != "row_count" and check[1] not in own:
        return False
    if asset and (asset not in known or there not in dict(known[asset].columns)):
        return False
    return check[0] != "relationship" or own[check[1]] == dict(known[asset].columns)[there]


def draw_edit(draw: Draw, project: Project, names: tuple[str, ...]) -> Edit:
    """Return an edit of `project`, one of those in `names`."""
    name = str(draw(st.sampled_from(names)))
    return EDITS[name](draw, project, name)


def _source(draw: Draw, name: str) -> Source:
    columns = tuple((column, str(draw(st.sampled_from(TYPES)))) for column in POOL[: draw(st.integers(2, 3))])
    form = str(draw(st.sampled_from(("csv", "csv", "json", "parquet", "table"))))
    rows = tuple(_row(draw, columns) for _ in range(draw(st.integers(_fewest(form), 4))))
    return Source(name, form, columns, rows)


def _fewest(form: str) -> int:
    return 1 if form == "json" else 0  # an empty JSON array has no columns


def _row(draw: Draw, columns: Types) -> tuple[object, ...]:
    return tuple(draw(st.sampled_from(NUMBERS)) for _ in columns)


def _column(draw: Draw, columns: Types) -> str:
    return str(draw(st.sampled_from([name for name, _ in columns])))


def _pick_source(draw: Draw, project: Project) -> Source:
    return draw(st.sampled_from(project.sources))  # type: ignore[return-value]


def _of_source(change: Callable[[Draw, Source], Source]) -> Callable[[Draw, Project, str], Edit]:
    def edit(draw: Draw, project: Project, name: str) -> Edit:
        source = change(draw, _pick_source(draw, project))
        after, adapted = mended(project.with_source(source))
        return Edit(name, after, adapted)

    return edit


def _altered(draw: Draw, source: Source) -> Source:
    if not source.rows:
        return _grown(draw, source)
    at, column = draw(st.integers(0, len(source.rows) - 1)), draw(st.integers(0, len(source.columns) - 1))
    row = list(source.rows[at])
    row[column] = draw(st.sampled_from(NUMBERS))
    return replace(source, rows=(*source.rows[:at], tuple(row), *source.rows[at + 1 :]))


def _swapped(draw: Draw, source: Source) -> Source:
    if len(source.rows) < 2:
        return _grown(draw, source)
    column = draw(st.integers(0, len(source.columns) - 1))
    first, second = list(source.rows[0]), list(source.rows[1])
    first[column], second[column] = second[column], first[column]
    return replace(source, rows=(tuple(first), tuple(second), *source.rows[2:]))


def _grown(draw: Draw, source: Source) -> Source:
    return replace(source, rows=(*source.rows, _row(draw, source.columns)))


def _doubled(draw: Draw, source: Source) -> Source:
    return replace(source, rows=(*source.rows, *source.rows[-1:], *source.rows[-1:]))


def _shrunk(draw: Draw, source: Source) -> Source:
    return replace(source, rows=source.rows[1:]) if len(source.rows) > _fewest(source.form) else _grown(draw, source)


def _reordered(draw: Draw, source: Source) -> Source:
    return replace(source, rows=source.rows[::-1])


def _widened(draw: Draw, source: Source) -> Source:
    free = [name for name in POOL if name not in dict(source.columns)]
    if not free:
        return _narrowed(draw, source)
    column = (str(draw(st.sampled_from(free))), str(draw(st.sampled_from(TYPES))))
    at = draw(st.integers(0, len(source.columns)))
    rows = tuple((*row[:at], draw(st.sampled_from(NUMBERS)), *row[at:]) for row in source.rows)
    return replace(source, columns=(*source.columns[:at], column, *source.columns[at:]), rows=rows)


def _narrowed(draw: Draw, source: Source) -> Source:
    if len(source.columns) < 3:  # a row of one NULL is an empty line in CSV
        return _altered(draw, source)
    at = draw(st.integers(0, len(source.columns) - 1))
    columns = source.columns[:at] + source.columns[at + 1 :]
    return replace(source, columns=columns, rows=tuple(row[:at] + row[at + 1 :] for row in source.rows))


def _renamed(draw: Draw, source: Source) -> Source:
    free = [name for name in POOL if name not in dict(source.columns)]
    at = draw(st.integers(0, len(source.columns) - 1))
    if not free:
        return source
    columns = list(source.columns)
    columns[at] = (str(draw(st.sampled_from(free))), columns[at][1])
    return replace(source, columns=tuple(columns))


def _retyped(draw: Draw, source: Source) -> Source:
    at = draw(st.integers(0, len(source.columns) - 1))
    columns = list(source.columns)
    columns[at] = (columns[at][0], str(draw(st.sampled_from(TYPES))))
    return replace(source, columns=tuple(columns))


def _of_made(
    change: Callable[[Draw, Project, Made], Made], *, cosmetic: bool = False
) -> Callable[[Draw, Project, str], Edit]:
    def edit(draw: Draw, project: Project, name: str) -> Edit:
        made: Made = draw(st.sampled_from(project.made))  # type: ignore[assignment]
        changed = change(draw, project, made)
        after, adapted = mended(project.with_made(changed))
        edited = adapted if cosmetic or changed == made else adapted | {made.key}
        return Edit(name, after, edited, cosmetic)

    return edit


def _redressed(draw: Draw, project: Project, made: Made) -> Made:
    what = draw(st.sampled_from(("alias", "cte", "comment", "upper", "wide", "parentheses", "description")))
    dress = made.dress
    values = {
        "alias": "t" if dress.alias != "t" or made.shape in ("row", "columns") else "u",
        "cte": "chosen" if dress.cte == "c" else "c",
        "comment": "another" if dress.comment != "another" else "",
        "upper": not dress.upper,
        "wide": not dress.wide,
        "parentheses": not dress.parentheses,
        "description": "told anew" if dress.description != "told anew" else "as before",
    }
    return replace(made, dress=replace(dress, **{str(what): values[str(what)]}))


def _extra(draw: Draw, project: Project, made: Made) -> Made:
    """Add, change or drop an output column that few read."""
    if made.shape in (*PYTHON, "union"):
        return made
    extras = draw(st.sampled_from(((), (("x", 7),), (("x", 8),), (("x", 7), ("y", 1)), (("y", 1), ("x", 7)))))
    return replace(made, extras=extras)  # type: ignore[arg-type]


def _reconstant(draw: Draw, project: Project, made: Made) -> Made:
    return replace(made, constant=draw(st.integers(0, 3)))  # type: ignore[arg-type]


def _reshaped(draw: Draw, project: Project, made: Made) -> Made:
    before = replace(project, made=project.made[: project.made.index(made)])
    return replace(draw_made(draw, before, made.name), checks=made.checks)


def _repicked(draw: Draw, project: Project, made: Made) -> Made:
    columns = truth(project)[made.upstreams[0]].columns
    return replace(made, picks=(_column(draw, columns), _column(draw, columns)))


def _rematerialised(draw: Draw, project: Project, made: Made) -> Made:
    return made if made.is_python else replace(made, kind=_kind(draw, project, made.upstreams))


def _kind(draw: Draw, project: Project, upstreams: tuple[str, ...]) -> str:
    """Return how an asset is stored; a view over a table that something else writes is refused."""
    foreign = any(source.form == "table" and f"raw.{source.name}" in upstreams for source in project.sources)
    return str(draw(st.sampled_from([kind for kind in ("table", "table", *KINDS) if not (foreign and kind == "view")])))


def _rechecked(draw: Draw, project: Project, name: str) -> Edit:
    made: Made = draw(st.sampled_from(project.made))  # type: ignore[assignment]
    return Edit(name, _checked(draw, project, made))


def _checked(draw: Draw, project: Project, made: Made) -> Project:
    """Return the project with another check, or none, on one of its assets."""
    check = str(draw(st.sampled_from(CHECKS)))
    known = truth(project)
    other = ""
    if check in ("foreign", "relationship"):
        sources = [f"raw.{s.name}" for s in project.sources]  # twice: their values are such as are in most tables
        asset = str(draw(st.sampled_from([*sources, *sources, *(m.key for m in project.made if m.name < made.name)])))
        other = f"{asset}.{_column(draw, known[asset].columns)}"
    one = (check, _column(draw, known[made.key].columns), other, draw(st.integers(0, 3)))
    checks = () if check == "none" or (check == "relationship" and made.is_python) else (one,)
    after, _ = mended(project.with_made(replace(made, checks=checks)))  # type: ignore[arg-type]
    return after


def _revalued(draw: Draw, project: Project, name: str) -> Edit:
    after = replace(project, step=draw(st.integers(1, 3)))  # type: ignore[arg-type]
    users = frozenset(made.key for made in project.made if made.shape == "var")
    return Edit(name, after, users if after != project else frozenset(), cosmetic=not users)


def _unused_variable(draw: Draw, project: Project, name: str) -> Edit:
    return Edit(name, replace(project, unused=project.unused + 1), cosmetic=True)


EDITS: dict[str, Callable[[Draw, Project, str], Edit]] = {
    "alter a value": _of_source(_altered),
    "swap two values": _of_source(_swapped),
    "add a row": _of_source(_grown),
    "add duplicates": _of_source(_doubled),
    "delete a row": _of_source(_shrunk),
    "reorder rows": _of_source(_reordered),
    "add a column": _of_source(_widened),
    "drop a column": _of_source(_narrowed),
    "rename a column": _of_source(_renamed),
    "retype a column": _of_source(_retyped),
    "write it otherwise": _of_made(_redressed, cosmetic=True),
    "edit an extra column": _of_made(_extra),
    "edit a constant": _of_made(_reconstant),
    "write another query": _of_made(_reshaped),
    "read other columns": _of_made(_repicked),
    "store it otherwise": _of_made(_rematerialised),
    "edit a check": _rechecked,
    "change a variable": _revalued,
    "change an unused variable": _unused_variable,
}

ALL_EDITS = tuple(sorted(EDITS))
GATE_EDITS = ("alter a value", "add a row", "delete a row", "swap two values", "edit a check")
