"""The cold half of loading: one file's text becomes declarations. Imports pydantic, YAML and sqlglot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from headwater.assets.addition import Addition
from headwater.assets.asset import Asset, CheckSpec, Location
from headwater.assets.config import FILE_NAME, ProjectConfig, line_in
from headwater.assets.errors import Problem, SqlError
from headwater.assets.fields import default_problems
from headwater.assets.front import Declaring
from headwater.assets.key import AssetKey
from headwater.assets.python_file import declare_python_file
from headwater.assets.sql_file import declare_sql_file
from headwater.assets.yaml_file import declare_yaml_file
from headwater.checks.declare import distinct_labels, parse_checks
from headwater.checks.scan import check_query, check_tables
from headwater.lineage.python_code import reaches_out
from headwater.lineage.sql import parse_query, referenced_tables
from headwater.lineage.sql.writes import is_one_query
from headwater.runtime.definition_problems import sql_problem, text_problem
from headwater.runtime.loading import FileDeclarations
from headwater.runtime.project_files import ProjectFiles


def declare_file(config: ProjectConfig, file: str, files: ProjectFiles) -> tuple[FileDeclarations, bool]:
    """Return what `file` declares, and whether the same text is sure to declare the same again.

    A Python file that reaches outside the process while it is imported (reads files, the clock) may declare something
    else each time, so it is executed at every load; so is one that fails, because what it imports may be mended.
    """
    at = Declaring(Location(file), lambda path: 1, parse_checks, config.defaults, config.timezone)
    text, prefix = files.texts[file], files.folder_of[file]
    if file.endswith(".sql"):
        name = file.rsplit("/", 1)[-1].removesuffix(".sql").lower()
        asset, problems = declare_sql_file(text, prefix + name, at, config.dialect)
        return _packed([asset] if asset else [], [], problems), True
    if file.endswith((".yaml", ".yml")):
        found = declare_yaml_file(text, at)
        return _packed(found.assets, found.additions, found.problems), True
    assets, problems = declare_python_file(config.root, file, prefix, at, config.dialect, files.folder_of)
    code = {name: text for name, text in files.texts.items() if name.endswith(".py")}
    return _packed(assets, [], problems), not problems and not reaches_out(code, file)


def wrong_defaults(config: ProjectConfig) -> tuple[Problem, ...]:
    """Return what is wrong with the project's `[defaults]`, at their lines."""
    text = (config.root / FILE_NAME).read_text("utf-8-sig")
    place = Location(FILE_NAME)
    at = Declaring(place, lambda path: line_in(text, "defaults", str(path[0])) or 1, parse_checks, {})
    return default_problems(config.defaults, at)


def _packed(assets: Iterable[Asset], additions: Iterable[Addition], problems: Iterable[Problem]) -> FileDeclarations:
    """Return declarations with labels of checks that differ, and with the tables that SQL and checks name."""
    named = tuple(replace(asset, checks=distinct_labels(asset.checks)) for asset in assets)
    found = list(problems)
    references: list[tuple[AssetKey, tuple[str, ...]]] = []
    for asset in named:
        names: tuple[str, ...] = ()
        if asset.sql is not None:
            try:
                query = parse_query(asset.sql, asset.dialect)
                if (problem := None if is_one_query(query) else _no_query(asset)) is not None:
                    found.append(problem)
                else:
                    names = tuple(name.lower() for name in referenced_tables(query))
            except SqlError as error:
                found.append(sql_problem(asset, error))
        references.append((asset.key, names + check_references(asset.checks)))
    added = tuple(replace(addition, references=check_references(addition.checks)) for addition in additions)
    return FileDeclarations(named, added, tuple(found), tuple(references))


def _no_query(asset: Asset) -> Problem | None:
    """Return what is wrong with a text that is no single query. What it names is no matter then."""
    from headwater.lineage import analyse_sql

    assert asset.sql is not None, "only SQL has a text"
    (first, *_) = analyse_sql(asset.sql, asset.dialect).problems or (None,)
    return text_problem(asset, first) if first is not None and first.whole else None


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
