"""Raw options as a user gave them, read one by one. What is wrong is noted, so that all faults are told together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal

from headwater.assets.asset import OptionValue, Scalar
from headwater.assets.errors import RequestError
from headwater.assets.key import AssetKey
from headwater.checks.literal import MAX_EXPONENT

_LOSSY = 10**15  # from here on a float may not be the number that was written
_ABSENT = object()


class Given:
    """The options of one check. Each getter returns None where the option is absent or wrong, and notes what is wrong.

    `column` is the column that the check is declared on; `open_column` says that one may still come.
    """

    def __init__(self, kind: str, values: Mapping[str, object], column: str | None, open_column: bool = False) -> None:
        self.kind = kind
        self.column = column
        self.open_column = open_column
        self.faults: list[tuple[str, str]] = []
        self._values = values

    def has(self, name: str) -> bool:
        """Return whether the option was given a value."""
        return self._values.get(name) is not None

    def unknown(self, known: Iterable[str]) -> tuple[str, ...]:
        """Return the names of the options that are not among the `known` ones."""
        return tuple(name for name in self._values if name not in set(known))

    def fault(self, message: str, remedy: str = "") -> None:
        """Note that something is wrong with this check."""
        self.faults.append((f"{self.kind}: {message}", remedy))

    def text(self, name: str) -> str | None:
        """Return a text that is not empty."""
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, str) and value.strip():
            return value
        self.fault(f"`{name}` must be a text, not {_shown(value)}.", "Quote it if it is one.")
        return None

    def word(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        """Return one of the `allowed` words."""
        value = self._values.get(name, default)
        if value in allowed:
            return str(value)
        self.fault(f"`{name}` must be {' or '.join(allowed)}, not {_shown(value)}.")
        return default

    def names(self, name: str) -> tuple[str, ...] | None:
        """Return a name, or a list of different names, as a tuple."""
        value = self._values.get(name)
        if value is None:
            return None
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list | tuple) or not listed or not all(isinstance(n, str) and n for n in listed):
            self.fault(f"`{name}` must be a name or a list of names, not {_shown(value)}.")
            return None
        names = tuple(str(each) for each in listed)
        if len({each.lower() for each in names}) < len(names):
            self.fault(f"`{name}` names a column twice.", "Keep each column once.")
            return None
        return names

    def whole(self, name: str) -> int | None:
        """Return a whole number that is not negative."""
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        self.fault(f"`{name}` must be a whole number from 0 up, not {_shown(value)}.")
        return None

    def scalar(self, name: str, value: object = _ABSENT) -> Scalar:
        """Return a value to compare with: text, number, date or truth value. Floats become exact decimals."""
        value = self._values.get(name) if value is _ABSENT else value
        if isinstance(value, float):
            return self._exact(name, value)
        if isinstance(value, Decimal):
            return self._bounded(name, value)
        if isinstance(value, int) and not isinstance(value, bool):
            return self._bounded(name, value)
        if value is None or isinstance(value, str | bool | date | datetime):
            return value
        self.fault(f"`{name}` must be a text, a number or a date, not {_shown(value)}.")
        return None

    def scalars(self, name: str) -> tuple[OptionValue, ...] | None:
        """Return a list of values to compare with, each once, in their order."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, list | tuple) or not value:
            self.fault(f"`{name}` must be a list of values, not {_shown(value)}.")
            return None
        if None in value:
            self.fault(f"`{name}` contains NULL, which is never compared.", "Remove it; not_null refuses NULL.")
        kept: dict[object, OptionValue] = {}
        for item in value:
            scalar = self.scalar(name, item)
            if scalar is not None:
                kept.setdefault((isinstance(scalar, bool), scalar), scalar)
        return tuple(kept.values()) or None

    def key(self, name: str) -> AssetKey | None:
        """Return an asset key."""
        text = self.text(name)
        if text is None:
            return None
        try:
            return AssetKey.parse(text)
        except RequestError as error:
            self.fault(f"`{name}`: {error.message}", error.remedy)
            return None

    def _exact(self, name: str, value: float) -> Scalar:
        if math.isinf(value):
            return Decimal("Infinity") if value > 0 else Decimal("-Infinity")
        number = Decimal(repr(value))
        if math.isfinite(value) and (len(number.as_tuple().digits) > 15 or abs(value) >= _LOSSY):
            self.fault(
                f"`{name}` has more digits than a float keeps: {value!r}.", "Quote it, so that it is kept exactly."
            )
            return None
        return self._bounded(name, number)

    def _bounded(self, name: str, number: Decimal | int) -> Scalar:
        if isinstance(number, Decimal) and number.is_nan():
            self.fault(f"`{name}` is not a number, and nothing compares with that.", "For NaN use `expression`.")
            return None
        if isinstance(number, Decimal) and number.is_infinite():
            return number
        too_large = abs(number) > 10**MAX_EXPONENT if isinstance(number, int) else abs(number.adjusted()) > MAX_EXPONENT
        if too_large:
            self.fault(f"`{name}` is beyond what any column can hold.")
            return None
        return number


def _shown(value: object) -> str:
    text = "nothing" if value in ("", [], ()) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
