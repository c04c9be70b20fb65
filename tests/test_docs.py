"""The manual says only what holds: its YAML is valid, its projects load, its links lead somewhere."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from headwater.api import load_project
from headwater.assets.errors import Problem
from headwater.assets.yaml_text import parse_yaml

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a page in one language."""
    return [text for found, text in _BLOCK.findall(page.read_text(encoding="utf-8")) if found == language]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = [link for link in _LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in targets if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_yaml_examples_can_be_read(page: Path) -> None:
    for text in blocks(page, "yaml"):
        parsed = parse_yaml(text, page.name)
        assert not isinstance(parsed, Problem | tuple), parsed


def test_the_examples_of_the_page_on_declaring_are_one_sound_project(tmp_path: Path) -> None:
    page = ROOT / "docs" / "declaring.md"
    (toml,), (sql,), (yaml,), (python,) = (blocks(page, name) for name in ("toml", "sql", "yaml", "python"))
    (tmp_path / "headwater.toml").write_text(toml, encoding="utf-8")
    files = {
        "stg/orders.sql": "select 1 as order_id, 2 as amount",
        "mart/matters.sql": sql,
        "mart/revenue.sql": "select 1 as revenue",
        "raw/sources.yaml": yaml,
        "raw/flights.yaml": "external:\n  raw.flights: {file: data/flights.csv, columns: {carrier: varchar}}\n",
        "mart/carriers.py": python,
    }
    for name, text in files.items():
        path = tmp_path / "assets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert load_project(tmp_path).errors == ()


def test_the_examples_of_the_page_on_lineage_are_one_sound_project(tmp_path: Path) -> None:
    page = ROOT / "docs" / "lineage.md"
    (yaml,), (python,) = (blocks(page, name) for name in ("yaml", "python"))
    files = {
        "headwater.toml": "",
        "data/customers.csv": "id,email,age\n1,a@x,30\n2,b@x,40\n",
        "assets/raw/sources.yaml": yaml,
        "assets/stg/customers.sql": "select id, email, age // 10 as age_group from raw.customers\n",
        "assets/mart/scores.py": python,
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert load_project(tmp_path).errors == ()
    assert load_project(tmp_path).run().outcome == "SUCCEEDED"
    carried = load_project(tmp_path).tagged("pii").carried
    assert [f"{it.column.asset}.{it.column.column}" for it in carried if it.certain] == [
        "mart.scores.score",
        "raw.customers.email",
        "stg.customers.email",
    ]


def test_the_examples_of_the_page_on_partitions_are_one_sound_project(tmp_path: Path) -> None:
    page = ROOT / "docs" / "partitions.md"
    (yaml,), (sql,), (growth, shops) = (blocks(page, name) for name in ("yaml", "sql", "python"))
    sales = "day: {daily: {start: 2024-01-01}}, region: {static: [no, se, it]}"
    quarters = "quarter: {quarterly: {start: 2023-Q1}}"
    files = {
        "headwater.toml": "",
        "data/shops.csv": "shop\noslo\nbergen\n",
        "assets/raw/sources.yaml": "external:\n  raw.shops: {file: data/shops.csv}\n",
        "assets/all.sql": f"/* @asset\n{yaml}*/\nselect 1 as x",
        "assets/stg/sales.sql": f"/* @asset\npartitions: {{{sales}}}\n*/\nselect 1 as amount",
        "assets/stg/rates.sql": "/* @asset\npartitions: {month: {monthly: {start: 2024-01}}}\n*/\nselect 1 as rate",
        "assets/mart/areas.sql": sql,
        "assets/mart/quarters.sql": f"/* @asset\npartitions: {{{quarters}}}\n*/\nselect 1 as x",
        "assets/mart/history.sql": f"/* @asset\npartitions: {{{quarters}}}\n*/\nselect 1 as x",
        "assets/mart/growth.py": growth,
        "assets/stg/shops.py": shops,
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert load_project(tmp_path).errors == ()
    assert load_project(tmp_path).run(select="+stg.shops").outcome == "SUCCEEDED"
    assert [it.key for it in load_project(tmp_path).dynamic_keys("shops")] == ["oslo", "bergen"]


def test_the_examples_of_the_page_on_sources_are_one_project_that_is_cut_off_as_it_says(tmp_path: Path) -> None:
    page = ROOT / "docs" / "sources.md"
    (yaml, parts), (python,) = (blocks(page, name) for name in ("yaml", "python"))
    files = {
        "headwater.toml": "",
        "data/flights/2024-01-01.csv": "carrier,delay\nHW,5\n",
        "assets/raw/flights.yaml": parts,
        "data/orders.csv": "order_id,amount\n1,2.50\n",
        "data/visits/monday.csv": "visitor\nann\n",
        "bank/published.json": '{"version": 1, "rates": {"EUR": 1.1, "CHF": 1.2}}',
        "assets/raw/files.yaml": yaml,
        "assets/raw/rates.py": python,
        "assets/mart/rates.sql": "select currency, rate from raw.rates\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert load_project(tmp_path).run().outcome == "SUCCEEDED"
    report = load_project(tmp_path).status()
    assert {status.word for status in report.values()} == {"CURRENT"}
    assert [it.partitions.missing for it in report.assets if it.partitions] == [("2024-01-02..2024-01-03",)]
    bank = tmp_path / "bank" / "published.json"
    bank.write_text(bank.read_text().replace("1,", "2,", 1))
    assert load_project(tmp_path).status()["raw.rates"].word == "PENDING"
    assert [(it.asset, it.outcome) for it in load_project(tmp_path).run(select="+mart.rates").steps] == [
        ("raw.rates", "OBSERVED"),
        ("mart.rates", "VERIFIED_EQUAL"),
    ]
    (tmp_path / "data" / "visits" / "tuesday.csv").write_text("visitor\nbob\n")
    (reason,) = load_project(tmp_path).status()["raw.visits"].reasons
    assert f"PENDING  raw.visits  {reason.message}" in page.read_text(encoding="utf-8")
    bank.unlink()
    assert {load_project(tmp_path).status()[name].word for name in ("raw.rates", "mart.rates")} == {"UNKNOWN"}


def test_the_clauses_of_the_manual_are_those_of_the_code_in_their_order() -> None:
    from headwater.runtime.staleness import CLAUSES

    text = (ROOT / "docs" / "staleness.md").read_text(encoding="utf-8")
    table = text.split("## The clauses")[1].split("## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [clause.name for clause in CLAUSES]


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "pycon")], ids=lambda page: page.name)
def test_python_sessions_print_what_they_show(page: Path) -> None:
    failed, tried = doctest.testfile(str(page), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert tried > 0
    assert failed == 0
