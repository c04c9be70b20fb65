"""Resolving: what a definition follows from, what it does not, and that the cache never knows better."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from headwater.assets.config import read_config
from headwater.assets.key import AssetKey
from headwater.lineage.definition import Definition
from headwater.runtime import define_python, definer
from headwater.runtime.cache import AnalysisCache
from headwater.runtime.definer import Definer
from headwater.runtime.installed import UNKNOWN
from headwater.runtime.loading import load

Resolve = Callable[..., dict[str, Definition]]


@pytest.fixture
def resolve(tmp_path: Path) -> Resolve:
    """Return a function from edited files to the definitions of all assets, with the cache of earlier calls or none."""

    def resolved(files: dict[str, str], *, cached: bool = True) -> dict[str, Definition]:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (tmp_path / "headwater.toml").touch()
        cache = AnalysisCache(tmp_path / "cache.db" if cached else None)
        loaded = load(read_config(tmp_path), cache)
        assert loaded.problems == ()
        found, problems = Definer(loaded, cache).resolve_all(None)
        assert problems == ()
        definitions = {str(key): item.definition for key, item in found.items()}
        cache.close()
        return definitions

    return resolved


SQL = {
    "assets/stg/a.sql": "select 1 as id, 2 as amount, 'x' as note",
    "assets/mart/b.sql": "select id, sum(amount) as total from stg.a group by id",
    "assets/mart/c.sql": "select * from mart.b",
    "assets/mart/d.sql": "select count(*) as n from stg.a",
}


def changed(before: dict[str, Definition], after: dict[str, Definition]) -> set[str]:
    return {key for key in after if before.get(key) is None or before[key].hash != after[key].hash}


def test_reads_schema_and_parts(resolve):
    found = resolve(SQL)
    b = found["mart.b"]
    assert [(read.upstream, read.columns) for read in b.reads] == [("stg.a", ("amount", "id"))]
    assert [name for name, _ in b.schema] == ["id", "total"]
    assert [name for name, _ in found["mart.c"].schema] == ["id", "total"]
    assert found["mart.d"].reads[0].columns == ()
    assert b.reads_of("stg.a") == b.reads[0]
    assert b.reads_of("mart.c") is None


def declared(block: str) -> dict[str, str]:
    return {"assets/mart/d.sql": f"/* @asset\n{block}\n*/\n{SQL['assets/mart/d.sql']}"}


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        ({"assets/stg/a.sql": "-- c\nSELECT  1 AS id, 2 as amount, 'x' as note"}, set()),
        ({"assets/stg/a.sql": "select 1 as id, 2 as amount, 'y' as note"}, {"stg.a"}),
        ({"assets/stg/a.sql": "select 1 as id, 2 as amount, 'x' as note, 4 as more"}, {"stg.a"}),
        ({"assets/mart/b.sql": "select id, sum(amount) as total, 1 as n from stg.a group by id"}, {"mart.b", "mart.c"}),
        (declared("owner: me\ntags: [a]\nchecks: [{row_count: {min: 1}}]"), set()),
        (declared("version: '2'"), {"mart.d"}),
        (declared("materialization: view"), {"mart.d"}),
        (declared("clock: month"), set()),
        ({"headwater.toml": "[vars]\nx = 1\n"}, set()),
        ({"headwater.toml": "[defaults]\nowner = 'me'\n"}, set()),
        ({"headwater.toml": "[project]\ntimezone = 'Europe/London'\n"}, {"stg.a", "mart.b", "mart.c", "mart.d"}),
    ],
)  # fmt: skip
def test_what_an_edit_changes_with_and_without_a_cache(edit, expected, resolve):
    before = resolve(SQL)
    after = resolve(edit)
    assert changed(before, after) == expected
    assert after == resolve({}, cached=False)


def test_an_edit_of_columns_resolves_only_readers_whose_input_is_another(resolve, monkeypatch):
    resolve(SQL)
    analysed: list[str] = []
    real = Definer._analyse
    monkeypatch.setattr(
        Definer, "_analyse", lambda self, asset, *more: analysed.append(str(asset.key)) or real(self, asset, *more)
    )
    resolve({})
    assert analysed == []
    resolve({"assets/stg/a.sql": "select 1 as id, 2 as amount, 'y' as note"})  # the same columns
    assert analysed == ["stg.a"]
    analysed.clear()
    resolve({"assets/stg/a.sql": "select 1 as id, 2 as amount, 'y' as note, 5 as more"})
    assert set(analysed) == {"stg.a", "mart.b", "mart.d"}


def test_random_edits_resolve_the_same_with_and_without_a_cache(resolve):
    dice = random.Random(7)
    resolve(SQL)
    for _ in range(12):
        columns = dice.sample(["1 as id", "2 as amount", "3 as x", "4 as y"], 4)
        keep = [c for c in columns if c.endswith(("id", "amount")) or dice.random() < 0.5]
        edit = {"assets/stg/a.sql": f"select {', '.join(keep)}"}
        edit["assets/mart/c.sql"] = dice.choice(
            ["select * from mart.b", "select total from mart.b", "select b.id from mart.b as b"]
        )
        assert resolve(edit) == resolve({}, cached=False)


def test_variables_count_for_those_that_name_them(resolve):
    files = {
        "assets/a.sql": "select $vars.x as x",
        "assets/b.sql": "select 1 as x",
        "headwater.toml": "[vars]\nx = 1\ny = 1\n",
    }
    before = resolve(files)
    assert before["a"].parameters == (("vars.x", "1"),)
    assert changed(before, resolve({"headwater.toml": "[vars]\nx = 2\ny = 1\n"})) == {"a"}
    assert changed(before, resolve({"headwater.toml": "[vars]\nx = 1\ny = 2\n"})) == set()
    assert changed(before, resolve({"headwater.toml": "[vars]\nx = '1'\ny = 2\n"})) == {"a"}


PYTHON = """
import headwater as hw
import pandas
from helper import f

@hw.asset({declared})
def p({parameters}):
    return pandas.DataFrame({{'x': [f(1)]}})
"""
MAKE = """
import headwater as hw

def make(c):
    @hw.asset('q')
    def build():
        return c
    return build

x = make({})
"""


def python(declared: str = "", parameters: str = "", helper: str = "def f(x):\n    return x\n") -> dict[str, str]:
    return {"assets/p.py": PYTHON.format(declared=declared, parameters=parameters), "helper.py": helper}


def test_variables_count_for_python_that_takes_the_context_also_through_the_cache(resolve):
    files = {**python(parameters="context"), "headwater.toml": "[vars]\nx = 1\n"}
    before = resolve(files)
    assert before["p"].parameters == (("vars.x", "1"),)
    assert changed(before, resolve({"headwater.toml": "[vars]\nx = 2\n"})) == {"p"}
    plain = resolve(python())
    assert changed(plain, resolve({"headwater.toml": "[vars]\nx = 3\n"})) == set()


def test_a_newer_library_is_another_definition_also_through_the_cache(resolve, monkeypatch):
    before = resolve(python())
    trusting = resolve(python("ignore_versions=True"))
    real = define_python.installed_version
    monkeypatch.setattr(define_python, "installed_version", lambda name: "99" if name == "pandas" else real(name))
    assert changed(trusting, resolve({})) == set()
    assert changed(before, resolve(python())) == {"p"}


def test_a_library_whose_version_nobody_knows_is_undecidable(resolve, monkeypatch):
    monkeypatch.setattr(define_python, "installed_version", lambda name: UNKNOWN)
    assert resolve(python())["p"].undecidable == ("the version of pandas is not known",)
    assert resolve(python("ignore_versions=True"))["p"].undecidable == ()
    assert resolve(python("version='1'"))["p"].undecidable == ()


def test_helpers_count_and_a_version_answers_for_all_of_the_code(resolve):
    before = resolve(python())
    assert changed(before, resolve(python(helper="def f(x):\n    return -x\n"))) == {"p"}
    answered = resolve(python("version='1'"))
    assert changed(answered, resolve(python("version='1'", helper="def f(x):\n    return +x\n"))) == set()
    assert changed(answered, resolve(python("version='2'"))) == {"p"}


def test_chance_and_clock_in_python(resolve):
    chance = "import random\ndef f(x):\n    return random.random()\n"
    found = resolve(python(helper=chance))["p"]
    assert (found.volatility, found.volatile_because) == ("VOLATILE", "calls random.random")
    assert resolve(python("volatile=False", helper=chance))["p"].volatility == "STABLE"
    assert resolve(python("version='1'", helper=chance))["p"].volatility == "STABLE"
    assert resolve(python("volatile=True"))["p"].volatility == "VOLATILE"
    clock = "def f(x):\n    return x.clock\n"
    assert resolve(python(parameters="context", helper=clock))["p"].volatility == "CLOCK"
    assert resolve(python(helper=clock))["p"].volatility == "STABLE"


def test_what_cannot_be_followed_is_undecidable_unless_a_version_answers(resolve):
    dynamic = "def f(x):\n    return eval(x)\n"
    assert resolve(python(helper=dynamic))["p"].undecidable == ("eval cannot be followed",)
    assert resolve(python("version='1'", helper=dynamic))["p"].undecidable == ()
    made = MAKE.format("object()")
    found = resolve({**python(), "assets/q.py": made})["q"]
    assert found.undecidable == ("make.<locals>.build was given c, which is not plain data",)


def test_what_an_asset_was_given_is_part_of_it(resolve):
    made = MAKE
    before = resolve({"assets/q.py": made.format("1")})
    assert changed(before, resolve({"assets/q.py": made.format("1.0")})) == {"q"}
    assert changed(before, resolve({"assets/q.py": made.format("True")})) == {"q"}
    assert changed(before, resolve({"assets/q.py": "# c\n" + made.format("1")})) == set()


def test_the_functions_that_merge_reads():
    reads = [
        definer.ReadSet("b", ("x",)),
        definer.ReadSet("a", ("y", "x")),
        definer.ReadSet("b", ("z", "x")),
        definer.ReadSet("a", None, "a star"),
        definer.ReadSet("a", ("q",)),
    ]
    assert definer.merge_read_sets(reads) == (definer.ReadSet("a", None, "a star"), definer.ReadSet("b", ("x", "z")))


def test_a_definition_is_another_if_any_part_is():
    base = {"logic": "l", "config": "c", "settings": "s", "parameters": (("a", "1"),)}
    other = [
        {"logic": "m"},
        {"config": "d"},
        {"settings": "t"},
        {"parameters": ()},
        {"parameters": (("a", "2"),)},
        {"logic": "c", "config": "l"},
    ]
    hashes = {Definition(**{**base, **change}).hash for change in [{}, *other]}
    assert len(hashes) == len(other) + 1
    assert Definition(**base, volatility="VOLATILE", undecidable=("x",)).hash == Definition(**base).hash


def test_a_missing_column_is_no_problem_where_the_columns_are_not_certain(tmp_path):
    for name, text in {
        "assets/raw.yaml": "external:\n  raw.x: {file: x.csv}\n",
        "assets/a.sql": "select nope from raw.x",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "headwater.toml").touch()
    loaded = load(read_config(tmp_path), AnalysisCache(None))
    one = Definer(loaded, AnalysisCache(None))
    assert one.resolve_all(None)[1] == ()
    _, problems = one.resolve(AssetKey("a"), {AssetKey("raw.x"): (("id", "BIGINT"),)})
    assert [problem.line for problem in problems] == [1]


@pytest.mark.parametrize(
    "query",
    [
        "pivot raw.r on k using sum(a) as {}, count(*) as n group by g",  # its columns are 1_Total, 1_n, 2_Total, ...
        "select a as {} from raw.r",
    ],
)
def test_a_file_shows_the_case_in_which_its_columns_are_written(query: str, resolve: Resolve) -> None:
    raw = {"assets/raw.yaml": "external:\n  raw.r:\n    file: r.csv\n    columns: {k: int, a: int, g: int}\n"}
    block = "/* @asset\nmaterialization: {kind: file, format: csv, path: out.csv}\n*/\n"
    files = [{**raw, "assets/m.sql": block + query.format(name)} for name in ("Total", "total", "total")]
    first, second, again = (resolve(each)["m"].hash for each in files)
    assert first != second == again
    tables = [{**raw, "assets/m.sql": query.format(name)} for name in ("Total", "total")]
    one, other = (resolve(each)["m"].hash for each in tables)
    assert one == other, "to the engine they are the same"
