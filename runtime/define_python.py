"""The definition of a Python asset: its code as analysed, what it was given, and the libraries it stands on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from headwater.assets.asset import Asset, PythonCode
from headwater.assets.key import AssetKey
from headwater.lineage.definition import Definition, ReadSet, config_hash
from headwater.lineage.encoding import tagged_hash
from headwater.runtime.cache import AnalysisCache, cache_key, texts_digest
from headwater.runtime.installed import UNKNOWN, installed_version

if TYPE_CHECKING:
    from headwater.lineage.python_code import PythonDefinition

_RECORDED = "its handle records what it takes"
Variables = Mapping[str, str | int | bool | float]


class PythonDefiner:
    """Defines the Python assets of one project. The analysis is cached; versions of libraries are looked up anew."""

    def __init__(
        self,
        texts: Mapping[str, str],
        variables: Variables,
        settings: str,
        cache: AnalysisCache,
        identities: Mapping[AssetKey, str] | None = None,
    ) -> None:
        self._texts = texts
        self._digest = texts_digest(texts)
        self._variables = variables
        self._settings = settings
        self._cache = cache
        self._identities = {} if identities is None else identities

    def define(self, asset: Asset) -> Definition:
        """Return the definition of `asset`. What cannot be followed is undecidable unless `version` answers for it."""
        code = asset.python
        assert code is not None, "the asset has a function"
        found = self._analysed(code)
        versions = () if asset.ignore_versions else tuple((name, installed_version(name)) for name in found.modules)
        trusted = asset.version is not None
        logic = ("", ()) if trusted else (found.logic, code.bound)
        asks_clock = found.asks_clock and code.context_parameter is not None
        inputs = tuple((name, self._identities.get(up, up)) for name, up in code.inputs)
        volatile = asset.volatile if asset.volatile is not None else bool(found.impure) and not trusted
        if asset.is_external:  # a source is from outside: whether that changed is asked of it, not of its code
            volatile = asks_clock = False
        because = "it is declared volatile" if asset.volatile else "; ".join(found.impure)
        return Definition(
            logic=tagged_hash("python", (*logic, inputs)),
            config=config_hash(asset, self._identities),
            settings=tagged_hash("python-settings", (self._settings, versions)),
            parameters=self._parameters(code),
            reads=tuple(ReadSet(up, None, _RECORDED, recorded=True) for up in sorted({up for _, up in code.inputs})),
            volatility="VOLATILE" if volatile else "CLOCK" if asks_clock else "STABLE",
            volatile_because=because if volatile else "",
            undecidable=() if trusted else (*found.undecidable, *_doubts(code, versions)),
            libraries=versions,
            code=() if trusted else tuple(file for file in found.files if file != code.module_file),
        )

    def _analysed(self, code: PythonCode) -> PythonDefinition:
        # By all of the code, as what other files hold may be reached; the module is imported only where it is needed.
        place = cache_key("python", self._digest, code)
        hit = self._cache.get_many([place]).get(place)
        if type(hit).__name__ == "PythonDefinition":
            return hit  # type: ignore[return-value]
        from headwater.lineage.python_code import analyse_python

        found = analyse_python(self._texts, code)
        self._cache.put(place, found)
        return found

    def _parameters(self, code: PythonCode) -> tuple[tuple[str, str], ...]:
        if code.context_parameter is None:
            return ()
        # The context gives every variable, so each of them may decide.
        return tuple((f"vars.{name}", json.dumps(value)) for name, value in sorted(self._variables.items()))


def _doubts(code: PythonCode, versions: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    opaque = [f"{code.qualname} was given {name}, which is not plain data" for name in code.opaque]
    return (*opaque, *(f"the version of {name} is not known" for name, version in versions if version == UNKNOWN))
