"""Partitions and mappings as users write them: the same in YAML and in Python."""

from __future__ import annotations

import pytest

from headwater.assets.config import read_config
from headwater.assets.key import AssetKey
from headwater.assets.partitions import (
    All,
    ByFunction,
    DynamicKeys,
    Identity,
    Latest,
    PerDimension,
    StaticKeys,
    StaticMap,
    Window,
    Windows,
)
from headwater.lineage.definition import config_hash
from headwater.runtime.cache import AnalysisCache
from headwater.runtime.loading import load

LONDON = '[project]\ntimezone = "Europe/London"\n'
YAML = """/* @asset
partitions:
  day: {daily: {start: 2024-01-01, end: 2024-12-31, timezone: Asia/Kolkata}}
  Hour: {hourly: {start: 2024-01-31T13+00:00}}
  week: {weekly: {start: 2024-W05}}
  month: {monthly: {start: 2024-01}}
  quarter: {quarterly: {start: 2024-Q1}}
  year: {yearly: {start: 2024}}
  region: {static: [eu, "a,b"]}
  shop: {dynamic: shops}
*/
select 1 as x
"""
PYTHON = """import headwater as hw

@hw.asset("a", partitions={
    "day": hw.Daily(start="2024-01-01", end="2024-12-31", timezone="Asia/Kolkata"),
    "Hour": hw.Hourly(start="2024-01-31T13+00:00"),
    "week": hw.Weekly(start="2024-W05"),
    "month": hw.Monthly(start="2024-01"),
    "quarter": hw.Quarterly(start="2024-Q1"),
    "year": hw.Yearly(start=2024),
    "region": hw.Static(["eu", "a,b"]),
    "shop": hw.Dynamic("shops"),
})
def a():
    return "select 1 as x"
"""
DIMENSIONS = (
    ("day", Windows("day", "2024-01-01", "2024-12-31", "Asia/Kolkata")),
    ("hour", Windows("hour", "2024-01-31T13+00:00", None, "Europe/London")),
    ("week", Windows("week", "2024-W05", None, "Europe/London")),
    ("month", Windows("month", "2024-01", None, "Europe/London")),
    ("quarter", Windows("quarter", "2024-Q1", None, "Europe/London")),
    ("year", Windows("year", "2024", None, "Europe/London")),
    ("region", StaticKeys(("eu", "a,b"))),
    ("shop", DynamicKeys("shops")),
)


@pytest.mark.parametrize(("file", "text"), [("a.sql", YAML), ("a.py", PYTHON)])
def test_dimensions(declare, file, text):
    loaded = declare({"headwater.toml": LONDON, f"assets/{file}": text})
    assert loaded.problems == ()
    asset = loaded.assets[AssetKey("a")]
    assert asset.partitions == DIMENSIONS
    assert asset.kind == "partitioned"
    assert (asset.missing_partitions, asset.null_partition) == ("wait", "fail")


UPSTREAM = (
    "/* @asset\npartitions: {day: {daily: {start: 2020-01-01}}, region: {static: [eu, us, de, fr]}}\n*/\nselect 1 as x"
)
MAPPINGS = {
    "a": ("all", "hw.All()", All()),
    "b": ("latest", "hw.Latest()", Latest()),
    "c": ("identity", "hw.Identity()", Identity()),
    "d": ("{window: {offset: -1, trailing: 7}}", "hw.Window(offset=-1, trailing=7)", Window(-1, 7)),
    "e": ("window", '{"window": {}}', Window()),
    "f": (
        "{dimensions: {day: {window: {trailing: 2}}, area: {to: region, map: {static: {x: [de, fr], y: eu}}}}}",
        'hw.PerDimension({"day": hw.Window(trailing=2),'
        ' "area": {"to": "region", "map": hw.StaticMap({"x": ["de", "fr"], "y": "eu"})}})',
        PerDimension(
            (("day", "day", Window(0, 2)), ("area", "region", StaticMap((("x", ("de", "fr")), ("y", ("eu",))))))
        ),
    ),
}


@pytest.mark.parametrize("name", MAPPINGS)
def test_mappings(declare, name):
    yaml, python, expected = MAPPINGS[name]
    dims = "{day: {daily: {start: 2024-01-01}}, area: {static: [x, y]}}"
    block = f"partitions: {dims}\nmappings:\n  up: {yaml}\nmissing_partitions: skip\nnull_partition: drop"
    loaded = declare(
        {
            "assets/up.sql": UPSTREAM,
            "assets/y.sql": f"/* @asset\n{block}\n*/\nselect x from up",
            "assets/p.py": "import headwater as hw\n\n"
            "@hw.asset('p', inputs={'up': 'up'}, missing_partitions='skip', null_partition='drop', partitions={\n"
            "    'day': hw.Daily(start='2024-01-01'), 'area': hw.Static(['x', 'y'])},\n"
            f"    mappings={{'up': {python}}})\n"
            "def p(up):\n    return up.arrow()\n",
        }
    )
    assert loaded.problems == ()
    for key in ("y", "p"):
        asset = loaded.assets[AssetKey(key)]
        assert asset.mapping_of(AssetKey("up")) == expected
        assert (asset.missing_partitions, asset.null_partition) == ("skip", "drop")
        assert asset.mapping_of(AssetKey("y")) is None


def test_a_function_is_a_mapping_and_its_code_counts(declare):
    loaded = declare(
        {
            "assets/up.sql": UPSTREAM,
            "maps.py": "def others(partition):\n    return ['day=2024-01-01;region=eu']\n",
            "assets/p.py": "import headwater as hw\nfrom maps import others\n\n"
            "@hw.asset('p', inputs={'up': 'up'}, partitions={'area': hw.Static(['x'])}, mappings={'up': others})\n"
            "def p(up):\n    return up.arrow()\n",
        }
    )
    assert loaded.problems == ()
    asset = loaded.assets[AssetKey("p")]
    assert asset.mapping_of(AssetKey("up")) == ByFunction("maps.py:others")
    assert asset.python.functions == (("maps.py", "others", 1),)


def test_only_what_says_which_data_a_partition_is_counts_for_the_definition(declare):
    def hash_of(partitions: str, more: str = "mappings: {up: latest}") -> str:
        block = f"/* @asset\npartitions: {partitions}\n{more}\n*/\nselect x from up"
        loaded = declare({"assets/up.sql": UPSTREAM, "assets/a.sql": block})
        assert loaded.problems == ()
        return config_hash(loaded.assets[AssetKey("a")])

    first = hash_of("{day: {daily: {start: 2024-01-01}}, region: {static: [eu]}}")
    assert first == hash_of("{day: {daily: {start: 2023-01-01, end: 2024-02-01}}, region: {static: [us, eu]}}")
    assert first == hash_of("{day: {daily: {start: 2024-01-01}}, region: {dynamic: regions}}")
    others = [
        hash_of("{date: {daily: {start: 2024-01-01}}, region: {static: [eu]}}"),
        hash_of("{day: {monthly: {start: 2024-01}}, region: {static: [eu]}}"),
        hash_of("{day: {daily: {start: 2024-01-01, timezone: Asia/Kolkata}}, region: {static: [eu]}}"),
        hash_of("{day: {daily: {start: 2024-01-01}}, region: {static: [eu]}}", "mappings: {up: all}"),
        hash_of(
            "{day: {daily: {start: 2024-01-01}}, region: {static: [eu]}}",
            "mappings: {up: latest}\nnull_partition: drop",
        ),
    ]
    assert len({first, *others}) == 6


def test_a_default_for_partitioned_assets_is_no_error_for_others(declare):
    toml = '[defaults]\nnull_partition = "drop"\nmissing_partitions = "skip"\n'
    assert declare({"headwater.toml": toml, "assets/a.sql": "select 1 as x"}).problems == ()


def test_another_time_zone_of_the_project_declares_other_partitions(tmp_path):
    """What is cached of a file was declared in the time zone of its day."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "a.sql").write_text(
        "/* @asset\npartitions: {d: {daily: {start: 2024-01-01}}}\n*/\nselect 1 as x"
    )
    for toml, zone in (("", "UTC"), (LONDON, "Europe/London")):
        (tmp_path / "headwater.toml").write_text(toml)
        cache = AnalysisCache(tmp_path / "cache.db")
        asset = load(read_config(tmp_path), cache).assets[AssetKey("a")]
        cache.flush()
        assert asset.partitions == (("d", Windows("day", "2024-01-01", None, zone)),)
