"""`headwater.toml`: defaults, every wrong key and type at its line, and how a project is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.assets.config import find_project, line_in, read_config
from headwater.assets.errors import Problem, ProjectError, RequestError


def problems(root: Path, text: str | bytes) -> list[str]:
    (root / "headwater.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    found: tuple[Problem, ...] = ()
    try:
        read_config(root)
    except ProjectError as error:
        found = error.problems
    return [str(problem).removeprefix("headwater.toml:") for problem in found]


def test_an_empty_file_has_defaults(tmp_path):
    assert problems(tmp_path, "") == []
    config = read_config(tmp_path)
    assert (config.name, config.asset_folders, config.dialect) == (tmp_path.name, ("assets",), "duckdb")
    assert (config.timezone, config.threads, config.lock_timeout_seconds) == ("UTC", None, 30)
    assert config.warehouse_path == tmp_path / "warehouse.duckdb"
    assert config.state_path == tmp_path / ".headwater" / "state.db"
    assert dict(config.environments) == {"prod": ""}


def test_everything_is_read(tmp_path):
    text = """
        [project]
        name = "x"
        assets = ["a", "b/c"]
        dialect = "duckdb"
        timezone = "Europe/London"
        [engine]
        kind = "duckdb"
        path = "data/w.duckdb"
        threads = 2
        lock_timeout = 0
        [state]
        url = "sqlite:////var/state.db"
        [vars]
        age = 18
        rate = 0.5
        on = true
        name = "x"
        [defaults]
        owner = "me"
        [environments.dev]
        [environments.test]
        suffix = "_t"
        [environments.prod]
        suffix = "_p"
    """
    assert problems(tmp_path, text) == []
    config = read_config(tmp_path)
    assert (config.asset_folders, config.timezone, config.threads) == (("a", "b/c"), "Europe/London", 2)
    assert (config.warehouse, config.lock_timeout_seconds) == ("data/w.duckdb", 0)
    assert config.state_path == Path("/var/state.db")
    assert dict(config.variables) == {"age": 18, "rate": 0.5, "on": True, "name": "x"}
    assert dict(config.environments) == {"prod": "_p", "dev": "__dev", "test": "_t"}


WRONG = {
    '[project]\nnmae = "x"': ["2: unknown key `nmae`. Did you mean `name`?"],
    "[project]\nzebra = 1": ["2: unknown key `zebra`. Known here: name, assets, dialect, timezone."],
    "[projct]\nname = 'x'": ["1: unknown key `projct`. Did you mean `project`?"],
    "zebra = 1": ["1: unknown key `zebra`. Known here: project, engine, state, vars, defaults, environments."],
    "project = 1": ["1: `project` is not a section. Write [project], and its keys below it."],
    "vars = 1": ["1: `vars` is not a section. Write [vars], and its keys below it."],
    "defaults = []": ["1: `defaults` is not a section. Write [defaults], and its keys below it."],
    "environments = 1": ["1: `environments` is not a section. Write [environments], and its keys below it."],
    "[project]\nname = 3": ['2: `project.name` is not a text. Put it in quotes: name = "...".'],
    '[project]\nname = ""': ["2: `project.name` is empty. Give it, or leave the key out."],
    '[project]\nassets = "assets"': ['2: `project.assets` is not a list. Write assets = ["..."].'],
    "[project]\nassets = [1]": ['2: `project.assets` is not a list of folders. Write assets = ["assets"].'],
    "[project]\nassets = []": ['2: `project.assets` is not a list of folders. Write assets = ["assets"].'],
    '[project]\nassets = ["../x"]': [
        "2: the asset folder '../x' lies outside the project. "
        "Keep assets below headwater.toml; a symbolic link there will do."
    ],
    '[project]\ntimezone = "Europe/Lundon"': [
        "2: `project.timezone`: there is no time zone 'Europe/Lundon'. Write a name such as Europe/London."
    ],
    "[engine]\nthreads = true": ["2: `engine.threads` is not a whole number. Write threads = 1."],
    "[engine]\nthreads = 0": ["2: `engine.threads` is 0, less than 1. Write 1 or more."],
    "[engine]\nlock_timeout = 1.5": ["2: `engine.lock_timeout` is not a whole number. Write lock_timeout = 1."],
    "[engine]\nlock_timeout = -1": ["2: `engine.lock_timeout` is -1, less than 0. Write 0 or more."],
    '[engine]\nkind = "spark"': ['2: the only engine of this version is duckdb. Write kind = "duckdb".'],
    '[state]\nurl = "postgresql://x"': [
        '2: the state store of this version is a SQLite file. Write url = "sqlite:///.headwater/state.db".'
    ],
    '[state]\nurl = "sqlite:///"': [
        '2: the state store of this version is a SQLite file. Write url = "sqlite:///.headwater/state.db".'
    ],
    "[vars]\nday = 2024-01-01": [
        "2: the variable 'day' is not a text, number or boolean. Dates go as text, lists as several variables."
    ],
    "[vars]\nlist = [1]": [
        "2: the variable 'list' is not a text, number or boolean. Dates go as text, lists as several variables."
    ],
    "[environments]\ndev = 1": [
        "2: the environment 'dev' takes `suffix` only. Write [environments.dev] and suffix = \"__dev\"."
    ],
    '[environments.dev]\nsufix = "_d"': [
        "1: the environment 'dev' takes `suffix` only. Write [environments.dev] and suffix = \"__dev\"."
    ],
    "[environments.dev]\nsuffix = 3": [
        "1: the suffix of the environment 'dev' cannot be part of a schema's name: 3. "
        "Use lower-case letters, digits and underscores."
    ],
    '[environments.dev]\nsuffix = ""': [
        "1: the environment 'dev' has the suffix of another: ''. Give it one of its own: they would share their tables."
    ],
    '[environments.a]\nsuffix = "x"\n[environments.b]\nsuffix = "x"': [
        "3: the environment 'b' has the suffix of another: 'x'. Give it one of its own: they would share their tables."
    ],
    '[engine]\npath = "x"\n\n[project]\npath = "y"\nkind = 1': [
        "5: unknown key `path`. Known here: name, assets, dialect, timezone.",
        "6: unknown key `kind`. Known here: name, assets, dialect, timezone.",
    ],
    "[project]\nname = 1\n[engine]\nthreads = 'x'\n[zebra]": [
        '2: `project.name` is not a text. Put it in quotes: name = "...".',
        "4: `engine.threads` is not a whole number. Write threads = 1.",
        "5: unknown key `zebra`. Known here: project, engine, state, vars, defaults, environments.",
    ],
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_said_at_its_line(text, tmp_path):
    assert problems(tmp_path, text) == WRONG[text]
    assert all(text.rstrip().endswith((".", "?")) for text in WRONG[text])


@pytest.mark.parametrize(
    ("text", "line"), [("[project", 1), ("[project]\nname = ", 2), ("[a]\nx = 1\nx = 2", 3), ("[vars]\n[vars]", 2)]
)
def test_what_is_not_toml(text, line, tmp_path):
    (found,) = problems(tmp_path, text)
    assert found.startswith(f"{line}: the file is not TOML: ")


def test_a_mark_and_lines_of_windows_do_no_harm(tmp_path):
    assert problems(tmp_path, b"\xef\xbb\xbf[project]\r\nname = 'x'\r\n") == []
    assert problems(tmp_path, b"\xef\xbb\xbf[project]\r\nnmae = 'x'\r\n")[0].startswith("2: ")


def test_a_file_that_is_no_text_is_said(tmp_path):
    (tmp_path / "headwater.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(RequestError, match="cannot be read"):
        read_config(tmp_path)
    with pytest.raises(RequestError, match="cannot be read"):
        read_config(tmp_path / "nowhere")


def test_a_project_is_found_from_within(tmp_path):
    inner = tmp_path / "a" / "assets" / "mart"
    inner.mkdir(parents=True)
    (tmp_path / "a" / "headwater.toml").touch()
    assert find_project(inner) == find_project(tmp_path / "a") == tmp_path / "a"
    (tmp_path / "headwater.toml").touch()
    assert find_project(inner) == tmp_path / "a"
    assert find_project(tmp_path) == tmp_path
    (inner / "headwater.toml").mkdir()  # a folder of this name is no project
    assert find_project(inner) == tmp_path / "a"


def test_where_there_is_no_project_the_ways_out_are_said(tmp_path):
    with pytest.raises(RequestError, match=r"headwater init") as caught:
        find_project(tmp_path)
    assert str(tmp_path) in caught.value.message


def test_lines_of_keys():
    text = 'top = 1\n[a]\nx = 1\n"y" = 2\n[b.c]\nx = 3\nab = 4\n[[d]]\nz.w = 1\n'
    assert [
        line_in(text, *place) for place in (("top",), ("a", "x"), ("a", "y"), ("b", "c"), ("b", "x"), ("d", "z"))
    ] == [
        1,
        3,
        4,
        5,
        6,
        9,
    ]
    assert line_in(text, "a", "nothing") == 2
    assert line_in(text, "nothing") is None
