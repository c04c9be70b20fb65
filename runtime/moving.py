"""Moving pointers without building: one publication through the path that every publication takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC

from headwater.assets.errors import HeadwaterError, RequestError, StepError
from headwater.lineage.record import Draft
from headwater.runtime.held import Held
from headwater.runtime.publish import Item, publish
from headwater.runtime.published_files import discard_draft, in_environment, prepare_file
from headwater.runtime.workspace import Workspace


@contextmanager
def holding(workspace: Workspace, environment: str) -> Iterator[Held]:
    """Hold lock, ledger and warehouse as a run does, and sign the ledger at the end of what goes well.

    Raises what `Workspace.hold` raises, and ResourceError where the ledger's key is gone.
    """
    outside = workspace.outside
    name = f"{outside.now().astimezone(UTC).strftime('%Y%m%dT%H%M%S')}-{outside.new_id()[:6]}"
    with workspace.hold(name, environment=environment) as held:
        held.require_key()
        workspace.loaded.require_graph()
        held.record_renames()
        yield held


def move(held: Held, items: Sequence[Item], facts: Sequence[Draft], why: str) -> str:
    """Publish `items` in one transaction and return the publication's id; then sign the ledger.

    Raises RequestError where the engine or a file's folder refuses: then nothing has moved.
    """
    root, store = held.workspace.config.root, held.workspace.store
    files = [item.version.file for item in items if item.version is not None and item.version.file is not None]
    placed = [in_environment(file, held.suffix) for file in files]
    publication = held.workspace.outside.new_id()
    known = held.reader.warehouse()
    try:
        for file in placed:
            prepare_file(root, store, file)
        publish(held.hands(), (known[1] if known else 0) + 1, publication, items, facts, why)
    except HeadwaterError as error:
        if isinstance(error, StepError):
            for file in placed:
                discard_draft(root, file.path)
            raise RequestError(f"Nothing was moved: {error.message}", error.remedy) from error
        raise
    held.checkpoint()
    return publication
