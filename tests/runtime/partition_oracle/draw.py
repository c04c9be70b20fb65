"""Random projects with partitions, drawn so that hypothesis can shrink them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import strategies as st

from .model import Made, Project, Source
from .shapes import FILTERS, PARTED, PYTHON, SHAPES, TIMELY, TWO
from .spaces import Dim, How

Draw = Callable[[st.SearchStrategy], object]
NOW = (datetime(2024, 2, 1, 12, tzinfo=UTC), datetime(2024, 2, 4, 12, tzinfo=UTC))
DAYS = ("2024-01-29", "2024-01-30", "2024-01-31", "2024-02-01", "2024-01-20", None)
REGIONS = ("eu", "us", "uk", None)
NUMBERS = (1, 2, 3, 22, None)
TYPES = ("integer", "bigint")
STARTS = {
    "day": ("2024-01-29", "2024-01-30", "2024-01-31"),
    "week": ("2024-W04", "2024-W03"),
    "month": ("2024-01", "2023-12"),
}
KEYS = (("eu", "us"), ("us", "eu"), ("eu",), ("eu", "us", "uk"), ("uk", "us"))
KINDS = (
    (),
    (),
    ("day",),
    ("day",),
    ("day",),
    ("region",),
    ("day", "region"),
    ("week",),
    ("month",),
    ("week", "region"),
)


def draw_project(draw: Draw) -> Project:
    """Return a project of one or two sources and two to five assets in layers."""
    sources = tuple(draw_source(draw, f"r{n}") for n in range(int(str(draw(st.integers(1, 2))))))
    project = Project(sources, (), pick(draw, NOW))
    for n in range(int(str(draw(st.integers(2, 5))))):
        project = replace(project, made=(*project.made, draw_made(draw, project, f"m{n}")))
    return project


def pick(draw: Draw, choices: object) -> object | any:  # type: ignore[valid-type]
    """Return one of `choices`."""
    return draw(st.sampled_from(choices))  # type: ignore[arg-type]


def draw_source(draw: Draw, name: str) -> Source:
    """Return a source with some rows."""
    columns = (("day", "date"), ("region", "varchar"), ("a", pick(draw, TYPES)), ("b", pick(draw, TYPES)))
    if draw(st.booleans()):
        columns = (*columns, ("c", pick(draw, TYPES)))
    source = Source(name, columns, ())
    for _ in range(int(str(draw(st.integers(2, 6))))):
        source = replace(source, rows=(*source.rows, draw_row(draw, source)))
    return source


def draw_row(draw: Draw, source: Source) -> tuple[object, ...]:
    """Return a row for a source."""
    return (pick(draw, DAYS), pick(draw, REGIONS), *(pick(draw, NUMBERS) for _ in source.columns[2:]))


def draw_dims(draw: Draw) -> tuple[Dim, ...]:
    """Return dimensions: none, one, or two."""
    kinds = pick(draw, KINDS)
    return tuple(draw_dim(draw, kind) for kind in kinds)


def draw_dim(draw: Draw, kind: str) -> Dim:
    """Return a dimension of a kind."""
    return Dim(kind, "static", keys=pick(draw, KEYS)) if kind == "region" else Dim(kind, kind, pick(draw, STARTS[kind]))


def draw_made(draw: Draw, project: Project, name: str) -> Made:
    """Return an asset that reads what the project has so far."""
    known = [source.key for source in project.sources] + [made.key for made in project.made]
    recent = known[-3:]
    shape = pick(draw, SHAPES)
    upstreams = (pick(draw, recent), pick(draw, recent)) if shape in TWO else (pick(draw, recent),)
    dims = draw_dims(draw)
    made = Made(name, shape, upstreams, dims, skips=bool(draw(st.booleans())))
    made = replace(made, mappings=draw_mappings(draw, project, made), filters=draw_filters(draw, dims))
    if shape not in (*PYTHON, "star") and draw(st.integers(0, 4)) == 0:
        made = replace(made, extra=7)
    if not dims and shape not in PYTHON and draw(st.integers(0, 2)) == 0:
        made = replace(made, view=True)
    return repaired(project, made)


def draw_filters(draw: Draw, dims: tuple[Dim, ...]) -> tuple[tuple[str, ...], ...]:
    """Return the filters of both references; most of what has partitions asks for its own."""
    plain = [name for name in FILTERS if name not in PARTED]
    parted = [name for name in PARTED if fits(name, dims)]
    out: list[tuple[str, ...]] = []
    for _ in range(2):
        some: list[str] = []
        if parted and draw(st.integers(0, 3)):
            some.append(pick(draw, parted))
            if len(dims) > 1:
                some.append(pick(draw, parted))
        if draw(st.integers(0, 2)) == 0:
            some.append(pick(draw, plain))
        out.append(tuple(dict.fromkeys(some)))
    return tuple(out)


def fits(name: str, dims: tuple[Dim, ...]) -> bool:
    """Return whether a filter can be asked for by something with these dimensions."""
    if name not in PARTED:
        return True
    return any(dim.is_time == (name in TIMELY) for dim in dims)


def draw_mappings(draw: Draw, project: Project, made: Made) -> tuple[tuple[str, How], ...]:
    """Return mappings for some of the upstreams that have partitions."""
    found = []
    for upstream in dict.fromkeys(made.upstreams):
        hows = list(fitting(draw, made.dims, project.dims(upstream)))
        if hows and draw(st.integers(0, 4)):
            found.append((upstream, pick(draw, hows)))
    return tuple(found)


def fitting(draw: Draw, reader: tuple[Dim, ...], upstream: tuple[Dim, ...]) -> list[How]:
    """Return mappings that fit."""
    if not upstream:
        return []
    if not reader:
        return [How("all"), *[How("latest")] * (len(upstream) == 1 or any(dim.is_time for dim in upstream))]
    window = How("window", int(str(draw(st.integers(-1, 1)))), int(str(draw(st.integers(1, 3)))))
    both = [(mine, other) for mine in reader for other in upstream if mine.is_time == other.is_time]
    single = len(reader) == len(upstream) == 1
    tied = both if single else [(mine, other) for mine, other in both if mine.name == other.name]
    out = [How("all")]
    if tied:
        out += [How("identity")] * 2
    if any(mine.is_time for mine, _ in tied):
        out += [window] * 2
    if len(upstream) == 1 or any(dim.is_time for dim in upstream):
        out.append(How("latest"))
    for mine, other in both:
        inner = [How("identity"), How("all"), How("latest"), *([window] if mine.is_time else [])]
        if not mine.is_time:
            static = How(
                "static", pairs=tuple((key, tuple(pick(draw, [other.keys, other.keys[:1], ()]))) for key in mine.keys)
            )
            inner.append(static)
            out += [static] if single else []
        out.append(How("dimensions", dimensions=((mine.name, other.name, pick(draw, inner)),)))
    if len(both) > 1 and not single and len({m.name for m, _ in both}) == len(both) == len({o.name for _, o in both}):
        out.append(How("dimensions", dimensions=tuple((m.name, o.name, How("identity")) for m, o in both)))
    return out


def mended(project: Project) -> Project:
    """Return the project with every asset repaired after its upstreams changed."""
    whole = replace(project, made=())
    for made in project.made:
        whole = replace(whole, made=(*whole.made, repaired(whole, made)))
    return whole


def repaired(project: Project, made: Made) -> Made:
    """Return `made` as a sound declaration: with what its dimensions and its upstreams' allow."""
    if made.shape == "py_text" and len(made.dims) != 1:
        made = replace(made, shape="py_rows")
    if made.shape == "star" or made.is_python:
        made = replace(made, extra=0, fails=0)
    filters = tuple(tuple(name for name in names if fits(name, made.dims)) for names in made.filters)
    mappings = []
    for upstream, how in made.mappings:
        theirs = project.dims(upstream)
        if upstream in made.upstreams and theirs:
            mappings.append((upstream, how if _fits(how, made.dims, theirs) else How("all")))
    made = replace(
        made,
        filters=filters,
        mappings=tuple(mappings),
        view=made.view and not (made.dims or mappings or made.is_python),
    )
    early = any(_early(how, made.dims, project.dims(upstream)) for upstream, how in made.mappings)
    return replace(made, skips=bool(made.dims) and (made.skips or early))


def _fits(how: How, reader: tuple[Dim, ...], upstream: tuple[Dim, ...]) -> bool:
    both = [(mine, other) for mine in reader for other in upstream if mine.is_time == other.is_time]
    single = len(reader) == len(upstream) == 1
    tied = both if single else [(mine, other) for mine, other in both if mine.name == other.name]
    if how.kind == "identity":
        return bool(tied)
    if how.kind == "window":
        return any(mine.is_time for mine, _ in tied)
    if how.kind == "latest":
        return len(upstream) == 1 or any(dim.is_time for dim in upstream)
    if how.kind == "static":
        return single and bool(both) and not reader[0].is_time and _lists(how, reader[0], upstream[0])
    for name, to, inner in how.dimensions:
        pair = [(mine, other) for mine, other in both if mine.name == name and other.name == to]
        if not pair or (inner.kind == "window" and not pair[0][0].is_time):
            return False
        if inner.kind == "static" and (pair[0][0].is_time or not _lists(inner, *pair[0])):
            return False
    return True


def _lists(how: How, mine: Dim, other: Dim) -> bool:
    return {key for key, _ in how.pairs} == set(mine.keys) and all(
        set(keys) <= set(other.keys) for _, keys in how.pairs
    )


def _early(how: How, reader: tuple[Dim, ...], upstream: tuple[Dim, ...]) -> bool:
    """Return whether the first windows of the reader read from before the upstream's start."""
    pairs = [(m, o, how) for m in reader for o in upstream if m.name == o.name or len(reader) == len(upstream) == 1]
    if how.kind == "dimensions":
        pairs = [
            (m, o, inner)
            for n, to, inner in how.dimensions
            for m in reader
            for o in upstream
            if (m.name, o.name) == (n, to)
        ]
    for mine, other, inner in pairs:
        if mine.is_time and other.is_time and inner.kind in ("identity", "window"):
            offset, trailing = (inner.offset, inner.trailing) if inner.kind == "window" else (0, 1)
            if other.number(mine.bounds(mine.start)[0]) + offset - trailing + 1 < other.window(other.start):
                return True
    return False
