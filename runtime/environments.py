"""Environments: named sets of pointers. Listed, declared, filled from another one, and dropped."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

from headwater.assets.config import FILE_NAME, read_config
from headwater.assets.errors import RequestError, WarehouseInvalid
from headwater.assets.key import AssetKey
from headwater.runtime.freeing import free_unused
from headwater.runtime.leaving import retire_item
from headwater.runtime.model import EnvironmentLine, Move, Moved
from headwater.runtime.moving import holding, move
from headwater.runtime.publish import Item
from headwater.runtime.rollback import lifted
from headwater.runtime.state import WarehouseNow
from headwater.runtime.state_reader import PointerRecord
from headwater.runtime.workspace import Workspace

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def environments(workspace: Workspace) -> tuple[EnvironmentLine, ...]:
    """Return every environment that is declared or has pointers, in the order of the project file."""
    with workspace.reader() as reader:
        pointers = () if reader is None else workspace.states(reader.connection).pointers()
    prod = {(it.asset, it.number) for it in pointers if it.environment == "prod"}
    declared = workspace.config.environments
    names = [*declared, *sorted({it.environment for it in pointers} - declared.keys())]
    return tuple(
        _line(name, declared.get(name), [it for it in pointers if it.environment == name], prod) for name in names
    )


def _line(
    name: str, suffix: str | None, pointers: list[PointerRecord], prod: set[tuple[AssetKey, int]]
) -> EnvironmentLine:
    schemas = tuple(sorted({it.asset.schema + suffix for it in pointers})) if suffix is not None else ()
    shared = sum((it.asset, it.number) in prod for it in pointers)
    return EnvironmentLine(
        name, suffix, schemas, len(pointers), shared, max((it.since for it in pointers), default=None)
    )


def declared(workspace: Workspace, name: str, suffix: str | None) -> Workspace:
    """Return the project with an environment called `name`, which is written into its file where it is not there.

    Raises RequestError for a name that cannot be one, or where it has another suffix; and what loading raises where
    the project cannot have it. The file is then as it was.
    """
    if not _NAME.fullmatch(name):
        raise RequestError(
            f"An environment cannot be called {name!r}.", "Use lower-case letters, digits and underscores."
        )
    known = workspace.config.environments.get(name)
    if known is not None:
        if suffix is not None and suffix != known:
            raise RequestError(f"{name} has the suffix {known!r}.", f"Change it in {FILE_NAME}.")
        return workspace
    root = workspace.config.root
    before = (root / FILE_NAME).read_text(encoding="utf-8")
    end = "" if before.endswith("\n") or not before else "\n"
    section = f'[environments.{name}]\nsuffix = "{f"__{name}" if suffix is None else suffix}"\n'
    _write_config(root, f"{before}{end}\n{section}")
    try:
        found = Workspace(read_config(root), workspace.outside)
        found.loaded.require_graph()
    except BaseException:
        _write_config(root, before)
        raise
    return found


def _write_config(root: Path, text: str) -> None:
    path = root / FILE_NAME
    beside = path.with_name(f".{FILE_NAME}.new")
    try:
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, path)
    except OSError as error:
        raise RequestError(f"{FILE_NAME} cannot be written: {error.strerror}.", "Declare it there yourself.") from error


def fill(workspace: Workspace, name: str, source: str) -> Move:
    """Let readers of `name`, which is empty, see the versions that readers of `source` see, at once and uncomputed.

    What is no longer declared is left out. Raises RequestError where `name` has pointers already, or where stored data
    is not what was recorded.
    """
    workspace.suffix(source)
    with holding(workspace, name) as held:
        if held.state.published:
            raise RequestError(
                f"{name} has {len(held.state.published)} published assets already.",
                f"Use `headwater env promote --from {source} --to {name}`.",
            )
        declared = workspace.loaded.require_graph().upstream
        found = held.reader.snapshot(source).published
        versions = [version for key, version in found.items() if key in declared]
        warehouse = held.state.warehouse
        _require_trusted(warehouse)
        altered = [v.asset for v in versions if v.physical in warehouse.altered and not v.is_foreign]
        if altered:
            raise RequestError(
                f"The stored data of {', '.join(sorted(altered))} was altered behind Headwater's back.",
                f"Run it in {source} first.",
            )
        if not versions:
            return Move(name, None)
        items = [Item(version.asset, "PROMOTED", True, version) for version in versions]
        publication = move(held, items, (), f"{name} was created from {source}.")
        return Move(name, publication, tuple(Moved(v.asset, v.number, None) for v in versions))


def drop(workspace: Workspace, name: str, *, confirmed: bool) -> Move:
    """Drop the views and pointers of an environment in one transaction, and free what nobody else uses.

    Raises RequestError for prod, and, saying what would go, where it is not `confirmed`.
    """
    suffix = workspace.suffix(name)
    if name == "prod" or not suffix:
        raise RequestError(f"{name} is what readers see; it is not dropped.", "Retire assets: headwater run --retire.")
    with holding(workspace, name) as held:
        published = held.state.published
        _require_trusted(held.state.warehouse)
        if published and not confirmed:
            raise RequestError(
                f"{name} has {len(published)} published assets, which its readers would lose.",
                f"To drop it: headwater env drop {name} --yes.",
            )
        if not published:  # it may have been dropped by someone who was interrupted before all was freed
            return Move(name, None, freed=free_unused(held, name))
        pointed = held.reader.shown_anywhere()
        foreign = held.warehouse.foreign_names()
        items = [
            replace(
                retire_item(version, workspace.config, name, foreign, pointed, "DROPPED")[0],
                was=held.state.shown_as.get(key),
            )
            for key, version in published.items()
        ]
        why = f"The environment {name} is dropped."
        holds = held.reader.holds(name).items()
        facts = [d for key, found in holds for d in lifted(key, name, tuple(h.version.number for h in found), why)]
        publication = move(held, items, facts, why)
        freed = free_unused(held, name)
        held.checkpoint()
        return Move(name, publication, tuple(Moved(key, None, v.number) for key, v in published.items()), freed=freed)


def _require_trusted(warehouse: WarehouseNow) -> None:
    for finding in warehouse.findings:
        raise WarehouseInvalid(finding, "Put the right file back.")
