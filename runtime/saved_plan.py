"""A plan in a file: the JSON that `plan` shows, what the plan depends on, and a seal that says what was edited.

The seal is no signature: it tells a slip of an editor from the plan that was reviewed, part by part. Whatever a file
says, `basis.require_unchanged` compares its steps with what a plan of today says before anything is done.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast, get_args

from headwater.assets.errors import RequestError
from headwater.assets.key import AssetKey
from headwater.lineage.encoding import PlainValue, tagged_hash
from headwater.runtime.basis import plan_hash
from headwater.runtime.model import Action, Basis, Certainty, Ground, Plan, Reason, Step

FORMAT = "headwater-plan-1"
Json = dict[str, object]
_REMEDY = "Make the plan again with `headwater plan --out FILE`."


def write_plan(plan: Plan, path: Path) -> None:
    """Write `plan` to the file at `path`, whole or not at all. Raises RequestError where it cannot be written."""
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_text(json.dumps(plan_to_json(plan), indent=2) + "\n", encoding="utf-8")
        os.replace(beside, path)
    except OSError as error:
        raise RequestError(
            f"The plan cannot be written to {path}: {error.strerror}.", "Choose another file for --out."
        ) from error


def read_plan(path: Path) -> Plan:
    """Return the plan that `write_plan` wrote.

    Raises RequestError where the file cannot be read, is no plan, or is not as it was written, naming what was edited.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"The plan {path} cannot be read: {error}.", "Check the path.") from error
    except (ValueError, RecursionError) as error:
        raise RequestError(f"The plan {path} is damaged: it is not JSON ({error}).", _REMEDY) from error
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise RequestError(f"{path} is not a plan that this Headwater wrote.", _REMEDY)
    _require_seal(value, path)
    try:
        plan = plan_from_json(value)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RequestError(f"The plan {path} is damaged: {error!r} is not as it should be.", _REMEDY) from error
    if plan_hash(plan) != plan.plan_hash:
        raise RequestError(f"The plan {path} was edited: its steps are not those of its plan_hash.", _REMEDY)
    return plan


def plan_to_json(plan: Plan) -> Json:
    """Return the shape of `plan` with `format`, `basis` and `seal` added."""
    basis = plan.basis or Basis("", (), ())
    value: Json = {
        "format": FORMAT,
        "environment": plan.environment,
        "at": plan.at,
        "plan_hash": plan.plan_hash,
        "steps": [_step_to_json(step) for step in plan.steps],
        "unaffected": [{"asset": asset, "message": message} for asset, message in plan.unaffected],
        "force": plan.force,
        "retired": list(plan.retired),
        "partitions": plan.only,
        "rolled_back": [{"asset": asset, "message": message} for asset, message in plan.rolled_back],
        "expected_seconds": plan.expected_seconds,
        "critical_path": list(plan.critical_path),
        "warnings": [],  # said when it was made; whoever makes a plan again is told again
        "selection": {
            "select": list(basis.select),
            "exclude": list(basis.exclude),
            "assets": list(basis.selected),
        },
        "basis": {"suffix": basis.suffix, "assets": [_ground_to_json(ground) for ground in basis.assets]},
    }
    return {**value, "seal": {name: _digest(name, part) for name, part in value.items()}}


def plan_from_json(value: Mapping[str, object]) -> Plan:
    """Return the plan that `plan_to_json` wrote. Raises KeyError, TypeError or ValueError for another shape."""
    selection, basis = _object(value["selection"]), _object(value["basis"])
    found = Basis(
        _text(basis["suffix"]),
        tuple(AssetKey(_text(key)) for key in _list(selection["assets"])),
        tuple(_ground_from_json(_object(it)) for it in _list(basis["assets"])),
        tuple(_text(it) for it in _list(selection["select"])),
        tuple(_text(it) for it in _list(selection["exclude"])),
    )
    if not isinstance(value["force"], bool):
        raise ValueError("force")
    return Plan(
        environment=_text(value["environment"]),
        at=_text(value["at"]),
        plan_hash=_text(value["plan_hash"]),
        steps=tuple(_step_from_json(_object(it)) for it in _list(value["steps"])),
        unaffected=_said(value["unaffected"]),
        force=value["force"],
        retired=tuple(AssetKey(_text(key)) for key in _list(value["retired"])),
        basis=found,
        only=None if value["partitions"] is None else _text(value["partitions"]),
        rolled_back=_said(value["rolled_back"]),
        expected_seconds=_seconds(value["expected_seconds"]),
        critical_path=tuple(AssetKey(_text(key)) for key in _list(value["critical_path"])),
    )


def _require_seal(value: Mapping[str, object], path: Path) -> None:
    seal = value.get("seal")
    if not isinstance(seal, dict):
        raise RequestError(f"The plan {path} was edited: its seal is gone.", _REMEDY)
    parts = {name: part for name, part in value.items() if name != "seal"}
    edited = [name for name in parts if seal.get(name) != _digest(name, parts[name])]
    edited += [name for name in seal if name not in parts]
    if edited:
        raise RequestError(
            f"The plan {path} was edited or damaged after it was written: {', '.join(sorted(edited))}.", _REMEDY
        )


def _digest(name: str, part: object) -> str:
    return tagged_hash(f"plan-{name}", cast("PlainValue", part))


def _step_to_json(step: Step) -> Json:
    return {
        "asset": step.asset,
        "partitions": step.partitions,
        "action": step.action,
        "certainty": step.certainty,
        "reasons": [
            {
                "code": it.code,
                "upstream": it.upstream,
                "columns": None if it.columns is None else list(it.columns),
                "partition": None if it.partitions is None else ",".join(it.partitions),
                "message": it.message,
                "partitions": None if it.partitions is None else list(it.partitions),
            }
            for it in step.reasons
        ],
        "expected_seconds": step.expected_seconds,
    }


def _step_from_json(value: Mapping[str, object]) -> Step:
    action, certainty, seconds = value["action"], value["certainty"], value["expected_seconds"]
    if action not in get_args(Action) or certainty not in get_args(Certainty):
        raise ValueError(f"{action} {certainty}")
    if not isinstance(seconds, int | float | None):
        raise ValueError(seconds)
    reasons = []
    for it in map(_object, _list(value["reasons"])):
        upstream, columns, parts = it["upstream"], it["columns"], it["partitions"]
        reasons.append(
            Reason(
                _text(it["code"]),
                _text(it["message"]),
                None if upstream is None else AssetKey(_text(upstream)),
                None if columns is None else tuple(_text(column) for column in _list(columns)),
                None if parts is None else tuple(_text(part) for part in _list(parts)),
            )
        )
    key = AssetKey(_text(value["asset"]))
    partitions = None if value["partitions"] is None else _text(value["partitions"])
    return Step(key, cast("Action", action), cast("Certainty", certainty), tuple(reasons), seconds, partitions)


def _ground_to_json(ground: Ground) -> Json:
    return {
        "asset": ground.asset,
        "definition": None if ground.definition is None else dict(ground.definition),
        "checks": ground.checks,
        "version": ground.version,
        "delivery": ground.delivery,
    }


def _ground_from_json(value: Mapping[str, object]) -> Ground:
    definition, version = value["definition"], value["version"]
    if not isinstance(version, int | None) or isinstance(version, bool):
        raise ValueError(version)
    parts = None
    if definition is not None:
        parts = tuple(sorted((name, _text(text)) for name, text in _object(definition).items()))
    checks, delivery = (None if value[n] is None else _text(value[n]) for n in ("checks", "delivery"))
    return Ground(AssetKey(_text(value["asset"])), parts, checks, version, delivery)


def _seconds(value: object) -> float | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise TypeError(value)
    return None if value is None else float(value)


def _said(value: object) -> tuple[tuple[AssetKey, str], ...]:
    """Return the sentences about assets that nothing is done to."""
    return tuple((AssetKey(_text(it["asset"])), _text(it["message"])) for it in map(_object, _list(value)))


def _object(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ValueError(value)
    return value


def _list(value: object) -> Sequence[object]:
    if not isinstance(value, list):
        raise ValueError(value)
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return value
