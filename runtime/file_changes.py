"""Which files of a source were added, removed or changed, as a reason and the ledger say it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from headwater.runtime.sources import FileState

_MOST_NAMES = 3  # of each kind; the others are counted


@dataclass(frozen=True, slots=True)
class FileChanges:
    """Names of files, sorted. `changed` have another size; `touched` have the same size and other times or another
    inode, so that only their content can tell.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    touched: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What changed as part of a sentence, such as `added: c.csv; removed: a.csv, b.csv`; empty if nothing did."""
        kinds = {"added": self.added, "removed": self.removed, "changed": self.changed, "touched": self.touched}
        return "; ".join(f"{kind}: {_some(names)}" for kind, names in kinds.items() if names)


def file_changes(before: FileState, now: FileState, *, differs: bool = False) -> FileChanges:
    """Return how the files of a source differ by what the file system says of them.

    `differs` says that their content as a whole is known to differ: then a file that is the only one to be touched, and
    nothing else happened, is the one that changed.
    """
    old, new = {file.name: file for file in before.files}, {file.name: file for file in now.files}
    other = sorted(name for name in old.keys() & new.keys() if old[name] != new[name])
    found = FileChanges(
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        changed=tuple(name for name in other if old[name].size != new[name].size),
        touched=tuple(name for name in other if old[name].size == new[name].size),
    )
    if differs and len(found.touched) == 1 and not (found.added or found.removed or found.changed):
        return FileChanges(changed=found.touched)
    return found


def _some(names: tuple[str, ...]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
