"""Reads the projections into the values that deciding works on. Nothing here writes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from headwater.assets.asset import Asset
from headwater.assets.errors import StateInvalid
from headwater.assets.key import AssetKey
from headwater.runtime.facts import version_from_json
from headwater.runtime.published import Published
from headwater.runtime.renaming import Names, named_in_record, names_of, rename_in_record
from headwater.runtime.slice_facts import StoredSliceFacts
from headwater.runtime.standing import Standing
from headwater.runtime.state import DynamicKey, Hold, Observation, State, VersionRecord

_VERSION = "v.asset, v.record, v.gate, v.created"
_STORED = "v.physical not in (select physical from disposed)"


_SAME = Names()


@dataclass(frozen=True, slots=True)
class InFlight:
    """A publication that was intended and whose outcome was never recorded."""

    id: str
    number: int
    environment: str
    run: str
    items: tuple[dict[str, object], ...]


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as recorded. `outcome` is None while it runs, INTERRUPTED where it was found dead."""

    id: str
    environment: str
    started: str
    finished: str | None
    outcome: str | None
    actor: str
    host: str
    pid: int


@dataclass(frozen=True, slots=True)
class StepRecord:
    """What one asset came to in one run."""

    run: str
    asset: AssetKey
    outcome: str
    number: int | None
    at: str
    message: str
    changed: bool


@dataclass(frozen=True, slots=True)
class PointerRecord:
    """One pointer: what readers of an environment see of an asset, and since when (ISO 8601 UTC)."""

    environment: str
    asset: AssetKey
    number: int
    since: str


class SqlStateReader:
    """A StateReader over the projections of a ledger, by any connection to its file.

    It speaks of assets by today's names: `names` says what those mean that a rename left in the tables.
    """

    def __init__(self, connection: sqlite3.Connection, names: Names = _SAME) -> None:
        self._db = connection
        self.names = names
        self._then = {new: old for old, new in names.now.items()}

    def snapshot(self, environment: str, *, in_short: bool = False) -> State:
        """Return what is known for `environment`; `in_short`: records of versions only when they are asked for.

        Where a rename is not recorded yet, records say other names than today's, and are all read.
        """
        if in_short and not self.names.now:
            published = Published.in_short(self._standings(environment), lambda keys: self.pointed(environment, keys))
        else:
            published = Published(self.pointed(environment))
        rejected: dict[AssetKey, tuple[VersionRecord, ...]] = {}
        extra: dict[tuple[AssetKey, int, str], str] = {}
        blocked = f"select {_VERSION} from version v where verdict = 'BLOCK' order by asset, number"
        for version in self._versions(blocked):
            rejected[version.asset] = (*rejected.get(version.asset, ()), version)
            extra.update(version.tokens_seen())
        observed = {
            self._today(asset): Observation(self._today(asset), state, digest, at, number)
            for asset, state, digest, at, number in self._db.execute("select * from source")
        }
        extra.update({(self._today(a), n, c): t for a, n, c, t in self._db.execute("select * from token")})
        return State(
            environment,
            published,
            rejected,
            observed,
            extra_tokens=extra,
            holds=self.holds(environment),
            shown_as=self.shown_as(environment),
            facts=StoredSliceFacts(self._db, self._then),
            dynamic=self.dynamic(),
        )

    def pointed(self, environment: str, assets: Collection[AssetKey] | None = None) -> tuple[VersionRecord, ...]:
        """Return the versions that `environment` points to, of some assets or of all."""
        query = f"select {_VERSION} from pointer p join version v using (asset, number) where p.environment = ?"
        if assets is None:
            return self._versions(query, environment)
        one = f"{query} and p.asset = ?"
        return tuple(it for asset in assets for it in self._versions(one, environment, self._recorded(asset)))

    def _standings(self, environment: str) -> dict[AssetKey, Standing]:
        query = (
            "select s.asset, s.number, s.kind, s.made, s.judged, s.shape, s.dated from pointer p "
            "join standing s using (asset, number) where p.environment = ? and s.judged is not null"
        )
        rows = self._rows(query, environment)
        return {AssetKey(asset): Standing._make(standing) for asset, *standing in rows}

    def shown_as(self, environment: str) -> dict[AssetKey, AssetKey]:
        """Return under which name readers of `environment` find assets that were renamed and not published since."""
        rows = self._db.execute(
            "select asset, name from pointer where environment = ? and name <> asset", (environment,)
        )
        found = {self._today(asset): AssetKey(name) for asset, name in rows}
        for old, new in self.names.now.items():
            if self._db.execute(
                "select 1 from pointer where environment = ? and asset = ?", (environment, old)
            ).fetchall():
                found.setdefault(new, old)
        return found

    def _today(self, name: str) -> AssetKey:
        """Return what an asset that the tables call `name` is called today."""
        key = AssetKey(name)
        return self.names.now.get(key, key)

    def _recorded(self, asset: AssetKey) -> AssetKey:
        """Return what the tables call an asset."""
        return self._then.get(asset, asset)

    def _version(self, asset: str, record: str, gate: str, created: str) -> VersionRecord:
        for old, new in self.names.now.items():
            if asset == old:
                asset, record = new, named_in_record(record, old)
            record, gate = rename_in_record(record, old, new), rename_in_record(gate, old, new)
        return version_from_json(asset, record, gate, created)

    def holds(self, environment: str) -> dict[AssetKey, tuple[Hold, ...]]:
        """Return the versions of each asset that rollbacks left in `environment`, newest first."""
        found: dict[AssetKey, tuple[Hold, ...]] = {}
        rows = self._db.execute(
            f"select h.at, h.by, h.why, {_VERSION} from hold h join version v using (asset, number) "
            "where h.environment = ? order by h.at desc",
            (environment,),
        )
        for at, by, why, *row in rows:
            version = self._version(*row)
            found[version.asset] = (*found.get(version.asset, ()), Hold(version, at, by, why))
        return found

    def held_in(self, asset: AssetKey) -> dict[int, tuple[str, ...]]:
        """Return for each version number of `asset` the environments in which a rollback holds it."""
        found: dict[int, tuple[str, ...]] = {}
        rows = self._db.execute(
            "select number, environment from hold where asset = ? order by environment", (self._recorded(asset),)
        )
        for number, environment in rows:
            found[number] = (*found.get(number, ()), environment)
        return found

    def is_stored(self, version: VersionRecord) -> bool:
        """Return whether the data of a version was not disposed of."""
        return not self._db.execute("select 1 from disposed where physical = ?", (version.physical,)).fetchall()

    def last_slice(self, asset: AssetKey) -> int:
        """Return the highest slice number that any version of `asset` was given, 0 where there is none."""
        query = "select max(json_extract(record, '$.slices.last')) from version where asset = ?"
        return int(self._db.execute(query, (self._recorded(asset),)).fetchone()[0] or 0)

    def dynamic(self) -> dict[str, tuple[str, ...]]:
        """Return the keys of every list of dynamic keys, without retired ones, in the order in which they came."""
        found: dict[str, list[str]] = {}
        query = "select list, key from dynamic_key where retired is null order by list, place"
        for name, key in self._rows(query):
            found.setdefault(str(name), []).append(str(key))
        return {name: tuple(keys) for name, keys in found.items()}

    def dynamic_keys(self, name: str) -> tuple[DynamicKey, ...]:
        """Return every key that a list of dynamic keys ever had, in the order in which they came."""
        rows = self._rows("select key, since, retired from dynamic_key where list = ? order by place", name)
        return tuple(DynamicKey(str(key), str(since), None if gone is None else str(gone)) for key, since, gone in rows)

    def published_anywhere(self) -> list[tuple[str, VersionRecord]]:
        """Return every pointer of every environment, as (environment, version)."""
        rows = self._db.execute(f"select p.environment, {_VERSION} from pointer p join version v using (asset, number)")
        return [(environment, self._version(*row)) for environment, *row in rows]

    def shown_anywhere(self) -> list[tuple[str, VersionRecord]]:
        """Return every pointer as `published_anywhere` does, but each asset by the name under which readers find it."""
        names: dict[str, dict[AssetKey, AssetKey]] = {}
        found = []
        for environment, version in self.published_anywhere():
            if environment not in names:
                names[environment] = self.shown_as(environment)
            shown = names[environment].get(version.asset)
            found.append((environment, version if shown is None else replace(version, asset=shown)))
        return found

    def pointers(self) -> tuple[PointerRecord, ...]:
        """Return every pointer of every environment, by environment and asset."""
        rows = self._db.execute("select environment, asset, number, since from pointer order by environment, asset")
        return tuple(PointerRecord(e, self._today(asset), number, since) for e, asset, number, since in rows)

    def shown_in(self) -> dict[tuple[AssetKey, int], set[str]]:
        """Return the environments whose readers have ever seen a version, by (asset, number)."""
        found: dict[tuple[AssetKey, int], set[str]] = {}
        rows = self._db.execute("select environment, items from publication where outcome = 'PUBLISHED'")
        for environment, items in rows:
            for item in json.loads(items):
                if item["number"] is not None:
                    found.setdefault((self._today(item["asset"]), item["number"]), set()).add(environment)
        return found

    def all_versions(self) -> tuple[VersionRecord, ...]:
        """Return every version whose data is stored, by asset, oldest first."""
        return self._versions(f"select {_VERSION} from version v where {_STORED} order by asset, number")

    def versions(self, asset: AssetKey) -> tuple[VersionRecord, ...]:
        """Return every version of `asset`, oldest first."""
        return self._versions(
            f"select {_VERSION} from version v where asset = ? order by number", self._recorded(asset)
        )

    def versions_of_definition(self, asset: AssetKey, definition_hash: str) -> tuple[VersionRecord, ...]:
        """Return the versions of `asset` that were made from this definition, newest first, rejected ones too."""
        return self._versions(
            f"select {_VERSION} from version v where asset = ? and json_extract(record, '$.definition_hash') = ? "
            f"and {_STORED} order by number desc",
            self._recorded(asset),
            definition_hash,
        )

    def build_milliseconds(self, assets: Iterable[AssetKey], limit: int) -> dict[AssetKey, tuple[int, ...]]:
        """Return how long the newest builds of each asset took, newest first, rejected ones too; at most `limit`."""
        taken = (
            "select json_extract(record, '$.milliseconds') from version where asset = ? order by number desc limit ?"
        )
        return {key: tuple([it for (it,) in self._db.execute(taken, (key, limit))]) for key in assets}

    def deliveries(self, source: AssetKey, limit: int) -> tuple[tuple[str, str], ...]:
        """Return when the newest versions of a source were taken in, and their data time, oldest first.

        Both are ISO 8601 UTC; versions without a data time are left out.
        """
        rows = self._db.execute(
            "select created, data_time from (select v.number, created, json_extract(t.value, '$[1]') as data_time "
            "from version v, json_each(v.record, '$.data_times') t where v.asset = ? order by number desc limit ?) "
            "where data_time <> '' order by number",
            (source, limit),
        )
        return tuple([(created, data_time) for created, data_time in rows])

    def next_numbers(self) -> dict[AssetKey, int]:
        """Return the next free version number of every asset that has a version."""
        rows = self._db.execute("select asset, max(number) + 1 from version group by asset")
        return {self._today(asset): number for asset, number in rows}

    def require_complete(self) -> None:
        """Raise StateInvalid where rows that the entries led to are gone: what is numbered next would be wrong."""
        for table, column in (("version", "versions"), ("publication", "publications"), ("run", "runs")):
            try:
                row = self._db.execute(f"select coalesce(sum({column}), 0), (select count(*) from {table}) from tally")
                expected, found = row.fetchone()
            except sqlite3.OperationalError:
                expected, found = 1, 0
            if expected != found:
                raise StateInvalid(
                    f"The table {table} of the state has {found} rows and the ledger led to {expected}.",
                    "Run `headwater ledger rebuild`, which makes the tables anew from the entries.",
                )
        there = {row[0] for row in self._db.execute("select name from sqlite_master where type = 'table'")}
        for table in ("hold", "disposed", "renamed"):
            if table not in there:
                raise StateInvalid(
                    f"The state has no table {table}: an older Headwater wrote it.",
                    "Run `headwater ledger rebuild`, which makes the tables anew from the entries.",
                )

    def in_flight(self) -> tuple[InFlight, ...]:
        """Return publications without an outcome, oldest first."""
        rows = self._db.execute(
            "select id, number, environment, run, items from publication where outcome = 'INTENDED' order by number"
        )
        return tuple(InFlight(i, n, e, r, tuple(json.loads(items))) for i, n, e, r, items in rows)

    def unfinished_runs(self) -> tuple[str, ...]:
        """Return the ids of runs that never recorded an end."""
        return tuple(row[0] for row in self._db.execute("select id from run where finished is null order by started"))

    def physical_names(self) -> frozenset[str]:
        """Return every physical relation that some version rests on, rejected ones too."""
        return frozenset(
            name
            for row in self._db.execute(
                "select distinct case when physical in (select physical from disposed) then null else physical end, "
                "json_extract(record, '$.slices.store') from version where verdict <> ''"
            )
            for name in row
            if name is not None
        )

    def warehouse(self) -> tuple[str, int] | None:
        """Return the identity of the warehouse and the number of its last publication, or None before the first run."""
        row = self._db.execute("select identity, publications from warehouse").fetchone()
        return None if row is None else (row[0], row[1])

    def environments_of(self, asset: AssetKey) -> dict[int, tuple[str, ...]]:
        """Return for each version number of `asset` the environments that point to it."""
        found: dict[int, tuple[str, ...]] = {}
        for environment, number in self._db.execute(
            "select environment, number from pointer where asset = ? order by environment",
            (self._recorded(asset),),
        ):
            found[number] = (*found.get(number, ()), environment)
        return found

    def runs(self, limit: int = 1_000_000) -> tuple[RunRecord, ...]:
        """Return the newest runs, newest first."""
        rows = self._db.execute(
            "select id, environment, started, finished, outcome, actor, host, pid from run "
            "order by started desc, id desc limit ?",
            (limit,),
        )
        return tuple(RunRecord(*row) for row in rows)

    def steps(self, *, run: str | None = None, asset: AssetKey | None = None) -> tuple[StepRecord, ...]:
        """Return the recorded steps of a run, or of an asset (newest first)."""
        column, value, order = (
            ("run", run, "at, asset") if run is not None else ("asset", asset and self._recorded(asset), "at desc")
        )
        rows = self._db.execute(
            f"select run, asset, outcome, number, at, record from step where {column} = ? order by {order}", (value,)
        )
        return tuple(replace(it, asset=self._today(it.asset)) for it in (_step(*row) for row in rows))

    def results_of(self, asset: AssetKey, number: int) -> list[dict[str, object]]:
        """Return the check results that the verdict on a version was given with, as `run` shows them."""
        place = (self._recorded(asset), number)
        row = self._db.execute("select gate from version where asset = ? and number = ?", place).fetchone()
        return [] if row is None else list(json.loads(row[0]).get("results", []))

    def _versions(self, sql: str, *parameters: object) -> tuple[VersionRecord, ...]:
        try:
            return tuple([self._version(*row) for row in self._db.execute(sql, parameters) if row[2] != "{}"])
        except (sqlite3.OperationalError, ValueError, KeyError, TypeError) as error:
            raise _damaged(error) from error

    def _rows(self, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        try:
            return self._db.execute(sql, parameters).fetchall()
        except sqlite3.OperationalError as error:
            raise _damaged(error) from error


def _damaged(error: Exception) -> StateInvalid:
    return StateInvalid(
        f"The tables that the ledger is projected to are damaged ({error}).",
        "Run `headwater ledger rebuild`, which makes them anew from the entries.",
    )


def _step(run: str, asset: str, outcome: str, number: int | None, at: str, record: str) -> StepRecord:
    value = json.loads(record)
    message = value.get("error") or value.get("message") or ""
    return StepRecord(run, AssetKey(asset), outcome, number, at, message, bool(value.get("changed", False)))


def recorded_names(
    connection: sqlite3.Connection, assets: Mapping[AssetKey, Asset], notable: Mapping[AssetKey, Asset]
) -> Names:
    """Return what the names in the tables mean for the project that declares `assets`, the renamed ones `notable`."""
    try:
        rows = connection.execute("select old, asset, identity from renamed order by seq").fetchall()
    except sqlite3.OperationalError:  # an older Headwater wrote the state
        rows = []
    renamed = {key: asset for key, asset in notable.items() if asset.renamed_from}
    if not rows and not renamed:
        return _SAME
    recorded = [(AssetKey(old), AssetKey(asset), identity) for old, asset, identity in rows]
    return names_of(assets, has_versions(connection, renamed), recorded)


def has_versions(connection: sqlite3.Connection, renamed: Mapping[AssetKey, Asset]) -> frozenset[AssetKey]:
    """Return those names of renamed assets, old and new, under which there are versions."""
    names = {name for key, asset in renamed.items() for name in (key, *asset.renamed_from)}
    query = "select 1 from version where asset = ? limit 1"
    return frozenset(name for name in names if connection.execute(query, (name,)).fetchone())
