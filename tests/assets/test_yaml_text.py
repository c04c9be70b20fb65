"""YAML without the surprises of its version 1.1."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from headwater.assets.yaml_text import YamlText, parse_yaml


def value(text: str) -> object:
    parsed = parse_yaml(f"x: {text}", "a.yaml")
    assert isinstance(parsed, YamlText), parsed
    return parsed.value["x"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NO", "NO"),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("1:30", "1:30"),
        ("12:30:45", "12:30:45"),
        ("010", "010"),
        ("08", "08"),
        ("01234", "01234"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("10", 10),
        ("-10", -10),
        ("+1", 1),
        ("0", 0),
        ("0.5", Decimal("0.5")),
        (".5", Decimal("0.5")),
        ("1e3", Decimal("1e3")),
        ("0.10", Decimal("0.10")),
        ("1.5e-3", Decimal("0.0015")),
        ("01.5", "01.5"),
        (".inf", float("inf")),
        ("-.inf", float("-inf")),
        ("=", "="),
        ("<", "<"),
        ("null", None),
        ("~", None),
        ("", None),
        ("'null'", "null"),
        ("2024-01-31", date(2024, 1, 31)),
        ("2024-01-31 10:00:00", datetime(2024, 1, 31, 10)),
        ("2024-01-31T10:00:00Z", datetime(2024, 1, 31, 10, tzinfo=UTC)),
        ("1.2.3", "1.2.3"),
        ("é\u00a0ü", "é\u00a0ü"),
    ],
)
def test_plain_scalars(text, expected):
    assert (str(value(text)), type(value(text))) == (str(expected), type(expected))


def test_keys_are_what_was_written():
    parsed = parse_yaml("on: 1\nno: 2\nTrue: 3\n1: 4\nnull: 5\n2024-01-01: 6", "a.yaml")
    assert isinstance(parsed, YamlText)
    assert [parsed.line((name,)) for name in ("on", "no", "True", "1", "null", "2024-01-01")] == [1, 2, 3, 4, 5, 6]
    assert list(parsed.value)[:2] == ["on", "no"]


def test_lines_of_paths():
    text = "a:\n  - x\n  - y: 1\n    z:\n      - 2\nb: {c: 1,\n  d: 2}\n"
    parsed = parse_yaml(text, "a.yaml", first_line=10)
    assert isinstance(parsed, YamlText)
    lines = {("a",): 10, ("a", 0): 11, ("a", 1): 12, ("a", 1, "z"): 13, ("a", 1, "z", 0): 14, ("b", "d"): 16}
    assert {path: parsed.line(path) for path in lines} == lines
    assert parsed.line(("a", 1, "nothing", "there")) == 12


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("a: 1\nb: 2\na: 3", 3, "'a' is given twice"),
        ("a:\n  b: 1\n  b: 2", 3, "'b' is given twice"),
        ("a: [1", 2, "cannot be read"),
        ("a: 1\n b: 2", 2, "cannot be read"),
        ("a: *b", 1, "undefined alias"),
        ("a: &a [*a]", 1, "contains itself"),
        ("a: &a {b: {c: *a}}", 1, "contains itself"),
        ("a: !!python/name:os.system", 1, "could not determine a constructor"),
        ("? [a]\n: 1", 1, "unhashable"),
        ("a: 1\n---\nb: 1", 2, "another document"),
        ("a: \x07", 1, "cannot be read"),
        ("a: 2024-13-45", 1, "cannot be read"),
        ("a:\n\t- b", 2, "cannot start any token"),
    ],
)
def test_what_cannot_be_read(text, line, word):
    problems = parse_yaml(text, "a.yaml")
    assert isinstance(problems, tuple)
    assert word in problems[0].message
    assert problems[0].line == line


def test_every_key_that_is_given_twice_is_said():
    problems = parse_yaml("a: 1\na: 2\nb:\n  c: 1\n  c: 2\n", "a.yaml")
    assert isinstance(problems, tuple)
    assert [problem.line for problem in sorted(problems)] == [2, 5]


def test_anchors_and_merges_may_be_used():
    parsed = parse_yaml("a: &base {x: 1}\nb:\n  <<: *base\n  y: 2\nc: [*base, *base]", "a.yaml")
    assert isinstance(parsed, YamlText)
    assert parsed.value == {"a": {"x": 1}, "b": {"x": 1, "y": 2}, "c": [{"x": 1}, {"x": 1}]}


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(min_size=1, max_size=5), PLAIN, max_size=4))
def test_what_a_writer_of_yaml_writes_is_read_back(data):
    text = yaml.safe_dump(data, default_style='"' if any(map(_is_surprising, _scalars(data))) else None)
    parsed = parse_yaml(text, "a.yaml")
    assert isinstance(parsed, YamlText), parsed
    if '"' not in text:
        assert parsed.value == data


def _scalars(data: object) -> list[object]:
    if isinstance(data, dict):
        return [item for pair in data.items() for part in pair for item in _scalars(part)]
    return [item for part in data for item in _scalars(part)] if isinstance(data, list) else [data]


def _is_surprising(scalar: object) -> bool:
    return isinstance(scalar, str)
