"""From the fields of an external to plain `Asset` data: what is observed and not built.

Two front ends end here: YAML, for files and tables, and the Python decorator, for sources that a function reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from headwater.assets.addition import source_problems
from headwater.assets.asset import Asset, PythonCode, Source
from headwater.assets.errors import Problem
from headwater.assets.field_models import CodeSourceFields, CommonFields, ExternalFields
from headwater.assets.fields import FILE_FORMATS, common_fields, freeze_options, key_of_file, parsed_key, validated
from headwater.assets.front import Declaring
from headwater.assets.key import AssetKey
from headwater.assets.partition_fields import declared_dimensions
from headwater.assets.partition_files import form_faults
from headwater.assets.partitions import Dimensions
from headwater.assets.yaml_text import Path


def declare_external(
    key_text: str, fields: Mapping[str, object], at: Declaring, path: Path
) -> tuple[Asset | None, tuple[Problem, ...]]:
    """Validate the fields of an external into an Asset. Returns None with the problems where it cannot be one."""
    below = replace(at, line_of=lambda inner: at.line_of((*path, *inner)))
    model, problems = validated(ExternalFields, {**_defaults(fields, at), **fields}, below, key_text)
    key, key_problems = parsed_key(key_text, at, path)
    if model is None or key is None:
        return None, problems + key_problems
    if (model.file is None) == (model.table is None):
        wrong = below.problem((), f"{key} needs either `file` or `table`.", "Give one of the two.", key)
        return None, (wrong,)
    source, source_problems = _source(model, key, below)
    common, common_problems = common_fields(model, key, below)
    dimensions, dimension_problems = declared_dimensions(model.partitions, key, below)
    if model.partitions and not dimension_problems:
        dimension_problems = tuple(
            below.problem(("file",) if model.file else ("partitions",), message, remedy, key)
            for message, remedy in _form_faults(model, dimensions)
        )
    found = replace(common, source=source, partitions=dimensions)
    return found, source_problems + common_problems + dimension_problems


def _form_faults(model: ExternalFields, dimensions: Dimensions) -> Iterator[tuple[str, str]]:
    if model.file is None:
        yield "`partitions` of a source go with `file`, which has a place for each key.", "Remove them."
    else:
        yield from form_faults(model.file, dimensions)


def declare_code_source(
    fields: Mapping[str, object], key_text: str, code: PythonCode, observe: bool, at: Declaring
) -> tuple[Asset | None, tuple[Problem, ...]]:
    """Validate the fields of a source that a function reads. Returns None with the problems where it cannot be one."""
    model, problems = validated(CodeSourceFields, {**_defaults(fields, at), **fields}, at, key_text)
    key, key_problems = key_of_file(key_text, at)
    if model is None or key is None:
        return None, problems + key_problems
    common, common_problems = common_fields(model, key, at)
    asset = replace(
        common,
        python=code,
        source=Source(data_time=model.data_time, observe=observe),
        version=model.version,
        ignore_versions=model.ignore_versions,
    )
    return asset, (*common_problems, *source_problems(asset))


def _defaults(fields: Mapping[str, object], at: Declaring) -> dict[str, object]:
    """Return the project's defaults that an external may have and does not say itself."""
    known = CommonFields.model_fields
    return {name: value for name, value in at.defaults.items() if name in known and name not in fields}


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
    format_ = model.format or (ending if ending in FILE_FORMATS else None)
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
