"""The shell around deciding and doing: opens what is needed, as little as is needed, and lets go of it again.

`survey` answers questions without taking the warehouse where it can; `Session` is the one place that holds lock, ledger
and warehouse together.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from headwater.assets.config import ProjectConfig
from headwater.assets.errors import (
    IntegrityError,
    ProjectError,
    RequestError,
    ResourceError,
    StateEmpty,
    StateInvalid,
    WarehouseInvalid,
)
from headwater.assets.key import AssetKey
from headwater.lineage.graph import AssetGraph
from headwater.lineage.record import Actor
from headwater.runtime.cache import AnalysisCache
from headwater.runtime.clock import to_iso, utc_now
from headwater.runtime.deciding import decide_all
from headwater.runtime.definer import Definer
from headwater.runtime.engines import open_engine
from headwater.runtime.engines.engine import Warehouse
from headwater.runtime.engines.file_token import file_token
from headwater.runtime.filelock import FileLock, Holder, acquire, holder_of, until_free
from headwater.runtime.ledger_reader import LedgerReader
from headwater.runtime.ledger_schema import sqlite_errors
from headwater.runtime.loading import Loaded, load, source_text
from headwater.runtime.loading_crew import Crew
from headwater.runtime.observe import (
    altered_files,
    foreign_tables,
    sources_now,
    warehouse_gone,
)
from headwater.runtime.provenance import current_actor, host_name
from headwater.runtime.published import Published
from headwater.runtime.renaming import merge_problems
from headwater.runtime.resolutions import Resolutions
from headwater.runtime.staleness import Case, Decision, Resolved
from headwater.runtime.state import SourceNow, State, VersionRecord, WarehouseNow
from headwater.runtime.state_reader import SqlStateReader, has_versions, recorded_names

if TYPE_CHECKING:
    from headwater.runtime.held import Held

TOKEN = "warehouse_token"  # ephemera: the file token when Headwater last let go of the warehouse


@dataclass(frozen=True, slots=True)
class Outside:
    """What comes from outside and tests replace: clock, ids, waiting, who it is."""

    now: Callable[[], datetime] = utc_now
    new_id: Callable[[], str] = lambda: secrets.token_hex(8)
    monotonic: Callable[[], float] = time.monotonic
    wait: Callable[[float], object] = time.sleep
    actor: Callable[[], Actor] = current_actor


@dataclass(frozen=True, slots=True)
class Survey:
    """A project judged at one moment: definitions, state and decisions, from which status, plan and why follow."""

    loaded: Loaded
    graph: AssetGraph
    resolved: Resolutions
    state: State
    decisions: Mapping[AssetKey, Decision]
    now: datetime
    proven: frozenset[AssetKey] = frozenset()  # CURRENT, and made of the very versions that its upstreams have now

    def require_trusted_warehouse(self) -> None:
        """Raise WarehouseInvalid where the warehouse is not the one that the ledger knows: nothing may be published."""
        for finding in self.state.warehouse.findings:
            raise WarehouseInvalid(
                finding, "Put the right file back; or delete the warehouse, and the next run builds everything anew."
            )

    def case(self, key: AssetKey) -> Case:
        """Return what the clauses are asked about for one asset."""
        return Case(
            self.resolved[key],
            self.state.published.get(key),
            self.state,
            self.decisions,
            self.now,
            self.loaded.config.timezone,
        )


class Workspace:
    """One project on disk. Loads it once; everything else is opened when it is needed."""

    def __init__(self, config: ProjectConfig, outside: Outside = Outside()) -> None:
        self.config = config
        self.outside = outside
        self.cache = AnalysisCache(config.home / "cache" / "analysis.db")
        self.crew = Crew(config.root)
        self.loaded: Loaded = load(config, self.cache, self.crew)
        self.store = config.home / "files"
        self.logs = config.home / "logs"
        self._definer: Definer | None = None

    @property
    def definer(self) -> Definer:
        """What resolves the assets of this project. Raises ProjectError where it has problems."""
        if self._definer is None:
            self.loaded.require_graph()
            self._definer = Definer(self.loaded, self.cache, self.crew, self.identities())
        return self._definer

    def states(self, connection: sqlite3.Connection) -> SqlStateReader:
        """Return a reader of the state that speaks of assets by the names that this project gives them."""
        return SqlStateReader(connection, recorded_names(connection, self.loaded.assets, self.loaded.notable()))

    def identities(self) -> Mapping[AssetKey, str]:
        """Return what definitions call renamed assets; without a state that can be read, nothing was ever renamed."""
        try:
            with self.reader() as reader:
                return {} if reader is None else self.states(reader.connection).names.identity
        except (ResourceError, IntegrityError):  # whoever needs the state will say so
            return {}

    def suffix(self, environment: str) -> str:
        """Return the schema suffix of an environment. Raises RequestError for one that is not declared."""
        try:
            return self.config.environments[environment]
        except KeyError:
            known = ", ".join(sorted(self.config.environments))
            raise RequestError(
                f"There is no environment {environment!r}.",
                f"Known: {known}. Declare it as [environments.{environment}] in headwater.toml.",
            ) from None

    @contextmanager
    def reader(self) -> Iterator[LedgerReader | None]:
        """Give a reader of the ledger, or None before the first run, or where that ended before it had made one."""
        try:
            reader = LedgerReader.open(self.config.state_path) if self.config.state_path.exists() else None
        except StateEmpty:
            reader = None
        if reader is None:
            yield None
            return
        with reader, sqlite_errors(reader.path):
            yield reader

    def survey(
        self,
        environment: str,
        *,
        verify_sources: bool = False,
        verify_data: bool = False,
        taken_in: Collection[AssetKey] = (),
    ) -> Survey:
        """Judge the project as it is now. The warehouse is opened only where its file token, or `verify_data`, asks.

        `taken_in` are the sources that were taken in just now, for this very question.
        """
        self.suffix(environment)
        graph = self.loaded.require_graph()
        with self.reader() as reader:
            states = None if reader is None else self.states(reader.connection)
            if reader is not None:
                self._require_own_histories(reader.connection)
            nothing = State(environment, Published(), {}, {})
            state = nothing if states is None else states.snapshot(environment, in_short=True)
            token = None if reader is None else reader.ephemera.get(TOKEN)
            state.sources = self.sources_now(state, verify=verify_sources, taken_in=taken_in)
            if state.published:
                state.warehouse = self._warehouse_now(state, token, verify_data)
            survey = self.judge(graph, state)
        state.published.fetch_by(lambda keys: self._pointed(environment, keys))
        return survey

    def _pointed(self, environment: str, keys: Collection[AssetKey] | None) -> tuple[VersionRecord, ...]:
        """Return published versions as they are recorded now: those of a survey that nobody looked at before."""
        with self.reader() as reader:
            return () if reader is None else self.states(reader.connection).pointed(environment, keys)

    def _require_own_histories(self, connection: sqlite3.Connection) -> None:
        """Raise ProjectError for a rename onto an asset that has a history of its own."""
        renamed = {key: asset for key, asset in self.loaded.notable().items() if asset.renamed_from}
        found = merge_problems(renamed, has_versions(connection, renamed)) if renamed else []
        if found:
            raise ProjectError(tuple(sorted(found)))

    def sources_now(
        self, state: State, *, verify: bool, taken_in: Collection[AssetKey] = ()
    ) -> dict[AssetKey, SourceNow]:
        """Return what can be told of each source; with `verify` also that it cannot be told without taking it in."""
        notable = self.loaded.notable().values()
        found = sources_now(notable, state, self.config.root, verify=verify)
        by_code = [asset for asset in notable if asset.is_read_by_code]
        if by_code:
            from headwater.runtime.code_source import code_sources_now

            found.update(code_sources_now(by_code, state, self.loaded, verify=verify, taken_in=taken_in))
        for asset in notable:
            if asset.is_external and asset.partitions:
                from headwater.runtime.part_files import parts_now

                now = self.outside.now()
                found[asset.key] = parts_now(asset, state, self.config.root, now, verify=verify)
        return found

    def judge(self, graph: AssetGraph, state: State) -> Survey:
        """Decide about every asset on `state`.

        Raises ProjectError with the problems that resolving found. One that only a new delivery can have caused is a
        matter of its asset alone: that asset is UNKNOWN, and says why.
        """
        notable = self.loaded.notable().values()
        if any(asset.mappings for asset in notable):
            from headwater.runtime.mapping_functions import MappingFunctions

            state.functions = MappingFunctions(self.config.root)
        altered = altered_files(state, self.config.root, self.suffix(state.environment))
        state.warehouse = replace(state.warehouse, altered_files=altered)
        state.sources.update(foreign_tables(notable, state, state.warehouse))
        return self.decide(graph, state)

    def decide(self, graph: AssetGraph, state: State) -> Survey:
        """Decide about every asset on `state` as it is given, though it may only be what would be; see `judge`."""
        now = self.outside.now()
        resolved, problems = self.definer.resolve_all(state)
        by_delivery = {p.asset for p in problems if p.asset is not None and self._follows_from_data(p.asset, state)}
        if any(problem.asset not in by_delivery for problem in problems):
            raise ProjectError(tuple(sorted(set(problems))))
        doubted: dict[AssetKey, Resolved] = {}
        for problem in problems:
            key = AssetKey(str(problem.asset))
            found = doubted.get(key, resolved[key])
            undecidable = (*found.definition.undecidable, str(problem))
            doubted[key] = replace(found, definition=replace(found.definition, undecidable=undecidable))
        resolved = resolved.replaced(doubted)
        self.cache.flush()
        decisions, proven = decide_all(graph.order, resolved, state, now, self.config.timezone)
        return Survey(self.loaded, graph, resolved, state, decisions, now, proven)

    def _follows_from_data(self, asset: str, state: State) -> bool:
        """Return whether nobody edited an asset or what it is built from: then a delivery is behind its problem."""
        above = self.loaded.require_graph().ancestors([AssetKey(asset)])
        built = [key for key in above if not self.loaded.assets[key].is_external]
        return all(self._is_as_published(key, state) for key in built)

    def _is_as_published(self, asset: str, state: State) -> bool:
        """Return whether the text of an asset is what its published version was made from."""
        version = state.published.get(AssetKey(asset))
        if version is None:
            return False
        text = source_text(self.loaded.assets[version.asset], self.loaded)
        return version.text == hashlib.sha256(text.encode()).hexdigest()

    def _warehouse_now(self, state: State, token: object, verify_data: bool) -> WarehouseNow:
        path = self.config.warehouse_path
        if not path.exists():
            return warehouse_gone(state.published.values())
        try:
            if not verify_data and token is not None and file_token(path) == token:
                return WarehouseNow()
            holder = holder_of(self.lock_path)
            if holder is not None:
                because = f"{holder} holds the warehouse, so its data cannot be verified now."
                return WarehouseNow(verified=False, because=because)
            with self.hold("stale", environment=state.environment, timeout_seconds=0, verify_data=verify_data) as held:
                return held.state.warehouse
        except WarehouseInvalid as error:
            return WarehouseNow(findings=(error.message,))
        except StateInvalid:
            raise
        except ResourceError as error:  # locked, unreadable, or no lock can be made here
            return WarehouseNow(verified=False, because=error.message)

    @property
    def lock_path(self) -> Path:
        """The lock that whoever holds the warehouse holds."""
        return self.config.home / "warehouse.lock"

    @contextmanager
    def hold(
        self, run: str, *, environment: str, timeout_seconds: float | None = None, verify_data: bool = False
    ) -> Iterator[Held]:
        """Hold lock, ledger and warehouse; finish or discard what an interrupted run left; let go of all at the end.

        Raises WarehouseLocked naming the holder where the time runs out, WarehouseInvalid, StateInvalid, ResourceError.
        """
        from headwater.runtime.held import Held

        suffix = self.suffix(environment)
        limit = self.config.lock_timeout_seconds if timeout_seconds is None else timeout_seconds
        with ExitStack() as stack:
            lock = stack.enter_context(self._lock(run, limit))
            held = Held(self, lock, environment, suffix, run, limit, verify_data)
            stack.callback(held.close)
            stack.enter_context(sqlite_errors(self.config.state_path))
            self._require_own_histories(held.ledger.connection)
            yield held

    def _lock(self, run: str, timeout_seconds: float) -> FileLock:
        holder = Holder(run, os.getpid(), host_name(), to_iso(self.outside.now()))
        return acquire(
            self.lock_path,
            holder,
            timeout_seconds=timeout_seconds,
            clock=self.outside.monotonic,
            wait=self.outside.wait,
        )

    def open_warehouse(self, identity: str, timeout_seconds: float) -> Warehouse:
        """Open the warehouse, waiting for a short reader to let go of it."""
        open_ = open_engine(self.config.engine)
        return until_free(
            lambda: open_(
                self.config.warehouse_path,
                new_identity=identity,
                timezone=self.config.timezone,
                folders=[self.config.root],
            ),
            timeout_seconds=timeout_seconds,
            clock=self.outside.monotonic,
            wait=self.outside.wait,
        )
