"""The fields that a user may write about an asset, validated into plain `Asset` data.

All front ends (SQL comment, YAML, Python decorator) end here, so that a field means the same wherever it stands.
Importing this module imports pydantic: the warm path takes assets from the cache and never comes here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, ValidationError

from headwater.assets.asset import (
    Asset,
    CheckSpec,
    Column,
    Freshness,
    Location,
    Materialization,
    Options,
    OptionValue,
    PythonCode,
    Source,
)
from headwater.assets.errors import Problem, RequestError
from headwater.assets.key import AssetKey
from headwater.assets.yaml_text import Path

ParseChecks = Callable[[object, str | None, Location], tuple[tuple[CheckSpec, ...], tuple[Problem, ...]]]
LineOf = Callable[[Path], int]
Model = TypeVar("Model", bound=BaseModel)

# Fields that INTERFACES names and that this version does not have yet: refused by name, never ignored.
NOT_YET = frozenset(
    [
        "renamed_from",
        "partitions",
        "mappings",
        "missing_partitions",
        "retry",
        "timeout",
        "pool",
        "publish_group",
        "automation",
    ]
)
_DURATION = re.compile(r"(\d+)\s*(s|m|h|d|w)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_FILE_FORMATS = ("csv", "parquet", "json")


def _text_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list | tuple) else value


def _duration(value: object) -> object:
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0:
        raise ValueError("is not a duration such as 30m, 24h or 7d")
    return int(match[1]) * _SECONDS[match[2]]


Texts = Annotated[tuple[str, ...], BeforeValidator(_text_tuple)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _ColumnFields(_Strict):
    type: str | None = None
    description: str | None = None
    tags: Texts = ()
    checks: list[object] | None = None


class _FreshnessFields(_Strict):
    max_lag: Annotated[int, BeforeValidator(_duration)] | None = None
    by: str | None = None
    timezone: str | None = None
    holidays: str | None = None


class _MaterializationFields(_Strict):
    kind: Literal["table", "view", "file"]
    format: Literal["csv", "parquet", "json"] | None = None
    path: str | None = None


def _column(value: object) -> object:
    return {} if value is None else {"type": value} if isinstance(value, str) else value


def _materialization(value: object) -> object:
    return {"kind": value} if isinstance(value, str) else value


ColumnFields = Annotated[_ColumnFields, BeforeValidator(_column)]


class _Common(_Strict):
    description: str | None = None
    owner: str | None = None
    tags: Texts = ()
    group: str | None = None
    freshness: _FreshnessFields | None = None
    columns: dict[str, ColumnFields] = Field(default_factory=dict)
    checks: list[object] = Field(default_factory=list)
    regulated: StrictBool = False
    meta: dict[str, object] = Field(default_factory=dict)


class AssetFields(_Common):
    """What may be written about an asset that is built."""

    key: str | None = None
    deps: Texts | None = None
    materialization: Annotated[_MaterializationFields, BeforeValidator(_materialization)] = _MaterializationFields(
        kind="table"
    )
    clock: Literal["hour", "day", "week", "month", "quarter", "year"] = "day"
    volatile: StrictBool | None = None
    ignore_versions: StrictBool = False
    version: str | None = None
    dialect: str | None = None
    on_upstream_blocked: Literal["hold", "use_last_good"] = "hold"


class ExternalFields(_Common):
    """What may be written about an asset that is observed, not built."""

    file: str | None = None
    table: str | None = None
    data_time: str | None = None
    format: Literal["csv", "parquet", "json"] | None = None
    delimiter: str | None = None
    header: StrictBool | None = None
    null_values: Texts = ()


@dataclass(frozen=True, slots=True)
class Declaring:
    """What a front end knows while it declares: where it is, how to parse checks, the project's defaults."""

    location: Location
    line_of: LineOf
    parse_checks: ParseChecks
    defaults: Mapping[str, object]

    def problem(self, path: Path, message: str, remedy: str = "", asset: str | None = None) -> Problem:
        """Return a Problem placed at the line where `path` was written."""
        return Problem(self.location.file, self.line_of(path), message, remedy, asset)


@dataclass(frozen=True, slots=True)
class Body:
    """What an asset is made from; exactly one of `sql` and `python` is set."""

    sql: str | None = None
    sql_line: int = 1
    python: PythonCode | None = None


def declare_asset(
    fields: Mapping[str, object], default_key: str | None, body: Body, at: Declaring, dialect: str
) -> tuple[Asset | None, tuple[Problem, ...]]:
    """Validate `fields` into an Asset. Returns None with the problems where it cannot be one."""
    allowed_defaults = {name: value for name, value in at.defaults.items() if name not in fields}
    model, problems = _validate(AssetFields, {**allowed_defaults, **fields}, at, default_key)
    if model is None:
        return None, problems
    key, key_problems = _key(model.key or default_key, at, ("key",))
    materialization, place_problems = _placed(model.materialization, key, at)
    deps: list[AssetKey] = []
    for index, text in enumerate(model.deps or ()):
        dep, dep_problems = _key(text, at, ("deps", index))
        deps += [dep] if dep else []
        key_problems += dep_problems
    if key is None:
        return None, key_problems + place_problems
    common, common_problems = _common(model, key, at)
    asset = replace(
        common,
        sql=body.sql,
        sql_line=body.sql_line,
        python=body.python,
        dialect=model.dialect or dialect,
        materialization=materialization,
        deps=None if model.deps is None else tuple(deps),
        clock=model.clock,
        volatile=model.volatile,
        ignore_versions=model.ignore_versions,
        version=model.version,
        on_upstream_blocked=model.on_upstream_blocked,
    )
    return asset, key_problems + place_problems + common_problems


def declare_external(
    key_text: str, fields: Mapping[str, object], at: Declaring, path: Path
) -> tuple[Asset | None, tuple[Problem, ...]]:
    """Validate the fields of an external into an Asset. Returns None with the problems where it cannot be one."""
    below = replace(at, line_of=lambda inner: at.line_of((*path, *inner)))
    common_defaults = {
        name: value for name, value in at.defaults.items() if name in _Common.model_fields and name not in fields
    }
    model, problems = _validate(ExternalFields, {**common_defaults, **fields}, below, key_text)
    key, key_problems = _key(key_text, at, path)
    if model is None or key is None:
        return None, problems + key_problems
    if (model.file is None) == (model.table is None):
        wrong = below.problem((), f"{key} needs either `file` or `table`.", "Give one of the two.", key)
        return None, (wrong,)
    source, source_problems = _source(model, key, below)
    common, common_problems = _common(model, key, below)
    return replace(common, source=source), source_problems + common_problems


def _validate(
    model: type[Model], fields: Mapping[str, object], at: Declaring, asset: str | None
) -> tuple[Model | None, tuple[Problem, ...]]:
    try:
        return model.model_validate(dict(fields)), ()
    except ValidationError as error:
        return None, tuple(
            _explain(model, item["loc"], item["type"], item["msg"], at, asset) for item in error.errors()
        )


def _explain(
    model: type[BaseModel], loc: tuple[str | int, ...], kind: str, text: str, at: Declaring, asset: str | None
) -> Problem:
    name = str(loc[-1]) if loc else ""
    where = ".".join(str(part) for part in loc)
    if kind == "extra_forbidden":
        if len(loc) == 1 and name in NOT_YET:
            return at.problem(loc, f"`{name}` is not available in this version of Headwater.", "Remove it.", asset)
        known = _known_names(model, loc[:-1])
        close = difflib.get_close_matches(name, known, n=1)
        remedy = f"Did you mean `{close[0]}`?" if close else f"Known here: {', '.join(sorted(known))}."
        return at.problem(loc, f"unknown key `{where}`.", remedy, asset)
    message = text.removeprefix("Value error, ")
    message = message[0].lower() + message[1:] if message else "is not valid"
    return at.problem(loc, f"`{where}`: {message}.", "", asset)


def _known_names(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    nested: dict[str, type[BaseModel]] = {
        "columns": _ColumnFields,
        "freshness": _FreshnessFields,
        "materialization": _MaterializationFields,
    }
    found = nested.get(str(path[0])) if path else None
    return list((found or model).model_fields)


def _key(text: str | None, at: Declaring, path: Path) -> tuple[AssetKey | None, tuple[Problem, ...]]:
    try:
        return AssetKey.parse(text or ""), ()
    except RequestError as error:
        return None, (at.problem(path, error.message, error.remedy),)


def _common(model: _Common, key: AssetKey, at: Declaring) -> tuple[Asset, tuple[Problem, ...]]:
    here = replace(at.location, line=at.line_of(("checks",)))
    ready = tuple(replace(check, location=here) for check in model.checks if isinstance(check, CheckSpec))
    raw = [check for check in model.checks if not isinstance(check, CheckSpec)]
    checks, problems = at.parse_checks(raw, None, here)
    checks = ready + checks
    for name, column in model.columns.items():
        place = replace(at.location, line=at.line_of(("columns", name, "checks")))
        more, column_problems = at.parse_checks(column.checks or [], name, place)
        checks, problems = checks + more, problems + column_problems
    asset = Asset(
        key=key,
        location=at.location,
        columns=tuple(Column(n, c.type, c.description, c.tags) for n, c in model.columns.items()),
        checks=checks,
        description=model.description,
        owner=model.owner,
        tags=model.tags,
        group=model.group,
        freshness=None
        if model.freshness is None
        else Freshness(model.freshness.max_lag, model.freshness.by, model.freshness.timezone, model.freshness.holidays),
        regulated=model.regulated,
        meta=freeze_options(model.meta),
    )
    return asset, tuple(replace(problem, asset=problem.asset or key) for problem in problems)


def _placed(
    fields: _MaterializationFields, key: AssetKey | None, at: Declaring
) -> tuple[Materialization, tuple[Problem, ...]]:
    """A file needs a path inside the project; its format follows from the path's ending where it is not given."""
    where: Path = ("materialization",)
    if fields.kind != "file":
        if fields.path is None and fields.format is None:
            return Materialization(fields.kind), ()
        wrong = at.problem(where, f"`path` and `format` go with kind `file`, not `{fields.kind}`.", "Remove them.", key)
        return Materialization(fields.kind), (wrong,)
    ending = (fields.path or "").rsplit(".", 1)[-1].lower()
    format_ = fields.format or (ending if ending in _FILE_FORMATS else None)
    problems = []
    if not fields.path:
        problems.append(at.problem(where, "a file asset needs `path`.", "Say for example path: reports/x.csv.", key))
    elif fields.path.startswith(("/", "~")) or ".." in fields.path.split("/"):
        problems.append(at.problem(where, f"the path {fields.path!r} leaves the project.", "Use one inside it.", key))
    elif format_ is None:
        problems.append(
            at.problem(where, f"the format of {fields.path!r} is unknown.", "Add format: csv, parquet or json.", key)
        )
    return Materialization("file", format_, fields.path), tuple(problems)


def _source(model: ExternalFields, key: AssetKey, at: Declaring) -> tuple[Source, tuple[Problem, ...]]:
    options: dict[str, object] = {}
    for name in ("delimiter", "header", "null_values"):
        if name in model.model_fields_set:
            options[name] = getattr(model, name)
    if model.table is not None:
        wrong = [
            at.problem((name,), f"`{name}` goes with `file`, not with `table`.", "Remove it.", key) for name in options
        ]
        return Source(table=model.table, data_time=model.data_time), tuple(wrong)
    ending = (model.file or "").rsplit(".", 1)[-1].lower()
    ending = "json" if ending in ("jsonl", "ndjson") else ending
    format_ = model.format or (ending if ending in _FILE_FORMATS else None)
    problems: tuple[Problem, ...] = ()
    if format_ is None:
        problems = (
            at.problem(
                ("file",), f"the format of {model.file!r} is unknown.", "Add format: csv, parquet or json.", key
            ),
        )
    elif format_ != "csv" and options:
        problems = tuple(at.problem((n,), f"`{n}` goes with CSV files only.", "Remove it.", key) for n in options)
    return Source(model.file, format_, None, model.data_time, freeze_options(options)), problems


def freeze_options(values: Mapping[str, object]) -> Options:
    """Return a mapping as sorted, hashable option pairs; nested lists and maps become tuples."""
    return tuple(sorted((name, freeze(value)) for name, value in values.items()))


def freeze(value: object) -> OptionValue:
    """Return `value` as a scalar or nested tuples; raises TypeError for anything that is neither data nor a scalar."""
    if value is None or isinstance(value, str | int | float | bool | Decimal | date | datetime):
        return value
    if isinstance(value, list | tuple):
        return tuple(freeze(item) for item in value)
    if isinstance(value, Mapping):
        return tuple((str(name), freeze(item)) for name, item in sorted(value.items()))
    raise TypeError(f"{value!r} is not plain data")
