"""Versions of installed distributions, without importing what they install."""

from __future__ import annotations

import sys
from importlib import metadata

import pytest

from headwater.runtime.installed import ABSENT, UNKNOWN, installed_version


@pytest.mark.parametrize(
    ("module", "distribution"),
    [("duckdb", "duckdb"), ("yaml", "PyYAML"), ("rfc8785", "rfc8785"), ("_pytest", "pytest")],
)
def test_versions_of_what_is_installed(module, distribution):
    assert installed_version(module) == metadata.version(distribution)


def test_what_is_not_there():
    assert installed_version("no_such_module_at_all") == ABSENT


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    installed_version.cache_clear()
    yield tmp_path
    installed_version.cache_clear()


def distribution(place, name: str, version: str, top: str, editable: bool = False) -> None:
    folder = place / f"{name}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (folder / "top_level.txt").write_text(f"{top}\n")
    if editable:
        (folder / "direct_url.json").write_text('{"dir_info": {"editable": true}, "url": "file:///x"}')


def test_a_module_of_no_distribution_is_unknown(place):
    (place / "loose_module.py").touch()
    assert installed_version("loose_module") == UNKNOWN


def test_a_distribution_of_another_name_is_found(place):
    (place / "inner_name").mkdir()
    (place / "inner_name" / "__init__.py").touch()
    distribution(place, "outer_name", "1.5", "inner_name")
    assert installed_version("inner_name") == "1.5"
    assert "inner_name" not in sys.modules


def test_a_folder_that_distributions_share_has_the_versions_of_all(place):
    (place / "shared_space").mkdir()
    distribution(place, "shared_one", "1.0", "shared_space")
    distribution(place, "shared_two", "2.0", "shared_space")
    assert installed_version("shared_space") == "shared_one 1.0, shared_two 2.0"


def test_what_is_installed_for_editing_is_unknown(place):
    source = place / "src" / "edited_here"
    source.mkdir(parents=True)
    (source / "__init__.py").touch()
    sys.path.append(str(place / "src"))
    try:
        distribution(place, "edited_here", "1.0", "edited_here", editable=True)
        assert installed_version("edited_here") == UNKNOWN
    finally:
        sys.path.remove(str(place / "src"))


def test_two_versions_side_by_side_are_not_guessed_from_names(place):
    (place / "twice.py").touch()
    distribution(place, "twice", "1.0", "twice")
    distribution(place, "twice", "2.0", "twice")
    assert installed_version("twice") in ("1.0", "2.0")
