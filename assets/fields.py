"""From the fields that a user wrote to plain `Asset` data.

All front ends (SQL comment, YAML, Python decorator) end here, so that a field means the same wherever it stands.
Importing this module imports pydantic: the warm path takes assets from the cache and never comes here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from headwater.assets.asset import (
    Asset,
    CheckSpec,
    Column,
    Freshness,
    Location,
    Materialization,
    Options,
    OptionValue,
)
from headwater.assets.errors import Problem, RequestError
from headwater.assets.field_models import (
    AssetFields,
    CommonFields,
    MaterializationFields,
    Model,
    validate,
)
from headwater.assets.front import Body, Declaring
from headwater.assets.key import AssetKey
from headwater.assets.lineage_field import declared_lineage
from headwater.assets.partition_fields import declared_partitions
from headwater.assets.yaml_text import Path

FILE_FORMATS = ("csv", "parquet", "json")


def declare_asset(
    fields: Mapping[str, object], default_key: str, body: Body, at: Declaring, dialect: str
) -> tuple[Asset | None, tuple[Problem, ...]]:
    """Validate `fields` into an Asset. Returns None with the problems where it cannot be one."""
    allowed_defaults = {name: value for name, value in at.defaults.items() if name not in fields}
    model, problems = validated(AssetFields, {**allowed_defaults, **fields}, at, default_key)
    if model is None:
        return None, problems
    key, key_problems = parsed_key(model.key, at, ("key",)) if model.key is not None else key_of_file(default_key, at)
    materialization, place_problems = _placed(model.materialization, key, at)
    deps: list[AssetKey] = []
    for index, text in enumerate(model.deps or ()):
        dep, dep_problems = parsed_key(text, at, ("deps", index))
        deps += [dep] if dep else []
        key_problems += dep_problems
    if key is None:
        return None, key_problems + place_problems
    common, common_problems = common_fields(model, key, at)
    lineage, lineage_problems = declared_lineage(model.lineage, key, body, at)
    partitions, partition_problems = declared_partitions(model, materialization, key, body, at)
    common_problems += lineage_problems + partition_problems
    asset = replace(
        common,
        sql=body.sql,
        sql_line=body.sql_line,
        python=body.python,
        dialect=model.dialect or dialect,
        materialization=partitions.materialization,
        partitions=partitions.dimensions,
        mappings=partitions.mappings,
        missing_partitions=model.missing_partitions,
        null_partition=model.null_partition,
        deps=None if model.deps is None else tuple(deps),
        clock=model.clock,
        volatile=model.volatile,
        ignore_versions=model.ignore_versions,
        version=model.version,
        on_upstream_blocked=model.on_upstream_blocked,
        lineage=lineage,
        lines=(
            *((name, at.line_of((name,))) for name in fields),
            *((f"mappings.{name.lower()}", at.line_of(("mappings", name))) for name in model.mappings),
        ),
    )
    return asset, key_problems + place_problems + common_problems


def default_problems(defaults: Mapping[str, object], at: Declaring) -> tuple[Problem, ...]:
    """Return what is wrong with `[defaults]`, which may hold any field of an asset but its key."""
    found = list(validated(AssetFields, defaults, at, None)[1])
    for own in ("key", "renamed_from"):
        if own in defaults:
            found.append(at.problem((own,), f"`{own}` cannot be a default: each asset has its own.", "Remove it."))
    return tuple(found)


def validated(
    model: type[Model], fields: Mapping[str, object], at: Declaring, asset: str | None
) -> tuple[Model | None, tuple[Problem, ...]]:
    """Return the fields as a model, or None with the problems, each at its line."""
    valid, wrong = validate(model, fields)
    return valid, tuple(at.problem(path, message, remedy, asset) for path, message, remedy in wrong)


def parsed_key(text: str, at: Declaring, path: Path) -> tuple[AssetKey | None, tuple[Problem, ...]]:
    """Return a key as written at `path`, or None with the problem."""
    try:
        return AssetKey.parse(text), ()
    except RequestError as error:
        return None, (at.problem(path, error.message, error.remedy),)


def key_of_file(text: str, at: Declaring) -> tuple[AssetKey | None, tuple[Problem, ...]]:
    """Return the key that the place of a file gives, or None with the problem."""
    try:
        return AssetKey.parse(text), ()
    except RequestError:
        message = f"the place of the file gives {text!r}, which is not an asset key."
        remedy = "Give `key`, or name file and folders with letters, digits and underscores."
        return None, (at.problem((), message, remedy, text),)


def common_fields(model: CommonFields, key: AssetKey, at: Declaring) -> tuple[Asset, tuple[Problem, ...]]:
    """Return an asset with what every asset may say of itself, and what is wrong with that."""
    checks, problems = _checks(model.checks, None, at, ("checks",))
    first: dict[str, str] = {}
    for name, column in model.columns.items():
        more, column_problems = _checks(column.checks or [], name, at, ("columns", name, "checks"))
        checks, problems = checks + more, problems + column_problems
        other = first.setdefault(name.lower(), name)
        if other != name:
            message = f"the column {name!r} is declared twice, as {other!r} before: case does not count."
            problems += (at.problem(("columns", name), message, "Keep one of them."),)
        for tag in column.tags:
            if tag in column.anonymises:
                message = f"the column {name!r} carries the tag {tag!r} and anonymises it."
                problems += (at.problem(("columns", name, "anonymises"), message, "Keep one of the two."),)
            if tag != tag.strip() or not tag or not tag.isprintable():  # nobody could ask for it
                message = f"the column {name!r} has the tag {tag!r}, which is no word."
                problems += (at.problem(("columns", name, "tags"), message, "Write a word, such as pii."),)
    try:
        meta = freeze_options(model.meta)
    except TypeError as error:
        meta = ()
        problems += (at.problem(("meta",), f"`meta`: {error}.", "Use texts, numbers, dates, lists and maps."),)
    former: list[AssetKey] = []
    for text in model.renamed_from:
        old, old_problems = parsed_key(text, at, ("renamed_from",))
        former += [old] if old else []
        problems += old_problems
    fresh = model.freshness
    asset = Asset(
        key=key,
        location=at.location,
        renamed_from=tuple(former),
        columns=tuple(
            Column(name, it.type, it.description, it.tags, _place(at, ("columns", name)), it.anonymises)
            for name, it in model.columns.items()
        ),
        checks=checks,
        description=model.description,
        owner=model.owner,
        tags=model.tags,
        group=model.group,
        freshness=None if fresh is None else Freshness(fresh.max_lag, fresh.by, fresh.timezone, fresh.holidays),
        regulated=model.regulated,
        meta=meta,
    )
    return asset, tuple(replace(problem, asset=problem.asset or key) for problem in problems)


def _place(at: Declaring, path: Path) -> Location:
    return replace(at.location, line=at.line_of(path))


def _checks(
    given: list[object], column: str | None, at: Declaring, path: Path
) -> tuple[tuple[CheckSpec, ...], tuple[Problem, ...]]:
    """Parse the checks of one list one by one, so that each has the line that it stands on."""
    checks: list[CheckSpec] = []
    problems: list[Problem] = []
    for index, item in enumerate(given):
        found, wrong = at.parse_checks([item], column, replace(at.location, line=at.line_of((*path, index))))
        checks += found
        problems += wrong
    return tuple(checks), tuple(problems)


def _placed(
    fields: MaterializationFields, key: AssetKey | None, at: Declaring
) -> tuple[Materialization, tuple[Problem, ...]]:
    """A file needs a path inside the project; its format follows from the path's ending where it is not given."""
    where: Path = ("materialization",)
    if fields.kind != "file":
        if fields.path is None and fields.format is None:
            return Materialization(fields.kind), ()
        wrong = at.problem(where, f"`path` and `format` go with kind `file`, not `{fields.kind}`.", "Remove them.", key)
        return Materialization(fields.kind), (wrong,)
    ending = (fields.path or "").rsplit(".", 1)[-1].lower()
    format_ = fields.format or (ending if ending in FILE_FORMATS else None)
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


def freeze_options(values: Mapping[str, object]) -> Options:
    """Return a mapping as sorted, hashable option pairs; nested lists and maps become tuples."""
    return tuple(sorted((name, freeze(value)) for name, value in values.items()))


def freeze(value: object) -> OptionValue:
    """Return `value` as a scalar or nested tuples; raises TypeError for anything that is neither data nor a scalar.

    Of texts and numbers that are more, such as members of an enumeration, the plain value is kept.
    """
    if value is None or type(value) in (str, int, float, bool, Decimal, date, datetime):
        return value  # type: ignore[return-value]
    for plain in (str, int, float):
        if isinstance(value, plain):
            return str.__str__(value) if isinstance(value, str) else plain(value)
    if isinstance(value, list | tuple):
        return tuple(freeze(item) for item in value)
    if isinstance(value, Mapping):
        return tuple((str(name), freeze(item)) for name, item in sorted(value.items(), key=lambda pair: str(pair[0])))
    raise TypeError(f"{value!r} is not plain data")
