"""The fields that may be written about an asset, as pydantic models, and what is said where they are wrong."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    model_validator,
)

from headwater.assets.deadline import cron_problem, holidays_problem, is_never, zone_problem

Model = TypeVar("Model", bound=BaseModel)
FieldPath = tuple[str | int, ...]

# Fields that INTERFACES names and that this version does not have yet: refused by name, never ignored.
_NOT_YET = """partitions mappings missing_partitions retry timeout pool publish_group automation"""
_KINDS_NOT_YET = ("append", "merge", "snapshot")
_DURATION = re.compile(r"(\d+)\s*(s|m|h|d|w)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def _text_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list | tuple) else value


def _duration(value: object) -> object:
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0:
        raise ValueError("is not a duration such as 30m, 24h or 7d")
    return int(match[1]) * _SECONDS[match[2]]


def _without(problem: Callable[[str], str | None]) -> AfterValidator:
    """Return a validator of texts that `problem` finds nothing wrong with."""

    def check(text: str) -> str:
        wrong = problem(text)
        if wrong is not None:
            raise ValueError(wrong)
        return text

    return AfterValidator(check)


Texts = Annotated[tuple[str, ...], BeforeValidator(_text_tuple)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _ColumnFields(_Strict):
    type: str | None = None
    description: str | None = None
    tags: Texts = ()
    anonymises: Texts = ()
    checks: list[object] | None = None


class _FreshnessFields(_Strict):
    max_lag: Annotated[int, BeforeValidator(_duration)] | None = None
    by: Annotated[str, _without(cron_problem)] | None = None
    timezone: Annotated[str, _without(zone_problem)] | None = None
    holidays: Annotated[str, _without(holidays_problem)] | None = None

    @model_validator(mode="after")
    def _go_with_by(self) -> Self:
        """Time zone and holidays say when a deadline is: without one nothing would look at them."""
        alone = next((name for name in ("timezone", "holidays") if getattr(self, name) is not None), None)
        if self.by is None and alone is not None:
            raise ValueError(f"has `{alone}` without a deadline `by`, which it would go with")
        if self.by is not None and is_never(self.by, self.timezone or "UTC", self.holidays):
            raise ValueError("has a deadline `by` that falls on one of its `holidays` each time")
        return self


class MaterializationFields(_Strict):
    """How an asset is stored."""

    kind: Literal["table", "partitioned", "view", "file"]
    format: Literal["csv", "parquet", "json"] | None = None
    path: str | None = None


def _column(value: object) -> object:
    return {} if value is None else {"type": value} if isinstance(value, str) else value


def _materialization(value: object) -> object:
    return {"kind": value} if isinstance(value, str) else value


ColumnFields = Annotated[_ColumnFields, BeforeValidator(_column)]


class CommonFields(_Strict):
    """What may be written about every asset."""

    description: str | None = None
    owner: str | None = None
    tags: Texts = ()
    group: str | None = None
    freshness: _FreshnessFields | None = None
    columns: dict[str, ColumnFields] = Field(default_factory=dict)
    checks: list[object] = Field(default_factory=list)
    regulated: StrictBool = False
    renamed_from: Texts = ()
    meta: dict[str, object] = Field(default_factory=dict)


class AssetFields(CommonFields):
    """What may be written about an asset that is built."""

    key: str | None = None
    deps: Texts | None = None
    materialization: Annotated[MaterializationFields, BeforeValidator(_materialization)] = MaterializationFields(
        kind="table"
    )
    clock: Literal["hour", "day", "week", "month", "quarter", "year"] = "day"
    volatile: StrictBool | None = None
    ignore_versions: StrictBool = False
    version: str | None = None
    dialect: str | None = None
    lineage: dict[str, Texts] | None = None
    on_upstream_blocked: Literal["hold", "use_last_good"] = "hold"
    partitions: dict[str, object] = Field(default_factory=dict)
    mappings: dict[str, object] = Field(default_factory=dict)
    missing_partitions: Literal["wait", "skip"] = "wait"
    null_partition: Literal["fail", "drop"] = "fail"


class ExternalFields(CommonFields):
    """What may be written about an asset that is observed, not built."""

    file: str | None = None
    table: str | None = None
    data_time: str | None = None
    format: Literal["csv", "parquet", "json"] | None = None
    delimiter: str | None = None
    header: StrictBool | None = None
    null_values: Texts = ()
    partitions: dict[str, object] = Field(default_factory=dict)


class CodeSourceFields(CommonFields):
    """What may be written about an external whose data a function returns."""

    data_time: str | None = None
    version: str | None = None
    ignore_versions: StrictBool = False


# What is said about each kind of error that pydantic names, and what to do; {expected} is from the model.
_SENTENCES: Mapping[str, tuple[str, str]] = {
    "string_type": ("is not a text", "Put it in quotes."),
    "bool_type": ("is neither true nor false", "Write true or false."),
    "list_type": ("is not a list", "Write [a, b], or one `- item` on each line."),
    "tuple_type": ("is not a list of texts", "Write [a, b], or one `- item` on each line."),
    "dict_type": ("is not a map", "Write `name: value` lines below it."),
    "model_type": ("is not a map", "Write `name: value` lines below it."),
    "model_attributes_type": ("is not a map", "Write `name: value` lines below it."),
    "literal_error": ("is not {expected}", "Choose one of these."),
    "missing": ("is missing", "Add it."),
}


def validate(model: type[Model], fields: Mapping[str, object]) -> tuple[Model | None, list[tuple[FieldPath, str, str]]]:
    """Return the fields as a model, or None with (path, message, remedy) of everything that is wrong with them."""
    try:
        return model.model_validate(dict(fields)), []
    except ValidationError as error:
        return None, [_explain(model, item["loc"], item["type"], item) for item in error.errors(include_url=False)]


def _explain(
    model: type[BaseModel], loc: FieldPath, kind: str, item: Mapping[str, object]
) -> tuple[FieldPath, str, str]:
    name = str(loc[-1]) if loc else ""
    where = ".".join(str(part) for part in loc)
    if kind == "extra_forbidden":
        return (loc, *unknown_key(where, name, _known_names(model, loc[:-1])))
    given, context = item.get("input"), item.get("ctx")
    if kind == "literal_error" and loc[:1] == ("materialization",) and given in _KINDS_NOT_YET:
        return (
            loc,
            f"the materialization `{given}` is not available in this version of Headwater.",
            "Use table, partitioned, view or file.",
        )
    expected = context.get("expected", "") if isinstance(context, dict) else ""
    sentence, remedy = _SENTENCES.get(kind, (str(item["msg"]).removeprefix("Value error, "), "Correct it."))
    return loc, f"`{where}` {sentence.format(expected=expected)}.", remedy


def unknown_key(where: str, name: str, known: list[str]) -> tuple[str, str]:
    """Return message and remedy for a key that is not among the `known` ones of its place."""
    if where in _NOT_YET.split():
        return f"`{where}` is not available in this version of Headwater.", "Remove it."
    close = difflib.get_close_matches(name.lower(), known, n=1)
    remedy = f"Did you mean `{close[0]}`?" if close else f"Known here: {', '.join(sorted(known))}."
    return f"unknown key `{where}`.", remedy


def _known_names(model: type[BaseModel], path: FieldPath) -> list[str]:
    nested: dict[str, type[BaseModel]] = {
        "columns": _ColumnFields,
        "freshness": _FreshnessFields,
        "materialization": MaterializationFields,
    }
    found = nested.get(str(path[0])) if path else None
    return list((found or model).model_fields)
