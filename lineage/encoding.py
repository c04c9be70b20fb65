"""Canonical bytes: what ledger entries are made of, and the tagged hash of plain values.

The canonical form is the subset of RFC 8785 (JSON Canonicalization Scheme) in which every implementation agrees:
no floats, integers below 2^53 in magnitude, ASCII object keys, no lone surrogates, bounded size and depth. The same
limits hold when writing and when parsing, and the parser accepts canonical bytes only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from json import JSONDecodeError, JSONDecoder, JSONEncoder
from json.encoder import c_make_encoder, encode_basestring  # type: ignore[attr-defined]
from typing import NoReturn, TypeAlias

from headwater.assets.errors import EncodingError

JsonValue: TypeAlias = bool | int | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"] | None
_PlainAtom: TypeAlias = bool | int | str | bytes | float | Decimal | date | datetime | time | None
PlainValue: TypeAlias = _PlainAtom | Sequence["PlainValue"] | Mapping[str, "PlainValue"]

MAX_BYTES = 32 * 1024
MAX_DEPTH = 32
MAX_INTEGER = 2**53 - 1


def canonical_bytes(value: JsonValue) -> bytes:
    """Return the RFC 8785 encoding of `value` as UTF-8 bytes.

    Takes dict, list, tuple (written as a list), str, int, bool and None. Raises EncodingError, naming the place
    inside `value`, for anything that the canonical form does not admit.
    """
    _admit(value, 1, ())
    try:
        encoded = _encode(value).encode("utf-8")
    except UnicodeEncodeError:
        raise EncodingError("A text holds a lone surrogate, which UTF-8 cannot carry.") from None
    if len(encoded) > MAX_BYTES:
        raise EncodingError(
            f"The value takes {len(encoded)} bytes, more than the {MAX_BYTES} that an entry may have.",
            "Store the large part as a blob and keep its digest.",
        )
    return encoded


def parse_canonical(data: bytes) -> JsonValue:
    """Return the value that `data` encodes. Raises EncodingError unless `data` is its one canonical encoding."""
    text = decode_text(data)
    value, end = scan_canonical(text, 0)
    if end != len(text):
        raise EncodingError(f"Not JSON: the value ends at character {end}, and there is more.")
    return value


def decode_text(data: bytes) -> str:
    """Return `data` as text. Raises EncodingError where it is too large or not UTF-8."""
    if len(data) > MAX_BYTES:
        raise EncodingError(f"{len(data)} bytes are more than the {MAX_BYTES} that an entry may have.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise EncodingError(f"Not UTF-8: {error}.") from None


def scan_canonical(text: str, start: int, depth: int = 1) -> tuple[JsonValue, int]:
    """Return the canonical value that begins at `start`, which is nested `depth` deep, and where it ends.

    Raises EncodingError where there is no such value, or another spelling of one.
    """
    try:
        value, end = _scan(text, start)
        encoded = _encode(value)
    except StopIteration as stop:
        raise EncodingError(f"Not JSON: no value at character {stop.value}.") from None
    except JSONDecodeError as error:
        raise EncodingError(f"Not JSON: {error}.") from None
    except RecursionError:
        raise EncodingError(f"Values are nested deeper than {MAX_DEPTH} levels.") from None
    if text[start:end] != encoded:
        raise EncodingError("Not in canonical form (order of keys, duplicate keys, white space or spelling).")
    # The scan makes no non-ASCII key and no depth beyond the count of brackets, so most values need no walk.
    if not encoded.isascii() or encoded.count("[") + encoded.count("{") > MAX_DEPTH - depth + 1:
        _admit(value, depth, ())
    return value, end


def _admit(value: object, depth: int, place: tuple[str | int, ...]) -> None:
    """Raise EncodingError unless `value` lies within the canonical form."""
    if isinstance(value, str) or value is None or isinstance(value, bool):
        return
    if isinstance(value, int):
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise _refusal("an integer of 2^53 or more", place, "Write large numbers as decimal strings.")
    elif isinstance(value, dict):
        if depth > MAX_DEPTH:
            raise _refusal(f"nested deeper than {MAX_DEPTH} levels", place)
        for key, member in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise _refusal(f"a key that is not ASCII text, {key!r}", place)
            _admit(member, depth + 1, (*place, key))
    elif isinstance(value, (list, tuple)):
        if depth > MAX_DEPTH:
            raise _refusal(f"nested deeper than {MAX_DEPTH} levels", place)
        for index, member in enumerate(value):
            _admit(member, depth + 1, (*place, index))
    elif isinstance(value, float):
        raise _refusal("a float", place, "Write figures as decimal strings.")
    else:
        raise _refusal(f"of type {type(value).__name__}", place)


def _refusal(what: str, place: tuple[str | int, ...], remedy: str = "") -> EncodingError:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")
    return EncodingError(f"The value{f' at {path}' if path else ''} is {what}, which an entry cannot hold.", remedy)


def _refuse_float(text: str) -> NoReturn:
    raise EncodingError(f"{text[:40]} is not an integer, and an entry holds no other numbers.")


class _Integers(dict[str, int]):
    """Integers by their text: small ones are looked up, which is what most of them are; others are checked."""

    def __missing__(self, text: str) -> int:
        # 17 characters hold every admitted integer, and keep int() away from absurd lengths.
        value = int(text) if len(text) <= 17 else MAX_INTEGER + 1
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise EncodingError(f"{text[:40]} is an integer of 2^53 or more, which an entry cannot hold.")
        return value


_integers = _Integers({str(number): number for number in range(1000)})
_decoder = JSONDecoder(parse_float=_refuse_float, parse_constant=_refuse_float, parse_int=_integers.__getitem__)
_scan: Callable[[str, int], tuple[JsonValue, int]] = _decoder.scan_once  # type: ignore[attr-defined]


def _make_encoder() -> Callable[[object], str]:
    """Return the fastest encoder there is. Sorting by code point is sorting by UTF-16 unit, as keys are ASCII.

    JSONEncoder.encode builds a new C encoder on each call; keeping one saves a third of the time.
    """
    settings = JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False)
    if c_make_encoder is None:  # an interpreter without the C accelerator
        return settings.encode
    chunks = c_make_encoder(None, settings.default, encode_basestring, None, ":", ",", True, False, False)
    return lambda value: "".join(chunks(value, 0))


_encode = _make_encoder()


def tagged_hash(tag: str, value: PlainValue) -> str:
    """Return the SHA-256, as hex, of `tag` and `value` in an encoding where every value has its own bytes.

    Each value is its type, its length and its text, so no two different values (1, True, "1", 1.0, Decimal("1"),
    (1,), [1]) share an encoding, and neither do two tags. Mappings are hashed without regard to order; their keys
    are texts. A subclass of str, such as AssetKey, is the text it holds. Aware datetimes differ by what they show:
    the same instant at another offset is another value. Raises EncodingError for values of other types.
    """
    digest = hashlib.sha256()
    for part in (*_tagged(tag), *_tagged(value)):
        digest.update(part)
    return digest.hexdigest()


def _tagged(value: object) -> Iterator[bytes]:
    """Yield the netstring-like encoding of `value`: one type letter, a length, a colon, the bytes."""
    for types, letter, write in _ATOMS:
        if isinstance(value, types):
            data = write(value)
            yield b"%c%d:%b" % (letter, len(data), data)
            return
    if isinstance(value, Mapping):
        yield b"m%d:" % len(value)
        for key in sorted(value):
            if not isinstance(key, str):
                raise EncodingError(f"A mapping to be hashed has the key {key!r}, which is not text.")
            yield from _tagged(key)
            yield from _tagged(value[key])
    elif isinstance(value, (tuple, list)):
        yield b"%c%d:" % (b"t" if isinstance(value, tuple) else b"l", len(value))
        for member in value:
            yield from _tagged(member)
    else:
        raise EncodingError(f"A value of type {type(value).__name__} has no canonical encoding to hash.")


def _text(value: object) -> bytes:
    return str(value).encode()


# Order matters: bool is an int, datetime is a date.
_ATOMS: tuple[tuple[type, bytes, Callable[..., bytes]], ...] = (
    (str, b"s", lambda value: str.__str__(value).encode("utf-8", "surrogatepass")),
    (bool, b"b", _text),
    (int, b"i", lambda value: b"%x" % value),
    (type(None), b"n", lambda value: b""),
    (float, b"f", lambda value: float.__repr__(value).encode()),
    (Decimal, b"d", _text),
    (datetime, b"T", lambda value: value.isoformat().encode()),
    (date, b"D", lambda value: value.isoformat().encode()),
    (time, b"H", lambda value: value.isoformat().encode()),
    (bytes, b"y", lambda value: value),
)
