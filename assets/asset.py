"""What users declare, as plain frozen data: no front end, no engine, no state.

These values are built by the front ends (`sql_file`, `yaml_file`, `declare`) after validation, so code that
receives one may rely on it. Option values are scalars or tuples, never lists or dicts, so that every value here
is hashable and has one canonical encoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from headwater.assets.key import AssetKey

if TYPE_CHECKING:  # a project without partitions does not pay for them
    from headwater.assets.partitions import Dimensions, PartitionMapping

Scalar = str | int | float | bool | Decimal | date | datetime | None
OptionValue = Scalar | tuple["OptionValue", ...]
Options = tuple[tuple[str, OptionValue], ...]  # sorted by name


@dataclass(frozen=True, slots=True)
class Location:
    """Where a thing was declared. `file` is relative to the project; `line` counts from 1."""

    file: str
    line: int = 1


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """One declared check, as data. `kind` names an entry of the check library; `options` are its own arguments.

    `column` is set where the check was declared on a column. `warn_if` and `error_if` are threshold texts such as
    "> 10" or "> 0.1%".
    """

    kind: str
    column: str | None = None
    options: Options = ()
    name: str | None = None
    severity: str = "error"  # error | warn
    warn_if: str | None = None
    error_if: str | None = None
    where: str | None = None
    on_fail: str = "block"  # block | quarantine
    scope: str | None = None  # rows | table | partition; None: the kind's own
    description: str | None = None
    location: Location | None = field(default=None, compare=False)

    def option(self, name: str, default: OptionValue = None) -> OptionValue:
        """Return the option called `name`, or `default`."""
        return next((value for key, value in self.options if key == name), default)

    @property
    def label(self) -> str:
        """The name that results are reported under, such as `unique(day, region)`; unique enough to read."""
        if self.name:
            return self.name
        if self.column:
            return f"{self.kind}({self.column})"
        columns = self.option("columns")
        if isinstance(columns, tuple):
            return f"{self.kind}({', '.join(map(str, columns))})"
        return self.kind


@dataclass(frozen=True, slots=True)
class Column:
    """A declared column. `type` is an engine type as written, or None where it is not part of the contract.

    `tags` are the column's own; they go on to the columns made from it. `anonymises` are tags that end here: what
    comes in with them goes out without.
    """

    name: str
    type: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    location: Location | None = field(default=None, compare=False)
    anonymises: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Freshness:
    """A promise about the age of the source data inside an asset. `by` is a five-field cron deadline."""

    max_lag_seconds: int | None = None
    by: str | None = None
    timezone: str | None = None
    holidays: str | None = None


@dataclass(frozen=True, slots=True)
class Materialization:
    """How an asset is stored. `format` (csv, parquet, json) and `path` (relative to the project) are for files."""

    kind: str = "table"  # table | partitioned | view | file
    format: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where an external asset comes from: a file (one format, one path, which has a `{place}` for each key where the
    asset has partitions), a table that something else writes, or,
    with neither, a function of the user's that returns the data (`Asset.python`).

    `data_time` names the column whose maximum is the data time. `options` are reader options such as `delimiter`.
    `observe` says that the user gave a second, cheap function, which returns a version token of the data.
    """

    file: str | None = None
    format: str | None = None  # csv | parquet | json
    table: str | None = None
    data_time: str | None = None
    options: Options = ()
    observe: bool = False


@dataclass(frozen=True, slots=True)
class PythonCode:
    """The function behind a Python asset: its qualified name and first line, and the file whose import declares it.

    `module_file` is relative to the project, as is `defined_in`, the file with the function's code where that is
    another one. `inputs` maps parameter names to upstream keys; `context_parameter` is the parameter that takes the
    Context. `bound` holds what the function was given when it was made (closure cells, defaults, arguments of a
    partial) by name, as plain data; `functions` are the project functions and classes among it, as (file, qualified
    name, line); `opaque` names the rest, of which nobody can tell whether it changed.
    """

    module_file: str
    qualname: str
    line: int = 1
    inputs: tuple[tuple[str, AssetKey], ...] = ()
    context_parameter: str | None = None
    defined_in: str | None = None
    bound: Options = ()
    functions: tuple[tuple[str, str, int], ...] = ()
    opaque: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asset:
    """One declared asset: exactly one of `sql`, `python` and `source` is set, but for an external whose data a function
    returns: it has `source` and `python`.

    `deps` is None where the user declared none. `sql_line` is the file line on which `sql` starts, so that a
    position in the SQL can be shown as a position in the file; `lines` has those of the fields.
    """

    key: AssetKey
    location: Location
    sql: str | None = None
    sql_line: int = 1
    python: PythonCode | None = None
    source: Source | None = None
    dialect: str = "duckdb"
    materialization: Materialization = Materialization()
    deps: tuple[AssetKey, ...] | None = None
    columns: tuple[Column, ...] = ()
    checks: tuple[CheckSpec, ...] = ()
    description: str | None = None
    owner: str | None = None
    tags: tuple[str, ...] = ()
    group: str | None = None
    freshness: Freshness | None = None
    regulated: bool = False
    clock: str = "day"  # grain of clock functions: hour | day | week | month | year
    volatile: bool | None = None  # None: as the analysis says
    ignore_versions: bool = False
    version: str | None = None
    on_upstream_blocked: str = "hold"  # hold | use_last_good
    meta: Options = ()
    renamed_from: tuple[AssetKey, ...] = ()  # what it was called before; its history is theirs
    # What the author of a Python asset says: column to the (input, column) that its values come from.
    lineage: tuple[tuple[str, tuple[tuple[AssetKey, str], ...]], ...] = ()
    partitions: Dimensions = ()  # by name; none for an unpartitioned asset
    mappings: tuple[tuple[AssetKey, PartitionMapping], ...] = ()  # upstream to what its partitions read of it
    missing_partitions: str = "wait"  # wait | skip: what a partition does for upstream partitions that are not there
    null_partition: str = "fail"  # fail | drop: what becomes of rows that have NULL for a key
    lines: tuple[tuple[str, int], ...] = field(default=(), compare=False, repr=False)  # of the fields as written

    @property
    def is_external(self) -> bool:
        """True for data that Headwater observes but does not build."""
        return self.source is not None

    @property
    def is_read_by_code(self) -> bool:
        """True for an external whose data a function of the user's returns."""
        return self.source is not None and self.python is not None

    @property
    def in_parts(self) -> bool:
        """True where it is built in parts, or reads parts: an asset without partitions of its own may map some."""
        return bool(self.partitions or self.mappings)

    @property
    def kind(self) -> str:
        """One word for people and selectors: table, partitioned, view, file, or external."""
        return "external" if self.is_external else self.materialization.kind

    def mapping_of(self, upstream: AssetKey) -> PartitionMapping | None:
        """Return the mapping that is declared for an upstream, or None."""
        return next((mapping for key, mapping in self.mappings if key == upstream), None)

    def line_of(self, name: str) -> int:
        """Return the file line on which the field `name` was written, or that of the asset."""
        return dict(self.lines).get(name, self.location.line)

    def declared_types(self) -> Iterator[tuple[str, str]]:
        """Yield (column, type) for the columns whose type is part of the contract."""
        return ((column.name, column.type) for column in self.columns if column.type is not None)
