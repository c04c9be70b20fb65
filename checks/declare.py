"""From what a user wrote about checks to CheckSpec values. All that is wrong is collected, with place and remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import replace

from headwater.assets.asset import CheckSpec, Location
from headwater.assets.errors import Problem
from headwater.checks.given import Given
from headwater.checks.library import KINDS, check_kind
from headwater.checks.library.kind import CheckKind
from headwater.checks.sql_text import expression_fault
from headwater.checks.threshold import parse_threshold

COMMON = ("name", "severity", "warn_if", "error_if", "where", "on_fail", "scope", "description")
_OWN_COLUMN = "column"  # how a check of the table says which column it is about
_LABEL_LENGTH = 60
_FORMS = "A check is a name, or a map of one name to its options, such as `- unique: [day, region]`."


def parse_checks(
    raw: object, column: str | None, location: Location | None
) -> tuple[tuple[CheckSpec, ...], tuple[Problem, ...]]:
    """Return the checks of one `checks:` list, and every problem in it.

    Items are names, maps of one name to a shorthand or to options, or CheckSpec values made by the Python functions.
    `column` is the column that the list stands on, None for the checks of the table. Raises nothing.
    """
    if raw is None:
        return (), ()
    if not isinstance(raw, list | tuple):
        return (), (_problem(location, "`checks` must be a list.", _FORMS),)
    specs: list[CheckSpec] = []
    problems: list[Problem] = []
    for item in raw:
        spec, found = parse_check(item, column, location)
        specs += [spec] if spec is not None else []
        problems += found
    return distinct_labels(specs), tuple(problems)


def parse_check(
    raw: object, column: str | None, location: Location | None, open_column: bool = False
) -> tuple[CheckSpec | None, tuple[Problem, ...]]:
    """Return one check, or None with what is wrong. `open_column` accepts a check whose column is still to come."""
    if isinstance(raw, CheckSpec):
        return _adopted(raw, column, location)
    name, value, fault = _name_and_value(raw)
    if fault is not None:
        return None, (_problem(location, *fault),)
    if name not in KINDS:
        return None, (_problem(location, f"there is no check {name!r}.", _suggestion(name, KINDS)),)
    kind = check_kind(name)
    given = Given(name, _options(kind, value), column, open_column)
    spec = _read(kind, given, location)
    return (None if given.faults else spec), tuple(_problem(location, *fault) for fault in given.faults)


def distinct_labels(specs: Iterable[CheckSpec]) -> tuple[CheckSpec, ...]:
    """Return the checks with labels that differ: a label that comes again gets ` #2`, ` #3`, in order."""
    taken: dict[str, int] = {}
    named = []
    for spec in specs:
        count = taken[spec.label] = taken.get(spec.label, 0) + 1
        named.append(spec if count == 1 else replace(spec, name=f"{spec.label} #{count}"))
    return tuple(named)


def _name_and_value(raw: object) -> tuple[str, object, tuple[str, str] | None]:
    if isinstance(raw, str):
        return raw, None, None
    if isinstance(raw, Mapping) and len(raw) == 1:
        ((name, value),) = raw.items()
        if isinstance(name, str):
            return name, value, None
    if isinstance(raw, Mapping) and len(raw) > 1:
        names = ", ".join(map(str, raw))
        return "", None, (f"one check has several names: {names}.", f"Indent its options below its name. {_FORMS}")
    return "", None, (f"{raw!r} is not a check.", _FORMS)


def _options(kind: CheckKind, value: object) -> Mapping[str, object]:
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return {str(name): option for name, option in value.items()}
    return {kind.shorthand: value} if kind.shorthand else {"": value}


def _read(kind: CheckKind, given: Given, location: Location | None) -> CheckSpec:
    _refuse_unknown(kind, given)
    if kind.on == "column" and given.has(_OWN_COLUMN):
        _take_column(given)
    if kind.on == "column" and given.column is None and not given.open_column and not given.faults:
        given.fault("needs a column.", f"Declare it on a column, or give `{_OWN_COLUMN}`.")
    if kind.on == "table" and given.column is not None:
        given.fault("is about the table, and this one stands on a column.", "Move it to the asset's checks.")
    options = () if given.faults else kind.read(given)
    severity = given.word("severity", ("error", "warn"), "error")
    spec = CheckSpec(
        kind=kind.name,
        column=given.column,
        options=tuple(sorted(options, key=lambda pair: pair[0])),
        name=given.text("name"),
        severity=severity,
        warn_if=_threshold(given, "warn_if"),
        error_if=_threshold(given, "error_if"),
        where=_condition(given),
        on_fail=_consequence(given, severity),
        scope=_scope(kind, given),
        description=given.text("description"),
        location=location,
    )
    return spec if spec.name or kind.name not in ("expression", "sql") else replace(spec, name=_described(spec))


def _refuse_unknown(kind: CheckKind, given: Given) -> None:
    own = (*kind.takes, _OWN_COLUMN) if kind.on == "column" else kind.takes
    known = (*own, *COMMON)
    for name in given.unknown(known):
        if name:
            given.fault(f"there is no option `{name}`.", _suggestion(name, known))
        else:
            given.fault("needs options by name.", f"Say for example {kind.example}.")


def _take_column(given: Given) -> None:
    own = given.text(_OWN_COLUMN)
    if own is not None and given.column is not None and own != given.column:
        given.fault(f"stands on column {given.column} and names {own}.", f"Leave `{_OWN_COLUMN}` out.")
    elif own is not None:
        given.column = own


def _threshold(given: Given, name: str) -> str | None:
    text = given.text(name)
    if text is None:
        return None
    try:
        return str(parse_threshold(text))
    except ValueError as error:
        given.fault(f"`{name}`: {error}.", 'Say for example "> 10" (rows) or "> 0.1%" (of the rows).')
        return None


def _condition(given: Given) -> str | None:
    where = given.text("where")
    fault = None if where is None else expression_fault(where)
    if fault is not None:
        given.fault(f"`where`: {fault[0]}", fault[1])
    return where


def _consequence(given: Given, severity: str) -> str:
    on_fail = given.word("on_fail", ("block", "quarantine"), "block")
    if given.has("on_fail") and severity == "warn":
        given.fault("severity warn never blocks, so `on_fail` means nothing.", "Remove one of the two.")
    elif on_fail == "quarantine":
        given.fault("on_fail: quarantine is not available yet.", "Use block, or severity: warn.")
    return on_fail


def _scope(kind: CheckKind, given: Given) -> str | None:
    scope = given.word("scope", ("rows", "table", "partition"), kind.scope)
    if scope == "partition":
        given.fault("scope: partition is not available yet.", "Leave `scope` out.")
    return None if scope == kind.scope else scope


def _adopted(
    spec: CheckSpec, column: str | None, location: Location | None
) -> tuple[CheckSpec | None, tuple[Problem, ...]]:
    """Read a check made in Python again, as it takes its column and its place from where it stands."""
    if spec.column is not None and column is not None and spec.column != column:
        message = f"{spec.kind}: stands on column {column} and names {spec.column}."
        return None, (_problem(location, message, "Name the column in one place."),)
    common = {name: value for name in COMMON if (value := getattr(spec, name)) is not None}
    if spec.on_fail == "block":
        del common["on_fail"]  # the default, which severity warn excludes where it is written out
    return parse_check({spec.kind: {**dict(spec.options), **common}}, spec.column or column, spec.location or location)


def _described(spec: CheckSpec) -> str:
    """A label that tells conditions and queries apart, as a table usually has several of them."""
    text = " ".join(str(spec.option("sql")).split())
    text = text if len(text) <= _LABEL_LENGTH else text[: _LABEL_LENGTH - 3] + "..."
    return f"{spec.kind}({text})"


def _suggestion(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"Did you mean `{close[0]}`?" if close else f"Known here: {', '.join(names)}."


def _problem(location: Location | None, message: str, remedy: str) -> Problem:
    return Problem(location.file if location else None, location.line if location else None, message, remedy)
