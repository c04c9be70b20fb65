"""The edges of the command line: options, help, errors, encodings and readers that leave."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from headwater.assets.errors import IntegrityError, Problem, RequestError, SqlError, StateInvalid, WarehouseLocked
from headwater.cli.completion import complete_asset
from headwater.cli.main import cli, run
from headwater.cli.settings import Settings, abandon, print_lines
from headwater.cli.verbs import VERBS, Verb, VerbGroup

from .conftest import Ask, FakeProject

Failing = Callable[[BaseException], None]


def every_verb() -> list[tuple[str, Verb]]:
    """Return each verb with the words that call it."""
    found: list[tuple[str, Verb]] = []
    waiting: list[tuple[str, VerbGroup]] = [("", cli)]  # type: ignore[list-item]
    while waiting:
        path, group = waiting.pop()
        for name in group.list_commands(click.Context(group)):
            command = group.get_command(click.Context(group), name)
            if isinstance(command, VerbGroup):
                waiting.append((f"{path}{name} ", command))
            else:
                assert isinstance(command, Verb)
                found.append((f"{path}{name}", command))
    return found


def test_no_verb_prints_help(ask: Ask) -> None:
    assert ask().out == ask("--help").out
    assert "Decide:" in ask().out
    assert ask("audit").out.startswith("Usage: headwater audit")
    assert ask("-h").code == 0


def test_version(ask: Ask) -> None:
    answer = ask("--version")
    assert (answer.code, answer.out.split()[0]) == (0, "headwater")


@pytest.mark.parametrize(("path", "command"), every_verb(), ids=lambda it: it if isinstance(it, str) else "")
def test_every_verb_has_help_with_examples_that_parse(path: str, command: Verb, ask: Ask) -> None:
    help_text = ask(*path.split(), "--help")
    assert help_text.code == 0
    assert command.examples
    for example in command.examples:
        assert example in help_text.out
        assert f"headwater {path}" in example or "--project" in example


def test_short_help_fits_one_line() -> None:
    for path, command in every_verb():
        assert not command.get_short_help_str(64).endswith("..."), path


def test_the_tables_of_verbs_name_each_once() -> None:
    names = [name for _, section in VERBS for name, _ in section]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("stal",), "There is no verb `stal`. Did you mean `stale`?"),
        (("audit", "verfy"), "There is no verb `verfy`. Did you mean `verify`?"),
        (("xyzzy",), "There is no verb `xyzzy`. `headwater --help` shows how."),
        (("stale", "--al"), "Did you mean"),
        (("why",), "Missing argument"),
        (("--format", "yaml", "stale"), "yaml"),
        (("run", "--workers", "0"), "--workers"),
    ],
)
def test_wrong_requests_exit_2(words: tuple[str, ...], said: str, ask: Ask) -> None:
    answer = ask(*words)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err


def test_a_wrong_request_for_json_is_answered_in_json(ask: Ask) -> None:
    answer = ask("--format", "json", "stal")
    assert answer.code == 2
    assert answer.json["error"]["code"] == "USAGE_ERROR"  # type: ignore[index]
    assert "Did you mean" in answer.err


def test_global_options_stand_before_or_after_the_verb(ask: Ask, project: FakeProject) -> None:
    before = ask("--project", "sales", "--env", "dev", "--format", "json", "stale")
    after = ask("stale", "--project", "sales", "--env", "dev", "--format", "json")
    assert before == after
    assert project.asked[0] == ("load", "sales", True)
    assert project.asked[1][3] == "dev"
    assert ask("audit", "--format", "json", "log").json["entries"]


def test_an_unknown_environment_is_refused(ask: Ask) -> None:
    answer = ask("--env", "prd", "stale")
    assert answer.code == 2
    assert "There is no environment 'prd'. Known: dev, prod." in answer.err


@pytest.mark.parametrize(
    ("error", "code", "name"),
    [
        (RequestError("No asset is called 'x'.", "`headwater ls` lists them."), 2, "REQUEST_ERROR"),
        (SqlError("bad SQL.", 3, 4), 2, "SQL_ERROR"),
        (WarehouseLocked("Process 7 holds the warehouse.", "Wait for it."), 3, "WAREHOUSE_LOCKED"),
        (StateInvalid("Written by a newer Headwater."), 3, "STATE_INVALID"),
        (IntegrityError("no."), 1, "INTEGRITY_ERROR"),
        (PermissionError(13, "Permission denied", "data/x"), 3, "RESOURCE_ERROR"),
        (KeyboardInterrupt(), 130, "INTERRUPTED"),
        (ZeroDivisionError("division by zero"), 1, "INTERNAL_ERROR"),
    ],
)
def test_every_error_is_a_sentence_and_an_exit_code(
    error: BaseException, code: int, name: str, ask: Ask, failing: Failing
) -> None:
    failing(error)
    text = ask("stale")
    assert (text.code, text.out) == (code, "")
    assert "Traceback" not in text.err
    assert "Error: " in text.err
    answer = ask("--format", "json", "stale")
    assert answer.code == code
    assert answer.json["error"]["code"] == name  # type: ignore[index]


def test_an_unexpected_error_asks_for_a_report(ask: Ask, failing: Failing, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(ZeroDivisionError("division by zero"))
    assert "Please report it" in ask("why", "x").err
    monkeypatch.setenv("HEADWATER_DEBUG", "1")
    assert "Traceback" in ask("why", "x").err


def test_declaration_errors_are_all_shown(ask: Ask, project: FakeProject) -> None:
    project.errors = (Problem("a.sql", 1, "first.", "Do this."), Problem("b.sql", None, "second."))
    answer = ask("run")
    assert answer.code == 2
    assert answer.err.splitlines()[-3:] == [
        "a.sql:1: first. Do this.",
        "b.sql: second.",
        "Error: 2 declaration errors.",
    ]
    error = ask("run", "--format", "json").json["error"]
    assert [it["file"] for it in error["problems"]] == ["a.sql", "b.sql"]  # type: ignore[index]


def test_what_a_project_prints_is_no_part_of_an_answer(ask: Ask) -> None:
    answer = ask("run", "--format", "json")
    assert answer.json["run"] == "r1"
    assert "a module of the project prints this" in answer.err
    assert "a step prints this" in answer.err


def test_completion_of_asset_names(project: FakeProject) -> None:
    context = click.Context(cli, obj=Settings(load=project.load))  # type: ignore[arg-type]
    assert complete_asset(context, click.Argument(["asset"]), "MART.") == ["mart.revenue"]
    assert complete_asset(context, click.Argument(["asset"]), "2+stg") == ["2+stg.orders"]
    project.errors = (Problem("a.sql", 1, "broken."),)
    assert complete_asset(context, click.Argument(["asset"]), "raw") == ["raw.orders"]


def test_completion_swallows_every_error() -> None:
    def broken(path: str, *, require: bool) -> None:
        raise RuntimeError("no project")

    context = click.Context(cli, obj=Settings(load=broken))  # type: ignore[arg-type]
    assert complete_asset(context, click.Argument(["asset"]), "") == []


def test_colour_only_on_a_terminal(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[" not in ask("stale").out
    for variable in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(variable, raising=False)
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    assert Settings().paper(terminal).color
    assert not Settings(color=False).paper(terminal).color
    monkeypatch.setenv("NO_COLOR", "1")
    assert not Settings().paper(terminal).color


def test_a_terminal_without_unicode_gets_other_marks(monkeypatch: pytest.MonkeyPatch, project: FakeProject) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    assert run(["why", "x"], project.load) == 0  # type: ignore[arg-type]
    stream.flush()
    text = stream.buffer.getvalue().decode("ascii")  # type: ignore[attr-defined]
    assert "  NO Is what it reads equal to what it read then?" in text


def test_a_reader_that_leaves_is_quiet() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", encoding="utf-8") as stream:
        previous, sys.stdout = sys.stdout, stream
        try:
            print_lines(["x" * 100_000])
            print_lines(["more"])
        finally:
            sys.stdout = previous
            abandon(stream)


def test_head_ends_a_command_without_a_word(tmp_path: Path) -> None:
    command = "headwater.cli.main"
    script = f"import sys, {command} as m; sys.exit(m.run(['--help']))"
    shell = f'"{sys.executable}" -c "{script}" | head -n 1'
    done = subprocess.run(shell, shell=True, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.stderr, done.stdout) == ("", "Usage: headwater [OPTIONS] VERB ...\n")


def _imported(arguments: list[str]) -> set[str]:
    script = (
        "import json, sys, headwater.cli.main as m\n"
        f"code = m.run({arguments!r})\n"
        "print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert code == 0
    return set(modules)


def test_help_imports_click_and_little_else() -> None:
    heavy = {"rich", "duckdb", "sqlglot", "pydantic", "networkx", "yaml", "cryptography", "headwater.api", "json"}
    assert not _imported(["--help"]) & (heavy - {"json"})


def test_the_package_runs_as_the_command_does() -> None:
    done = subprocess.run([sys.executable, "-m", "headwater", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("headwater ")
