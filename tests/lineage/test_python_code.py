"""The definition of Python assets: what must not change it, what must, and what nobody can tell."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import pytest

from headwater.assets.asset import PythonCode
from headwater.lineage.python_code import PythonDefinition, analyse_python, reaches_out

HERE = "assets/mart.py"


def code(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n")


def defined(files: dict[str, str], name: str = "build", file: str = HERE, **more: object) -> PythonDefinition:
    """Return the definition of the function `name` in `file`; qualified names of nested ones are given as they are."""
    texts = {path: code(text) for path, text in files.items()}
    short = name.rsplit(".", 1)[-1]
    nodes = [n for n in ast.walk(ast.parse(texts[file])) if isinstance(n, ast.FunctionDef) and n.name == short]
    line = min([nodes[0].lineno, *(d.lineno for d in nodes[0].decorator_list)])
    return analyse_python(texts, PythonCode(file, name, line, **more))  # type: ignore[arg-type]


def logic(text: str, name: str = "build", **others: str) -> str:
    files = {HERE: text, **{f"{module.replace('__', '/')}.py": other for module, other in others.items()}}
    return defined(files, name).logic


BASE = """
    import headwater as hw
    from helpers import rate

    FACTOR = 2

    def unused():
        return 1

    @hw.asset("mart.x", inputs={"rows": "raw.rows"})
    def build(rows: hw.Input):
        '''Multiply.'''
        total = rows.arrow()
        return scale(total) * FACTOR

    def scale(value):
        return value * rate()
"""
HELPERS = """
    LIMIT = 10

    def rate():
        return LIMIT

    def other():
        return 3
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("'''Multiply.'''", "'''Something else entirely,\n        over two lines.'''"),
        ("'''Multiply.'''", ""),
        ("total = rows.arrow()", "total = (  # a comment\n            rows . arrow( )\n        )"),
        ("FACTOR = 2", "# moved\n\n\n    FACTOR = 2"),
        ("return 1", "return 2"),
        ("def build(rows: hw.Input):", "def build(rows):"),
        (
            '@hw.asset("mart.x", inputs={"rows": "raw.rows"})',
            '@hw.asset("mart.x", owner="me", inputs={"rows": "raw.r"})',
        ),
        ("import headwater as hw\n", "import headwater as hw\n    import json\n"),
        ("return scale(total) * FACTOR", "return scale(total) * FACTOR;"),
    ],
)
def test_what_does_not_matter(old, new):
    assert old in BASE
    assert logic(BASE, helpers=HELPERS) == logic(BASE.replace(old, new), helpers=HELPERS)


def test_moving_functions_about_does_not_matter():
    moved = """
        from helpers import rate
        import headwater as hw

        def scale(value):
            return value * rate()

        @hw.asset("mart.x", inputs={"rows": "raw.rows"})
        def build(rows: hw.Input):
            total = rows.arrow()
            return scale(total) * FACTOR

        FACTOR = 2
    """
    assert logic(BASE, helpers=HELPERS) == logic(moved, helpers=HELPERS)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return scale(total) * FACTOR", "return scale(total) + FACTOR"),
        ("total = rows.arrow()", "total = rows.pandas()"),
        ("FACTOR = 2", "FACTOR = 3"),
        ("FACTOR = 2", "FACTOR = 2.0"),
        ("FACTOR = 2", "FACTOR = True + 1"),
        ("FACTOR = 2", "FACTOR = '2'"),
        ("FACTOR = 2", "FACTOR = 2\n    FACTOR += 1"),
        ("FACTOR = 2", "FACTOR = 2\n    if FACTOR:\n        FACTOR = 5"),
        ("return value * rate()", "return value * rate() * 1"),
        ("from helpers import rate", "from helpers import other as rate"),
        ("from helpers import rate", "def rate():\n        return 5"),
    ],
)
def test_what_matters(old, new):
    assert old in BASE
    assert logic(BASE, helpers=HELPERS) != logic(BASE.replace(old, new), helpers=HELPERS)


def test_helpers_in_other_files_matter_where_they_are_reached():
    before = logic(BASE, helpers=HELPERS)
    assert before != logic(BASE, helpers=HELPERS.replace("LIMIT = 10", "LIMIT = 11"))
    assert before != logic(BASE, helpers=HELPERS.replace("return LIMIT", "return -LIMIT"))
    assert before == logic(BASE, helpers=HELPERS.replace("return 3", "return 4"))
    assert before == logic(BASE, helpers=HELPERS, unrelated="X = 1")


Case = tuple[dict[str, str], dict[str, str]]  # files before and after the edit


def cases(name: str) -> dict[str, Case]:
    """Return the cases of a file: the first place that holds the old text is edited."""
    found: dict[str, Case] = {}
    text = (Path(__file__).parent / "python_code" / f"{name}.txt").read_text()
    for case in text.split("\n=== ")[1:]:
        title, *parts = case.split("\n--- ")
        files = {}
        for head, _, body in (part.partition("\n") for part in parts):
            files[{"asset": HERE}.get(head, head)] = body
        edit = files.pop("edit").splitlines()
        old, new = ("\n".join(line[2:] for line in edit if line[0] == sign) for sign in "-+")
        changed = {path: body.replace(old, new, 1) for path, body in files.items()}
        assert changed != files, title
        found[title] = files, changed
    return found


NOTICED, UNNOTICED = cases("noticed"), cases("unnoticed")


@pytest.mark.parametrize("case", NOTICED)
def test_a_change_that_is_reached_is_noticed(case):
    before, after = map(defined, NOTICED[case])
    assert before.logic != after.logic
    assert not before.undecidable


@pytest.mark.parametrize("case", UNNOTICED)
def test_a_change_that_is_not_reached_is_not_noticed(case):
    before, after = map(defined, UNNOTICED[case])
    assert before.logic == after.logic
    assert not before.undecidable


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("def build(x): return eval(x)", "eval"),
        ("def build(x): exec(x)", "exec"),
        ("import importlib\ndef build(x): return importlib.import_module(x).f()", "importlib"),
        ("from importlib import import_module as im\ndef build(x): return im(x).f()", "importlib"),
        ("def build(x): return __import__(x).f()", "__import__"),
        ("def build(x): return globals()[x]()", "globals"),
        ("import sys\ndef build(x): return getattr(sys.modules[__name__], x)()", "sys.modules"),
        ("import pickle\ndef build(x): return pickle.loads(x)", "pickle"),
        ("import random\ndef build(x): return getattr(random, x)()", "getattr"),
        ("def build(): return helper()", "helper"),
        ("globals()['helper'] = 1\ndef build(): return helper", "helper"),
        ("def build(): return build.__code__", "__code__"),
        ("class C: pass\ndef build(): return C.__subclasses__()", "__subclasses__"),
        ("import broken\ndef build(): return broken.f()", "broken.py"),
        ("import lib\ndef build(x): return x(lib)", "lib"),
        ("import lib.made\ndef build(x): return lib.made.thing", "thing"),
        ("for name in open('x'): exec(name)\ndef build(): return 1", "exec"),
        ("def f():\n  '''doc'''\ndef build(): return f.__doc__", "__doc__"),
    ],
)
def test_what_cannot_be_followed_is_undecidable(text, word):
    files = {HERE: text, "broken.py": "def (", "lib/made.py": "def __getattr__(name): return 1"}
    found = defined(files)
    assert any(word in sentence for sentence in found.undecidable), found


@pytest.mark.parametrize(
    "text",
    [
        "import datetime\ndef build(): return datetime.datetime.now()",
        "from datetime import datetime as dt\ndef build(): return dt.now()",
        "from datetime import date\ndef build(): return date.today()",
        "import datetime\nnow = datetime.datetime.now\ndef build(): return now()",
        "import time\ndef build(): return time.time()",
        "from time import perf_counter as t\ndef build(): return t()",
        "import random\ndef build(): return random.random()",
        "from random import *\ndef build(): return gauss(0, 1)",
        "import numpy as np\ndef build(): return np.random.rand()",
        "from numpy.random import rand\ndef build(): return rand()",
        "import uuid\ndef build(): return uuid.uuid4()",
        "import os\ndef build(): return os.environ['X']",
        "from os import environ\ndef build(): return environ['X']",
        "import os\ndef build(): return os.listdir('.')",
        "def build(): return open('x').read()",
        "def build(): return open('x', 'r+').read()",
        "from pathlib import Path\ndef build(): return Path('x').open().read()",
        "from pathlib import Path\ndef build(): return Path('x').read_text()",
        "from glob import glob\ndef build(): return glob('*')",
        "import pandas as pd\ndef build(): return pd.read_csv('x')",
        "import polars as pl\ndef build(): return pl.scan_parquet('x')",
        "import requests\ndef build(): return requests.get('x')",
        "from urllib.request import urlopen\ndef build(): return urlopen('x')",
        "import duckdb\ndef build(): return duckdb.sql('select 1')",
        "import pyarrow.parquet as pq\ndef build(): return pq.read_table('x')",
        "def build(rows): return rows.relation().project('random() as r')",
        "def build(rows): return rows.relation().query('t', \"select * from read_csv('x')\")",
        "def build(rows): return rows.pandas().sample(3)",
        "def build(rows): return hash(rows)",
        "import datetime\ndef build(): return getattr(datetime.datetime, 'now')()",
        "from operator import methodcaller\ndef build(datetime): return methodcaller('now')(datetime)",
        "def build(context): return context.run",
        "from lib.tools import tell\ndef build(): return tell()",
        "class C:\n  def m(self):\n    import random\n    return random.random()\ndef build(): return C().m()",
        "import json\nT = {}\nT.update(json.load(open('x')))\ndef build(): return T",
    ],
)
def test_clock_chance_and_the_outside_world_are_impure(text):
    files = {HERE: text, "lib/tools.py": "import time\ndef tell(): return time.time()"}
    assert defined(files).impure


@pytest.mark.parametrize(
    "text",
    [
        "def build(input): return input.arrow()",
        "def build(rows):\n  open = rows.arrow()\n  return open",
        "def build(path):\n  with open(path, 'w') as f: f.write('x')\n  return path",
        "from pathlib import Path\ndef build():\n  with Path('x').open('wb') as f: f.write(b'x')\n  return Path('x')",
        "import os.path\ndef build(): return os.path.join('a', 'b')",
        "from urllib.parse import quote\ndef build(x): return quote(x)",
        "from uuid import uuid5\ndef build(x): return uuid5(x, 'a')",
        "import datetime\ndef build(x): return datetime.timedelta(days=1) + x",
        "import re\ndef build(x): return re.compile('a').match(x)",
        "def build(rows): return rows.relation().fetch_record_batch().read_all()",
        "def build(rows): return rows.pandas().open",
        "def build(rows):\n  '''Calls random() and now().'''\n  return rows",
        "import random\ndef build(rows): return rows\ndef other(): return random.random()",
    ],
)
def test_ordinary_code_is_pure(text):
    found = defined({HERE: text})
    assert (found.impure, found.undecidable) == ((), ())


def test_relative_imports_are_followed():
    files = {
        "lib/job.py": "from . import tools\nfrom .tools import a\nfrom .sub.deep import c\n"
        "def build(): return tools.b() + a() + c()",
        "lib/__init__.py": "",
        "lib/tools.py": "def a(): return 1\ndef b(): return 2",
        "lib/sub/__init__.py": "",
        "lib/sub/deep.py": "from ..tools import a\ndef c(): return a()",
    }
    before = defined(files, file="lib/job.py")
    assert before.undecidable == ()
    assert before.modules == ()
    for edit in ("return 1", "return 2", "return a()"):
        changed = {path: text.replace(edit, edit + " + 7") for path, text in files.items()}
        assert defined(changed, file="lib/job.py").logic != before.logic, edit


def test_names_given_on_by_packages_are_followed():
    files = {
        HERE: "from lib import rate\ndef build(): return rate()",
        "lib/__init__.py": "from .impl import *\nfrom .impl import rate",
        "lib/impl.py": "def rate(): return 1\ndef other(): return 2",
    }
    before = defined(files)
    assert before.undecidable == ()
    assert defined({**files, "lib/impl.py": "def rate(): return 3\ndef other(): return 2"}).logic != before.logic
    assert defined({**files, "lib/impl.py": "def rate(): return 1\ndef other(): return 4"}).logic == before.logic


def test_a_package_that_does_something_on_import_counts():
    files = {
        HERE: "from lib.tools import T\ndef build(): return T",
        "lib/__init__.py": "from lib import tools\ntools.T['a'] = 1",
        "lib/tools.py": "T = {}",
    }
    changed = {**files, "lib/__init__.py": "from lib import tools\ntools.T['a'] = 2"}
    assert defined(files).logic != defined(changed).logic


def test_imports_that_go_round_in_a_circle_end():
    files = {HERE: "from a import x\ndef build(): return x", "a.py": "from b import x", "b.py": "from a import x"}
    assert defined(files).logic
    files = {HERE: "from a import *\ndef build(): return x", "a.py": "from b import *", "b.py": "from a import *"}
    assert any("x" in sentence for sentence in defined(files).undecidable)


def test_libraries_are_known_by_their_names_and_the_standard_library_is_not():
    text = "import numpy as np\nimport json, pandas.api\nfrom yaml import load\n"
    text += "def build(x): return np.sum(load(json.loads(x)))"
    assert defined({HERE: text}).modules == ("numpy", "yaml")
    star = "from numpy import *\ndef build(x): return total(x)"
    assert defined({HERE: star}).modules == ("numpy",)
    assert defined({HERE: star}).undecidable == ()
    maybe = "try:\n  import a as m\nexcept ImportError:\n  import b as m\ndef build(): return m.f()"
    assert defined({HERE: maybe}).modules == ("a", "b")


def test_another_library_under_the_same_name_is_another_definition():
    text = "import {} as m\ndef build(x): return m.sum(x)"
    assert logic(text.format("numpy")) != logic(text.format("cupy"))


FACTORY = """
    import headwater as hw

    def make(region, scale):
        limit = 5
        @hw.asset(f"mart.{region}")
        def build(rows):
            return rows, region, scale, limit
        return build

    def other(): return 1

    ALL = [make(region, 2) for region in ("eu", "us")]
"""


def test_a_function_made_by_another_is_defined_by_both():
    before = defined({HERE: FACTORY}, "make.<locals>.build")
    assert before.undecidable == ()
    assert before.logic != defined({HERE: FACTORY.replace("limit = 5", "limit = 6")}, "make.<locals>.build").logic
    assert before.logic == defined({HERE: FACTORY.replace("return 1", "return 2")}, "make.<locals>.build").logic
    more_regions = FACTORY.replace('("eu", "us")', '("eu", "us", "asia")')
    assert before.logic == defined({HERE: more_regions}, "make.<locals>.build").logic


def test_a_default_known_by_value_does_not_count_by_its_text():
    text = "for r in ['eu', 'us']:\n    def build(rows, region=r):\n        return rows, region\n"
    more = text.replace("'us'", "'us', 'asia'")
    assert (
        defined({HERE: text}, bound=(("region", "us"),)).logic == defined({HERE: more}, bound=(("region", "us"),)).logic
    )
    assert defined({HERE: text}).logic != defined({HERE: more}).logic


def test_functions_that_were_given_count():
    files = {HERE: "def build(rows): return rows", "lib/tools.py": "def clean(x):\n    return x"}
    given = (("lib/tools.py", "clean", 1),)
    changed = {**files, "lib/tools.py": "def clean(x):\n    return -x"}
    assert defined(files, functions=given).logic != defined(changed, functions=given).logic
    assert defined({HERE: files[HERE]}, functions=given).undecidable


def test_the_file_with_the_function_may_be_another_than_the_one_that_declares_it():
    files = {HERE: "from lib.factory import build", "lib/factory.py": "def build(rows):\n    return 1"}
    code = PythonCode(HERE, "build", 1, defined_in="lib/factory.py")
    changed = {**files, "lib/factory.py": "def build(rows):\n    return 2"}
    assert analyse_python(files, code).logic != analyse_python(changed, code).logic
    moved = PythonCode("assets/other.py", "build", 1, defined_in="lib/factory.py")
    assert analyse_python(files, code).logic == analyse_python({**files, "assets/other.py": ""}, moved).logic


def test_a_file_may_be_moved():
    text = "X = 1\ndef helper(): return X\ndef build(rows): return helper()"
    assert defined({HERE: text}).logic == defined({"assets/other/place.py": text}, file="assets/other/place.py").logic


def test_two_lambdas_on_a_line_both_count():
    text = "f, build = lambda: 1, lambda: 2"
    found = [analyse_python({HERE: t}, PythonCode(HERE, "<lambda>", 1)) for t in (text, text.replace("2", "3"))]
    assert found[0].logic != found[1].logic


def test_a_function_that_is_not_there_is_undecidable():
    assert analyse_python({HERE: "x = 1"}, PythonCode(HERE, "build", 1)).undecidable
    assert analyse_python({}, PythonCode(HERE, "build", 1)).undecidable
    assert analyse_python({HERE: "\n\ndef build(): pass"}, PythonCode(HERE, "build", 1)).undecidable


def test_the_clock_of_the_context_is_noticed_also_in_helpers():
    assert defined({HERE: "def build(context): return context.clock"}).asks_clock
    assert defined({HERE: "def build(context): return day(context)\ndef day(c): return c.clock.date()"}).asks_clock
    assert defined({HERE: "def build(context): return getattr(context, 'clock')"}).asks_clock
    assert not defined({HERE: "def build(context): return context.vars"}).asks_clock


def test_a_long_chain_of_calls_and_deep_nesting_do_not_break_it():
    chain = "\n".join(f"def f{n}(): return f{n + 1}()" for n in range(3000)) + "\ndef f3000(): return 1"
    before = defined({HERE: f"{chain}\ndef build(): return f0()"})
    assert before.undecidable == ()
    after = defined({HERE: f"{chain.replace('return 1', 'return 2')}\ndef build(): return f0()"})
    assert before.logic != after.logic
    deep = "def build(): return " + "(" * 150 + "1" + " + 1)" * 150
    assert defined({HERE: deep}).logic


def test_what_importing_takes_from_outside():
    files = {HERE: "import lib.tools\nimport random\ndef build(): return random.random()", "lib/tools.py": "X = 1"}
    assert reaches_out(files, HERE) == ()
    assert reaches_out({**files, "lib/tools.py": "import os\nX = os.environ['X']"}, HERE)
    assert reaches_out({**files, "lib/tools.py": "X = f()\ndef f(): return open('regions').read()"}, HERE)
    assert reaches_out({**files, HERE: "import importlib\nimportlib.import_module('x')"}, HERE)
    assert reaches_out({HERE: code(FACTORY)}, HERE) == ()
