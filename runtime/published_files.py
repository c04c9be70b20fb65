"""Published files: the bytes of a version at the path where readers find them, placed and removed in one step each.

The store keeps the bytes of every version under their SHA-256; what stands at a path is a copy.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from headwater.assets.errors import ResourceError, StepError
from headwater.runtime.state import PublishedFile


def located(path: str, suffix: str) -> str:
    """Return where an environment has the file that is declared as `path`: its first folder carries the suffix.

    `reports/x.csv` is `reports__dev/x.csv` in dev, a file without a folder `x__dev.csv`: as with schemas, what one
    environment publishes never replaces what readers of another see.
    """
    if not suffix:
        return path
    first, *rest = Path(path).parts
    if rest:
        return Path(first + suffix, *rest).as_posix()
    return Path(path).with_stem(Path(path).stem + suffix).as_posix()


def in_environment(file: PublishedFile, suffix: str) -> PublishedFile:
    """Return `file` with the path that it has in an environment."""
    return replace(file, path=located(file.path, suffix))


def prepare_file(root: Path, store: Path, file: PublishedFile) -> Path:
    """Write `file` beside its target, durably, so that what is left to do cannot fail for want of room or rights.

    Returns the path written. Raises StepError where it cannot be; nothing is left there then.
    """
    target = root / file.path
    beside = _beside(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            raise IsADirectoryError(None, "there is a folder of that name")
        beside.write_bytes((store / file.sha256).read_bytes())
        descriptor = os.open(beside, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        discard_draft(root, file.path)
        raise StepError(
            f"The file {file.path} cannot be written: {error.strerror}.", "Make its folder writable and run again."
        ) from error
    return beside


def place_file(root: Path, store: Path, file: PublishedFile) -> None:
    """Make `file` what readers find at its path, in one step, durably.

    Raises ResourceError where it cannot be written. Its publication is committed by then, so no step can fail of it:
    it stays in flight, and the next start puts the file in place.
    """
    remedy = "Make its folder writable and run again: it was published and will be put in place then."
    try:
        beside = prepare_file(root, store, file)
        os.replace(beside, root / file.path)
        sync_folder(beside.parent)
    except StepError as error:
        raise ResourceError(error.message, remedy) from error
    except OSError as error:
        raise ResourceError(f"The file {file.path} cannot be put in place: {error.strerror}.", remedy) from error


def remove_file(root: Path, file: PublishedFile) -> None:
    """Remove a published file that left view; the store keeps its bytes. What someone else put there stays.

    Raises ResourceError where it cannot be removed: the publication stays in flight, and the next start removes it.
    """
    target = root / file.path
    try:
        if sha256_of(target) != file.sha256:
            return
        target.unlink()
        sync_folder(target.parent)
    except FileNotFoundError:
        return
    except OSError as error:
        raise ResourceError(
            f"The file {file.path} cannot be removed: {error.strerror}.",
            "Make its folder writable and run again: it is no longer published and will be removed then.",
        ) from error


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def discard_draft(root: Path, path: str) -> None:
    """Remove what was written beside the published file `path` and will not be published."""
    with suppress(OSError):
        _beside(root / path).unlink()


def discard_drafts(root: Path, store: Path, paths: Iterable[str]) -> None:
    """Remove what steps that never ended left beside published files and in the store."""
    for path in paths:
        discard_draft(root, path)
    for unfinished in store.glob(".*"):
        with suppress(OSError):
            unfinished.unlink()


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.new")


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
