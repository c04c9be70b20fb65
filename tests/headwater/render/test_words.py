"""Numbers and times as people say them."""

from __future__ import annotations

import pytest

from headwater.render.words import age, counted, counts, duration, moment, one_line, printable


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.0042, "0.00 s"),
        (1.5, "1.50 s"),
        (9.999, "10 s"),
        (59.7, "60 s"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (93_600, "1 d 2 h"),
        (-90, "-1 min 30 s"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_counts() -> None:
    assert counted(1, "asset") == "1 asset"
    assert counted(1200, "entry", "entries") == "1,200 entries"
    assert counts({"CURRENT": 1200, "STALE": 0, "VERIFIED_EQUAL": 1}) == "1,200 current, 1 verified equal"


def test_times() -> None:
    assert age("2026-11-20T07:00:00Z", "2026-11-20T08:00:00Z") == "1 h"
    assert age("2026-11-20T09:00:00Z", "2026-11-20T08:00:00Z") == "0 s"
    assert age("yesterday", "2026-11-20T08:00:00Z") is None
    assert moment("2026-11-20T08:00:00Z") == "2026-11-20 08:00:00Z"
    assert moment("2026-11-20T08:00:00.123456Z") == "2026-11-20 08:00:00Z"


def test_text_from_outside_cannot_steer_a_terminal() -> None:
    assert one_line("a\n  b\tc\x1b[2J") == r"a b c\x1b[2J"
    assert printable("a\n\tb\x07") == "a\n\tb\\x07"
    assert one_line("Größe ✓") == "Größe ✓"
