"""Lock, ledger and warehouse held together, with the state brought up to date: where a run, and recovery, begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.assets.errors import WarehouseInvalid
from headwater.assets.key import AssetKey
from headwater.lineage import record
from headwater.lineage.encoding import JsonValue
from headwater.lineage.record import Draft
from headwater.runtime.engines.engine import Warehouse
from headwater.runtime.engines.file_token import file_token
from headwater.runtime.filelock import FileLock
from headwater.runtime.keys import FileKeys
from headwater.runtime.ledger import LedgerStore
from headwater.runtime.observe import identity_findings, verify_warehouse, warehouse_gone
from headwater.runtime.projections import StateProjector
from headwater.runtime.publish import Hands, draft, recover
from headwater.runtime.published_files import discard_drafts, located
from headwater.runtime.signing import require_key, sign
from headwater.runtime.state import PublishedFile, State, WarehouseNow

if TYPE_CHECKING:
    from headwater.runtime.workspace import Workspace

TOKEN = "warehouse_token"  # ephemera: the file token when Headwater last let go of the warehouse


class Held:
    """What one process holds while it works. The warehouse is opened on first use, and verified where it may differ."""

    def __init__(
        self,
        workspace: Workspace,
        lock: FileLock,
        environment: str,
        suffix: str,
        run: str,
        timeout_seconds: float,
        verify_data: bool,
    ) -> None:
        self.workspace = workspace
        self.environment = environment
        self.suffix = suffix
        self.run = run
        self._timeout_seconds = timeout_seconds
        self._verify_data = verify_data
        self.actor = workspace.outside.actor()
        config = workspace.config
        self._keys = FileKeys(config.home / "keys")
        self.ledger = LedgerStore.open(
            config.state_path,
            StateProjector(),
            workspace.outside.now,
            create=True,
            signer_for=self._keys.signer,
        )
        self.reader = workspace.states(self.ledger.connection)
        self._warehouse: Warehouse | None = None
        self._state: State | None = None
        self._suspect: frozenset[str] = frozenset()  # physical names found altered, until replaced
        self._trusted = False  # until all that is published was verified, or the file is as it was left
        try:
            self.reader.require_complete()
            unfinished = self.reader.unfinished_runs()
            in_flight = self.reader.in_flight()
            if unfinished or in_flight:
                self._recover(unfinished)
        except BaseException:
            self.close()
            raise

    @property
    def state(self) -> State:
        """The state, with the warehouse verified where its file is not as it was left."""
        if self._state is None:
            state = self.reader.snapshot(self.environment)
            state.warehouse = self._warehouse_now()
            self._state = state
        return self._state

    @property
    def warehouse(self) -> Warehouse:
        """The open warehouse. Raises WarehouseInvalid where it is not the one that the ledger knows."""
        if self._warehouse is None:
            self._warehouse, findings = self._open()
            if findings:
                self._trusted = False
                raise WarehouseInvalid(
                    findings[0],
                    "Put the right file back; or delete the warehouse, and the next run builds everything anew.",
                )
        return self._warehouse

    def record_renames(self) -> None:
        """Record the renames that are declared and that the ledger does not know: from here on, names are today's."""
        drafts = [
            draft(record.DEFINITION_CHANGED, new, str(new), {"renamed_from": str(old)}, f"It was called {old} before.")
            for old, new in self.reader.names.now.items()
        ]
        if drafts:
            self.ledger.append(drafts, self.actor)
            self.reader = self.workspace.states(self.ledger.connection)

    def hands(self) -> Hands:
        """Return everything that publishing has an effect on."""
        config = self.workspace.config
        return Hands(
            self.ledger,
            self.warehouse,
            config.root,
            self.workspace.store,
            self.actor,
            self.environment,
            self.suffix,
            self.run,
        )

    def require_key(self) -> None:
        """Raise ResourceError where the key that signed this ledger is gone: another one could not follow on it."""
        require_key(self.ledger, self._keys)

    def checkpoint(self) -> None:
        """Sign what the ledger holds now. The note is kept in the ledger, and beside it as a file to give away."""
        sign(self.ledger, self._keys, self.workspace.config.home)

    def close(self) -> None:
        """Let go of warehouse and ledger; the warehouse's token is kept, so that nobody has to look inside next time.

        It is not kept while anything in the warehouse is wrong or was not looked at: the next one has to look again.
        """
        try:
            if self._warehouse is not None:
                token = self._warehouse.close()
                pointed = {version.physical for _, version in self.reader.published_anywhere()}
                if self._trusted and not (pointed & self._suspect):
                    self.ledger.ephemera.put(TOKEN, token)
                else:
                    self.ledger.ephemera.delete(TOKEN)
        finally:
            self._warehouse = None
            self.ledger.close()

    def _warehouse_now(self) -> WarehouseNow:
        config = self.workspace.config
        pointed = [(config.environments.get(e), version) for e, version in self.reader.shown_anywhere()]
        found = WarehouseNow()
        if self._warehouse is None and pointed:
            if not config.warehouse_path.exists():
                found = warehouse_gone(version for _, version in pointed)
            elif self._verify_data or file_token(config.warehouse_path) != self.ledger.ephemera.get(TOKEN):
                self._warehouse, findings = self._open()
                if findings:
                    return WarehouseNow(findings=findings)
        if self._warehouse is not None:
            found = verify_warehouse(self._warehouse, pointed)
        self._suspect = frozenset(v.physical for _, v in pointed if v.physical in found.altered)
        self._trusted = True
        return found

    def _open(self) -> tuple[Warehouse, tuple[str, ...]]:
        """Open the warehouse; one that is gone is made anew under the identity that the ledger knows."""
        known = self.reader.warehouse()
        made_anew = not self.workspace.config.warehouse_path.exists()
        identity = known[0] if known is not None and made_anew else self.workspace.outside.new_id()
        warehouse = self.workspace.open_warehouse(identity, self._timeout_seconds)
        findings = () if made_anew else self._compare(warehouse)
        return warehouse, findings

    def _compare(self, warehouse: Warehouse) -> tuple[str, ...]:
        in_flight = {p.number for p in self.reader.in_flight()}
        last = warehouse.last_publication()
        known = self.reader.warehouse()
        if known is not None and last in in_flight:
            known = (known[0], last)  # committed, and its outcome was never recorded: recovery will
        return identity_findings(known, warehouse.identity, last, self.workspace.config.warehouse)

    def _recover(self, unfinished: tuple[str, ...]) -> None:
        """Finish or discard publications by their marker, clear away what nothing refers to, record the runs' end."""
        config = self.workspace.config
        recover(
            self.ledger,
            self.warehouse,
            self.actor,
            config.root,
            self.workspace.store,
            self.reader.in_flight(),
            self._file_of,
            lambda environment: config.environments.get(environment, f"__{environment}"),
        )
        orphans = sorted(self.warehouse.physical_names() - self.reader.physical_names())
        self.warehouse.drop(orphans)
        declared = (asset.materialization.path for asset in self.workspace.loaded.assets.values())
        paths = [located(path, suffix) for path in declared if path for suffix in config.environments.values()]
        discard_drafts(config.root, self.workspace.store, paths)
        for run in unfinished:
            payload: dict[str, JsonValue] = {"dropped_stages": len(orphans)}
            why = "The process that ran it ended without recording an end."
            self.ledger.append([Draft(record.RUN_INTERRUPTED, "run", run, payload, why)], self.actor)

    def _file_of(self, asset: AssetKey, number: int) -> PublishedFile | None:
        return next((v.file for v in self.reader.versions(asset) if v.number == number), None)
