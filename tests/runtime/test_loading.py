"""Loading whole projects: which files count, what the cache may and may not change, sizes that real projects have."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headwater.assets.config import read_config
from headwater.assets.errors import ProjectError
from headwater.assets.key import AssetKey
from headwater.runtime import declaring
from headwater.runtime.cache import AnalysisCache
from headwater.runtime.loading import Loaded, load


def write(root: Path, files: dict[str, str | bytes]) -> None:
    for name, text in {"headwater.toml": "", **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def loaded(root: Path, files: dict[str, str | bytes] | None = None, cache: AnalysisCache | None = None) -> Loaded:
    if files is not None:
        write(root, files)
    return load(read_config(root), cache or AnalysisCache(None))


def said(found: Loaded) -> list[str]:
    return [str(problem) for problem in found.problems]


PROJECT = {
    "headwater.toml": "[vars]\nlimit = 3\n[defaults]\nowner = 'me'\ntags = ['a']\n",
    "assets/raw/all.yaml": "external:\n  raw.x: {file: x.csv, owner: you}\n"
    "assets:\n  stg.x: {columns: {id: {checks: [not_null]}}}\n",
    "assets/stg/x.sql": "/* @asset\nchecks: [{unique: [id]}]\n*/\nselect id from raw.x\n",
    "assets/mart/y.sql": "select id from stg.x where id < $vars.limit",
    "assets/mart/z.py": "import headwater as hw\nfrom lib.tools import LIMIT\n"
    "@hw.asset(inputs={'y': 'mart.y'})\ndef z(y):\n    return y.arrow()[:LIMIT]\n",
    "lib/tools.py": "LIMIT = 1\n",
}


def test_a_project_of_all_three_kinds(tmp_path):
    found = loaded(tmp_path, PROJECT)
    assert said(found) == []
    assert found.graph.order == ("raw.x", "stg.x", "mart.y", "mart.z")
    assert {key: asset.owner for key, asset in found.assets.items()} == dict.fromkeys(found.assets, "me") | {
        "raw.x": "you"
    }
    assert all(asset.tags == ("a",) for asset in found.assets.values())
    added = found.assets[AssetKey("stg.x")]
    assert [column.name for column in added.columns] == ["id"]
    assert [check.label for check in added.checks] == ["unique(id)", "not_null(id)"]
    assert set(found.python_texts()) == {"assets/mart/z.py", "lib/tools.py"}


def test_any_field_of_an_asset_may_have_a_default(tmp_path):
    defaults = (
        "[defaults]\nmaterialization = 'view'\nclock = 'month'\nregulated = true\nfreshness = {max_lag = '1d'}\n"
        "on_upstream_blocked = 'use_last_good'\nmeta = {a = 1}\nchecks = [{row_count = {min = 1}}]\n"
    )
    found = loaded(tmp_path, {**PROJECT, "headwater.toml": "[vars]\nlimit = 1\n" + defaults})
    assert said(found) == []
    assert {key: asset.kind for key, asset in found.assets.items()} == dict.fromkeys(found.assets, "view") | {
        "raw.x": "external"
    }
    assert all(asset.freshness.max_lag_seconds == 86400 and asset.regulated for asset in found.assets.values())
    labels = {key: [check.label for check in asset.checks] for key, asset in found.assets.items()}
    assert labels.pop(AssetKey("stg.x")) == ["unique(id)", "not_null(id)"]
    assert list(labels.values()) == [["row_count"]] * 3


EDITS = {
    "nothing": {},
    "a comment": {"assets/mart/y.sql": "-- c\nselect id from stg.x where id < $vars.limit"},
    "a helper": {"lib/tools.py": "LIMIT = 2\n"},
    "a default": {"headwater.toml": "[vars]\nlimit = 3\n[defaults]\nowner = 'they'\n"},
    "a wrong default": {"headwater.toml": "[vars]\nlimit = 3\n[defaults]\nownr = 'they'\n"},
    "a broken file": {"assets/stg/x.sql": "select from"},
    "a broken YAML file": {"assets/raw/all.yaml": "external: ["},
    "a broken Python file": {"assets/mart/z.py": "1 / 0"},
    "a broken helper": {"lib/tools.py": "1 / 0"},
    "an addition": {"assets/raw/all.yaml": PROJECT["assets/raw/all.yaml"].replace("not_null", "unique")},
    "an addition that names a new table": {
        "assets/raw/all.yaml": PROJECT["assets/raw/all.yaml"].replace(
            "[not_null]", "[{relationship: {to: raw.x, column: id}}]"
        )
    },
    "a cycle": {"assets/stg/x.sql": "select id from mart.z"},
}


def same(one: Loaded, other: Loaded) -> bool:
    places = [{key: asset.lines for key, asset in found.assets.items()} for found in (one, other)]
    return (
        (one.assets, one.problems, one.graph, one.references)
        == (other.assets, other.problems, other.graph, other.references)
        and list(one.assets) == list(other.assets)
        and places[0] == places[1]
    )


@pytest.mark.parametrize("edit", EDITS)
def test_a_cache_changes_nothing_but_the_time_it_takes(edit, tmp_path):
    cache = tmp_path / "cache.db"
    first = AnalysisCache(cache)
    loaded(tmp_path, PROJECT, first)
    first.close()
    write(tmp_path, {**PROJECT, **EDITS[edit]})
    for _ in range(2):
        warm = AnalysisCache(cache)
        assert same(loaded(tmp_path, cache=warm), loaded(tmp_path))
        warm.close()


def test_a_warm_load_declares_nothing_anew_and_a_changed_file_alone(tmp_path, monkeypatch):
    cache = AnalysisCache(tmp_path / "cache.db")
    loaded(tmp_path, PROJECT, cache)
    cache.flush()
    asked: list[str] = []
    real = declaring.declare_file
    monkeypatch.setattr(
        declaring, "declare_file", lambda config, file, files: asked.append(file) or real(config, file, files)
    )
    loaded(tmp_path, cache=cache)
    assert asked == []
    write(tmp_path, {**PROJECT, "assets/mart/y.sql": "select id from stg.x"})
    loaded(tmp_path, cache=cache)
    assert asked == ["assets/mart/y.sql"]
    cache.close()


def test_a_file_that_takes_something_from_outside_on_import_is_asked_each_time(tmp_path):
    text = "import headwater as hw\nfrom pathlib import Path\n"
    text += "NAMES = Path(__file__).with_name('names.txt').read_text().split()\n"
    text += "def make(key):\n    @hw.asset(key)\n    def build():\n        return 1\n    return build\n"
    text += "ALL = [make(n) for n in NAMES]\n"
    cache = AnalysisCache(tmp_path / "cache.db")
    assert set(loaded(tmp_path, {"assets/a.py": text, "assets/names.txt": "one two"}, cache).assets) == {"one", "two"}
    cache.flush()
    (tmp_path / "assets" / "names.txt").write_text("one three")
    assert set(loaded(tmp_path, cache=cache).assets) == {"one", "three"}
    cache.close()


def test_files_that_are_no_text_or_cannot_be_read(tmp_path):
    files: dict[str, str | bytes] = {
        "assets/a.sql": b"select 1 as x,\n'\xff' as y",
        "assets/b.yaml": b"\xff",
        "assets/c.py": b"#\xff",
    }
    files["assets/d.sql"] = "select x from a"
    assert said(loaded(tmp_path, files))[:3] == [
        "assets/a.sql:2: the file is not UTF-8 text (byte 16). Save it as UTF-8.",
        "assets/b.yaml:1: the file is not UTF-8 text (byte 0). Save it as UTF-8.",
        "assets/c.py:1: the file is not UTF-8 text (byte 1). Save it as UTF-8.",
    ]
    (tmp_path / "assets" / "e.sql").symlink_to(tmp_path / "nowhere.sql")
    assert "assets/e.sql: the file cannot be read: No such file or directory. Check its permissions." in said(
        loaded(tmp_path)
    )


def test_folders_that_hold_no_declarations_are_left_alone(tmp_path):
    wrong = "select from"
    files = {f"assets/{folder}/a.sql": wrong for folder in (".hidden", "__pycache__", "node_modules")}
    files |= {
        "assets/.a.sql": wrong,
        "assets/venv/a.sql": wrong,
        "assets/venv/pyvenv.cfg": "",
        "assets/a.sql.bak": wrong,
    }
    found = loaded(tmp_path, {**files, "assets/a.txt": wrong, "other/a.sql": wrong, "assets/ok.sql": "select 1 as x"})
    assert (said(found), list(found.assets)) == ([], ["ok"])


def test_several_folders_and_one_that_is_not_there(tmp_path):
    files = {
        "headwater.toml": "[project]\nassets = ['a', 'b/c', 'd']\n",
        "a/m/x.sql": "select 1 as x",
        "b/c/y.sql": "select x from m.x",
    }
    found = loaded(tmp_path, files)
    assert set(found.assets) == {"m.x", "y"}
    assert said(found) == [
        "headwater.toml:2: the asset folder 'd' does not exist. Create it, or correct project.assets."
    ]


def test_linked_folders_are_followed_once_and_circles_end(tmp_path):
    outside = tmp_path / "shared"
    write(tmp_path / "project", {"assets/own.sql": "select 1 as x"})
    write(outside, {"lib/z.sql": "select x from own"})
    root = tmp_path / "project"
    (root / "assets" / "linked").symlink_to(outside / "lib")
    (root / "assets" / "circle").symlink_to(root / "assets")
    (outside / "lib" / "up").symlink_to(outside)
    found = loaded(root)
    assert said(found) == []
    assert set(found.assets) == {"own", "linked.z"}


def test_a_file_whose_name_is_no_text(tmp_path):
    write(tmp_path, {"assets/ok.sql": "select 1 as x"})
    try:
        (tmp_path / "assets" / os.fsdecode(b"a\xff.sql")).write_text("select 1 as x")
    except OSError:
        pytest.skip("this file system admits no such name")
    (problem,) = loaded(tmp_path).problems
    assert "is not an asset key" in problem.message


def test_empty_files_are_no_error_where_they_declare_nothing(tmp_path):
    found = loaded(
        tmp_path,
        {"assets/a.yaml": "", "assets/b.py": "", "assets/c.yaml": "external:\nassets:\n", "assets/d.yaml": "# x\n"},
    )
    assert (said(found), dict(found.assets)) == ([], {})


def test_an_empty_project_is_sound(tmp_path):
    (tmp_path / "assets").mkdir()
    found = loaded(tmp_path, {})
    assert (said(found), found.require_graph().order) == ([], ())


def test_the_graph_is_refused_where_there_are_problems(tmp_path):
    found = loaded(tmp_path, {"assets/a.sql": "select x from nowhere", "assets/b.sql": "select x from nothing"})
    with pytest.raises(ProjectError) as caught:
        found.require_graph()
    assert caught.value.problems == found.problems
    assert str(caught.value).startswith("2 declaration errors\nassets/a.sql:1: it reads nowhere")
    assert found.require_some_graph().order == ("a", "b")


def test_keys_are_compared_without_case_wherever_they_stand(tmp_path):
    files = {
        "assets/raw.yaml": "external:\n  Raw.X: {file: x.csv}\n",
        "assets/A.sql": "/* @asset\ndeps: [RAW.x]\n*/ select id from RAW.X",
        "assets/b.sql": 'select ID from "a"',
    }
    found = loaded(tmp_path, files)
    assert said(found) == []
    assert found.graph.upstream == {"raw.x": (), "a": ("raw.x",), "b": ("a",)}


def test_a_chain_of_thousands_of_assets(tmp_path):
    text = "external:\n" + "".join(f"  k{number}: {{table: t}}\n" for number in range(20))
    files = {"assets/raw.yaml": text, "assets/a0.sql": "select x from k0"}
    files |= {f"assets/a{number}.sql": f"select x from a{number - 1}" for number in range(1, 1500)}
    found = loaded(tmp_path, files)
    assert said(found) == []
    assert len(found.graph.ancestors([AssetKey("a1499")])) == 1501
    write(tmp_path, {"assets/a0.sql": "select x from a1499"})
    (problem,) = loaded(tmp_path).problems
    assert problem.message.startswith("the assets read each other in a cycle: a0 -> a1 -> ")
