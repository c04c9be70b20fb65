"""Python asset files: which values become assets, what they were given, and that never old code is run."""

from __future__ import annotations

import os
import py_compile
import sys
from pathlib import Path

import pytest

import headwater as hw
from headwater.assets.asset import CheckSpec
from headwater.assets.key import AssetKey
from headwater.assets.python_module import load_module

HEAD = "import headwater as hw\n"
RAW = {"assets/raw.yaml": "external:\n  raw.x: {file: x.csv}\n  raw.y: {file: y.csv}\n"}


def test_a_function_with_all_that_is_declared(declare):
    text = HEAD + (
        "\n@hw.asset('mart.Delays', inputs={'rows': 'raw.x', 'other': 'Raw.Y'}, owner='me', tags=['a'],\n"
        "          checks=[hw.not_null('x'), {'unique': ['x']}], regulated=True)\n"
        "def delays(rows, context, other, limit=3):\n    return rows\n"
    )
    loaded = declare({**RAW, "assets/mart/delays.py": text})
    assert loaded.problems == ()
    asset = loaded.assets[AssetKey("mart.delays")]
    code = asset.python
    assert (asset.owner, asset.tags, asset.regulated, asset.kind) == ("me", ("a",), True, "table")
    assert (asset.location.file, asset.location.line) == ("assets/mart/delays.py", 3)
    assert (code.module_file, code.qualname, code.line) == ("assets/mart/delays.py", "delays", 3)
    assert code.inputs == (("rows", "raw.x"), ("other", "raw.y"))
    assert (code.context_parameter, code.bound, code.opaque) == ("context", (("limit", 3),), ())
    assert [(check.label, check.location.line) for check in asset.checks] == [("not_null(x)", 3), ("unique(x)", 3)]
    assert loaded.graph.upstream[asset.key] == ("raw.x", "raw.y")


def test_the_key_is_the_folder_and_the_function(declare):
    text = HEAD + "@hw.asset\ndef Delays():\n    return 1\n@hw.asset()\ndef other():\n    return 1\n"
    assert set(declare({"assets/Mart/Sub/any.py": text}).assets) == {"mart.sub.delays", "mart.sub.other"}


def test_assets_made_in_loops_stand_in_lists_tuples_and_dicts(declare):
    text = HEAD + (
        "def make(key):\n"
        "    @hw.asset(key)\n    def build():\n        return key\n    return build\n"
        "LIST = [make('a'), [make('b')]]\n"
        "TUPLE = (make('c'), {'x': make('d')})\n"
        "DICT = {name: make(name) for name in ('e', 'f')}\n"
        "AGAIN = [LIST, DICT, DICT['e']]\n"
        "LOOP = []\nLOOP.append(LOOP)\n"
        "for name in ('g', 'h'):\n    LOOP.append(make(name))\n"
        "single = make('i')\n"
    )
    loaded = declare({"assets/a.py": text})
    assert loaded.problems == ()
    assert sorted(loaded.assets) == list("abcdefghi")
    assert {asset.python.bound for asset in loaded.assets.values()} == {(("key", key),) for key in "abcdefghi"}


def test_assets_made_by_a_factory_in_another_file_belong_to_the_file_that_makes_them(declare):
    factory = HEAD + "def make(key):\n    @hw.asset(key)\n    def build():\n        return key\n    return build\n"
    loaded = declare({"lib/factory.py": factory, "assets/a.py": "from lib.factory import make\nx = make('m.x')\n"})
    assert loaded.problems == ()
    code = loaded.assets[AssetKey("m.x")].python
    assert (code.module_file, code.defined_in, code.line) == ("assets/a.py", "lib/factory.py", 3)


def test_an_asset_that_another_asset_file_imports_is_declared_once(declare):
    one = HEAD + "@hw.asset\ndef one():\n    return 1\nALL = [one]\n"
    two = HEAD + "from assets.one import one, ALL\n@hw.asset\ndef two():\n    return one()\n"
    loaded = declare({"assets/one.py": one, "assets/two.py": two})
    assert loaded.problems == ()
    assert {key: asset.location.file for key, asset in loaded.assets.items()} == {
        "one": "assets/one.py",
        "two": "assets/two.py",
    }


def given(declare, body: str, **files: str):
    """Return the PythonCode of asset `a` in a file with this text."""
    loaded = declare({"assets/a.py": HEAD + body, **files})
    assert loaded.problems == ()
    return loaded.assets[AssetKey("a")].python


def made(value: str, before: str = "") -> str:
    make = "def make(given):\n    @hw.asset('a')\n    def build():\n        return given\n    return build\n"
    return f"{before}\n{make}x = make({value})\n"


DIFFERENT = """
    None True 1 1.0 0.0 '1' b'1' [1] (1,) {1} frozenset([1])
    {'a':1} [['a',1]] (('a',1),) {1:'a'} {'a':1,'b':2} {'b':2,'a':1}
    range(1) date(2024,1,1) datetime(2024,1,1) timedelta(1) Decimal('1') Decimal('1.0') Path('1') len int str -0.0
"""
OPAQUE = "object() open hash iter([1]) Plain() Kind.A [object()] {'a':{1:object()}} math.sin print.__call__ Decimal"
HEAD_OF_VALUES = """
import enum, math, pathlib
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
class Plain: pass
class Kind(str, enum.Enum):
    A = 'a'
"""


def test_values_that_differ_stay_different(declare):
    found = {}
    for value in DIFFERENT.split():
        code = given(declare, made(value, HEAD_OF_VALUES))
        if not code.opaque:
            text = repr(code.bound)
            assert text not in found, (value, found[text])
            found[text] = value
    assert set(DIFFERENT.split()) - set(found.values()) == {"range(1)"}


@pytest.mark.parametrize("value", OPAQUE.split())
def test_values_that_are_no_plain_data_are_opaque(declare, value):
    assert given(declare, made(value, HEAD_OF_VALUES)).opaque == ("given",)


def test_a_lambda_that_was_given_is_followed(declare):
    ((file, name, line),) = given(declare, made("lambda: 1")).functions
    assert (file, name, line) == ("assets/a.py", "<lambda>", 8)


def test_functions_and_classes_of_the_project_that_were_given_are_named(declare):
    tools = "def clean(x, by=2):\n    return x\nclass Cleaner:\n    pass\n"
    body = made("[clean, Cleaner]", "from lib.tools import clean, Cleaner")
    code = given(declare, body, **{"lib/tools.py": tools})
    assert code.functions == (("lib/tools.py", "clean", 1), ("lib/tools.py", "Cleaner", 0))
    other = given(declare, body, **{"lib/tools.py": tools.replace("by=2", "by=3")})
    assert code.bound != other.bound


def test_a_function_inside_the_one_that_makes_the_asset_counts_with_what_it_was_given(declare):
    body = (
        "def make(rate):\n"
        "    def scale(x):\n        return scale(x * rate) if x else x\n"
        "    @hw.asset('a')\n    def build():\n        return scale(1)\n"
        "    return build\n"
        "x = make({rate})\n"
    )
    one, two = (given(declare, body.replace("{rate}", rate)) for rate in ("1", "2"))
    assert one.opaque == ()
    assert one.bound != two.bound


def test_partials_and_wrapping_decorators_are_seen_through(declare):
    tools = (
        "import functools\n"
        "def twice(times):\n"
        "    def deco(f):\n"
        "        @functools.wraps(f)\n        def wrapper(*a, **k):\n            return f(*a, **k) * times\n"
        "        return wrapper\n"
        "    return deco\n"
    )
    body = "from lib.tools import twice\n\n@hw.asset('a')\n@twice(3)\ndef build(limit=1):\n    return limit\n"
    code = given(declare, body, **{"lib/tools.py": tools})
    assert (code.qualname, code.line, code.defined_in) == ("build", 4, None)
    assert ("limit", 1) in code.bound
    body = "import functools\ndef build(rows, by):\n    return rows\n"
    body += "x = hw.asset('a', inputs={'rows': 'raw.x'})(functools.partial(build, by=7))\n"
    code = given(declare, body, **RAW)
    assert (code.qualname, code.line) == ("build", 3)
    assert code.bound == (("0:by", 7),)


def test_a_default_that_is_no_plain_data_is_no_riddle_at_the_top_of_a_module(declare):
    code = given(declare, "class C: pass\n@hw.asset('a')\ndef build(x=C()):\n    return x\n")
    assert (code.bound, code.opaque) == ((), ())


def test_cells_that_are_not_filled_do_no_harm(declare):
    body = "def make():\n    @hw.asset('a')\n    def build():\n        return later\n"
    body += "    return build\n    later = 1\nx = make()\n"
    assert given(declare, body).opaque == ()


def test_what_is_printed_on_import_does_not_reach_standard_output(declare, capsys):
    declare({"assets/a.py": "print('hello')\n"})
    assert capsys.readouterr().out == ""


def test_modules_of_the_project_are_imported_by_every_way(declare):
    files = {
        "assets/a.py": HEAD
        + "import helper, lib.tools, pack\nfrom lib import more\nfrom assets.shared import S\n"
        + "@hw.asset(owner=helper.H + lib.tools.T + more.M + S + pack.P)\ndef a():\n    return 1\n",
        "helper.py": "H = 'h'",
        "lib/tools.py": "T = 't'",
        "lib/more.py": "from lib.tools import T\nM = T + 'm'",
        "pack/__init__.py": "from .inner import P",
        "pack/inner.py": "P = 'p'",
        "assets/shared.py": "S = 's'",
    }
    assert declare(files).assets[AssetKey("a")].owner == "httmsp"


def test_an_edited_helper_is_run_as_it_is_now_whatever_bytecode_says(declare, tmp_path):
    """Two edits of one size in one second: bytecode, and Python's memory of modules, would give the first."""
    files = {"assets/a.py": HEAD + "from lib.tools import NAME\n@hw.asset(owner=NAME)\ndef a():\n    return 1\n"}
    first = declare({**files, "lib/tools.py": "NAME = 'aa'\n"})
    assert first.assets[AssetKey("a")].owner == "aa"
    assert not list(tmp_path.rglob("*.pyc"))
    helper = tmp_path / "lib" / "tools.py"
    py_compile.compile(str(helper))
    times = helper.stat()
    helper.write_text("NAME = 'bb'\n")
    os.utime(helper, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert declare({}).assets[AssetKey("a")].owner == "bb"


def test_two_projects_with_modules_of_one_name_do_not_mix(tmp_path):
    for name in ("one", "two"):
        root = tmp_path / name
        (root / "lib").mkdir(parents=True)
        (root / "lib" / "tools.py").write_text(f"NAME = {name!r}\n")
        (root / "a.py").write_text("from lib.tools import NAME\n")
    from headwater.assets.modules import forget_modules

    for name in ("one", "two", "one"):
        forget_modules(tmp_path / name, ["a.py", "lib/tools.py"])
        assert name == load_module(tmp_path / name, "a.py").NAME


def test_a_failed_import_leaves_nothing_behind(declare):
    before = set(sys.modules)
    declare({"assets/a.py": "1 / 0\n"})
    assert {name for name in set(sys.modules) - before if name.startswith("headwater_project_")} == set()


def test_a_declared_function_can_be_called_as_it_is():
    @hw.asset("a", inputs={"x": "b"})
    def double(x):
        return x * 2

    assert double(4) == 8
    assert isinstance(hw.not_null("x"), CheckSpec)


def test_the_interpreters_own_modules_are_not_shadowed(declare, tmp_path):
    import json

    declare({"json.py": "X = 1\n", "assets/a.py": "import json\njson.dumps(1)\n"})
    assert sys.modules["json"] is json
    assert Path(json.__file__).parent != tmp_path


def test_an_asset_whose_name_is_bound_again_is_not_lost(declare):
    text = HEAD + "for name in ('a', 'b'):\n    @hw.asset(name)\n    def build(name=name):\n        return name\n"
    loaded = declare({"assets/a.py": text})
    assert loaded.problems == ()
    assert sorted(loaded.assets) == ["a", "b"]
