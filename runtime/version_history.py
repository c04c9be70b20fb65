"""Past versions as explaining needs them: looked up when they are needed, each asset's once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property

from headwater.assets.key import AssetKey
from headwater.lineage.fingerprint import FILE_BYTES
from headwater.runtime.ledger_reader import LedgerReader
from headwater.runtime.state import State, VersionRecord
from headwater.runtime.state_reader import SqlStateReader


class VersionHistory:
    """The versions of every asset, over a reader of the ledger (None: nothing was ever built) and a snapshot."""

    def __init__(self, reader: LedgerReader | None, state: State) -> None:
        self._reader = reader
        self._state = state
        self._versions: dict[AssetKey, dict[int, VersionRecord]] = {}

    @cached_property
    def _states(self) -> SqlStateReader | None:
        return None if self._reader is None else SqlStateReader(self._reader.connection)

    def of(self, asset: AssetKey) -> Mapping[int, VersionRecord]:
        """Return the versions of an asset by number, rejected ones too."""
        if asset not in self._versions:
            found = () if self._states is None else self._states.versions(asset)
            self._versions[asset] = {version.number: version for version in found}
        return self._versions[asset]

    def made_of(self, asset: AssetKey, definition_hash: str) -> VersionRecord | None:
        """Return the newest version of an asset that was built from a definition, or None."""
        found = (version for version in self.of(asset).values() if version.definition_hash == definition_hash)
        return max(found, key=lambda version: version.number, default=None)

    def text(self, version: VersionRecord) -> str | None:
        """Return the text that a version was made from, as its author wrote it, or None where it is not kept."""
        return self._blob(version.text)

    def code(self, version: VersionRecord) -> dict[str, str]:
        """Return the other project files that a Python version was made from, by path, as far as they are kept."""
        texts = ((path, self._blob(digest)) for path, digest in version.code.items())
        return {path: text for path, text in texts if text is not None}

    def results(self, version: VersionRecord) -> list[dict[str, object]]:
        """Return the check results that the verdict on a version was given with."""
        return [] if self._states is None else self._states.results_of(version.asset, version.number)

    def since(self, version: VersionRecord, columns: str, floor: int = 0) -> VersionRecord:
        """Return the version after `floor` in which what a read of `columns` sees came to be as it is in `version`."""
        token = self._state.token(version, columns)
        known = self.of(version.asset)
        found = version
        for number in range(version.number - 1, floor, -1):
            before = known.get(number)
            if token is None or before is None or self._state.token(before, columns) != token:
                break
            found = found if before.rejected else before
        return found

    def _blob(self, digest: str) -> str | None:
        data = self._reader.blob(digest) if self._reader is not None and digest else None
        return None if data is None else data.decode()


def rows_of(version: VersionRecord, token: str | None, columns: str) -> int:
    """Return the rows that a read of a version sees: those that its fingerprint counted, or all."""
    if not token or columns == FILE_BYTES:
        return version.rows
    return int(token.split(":")[0])


def parameters_of_text(text: str) -> dict[str, str]:
    """Return recorded parameters (`vars.a=1, vars.b="x, y"`) by name."""
    found: dict[str, str] = {}
    left = text
    while "=" in left:
        name, _, rest = left.partition("=")
        try:
            _, end = json.JSONDecoder().raw_decode(rest)
        except ValueError:
            end = rest.find(", ") if ", " in rest else len(rest)
        found[name] = rest[:end]
        left = rest[end:].removeprefix(", ")
    return found
