"""How many failing rows are too many: thresholds on a count or a share, compared exactly, and the outcome they give."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from headwater.assets.asset import CheckSpec
from headwater.checks.check import Outcome

DEFAULT = "> 0"
_FORM = re.compile(r"\s*(>=|<=|<>|!=|==|=|>|<)\s*(\d+(?:\.\d+)?)\s*(%?)\s*")
_SAME = {"==": "=", "<>": "!="}
_COMPARE: Mapping[str, Callable[[Fraction, Fraction], bool]] = {
    ">": lambda value, limit: value > limit,
    ">=": lambda value, limit: value >= limit,
    "<": lambda value, limit: value < limit,
    "<=": lambda value, limit: value <= limit,
    "=": lambda value, limit: value == limit,
    "!=": lambda value, limit: value != limit,
}
_HOLDS_FOR_INFINITY = (">", ">=", "!=")


@dataclass(frozen=True, slots=True)
class Threshold:
    """A comparison with a number of failing rows, or with their share of the checked rows where `is_share`.

    `limit` is a number of rows, or a fraction of the rows (0.1 % is 1/1000).
    """

    operator: str
    limit: Fraction
    is_share: bool

    def holds(self, failing: int, rows: int) -> bool:
        """Return whether `failing` of `rows` rows reach it. 0 of 0 is 0 %; more than 0 of 0 exceeds any share."""
        if not self.is_share:
            return _COMPARE[self.operator](Fraction(failing), self.limit)
        if rows == 0 and failing:
            return self.operator in _HOLDS_FOR_INFINITY
        return _COMPARE[self.operator](Fraction(failing, rows or 1), self.limit)

    def __str__(self) -> str:
        number = self.limit * 100 if self.is_share else self.limit
        return f"{self.operator} {_decimal(number)}{'%' if self.is_share else ''}"


@lru_cache(maxsize=256)
def parse_threshold(text: str) -> Threshold:
    """Return the threshold written as `> 10`, `>= 3`, `> 0.1%`, `= 0` and the like.

    Raises ValueError, with what is wrong as its text, where it is not one.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a threshold")
    operator, number, percent = match.groups()
    limit = Fraction(number)
    if percent:
        limit /= 100
    elif limit.denominator != 1:
        raise ValueError(f"{text!r} compares a number of rows with a fraction")
    return Threshold(_SAME.get(operator, operator), limit, bool(percent))


def outcome(spec: CheckSpec, failing: int, rows: int) -> Outcome:
    """Return what `failing` of `rows` rows mean for this check: the worse of its thresholds that holds.

    With severity warn nothing is worse than WARN.
    """
    if spec.severity == "warn":
        reached = any(limit.holds(failing, rows) for limit in _limits(spec.warn_if or DEFAULT, spec.error_if))
        return "WARN" if reached else "PASS"
    if parse_threshold(spec.error_if or DEFAULT).holds(failing, rows):
        return "FAIL"
    return "WARN" if any(limit.holds(failing, rows) for limit in _limits(spec.warn_if)) else "PASS"


def tolerance(spec: CheckSpec) -> str:
    """Return the thresholds of `spec` in words for people, or nothing where they are the defaults."""
    words = []
    if spec.severity == "error" and spec.error_if and str(parse_threshold(spec.error_if)) != DEFAULT:
        words.append(f"fails if {parse_threshold(spec.error_if)}")
    if spec.warn_if and not (spec.severity == "warn" and str(parse_threshold(spec.warn_if)) == DEFAULT):
        words.append(f"warns if {parse_threshold(spec.warn_if)}")
    return f" ({', '.join(words)})" if words else ""


def _limits(*texts: str | None) -> tuple[Threshold, ...]:
    return tuple(parse_threshold(text) for text in texts if text)


def _decimal(number: Fraction) -> str:
    """Write a fraction whose denominator is a power of ten as a plain decimal."""
    places = 0
    while (number * 10**places).denominator != 1:
        places += 1
    digits = str(int(number * 10**places)).zfill(places + 1)
    return f"{digits[:-places]}.{digits[-places:]}" if places else digits
