"""Speed and size of the ledger: append, verify, prove. Prints medians; asserts nothing.

python bench/ledger.py [entries]        100,000 by default; entries like those of a real run, 0.3 to 1 kB each
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from headwater.lineage.audit import verify
from headwater.lineage.merkle import inclusion_proof, leaf_hash, stored_root, verify_inclusion
from headwater.lineage.record import CHECK_EVALUATED, GATE_PASSED, PUBLISHED, VERSION_STAGED, Actor, Draft
from headwater.runtime.keys import FileKeys
from headwater.runtime.ledger import LedgerStore
from headwater.runtime.ledger_projection import NoProjections
from headwater.runtime.ledger_reader import LedgerReader

ACTOR = Actor("ann", "user")
ASSETS = 1000
BATCH = 500
REPEATS = 5


def drafts(start: int, count: int) -> list[Draft]:
    """Return entries as runs make them: staged, checked, gated and published, over a thousand assets."""
    made = []
    for number in range(start, start + count):
        asset = f"mart.asset_{number // 4 % ASSETS}"
        version = f"{asset}@v{number // (4 * ASSETS) + 1}"
        digest = hashlib.sha256(b"%d" % number).hexdigest()
        kind = (VERSION_STAGED, CHECK_EVALUATED, GATE_PASSED, PUBLISHED)[number % 4]
        payload = {
            VERSION_STAGED: {"rows": number, "physical": f"v_{digest[:12]}", "definition_hash": digest, "run": "r17"},
            CHECK_EVALUATED: {
                "results": [{"check": "not_null(id)", "outcome": "PASS", "failing_rows": 0}],
                "run": "r17",
            },
            GATE_PASSED: {"verdict": "PASS", "run": "r17"},
            PUBLISHED: {"environment": "prod", "publication": digest[:32], "run": "r17"},
        }[kind]
        made.append(Draft(kind, asset, version, payload, "An input changed."))
    return made


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main(entries: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, keys = Path(folder) / "state.db", FileKeys(Path(folder) / "keys")

        def now() -> datetime:
            return datetime.now(UTC)

        with LedgerStore.open(path, NoProjections(), now, create=True, signer_for=keys.signer) as store:
            batches = [drafts(start, BATCH) for start in range(0, entries, BATCH)]
            appending = [seconds(lambda batch=batch: store.append(batch, ACTOR)) for batch in batches]
            print(f"append, batches of {BATCH}   {BATCH / median(appending):12,.0f} entries/s")
            single = [seconds(lambda draft=draft: store.append([draft], ACTOR)) for draft in drafts(0, 200)]
            print(f"append, one at a time    {median(single) * 1000:12.3f} ms")
            print(f"checkpoint over all      {seconds(lambda: store.checkpoint(keys.signer(store.origin))):12.3f} s")
            signer = keys.signer(store.origin)
            signing = []
            for draft in drafts(0, 50):
                store.append([draft], ACTOR)
                signing.append(seconds(lambda: store.checkpoint(signer)))
            print(f"checkpoint over one      {median(signing) * 1000:12.3f} ms")
            print(f"rebuild                  {store.size() / seconds(store.rebuild):12,.0f} entries/s")
            store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            print(f"size on disk             {path.stat().st_size / store.size():12.0f} bytes/entry")
        with LedgerReader.open(path) as reader:
            size = reader.size()
            body = sum(len(data) for _, data in reader.bodies(0, size)) / size
            print(f"size of a body           {body:12.0f} bytes")
            verifying = [seconds(lambda: verify(reader, keys.verifiers())) for _ in range(REPEATS)]
            print(f"verify, full             {size / median(verifying):12,.0f} entries/s")
            places = range(0, size, max(1, size // 200))
            proving = [seconds(lambda index=index: prove(reader, index, size)) for index in places]
            print(f"prove and check one      {median(proving) * 1000:12.3f} ms")


def prove(reader: LedgerReader, index: int, size: int) -> None:
    """Make the inclusion proof of one entry from stored nodes, and follow it to a root."""

    def fetch(level: int, position: int) -> bytes:
        return reader.nodes(level, position, position + 1)[0]

    proof = inclusion_proof(index, size, fetch)
    leaf = leaf_hash(reader.bodies(index, index + 1)[0][1])
    verify_inclusion(leaf, index, size, proof, stored_root(size, fetch))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
