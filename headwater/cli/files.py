"""Answers that go to a file: whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from headwater.assets.errors import RequestError, ResourceError


def write_lines(file: str, lines: Iterable[str]) -> None:
    """Write lines to `file`, replacing what it held, and through a link what the link leads to.

    A reader sees the old content or the new one, never a part. Raises RequestError where `file` cannot be one, and
    ResourceError where it cannot be written.
    """
    path = Path(os.path.realpath(file))
    if not path.parent.is_dir():
        raise RequestError(f"There is no folder {path.parent}.", "Make it, or name another file with --out.")
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "not a regular file"
        raise RequestError(f"{file} is {what}.", "Name a file with --out.")
    part = path.with_name(f".{path.name[:200]}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as stream:
            stream.writelines(f"{line}\n" for line in lines)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, path)
    except OSError as error:
        raise ResourceError(f"{file} cannot be written: {error.strerror}.", "Check its folder and the disk.") from error
    finally:
        part.unlink(missing_ok=True)
