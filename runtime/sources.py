"""Source files, seen for free: has this file changed since we last looked? And for sure: the digest of its bytes.

An equal `FileState` means unchanged, provided it was `settled` when it was taken: a file written twice within the
resolution of its clock could look the same. An unequal one means only "maybe".
"""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from headwater.assets.errors import IntegrityError, StepError

SETTLED_NS = 2_000_000_000  # two seconds: FAT's clock is the coarsest in use
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, order=True)
class FileStat:
    """What the file system says of one file. `name` is relative to the folder or glob, or the file's own name."""

    name: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class FileState:
    """The state of a source: one `FileStat` per file, sorted by name."""

    files: tuple[FileStat, ...]

    @property
    def newest_ns(self) -> int:
        """The latest change of any file, in nanoseconds since the epoch."""
        return max(max(file.mtime_ns, file.ctime_ns) for file in self.files)

    def to_json(self) -> list[list[str | int]]:
        """Return the state as JSON values: [name, size, mtime_ns, ctime_ns, inode] per file, times as text.

        Nanoseconds and inodes go beyond the integers that JSON readers agree on, so they are decimal strings.
        """
        return [[f.name, f.size, str(f.mtime_ns), str(f.ctime_ns), str(f.inode)] for f in self.files]

    @classmethod
    def from_json(cls, values: Sequence[Sequence[str | int]]) -> FileState:
        """Return the state that `to_json` gave. Raises IntegrityError for anything else."""
        try:
            files = [FileStat(str(name), *map(int, numbers)) for name, *numbers in values]
        except (TypeError, ValueError) as error:
            raise IntegrityError("A recorded source state cannot be read.", "Observe the source again.") from error
        return cls(tuple(files))


def file_state(path: Path) -> FileState:
    """Return the state of the file, folder or glob at `path`. Raises StepError where there is no file."""
    root = _root(path)
    return FileState(tuple(sorted(_stat(file, root) for file in source_files(path))))


def source_files(path: Path) -> tuple[Path, ...]:
    """Return the files of a source, sorted: the file itself, every file below a folder, or what a glob matches.

    Names that start with a dot or an underscore are left out of folders, as writers use them for what is unfinished.
    Raises StepError where there is no file.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        files = _matches(path)
        if files:
            return files
        raise StepError(
            f"The source {path} is not there." if not _is_glob(path) else f"No file matches {path}.",
            "Deliver the file, or correct the path in its declaration.",
        ) from None
    except OSError as error:
        raise StepError(f"The source {path} cannot be read: {error.strerror}.", "Check its permissions.") from error
    if S_ISREG(mode):
        return (path,)
    files = tuple(sorted(_below(path))) if S_ISDIR(mode) else ()
    if not files:
        raise StepError(f"The source {path} holds no file.", "Deliver files into the folder, or correct the path.")
    return files


def settled(state: FileState, now_ns: int) -> bool:
    """Return whether every file was older than two seconds at `now_ns`, so that an equal state proves it unchanged."""
    return state.newest_ns <= now_ns - SETTLED_NS


def content_digest(paths: Iterable[Path]) -> str:
    """Return the SHA-256, in hex, of the files' bytes in the given order, each preceded by its length.

    Raises StepError for a file that cannot be read.
    """
    total = hashlib.sha256()
    for path in paths:
        digest, size = hashlib.sha256(), 0
        try:
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK_BYTES):
                    digest.update(chunk)
                    size += len(chunk)
        except OSError as error:
            raise StepError(f"{path} cannot be read: {error.strerror}.", "Check that it is still there.") from error
        total.update(size.to_bytes(8, "big") + digest.digest())
    return total.hexdigest()


def require_unchanged(path: Path, before: FileState) -> None:
    """Raise StepError where the source changed since `before`: what was read of it may be half old, half new."""
    after = file_state(path)
    if after != before:
        old, new = {f.name: f for f in before.files}, {f.name: f for f in after.files}
        names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
        raise StepError(
            f"The source {path} changed while it was read ({', '.join(names)}).",
            "Run again when the delivery is complete; deliver by renaming a finished file into place.",
        )


def _stat(file: Path, root: Path) -> FileStat:
    try:
        stat = file.stat()
    except OSError as error:
        raise StepError(f"The source file {file} cannot be read: {error.strerror}.", "Run again.") from error
    return FileStat(file.relative_to(root).as_posix(), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


def _is_glob(path: Path) -> bool:
    return glob.has_magic(str(path))


def _root(path: Path) -> Path:
    """Return the folder that names are relative to: the folder itself, or what precedes the first wildcard."""
    if path.is_dir():
        return path
    while _is_glob(path):
        path = path.parent
    return path if path.is_dir() else path.parent


def _matches(path: Path) -> tuple[Path, ...]:
    if not _is_glob(path):
        return ()
    return tuple(sorted(p for p in map(Path, glob.iglob(str(path), recursive=True)) if p.is_file()))


def _below(folder: Path) -> Iterable[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        yield from (Path(parent, name) for name in names if not name.startswith((".", "_")))
