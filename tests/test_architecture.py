"""The house keeps its plan: who may import whom, what a warm start may load, and what every part says about itself."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
LAYERS = {
    "headwater": "headwater",
    **{name: f"headwater.{name}" for name in ("assets", "lineage", "checks", "runtime")},
}
ALLOWED = {
    "assets": {"assets"},
    "lineage": {"lineage", "assets"},
    "checks": {"checks", "assets"},
    "runtime": {"runtime", "checks", "lineage", "assets"},
    "headwater": {"headwater", "runtime", "checks", "lineage", "assets"},
}
HEAVY = {"duckdb", "sqlglot", "pydantic", "networkx", "yaml", "rich", "cryptography"}


def sources(folder: str) -> list[Path]:
    """Return the code of one layer; the example projects are their users' code."""
    return [path for path in sorted((ROOT / folder).rglob("*.py")) if "examples" not in path.relative_to(ROOT).parts]


FILES = [path for layer in LAYERS for path in sources(layer)]
TREES = {path: ast.parse(path.read_text(), str(path)) for path in FILES}


def name(path: Path) -> str:
    """Return a path as it is said in a failure."""
    return path.relative_to(ROOT).as_posix()


def imported(tree: ast.AST) -> Iterator[tuple[int, str, int]]:
    """Yield (line, dotted name, level) of every import, whatever it stands inside of."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            inner = [f"headwater.{alias.name}" for alias in node.names]
            names = inner if node.module == "headwater" else [node.module or ""]
            yield from ((node.lineno, name, node.level) for name in names)


def layer_of(name: str) -> str | None:
    """Return the layer that an imported name belongs to, or None for code of others."""
    parts = name.split(".")
    if parts[0] != "headwater":
        return None
    return parts[1] if len(parts) > 1 and parts[1] in LAYERS else "headwater"


def wrong_arrows(layer: str, tree: ast.AST) -> list[tuple[int, str]]:
    """Return the imports that a file of `layer` may not have."""
    wrong = []
    for line, name, level in imported(tree):
        target = layer_of(name)
        bare = name.split(".")[0] in {"assets", "lineage", "checks", "runtime"}
        if level or bare or (target is not None and target not in ALLOWED[layer]):
            wrong.append((line, name))
    return wrong


def test_imports_go_one_way():
    wrong = {name(path): wrong_arrows(path.relative_to(ROOT).parts[0], tree) for path, tree in TREES.items()}
    assert {path: arrows for path, arrows in wrong.items() if arrows} == {}


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        ("assets", "from headwater.lineage.graph import AssetGraph"),
        ("assets", "import headwater"),
        ("assets", "from headwater import asset"),
        ("lineage", "import headwater.checks.gate"),
        ("checks", "from headwater.lineage import analyse_sql"),
        ("checks", "def f():\n    from headwater import runtime"),
        ("runtime", "from headwater.api import Project"),
        ("runtime", "from . import plan"),
        ("headwater", "import assets"),
        ("headwater", "from runtime.plan import Plan"),
    ],
)
def test_a_wrong_arrow_is_seen(layer, text):
    assert wrong_arrows(layer, ast.parse(text))


def test_a_right_arrow_is_none():
    assert wrong_arrows("runtime", ast.parse("from headwater import lineage\nimport headwater.assets.key, os")) == []


def test_every_folder_with_code_is_listed_as_a_package():
    """An unlisted subpackage works in an editable install and is silently missing from the wheel."""
    found = {
        LAYERS[path.relative_to(ROOT).parts[0]]
        + "".join(f".{part}" for part in path.parent.relative_to(ROOT).parts[1:])
        for path in FILES
    }
    assert set(PYPROJECT["packages"]) == found
    for name, folder in PYPROJECT["package-dir"].items():
        assert LAYERS[folder] == name
        assert (ROOT / folder / "__init__.py").is_file()


def public(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Yield public functions and classes; methods are described where their contract is, often in a protocol."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    yield from (node for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_"))


def is_overload(node: ast.AST) -> bool:
    return any(isinstance(d, ast.Name) and d.id == "overload" for d in getattr(node, "decorator_list", ()))


def test_everything_public_says_what_it_is():
    assert [name(path) for path, tree in TREES.items() if not ast.get_docstring(tree)] == []
    nodes = [(path, node) for path, tree in TREES.items() for node in public(tree) if not is_overload(node)]
    assert [(name(path), node.name) for path, node in nodes if not ast.get_docstring(node)] == []


def called(tree: ast.AST) -> set[str]:
    """Return the last names of everything that is called."""
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls}


def test_tests_do_not_sleep():
    tests = sorted((ROOT / "tests").rglob("*.py"))
    assert [name(path) for path in tests if "sleep" in called(ast.parse(path.read_text()))] == []
    assert "sleep" in called(ast.parse("import time\ntime.sleep(1)"))


WARM = """
import sys
from headwater.api import load_project
project = load_project(sys.argv[1])
statuses = {str(key): status.word for key, status in project.status().items()}
assert statuses == {"raw.x": "CURRENT", "a": "CURRENT", "b": "CURRENT", "c": "CURRENT"}, statuses
print(" ".join(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A project with every kind of declaration, built, and looked at once more, so that all caches are warm."""
    root = tmp_path_factory.mktemp("warm")
    files = {
        "headwater.toml": '[vars]\nx = 1\n[defaults]\nowner = "me@example.com"\n',
        "data.csv": "x\n1\n2\n",
        "assets/raw.yaml": "external:\n  raw.x: {file: data.csv, checks: [{row_count: {min: 1}}]}\n"
        "assets:\n  a: {columns: {x: {checks: [not_null]}}}\n",
        "assets/a.sql": "/* @asset\nchecks: [{unique: [x]}]\n*/\nselect x + $vars.x as x from raw.x\n",
        "assets/b.sql": "/* @asset\nmaterialization: view\nfreshness: {max_lag: 1d, by: 0 8 * * *}\n*/\n"
        "select x from a\n",
        "helper.py": "def double(frame):\n    return frame\n",
        "assets/c.py": "import headwater as hw\nfrom helper import double\n\n"
        "@hw.asset(inputs={'a': 'a'}, checks=[hw.not_null('x')])\n"
        "def c(a):\n    return double(a.select('x').arrow())\n",
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for verb in ("run", "status"):
        code = f"import sys\nfrom headwater.api import load_project\nload_project(sys.argv[1]).{verb}()"
        subprocess.run([sys.executable, "-c", code, str(root)], check=True, capture_output=True, cwd=root)
    return root


def test_a_warm_answer_loads_nothing_heavy(built, tmp_path):
    done = subprocess.run([sys.executable, "-c", WARM, str(built)], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert loaded & HEAVY == set()
    assert "headwater" in loaded


def test_a_cold_answer_does_load_them_so_the_test_above_can_fail(built, tmp_path):
    code = f"from pathlib import Path\nimport sys\nsys.argv.append({str(built)!r})\n" + WARM
    (built / "assets" / "a.sql").write_text("select x + $vars.x as x, 1 as y from raw.x\n")
    done = subprocess.run(
        [sys.executable, "-c", code.replace("assert statuses", "statuses")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert {"sqlglot", "pydantic"} <= {name.split(".")[0] for name in done.stdout.split()}, done.stderr
