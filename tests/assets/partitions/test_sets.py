"""The algebra of partition sets against Python's own sets."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.assets.errors import RequestError
from headwater.assets.partitions import DynamicKeys, Partition, Space, StaticKeys, Windows
from tests.assets.partitions.spaces import DAYS, DYNAMIC, NOW, REGIONS, SPACES, pairs

KEYS_DAY = [f"2024-02-{day}" for day in range(20, 30)]
TWO = Space((("day", DAYS), ("region", REGIONS)), NOW)


def points(chosen):
    return [partition.keys for partition in chosen]


@given(both=pairs())
def test_the_algebra_is_that_of_sets(both):
    one, other = both
    mine, yours = set(points(one)), set(points(other))
    assert set(points(one | other)) == mine | yours
    assert set(points(one & other)) == mine & yours
    assert set(points(one - other)) == mine - yours
    assert (one == other) == (mine == yours)
    assert (one <= other) == (mine <= yours)
    assert bool(one) == bool(mine)
    assert one.count == len(mine)
    whole = one.space.all()
    assert [partition in one for partition in whole] == [partition.keys in mine for partition in whole]


@given(both=pairs())
def test_iteration_is_in_the_order_of_the_dimensions(both):
    one, _ = both
    order = {partition.keys: place for place, partition in enumerate(one.space.all())}
    places = [order[keys] for keys in points(one)]
    assert places == sorted(set(places))
    everything = [[axis.key(at) for at in range(low, high + 1)] for (_, axis), (low, high) in _sides(one.space)]
    assert list(order) == list(product(*everything))


def _sides(space):
    return zip(space.axes, space.extent, strict=True)


@given(both=pairs())
def test_equal_sets_have_equal_texts_however_they_were_made(both):
    one, other = both
    again = (one - other) | (one & other)
    assert again == one
    assert (again.text, again.ranges, hash(again)) == (one.text, one.ranges, hash(one))
    assert (one.text == other.text) == (one == other)
    assert (one.ranges == other.ranges) == (one == other)


@given(both=pairs())
def test_texts_are_read_back(both):
    one, _ = both
    assert one.space.restore(one.text) == one
    if one and one.space.axes:
        assert one.space.parse(one.text) == one
        parsed = one.space.empty()
        for text in one.ranges:
            parsed |= one.space.parse(text)
        assert parsed == one
    for partition in one:
        assert points(one.space.parse(partition.text)) == [partition.keys]


@given(both=pairs())
def test_sets_of_an_equal_space_made_elsewhere_go_together(both):
    one, other = pickle.loads(pickle.dumps(both))
    assert one | both[1] == both[0] | other
    assert one.space is not both[0].space


@pytest.mark.parametrize(
    ("space", "text", "ranges"),
    [
        (SPACES[0], "", ("",)),
        (SPACES[1], "2024-02-20..2024-02-22,2024-02-29", ("2024-02-20..2024-02-22", "2024-02-29")),
        (SPACES[1], "2024-02-28..", ("2024-02-28..2024-02-29",)),
        (SPACES[1], "day = 2024-02-21 , 2024-02-20", ("2024-02-20..2024-02-21",)),
        (SPACES[2], 'us,"a,b"', ('us,"a,b"',)),
        (SPACES[2], 'eu,"x y",us,"a,b"', ('eu,us,"a,b","x y"',)),
        (SPACES[3], "2024-10-27T01+01:00..2024-10-27T01+00:00", ("2024-10-27T01+01:00..2024-10-27T01+00:00",)),
        (SPACES[4], "day=2024-02-20..2024-02-21;region=eu", ("day=2024-02-20..2024-02-21;region=eu",)),
        (SPACES[4], "region=us", ("day=2024-02-20..2024-02-29;region=us",)),
        (
            SPACES[4],
            "region=us;day=2024-02-20 | day=2024-02-23,2024-02-20;region=eu",
            ("day=2024-02-20;region=eu,us", "day=2024-02-23;region=eu"),
        ),
    ],
)
def test_texts(space, text, ranges):
    assert space.parse(text).ranges == ranges


@pytest.mark.parametrize(
    ("space", "text", "message"),
    [
        (SPACES[0], "2024", "names partitions, and the asset has none"),
        (SPACES[1], "", "No partition is named"),
        (SPACES[1], "2024-01", "Its keys look like 2024-01-31"),
        (SPACES[1], "2024-02-30", "is not a key of the dimension day, which has days in UTC"),
        (SPACES[1], "2024-02-19", "is before the first partition of day. There is 2024-02-20..2024-02-29"),
        (SPACES[1], "2024-03-01", "is after the last partition of day"),
        (SPACES[1], "2024-02-22..2024-02-21", "ends before it begins"),
        (SPACES[1], "2024-02-22..2024-02-23..2024-02-24", "more than two ends"),
        (SPACES[1], "month=2024-02", "no dimension 'month'"),
        (SPACES[1], "2024-02-22,,2024-02-23", "is not a partition key"),
        (SPACES[1], "2024-02-22;2024-02-23", "names the dimension day twice"),
        (SPACES[2], "eu..us", "has keys, and eu..us is a range"),
        (SPACES[2], "mars", 'It has eu, us, "a,b", "x y".'),
        (SPACES[2], '"eu', "quotes do not end"),
        (SPACES[2], "e@u", "is not a partition key"),
        (SPACES[3], "2024-10-27T02+01:00", "Its keys look like 2024-01-31T13+00:00"),
        (SPACES[4], "eu", "does not say of which dimension. Write day=... first."),
    ],
)
def test_what_users_get_wrong(space, text, message):
    with pytest.raises(RequestError) as found:
        space.parse(text)
    assert message in str(found.value)


def test_a_window_that_is_not_complete_is_no_partition_yet():
    zone = "America/New_York"
    for moment, last in [("2024-03-01T04:59:59", "2024-02-28"), ("2024-03-01T05:00:00", "2024-02-29")]:
        now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        space = Space((("day", Windows("day", "2024-02-20", timezone=zone)),), now)
        assert list(space.all())[-1].text == last
    assert not Space((("day", Windows("day", "2024-03-01")),), NOW).all()
    with pytest.raises(RequestError, match="not complete yet"):
        Space((("day", Windows("day", "2024-03-01")),), NOW).parse("2024-03-01")
    assert Space((("day", Windows("day", "2024-03-01", "2024-03-02")),), NOW).all().count == 2
    assert list(Space((("hour", Windows("hour", "2024-03-01T11+00:00")),), NOW).all())[-1].text == "2024-03-01T11+00:00"


def test_what_is_stored_survives_a_changed_declaration():
    stored = TWO.parse("day=2024-02-20..2024-02-25;region=eu,us | day=2024-02-27;region=us").text
    later = Space((("day", Windows("day", "2024-02-24")), ("region", StaticKeys(("asia", "us")))), NOW)
    assert later.restore(stored).text == "day=2024-02-24..2024-02-25,2024-02-27;region=us"
    assert not SPACES[1].restore(stored)  # one dimension less: none of these partitions exists any more
    turned = Space((("region", REGIONS), ("day", DAYS)), NOW)
    assert turned.restore(stored).count == 13
    shops = Space((("shop", DynamicKeys("shops")),), NOW, DYNAMIC)
    fewer = Space((("shop", DynamicKeys("shops")),), NOW, {"shops": ("us", "bergen")})
    assert fewer.restore(shops.all().text).text == "us,bergen"
    assert not Space((("month", Windows("month", "2024-01")),), NOW).restore(SPACES[1].all().text)
    assert Space((("date", DAYS),), NOW).restore(SPACES[1].all().text).count == 10  # one dimension needs no name


def test_a_million_partitions_cost_what_their_ranges_cost():
    minutes = Space((("hour", Windows("hour", "1900-01-01T00+00:00", "2014-01-29T15+00:00")),), NOW)
    assert minutes.all().count == 1_000_000
    half = minutes.parse("1957-01-15T08+00:00..")
    rest = minutes.all() - half
    assert (half | rest).text == "1900-01-01T00+00:00..2014-01-29T15+00:00"
    assert len(rest.points) == len((half & minutes.all()).points) == 1
    wide = Space((("hour", minutes.dimensions[0][1]), ("region", REGIONS), ("day", DAYS)), NOW)
    assert (wide.all() - wide.parse("hour=1957-01-15T08+00:00")).count == 999_999 * 4 * 10
    assert len(pickle.dumps(wide.all())) < 5_000


@pytest.mark.parametrize(
    ("dimensions", "text", "expected"),
    [
        ((("day", DAYS),), "2024-02-29", {"partition": "2024-02-29", "start": "2024-02-29", "end": "2024-03-01"}),
        (
            (("w", Windows("week", "2024-W01")),),
            "2024-W05",
            {"partition": "2024-01-29", "start": "2024-01-29", "end": "2024-02-05"},
        ),
        (
            (("hour", Windows("hour", "2024-04-06T00+11:00", "2024-04-08T00+10:30", "Australia/Lord_Howe")),),
            "2024-04-07T01+10:30",
            {
                "partition": "2024-04-06 15:00:00+00:00",
                "start": "2024-04-06 15:00:00+00:00",
                "end": "2024-04-06 15:30:00+00:00",
            },
        ),
        ((("region", REGIONS),), '"a,b"', {"partition": "a,b"}),
        (
            (("month", Windows("month", "2023-12")), ("region", REGIONS)),
            "month=2023-12;region=eu",
            {"partition.month": "2023-12-01", "partition.region": "eu", "start": "2023-12-01", "end": "2024-01-01"},
        ),
    ],
)
def test_parameters(dimensions, text, expected):
    space = Space(dimensions, NOW)
    (partition,) = space.parse(text)
    values = {name: str(value) for name, value in space.parameters(partition).items()}
    named = {name: value for name, value in values.items() if "." not in name or len(dimensions) > 1}
    instants = ("start_at", "end_at")
    assert all(values[name].endswith("+00:00") for name in instants if name in values)
    named = {name: it for name, it in named.items() if not name.startswith(("start.", "end.", *instants))}
    assert named == expected


def test_two_time_dimensions_have_no_start_of_their_own():
    (partition,) = Space((("day", DAYS), ("seen", DAYS)), NOW).parse("day=2024-02-21;seen=2024-02-22")
    assert partition.parameters()["end.day"] == partition.parameters()["start.seen"]
    assert {"start", "end", "partition"} & set(partition.parameters()) == set()


@given(space=st.sampled_from(SPACES))
@settings(max_examples=20)
def test_windows_end_where_the_next_begin(space):
    for one, following in pairwise(space.all()):
        for (name, _), before, after in zip(space.axes, one.numbers, following.numbers, strict=True):
            if after == before + 1 and f"start.{name}" in one.parameters():
                assert one.parameters()[f"end.{name}"] == following.parameters()[f"start.{name}"]


def test_a_partition_is_where_its_keys_are():
    (partition,) = TWO.parse("day=2024-02-21;region=us")
    turned = Space((("day", Windows("day", "2024-02-01")), ("region", StaticKeys(("us",)))), NOW)
    assert partition in turned.all()
    assert turned.of([partition]).text == partition.text == "day=2024-02-21;region=us"
    assert partition not in Space((("day", DAYS), ("region", StaticKeys(("eu",)))), NOW).all()
    assert isinstance(partition, Partition)


def test_sets_of_different_dimensions_do_not_mix():
    with pytest.raises(ValueError, match="different dimensions"):
        SPACES[1].all() | SPACES[2].all()
    assert SPACES[1].empty() != SPACES[2].empty()
