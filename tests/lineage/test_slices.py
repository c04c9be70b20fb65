"""SliceMap against a dict."""

from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.assets.errors import IntegrityError
from headwater.assets.partitions import DynamicKeys, PartitionSet, Space, StaticKeys, Windows
from headwater.lineage.slices import SliceMap
from tests.assets.partitions.spaces import DAYS, DYNAMIC, NOW, REGIONS, SPACES, subsets


def as_dict(given_map: SliceMap) -> dict[tuple[str, ...], int]:
    return {partition.keys: slice_id for partition, slice_id in given_map.items()}


@st.composite
def builds(draw: st.DrawFn, space: Space, most: int = 5) -> tuple[SliceMap, dict[tuple[str, ...], int]]:
    """Draw what a few builds, one over the other, leave; ids follow one another, or leave gaps."""
    made, expected, following = SliceMap(space), {}, draw(st.integers(1, 5))
    for _ in range(draw(st.integers(0, most))):
        built = draw(subsets(space))
        made = made.overlaid(SliceMap.numbered(built, following))
        expected |= {partition.keys: following + place for place, partition in enumerate(built)}
        following += built.count + draw(st.sampled_from([0, 0, 0, 3, -2 if following > 3 else 0]))
    return made, expected


SPACE = st.sampled_from(SPACES)


@given(data=st.data(), space=SPACE)
@settings(max_examples=150, deadline=None)
def test_a_map_is_a_dict(data, space):
    made, expected = data.draw(builds(space))
    chosen = data.draw(subsets(space))
    keys = {partition.keys for partition in chosen}
    assert as_dict(made) == expected
    assert list(made.items()) == sorted(made.items(), key=lambda item: item[0].numbers)
    assert {partition.keys for partition in made.domain} == set(expected)
    assert made.count == len(expected)
    assert bool(made) == bool(expected)
    assert as_dict(made.restricted(chosen)) == {key: at for key, at in expected.items() if key in keys}
    assert as_dict(made.without(chosen)) == {key: at for key, at in expected.items() if key not in keys}
    kept = [number for low, high in made.restricted(chosen).id_ranges() for number in range(low, high + 1)]
    assert kept == sorted({at for key, at in expected.items() if key in keys})
    assert {partition.keys: made.get(partition) for partition in space.all()} == {
        partition.keys: expected.get(partition.keys) for partition in space.all()
    }
    ids = [number for low, high in made.id_ranges() for number in range(low, high + 1)]
    assert ids == sorted(set(expected.values()))
    assert all(high + 1 < low for (_, high), (low, _) in zip(made.id_ranges(), made.id_ranges()[1:], strict=False))


@given(data=st.data(), space=SPACE)
@settings(max_examples=150, deadline=None)
def test_two_maps(data, space):
    (one, mine), (other, yours) = data.draw(builds(space)), data.draw(builds(space))
    assert as_dict(one.overlaid(other)) == mine | yours
    differing = {key for key in mine | yours if mine.get(key) != yours.get(key)}
    assert {partition.keys for partition in one.differs(other)} == differing
    assert one.differs(other) == other.differs(one)
    assert (one == other) == (mine == yours)
    assert one == pickle.loads(pickle.dumps(one))


@given(data=st.data(), space=SPACE)
@settings(max_examples=100, deadline=None)
def test_a_map_is_restored_by_its_keys(data, space):
    made, expected = data.draw(builds(space))
    stored = json.loads(json.dumps(made.to_json()))
    assert as_dict(SliceMap.restore(stored, space)) == expected
    assert SliceMap.restore(stored, space).runs == made.runs
    kept, dynamic = [], data.draw(st.permutations(["us", "new", "bergen", "oslo"]))
    for name, dimension in space.dimensions:
        if isinstance(dimension, StaticKeys):
            keys = data.draw(st.permutations([*dimension.keys, "asia"]))
            dimension = StaticKeys(tuple(keys[data.draw(st.integers(0, 3)) :]))
        elif isinstance(dimension, Windows) and dimension.grain == "day":
            dimension = Windows("day", data.draw(st.sampled_from(["2024-01-01", "2024-02-24", "2024-02-29"])))
        kept.append((name, dimension))
    later = Space(tuple(data.draw(st.permutations(kept))), NOW, {"shops": tuple(dynamic)})
    order = [space.names.index(name) for name in later.names]
    still = {partition.keys for partition in later.all()}
    moved = {tuple(key[at] for at in order): number for key, number in expected.items()}
    assert as_dict(SliceMap.restore(stored, later)) == {key: at for key, at in moved.items() if key in still}


TWO = Space((("day", DAYS), ("region", REGIONS)), NOW)
DAILY = SPACES[1]


def built_by_day(space: Space, chosen: PartitionSet) -> SliceMap:
    made, following = SliceMap(space), 1
    for day in dict.fromkeys(partition.keys[0] for partition in chosen):
        built = space.of([partition for partition in chosen if partition.keys[0] == day])
        made, following = made.overlaid(SliceMap.numbered(built, following)), following + built.count
    return made


@pytest.mark.parametrize("text", ["region=eu,us", "day=2024-02-20..2024-02-29", "region=eu;day=2024-02-21.."])
def test_one_backfill_and_day_after_day_are_one_run(text):
    chosen = TWO.parse(text)
    assert built_by_day(TWO, chosen).runs == SliceMap.numbered(chosen, 1).runs
    assert len(SliceMap.numbered(chosen, 1).runs) == 1
    assert len(built_by_day(DAILY, DAILY.all()).runs) == 1


def test_two_windows_whose_ids_follow_are_one_run_already():
    chosen = TWO.parse("day=2024-02-20..2024-02-21;region=eu,us")
    assert len(built_by_day(TWO, chosen).runs) == 1
    apart = SliceMap.numbered(DAILY.parse("2024-02-20"), 1).overlaid(SliceMap.numbered(DAILY.parse("2024-02-21"), 9))
    assert len(apart.runs) == 2


def test_ids_of_one_key_leave_gaps():
    both = SliceMap.numbered(TWO.parse("day=2024-02-20..2024-02-22;region=eu,us"), 1)
    assert both.restricted(TWO.parse("region=eu")).id_ranges() == ((1, 1), (3, 3), (5, 5))
    assert both.without(TWO.parse("day=2024-02-21")).id_ranges() == ((1, 2), (5, 6))


def test_a_moved_start_moves_no_id():
    later = Space((("day", Windows("day", "2024-02-24")),), NOW)
    kept = as_dict(SliceMap.restore(SliceMap.numbered(DAILY.all(), 1).to_json(), later))
    assert kept == {(f"2024-02-{day}",): day - 19 for day in range(24, 30)}
    earlier = Space((("day", Windows("day", "2024-01-01")),), NOW)
    assert as_dict(SliceMap.restore(SliceMap.numbered(later.all(), 5).to_json(), earlier)) == kept


def test_a_list_with_gaps_costs_a_run_for_each_part():
    chosen = TWO.parse('region=eu,"a,b"')
    assert len(SliceMap.numbered(chosen, 1).runs) == len(built_by_day(TWO, chosen).runs) == 2


def test_what_two_builds_a_day_leave_is_few_runs():
    """Each day builds its own window, and the one before again: ids go up by two."""
    made, following, days = SliceMap(DAILY), 1, list(DAILY.all())
    for at, day in enumerate(days):
        built = DAILY.of(days[max(0, at - 1) : at + 1])
        made, following = made.overlaid(SliceMap.numbered(built, following)), following + built.count
        assert made.get(day) == following - 1
    assert len(made.runs) <= 3


def test_a_million_partitions():
    hours = Space((("hour", Windows("hour", "1900-01-01T00+00:00", "2014-01-29T15+00:00")), ("r", REGIONS)), NOW)
    made = SliceMap.numbered(hours.all(), 7)
    assert (made.count, made.id_ranges()) == (4_000_000, ((7, 4_000_006),))
    rebuilt = made.overlaid(SliceMap.numbered(hours.parse("hour=2000-01-01T00+00:00..2000-01-01T05+00:00"), 4_000_007))
    assert made.differs(rebuilt).text.startswith("hour=2000-01-01T00+00:00..2000-01-01T05+00:00;")
    assert len(rebuilt.runs) == 3
    shifted = SliceMap.numbered(hours.parse("r=eu"), 7)
    assert made.differs(shifted).count == 4_000_000 - 1
    assert len(json.dumps(rebuilt.to_json())) < 700


def test_an_unpartitioned_asset_has_one_slice():
    space = SPACES[0]
    made = SliceMap.numbered(space.all(), 3)
    assert (made.id_ranges(), [slice_id for _, slice_id in made.items()]) == (((3, 3),), [3])
    assert SliceMap.restore(made.to_json(), space) == made
    assert not made.without(space.all())


def test_other_dimensions_have_none_of_the_partitions():
    made = SliceMap.numbered(TWO.all(), 1)
    assert not SliceMap.restore(made.to_json(), DAILY)
    assert not SliceMap.restore(SliceMap.numbered(DAILY.all(), 1).to_json(), SPACES[2])
    renamed = Space((("date", DAYS),), NOW)
    assert SliceMap.restore(SliceMap.numbered(DAILY.all(), 1).to_json(), renamed).count == 10


def test_hours_that_were_cut_otherwise_are_not_guessed():
    space = Space(
        (("hour", Windows("hour", "2024-04-07T00+11:00", "2024-04-07T05+10:30", "Australia/Lord_Howe")),), NOW
    )
    stored = SliceMap.numbered(space.all(), 1).to_json()
    assert SliceMap.restore(stored, space).count == 7
    stored["runs"][0][1][2] = 6
    assert not SliceMap.restore(stored, space)


def test_dynamic_keys_keep_their_ids():
    shops = Space((("shop", DynamicKeys("shops")),), NOW, DYNAMIC)
    stored = SliceMap.numbered(shops.all(), 1).to_json()
    fewer = Space((("shop", DynamicKeys("shops")),), NOW, {"shops": ("us", "new", "oslo")})
    assert as_dict(SliceMap.restore(stored, fewer)) == {("us",): 4, ("oslo",): 1}


@pytest.mark.parametrize(
    "stored", [None, [], {}, {"names": ["day"]}, {"names": ["day"], "runs": [[1]]}, {"names": ["day"], "runs": [3]}]
)
def test_what_is_no_map(stored):
    with pytest.raises(IntegrityError, match="cannot be read"):
        SliceMap.restore(stored, DAILY)
