"""The compact form of recorded lineage: it comes back as it went in, and is small or not there."""

from __future__ import annotations

import json
from typing import cast, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.assets.key import AssetKey
from headwater.lineage.encoding import canonical_bytes
from headwater.lineage.recorded_lineage import LETTERS, MOST_BYTES, RecordedLineage, RecordedSource, decode, encode
from headwater.lineage.sql.analysis import Transformation

sources = st.builds(
    RecordedSource,
    st.sampled_from(["stg.o", "raw.x"]).map(AssetKey),
    st.sampled_from(["a", "b", 'ä"', "Wide name"]),
    st.sampled_from(sorted(LETTERS)),
    st.booleans(),
)
lists = st.lists(sources, max_size=3).map(tuple)


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", "C"]), st.one_of(st.none(), lists)), max_size=4), lists, st.booleans()
)
def test_it_comes_back_as_it_went_in(
    columns: list[tuple[str, tuple[RecordedSource, ...] | None]], rows: tuple[RecordedSource, ...], complete: bool
) -> None:
    schema = tuple((name, "integer") for name, _ in columns)
    lineage = RecordedLineage(tuple(known for _, known in columns), rows, complete)
    value = encode(lineage, schema)
    if all(known is None for _, known in columns):
        assert value is None
    else:
        assert value is not None
        assert decode(json.loads(canonical_bytes(value)), schema) == lineage


def test_a_copy_beside_another_source_is_no_copy_alone() -> None:
    copy, other = (RecordedSource(AssetKey("up"), name, "IDENTITY") for name in ("a", "b"))
    for sources in ((copy, other), (other,), (RecordedSource(AssetKey("up"), "a", "IDENTITY", masking=True),)):
        value = encode(RecordedLineage((sources,)), (("a", None),))
        assert value is not None
        assert decode(value, (("a", None),)).columns == (sources,)


def test_copies_of_a_wide_table_are_small_and_what_is_large_is_left_out() -> None:
    up = AssetKey("stg.wide")
    schema = tuple((f"a_rather_long_column_name_{at}", "integer") for at in range(500))
    copies = RecordedLineage(tuple((RecordedSource(up, name, "IDENTITY"),) for name, _ in schema))
    value = encode(copies, schema)
    assert value is not None
    assert len(json.dumps(value)) <= 2 * MOST_BYTES
    changed = RecordedLineage(tuple((RecordedSource(up, name, "TRANSFORMATION"),) for name, _ in schema))
    assert encode(changed, schema) is None


def test_a_lineage_of_other_columns_is_not_recorded() -> None:
    one = RecordedLineage(((RecordedSource(AssetKey("a"), "x", "IDENTITY"),),))
    assert encode(one, (("x", None), ("y", None))) is None


def test_every_word_of_the_analysis_has_a_letter_of_its_own() -> None:
    assert set(LETTERS) == set(get_args(Transformation))
    assert len(set(LETTERS.values())) == len(LETTERS)


@pytest.mark.parametrize("place", ["columns", "rows"])
def test_a_word_without_a_letter_is_not_recorded_and_ends_no_run(place: str) -> None:
    known, new = (RecordedSource(AssetKey("a"), "x", cast("Transformation", word)) for word in ("IDENTITY", "NEW"))
    lineage = RecordedLineage(((new,),)) if place == "columns" else RecordedLineage(((known,),), (new,))
    assert encode(lineage, (("x", None),)) is None
