"""The bytes of an entry: one grammar, exact to the byte, that both readers and verification go by.

An entry is canonical JSON (see encoding) with a fixed set of fields, so all of it but `blobs` and `payload` is a
regular language: three patterns that admit the canonical spelling and no other. Reading by them is twice as fast as
parsing an object and encoding it again, which decides how long a full verification takes.
"""

from __future__ import annotations

import re
from json import loads
from typing import Any, Final, NamedTuple

from headwater.assets.errors import EncodingError
from headwater.lineage.encoding import MAX_INTEGER, JsonValue, decode_text, parse_canonical, scan_canonical

FORMAT_VERSION: Final = 1

# A string in its one spelling: RFC 8785 section 3.2.2.2 allows exactly these escapes.
_STRING = r'"([^"\\\x00-\x1f]*+(?:\\(?:["\\bfnrt]|u00(?:0[0-7bef]|1[0-9a-f]))[^"\\\x00-\x1f]*+)*+)"'
_NUMBER = r"(0|[1-9][0-9]{0,15})"
_TIME = r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)"
_HASH = r"([0-9a-f]{64})"

_TO_BLOBS = re.compile(rf'{{"actor":{{"id":{_STRING},"kind":{_STRING},"on_behalf_of":(?:null|{_STRING})}},"blobs":')
_TO_PAYLOAD = re.compile(rf',"clock":{_STRING},"payload":')
_TO_END = re.compile(
    rf',"seq":{_NUMBER},"stream":{_STRING},"stream_prev":(?:null|"{_HASH}"),"stream_seq":{_NUMBER},'
    rf'"subject":{_STRING},"ts":"{_TIME}","type":{_STRING},"v":{FORMAT_VERSION},"why":{_STRING}}}'
)


class EntryForm(NamedTuple):
    """The fields of an entry as read, in the order of their place in the bytes."""

    actor: tuple[str, str, str | None]
    blobs: list[dict[str, Any]]
    clock: str
    payload: dict[str, JsonValue]
    seq: int
    stream: str
    stream_prev: str | None
    stream_seq: int
    subject: str
    ts: str
    type: str
    why: str


def read_entry(data: bytes) -> EntryForm:
    """Return the fields of the entry whose canonical bytes are `data`. Raises EncodingError for any other bytes."""
    text = decode_text(data)
    head = _TO_BLOBS.match(text)
    if head is None:
        raise _what_is_wrong(data)
    blobs: Any
    payload: Any
    blobs, at = scan_canonical(text, head.end(), 2)
    middle = _TO_PAYLOAD.match(text, at)
    if middle is None:
        raise _what_is_wrong(data)
    payload, at = scan_canonical(text, middle.end(), 2)
    tail = _TO_END.fullmatch(text, at)
    if tail is None or type(blobs) is not list or type(payload) is not dict:
        raise _what_is_wrong(data)
    (actor_id, kind, on_behalf_of), clock = head.groups(), middle[1]
    seq, stream, stream_prev, stream_seq, subject, ts, type_, why = tail.groups()
    if "\\" in text:
        actor_id, kind, on_behalf_of = map(_unescaped, (actor_id, kind, on_behalf_of))
        clock, stream, subject, type_, why = map(_unescaped, (clock, stream, subject, type_, why))
    actor = (actor_id, kind, on_behalf_of)
    form = EntryForm(
        actor, blobs, clock, payload, int(seq), stream, stream_prev, int(stream_seq), subject, ts, type_, why
    )
    if form.seq > MAX_INTEGER or form.stream_seq > MAX_INTEGER or (stream_prev is None) != (form.stream_seq == 0):
        raise _what_is_wrong(data)
    for blob in blobs:
        _check_blob(blob)
    return form


def _unescaped(literal: Any) -> Any:
    return loads(f'"{literal}"') if literal and "\\" in literal else literal


def _what_is_wrong(data: bytes) -> EncodingError:
    """Return the error that says which rule `data` breaks, found by the slow road."""
    try:
        check_entry(parse_canonical(data))
    except EncodingError as error:
        return error
    return EncodingError("Not an entry: its fields are not in the one spelling that they have.")


_FIELDS: Final[dict[str, type]] = {
    "actor": dict,
    "blobs": list,
    "clock": str,
    "payload": dict,
    "seq": int,
    "stream": str,
    "stream_prev": str,
    "stream_seq": int,
    "subject": str,
    "ts": str,
    "type": str,
    "v": int,
    "why": str,
}
_ACTOR_FIELDS: Final = ("id", "kind", "on_behalf_of")
_BLOB_FIELDS: Final = ("media", "name", "sha256", "size")
_is_time = re.compile(_TIME).fullmatch
_is_hash = re.compile(_HASH).fullmatch


def check_entry(value: object) -> None:
    """Raise EncodingError unless `value` is an object with exactly the fields of an entry, each of its type.

    `type` is not compared with the known kinds: an entry of a kind that a newer Headwater wrote still verifies.
    """
    if not isinstance(value, dict) or tuple(value) != tuple(_FIELDS):
        raise EncodingError("Not an entry: fields are missing, or there are others.")
    first = value["stream_prev"] is None
    for name, type_ in _FIELDS.items():
        if type(value[name]) is not type_ and not (first and name == "stream_prev"):
            raise EncodingError(f"Not an entry: the field {name!r} is a {type(value[name]).__name__}.")
    if value["v"] != FORMAT_VERSION:
        raise EncodingError(f"The entry has format {value['v']}, and this Headwater reads format {FORMAT_VERSION}.")
    if value["seq"] < 0 or value["stream_seq"] < 0 or first != (value["stream_seq"] == 0):
        raise EncodingError("Not an entry: its numbers are below 0, or disagree with the hash of the entry before.")
    if not _is_time(value["ts"]):
        raise EncodingError("Not an entry: its time is not UTC with microseconds.")
    if not (first or _is_hash(value["stream_prev"])):
        raise EncodingError("Not an entry: the hash of the entry before is not 64 hex digits.")
    _check_actor(value["actor"])
    for blob in value["blobs"]:
        _check_blob(blob)


def _check_actor(actor: dict[str, object]) -> None:
    if tuple(actor) != _ACTOR_FIELDS or not (type(actor["id"]) is type(actor["kind"]) is str):
        raise EncodingError("Not an entry: the actor has no id and kind, or has other fields.")
    if type(actor["on_behalf_of"]) is not str and actor["on_behalf_of"] is not None:
        raise EncodingError("Not an entry: on whose behalf the actor acted is neither a text nor null.")


def _check_blob(blob: object) -> None:
    if not isinstance(blob, dict) or tuple(blob) != _BLOB_FIELDS:
        raise EncodingError("Not an entry: a blob has no name, media, size and digest, or has other fields.")
    if type(blob["size"]) is not int or not all(type(blob[name]) is str for name in ("media", "name", "sha256")):
        raise EncodingError("Not an entry: a blob's fields have wrong types.")
    if blob["size"] < 0 or not _is_hash(blob["sha256"]):
        raise EncodingError("Not an entry: the size of a blob is below 0, or its digest is not 64 hex digits.")
