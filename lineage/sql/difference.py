"""What an edit of a query changed, part by part and in its author's own names. Pure: two texts, one answer.

Two parts are equal where the definition hash would hold them to be: white space, comments, case, redundant parentheses
and local names are nothing. So an answer is empty if and only if the two texts have one definition hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from headwater.assets.errors import SqlError
from headwater.lineage.definition_change import DefinitionChange
from headwater.lineage.sql.analyse import define_sql
from headwater.lineage.sql.analysis import Analysis
from headwater.lineage.sql.catalog import Schema
from headwater.lineage.sql.clauses import Part, PartKind, parts_of


def sql_difference(
    before: str, after: str, dialect: str = "duckdb", before_schema: Schema = None, after_schema: Schema = None
) -> tuple[DefinitionChange, ...]:
    """Return what changed from one query to the other; nothing if and only if both have one definition hash.

    The schemas are those of the tables that they read, each at its time. A text that cannot be parsed, or a difference
    that no part shows, is one change of the kind OTHER.
    """
    try:
        old, old_parts = _analysed(before, dialect, before_schema)
        new, new_parts = _analysed(after, dialect, after_schema)
    except SqlError:
        return () if before == after else (DefinitionChange("ALTERED", "OTHER"),)
    if old.definition_hash == new.definition_hash:
        return ()
    changes = _parts_changed(old_parts, new_parts)
    named = {change.name for change in changes if change.kind == "COLUMN" and not change.where}
    changes += [change for change in _outputs_changed(old, new) if change.name not in named]
    changes += _tables_changed(old, new, changes) + _parameters_changed(old, new)
    return tuple(dict.fromkeys(changes)) or (DefinitionChange("ALTERED", "OTHER"),)


def _analysed(sql: str, dialect: str, schema: Schema) -> tuple[Analysis, tuple[Part, ...]]:
    analysis, definition = define_sql(sql, dialect, schema)
    outputs = None if analysis.outputs is None else [output.name for output in analysis.outputs]
    return analysis, parts_of(definition, outputs)


def _parts_changed(old: Sequence[Part], new: Sequence[Part]) -> list[DefinitionChange]:
    old = _with_new_names(old, new)
    found: list[DefinitionChange] = []
    groups = dict.fromkeys((part.where, part.kind) for part in (*new, *old))
    for where, kind in groups:
        then = [part for part in old if (part.where, part.kind) == (where, kind)]
        now = [part for part in new if (part.where, part.kind) == (where, kind)]
        found += _group_changed(kind, then, now)
    return found


def _with_new_names(old: Sequence[Part], new: Sequence[Part]) -> list[Part]:
    """Return `old` with queries that were only given another name under their new one, as names of queries are nothing.

    Of those whose names differ, the equal ones belong together, and the others in their order, if they are as many.
    """
    was, now = _queries(old), _queries(new)
    gone, come = [name for name in was if name not in now], [name for name in now if name not in was]
    names: dict[str, str] = {}
    for name in list(come):
        same = next((it for it in gone if was[it] == now[name]), None)
        if same is not None:
            names[same] = name
            gone.remove(same)
            come.remove(name)
    kinds = [[name.startswith("with ") for name in these] for these in (gone, come)]
    if kinds[0] == kinds[1]:
        names.update(zip(gone, come, strict=True))
    bare = {a.removeprefix("with ").lower(): b.removeprefix("with ").lower() for a, b in names.items()}
    return [_renamed(part, names, bare) for part in old] if names else list(old)


def _queries(parts: Sequence[Part]) -> dict[str, list[object]]:
    """Return the named queries of a text with what each consists of."""
    found: dict[str, list[object]] = {}
    for part in parts:
        head, _, rest = part.where.partition(", ")
        if head and not head.startswith("query "):
            found.setdefault(head, []).append((rest, part.kind, part.words))
    return found


def _renamed(part: Part, names: dict[str, str], bare: dict[str, str]) -> Part:
    head, comma, rest = part.where.partition(", ")
    words = tuple(_renamed_word(word, bare) for word in part.words)
    where = f"{names.get(head, head)}{comma}{rest}"
    return replace(part, where=where, words=words, name=bare.get(part.name, part.name))


def _renamed_word(word: str, names: dict[str, str]) -> str:
    head, space, owner = word.partition(" ")
    name, dot, column = owner.partition(".")
    return f"{head}{space}{names[name]}{dot}{column}" if head in ("c", "table") and name in names else word


def _group_changed(kind: PartKind, then: list[Part], now: list[Part]) -> list[DefinitionChange]:
    """Compare the parts of one kind: first equal ones, then those of one name, then the nearest of what is left."""
    left, come = _without_equal(then, now)
    found: list[DefinitionChange] = []
    if not left and not come:
        same = [part.words for part in then] == [part.words for part in now]
        if kind == "COLUMN":
            same = [part.name for part in then] == [part.name for part in now]
        if not same and kind in ("COLUMN", "SORT"):
            found.append(DefinitionChange("MOVED", kind, "", _listed(kind, then), _listed(kind, now), now[0].where))
        return found
    for part in list(come):
        match = _nearest(kind, part, left)
        if match is not None:
            left.remove(match)
            come.remove(part)
            found.append(DefinitionChange("ALTERED", kind, part.name, match.text, part.text, part.where))
    found += [DefinitionChange("ADDED", kind, part.name, None, part.text, part.where) for part in come]
    found += [DefinitionChange("REMOVED", kind, part.name, part.text, None, part.where) for part in left]
    return found


def _listed(kind: PartKind, parts: Iterable[Part]) -> str:
    return ", ".join(part.name if kind == "COLUMN" else part.text for part in parts)


def _without_equal(then: list[Part], now: list[Part]) -> tuple[list[Part], list[Part]]:
    left, come = list(then), []
    for part in now:
        same = next((it for it in left if (it.name, it.words) == (part.name, part.words)), None)
        if same is None:
            come.append(part)
        else:
            left.remove(same)
    return left, come


def _nearest(kind: PartKind, part: Part, candidates: list[Part]) -> Part | None:
    """Return the part that became this one: of the same name, or a condition about the same columns."""
    if part.name:
        return next((it for it in candidates if it.name == part.name), None)
    if kind in ("FILTER", "GROUP_FILTER", "WINDOW_FILTER"):
        about = _columns(part)
        return next((it for it in candidates if _columns(it) == about), None)
    if kind in ("GROUP_KEY", "SORT"):
        return next((it for it in candidates if _columns(it) == _columns(part)), None)
    return candidates[0] if candidates else None


def _columns(part: Part) -> frozenset[str]:
    return frozenset(word for word in part.words if word[:2] == "c ")


def _outputs_changed(old: Analysis, new: Analysis) -> list[DefinitionChange]:
    """Compare the columns that come out, which also shows what a star stands for now, and other types."""
    if old.outputs is None or new.outputs is None:
        return []
    then = {output.name.lower(): output.type for output in old.outputs}
    now = {output.name.lower(): output.type for output in new.outputs}
    found = [DefinitionChange("ADDED", "COLUMN", name) for name in now if name not in then]
    found += [DefinitionChange("REMOVED", "COLUMN", name) for name in then if name not in now]
    for name, type_ in now.items():
        was = then.get(name, type_)
        if type_ is not None and was is not None and was != type_:
            found.append(DefinitionChange("ALTERED", "TYPE", name, was, type_))
    return found


def _tables_changed(old: Analysis, new: Analysis, known: Sequence[DefinitionChange]) -> list[DefinitionChange]:
    then, now = ({read.table for read in analysis.reads} for analysis in (old, new))
    named = {change.name for change in known if change.kind in ("TABLE", "JOIN")}
    found = [DefinitionChange("ADDED", "TABLE", name) for name in sorted(now - then) if name not in named]
    return found + [DefinitionChange("REMOVED", "TABLE", name) for name in sorted(then - now) if name not in named]


def _parameters_changed(old: Analysis, new: Analysis) -> list[DefinitionChange]:
    then, now = set(old.parameters), set(new.parameters)
    found = [DefinitionChange("ADDED", "PARAMETER", f"${name}") for name in sorted(now - then)]
    return found + [DefinitionChange("REMOVED", "PARAMETER", f"${name}") for name in sorted(then - now)]
