"""What a statement of a script changes for those after it: tables and views made, filled, renamed, swapped, dropped."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Final

from sqlglot import exp

from headwater.assets.errors import SqlError
from headwater.lineage.sql.catalog import Naming, TableSchema
from headwater.lineage.sql.context import Resolution
from headwater.lineage.sql.inline import made_of
from headwater.lineage.sql.macros import macro_of
from headwater.lineage.sql.model import Column, Relation
from headwater.lineage.sql.session import Made, Session, changed, union
from headwater.lineage.sql.sources import name_parts, table_identifiers
from headwater.lineage.sql.types import type_name
from headwater.lineage.sql.writes import Outcome

_RENAME: Final = re.compile(r"\s*(?:rename\s+(?:table\s+)?|exec(?:ute)?\s+(?:sys\.)?sp_rename\s+)(.*)$", re.I | re.S)
_SET_SCHEMA: Final = re.compile(
    r"\s*(?:alter\s+session\s+)?set\s+(?:local\s+|session\s+)?(?:search_path|schema|current_schema)\b"
    r"\s*(?:=|to\b)?\s*['\"]?(\w+)",
    re.I,
)
_PAIR: Final = re.compile(r"['\"`\[]*([\w.#]+)['\"`\]]*\s*(?:\bto\b|,)\s*['\"`\[]*([\w.#]+)", re.I)


def define(text: str, session: Session) -> bool:
    """Take in a macro that a statement creates, a schema that it sets, a new name of a table; whether it was such."""
    try:
        macro = macro_of(text, session.dialect)
    except SqlError:
        macro = None  # a body that is not SQL, or not one expression
    if macro is not None:
        session.macros[macro.name] = macro
        return True
    if (match := _SET_SCHEMA.match(text)) is not None:
        session.naming = Naming(session.naming.default_catalog, match[1])
        return True
    if (match := _RENAME.match(text)) is None:
        return False
    for pair in _PAIR.finditer(match[1]):
        old, new = (session.naming.complete(tuple(name.lower().split("."))) for name in pair.groups())
        for store in (session.made, session.schemas):
            _rename(store, old, new, False)
    return True


def rows_of(resolution: Resolution, outcome: Outcome) -> Made:
    """Return the rows of a query, for the cursor or loop variable that goes through them."""
    return replace(made_of(resolution, outcome.relation), problems=())


def apply(resolution: Resolution, outcomes: list[Outcome], session: Session) -> None:
    """Let later statements see what this one did."""
    tree: Any = resolution.query.tree
    for outcome in outcomes:
        if outcome.target is not None:
            _written(resolution, outcome, session, tree)
    if isinstance(tree, exp.Alter):
        _altered(tree, session)
    elif isinstance(tree, exp.Drop):
        for name in [name for table in tree.find_all(exp.Table) for name in _names(table, session)]:
            session.made.pop(name, None)
            session.schemas.pop(name, None)
            session.views.pop(name, None)
    elif isinstance(tree, exp.Use):
        session.naming = _used(tree, session.naming)
    elif isinstance(tree, exp.Declare):
        _declared(resolution, tree, session)


def _written(resolution: Resolution, outcome: Outcome, session: Session, tree: Any) -> None:
    name = outcome.target
    assert name is not None
    known = session.made.get(name)
    made = replace(made_of(resolution, outcome.relation), problems=(), lasting=not outcome.temporary)
    if outcome.does == "CREATE":
        _created(made, outcome, session, tree, name)
    elif outcome.does == "OVERWRITE":
        session.made[name] = made
    elif known is not None:
        join = union if outcome.does == "INSERT" else changed
        session.made[name] = join(known, made, name)
    elif outcome.does == "INSERT" and name in session.schemas and _reads_anything(made):
        session.made[name] = made


def _created(made: Made, outcome: Outcome, session: Session, tree: Any, name: str) -> None:
    query = tree if isinstance(tree, exp.Query) else tree.args.get("expression")
    if isinstance(query, exp.Query) or _reads_anything(made) or outcome.temporary:
        session.made[name] = made
        session.schemas.pop(name, None)
    elif isinstance(tree.this, exp.Schema):
        # Its rows come from outside of queries; once a query fills it, lineage goes through it.
        columns = [item for item in tree.this.expressions if isinstance(item, exp.ColumnDef)]
        session.schemas[name] = TableSchema.of([(item.name, type_name(item.args.get("kind"))) for item in columns])
        if tree.args.get("replace"):
            session.made.pop(name, None)


def _reads_anything(made: Made) -> bool:
    return any(relation.reference is not None for relation in made.relations)


def _altered(tree: Any, session: Session) -> None:
    for action in tree.args.get("actions") or ():
        if isinstance(action, (exp.AlterRename, exp.SwapTable)):
            olds, news = _names(tree.this, session), _names(action.this, session)
            if not (olds and news):
                continue
            old, new = olds[0], news[0]
            if "." in old and "." not in new:
                new = f"{old.rsplit('.', 1)[0]}.{new}"
            for store in (session.made, session.schemas):
                _rename(store, old, new, isinstance(action, exp.SwapTable))


def _rename(store: dict[str, Any], old: str, new: str, swap: bool) -> None:
    moved, other = store.pop(old, None), store.pop(new, None)
    if moved is not None:
        store[new] = moved
    if swap and other is not None:
        store[old] = other


def _names(table: Any, session: Session) -> list[str]:
    identifiers = table_identifiers(table) if isinstance(table, exp.Table) else []
    return [session.naming.complete(name_parts(identifiers))] if identifiers else []


def _used(tree: Any, naming: Naming) -> Naming:
    kind = str(tree.args["kind"].name).upper() if tree.args.get("kind") is not None else ""
    table = tree.this
    identifiers = table_identifiers(table) if isinstance(table, exp.Table) else []
    parts = [identifier.name for identifier in identifiers]
    if not parts or kind in ("ROLE", "WAREHOUSE", "SECONDARY"):
        return naming
    if len(parts) >= 2:
        return Naming(parts[-2], parts[-1])
    if kind in ("CATALOG", "DATABASE"):
        return Naming(parts[0], naming.default_schema)
    return Naming(naming.default_catalog, parts[0])


def _declared(resolution: Resolution, tree: Any, session: Session) -> None:
    """T-SQL: DECLARE @t TABLE (a INT, ...)."""
    for item in tree.expressions:
        kind = item.args.get("kind")
        targets = item.this if isinstance(item.this, list) else [item.this]
        if not isinstance(kind, exp.Schema):
            continue
        for target in targets:
            relation = Relation(f"@{target.name.lower()}")
            for column in kind.expressions:
                if isinstance(column, exp.ColumnDef):
                    relation.add(Column(column.name, type_name(column.args.get("kind"))))
            session.made[relation.label] = replace(made_of(resolution, relation), problems=())
