"""`lineage` in other forms: of the whole project too, and to a file, whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.assets.errors import RequestError, ResourceError
from headwater.cli.files import write_lines

from .conftest import Ask, FakeProject


@pytest.mark.parametrize(
    ("form", "start"), [("svg", "<svg "), ("mermaid", "flowchart"), ("dot", "digraph"), ("openlineage", "[")]
)
def test_without_an_asset_it_is_the_whole_project(form: str, start: str, ask: Ask, project: FakeProject) -> None:
    answer = ask("lineage", "--as", form)
    assert answer.code == 0
    assert answer.out.startswith(start)
    assert project.asked[-1] in (("lineage_scope", "prod"), ("openlineage", None, True, True, None, "prod", None))
    if form != "openlineage":
        assert all(name in answer.out for name in ("raw.orders", "stg.orders", "mart.revenue"))


def test_the_whole_project_as_json(ask: Ask, project: FakeProject) -> None:
    document = ask("lineage", "--as", "json").json
    parts = ["edges", "assets", "tables", "column_edges", "open_ends", "row_edges", "tags", "reads"]
    assert [*document] == ["project", *parts]
    assert document["row_edges"] == [{"upstream": "raw.orders", "downstream": "stg.orders"}]
    assert document["tags"][0]["tag"] == "pii"  # type: ignore[index]
    assert document["edges"][0] == {"upstream": "raw.orders", "downstream": "stg.orders"}  # type: ignore[index]
    assert ask("--format", "json", "lineage").json == document


def test_events_are_one_json_array_with_a_line_for_each(ask: Ask, project: FakeProject) -> None:
    words = ("mart.revenue", "--upstream", "--depth", "2", "--namespace", "duckdb://a", "--as", "openlineage")
    answer = ask("--env", "dev", "lineage", *words)
    assert project.asked[-1] == ("openlineage", "mart.revenue", True, False, 2, "dev", "duckdb://a")
    assert [event["job"]["name"] for event in json.loads(answer.out)] == ["a", "b"]
    assert len(answer.out.splitlines()) == 4


def test_a_picture_says_which_part_it_is(ask: Ask) -> None:
    assert "<title" in ask("lineage", "mart.revenue", "--as", "svg").out
    assert ">What mart.revenue is made from<" in ask("lineage", "mart.revenue", "--upstream", "--as", "svg").out
    assert ">What is made from mart.revenue<" in ask("lineage", "mart.revenue", "--downstream", "--as", "svg").out
    assert ">Lineage of fake<" in ask("lineage", "--as", "svg").out


def test_a_dash_is_standard_output(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("lineage", "mart.revenue", "--as", "dot")
    answer = ask(*words, "--out", "-")
    assert (answer.code, answer.out, [*tmp_path.iterdir()]) == (0, ask(*words).out, [])
    assert "Wrote" not in answer.err


@pytest.mark.parametrize("words", [("--out", "x.pdf"), ("mart.revenue", "--out", "x.PDF")])
def test_an_ending_that_says_no_form_is_refused(words: tuple[str, ...], ask: Ask, tmp_path: Path) -> None:
    answer = ask("lineage", *words)
    assert answer.code == 2
    assert "says no form that lineage has: they are .txt, .json, .mmd, .dot, .gv, .svg; or say --as." in answer.err
    assert ask("lineage", "mart.revenue", "--as", "text", "--out", str(tmp_path / "x.pdf")).code == 0


def test_two_forms_at_once_are_refused(ask: Ask, tmp_path: Path) -> None:
    for form in ("text", "svg"):
        words = ("--format", "json", "lineage", "mart.revenue", "--as", form)
        answer = ask(*words)
        assert answer.code == 2
        assert f"--as {form} and --format json ask for two forms" in answer.out + answer.err
        assert ask(*words, "--out", str(tmp_path / "x")).code == 0
    assert ask("--format", "json", "lineage", "mart.revenue", "--as", "json").code == 0


@pytest.mark.parametrize(
    ("name", "start"),
    [("a.svg", "<svg"), ("a.MMD", "flow"), ("a.dot", "digraph"), ("a.gv", "digraph"), ("a.json", "{"), ("a", "Up")],
)
def test_the_ending_of_the_file_says_the_form(name: str, start: str, ask: Ask, tmp_path: Path) -> None:
    answer = ask("lineage", "mart.revenue", "--out", str(tmp_path / name))
    assert (answer.code, answer.out) == (0, "")
    assert f"Wrote {tmp_path / name}, as " in answer.err
    assert (tmp_path / name).read_text("utf-8").startswith(start)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_form_that_is_asked_for_counts_more_than_the_ending(ask: Ask, tmp_path: Path) -> None:
    ask("lineage", "--as", "openlineage", "--out", str(tmp_path / "a.json"))
    assert isinstance(json.loads((tmp_path / "a.json").read_text("utf-8")), list)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            (),
            "Name an ASSET or an ASSET.COLUMN, or a --tag. Without them, --as json, mermaid, dot, svg and openlineage",
        ),
        (("--as", "json", "--downstream"), "--downstream starts from an ASSET: name one."),
        (("--as", "svg", "--upstream"), "--upstream starts from an ASSET: name one."),
        (("--as", "dot", "--depth", "2"), "--depth starts from an ASSET: name one."),
        (("--as", "svg", "--kind", "JOIN"), "--kind starts from an ASSET: name one."),
        (("mart.revenue", "--columns"), "--columns and --no-columns are for --as mermaid, dot, svg."),
        (("mart.revenue", "--as", "openlineage", "--direct"), "--direct does not go with --as openlineage"),
        (("mart.revenue", "--as", "svg", "--namespace", "x:y"), "--namespace is for --as openlineage."),
        (("--tag", "pii", "--as", "svg"), "--tag lists columns; it does not go with --as svg."),
        (("mart.revenue", "--out", "no/such/folder/a.svg"), "There is no folder"),
        (("mart.revenue", "--out", "."), "is a folder"),
    ],
)
def test_what_would_change_nothing_is_refused(words: tuple[str, ...], said: str, ask: Ask) -> None:
    answer = ask("lineage", *words)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert "Traceback" not in answer.err


def test_a_file_that_cannot_be_written_whole_stays_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "a.svg"
    file.write_text("old")

    def lines() -> Iterator[str]:
        yield "new"
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError):
        write_lines(str(file), lines())
    assert file.read_text() == "old"
    assert [*tmp_path.iterdir()] == [file]


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResourceError, match="No space left on device"):
        write_lines(str(tmp_path / "a.svg"), ["new"])
    assert [*tmp_path.iterdir()] == []


def test_what_a_link_leads_to_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "real.svg").write_text("old")
    (tmp_path / "link.svg").symlink_to("real.svg")
    write_lines(str(tmp_path / "link.svg"), ["new"])
    assert (tmp_path / "link.svg").is_symlink()
    assert (tmp_path / "real.svg").read_text() == "new\n"


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RequestError, match="not a regular file"):
        write_lines(str(tmp_path / "pipe"), ["new"])
