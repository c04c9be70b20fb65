"""Every example of the manual's page on checks is valid, and every check has its place there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from headwater.checks.declare import COMMON, parse_checks
from headwater.checks.library import KINDS, check_kind

PAGE = (Path(__file__).parents[2] / "docs" / "checks.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) + re.findall(r"/\* @asset\n(.*?)\*/", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_example(example):
    fields = yaml.safe_load(example)
    specs, problems = parse_checks(fields["checks"], None, None)
    assert problems == ()
    assert specs
    for column, about in fields.get("columns", {}).items():
        assert parse_checks(about["checks"], column, None)[1] == ()


@pytest.mark.parametrize("name", KINDS)
def test_every_check_is_described_with_its_options(name):
    section = re.search(rf"### {name}\n(.*?)(?=\n##|\Z)", PAGE, re.DOTALL)
    assert section, name
    assert f"{name}:" in section[1]
    assert all(option in section[1] for option in check_kind(name).takes)


def test_every_common_option_is_described():
    assert all(f"| `{option}` |" in PAGE for option in COMMON)
