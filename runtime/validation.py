"""Every declaration error that can be found without building: those of loading, then those of resolving."""

from __future__ import annotations

from headwater.assets.errors import Problem
from headwater.runtime.observe import foreign_tables, sources_now
from headwater.runtime.state import WarehouseNow
from headwater.runtime.state_reader import SqlStateReader
from headwater.runtime.workspace import Workspace


def all_problems(workspace: Workspace) -> tuple[Problem, ...]:
    """Return the project's problems in file order. Names are resolved only once the graph itself is sound."""
    loaded = workspace.loaded
    if loaded.problems or loaded.graph is None:
        return loaded.problems
    with workspace.reader() as reader:
        state = None if reader is None else SqlStateReader(reader.connection).snapshot("prod")
    if state is not None:
        state.sources = sources_now(loaded.assets.values(), state, workspace.config.root, verify=False)
        state.sources.update(foreign_tables(loaded.assets, state, WarehouseNow()))
    _, problems = workspace.definer.resolve_all(state)
    workspace.cache.flush()
    return tuple(sorted(set(problems), key=lambda p: (p.file or "", p.line or 0, p.message)))
