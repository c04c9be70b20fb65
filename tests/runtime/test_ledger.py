"""The store: one transaction per append, contiguous under many writers, guarded, signed, rebuilt exactly."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headwater.assets.errors import (
    EncodingError,
    IntegrityError,
    ResourceError,
    StateDamaged,
    StateInvalid,
)
from headwater.lineage.checkpoint import open_checkpoint
from headwater.lineage.merkle import inclusion_proof, leaf_hash, verify_inclusion
from headwater.lineage.record import CLOCK_ANOMALY, LEDGER_CREATED, Actor, Blob, Draft, Entry
from headwater.runtime.keys import FileKeys
from headwater.runtime.ledger import LedgerStore, timestamp
from headwater.runtime.ledger_projection import NoProjections, projection_differences
from headwater.runtime.ledger_reader import LedgerReader
from headwater.runtime.ledger_verify import verify_ledger

ANN = Actor("ann")
START = datetime(2026, 11, 20, 8, tzinfo=UTC)


class Counts:
    """A toy projection: entries and the largest payload number for each stream, and the texts of blobs."""

    tables: tuple[str, ...] = ("counted", "texts")

    def create(self, connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE counted (stream TEXT PRIMARY KEY, entries INTEGER, largest)")
        connection.execute("CREATE TABLE texts (seq INTEGER, data BLOB)")
        connection.execute("CREATE INDEX texts_by_data ON texts (data)")

    def apply(self, connection: sqlite3.Connection, entry: Entry) -> None:
        connection.execute(
            "INSERT INTO counted VALUES (?, 1, ?) ON CONFLICT (stream) DO UPDATE "
            "SET entries = entries + 1, largest = max(largest, excluded.largest)",
            (entry.stream, entry.payload.get("number", 0)),
        )
        for blob in entry.blobs:
            row = connection.execute("SELECT data FROM blob WHERE digest = ?", (blob.sha256,)).fetchone()
            connection.execute("INSERT INTO texts VALUES (?, ?)", (entry.seq, row[0]))


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.moment = START

    def __call__(self) -> datetime:
        return self.moment


Opener = Callable[..., LedgerStore]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".headwater" / "state.db"


@pytest.fixture
def keys(path: Path) -> FileKeys:
    return FileKeys(path.parent / "keys")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(path: Path, keys: FileKeys, clock: Clock) -> Iterator[LedgerStore]:
    with LedgerStore.open(path, Counts(), clock, create=True, signer_for=keys.signer) as opened:
        yield opened


def drafts(*numbers: int, stream: str = "mart.a") -> list[Draft]:
    return [Draft("version.staged", stream, f"{stream}@v{number}", {"number": number}) for number in numbers]


def test_a_new_ledger_is_signed_from_its_first_moment(store: LedgerStore, path: Path, keys: FileKeys) -> None:
    (created,) = store.entries()
    assert (created.type, created.payload["origin"], created.seq) == (LEDGER_CREATED, store.origin, 0)
    note = store.latest_checkpoint()
    assert note is not None
    assert open_checkpoint(note, keys.verifiers(), store.origin).size == 1
    assert verify_ledger(path, keys.verifiers(), Counts()).verdict == "VERIFIED"


def test_an_append_returns_what_it_recorded(store: LedgerStore) -> None:
    first, second = store.append(
        [
            Draft("plan.made", "run", "r1", {"steps": ("a", "b"), "none": None}, "asked for"),
            Draft("run.started", "run", "r1"),
        ],
        Actor("ann", "user", "bob"),
    )
    assert (first.seq, first.stream_seq, first.stream_prev, first.ts) == (1, 0, None, "2026-11-20T08:00:00.000000Z")
    assert first.payload == {"steps": ["a", "b"], "none": None}
    assert (first.why, first.subject, first.actor) == ("asked for", "r1", Actor("ann", "user", "bob"))
    assert (second.stream_seq, second.stream_prev) == (1, leaf_hash(first.to_bytes()).hex())
    assert list(store.entries(1)) == [first, second]
    assert list(store.entries(2, 3)) == [second]


def test_appending_nothing_changes_nothing(store: LedgerStore) -> None:
    assert store.append([], ANN) == ()
    assert store.size() == 1


def test_projections_follow_in_the_same_transaction(store: LedgerStore) -> None:
    store.append([*drafts(1, 5, 3), *drafts(2, stream="mart.b")], ANN)
    rows = store.connection.execute("SELECT * FROM counted ORDER BY stream").fetchall()
    assert rows == [("ledger", 1, 0), ("mart.a", 3, 5), ("mart.b", 1, 2)]


def test_one_bad_draft_and_nothing_is_recorded(store: LedgerStore) -> None:
    with pytest.raises(EncodingError, match=r"payload\.number is a float"):
        store.append([*drafts(1), Draft("version.staged", "mart.a", "", {"number": 1.5})], ANN)  # type: ignore[dict-item]
    assert store.size() == 1
    assert store.append(drafts(2), ANN)[0].seq == 1


def test_a_payload_changed_by_its_owner_later_does_not_change_the_entry(store: LedgerStore) -> None:
    payload = {"steps": ["a"]}
    (entry,) = store.append([Draft("plan.made", "run", "", payload)], ANN)
    payload["steps"].append("b")
    assert entry.payload == {"steps": ["a"]} == next(store.entries(1)).payload


def test_large_payloads_go_into_blobs(store: LedgerStore, path: Path, keys: FileKeys) -> None:
    blob = Blob("plan", b"x" * 100_000, "application/json")
    (entry,) = store.append([Draft("plan.made", "run", "r1", {}, "", (blob,))], ANN)
    store.append([Draft("plan.made", "run", "r2", {}, "", (blob,))], ANN)
    assert entry.blobs == (blob.reference,)
    assert store.blob(blob.reference.sha256) == blob.data
    assert store.blob("00" * 32) is None
    assert store.connection.execute("SELECT count(*) FROM blob").fetchone() == (1,)
    with pytest.raises(EncodingError, match="as a blob"):
        store.append([Draft("plan.made", "run", "", {"plan": "x" * 100_000})], ANN)
    assert verify_ledger(path, keys.verifiers(), Counts()).findings == ()


def test_a_clock_that_goes_backwards_is_noted_and_order_stays(store: LedgerStore, clock: Clock) -> None:
    store.append(drafts(1), ANN)
    clock.moment -= timedelta(hours=1)
    (entry,) = store.append(drafts(2), ANN)
    store.append(drafts(3), ANN)
    kinds = [recorded.type for recorded in store.entries(2)]
    assert kinds == [CLOCK_ANOMALY, "version.staged", "version.staged"]
    assert entry.seq == 3
    anomaly = next(store.entries(2))
    assert anomaly.payload == {"before": "2026-11-20T08:00:00.000000Z", "now": "2026-11-20T07:00:00.000000Z"}
    assert (anomaly.actor.id, anomaly.actor.on_behalf_of) == ("headwater", "ann")


def test_times_are_utc_and_sort_as_text() -> None:
    assert timestamp(datetime.fromisoformat("2026-03-29T03:30:00+02:00")) == "2026-03-29T01:30:00.000000Z"
    assert timestamp(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01T00:00:00.000000Z"
    with pytest.raises(ValueError, match="aware"):
        timestamp(datetime(2026, 1, 1))


def test_any_entry_can_be_proven_from_the_stored_nodes(store: LedgerStore, path: Path, keys: FileKeys) -> None:
    store.append(drafts(*range(20)), ANN)
    root = open_checkpoint(store.checkpoint(keys.signer(store.origin)), keys.verifiers()).root
    with LedgerReader.open(path) as reader:
        for seq, body in reader.bodies(0, 21):
            proof = inclusion_proof(seq, 21, lambda level, position: reader.nodes(level, position, position + 1)[0])
            verify_inclusion(leaf_hash(body), seq, 21, proof, root)


# Checkpoints


def test_a_checkpoint_covers_everything_and_is_stored(store: LedgerStore, keys: FileKeys) -> None:
    store.append(drafts(1, 2, 3), ANN)
    signer = keys.signer(store.origin)
    note = store.checkpoint(signer)
    assert open_checkpoint(note, keys.verifiers(), store.origin).size == 4
    assert store.latest_checkpoint() == note
    assert store.checkpoint(signer) == note, "nothing was appended, so there is nothing new to sign"
    assert store.connection.execute("SELECT size FROM checkpoint ORDER BY size").fetchall() == [(1,), (4,)]


def test_another_ledgers_key_does_not_sign(store: LedgerStore, keys: FileKeys) -> None:
    with pytest.raises(IntegrityError, match="cannot sign for the ledger"):
        store.checkpoint(keys.signer("headwater.invalid/another"))


def poison(path: Path, statement: str, *parameters: object) -> None:
    """Change the file as whoever holds it can: without its guards."""
    with sqlite3.connect(path) as connection:
        guards = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in guards:
            connection.execute(f"DROP TRIGGER {name}")
        assert connection.execute(statement, parameters).rowcount == 1
        for _, sql in guards:
            connection.execute(sql)
    connection.close()


@pytest.mark.parametrize(("level", "position"), [(0, 0), (0, 2), (0, 6), (1, 0), (1, 2), (2, 0), (2, 1), (3, 0)])
def test_a_poisoned_node_is_named_and_nothing_is_signed(
    level: int, position: int, store: LedgerStore, path: Path, keys: FileKeys
) -> None:
    store.append(drafts(*range(4)), ANN)
    signer = keys.signer(store.origin)
    store.checkpoint(signer)
    store.append(drafts(*range(5)), ANN)
    before = store.latest_checkpoint()
    poison(path, "UPDATE node SET hash = zeroblob(32) WHERE level = ? AND position = ?", level, position)
    below = position + 1 << level <= 4
    if below and (level, position) not in {(2, 0)}:  # a node that no later root rests on is audit's to find
        store.checkpoint(signer)
        assert "NODE_MISMATCH" in {finding.code for finding in verify_ledger(path, keys.verifiers()).findings}
        return
    with pytest.raises(IntegrityError, match=f"Node {position} of level {level}"):
        store.checkpoint(signer)
    assert store.latest_checkpoint() == before


def test_an_altered_entry_is_not_signed_over(store: LedgerStore, path: Path, keys: FileKeys) -> None:
    (entry,) = store.append(drafts(1), ANN)
    forged = entry.to_bytes().replace(b'"number":1', b'"number":2')
    poison(path, "UPDATE entry SET body = ? WHERE seq = 1", forged)
    with pytest.raises(IntegrityError, match="Node 1 of level 0"):
        store.checkpoint(keys.signer(store.origin))


def test_a_forged_last_checkpoint_vouches_for_nothing(store: LedgerStore, path: Path, keys: FileKeys) -> None:
    """With a forged note over poisoned nodes, all bodies are hashed again, and the poison shows."""
    store.append(drafts(1, 2, 3), ANN)
    signer = keys.signer(store.origin)
    note = store.checkpoint(signer)
    poison(path, "UPDATE checkpoint SET note = ? WHERE size = 4", note.replace(b"\n4\n", b"\n5\n"))
    poison(path, "UPDATE node SET hash = zeroblob(32) WHERE level = 2 AND position = 0")
    store.append(drafts(4), ANN)
    with pytest.raises(IntegrityError, match="Node 0 of level 2"):
        store.checkpoint(signer)


def test_a_signer_that_signs_something_else_is_caught(store: LedgerStore, keys: FileKeys) -> None:
    class Liar:
        vkey = keys.signer(store.origin).vkey

        def sign(self, message: bytes) -> bytes:
            return keys.signer(store.origin).sign(message + b"x")

    store.append(drafts(1), ANN)
    with pytest.raises(IntegrityError, match="does not verify"):
        store.checkpoint(Liar())
    assert store.checkpoint(keys.signer(store.origin)), "and the next honest one goes through"


# Projections


def test_a_rebuild_reproduces_the_projections_exactly(store: LedgerStore) -> None:
    store.append([*drafts(3, 1), Draft("plan.made", "run", "", {}, "", (Blob("t", b"text"),))], ANN)
    tables = ("counted", "texts", "head")
    before = {table: store.connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in tables}
    store.connection.execute("UPDATE counted SET largest = 99")
    store.connection.execute("DELETE FROM texts")
    store.connection.execute("UPDATE head SET count = 77")
    assert projection_differences(store.connection, Counts()) == (
        "The projection counted holds ('ledger', 1, 99) where the entries say ('ledger', 1, 0).",
        "The projection texts holds nothing where the entries say (3, b'text').",
    )
    assert store.rebuild() == 4
    after = {table: store.connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in tables}
    assert after == before
    assert projection_differences(store.connection, Counts()) == ()


def test_a_value_of_another_type_is_a_difference(store: LedgerStore) -> None:
    store.connection.execute("UPDATE counted SET largest = 0.0")
    assert projection_differences(store.connection, Counts()) == (
        "The projection counted holds ('ledger', 1, 0.0) where the entries say ('ledger', 1, 0).",
    )


def test_a_projection_defined_otherwise_is_a_difference(store: LedgerStore, path: Path, keys: FileKeys) -> None:
    store.connection.execute("DROP INDEX texts_by_data")
    report = verify_ledger(path, keys.verifiers(), Counts())
    assert [(finding.code, finding.message) for finding in report.findings] == [
        ("PROJECTION_MISMATCH", "The projection texts is not defined as this Headwater defines it.")
    ]


def test_a_missing_projection_is_made_at_the_next_open(store: LedgerStore, path: Path, clock: Clock) -> None:
    store.append(drafts(1, 2), ANN)
    store.connection.execute("DROP TABLE counted")
    store.close()
    with LedgerStore.open(path, Counts(), clock) as again:
        assert projection_differences(again.connection, Counts()) == ()


def test_nothing_is_rebuilt_from_an_altered_entry(store: LedgerStore, path: Path) -> None:
    (entry,) = store.append(drafts(1), ANN)
    poison(path, "UPDATE entry SET body = ? WHERE seq = 1", entry.to_bytes().replace(b":1}", b":2}"))
    before = store.connection.execute("SELECT * FROM counted").fetchall()
    with pytest.raises(IntegrityError, match="Entry 1 does not match"):
        store.rebuild()
    assert store.connection.execute("SELECT * FROM counted").fetchall() == before


class Scripted(Counts):
    """A projector that breaks its contract."""

    def apply(self, connection: sqlite3.Connection, entry: Entry) -> None:
        super().apply(connection, entry)
        if entry.type == "version.staged":
            connection.executescript("SELECT 1")


def test_a_projector_that_ends_the_transaction_is_told_so(path: Path, clock: Clock) -> None:
    with (
        LedgerStore.open(path, Scripted(), clock, create=True) as store,
        pytest.raises(ResourceError, match="may not commit or run scripts"),
    ):
        store.append(drafts(1), ANN)


# Guards

REFUSED = [
    "UPDATE entry SET body = x'00' WHERE seq = 1",
    "UPDATE entry SET seq = 9 WHERE seq = 1",
    "DELETE FROM entry",
    "DELETE FROM entry WHERE seq = 3",
    "INSERT INTO entry VALUES (1, x'00')",
    "INSERT INTO entry VALUES (9, x'00')",
    "INSERT INTO entry VALUES (-1, x'00')",
    "INSERT INTO entry (body) SELECT body FROM entry WHERE seq < 0 UNION ALL SELECT NULL",
    "INSERT OR REPLACE INTO entry VALUES (1, x'00')",
    "REPLACE INTO entry VALUES (3, x'00')",
    "INSERT INTO entry VALUES (1, x'00') ON CONFLICT (seq) DO UPDATE SET body = excluded.body",
    "INSERT INTO entry VALUES (4, 'text')",
    "UPDATE OR REPLACE entry SET seq = 2 WHERE seq = 3",
    "UPDATE node SET hash = zeroblob(32)",
    "DELETE FROM node WHERE level = 0",
    "REPLACE INTO node VALUES (0, 1, zeroblob(32))",
    "INSERT INTO node VALUES (0, 9, zeroblob(32))",
    "UPDATE checkpoint SET note = x'00'",
    "DELETE FROM checkpoint",
    "REPLACE INTO checkpoint VALUES (1, x'00')",
    "INSERT INTO checkpoint VALUES (0, x'00')",
    "UPDATE blob SET data = x'00'",
]


@pytest.mark.parametrize("statement", REFUSED)
def test_the_guards_refuse(statement: str, store: LedgerStore, path: Path, keys: FileKeys) -> None:
    store.append([*drafts(1, 2), Draft("plan.made", "run", "", {}, "", (Blob("t", b"text"),))], ANN)
    with pytest.raises(sqlite3.IntegrityError):
        store.connection.execute(statement)
    assert verify_ledger(path, keys.verifiers(), Counts()).findings == ()


def test_a_blob_stored_again_stays_as_it_is(store: LedgerStore) -> None:
    blob = Blob("t", b"text")
    store.append([Draft("plan.made", "run", "", {}, "", (blob,))], ANN)
    store.connection.execute("REPLACE INTO blob VALUES (?, x'00')", (blob.reference.sha256,))
    assert store.blob(blob.reference.sha256) == b"text"


def test_an_altered_blob_is_not_handed_out(store: LedgerStore, path: Path) -> None:
    blob = Blob("t", b"text")
    store.append([Draft("plan.made", "run", "", {}, "", (blob,))], ANN)
    poison(path, "UPDATE blob SET data = x'00'")
    with pytest.raises(IntegrityError, match="has been altered"):
        store.blob(blob.reference.sha256)


def test_dropped_guards_are_a_finding(store: LedgerStore, path: Path, keys: FileKeys) -> None:
    store.connection.execute("DROP TRIGGER entry_no_update")
    store.connection.execute("CREATE TRIGGER extra AFTER INSERT ON entry BEGIN SELECT 1; END")
    messages = [finding.message for finding in verify_ledger(path, keys.verifiers()).findings]
    assert [message.split()[7] for message in messages] == ["entry_no_update", "extra"]


# Files


def test_a_missing_ledger_is_not_made_by_looking(path: Path, clock: Clock) -> None:
    for look in (
        lambda: LedgerStore.open(path, Counts(), clock),
        lambda: LedgerReader.open(path),
        lambda: verify_ledger(path, ()),
    ):
        with pytest.raises(StateInvalid, match="There is no ledger") as caught:
            look()
        assert caught.value.exit_code == 3
        assert caught.value.remedy
    assert not path.exists()


def test_an_empty_file_becomes_a_ledger_only_on_request(path: Path, clock: Clock) -> None:
    path.parent.mkdir()
    path.touch()
    with pytest.raises(StateInvalid, match="holds no ledger"):
        LedgerStore.open(path, Counts(), clock)
    with pytest.raises(StateInvalid, match="holds no ledger"):
        LedgerReader.open(path)
    with LedgerStore.open(path, Counts(), clock, create=True) as store:
        assert store.size() == 1


def test_a_ledger_of_a_newer_headwater_is_left_alone(store: LedgerStore, path: Path, clock: Clock) -> None:
    store.connection.execute("PRAGMA user_version = 99")
    store.close()
    before = path.read_bytes()
    for look in (
        lambda: LedgerStore.open(path, Counts(), clock, create=True),
        lambda: LedgerReader.open(path),
        lambda: verify_ledger(path, ()),
    ):
        with pytest.raises(StateInvalid, match=r"newer Headwater \(state version 99.*Upgrade"):
            look()
    assert path.read_bytes() == before


def test_a_file_of_something_else_is_left_alone(path: Path, clock: Clock) -> None:
    path.parent.mkdir()
    path.write_text("name: not a database, however long this text may be\n" * 100)
    before = path.read_bytes()
    with pytest.raises(StateDamaged, match="damaged or not a ledger"):
        LedgerStore.open(path, Counts(), clock, create=True)
    assert verify_ledger(path, ()).verdict == "FAILED"
    assert path.read_bytes() == before


def test_another_sqlite_file_is_left_alone(path: Path, clock: Clock) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE entry (seq INTEGER PRIMARY KEY, body TEXT)")
    connection.close()
    for look in (lambda: LedgerStore.open(path, Counts(), clock, create=True), lambda: verify_ledger(path, ())):
        with pytest.raises(StateInvalid, match="not a Headwater ledger"):
            look()


def test_a_folder_that_cannot_be_made_is_a_resource_error(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ResourceError, match="cannot be made"):
        LedgerStore.open(tmp_path / "file" / "state.db", Counts(), clock, create=True)
    (tmp_path / "folder").mkdir()
    with pytest.raises(ResourceError, match=r"cannot be opened|is unavailable|There is no ledger"):
        LedgerStore.open(tmp_path / "folder", Counts(), clock, create=True)


def test_a_file_that_another_process_locks_says_so(store: LedgerStore, path: Path, clock: Clock) -> None:
    def impatient(at: Path) -> sqlite3.Connection:
        return sqlite3.connect(at, timeout=0, isolation_level=None)

    with LedgerStore.open(path, Counts(), clock, connect=impatient) as other:
        store.connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(ResourceError, match=r"keeps .* locked"):
            other.append(drafts(1), ANN)
        store.connection.execute("ROLLBACK")
        assert other.append(drafts(1), ANN)[0].seq == 1


def test_verification_works_while_a_writer_writes(store: LedgerStore, path: Path, keys: FileKeys) -> None:
    store.append(drafts(1), ANN)
    store.connection.execute("BEGIN IMMEDIATE")
    store.connection.execute("UPDATE counted SET largest = 99")
    assert verify_ledger(path, keys.verifiers(), Counts()).findings == ()
    store.connection.execute("ROLLBACK")


def test_a_reader_sees_one_moment(store: LedgerStore, path: Path) -> None:
    with LedgerReader.open(path) as reader:
        assert reader.size() == 1
        store.append(drafts(1), ANN)
        assert (reader.size(), len(list(reader.entries()))) == (1, 1)
        assert reader.latest_checkpoint() == store.latest_checkpoint()
        assert reader.origin == store.origin


def test_a_copy_verifies_on_its_own(store: LedgerStore, path: Path, keys: FileKeys, tmp_path: Path) -> None:
    store.append(drafts(1, 2), ANN)
    store.checkpoint(keys.signer(store.origin))
    store.close()
    copy = tmp_path / "copy.db"
    shutil.copyfile(path, copy)
    report = verify_ledger(copy, keys.verifiers(), Counts())
    assert (report.verdict, report.entries, report.unsigned) == ("VERIFIED", 3, 0)


def test_a_read_only_copy_is_taken_as_it_is(path: Path, store: LedgerStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on read-only media, where SQLite cannot make the files that readers of a WAL file share."""
    from headwater.runtime import ledger_schema

    store.close()
    opened: list[str] = []
    connect = ledger_schema._connect_uri

    def on_read_only_media(at: Path, query: str) -> sqlite3.Connection:
        opened.append(query)
        if "immutable" in query:
            return connect(at, query)
        error = sqlite3.OperationalError("unable to open database file")
        error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
        raise error

    monkeypatch.setattr(ledger_schema, "_connect_uri", on_read_only_media)
    with LedgerReader.open(path) as reader:
        assert reader.size() == 1
    assert opened == ["mode=ro", "mode=ro&immutable=1"]
    path.with_name("state.db-wal").write_bytes(b"newer entries")
    with pytest.raises(ResourceError, match="cannot be opened"):
        LedgerReader.open(path)


# Ephemera


def test_ephemera_are_kept_forgotten_and_never_in_the_ledger(store: LedgerStore, path: Path) -> None:
    assert store.ephemera.get("token") is None
    store.ephemera.put("token", {"size": 1})
    store.ephemera.put("token", {"size": 2})
    with LedgerReader.open(path) as reader:
        assert reader.ephemera.get("token") == {"size": 2}
        with pytest.raises(ResourceError):
            reader.ephemera.put("token", 1)
    store.ephemera.delete("token")
    store.ephemera.delete("token")
    assert store.ephemera.get("token") is None
    assert store.size() == 1


def test_ephemera_that_cannot_be_read_are_lost_and_nothing_else(store: LedgerStore) -> None:
    store.connection.execute("INSERT INTO ephemera VALUES ('token', '{broken')")
    assert store.ephemera.get("token") is None


# Many writers

WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from headwater.lineage.record import Actor, Draft
from headwater.runtime.keys import FileKeys
from headwater.runtime.ledger import LedgerStore
from headwater.runtime.ledger_projection import NoProjections

path, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
keys = FileKeys(path.parent / "keys")
clock = lambda: datetime(2026, 11, 20, 8, tzinfo=UTC)
with LedgerStore.open(path, NoProjections(), clock, create=True, signer_for=keys.signer) as store:
    for number in range(count):
        store.append([Draft("a.b", name, "", {"number": number}), Draft("a.b", "shared", name)], Actor(name))
        if number % 10 == 0:
            store.checkpoint(keys.signer(store.origin))
"""


def test_processes_that_create_and_append_at_once_make_one_history(path: Path, keys: FileKeys) -> None:
    names, count = ("one", "two", "three"), 40
    running = [subprocess.Popen([sys.executable, "-c", WRITER, path, name, str(count)]) for name in names]
    assert [process.wait() for process in running] == [0, 0, 0]
    with LedgerReader.open(path) as reader:
        entries = list(reader.entries())
    assert [entry.seq for entry in entries] == list(range(1 + 2 * count * len(names)))
    for name in names:
        mine = [entry for entry in entries if entry.stream == name]
        assert [(entry.stream_seq, entry.payload["number"]) for entry in mine] == [(n, n) for n in range(count)]
    shared = [entry for entry in entries if entry.stream == "shared"]
    assert [entry.stream_seq for entry in shared] == list(range(count * len(names)))
    report = verify_ledger(path, keys.verifiers(), NoProjections())
    assert (report.verdict, len(keys.verifiers())) == ("VERIFIED", 1)


# Keys


def test_a_key_is_made_once_and_only_its_owner_reads_it(keys: FileKeys) -> None:
    signer = keys.signer("ledger.example/1")
    private = keys.folder / "ledger.ed25519"
    assert private.stat().st_mode & 0o777 == 0o600
    assert keys.signer("ledger.example/1").vkey == signer.vkey
    assert [verifier.vkey for verifier in keys.verifiers()] == [signer.vkey]
    assert keys.verifiers()[0].accepts(b"message", signer.sign(b"message"))
    assert "_key" not in repr(signer)
    assert sorted(file.name for file in keys.folder.iterdir()) == ["ledger.ed25519", "ledger.vkey"]


def test_a_key_signs_for_a_second_ledger_under_its_own_name(keys: FileKeys) -> None:
    first, second = keys.signer("ledger.example/1"), keys.signer("ledger.example/2")
    assert [verifier.vkey for verifier in keys.verifiers()] == [first.vkey, second.vkey]
    assert keys.verifiers()[0] != keys.verifiers()[1]


def test_a_key_that_others_can_read_is_not_used(keys: FileKeys) -> None:
    keys.signer("ledger.example/1")
    (keys.folder / "ledger.ed25519").chmod(0o644)
    with pytest.raises(ResourceError, match=r"Others can read .*chmod 600"):
        keys.signer("ledger.example/1")


def test_a_spoilt_key_is_not_replaced(keys: FileKeys) -> None:
    keys.signer("ledger.example/1")
    private = keys.folder / "ledger.ed25519"
    private.write_text("not a key")
    with pytest.raises(ResourceError, match="is not a private key"):
        keys.signer("ledger.example/1")
    assert private.read_text() == "not a key"


def test_a_folder_without_keys_has_no_verifiers(tmp_path: Path) -> None:
    assert FileKeys(tmp_path / "none").verifiers() == ()


def test_a_ledger_that_cannot_be_signed_is_not_begun(path: Path, clock: Clock) -> None:
    path.parent.mkdir()
    (path.parent / "keys").touch()  # a file where the folder should be
    keys = FileKeys(path.parent / "keys")
    with pytest.raises(ResourceError, match=r"signing key .* is unavailable"):
        LedgerStore.open(path, Counts(), clock, create=True, signer_for=keys.signer)
    (path.parent / "keys").unlink()
    with LedgerStore.open(path, Counts(), clock, create=True, signer_for=keys.signer) as store:
        assert store.latest_checkpoint() is not None
    assert json.loads(json.dumps(verify_ledger(path, keys.verifiers()).to_json()))["verdict"] == "VERIFIED"
