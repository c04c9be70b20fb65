"""The configuration part of a definition: what decides the data is in it, what does not is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headwater.assets.asset import Asset, CheckSpec, Column, Freshness, Location, Materialization, Source
from headwater.assets.key import AssetKey
from headwater.lineage.definition import Definition, config_hash

TABLE = Asset(AssetKey("a"), Location("a.sql"), sql="select 1")
FILE = replace(
    TABLE, sql=None, source=Source("x.csv", "csv", options=(("delimiter", ";"),)), columns=(Column("x", "integer"),)
)


@pytest.mark.parametrize(
    "change",
    [
        {"description": "d"},
        {"owner": "o"},
        {"tags": ("t",)},
        {"group": "g"},
        {"freshness": Freshness(3600)},
        {"checks": (CheckSpec("row_count"),)},
        {"columns": (Column("x", "integer"),)},
        {"regulated": True},
        {"meta": (("a", 1),)},
        {"on_upstream_blocked": "use_last_good"},
        {"location": Location("b.sql", 7)},
    ],
)
def test_what_decides_nothing_about_the_data(change):
    assert config_hash(replace(TABLE, **change)) == config_hash(TABLE)


CONFIGS = [
    TABLE,
    replace(TABLE, version="1"),
    replace(TABLE, materialization=Materialization("view")),
    replace(TABLE, materialization=Materialization("file", "csv", "x.csv")),
    replace(TABLE, materialization=Materialization("file", "json", "x.csv")),
    replace(TABLE, materialization=Materialization("file", "csv", "y.csv")),
    FILE,
    replace(FILE, source=Source("y.csv", "csv", options=(("delimiter", ";"),))),
    replace(FILE, source=Source("x.csv", "json", options=(("delimiter", ";"),))),
    replace(FILE, source=Source("x.csv", "csv")),
    replace(FILE, source=Source("x.csv", "csv", options=(("delimiter", ","),))),
    replace(FILE, source=Source(table="x.csv")),
    replace(FILE, columns=(Column("x", "text"),)),
    replace(FILE, columns=(Column("y", "integer"),)),
    replace(FILE, columns=()),
]


def test_what_decides_about_the_data():
    assert len({config_hash(asset) for asset in CONFIGS}) == len(CONFIGS)


def test_parts_are_told_by_name():
    definition = Definition("l", "c", "s", (("min_age", "18"), ("x", '"a"')))
    assert definition.parts() == {"logic": "l", "config": "c", "settings": "s", "parameters": 'min_age=18, x="a"'}
