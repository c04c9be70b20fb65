"""Small spaces to draw partitions from."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from headwater.assets.partitions import DynamicKeys, PartitionSet, Space, StaticKeys, Windows

NOW = datetime(2024, 3, 1, 12, 30, tzinfo=UTC)
REGIONS = StaticKeys(("eu", "us", "a,b", "x y"))
SHOPS = DynamicKeys("shops")
DAYS = Windows("day", "2024-02-20")
DYNAMIC = {"shops": ("oslo", "bergen", 'quo"te', "us")}
DIMENSIONS = [
    (),
    (("day", DAYS),),
    (("region", REGIONS),),
    (("hour", Windows("hour", "2024-10-27T00+01:00", "2024-10-27T08+00:00", "Europe/London")),),
    (("day", DAYS), ("region", REGIONS)),
    (("shop", SHOPS), ("month", Windows("month", "2023-12", "2024-03")), ("region", REGIONS)),
]
SPACES = [Space(dimensions, NOW, DYNAMIC) for dimensions in DIMENSIONS]


@st.composite
def subsets(draw: st.DrawFn, space: Space) -> PartitionSet:
    """Draw a set of partitions: of single ones, and of ranges."""
    whole = list(space.all())
    picked = space.of(draw(st.lists(st.sampled_from(whole), max_size=8))) if whole else space.empty()
    if len(space.axes) == 1 and whole:
        low, high = sorted(draw(st.tuples(*[st.integers(0, len(whole) - 1)] * 2)))
        picked |= space.of(whole[low : high + 1])
    return space.all() - picked if draw(st.booleans()) else picked


@st.composite
def pairs(draw: st.DrawFn) -> tuple[PartitionSet, PartitionSet]:
    """Draw two sets of one space."""
    space = draw(st.sampled_from(SPACES))
    return draw(subsets(space)), draw(subsets(space))
