"""The cold half of loading: one file's text becomes declarations. Imports pydantic, YAML and sqlglot."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from headwater.assets.asset import Asset, CheckSpec, Location
from headwater.assets.config import ProjectConfig
from headwater.assets.errors import Problem, SqlError
from headwater.assets.fields import Declaring
from headwater.assets.key import AssetKey
from headwater.assets.python_file import declare_python_file
from headwater.assets.sql_file import declare_sql_file
from headwater.assets.yaml_file import declare_yaml_file
from headwater.checks.declare import parse_checks
from headwater.checks.scan import check_query, check_tables
from headwater.lineage.python_code import reaches_out
from headwater.lineage.sql import referenced_tables
from headwater.runtime.loading import FileDeclarations


def declare_file(
    config: ProjectConfig, file: str, texts: Mapping[str, str], prefix: str, asset_files: Collection[str]
) -> tuple[FileDeclarations, bool]:
    """Return what `file` declares, and whether the same text is sure to declare the same again.

    A Python file that reaches outside the process while it is imported (reads files, the clock) may declare something
    else each time, so it is executed at every load; so is one that fails, because what it imports may be mended.
    """
    at = Declaring(Location(file), lambda path: 1, parse_checks, config.defaults)
    text = texts[file]
    if file.endswith(".sql"):
        name = file.rsplit("/", 1)[-1].removesuffix(".sql").lower()
        asset, problems = declare_sql_file(text, prefix + name, at, config.dialect)
        return _with_references((asset,) if asset else (), (), problems), True
    if file.endswith((".yaml", ".yml")):
        assets, additions, problems = declare_yaml_file(text, at)
        return _with_references(assets, additions, problems), True
    assets, problems = declare_python_file(config.root, file, prefix, at, config.dialect, asset_files)
    code = {name: text for name, text in texts.items() if name.endswith(".py")}
    return _with_references(assets, (), problems), not problems and not reaches_out(code, file)


def _with_references(
    assets: tuple[Asset, ...], additions: tuple[object, ...], problems: tuple[Problem, ...]
) -> FileDeclarations:
    references: list[tuple[AssetKey, tuple[str, ...]]] = []
    found = list(problems)
    for asset in assets:
        names: tuple[str, ...] = ()
        if asset.sql is not None:
            try:
                names = tuple(name.lower() for name in referenced_tables(asset.sql, asset.dialect))
            except SqlError as error:
                line = asset.sql_line + (error.line or 1) - 1
                place = f" (column {error.column})" if error.column else ""
                found.append(
                    Problem(asset.location.file, line, f"{error.message.rstrip('.')}{place}.", error.remedy, asset.key)
                )
        references.append((asset.key, names + check_references(asset.checks)))
    return FileDeclarations(assets, additions, tuple(found), tuple(references))


def check_references(checks: tuple[CheckSpec, ...]) -> tuple[str, ...]:
    """Return the tables that checks read besides their own asset, each marked with a leading `?`."""
    names: list[str] = []
    for check in checks:
        names += [f"?{table.lower()}" for table, _ in check_tables(check)]
        text = check_query(check)
        if text is not None:
            try:
                names += [f"?{name.lower()}" for name in referenced_tables(text.replace("$this", "__this"), "duckdb")]
            except SqlError:
                continue  # reported with its place when the asset is resolved
    return tuple(name for name in dict.fromkeys(names) if name != "?__this")
