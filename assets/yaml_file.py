"""YAML front end: externals, and contracts or checks for assets that are declared elsewhere."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from headwater.assets.asset import Asset, CheckSpec, Column
from headwater.assets.errors import Problem, RequestError
from headwater.assets.fields import Declaring, declare_external
from headwater.assets.key import AssetKey
from headwater.assets.yaml_text import Path, parse_yaml

_SECTIONS = ("external", "assets")


@dataclass(frozen=True, slots=True)
class Addition:
    """A contract and checks that a YAML file adds to an asset declared elsewhere."""

    key: AssetKey
    columns: tuple[Column, ...]
    checks: tuple[CheckSpec, ...]
    file: str
    line: int


Declared = tuple[tuple[Asset, ...], tuple[Addition, ...], tuple[Problem, ...]]


def declare_yaml_file(text: str, at: Declaring) -> Declared:
    """Return the externals and additions that a YAML file declares, and every problem found."""
    parsed = parse_yaml(text, at.location.file)
    if isinstance(parsed, Problem):
        return (), (), (parsed,)
    if parsed.value is None:
        return (), (), ()
    here = replace(at, line_of=parsed.line)
    if not isinstance(parsed.value, Mapping):
        return (), (), (here.problem((), "the file is not a YAML map.", "Start with `external:` or `assets:`."),)
    assets: list[Asset] = []
    additions: list[Addition] = []
    problems: list[Problem] = []
    for section, entries in parsed.value.items():
        if section not in _SECTIONS:
            problems.append(_unknown_section(str(section), here))
        elif not isinstance(entries, Mapping):
            problems.append(here.problem((section,), f"`{section}` is not a map.", "Write asset keys below it."))
        else:
            for key, fields in entries.items():
                _entry(str(section), str(key), fields, here, assets, additions, problems)
    return tuple(assets), tuple(additions), tuple(problems)


def _unknown_section(name: str, at: Declaring) -> Problem:
    close = difflib.get_close_matches(name, _SECTIONS, n=1)
    remedy = f"Did you mean `{close[0]}`?" if close else "Known here: external, assets."
    return at.problem((name,), f"unknown key `{name}`.", remedy)


def _entry(
    section: str,
    key: str,
    fields: object,
    at: Declaring,
    assets: list[Asset],
    additions: list[Addition],
    problems: list[Problem],
) -> None:
    path: Path = (section, key)
    if not isinstance(fields, Mapping):
        problems.append(at.problem(path, f"`{key}` is not a map.", "Write `name: value` lines below it.", key))
        return
    below = replace(at, location=replace(at.location, line=at.line_of(path)))
    if section == "external":
        asset, found = declare_external(key, fields, below, path)
        assets += [asset] if asset else []
    else:
        addition, found = _addition(key, fields, below, path)
        additions += [addition] if addition else []
    problems.extend(found)


def _addition(
    key: str, fields: Mapping[str, object], at: Declaring, path: Path
) -> tuple[Addition | None, tuple[Problem, ...]]:
    """An addition is read as the contract part of an external, so that both mean the same."""
    extra = sorted(set(fields) - {"columns", "checks"})
    if extra:
        wrong = at.problem(
            (*path, extra[0]), f"`{extra[0]}` cannot be added from here.", "Only columns and checks can.", key
        )
        return None, (wrong,)
    placeholder = {**fields, "table": "placeholder"}
    asset, problems = declare_external(key, placeholder, replace(at, defaults={}), path)
    if asset is None:
        return None, problems
    try:
        parsed = AssetKey.parse(key)
    except RequestError as error:
        return None, (at.problem(path, error.message, error.remedy),)
    return Addition(parsed, asset.columns, asset.checks, at.location.file, at.location.line), problems


def add_to(asset: Asset, addition: Addition) -> tuple[Asset, tuple[Problem, ...]]:
    """Return `asset` with the addition's contract and checks; a column described in both places is a problem."""
    twice = {c.name.lower() for c in asset.columns} & {c.name.lower() for c in addition.columns}
    if twice:
        message = f"the column {sorted(twice)[0]!r} of {asset.key} is declared here and in {asset.location.file}."
        return asset, (Problem(addition.file, addition.line, message, "Keep one of them.", asset.key),)
    return replace(asset, columns=asset.columns + addition.columns, checks=asset.checks + addition.checks), ()
