"""What decides a verdict, as one canonical value: the runtime hashes it to know when a version must be judged anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal

from headwater.assets.asset import CheckSpec, OptionValue
from headwater.checks.threshold import DEFAULT, parse_threshold

MEANING = 1  # of the library: raise it when a check of the same declaration comes to mean something else

_ASSETS = ("to", "with")  # options that name another asset

Canonical = str | int | None | tuple["Canonical", ...]


def checks_identity(specs: Iterable[CheckSpec], identities: Mapping[str, str] | None = None) -> Canonical:
    """Return nested tuples of text that are equal exactly where the checks judge alike.

    Names, descriptions and the order of checks are not in it, nor whether a default was written out. `identities` maps
    the keys of renamed assets to what they were first called, under which options name them here.
    """
    return ("checks", MEANING, tuple(sorted((_identity(spec, identities or {}) for spec in specs), key=repr)))


def _identity(spec: CheckSpec, identities: Mapping[str, str]) -> Canonical:
    warns = spec.severity == "warn"
    return (
        spec.kind,
        spec.column,
        tuple((name, _value(_bound(name, value, identities))) for name, value in spec.options),
        spec.where,
        spec.severity,
        _threshold(spec.warn_if or (DEFAULT if warns else None)),
        _threshold(spec.error_if or (None if warns else DEFAULT)),
        spec.on_fail,
        spec.scope,
    )


def _bound(name: str, value: OptionValue, identities: Mapping[str, str]) -> OptionValue:
    """Return the identity of the asset that an option names, and any other value as it is."""
    return identities.get(value.lower(), value) if name in _ASSETS and isinstance(value, str) else value


def _threshold(text: str | None) -> str | None:
    return None if text is None else str(parse_threshold(text))


def _value(value: OptionValue) -> Canonical:
    """Tag each value with its kind, as `1` and `"1"`, and a day and its midnight, compare differently."""
    match value:
        case None:
            return None
        case tuple():
            return tuple(_value(item) for item in value)
        case bool():
            return ("boolean", "true" if value else "false")
        case int() | float() | Decimal():
            return ("number", _number(Decimal(value)))
        case datetime():
            return ("moment", value.isoformat())
        case date():
            return ("day", value.isoformat())
    return ("text", value)


def _number(number: Decimal) -> str:
    if not number.is_finite():
        return str(number)
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text
