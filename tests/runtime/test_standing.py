"""Proven current in one comparison: never where a clause fails, and always where nothing at all has moved."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.assets.asset import Asset, Freshness, Location, Source
from headwater.assets.key import AssetKey
from headwater.assets.partitions import Space
from headwater.lineage.definition import Definition, ReadSet
from headwater.runtime.deciding import decide_all
from headwater.runtime.model import Status
from headwater.runtime.partition_status import PartitionStatus
from headwater.runtime.published import Published
from headwater.runtime.resolutions import Resolutions
from headwater.runtime.staleness import CLAUSES, Case, Decision, Resolved, decide
from headwater.runtime.standing import is_proven_current, is_trusted, outline_of, standing_of
from headwater.runtime.state import Gate, Hold, State, TraceRead, VersionRecord, WarehouseNow

NOW = datetime(2024, 1, 6, 12, tzinfo=UTC)
KEYS = [AssetKey(name) for name in ("a.a", "a.b", "a.c", "a.d")]  # each may read those before it
SCHEMA = (("x", "INTEGER"), ("y", "INTEGER"))
COLUMNS = st.sampled_from(["*", "x", "x,y", "gone"])

few = st.integers(1, 2)
word = st.sampled_from("pq")


@st.composite
def resolved_assets(draw: st.DrawFn, key: AssetKey) -> Resolved:
    above = st.lists(st.sampled_from(KEYS), unique=True, max_size=2).map(
        lambda found: tuple(ReadSet(up, None) for up in sorted(found) if up < key)
    )
    rare = st.sampled_from([False] * 7 + [True])
    asset = Asset(
        key,
        Location("a.sql"),
        sql=None if (external := draw(rare)) else "select 1",
        source=Source(file="x.csv") if external else None,
        on_upstream_blocked="use_last_good" if draw(rare) else "hold",
        freshness=Freshness(60) if draw(rare) else None,
    )
    definition = Definition(
        draw(word),
        "",
        "",
        reads=draw(above),
        volatility=draw(st.sampled_from(["STABLE"] * 6 + ["CLOCK", "VOLATILE"])),
        undecidable=("a call",) if draw(rare) else (),
        order_dependent=("limit",) if draw(rare) else (),
    )
    return Resolved(asset, definition, draw(word), draw(above))


@st.composite
def versions(draw: st.DrawFn, today: Resolved, numbers: dict[AssetKey, int]) -> VersionRecord:
    """A version of an asset: mostly as it would be made and judged today, with what is drawn to be otherwise."""

    def reads(sets: tuple[ReadSet, ...]) -> tuple[TraceRead, ...]:
        same = [
            TraceRead(AssetKey(s.upstream), numbers.get(AssetKey(s.upstream), 1), draw(COLUMNS), "1:1:1:t")
            for s in sets
        ]
        if draw(st.integers(0, 5)) == 0:
            more = st.builds(TraceRead, st.sampled_from(KEYS), few, COLUMNS, st.sampled_from(["1:1:1:t", "2:1:1:t"]))
            return tuple(draw(st.permutations([*same, draw(more)]))[: draw(st.integers(0, 3))])
        return tuple(same)

    likely = st.sampled_from([True] * 5 + [False])
    definition = today.definition if draw(likely) else Definition(draw(word), "", "")
    judged = st.sampled_from(["PASS"] * 4 + ["WARN", "BLOCK"])
    return VersionRecord(
        today.asset.key,
        numbers[today.asset.key],
        "table",
        draw(st.sampled_from(["t1", "=t2"])),
        1,
        SCHEMA,
        definition.parts(),
        definition.hash,
        reads(today.definition.reads),
        {"*": "1:1:1:t", "x": "1:1:1:t"},
        Gate(draw(judged), today.checks_id if draw(likely) else draw(word), reads(today.check_reads)),
        created="2024-01-06T00:00:00Z",
    )


@st.composite
def projects(draw: st.DrawFn) -> tuple[Resolutions, State]:
    resolved = {key: draw(resolved_assets(key)) for key in KEYS}
    numbers = {key: draw(few) for key in KEYS if draw(st.integers(0, 9))}
    published = Published([draw(versions(resolved[key], numbers)) for key in numbers])
    warehouse = draw(
        st.sampled_from(
            [WarehouseNow()] * 6
            + [
                WarehouseNow(verified=False, because="held"),
                WarehouseNow(altered=frozenset({"t1"})),
                WarehouseNow(altered_files=frozenset({KEYS[1]})),
                WarehouseNow(findings=("another file",)),
            ]
        )
    )
    return Resolutions.of(resolved), State("prod", published, {}, {}, warehouse=warehouse)


def clause_by_clause(resolved: Resolutions, state: State) -> dict[AssetKey, Decision]:
    decisions: dict[AssetKey, Decision] = {}
    for key in KEYS:
        decisions[key] = decide(Case(resolved[key], state.published.get(key), state, decisions, NOW, "UTC"))
    return decisions


@settings(max_examples=300)
@given(projects())
def test_deciding_all_is_deciding_clause_by_clause(project):
    resolved, state = project
    assert decide_all(KEYS, resolved, state, NOW, "UTC")[0] == clause_by_clause(resolved, state)


@settings(max_examples=300)
@given(projects(), st.lists(st.sampled_from(["CURRENT", "STALE", "UNKNOWN"]), min_size=4, max_size=4))
def test_every_clause_holds_where_it_is_proven(project, words):
    """Whatever is known of the upstreams, and whatever the order: each clause is asked."""
    resolved, state = project
    decisions = {key: Decision(Status(word)) for key, word in zip(KEYS, words, strict=True)}
    for key in KEYS if is_trusted(state.warehouse) else ():
        if is_proven_current(key, resolved.outlines[key], state, decisions):
            case = Case(resolved[key], state.published.get(key), state, decisions, NOW, "UTC")
            assert [failure for clause in CLAUSES for failure in clause.failures(case)] == []


def plain(key: AssetKey, *reads: AssetKey, checks: tuple[AssetKey, ...] = ()) -> Resolved:
    sets = tuple(ReadSet(up, None) for up in reads), tuple(ReadSet(up, None) for up in checks)
    return Resolved(Asset(key, Location("a.sql"), sql="select 1"), Definition("p", "", "", reads=sets[0]), "p", sets[1])


def test_what_nothing_happened_to_is_proven_without_a_record():
    """Without this, a proof that never succeeds would pass."""
    a, b, c, _ = KEYS
    today = {a: plain(a), b: plain(b, a), c: plain(c, a, b, checks=(a,))}
    known = {}
    for key, item in today.items():
        trace = tuple(TraceRead(AssetKey(read.upstream), 1, "*", "") for read in item.definition.reads)
        gate = Gate("PASS", "p", tuple(TraceRead(AssetKey(read.upstream), 1, "*", "") for read in item.check_reads))
        parts = item.definition.parts(), item.definition.hash
        known[key] = standing_of(VersionRecord(key, 1, "table", "t", 1, SCHEMA, *parts, trace, {}, gate))

    def never(keys: object) -> list[VersionRecord]:
        raise AssertionError("nobody asked for a record")

    resolved = Resolutions({key: outline_of(item) for key, item in today.items()}, {})
    state = State("prod", Published.in_short(known, never), {}, {})
    decisions, proven = decide_all(today, resolved, state, NOW, "UTC")
    assert proven == set(today)
    assert {key: decision.status.word for key, decision in decisions.items()} == dict.fromkeys(today, "CURRENT")


A, B, C, _ = KEYS
OTHER = Definition("q", "", "")


def built(item: Resolved, **other: object) -> VersionRecord:
    """The version of today's definition over the first versions of what is read."""
    trace = tuple(TraceRead(AssetKey(read.upstream), 1, "*", "1:1:1:t") for read in item.definition.reads)
    gate = Gate("PASS", "p", tuple(TraceRead(AssetKey(read.upstream), 1, "*", "1:1:1:t") for read in item.check_reads))
    parts = item.definition.parts(), item.definition.hash
    version = VersionRecord(item.asset.key, 1, "table", "t", 1, SCHEMA, *parts, trace, {"*": "1:1:1:t"}, gate)
    return replace(version, created="2024-01-06T00:00:00Z", **other)  # type: ignore[arg-type]


ITEM = plain(C, A, checks=(B,))
MOVED = {"*": "2:2:2:t"}  # other rows


@pytest.mark.parametrize(
    ("today", "version", "others"),
    [
        (ITEM, built(ITEM, definition_hash=OTHER.hash), {}),
        (ITEM, built(ITEM), {A: built(plain(A), number=2, tokens=MOVED)}),
        (ITEM, built(ITEM), {B: built(plain(B), number=2, tokens=MOVED)}),
        (ITEM, built(ITEM, trace=()), {}),
        (plain(C, A), built(ITEM, trace=built(plain(C, A, B)).trace), {}),
        (ITEM, built(ITEM, gate=Gate("BLOCK", "p", built(ITEM).gate.reads)), {}),
        (ITEM, built(ITEM, gate=Gate("PASS", "q", built(ITEM).gate.reads)), {}),
        (replace(ITEM, checks_id="q"), built(ITEM), {}),
        (replace(ITEM, definition=replace(ITEM.definition, undecidable=("a call",))), built(ITEM), {}),
        (replace(ITEM, definition=replace(ITEM.definition, volatility="VOLATILE")), built(ITEM), {}),
        (replace(ITEM, definition=replace(ITEM.definition, volatility="CLOCK")), built(ITEM), {}),
    ],
)
def test_one_thing_that_moved_is_never_proven(
    today: Resolved, version: VersionRecord, others: dict[AssetKey, VersionRecord]
) -> None:
    first = {A: built(plain(A)), B: built(plain(B)), **others}
    state = State("prod", Published([*first.values(), version]), {}, {})
    decisions = dict.fromkeys(first, Decision(Status("CURRENT")))
    assert not is_proven_current(C, outline_of(today), state, decisions)
    assert decide(Case(today, version, state, decisions, NOW, "UTC")).status.word != "CURRENT"


@pytest.mark.parametrize("moved", ["nothing", "holds", "shown_as", "partitions", "status", "gone"])
def test_what_has_clauses_of_its_own_is_left_to_them(moved: str) -> None:
    first = {A: built(plain(A)), B: built(plain(B))}
    state = State("prod", Published([*first.values(), built(ITEM)]), {}, {})
    decisions = dict.fromkeys(first, Decision(Status("CURRENT")))
    if moved == "holds":
        state.holds = {C: (Hold(built(ITEM), "2024-01-06T00:00:00Z", "me", ""),)}
    elif moved == "shown_as":
        state.shown_as = {C: AssetKey("a.old")}
    elif moved == "partitions":
        decisions[A] = Decision(Status("CURRENT"), partitions=PartitionStatus(Space((), NOW), {}))
    elif moved == "status":
        decisions[B] = Decision(Status("STALE"))
    elif moved == "gone":
        del state.published[A]
    assert is_proven_current(C, outline_of(ITEM), state, decisions) == (moved == "nothing")
