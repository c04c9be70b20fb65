"""A made-up project with partitions as a value: sources, assets, mappings, the clock, and the files that say so.

Whatever is edited gives another value. The SQL of each asset and what each of its references sees are known by
construction (`shapes`), so that nobody asks Headwater what it should have done.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime

from .shapes import PYTHON, Dress, Text, body, query
from .spaces import Dim, How

Row = tuple[object, ...]
BASE = ("day", "region", "a", "b")  # every source and every asset has these


@dataclass(frozen=True)
class Source:
    """`raw.NAME`, a CSV file."""

    name: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]

    @property
    def key(self) -> str:
        """Its asset key."""
        return f"raw.{self.name}"


@dataclass(frozen=True)
class Made:
    """`s.NAME`: `filters` stand on its references, by the names in `shapes.FILTERS`."""

    name: str
    shape: str
    upstreams: tuple[str, ...]
    dims: tuple[Dim, ...] = ()
    mappings: tuple[tuple[str, How], ...] = ()
    filters: tuple[tuple[str, ...], ...] = ((), ())
    skips: bool = False  # missing_partitions: skip
    view: bool = False
    extra: int = 0  # a column that few read
    fails: int = 0  # a value of `a` that makes it fail
    dress: Dress = field(default_factory=Dress)

    @property
    def key(self) -> str:
        """Its asset key."""
        return f"s.{self.name}"

    @property
    def is_python(self) -> bool:
        """Whether it is a function."""
        return self.shape in PYTHON

    @property
    def definition(self) -> Made:
        """What of it is definition: neither how it is written nor which partitions there are."""
        dims = tuple(replace(dim, start="", keys=()) for dim in self.dims)
        return replace(self, dims=dims, dress=Dress(), skips=False)

    def mapping(self, upstream: str) -> How | None:
        """Return how an upstream is mapped."""
        return dict(self.mappings).get(upstream)

    def query(self, text: Text) -> str:
        """Return its query, with the names and values that `text` gives to tables and parameters."""
        return query(self.shape, self.upstreams, self.filters, self.dims, self.extra, self.fails, text)

    def file(self) -> str:
        """Return its file."""
        fields: dict[str, object] = {}
        if self.dress.description:
            fields["description"] = self.dress.description
        if self.dims:
            fields["partitions"] = {dim.name: dim.declared for dim in self.dims}
            fields["null_partition"] = "drop"
        if self.mappings:
            fields["mappings"] = {upstream: how.declared for upstream, how in self.mappings}
        if self.skips and self.dims:
            fields["missing_partitions"] = "skip"
        if self.view:
            fields["materialization"] = "view"
        if not self.is_python:
            head = f"/* @asset\n{json.dumps(fields)}\n*/\n" if fields else ""
            return head + self.query(Text.written(self.dress)) + "\n"
        inputs = {"t": self.upstreams[0]}
        listed = "".join(f", {name}={value!r}" for name, value in fields.items())
        note = f"    # {self.dress.comment}\n" if self.dress.comment else ""
        code = body(self.shape, self.upstreams[0], self.dims)
        return (
            f'import headwater as hw\n\n\n@hw.asset("{self.key}", inputs={inputs!r}{listed})\n'
            f"def {self.name}(t, context):\n{note}{code}"
        )


@dataclass(frozen=True)
class Project:
    """A whole project at a time; assets stand behind what they read."""

    sources: tuple[Source, ...]
    made: tuple[Made, ...]
    now: datetime

    def dims(self, key: str) -> tuple[Dim, ...]:
        """Return the dimensions of an asset, or none."""
        return next((made.dims for made in self.made if made.key == key), ())

    def with_source(self, source: Source) -> Project:
        """Return the project with the source of that name replaced."""
        return replace(self, sources=tuple(source if s.name == source.name else s for s in self.sources))

    def with_made(self, made: Made) -> Project:
        """Return the project with the asset of that name replaced."""
        return replace(self, made=tuple(made if m.name == made.name else m for m in self.made))

    def files(self) -> dict[str, str]:
        """Return every file of the project, by path."""
        files = {"headwater.toml": '[project]\nname = "p"\n\n[environments.dev]\nsuffix = "__dev"\n'}
        for source in self.sources:
            columns = ", ".join(f"{name}: {kind}" for name, kind in source.columns)
            files[f"assets/{source.name}.yaml"] = (
                f"external:\n  {source.key}:\n    file: data/{source.name}.csv\n    columns: {{{columns}}}\n"
            )
            lines = [",".join(name for name, _ in source.columns)]
            lines += [",".join("" if value is None else str(value) for value in row) for row in source.rows]
            files[f"data/{source.name}.csv"] = "\n".join(lines) + "\n"
        for made in self.made:
            files[f"assets/s/{made.name}.{'py' if made.is_python else 'sql'}"] = made.file()
        return files
