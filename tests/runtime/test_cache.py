"""The analysis cache: whatever is in its file, what comes out is sound or nothing."""

from __future__ import annotations

import hashlib
import os
import pickle
import sqlite3
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from headwater.assets.asset import Asset, CheckSpec, Location
from headwater.assets.key import AssetKey
from headwater.runtime import cache as module
from headwater.runtime.cache import AnalysisCache, cache_key, texts_digest
from headwater.runtime.packing import pack

VALUE = Asset(
    AssetKey("a.b"),
    Location("a.sql", 3),
    sql="select 1",
    checks=(CheckSpec("between", "x", (("max", Decimal("1.5")), ("min", date(2024, 1, 1)))),),
    meta=(("at", datetime(2024, 1, 1, tzinfo=UTC)), ("list", (1, 2.5, None, True))),
)
KEY = cache_key("x")


def filled(path: Path) -> Path:
    cache = AnalysisCache(path)
    cache.put(KEY, VALUE)
    cache.close()
    return path


def read(path: Path, key: bytes = KEY) -> object:
    cache = AnalysisCache(path)
    found = cache.get_many([key]).get(key)
    cache.close()
    return found


def plant(path: Path, key: bytes, payload: bytes) -> None:
    """Store a payload as a cache would, with the right digest: what somebody else may have written."""
    digest = hashlib.blake2b(payload, digest_size=16, key=key).digest()
    with sqlite3.connect(path) as connection:
        connection.execute("insert or replace into packed values (?, ?)", (key, digest + payload))
    connection.close()


def test_what_is_put_is_found_after_it_was_written(tmp_path):
    assert read(filled(tmp_path / "deep" / "c.db")) == VALUE
    assert read(tmp_path / "deep" / "c.db", cache_key("y")) is None


def test_many_keys_are_asked_at_once(tmp_path):
    cache = AnalysisCache(tmp_path / "c.db")
    keys = [cache_key(number) for number in range(1234)]
    for number, key in enumerate(keys):
        cache.put(key, (number,))
    cache.flush()
    assert cache.get_many(keys) == {key: (number,) for number, key in enumerate(keys)}
    cache.close()


class Evil:
    def __reduce__(self):
        return (os.system, ("touch evil",))


class EvilPopen:
    def __reduce__(self):
        return (subprocess.Popen, (["touch", "evil"],))


def by_name(name: str, *arguments: object) -> bytes:
    """Return a pickle that calls what `module:name` is with these arguments."""
    home, attribute = name.split(":")
    body = b"(" + b"".join(pickle.dumps(a, protocol=2)[2:-1] for a in arguments) + b"t"
    names = b"".join(b"\x8c" + bytes([len(text)]) + text.encode() for text in (home, attribute))
    return b"\x80\x04" + names + b"\x93" + body + b"R."


@pytest.mark.parametrize(
    "payload",
    [
        pickle.dumps(Evil()),
        pickle.dumps(EvilPopen()),
        by_name("os:system", "touch evil"),
        by_name("builtins:eval", "open('evil', 'w')"),
        by_name("builtins:open", "evil", "w"),
        by_name("headwater.runtime.cache:sqlite3.connect", "evil"),
        by_name("headwater.runtime.cache:AnalysisCache", None),
        by_name("headwater.runtime.cache:_remove", "evil"),
        by_name("headwater.runtime.filelock:os.system", "touch evil"),
        by_name("headwater.assets.config:Path", "evil"),
        by_name("headwater.assets.python_module:load_module", "x", "y"),
        by_name("headwater.assets.asset:Asset.__init_subclass__"),
        by_name("headwater.runtime.packing:restore", "subprocess:Popen", "evil"),
        by_name("headwater.runtime.packing:restore", "headwater.runtime.cache:AnalysisCache", None),
        by_name("headwater.runtime.packing:restore", "headwater.runtime.cache:_remove", "evil"),
        by_name("headwater.runtime.packing:restore", "headwater.assets.config:Path", "evil"),
        by_name("headwater.runtime.packing:restore", "headwater.assets.asset:Location", "x"),
        by_name("headwater.runtime.packing:importlib.import_module", "antigravity"),
        b"",
        b"\x80\x05",
        b"not a pickle",
        pickle.dumps(VALUE)[:-20],
    ],
)
def test_a_foreign_payload_is_no_hit_and_is_not_run(payload, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = filled(tmp_path / "c.db")
    plant(path, KEY, payload)
    assert read(path) is None
    assert sorted(os.listdir(tmp_path)) == ["c.db"]


def test_a_planted_value_of_ours_is_read_so_the_test_above_can_fail(tmp_path):
    path = filled(tmp_path / "c.db")
    plant(path, KEY, pack(Location("x", 2)))
    assert read(path) == Location("x", 2)


@pytest.mark.parametrize("value", [b"", b"x", b"\x00" * 200, "text", 5, 1.5, None])
def test_a_corrupt_row_is_no_hit(value, tmp_path):
    path = filled(tmp_path / "c.db")
    with sqlite3.connect(path) as connection:
        connection.execute("update packed set value = ?", (value,))
    connection.close()
    assert read(path) is None


def test_every_changed_byte_of_a_row_is_noticed(tmp_path):
    path = filled(tmp_path / "c.db")
    with sqlite3.connect(path) as connection:
        (packed,) = connection.execute("select value from packed").fetchone()
        for place in range(0, len(packed), 7):
            changed = packed[:place] + bytes([packed[place] ^ 1]) + packed[place + 1 :]
            connection.execute("update packed set value = ?", (changed,))
            connection.commit()
            assert read(path) is None
    connection.close()


def test_a_row_under_another_key_is_no_hit(tmp_path):
    path = filled(tmp_path / "c.db")
    with sqlite3.connect(path) as connection:
        connection.execute("update packed set key = ?", (cache_key("y"),))
    connection.close()
    assert read(path, cache_key("y")) is None


@pytest.mark.parametrize("size", [0, 1, 50, 100, 2000, 4096, 5000])
def test_a_truncated_file_is_ignored_and_heals(size, tmp_path):
    path = tmp_path / "c.db"
    cache = AnalysisCache(path)
    for number in range(100):
        cache.put(cache_key(number), VALUE)
    cache.close()
    os.truncate(path, size)
    for _ in range(2):
        assert read(path, cache_key(99)) in (None, VALUE)
        filled(path)
    assert read(path) == VALUE


@pytest.mark.parametrize(
    "text", [b"not a database at all, but long enough to be looked at" * 100, b"SQLite format 3\x00" + b"\xff" * 9000]
)
def test_another_file_in_its_place_is_replaced(text, tmp_path):
    path = tmp_path / "c.db"
    path.write_bytes(text)
    assert read(path) is None
    filled(path)
    filled(path)
    assert read(path) == VALUE


def test_another_table_of_the_same_name_is_done_without(tmp_path):
    path = tmp_path / "c.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table packed (something text)")
    connection.close()
    assert read(filled(path)) is None


def test_a_folder_in_its_place_is_done_without(tmp_path):
    (tmp_path / "c.db").mkdir()
    assert read(filled(tmp_path / "c.db")) is None
    (tmp_path / "file").touch()
    assert read(filled(tmp_path / "file" / "c.db")) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_that_may_not_be_written_is_done_without(tmp_path):
    path = filled(tmp_path / "c.db")
    tmp_path.chmod(0o500)
    try:
        assert read(path) in (None, VALUE)
        cache = AnalysisCache(path)
        cache.put(cache_key("y"), VALUE)
        cache.close()
    finally:
        tmp_path.chmod(0o700)


def test_a_store_that_only_can_be_read_is_done_without(tmp_path, monkeypatch):
    path = filled(tmp_path / "c.db")
    real = sqlite3.connect
    monkeypatch.setattr(module.sqlite3, "connect", lambda p, **more: real(f"file:{p}?mode=ro", uri=True, **more))
    cache = AnalysisCache(path)
    cache.put(cache_key("y"), VALUE)
    cache.close()
    monkeypatch.undo()
    assert read(path) == VALUE


def test_without_a_path_nothing_outlives_it():
    cache = AnalysisCache(None)
    cache.put(KEY, VALUE)
    cache.flush()
    assert cache.get_many([KEY]) == {KEY: VALUE}
    cache.close()
    assert AnalysisCache(None).get_many([KEY]) == {}


def test_rows_that_were_taken_can_be_adopted_by_another():
    one, other = AnalysisCache(None), AnalysisCache(None)
    one.put(KEY, VALUE)
    rows = one.take()
    assert one.get_many([KEY]) == {}
    other.adopt(rows | {b"x" * 20: b"nonsense"})
    assert other.get_many([KEY, b"x" * 20]) == {KEY: VALUE}


def test_what_cannot_be_packed_is_not_kept(tmp_path):
    cache = AnalysisCache(tmp_path / "c.db")
    cache.put(KEY, (lambda: 1,))
    cache.close()
    assert read(tmp_path / "c.db") is None


WORKER = """
import sys
from pathlib import Path
from headwater.assets.asset import Location
from headwater.runtime.cache import AnalysisCache, cache_key
path, start = Path(sys.argv[1]), int(sys.argv[2])
for number in range(start, start + 40):
    cache = AnalysisCache(path)
    keys = {cache_key(other): Location("x", other) for other in range(80)}
    assert all(value == keys[key] for key, value in cache.get_many(keys).items())
    cache.put(cache_key(number), Location("x", number))
    cache.close()
"""


def test_two_processes_at_once_only_ever_see_sound_values(tmp_path):
    path = tmp_path / "c.db"
    commands = [[sys.executable, "-c", WORKER, str(path), str(start)] for start in (0, 40)]
    workers = [subprocess.Popen(command, stderr=subprocess.PIPE) for command in commands]
    for worker in workers:
        _, errors = worker.communicate(timeout=60)
        assert worker.returncode == 0, errors
    values = [read(path, cache_key(number)) for number in range(80)]
    assert [value for number, value in enumerate(values) if value not in (None, Location("x", number))] == []
    # A process that meets a lock for too long does without, so what they wrote is a matter of load; that the file is
    # still a cache is not.
    cache = AnalysisCache(path)
    cache.put(cache_key("after"), Location("y", 1))
    cache.close()
    assert read(path, cache_key("after")) == Location("y", 1)


def test_other_versions_of_our_code_or_of_the_parser_have_other_keys(monkeypatch):
    def keys() -> bytes:
        module._generation.cache_clear()  # it is asked for once in a process
        return cache_key("x")

    before = keys()
    assert keys() == before
    with monkeypatch.context() as other:
        other.setattr(module, "installed_version", lambda name: "31.0")
        assert keys() != before
    assert keys() == before


def test_keys_tell_apart_what_they_are_made_of():
    parts = [
        ("a",),
        ("a", ""),
        ("", "a"),
        ("a", "b"),
        ("ab",),
        (1,),
        ("1",),
        (None,),
        ((),),
        ([],),
        (b"a",),
        ("a\0b",),
        ("a", b"b"),
    ]
    assert len({cache_key(*part) for part in parts}) == len(parts)


def test_the_digest_of_texts_knows_names_and_borders():
    texts = [{}, {"a": ""}, {"a": "b"}, {"b": "a"}, {"a": "", "b": ""}, {"ab": ""}, {"a": "b\0c"}, {"a": "\ud800"}]
    assert len({texts_digest(text) for text in texts}) == len(texts)
    assert texts_digest({"a": "1", "b": "2"}) == texts_digest({"b": "2", "a": "1"})


def test_a_damaged_store_is_begun_anew_by_the_process_that_meets_it(tmp_path):
    path = tmp_path / "c.db"
    cache = AnalysisCache(path)
    for number in range(2000):
        cache.put(cache_key(number), Location("x" * 50, number))
    cache.close()
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)  # past what is looked at on opening
    path.write_bytes(content)
    cache = AnalysisCache(path)
    assert cache.get_many([cache_key(number) for number in range(2000)]) == {}
    cache.put(KEY, VALUE)
    cache.close()
    assert read(path) == VALUE
