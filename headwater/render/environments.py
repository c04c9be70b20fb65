"""`env list`, `env create`, `env promote` and `env drop`, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from headwater.render.documents import Document
from headwater.render.paper import Paper
from headwater.render.table import table
from headwater.render.words import counted, moment

if TYPE_CHECKING:
    from headwater.runtime.model import EnvironmentLine, Move

_MOST_SCHEMAS = 4  # that one line of a list names


def environments_document(found: Sequence[EnvironmentLine]) -> Document:
    """Return the shape of `env list`."""
    return {
        "environments": [
            {
                "name": it.name,
                "suffix": it.suffix,
                "schemas": list(it.schemas),
                "pointers": it.pointers,
                "shared_with_prod": it.shared,
                "last_publication": it.since,
            }
            for it in found
        ]
    }


def environment_lines(found: Sequence[EnvironmentLine], paper: Paper) -> Iterator[str]:
    """Yield what `env list` prints."""
    headers = ("ENVIRONMENT", "SUFFIX", "ASSETS", "AS IN PROD", "LAST PUBLICATION", "SCHEMAS")
    yield from table(headers, [_cells(it) for it in found], paper, right=(2, 3))


def _cells(it: EnvironmentLine) -> tuple[str, ...]:
    suffix = "(not declared)" if it.suffix is None else it.suffix
    shown = list(it.schemas[:_MOST_SCHEMAS])
    if len(it.schemas) > len(shown):
        shown.append(f"and {len(it.schemas) - len(shown)} more")
    since = "" if it.since is None else moment(it.since)
    return it.name, suffix, str(it.pointers), str(it.shared), since, ", ".join(shown)


def move_document(done: Move) -> Document:
    """Return the shape of `env create`, `env promote` and `env drop`."""
    return {
        "environment": done.environment,
        "publication": done.publication,
        "moved": [{"asset": it.asset, "version": it.version, "before": it.before} for it in done.moved],
        "unchanged": done.unchanged,
        "freed": [{"asset": asset, "version": number} for asset, number in done.freed],
    }


def created_lines(done: Move, source: str | None) -> Iterator[str]:
    """Yield what `env create` prints."""
    if source is None:
        yield f"{done.environment} is declared in headwater.toml. `headwater --env {done.environment} run` fills it."
    else:
        yield f"{done.environment} shows {counted(len(done.moved), 'asset')} as {source} does; nothing was computed."


def promoted_lines(done: Move, source: str, paper: Paper) -> Iterator[str]:
    """Yield what `env promote` prints."""
    yield from table(
        ("ASSET", "VERSION", "BEFORE"),
        [(it.asset, f"v{it.version}", "none" if it.before is None else f"v{it.before}") for it in done.moved],
        paper,
        right=(1, 2),
    )
    if done.moved:
        yield ""
    moved = f"Promoted {counted(len(done.moved), 'asset')} from {source} to {done.environment}"
    if not done.moved:
        moved = f"Nothing to promote from {source} to {done.environment}"
    yield f"{moved}; {done.unchanged} there already."


def dropped_lines(done: Move) -> Iterator[str]:
    """Yield what `env drop` prints."""
    shown = f" any more: {counted(len(done.moved), 'asset')} dropped from view" if done.moved else ""
    yield f"{done.environment} shows nothing{shown}."
    if done.freed:
        yield f"Freed {counted(len(done.freed), 'version')} that nobody else used."
    yield f"Take [environments.{done.environment}] out of headwater.toml, or fill it again with a run."
