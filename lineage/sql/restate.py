"""Statements said in words that the parser follows, where it does not follow those of a dialect.

Each rule changes as little as it can; a text that no rule fits stays as it is. Places in a restated statement may be a
few characters off, which nobody minds: a statement that writes is refused before anything is replaced in it.
"""

from __future__ import annotations

import re
from typing import Final

from headwater.lineage.sql.lexing import Lexeme, lexemes, unquoted
from headwater.lineage.sql.unended import NO_SEMICOLONS

_BEGINS: Final = frozenset(
    ["SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "REPLACE", "FROM", "VALUES", "TABLE", "("]
)
_QUERY: Final = ("SELECT", "WITH", "FROM", "VALUES", "(")
_REPLACE_INTO: Final = re.compile(r"\s*(replace)(?=\s+(into|low_priority|delayed)\b)", re.I)
_EXPLAINS: Final = frozenset(["EXPLAIN", "DESCRIBE", "DESC", "PROFILE"])
_COMPOUND: Final = re.compile(r"([\w.@\[\]\"]+)\s*([-+*/%&|^])=(?!=)")
_PHRASE: Final = re.compile(r"\(\s*(title|format)\s+'[^']*'\s*\)", re.I)
_ALTERED: Final = re.compile(r"^\s*(?:create\s+or\s+alter|alter)\s+view\b", re.I)
_VIEW_OPTIONS: Final = re.compile(
    r"\bwith\s+(?:schemabinding|encryption|view_metadata)(?:\s*,\s*(?:schemabinding|encryption|view_metadata))*", re.I
)
_MUTATION: Final = re.compile(r"\s*alter\s+table\s+(\S+)\s+(update|delete)\s+(.*)$", re.I | re.S)
_APPENDED: Final = re.compile(r"\s*alter\s+table\s+(\S+)\s+append\s+from\s+(\S+)", re.I)
_MATERIALIZED: Final = re.compile(
    r"(\s*create\s+materialized\s+view\s+[^\s(]+)(\s+(?:build|refresh|never|tablespace|parallel|nologging|cache)\b.*?)"
    r"(?=\s+as\s+(?:select|with|\())",
    re.I | re.S,
)
_TOP: Final = re.compile(r"^(\s*\w+)\s+top\s*\([^)]*\)(?:\s*percent)?", re.I)
_DIRECTORY: Final = re.compile(r"(\bdirectory\s+'[^']*')(\s+using\s+\w+(?:\s+options\s*\([^)]*\))?)", re.I)
_MAPPED: Final = re.compile(
    r"\b(?:select\s+)?(?:map|reduce)\s+(?!\()([^;()]+?)\s+using\s+('[^']*')(?:\s+as\s+(\w+(?:\s*,\s*\w+)*))?", re.I
)
_DELETE_WHERE: Final = re.compile(r"\bdelete\s+where\b", re.I)
_LOG_ERRORS: Final = re.compile(r"\blog\s+errors\b[^;]*$", re.I)
_TERADATA_UPDATE: Final = re.compile(r"(\bfrom\s+|,\s*)((?:\w+\.)*(\w+))(?=\s+set\b)", re.I)


def restated(text: str, dialect: str) -> tuple[int, str]:
    """Return the text of the query or change within a statement, and how far into the statement it begins.

    EXPLAIN is passed over, REPLACE INTO becomes INSERT INTO, UNLOAD gives the text of its query.
    """
    first = text.lstrip()[:12].upper()
    if first.startswith("REPLACE") and (match := _REPLACE_INTO.match(text)) is not None:
        return 0, f"{text[: match.start(1)]}INSERT {text[match.end(1) :]}"
    if dialect == "clickhouse" and (match := _MUTATION.match(text)) is not None:
        table, does, rest = match.groups()
        return 0, f"update {table} set {rest}" if does.lower() == "update" else f"delete from {table} {rest}"
    if first.startswith("ALTER") and (match := _APPENDED.match(text)) is not None:
        return 0, f"insert into {match[1]} select * from {match[2]}"
    if first.startswith("CREATE") and (match := _MATERIALIZED.match(text)) is not None:
        return 0, f"{match[1]}{' ' * len(match[2])}{text[match.end() :]}"
    if first.startswith(("CREATE", "ALTER")):
        return 0, _ALTERED.sub(lambda match: "create ".ljust(len(match[0]) - 4) + "view", text)
    if first.startswith("UNLOAD"):
        words = lexemes(text, dialect)
        literal = next((word for word in words[:3] if word.text), None)
        return (0, text) if literal is None else (0, unquoted(text[literal.start : literal.end]))
    if not first.startswith(("EXPLAIN", "DESC", "PROFILE")):
        return 0, text
    words = lexemes(text, dialect)
    if not words or words[0].word not in _EXPLAINS:
        return 0, text
    depth = 0
    for index, word in enumerate(words[1:], 1):
        if depth == 0 and word.word in _BEGINS and not (word.word == "(" and not _query_follows(words, index)):
            return word.start, text[word.start :]
        depth += (word.word == "(") - (word.word == ")")
    return 0, text


def _query_follows(words: list[Lexeme], index: int) -> bool:
    return index + 1 < len(words) and words[index + 1].word in _QUERY


def once_refused(text: str, dialect: str) -> str:
    """Return a statement that the parser has refused in other words, or as it is where no rule fits."""
    head = text.lstrip()[:6].upper()
    if dialect == "teradata":
        text = _PHRASE.sub(lambda phrase: " " * len(phrase[0]), text)
        if head == "UPDATE":  # or the parser takes SET for an alias
            text = _TERADATA_UPDATE.sub(r"\1\2 as \3", text)
    if dialect in ("hive", "spark", "spark2", "databricks"):
        text = _DIRECTORY.sub(r"\1", text)
        text = _MAPPED.sub(lambda match: _transform(match), text)
    if dialect in NO_SEMICOLONS:
        text = _TOP.sub(r"\1", text)
    if head == "UPDATE":
        text = _COMPOUND.sub(r"\1 = \1 \2 ", text)
    elif head.startswith("MERGE"):
        text = _COMPOUND.sub(r"\1 = \1 \2 ", text)
        text = _DELETE_WHERE.sub(lambda match: _as_condition(text, match.start()), text)
    elif head == "CREATE":
        text = _VIEW_OPTIONS.sub(lambda phrase: " " * len(phrase[0]), text)
    elif head == "INSERT":
        text = _LOG_ERRORS.sub("", text)
    return text


def _transform(match: re.Match[str]) -> str:
    """Hive: `MAP a, b USING 'script' AS c, d` is TRANSFORM in other words."""
    columns = f" as ({match[3]})" if match[3] else ""
    return f"select transform({match[1]}) using {match[2]}{columns}"


def _as_condition(text: str, start: int) -> str:
    """Oracle: `UPDATE SET ... WHERE a DELETE WHERE b` looks at b as well as at a."""
    branch = text.lower().rfind(" then ", 0, start)
    return "and" if re.search(r"\bwhere\b", text[branch:start], re.I) else "where"
