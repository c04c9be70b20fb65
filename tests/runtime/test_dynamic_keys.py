"""Dynamic keys: added and retired as data, by people and by code, and recorded."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.assets.errors import RequestError, StateInvalid
from headwater.lineage import record
from headwater.lineage.record import Actor
from headwater.runtime.clock import utc_now
from headwater.runtime.key_lists import changed_entry
from headwater.runtime.ledger import LedgerStore
from headwater.runtime.ledger_projection import projection_differences
from headwater.runtime.projections import StateProjector
from headwater.runtime.state_reader import SqlStateReader
from tests.world import World

ADDED, RETIRED = record.PARTITION_ADDED, record.PARTITION_RETIRED
SHOPS = "partitions: {shop: {dynamic: shops}}"


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.sql("sales", "select 1 as x", SHOPS)
    return made


def keys(world: World, name: str = "shops") -> dict[str, bool]:
    return {it.key: it.retired is None for it in world.load().dynamic_keys(name)}


def active(world: World) -> dict[str, tuple[str, ...]]:
    with world.load().workspace.reader() as reader:
        assert reader is not None
        return dict(SqlStateReader(reader.connection).snapshot("prod").dynamic)


def kinds(world: World) -> list[str]:
    return [entry.type for entry in reversed(world.load().audit_log())]


def test_keys_come_go_and_come_back_at_their_place(world):
    project = world.load()
    assert keys(world) == {}
    assert project.add_partitions("shops", ["oslo", "bergen", "oslo"]).changed == ("oslo", "bergen")
    assert active(world) == {"shops": ("oslo", "bergen")}
    assert project.add_partitions("shops", ["bergen"]).unchanged == ("bergen",)
    assert project.retire_partitions("shops", ["oslo"]).changed == ("oslo",)
    assert active(world) == {"shops": ("bergen",)}
    assert project.retire_partitions("shops", ["oslo"]).unchanged == ("oslo",)
    assert keys(world) == {"oslo": False, "bergen": True}
    change = project.add_partitions("shops", ["tromsø", "oslo"])
    assert (change.changed, change.unchanged) == (("tromsø", "oslo"), ())
    assert active(world) == {"shops": ("oslo", "bergen", "tromsø")}


def test_only_changes_are_recorded_and_every_one_is_signed(world):
    project = world.load()
    project.add_partitions("shops", ["oslo"])
    project.add_partitions("shops", ["oslo"])
    project.retire_partitions("shops", ["oslo"])
    assert kinds(world) == ["ledger.created", ADDED, RETIRED]
    report = world.load().audit_verify()
    assert (report.verdict, report.checkpoint.size) == ("VERIFIED", 3)
    entry = world.load().audit_log(limit=1)[0]
    assert (entry.stream, entry.subject, entry.why) == ("partitions:shops", "shops", "1 key was retired from shops.")


@pytest.mark.parametrize(
    ("verb", "name", "wanted", "message"),
    [
        ("add_partitions", "shop", ["oslo"], "that are called 'shop'. Did you mean shops?"),
        ("add_partitions", "zzz", ["oslo"], "There is shops."),
        ("dynamic_keys", "shop", None, "Did you mean shops?"),
        ("add_partitions", "shops", ["oslo", ""], "The key '' is empty."),
        ("add_partitions", "shops", ["os\nlo"], "has characters that cannot be printed"),
        ("add_partitions", "shops", [" oslo"], "begins or ends with white space"),
        ("add_partitions", "shops", ["\ud800"], "has characters that cannot be printed"),
        ("add_partitions", "shops", ["x" * 257], "is longer than 256 characters"),
        ("retire_partitions", "shops", ["bergen", "osl"], "osl was never a key of shops. Did you mean oslo?"),
    ],
)
def test_what_users_get_wrong_changes_nothing(world, verb, name, wanted, message):
    world.load().add_partitions("shops", ["oslo", "bergen"])
    before = kinds(world)
    with pytest.raises(RequestError) as found:
        getattr(world.load(), verb)(name, *([] if wanted is None else [wanted]))
    assert message in str(found.value)
    assert kinds(world) == before


def test_retiring_before_anything_was_added_makes_no_ledger(world):
    with pytest.raises(RequestError, match="was never a key"):
        world.load().retire_partitions("shops", ["oslo"])
    assert not world.load().config.state_path.exists()


def test_a_project_without_dynamic_keys_says_how_to_declare_them(tmp_path):
    world = World(tmp_path)
    world.sql("a", "select 1 as x")
    with pytest.raises(RequestError, match="Declare them"):
        world.load().add_partitions("shops", ["x"])


FINDER = """import headwater as hw

@hw.asset("found", inputs={"shops": "raw.shops"}, checks=[hw.row_count(max=3)])
def found(shops, context):
    table = shops.select("shop").arrow()
    context.add_partitions("shops", table.column("shop").to_pylist())
    return table
"""


def test_a_python_asset_adds_keys_with_its_version(world):
    world.sql("sales", "select 1 as x")
    world.sql("other", "select 1 as x", SHOPS)
    world.csv("shops", "shop oslo bergen oslo")
    world.python("found", FINDER)
    world.run("+found")
    assert active(world) == {"shops": ("oslo", "bergen")}
    entry = next(entry for entry in world.load().audit_log() if entry.type == ADDED)
    assert entry.payload["keys"] == ["oslo", "bergen"]
    assert (entry.payload["asset"], entry.why) == ("found", "2 keys were added to shops by found.")
    world.csv("shops", "shop oslo tromsø")
    world.run("+found")
    assert active(world) == {"shops": ("oslo", "bergen", "tromsø")}
    assert next(it.payload["keys"] for it in world.load().audit_log() if it.type == ADDED) == ["tromsø"]
    assert world.load().audit_verify().verdict == "VERIFIED"


def test_what_a_blocked_build_adds_is_not_taken(world):
    world.csv("shops", "shop a b c d")
    world.python("found", FINDER)
    result = world.run("+found")
    assert {step.asset: step.outcome for step in result.steps}["found"] == "BLOCKED"
    assert active(world) == {}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ('context.add_partitions("shop", ["x"])', "Did you mean shops?"),
        ('context.add_partitions("shops", ["x", None])', "The key None is not a text."),
    ],
)
def test_a_python_asset_that_adds_what_cannot_be_fails(world, call, message):
    world.python(
        "found",
        f'import headwater as hw\n\n@hw.asset("found")\ndef found(context):\n    {call}\n    return "select 1 as x"\n',
    )
    (step,) = world.run("found").steps
    assert step.outcome == "FAILED"
    assert message in step.error
    assert active(world) == {}


def test_a_list_that_is_lost_is_noticed(world):
    world.load().add_partitions("shops", ["oslo"])
    path = world.load().config.state_path
    with LedgerStore.open(path, StateProjector(), utc_now) as ledger:
        ledger.connection.execute("drop table dynamic_key")
    with pytest.raises(StateInvalid, match="ledger rebuild"):
        keys(world)
    world.load().rebuild_ledger()
    assert keys(world) == {"oslo": True}


STEPS = st.lists(
    st.tuples(st.sampled_from([ADDED, RETIRED]), st.sampled_from("pq"), st.lists(st.sampled_from("abcd"), max_size=3)),
    max_size=12,
)
_NAMES = count()


@given(steps=STEPS)
@settings(max_examples=30, deadline=None)
def test_the_projection_is_a_list_with_places(tmp_path_factory, steps):
    """Whatever is recorded, doubles too, the lists are those of the naive reading, and a rebuild gives the same."""
    path = tmp_path_factory.mktemp("keys") / f"{next(_NAMES)}.db"
    places: dict[str, list[str]] = {}
    alive: set[tuple[str, str]] = set()
    with LedgerStore.open(path, StateProjector(), utc_now, create=True) as ledger:
        for kind, name, changed in steps:
            ledger.append([changed_entry(kind, name, changed)], Actor("me"))
            for key in changed:
                if kind == ADDED:
                    places.setdefault(name, []).extend([key] if key not in places.get(name, []) else [])
                    alive.add((name, key))
                else:
                    alive.discard((name, key))
        expected = {name: tuple(key for key in listed if (name, key) in alive) for name, listed in places.items()}
        reader = SqlStateReader(ledger.connection)
        assert reader.dynamic() == {name: listed for name, listed in expected.items() if listed}
        assert {name: tuple(it.key for it in reader.dynamic_keys(name)) for name in places} == {
            name: tuple(listed) for name, listed in places.items()
        }
        assert projection_differences(ledger.connection, StateProjector()) == ()
