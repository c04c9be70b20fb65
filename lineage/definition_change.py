"""One change of a definition, in its author's own names: what `why` shows, whatever the asset is written in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

ChangeAction = Literal["ADDED", "REMOVED", "ALTERED", "MOVED"]
_CALLED: Final = {
    "GROUP_KEY": "group key",
    "GROUP_FILTER": "filter on groups",
    "WINDOW_FILTER": "filter on windows",
    "SET_OPERATION": "set operation",
    "OTHER": "code",
    "TYPE": "type of column",
    "STORAGE": "how it is stored",
    "CONFIG": "how it is stored or where it comes from",
    "SETTINGS": "the engine or its settings",
}


@dataclass(frozen=True, slots=True)
class DefinitionChange:
    """What was done to one part of a definition; `before` and `after` are as written, None where there is none.

    `kind` is COLUMN, TYPE, DISTINCT, TABLE, JOIN, FILTER, GROUP_KEY, GROUP_FILTER, WINDOW_FILTER, SORT, LIMIT,
    SET_OPERATION or OTHER of a query; FUNCTION, CLASS, CONSTANT, IMPORT or LIBRARY of Python; PARAMETER, STORAGE,
    CONFIG or SETTINGS of both. `where` says in which query of the text it stands (empty for the outermost, `with f` for
    the CTE f), or in which file.
    """

    action: ChangeAction
    kind: str
    name: str = ""
    before: str | None = None
    after: str | None = None
    where: str = ""

    @property
    def sentence(self) -> str:
        """The change in words, without a full stop."""
        called = f"{_CALLED.get(self.kind, self.kind.lower())} {self.name}".rstrip()
        called += f" in {self.where}" if self.where else ""
        if self.action == "ADDED":
            return f"{called} added" + (f": {self.after}" if self.after else "")
        if self.action == "REMOVED":
            return f"{called} removed" + (f": {self.before}" if self.before else "")
        how = "moved" if self.action == "MOVED" else "computed differently" if self.kind == "COLUMN" else "changed"
        return f"{called} {how}: {self.before} became {self.after}" if self.before or self.after else f"{called} {how}"
