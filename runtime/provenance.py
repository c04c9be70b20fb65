"""Who and from where: the actor, the host and the code commit that a run's entries name."""

from __future__ import annotations

import getpass
import os
import socket
from pathlib import Path

from headwater.lineage.record import Actor


def current_actor() -> Actor:
    """Return the operating-system user, as `name`, or `uid:N` where it has no name."""
    try:
        return Actor(getpass.getuser())
    except (OSError, KeyError):
        return Actor(f"uid:{os.getuid()}")


def host_name() -> str:
    """Return this machine's name."""
    return socket.gethostname()


def code_commit(root: Path) -> str | None:
    """Return the Git commit that is checked out around `root`, read from the repository's files, or None."""
    for folder in (root, *root.parents):
        git = folder / ".git"
        if git.is_dir():
            return _head(git)
    return None


def _head(git: Path) -> str | None:
    try:
        head = (git / "HEAD").read_text("utf-8").strip()
        if not head.startswith("ref: "):
            return head
        name = head.removeprefix("ref: ")
        loose = git / name
        if loose.is_file():
            return loose.read_text("utf-8").strip()
        for line in (git / "packed-refs").read_text("utf-8").splitlines():
            commit, _, packed = line.partition(" ")
            if packed == name:
                return commit
    except (OSError, UnicodeDecodeError):
        return None
    return None
