"""Tables keep their columns in line, cut nothing off, and wrap only on paper with a width."""

from __future__ import annotations

from headwater.render.paper import Paper
from headwater.render.table import table, width

ROWS = [("STALE", "mart.revenue", "12", "because"), ("CURRENT", "a", "3", "")]


def test_columns_are_in_line() -> None:
    assert [*table(("STATUS", "ASSET", "ROWS", "REASON"), ROWS, Paper(), right=(2,))] == [
        "STATUS   ASSET         ROWS  REASON",
        "STALE    mart.revenue    12  because",
        "CURRENT  a                3",
    ]


def test_empty_columns_and_tables_are_left_out() -> None:
    assert [*table(("A", "B"), [("x", ""), ("y", "")], Paper())] == ["A", "x", "y"]
    assert [*table(("A", "B"), [], Paper())] == []


def test_colour_does_not_move_columns() -> None:
    plain = [*table(("STATUS", "ASSET"), [("STALE", "a"), ("CURRENT", "b")], Paper(), words=(0,))]
    painted = [*table(("STATUS", "ASSET"), [("STALE", "a"), ("CURRENT", "b")], Paper(color=True), words=(0,))]
    assert painted[1] == "\x1b[33mSTALE  \x1b[0m  a"
    assert plain[1] == "STALE    a"


def test_nothing_is_cut_off_in_a_pipe_and_long_texts_wrap_on_a_terminal() -> None:
    text = "one two three four five six seven eight nine ten"
    assert [*table(("A", "B"), [("x", text)], Paper())][1] == f"x  {text}"
    assert [*table(("A", "B"), [("x", text)], Paper(width=30))] == [
        "A  B",
        "x  one two three four five six",
        "   seven eight nine ten",
    ]


def test_wide_and_combining_characters() -> None:
    assert (width("東京"), width("é"), width("e\u0301")) == (4, 1, 1)
    assert [*table(("A", "B"), [("東京", "x"), ("ab", "y")], Paper())] == ["A     B", "東京  x", "ab    y"]


def test_line_breaks_in_a_cell_do_not_break_the_table() -> None:
    assert len([*table(("A", "B"), [("x\ny", "z")], Paper())]) == 2
