"""YAML front end: externals, and contracts or checks for assets that are declared elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from headwater.assets.addition import Addition, source_problems
from headwater.assets.asset import Asset
from headwater.assets.errors import Problem, RequestError
from headwater.assets.external_fields import declare_external
from headwater.assets.field_models import unknown_key
from headwater.assets.front import Declaring
from headwater.assets.key import AssetKey
from headwater.assets.yaml_text import Path, parse_yaml

_SECTIONS = ["external", "assets"]
_ADDED = ["columns", "checks"]


@dataclass(slots=True)
class Declared:
    """What a YAML file declares, and every problem found."""

    assets: list[Asset] = field(default_factory=list)
    additions: list[Addition] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def declare_yaml_file(text: str, at: Declaring) -> Declared:
    """Return the externals and additions that a YAML file declares, and every problem found."""
    parsed = parse_yaml(text, at.location.file)
    if isinstance(parsed, tuple):
        return Declared(problems=list(parsed))
    here = replace(at, line_of=parsed.line)
    found = Declared()
    if parsed.value is not None and not isinstance(parsed.value, Mapping):
        found.problems.append(here.problem((), "the file is not a YAML map.", "Start with `external:` or `assets:`."))
        return found
    for section, entries in (parsed.value or {}).items():
        if section not in _SECTIONS:
            found.problems.append(here.problem((str(section),), *unknown_key(str(section), str(section), _SECTIONS)))
        elif entries is not None and not isinstance(entries, Mapping):
            found.problems.append(here.problem((section,), f"`{section}` is not a map.", "Write asset keys below it."))
        else:
            for key, fields in (entries or {}).items():
                _entry(found, (str(section), str(key)), fields, here)
    return found


def _entry(found: Declared, path: Path, fields: object, at: Declaring) -> None:
    section, key = path[0], str(path[1])
    if not isinstance(fields, Mapping):
        message = f"`{key}` is not a map."
        found.problems.append(at.problem(path, message, "Write `name: value` lines below it.", key.lower()))
        return
    below = replace(at, location=replace(at.location, line=at.line_of(path)))
    if section == "external":
        asset, problems = declare_external(key, fields, below, path)
        problems += () if asset is None else source_problems(asset)
        found.assets += [asset] if asset else []
    else:
        addition, problems = _addition(key, fields, below, path)
        found.additions += [addition] if addition else []
    found.problems += problems


def _addition(
    key: str, fields: Mapping[str, object], at: Declaring, path: Path
) -> tuple[Addition | None, tuple[Problem, ...]]:
    """An addition is read as the contract part of an external, so that both mean the same."""
    extra = [str(name) for name in fields if name not in _ADDED]
    if extra:
        return None, tuple(at.problem((*path, name), *_not_added(name), key.lower()) for name in extra)
    asset, problems = declare_external(key, {**fields, "table": "placeholder"}, replace(at, defaults={}), path)
    try:
        parsed = AssetKey.parse(key)
    except RequestError:
        return None, problems
    return None if asset is None else Addition(parsed, asset.columns, asset.checks, at.location), problems


def _not_added(name: str) -> tuple[str, str]:
    message, remedy = unknown_key(name, name, _ADDED)
    if remedy.startswith("Did you mean"):
        return message, remedy
    return f"`{name}` cannot be added from here.", "Only columns and checks can; write it where the asset is declared."
