"""Sources with a file for each partition: which files there are, which changed, and taking one in as a slice.

Two tiers, file by file: an equal and settled state proves the file unchanged, else its content is hashed. What a slice
was taken in from is known by the digest of its file, so every environment can say which of its slices are today's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from headwater.assets.asset import Asset
from headwater.assets.errors import HeadwaterError, StepError
from headwater.assets.partition_files import file_of, glob_of
from headwater.assets.partitions import Partition, PartitionSet, Space
from headwater.runtime.clock import from_iso, to_iso
from headwater.runtime.sources import (
    FileStat,
    FileState,
    content_digest,
    file_state,
    require_unchanged,
    settled,
    source_files,
)
from headwater.runtime.state import SourceNow, State

if TYPE_CHECKING:
    from headwater.runtime.build import Draft
    from headwater.runtime.order import SliceOrder

SOURCE_FILE = "source file"  # in place of a column set key: the token of a slice is the digest of its file
CHEAP_BYTES = 256 * 1024 * 1024  # up to this size a touched file is hashed rather than called changed
Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PartFile:
    """The file of one partition: its state, and the digest of its content, None where nobody hashed it as it is.

    `at` is when the two were seen together, ISO 8601 UTC.
    """

    keys: Keys
    stat: FileStat
    digest: str | None
    at: str


def parts_to_json(files: Iterable[PartFile]) -> str:
    """Return the files whose content is known as they are recorded, JSON text."""
    rows = [
        [list(it.keys), FileState((it.stat,)).to_json()[0], it.digest, it.at]
        for it in sorted(files, key=lambda it: it.keys)
        if it.digest is not None
    ]
    return json.dumps({"parts": rows})


def parts_from_json(text: str) -> dict[Keys, PartFile]:
    """Return what `parts_to_json` recorded, by keys; nothing where the source was another kind of source then.

    Raises IntegrityError for a state that cannot be read.
    """
    rows = json.loads(text).get("parts", []) if text.startswith("{") else []
    found = {}
    for keys, stat, digest, at in rows:
        found[tuple(keys)] = PartFile(tuple(keys), FileState.from_json([stat]).files[0], digest, at)
    return found


def parts_now(asset: Asset, state: State, root: Path, now: datetime, *, verify: bool) -> SourceNow:
    """Return which files there are, and whether all are as they were when they were last taken in.

    Where one of them cannot be read, nothing is known of any. That no file is there at all is such a case: a folder
    that is not mounted must not empty the source.
    """
    seen = state.observed.get(asset.key)
    try:
        before = {} if seen is None else parts_from_json(seen.state)
        files = tuple(
            _part_now(partition.keys, path, before.get(partition.keys), now, verify)
            for partition, path in _delivered(asset, state, root, now)
        )
    except (HeadwaterError, OSError, ValueError) as error:
        return SourceNow(None, problem=str(error))
    same = {it.keys: it.digest for it in files} == {keys: it.digest for keys, it in before.items()}
    if same:
        return SourceNow(False, state=parts_to_json(files), files=files)
    return SourceNow(True, detail="files came, went or changed", files=files)


def there(files: Iterable[PartFile], space: Space) -> PartitionSet:
    """Return the partitions of `space` that have one of these files."""
    return space.of(Partition(space.names, it.keys, (), ()) for it in files)


def after_taking_in(before: SourceNow | None, recorded: str) -> SourceNow:
    """Return what is known of the files once some were taken in: of these the content is."""
    known = parts_from_json(recorded)
    files = () if before is None else before.files
    return SourceNow(False, state=recorded, files=tuple(known.get(it.keys, it) for it in files))


def take_in_part(draft: Draft, each: SliceOrder) -> str:
    """Read the file of one partition and return the query for its rows.

    Raises StepError for a file that is gone, cannot be read, or changed while it was read.
    """
    order, source = draft.order, draft.order.resolved.asset.source
    assert source is not None, "an external has a source"
    assert source.file is not None, "each partition has a file"
    path = order.root / file_of(source.file, each.partition)
    before = file_state(path)
    digest = content_digest(source_files(path))
    if draft.part is not None:
        draft.session.drop_table(draft.part)
    draft.part = f"{order.physical}__part"
    draft.session.ingest(draft.part, source, path, tuple(order.resolved.asset.declared_types()))
    require_unchanged(path, before)
    draft.files.append(PartFile(each.partition.keys, before.files[0], digest, to_iso(order.now)))
    return f"select * from {draft.session.relation(draft.part)}"


def _delivered(asset: Asset, state: State, root: Path, now: datetime) -> list[tuple[Partition, Path]]:
    """Return the partitions whose file is there. Raises HeadwaterError where two share a file, or none is there."""
    assert asset.source is not None, "an external has a source"
    form = asset.source.file or ""
    matches = {path for path in source_files(root / glob_of(form)) if path.is_file()}
    owner: dict[Path, Partition] = {}
    for partition in Space(asset.partitions, now, state.dynamic).all():
        path = root / file_of(form, partition)
        if path in matches:
            first = owner.setdefault(path, partition)
            if first is not partition:
                both = f"{first.text} and {partition.text}"
                raise StepError(f"{path.name} would be the file of two partitions, {both}.", "Separate the keys.")
    return [(partition, path) for path, partition in owner.items()]


def _part_now(keys: Keys, path: Path, before: PartFile | None, now: datetime, verify: bool) -> PartFile:
    found = file_state(path)
    stat = found.files[0]
    if before is None:
        return PartFile(keys, stat, None, to_iso(now))
    if stat == before.stat and settled(found, int(from_iso(before.at).timestamp() * 1_000_000) * 1000):
        return before
    if verify or stat == before.stat or (stat.size == before.stat.size and stat.size <= CHEAP_BYTES):
        return PartFile(keys, stat, content_digest((path,)), to_iso(now))
    return PartFile(keys, stat, None, to_iso(now))
