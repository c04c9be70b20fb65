"""Definition: all that decides what an asset's data will be, hashed part by part so that a change can be explained."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from headwater.assets.asset import Asset
from headwater.assets.key import AssetKey
from headwater.lineage.encoding import tagged_hash
from headwater.lineage.fingerprint import column_set_key
from headwater.lineage.schema import SchemaColumns


@dataclass(frozen=True, slots=True)
class ReadSet:
    """What a definition reads of one upstream, over all references to it: sorted columns, or None for ALL.

    `condition` is what its rows have to meet to be seen, as SQL over the upstream's own columns; None: all rows are.
    `reason` says why ALL. With `recorded`, the columns are known only when it runs (a Python asset's handle remembers
    what was taken), so those of the last trace count.
    """

    upstream: str
    columns: tuple[str, ...] | None
    reason: str | None = None
    recorded: bool = False
    condition: str | None = None

    @property
    def key(self) -> str:
        """The column set key under which the fingerprint of what it sees is stored."""
        return column_set_key(self.columns, self.condition)


@dataclass(frozen=True, slots=True)
class Definition:
    """The parts of a definition. `hash` is the whole; parts are compared one by one to say what changed.

    `schema` is the output as far as it is known without building, or None. `undecidable` says what could not be
    followed: then nobody can say whether the definition changed. `libraries` (name, version) and `code` (project files
    beside its own) are in the hash already; they are kept to say what changed.
    """

    logic: str
    config: str
    settings: str
    parameters: tuple[tuple[str, str], ...] = ()
    reads: tuple[ReadSet, ...] = ()
    schema: SchemaColumns | None = None
    volatility: str = "STABLE"  # STABLE | CLOCK | VOLATILE
    volatile_because: str = ""
    order_dependent: tuple[str, ...] = ()
    undecidable: tuple[str, ...] = ()
    libraries: tuple[tuple[str, str], ...] = ()
    code: tuple[str, ...] = ()
    hash: str = field(init=False, default="")

    def __post_init__(self) -> None:
        whole = "\0".join((self.logic, self.config, self.settings, *(f"{k}={v}" for k, v in self.parameters)))
        object.__setattr__(self, "hash", hashlib.sha256(whole.encode()).hexdigest())

    def reads_of(self, upstream: str) -> ReadSet | None:
        """Return what is read of `upstream`, or None."""
        return next((read for read in self.reads if read.upstream == upstream), None)

    def parts(self) -> Mapping[str, str]:
        """Return the parts by name, as they are recorded."""
        parts = {
            "logic": self.logic,
            "config": self.config,
            "settings": self.settings,
            "parameters": dict_text(self.parameters),
        }
        return parts | ({"libraries": dict_text(self.libraries)} if self.libraries else {})


def dict_text(pairs: tuple[tuple[str, str], ...]) -> str:
    """Return parameters as one readable text, such as `min_age=18`."""
    return ", ".join(f"{name}={value}" for name, value in pairs)


def config_hash(asset: Asset, identities: Mapping[AssetKey, str] | None = None) -> str:
    """Hash what the declaration itself decides about the data: how it is stored, where it comes from, its clock grain.

    Descriptions, owners, tags, checks and freshness decide nothing about the data and are not in it. Nor does which
    partitions there are: adding some must not rebuild the others. Upstreams that are mapped are named by their
    `identities`, where these are not their keys: a rename decides nothing about the data either.
    """
    named = {} if identities is None else identities
    placed = asset.materialization
    source = asset.source
    partitioned = (
        tuple((name, dimension.identity) for name, dimension in asset.partitions),
        tuple(sorted((named.get(key, key), mapping.form) for key, mapping in asset.mappings)),
        asset.null_partition if asset.partitions else "",
    )
    return tagged_hash(
        "asset-config",
        (
            asset.kind,
            placed.format,
            placed.path,
            asset.version,
            # Not `observe`: what it asks decides no data, and its code is in the logic.
            None if source is None else (source.file, source.format, source.table, source.data_time, source.options),
            tuple(asset.declared_types()) if source is not None else (),
            *(partitioned if asset.partitions or asset.mappings else ()),
        ),
    )
