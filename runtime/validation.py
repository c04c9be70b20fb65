"""Every declaration error that can be found without building: those of loading, and those of resolving."""

from __future__ import annotations

from headwater.assets.errors import Problem
from headwater.runtime.definer import Definer
from headwater.runtime.observe import sources_now
from headwater.runtime.workspace import Workspace


def all_problems(workspace: Workspace) -> tuple[Problem, ...]:
    """Return the project's problems in file order. Names are resolved also where other assets are wrong."""
    loaded = workspace.loaded
    if loaded.graph is None:
        return loaded.problems
    with workspace.reader() as reader:
        state = None if reader is None else workspace.states(reader.connection).snapshot("prod")
    if state is not None:  # what was not delivered anew still has the columns that it was seen with
        state.sources = sources_now(loaded.notable().values(), state, workspace.config.root, verify=False)
    _, found = Definer(loaded, workspace.cache, workspace.crew, workspace.identities()).resolve_all(state)
    workspace.cache.flush()
    return tuple(sorted({*loaded.problems, *found}, key=lambda p: (p.file or "", p.line or 0, p.message)))
