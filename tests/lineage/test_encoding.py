"""Canonical bytes agree with rfc8785, refuse what they must on both sides, and tagged hashes never collide."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from headwater.assets.errors import EncodingError
from headwater.assets.key import AssetKey
from headwater.lineage.encoding import MAX_BYTES, MAX_DEPTH, canonical_bytes, parse_canonical, tagged_hash

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
KEY = st.text(st.characters(max_codepoint=127), max_size=6)
ATOM = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT
VALUE = st.recursive(
    ATOM, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEY, inner, max_size=4), max_leaves=12
)


@given(VALUE)
def test_the_bytes_are_those_of_rfc8785_and_parse_back(value: object) -> None:
    data = canonical_bytes(value)
    assert data == rfc8785.dumps(value)
    assert parse_canonical(data) == value


def test_every_character_is_spelt_as_rfc8785_spells_it() -> None:
    for codepoint in [*range(0x300), 0x2028, 0x2029, 0xFEFF, 0xFFFF, 0x1F600]:
        text = {"k": chr(codepoint)}
        assert canonical_bytes(text) == rfc8785.dumps(text)
        assert parse_canonical(canonical_bytes(text)) == text


def test_a_tuple_is_a_list_and_a_key_is_its_text() -> None:
    assert canonical_bytes((1, (AssetKey("mart.x"),))) == b'[1,["mart.x"]]'


def nested(depth: int) -> object:
    value: object = 0
    for _ in range(depth):
        value = [value]
    return value


def nested_object(depth: int) -> object:
    value: object = 0
    for _ in range(depth):
        value = {"a": value}
    return value


CYCLE: list[object] = []
CYCLE.append(CYCLE)

REFUSED_VALUES = {
    "float": {"a": 1.5},
    "whole float": 1.0,
    "nan": [float("nan")],
    "2^53": 2**53,
    "-2^53": {"a": [-(2**53)]},
    "huge": 10**5000,
    "lone surrogate": "\ud800",
    "surrogate in a key": {"\ud800": 1},
    "key that is not ASCII": {"é": 1},
    "key that is not text": {1: 1},
    "bytes": b"x",
    "set": {1},
    "date": date(2024, 1, 1),
    "too deep": nested(MAX_DEPTH + 1),
    "too deep in objects": nested_object(MAX_DEPTH + 1),
    "cycle": CYCLE,
    "too large": "x" * MAX_BYTES,
}


@pytest.mark.parametrize("value", REFUSED_VALUES.values(), ids=REFUSED_VALUES.keys())
def test_what_the_canonical_form_does_not_admit_is_refused_at_writing(value: object) -> None:
    with pytest.raises(EncodingError):
        canonical_bytes(value)  # type: ignore[arg-type]


def test_a_refusal_names_the_place() -> None:
    with pytest.raises(EncodingError, match=r"at checks\[1\]\.actual is a float"):
        canonical_bytes({"checks": [{}, {"actual": 0.5}]})  # type: ignore[dict-item]


def test_the_limits_themselves_are_admitted() -> None:
    for value in (nested(MAX_DEPTH), nested_object(MAX_DEPTH), "x" * (MAX_BYTES - 2), 2**53 - 1, -(2**53) + 1):
        assert parse_canonical(canonical_bytes(value)) == value  # type: ignore[arg-type]


REFUSED_BYTES = {
    "nothing": b"",
    "white space": b'{"a": 1}',
    "trailing white space": b"{}\n",
    "leading white space": b" {}",
    "two values": b"{}{}",
    "order of keys": b'{"b":1,"a":2}',
    "duplicate key": b'{"a":1,"a":1}',
    "duplicate key, escaped": b'{"a":1,"\\u0061":1}',
    "float": b'{"a":1.0}',
    "exponent": b"1e2",
    "overflow": b"1e400",
    "minus zero": b"-0",
    "leading zero": b"01",
    "plus": b"+1",
    "2^53": b"9007199254740992",
    "-2^53": b"-9007199254740992",
    "many digits": b"9" * 20_000,
    "NaN": b"NaN",
    "Infinity": b"-Infinity",
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": "{}".encode("utf-16"),
    "not UTF-8": b'"\xff"',
    "overlong UTF-8": b'"\xc0\x80"',
    "surrogate in UTF-8": b'"\xed\xa0\x80"',
    "escaped lone surrogate": b'"\\ud800"',
    "escaped pair": b'"\\ud83d\\ude00"',
    "needless escape": b'"\\u0041"',
    "escaped solidus": b'"\\/"',
    "long form of a short escape": b'"\\u000a"',
    "upper-case hex": b'"\\u001F"',
    "raw control character": b'"\x01"',
    "single quotes": b"'a'",
    "comment": b"{}//",
    "trailing comma": b"[1,]",
    "unquoted key": b"{a:1}",
    "key that is not ASCII": '{"é":1}'.encode(),
    "cut off": b'{"a":',
    "too deep": b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
    "too deep in objects": b'{"a":' * (MAX_DEPTH + 1) + b"0" + b"}" * (MAX_DEPTH + 1),
    "far too deep": b"[" * 16_000 + b"]" * 16_000,
    "deep objects": b'{"a":' * 6_000,
    "too large": b'"' + b"x" * MAX_BYTES + b'"',
}


@pytest.mark.parametrize("data", REFUSED_BYTES.values(), ids=REFUSED_BYTES.keys())
def test_what_is_not_canonical_is_refused_at_parsing(data: bytes) -> None:
    with pytest.raises(EncodingError):
        parse_canonical(data)


@given(st.binary(max_size=40) | TEXT.map(str.encode) | VALUE.map(json.dumps).map(str.encode))
def test_whatever_is_accepted_is_the_one_encoding_of_its_value(data: bytes) -> None:
    try:
        value = parse_canonical(data)
    except EncodingError:
        return
    assert rfc8785.dumps(value) == data


@given(VALUE, st.data())
def test_a_changed_byte_never_gives_the_same_value(value: object, data: st.DataObject) -> None:
    good = canonical_bytes(value)  # type: ignore[arg-type]
    place = data.draw(st.integers(0, len(good) - 1))
    changed = bytearray(good)
    changed[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != good[place]))
    try:
        other = parse_canonical(bytes(changed))
    except EncodingError:
        return
    assert canonical_bytes(other) == bytes(changed) != good


PLAIN_ATOM = (
    ATOM
    | st.integers()
    | st.binary(max_size=4)
    | st.floats(allow_nan=False)
    | st.decimals(allow_nan=False)
    | st.dates()
    | st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=2))]) | st.none())
    | st.times()
)
PLAIN = st.recursive(
    PLAIN_ATOM,
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple) | st.dictionaries(TEXT, inner, max_size=3)
    ),
    max_leaves=6,
)


def exact(value: object) -> object:
    """Return a value that is equal only for values of the same types and the same text."""
    if isinstance(value, dict):
        return ("dict", tuple(sorted((key, repr(exact(member))) for key, member in value.items())))
    if isinstance(value, list | tuple):
        return (type(value).__name__, tuple(exact(member) for member in value))
    if isinstance(value, datetime):
        return ("datetime", value.isoformat())
    return (type(value).__name__, str(value) if isinstance(value, Decimal) else repr(value))


@given(PLAIN, PLAIN)
def test_two_values_have_one_tagged_hash_only_if_they_are_the_same(one: object, other: object) -> None:
    same = exact(one) == exact(other)
    assert (tagged_hash("t", one) == tagged_hash("t", other)) == same  # type: ignore[arg-type]


ALIKE = [
    1,
    True,
    "1",
    1.0,
    Decimal(1),
    Decimal("1.0"),
    b"1",
    None,
    "",
    b"",
    "None",
    (),
    [],
    {},
    0,
    False,
    -0.0,
    0.0,
    ("a", "b"),
    ["a", "b"],
    ("ab",),
    ("a", ("b",)),
    (("a",), "b"),
    {"a": "b"},
    {"a": {"b": None}},
    ("1:a", "s1:a"),
    date(2024, 1, 1),
    datetime(2024, 1, 1),
    datetime(2024, 1, 1, tzinfo=UTC),
    "2024-01-01",
    time(0),
    "00:00:00",
    "\ud800",
    float("inf"),
    "inf",
]


def test_values_that_are_easily_confused_have_different_hashes() -> None:
    hashes = [tagged_hash("t", value) for value in ALIKE]
    hashes += [tagged_hash("u", value) for value in ALIKE]
    assert len(set(hashes)) == 2 * len(ALIKE)


def test_a_tag_cannot_run_into_its_value() -> None:
    assert tagged_hash("a", "bc") != tagged_hash("ab", "c")


def test_the_order_of_a_mapping_and_the_class_of_a_text_do_not_matter() -> None:
    assert tagged_hash("t", {"a": 1, "b": 2}) == tagged_hash("t", {"b": 2, "a": 1})
    assert tagged_hash("t", AssetKey("mart.x")) == tagged_hash("t", "mart.x")


def test_the_tagged_hash_never_changes() -> None:
    """Stored definitions are compared with it: a change here would make everything stale."""
    value = {"a": (1, -1, None, True), "b": [0.1, Decimal("2.50"), date(2024, 2, 29)]}
    assert tagged_hash("check", value) == "015ba521fb36e24b391aa90b317d54ac7c02ef66c5b668169866c95619e4b92b"


@pytest.mark.parametrize("value", [object(), {1: 2}, {1, 2}, (object(),), 1j])
def test_other_types_have_no_tagged_hash(value: object) -> None:
    with pytest.raises(EncodingError):
        tagged_hash("t", value)  # type: ignore[arg-type]
