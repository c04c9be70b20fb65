"""Projections: current state, derived from ledger entries in the transaction that appends them.

`ledger rebuild` drops these tables and applies every entry again, so nothing may be kept here that the entries (and
the blobs they name) do not say. One function for each kind of entry, found in one table.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from headwater.assets.errors import IntegrityError
from headwater.lineage import record
from headwater.lineage.record import Entry
from headwater.lineage.schema import SchemaColumns
from headwater.runtime.renaming import fresh_identity, named_in_record, rename_in_record
from headwater.runtime.standing import judged_by, made_of, shape_of

_TABLES: Mapping[str, str] = {
    "version": (
        "asset text, number integer, run text, physical text, trace_key text, verdict text, created text, record text, "
        "gate text, primary key (asset, number)"
    ),
    # Each version in short: see `standing`. `judged` is null until there is a verdict.
    "standing": (
        "asset text, number integer, kind text, made text, judged text, shape text, dated integer, "
        "primary key (asset, number)"
    ),
    "pointer": (
        "environment text, asset text, number integer, publication text, since text, name text, "
        "primary key (environment, asset)"
    ),
    "publication": "id text primary key, number integer, environment text, run text, outcome text, at text, items text",
    "token": "asset text, number integer, columns text, token text, primary key (asset, number, columns)",
    # Of single slices: what they hold, what each saw of an upstream under its own condition, and what a version shows
    # under such a condition to a reader's partition.
    "slice_held": "asset text, columns text, slice integer, token text, primary key (asset, columns, slice)",
    "slice_seen": (
        "asset text, upstream text, columns text, slice integer, token text, "
        "primary key (asset, upstream, columns, slice)"
    ),
    "part_shown": (
        "asset text, number integer, columns text, partition text, token text, "
        "primary key (asset, number, columns, partition)"
    ),
    "source": "asset text primary key, state text, digest text, at text, number integer",
    "run": (
        "id text primary key, environment text, started text, finished text, outcome text, plan_hash text, actor text, "
        "host text, pid integer, record text"
    ),
    "step": "run text, asset text, outcome text, number integer, at text, record text, primary key (run, asset)",
    "dynamic_key": (
        "list text, key text, place integer, since text, retired text, primary key (list, key), unique (list, place)"
    ),
    "tally": "versions integer, publications integer, runs integer",
    "hold": (
        "environment text, asset text, number integer, at text, by text, why text, "
        "primary key (environment, asset, number)"
    ),
    "renamed": "old text, asset text, identity text, seq integer, primary key (old, asset)",
    "disposed": "physical text primary key, at text",
    "warehouse": "identity text primary key, publications integer",
}
_INDEXES = (
    "create index version_trace on version (asset, trace_key)",
    "create index version_rejected on version (asset) where verdict = 'BLOCK'",
    "create index step_asset on step (asset)",
)


class StateProjector:
    """Keeps the tables above. `apply` runs inside the ledger's transaction and sees nothing but the entry."""

    tables: tuple[str, ...] = tuple(_TABLES)

    def create(self, connection: sqlite3.Connection) -> None:
        """Create the empty tables."""
        for name, columns in _TABLES.items():
            connection.execute(f"create table {name} ({columns})")
        for statement in _INDEXES:
            connection.execute(statement)

    def apply(self, connection: sqlite3.Connection, entry: Entry) -> None:
        """Bring the tables up to date with one entry; a kind that changes no state is passed over."""
        handler = _HANDLERS.get(entry.type)
        if handler is not None:
            handler(connection, entry, payload_of(connection, entry))


def payload_of(connection: sqlite3.Connection, entry: Entry) -> Mapping[str, object]:
    """Return the payload of `entry`, from its blob where it was too large to write into the entry."""
    blob = next((blob for blob in entry.blobs if blob.name == "payload"), None)
    if blob is None:
        return entry.payload
    row = connection.execute("select data from blob where digest = ?", (blob.sha256,)).fetchone()
    if row is None:
        raise IntegrityError(
            f"The payload of entry {entry.seq} is gone from the ledger.", "Restore the state file from a backup."
        )
    return dict(json.loads(row[0]))


Payload = Mapping[str, object]
Handler = Callable[[sqlite3.Connection, Entry, Payload], None]


def _tally(db: sqlite3.Connection, column: str) -> None:
    """Count what was inserted, so that rows which go missing are noticed before anything is numbered after them."""
    if not db.execute(f"update tally set {column} = {column} + 1").rowcount:
        db.execute("insert into tally values (0, 0, 0)")
        db.execute(f"update tally set {column} = 1")


def _version_staged(db: sqlite3.Connection, entry: Entry, payload: Payload) -> None:
    _tally(db, "versions")
    _slice_facts(db, entry.stream, payload)
    payload = {name: value for name, value in payload.items() if name not in ("held", "seen", "shown")}
    db.execute(
        "insert into version values (?, ?, ?, ?, ?, '', ?, ?, '{}')",
        (
            entry.stream,
            payload["number"],
            payload["run"],
            payload["physical"],
            entry.subject,
            entry.ts,
            json.dumps(payload, sort_keys=True),
        ),
    )
    definition_hash = str(payload["definition_hash"])
    values = (
        entry.stream,
        payload["number"],
        payload["kind"],
        made_of(definition_hash, _reads(payload, "trace")),
        shape_of(definition_hash, _columns(payload["schema"])),
        int(entry.stream in (name for name, _ in _rows(payload, "data_times"))),
    )
    db.execute("insert into standing values (?, ?, ?, ?, null, ?, ?)", values)


def _slice_facts(db: sqlite3.Connection, asset: str, payload: Payload) -> None:
    for columns, tokens in _rows(payload, "held"):
        held = [(asset, columns, slice_, token) for slice_, token in tokens]
        db.executemany("insert or replace into slice_held values (?, ?, ?, ?)", held)
    for upstream, columns, tokens in _rows(payload, "seen"):
        seen = [(asset, upstream, columns, slice_, token) for slice_, token in tokens]
        db.executemany("insert or replace into slice_seen values (?, ?, ?, ?, ?)", seen)
    for columns, tokens in _rows(payload, "shown"):
        shown = [(asset, payload["number"], columns, partition, token) for partition, token in tokens]
        db.executemany("insert or replace into part_shown values (?, ?, ?, ?, ?)", shown)


def _rows(payload: Payload, name: str) -> list[Any]:
    found = payload.get(name, [])
    assert isinstance(found, list | tuple)
    return list(found)


def _gate(db: sqlite3.Connection, entry: Entry, payload: Payload) -> None:
    db.execute(
        "update version set verdict = ?, gate = ? where asset = ? and number = ?",
        (payload["verdict"], json.dumps(payload, sort_keys=True), entry.stream, payload["number"]),
    )
    values = (_judged(payload), entry.stream, payload["number"])
    db.execute("update standing set judged = ? where asset = ? and number = ?", values)
    if payload["verdict"] == "BLOCK":
        _step(db, str(payload["run"]), entry.stream, "BLOCKED", payload["number"], entry.ts, {})
    elif payload.get("recheck"):
        message = {"message": "Its checks were evaluated again."}
        _step(db, str(payload["run"]), entry.stream, "RECHECKED", payload["number"], entry.ts, message)


def _publish_intended(db: sqlite3.Connection, entry: Entry, payload: Payload) -> None:
    _tally(db, "publications")
    db.execute(
        "insert into publication values (?, ?, ?, ?, 'INTENDED', ?, ?)",
        (
            payload["publication"],
            payload["number"],
            payload["environment"],
            payload["run"],
            entry.ts,
            json.dumps(payload["items"], sort_keys=True),
        ),
    )


def _published(db: sqlite3.Connection, entry: Entry, payload: Payload) -> None:
    publication = payload["publication"]
    row = db.execute("select environment, run, items, number from publication where id = ?", (publication,)).fetchone()
    environment, run, items, number = row
    db.execute("update publication set outcome = 'PUBLISHED', at = ? where id = ?", (entry.ts, publication))
    db.execute("update warehouse set publications = max(publications, ?)", (number,))
    for item in json.loads(items):
        if item["number"] is None:
            db.execute("delete from pointer where environment = ? and asset = ?", (environment, item["asset"]))
            _step(db, run, item["asset"], item["action"], None, entry.ts, {"changed": item["changed"]})
            continue
        db.execute(
            "insert or replace into pointer values (?, ?, ?, ?, ?, ?)",
            (environment, item["asset"], item["number"], publication, entry.ts, item["asset"]),
        )
        _step(db, run, item["asset"], item["action"], item["number"], entry.ts, {"changed": item["changed"]})


def _publish_abandoned(db: sqlite3.Connection, entry: Entry, payload: Payload) -> None:
    db.execute("update publication set outcome = 'ABANDONED', at = ? where id = ?", (entry.ts, payload["publication"]))


def _input_resolved(db: sqlite3.Connection, entry: Entry, payload: Payload) -> None:
    _slice_facts(db, entry.stream, payload)
    for columns, token in _rows(payload, "tokens"):
        db.execute(
            "insert or replace into token values (?, ?, ?, ?)", (entry.stream, payload["number"], columns, token)
        )


def _source_observed(db: sqlite3.Connection, entry: Entry, payload: Payload) -> None:
    db.execute(
        "insert or replace into source values (?, ?, ?, ?, ?)",
        (entry.stream, payload["state"], payload["digest"], payload["at"], payload["number"]),
    )


def _partition_added(db: sqlite3.Connection, entry: Entry, payload: Payload) -> None:
    """A key that comes back has its old place: what it holds is told by key, and nobody has to move."""
    for key in _texts(payload["keys"]):
        place = "(select coalesce(max(place), -1) + 1 from dynamic_key where list = ?)"
        db.execute(
            f"insert into dynamic_key values (?, ?, {place}, ?, null) "
            "on conflict (list, key) do update set since = excluded.since, retired = null where retired is not null",
            (entry.subject, key, entry.subject, entry.ts),
        )


def _partition_retired(db: sqlite3.Connection, entry: Entry, payload: Payload) -> None:
    for key in _texts(payload["keys"]):
        db.execute(
            "update dynamic_key set retired = ? where list = ? and key = ? and retired is null",
            (entry.ts, entry.subject, key),
        )


def _run_started(db: sqlite3.Connection, entry: Entry, payload: Payload) -> None:
    _tally(db, "runs")
    db.execute(
        "insert into run values (?, ?, ?, null, null, ?, ?, ?, ?, ?)",
        (
            entry.subject,
            payload["environment"],
            entry.ts,
            payload["plan_hash"],
            entry.actor.id,
            payload["host"],
            payload["pid"],
            "{}",
        ),
    )
    if payload["warehouse"]:  # a run that had nothing to do may not have looked which one it is
        db.execute("insert or ignore into warehouse values (?, 0)", (payload["warehouse"],))


def _run_finished(db: sqlite3.Connection, entry: Entry, payload: Payload) -> None:
    db.execute(
        "update run set finished = ?, outcome = ?, record = ? where id = ?",
        (entry.ts, payload["outcome"], json.dumps(payload, sort_keys=True), entry.subject),
    )
    for outcome in ("SKIPPED", "CANCELLED"):
        for asset, message in _pairs(payload.get(outcome.lower(), [])):
            _step(db, entry.subject, asset, outcome, None, entry.ts, {"message": message})


def _run_interrupted(db: sqlite3.Connection, entry: Entry, payload: Payload) -> None:
    db.execute("update run set finished = ?, outcome = 'INTERRUPTED' where id = ?", (entry.ts, entry.subject))


def _hold_placed(db: sqlite3.Connection, entry: Entry, payload: Payload) -> None:
    values = (payload["environment"], entry.stream, payload["number"], entry.ts, entry.actor.id, payload["why"])
    db.execute("insert or replace into hold values (?, ?, ?, ?, ?, ?)", values)


def _hold_lifted(db: sqlite3.Connection, entry: Entry, payload: Payload) -> None:
    values = (payload["environment"], entry.stream, payload["number"])
    db.execute("delete from hold where environment = ? and asset = ? and number = ?", values)


_NAMED = (
    "version", "standing", "pointer", "token", "source", "step", "hold", "renamed", "slice_held", "slice_seen",
    "part_shown",
)  # fmt: skip


def _definition_changed(db: sqlite3.Connection, entry: Entry, payload: Payload) -> None:
    """Bring all that is kept of a renamed asset under its new name. What readers find is still called as it was."""
    if "renamed_from" not in payload:
        return
    old, new = str(payload["renamed_from"]), entry.stream
    known = dict(db.execute("select asset, identity from renamed"))
    identity = known.get(old) or fresh_identity(old, known.values())
    for number, text in db.execute("select number, record from version where asset = ?", (old,)).fetchall():
        db.execute(
            "update version set record = ? where asset = ? and number = ?", (named_in_record(text, old), old, number)
        )
    for table in _NAMED:
        db.execute(f"update or replace {table} set asset = ? where asset = ?", (new, old))
    db.execute("update or replace slice_seen set upstream = ? where upstream = ?", (new, old))
    quoted = f'%"{old}"%'
    found = db.execute(
        "select asset, number, record, gate from version where record like ? or gate like ?", (quoted, quoted)
    ).fetchall()
    for asset, number, *texts in found:
        db.execute(
            "update version set record = ?, gate = ? where asset = ? and number = ?",
            (*(rename_in_record(text, old, new) for text in texts), asset, number),
        )
        _restate(db, asset, number)
    for id_, items in db.execute("select id, items from publication where items like ?", (quoted,)).fetchall():
        changed = [{**it, "asset": new if it["asset"] == old else it["asset"]} for it in json.loads(items)]
        db.execute("update publication set items = ? where id = ?", (json.dumps(changed, sort_keys=True), id_))
    db.execute("insert or replace into renamed values (?, ?, ?, ?)", (old, new, identity, entry.seq))
    db.execute("delete from renamed where old = asset")


def _restate(db: sqlite3.Connection, asset: str, number: int) -> None:
    """Say again in short what a version was made from, which is called otherwise now."""
    query = "select record, gate from version where asset = ? and number = ?"
    record, gate = map(json.loads, db.execute(query, (asset, number)).fetchone())
    made = made_of(record["definition_hash"], _reads(record, "trace"))
    values = (made, _judged(gate) if gate else None, asset, number)
    db.execute("update standing set made = ?, judged = ? where asset = ? and number = ?", values)


def _disposed(db: sqlite3.Connection, entry: Entry, payload: Payload) -> None:
    for _, physical in _pairs(payload["versions"]):
        db.execute("insert or replace into disposed values (?, ?)", (physical, entry.ts))


def _step_failed(db: sqlite3.Connection, entry: Entry, payload: Payload) -> None:
    _step(db, str(payload["run"]), entry.stream, "FAILED", None, entry.ts, {"error": payload["error"]})


def _verified_equal(db: sqlite3.Connection, entry: Entry, payload: Payload) -> None:
    _step(db, str(payload["run"]), entry.stream, "VERIFIED_EQUAL", payload["number"], entry.ts, {"message": entry.why})


def _step_held(db: sqlite3.Connection, entry: Entry, payload: Payload) -> None:
    outcome = str(payload.get("outcome", "HELD"))
    _step(db, str(payload["run"]), entry.stream, outcome, payload.get("number"), entry.ts, {"message": entry.why})


def _step(
    db: sqlite3.Connection, run: str, asset: str, outcome: str, number: object, at: str, extra: Mapping[str, object]
) -> None:
    values = (run, asset, outcome, number, at, json.dumps(extra, sort_keys=True))
    db.execute("insert or replace into step values (?, ?, ?, ?, ?, ?)", values)


def _judged(gate: Payload) -> str:
    return "" if gate["verdict"] == "BLOCK" else judged_by(str(gate["checks_id"]), _reads(gate, "reads"))


def _reads(payload: Payload, name: str) -> list[tuple[str, int]]:
    """Return the upstreams and version numbers of a recorded trace."""
    return [(upstream, number) for upstream, number, *_ in _rows(payload, name)]


def _columns(value: object) -> SchemaColumns:
    assert isinstance(value, list | tuple)
    return tuple((name, type_) for name, type_ in value)


def _texts(value: object) -> list[str]:
    return [str(text) for text in value] if isinstance(value, list | tuple) else []


def _pairs(value: object) -> list[tuple[str, str]]:
    return [(str(a), str(b)) for a, b in value] if isinstance(value, list | tuple) else []


_HANDLERS: Mapping[str, Handler] = {
    record.VERSION_STAGED: _version_staged,
    record.GATE_PASSED: _gate,
    record.GATE_BLOCKED: _gate,
    record.PUBLISH_INTENDED: _publish_intended,
    record.PUBLISHED: _published,
    record.PUBLISH_ABANDONED: _publish_abandoned,
    record.INPUT_RESOLVED: _input_resolved,
    record.SOURCE_OBSERVED: _source_observed,
    record.PARTITION_ADDED: _partition_added,
    record.PARTITION_RETIRED: _partition_retired,
    record.RUN_STARTED: _run_started,
    record.RUN_FINISHED: _run_finished,
    record.RUN_INTERRUPTED: _run_interrupted,
    record.DEFINITION_CHANGED: _definition_changed,
    record.HOLD_PLACED: _hold_placed,
    record.HOLD_LIFTED: _hold_lifted,
    record.RETENTION_DISPOSED: _disposed,
    record.STEP_FAILED: _step_failed,
    record.VERIFIED_EQUAL: _verified_equal,
    record.HELD: _step_held,
}
