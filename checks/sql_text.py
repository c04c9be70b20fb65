"""The SQL that users write inside checks: told apart into tokens, refused where it could leave its place, and quoted.

An expression is pasted into a query of ours, so it must be one balanced expression about one row. Whether its names
and functions exist is the engine's to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""(?P<text>[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\$(?P<tag>(?:[A-Za-z_]\w*)?)\$.*?\$(?P=tag)\$)
      | (?P<quoted>"(?:[^"]|"")*")
      | (?P<comment>--[^\n]*|/\*.*?\*/)
      | (?P<parameter>\$[A-Za-z_]\w*)
      | (?P<word>[^\W\d]\w*)
      | (?P<number>\d[\w.]*)
      | (?P<space>\s+)
      | (?P<mark>/\*|.)""",
    re.VERBOSE | re.DOTALL,
)
_QUERY_STARTS = ("select", "with", "from", "values", "(")
_OPENS_SUBQUERY = ("from", "table", "with", "pivot", "unpivot", "describe", "show", "summarize")  # after a parenthesis
_OTHER_TABLES = "use a `sql` or `relationship` check for what needs other rows or tables."


def quote_name(name: str) -> str:
    """Return `name` as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """Return `text` as a string literal."""
    return "'" + text.replace("'", "''") + "'"


def enclose(expression: str) -> str:
    """Return the user's expression in parentheses that no comment at its end can swallow."""
    return f"({expression}\n)" if "--" in expression else f"({expression})"


def expression_fault(text: str) -> tuple[str, str] | None:
    """Return why `text` cannot stand as an expression about one row, with the remedy; None where it can."""
    fault = _balance_fault(text)
    if fault is not None:
        return fault
    before = ""
    for kind, token in _meaningful(text):
        word = token.lower() if kind == "word" else ""
        if word == "select" or (word in _OPENS_SUBQUERY and before == "("):
            return "an expression is about one row and cannot contain a query.", f"For other tables {_OTHER_TABLES}"
        if kind == "parameter":
            return f"{token} is not available in an expression.", "Write the value, or the column's name alone."
        if token == "(" and before.lower() == "columns":
            return "an expression cannot unfold COLUMNS: it would ask about all of them at once.", "Name each column."
        if token == ";":
            return "an expression cannot contain a semicolon.", "Remove it."
        before = token
    return ("an expression is missing.", "Say for example amount >= 0.") if not before else None


def query_fault(text: str) -> tuple[str, str] | None:
    """Return why `text` cannot stand as one query, with the remedy; None where it can."""
    fault = _balance_fault(text)
    if fault is not None:
        return fault
    tokens = [token for _, token in _meaningful(one_query(text))]
    if not tokens or tokens[0].lower() not in _QUERY_STARTS:
        return "this is not a query.", "Write a select that returns the rows that fail; $this is the table."
    if ";" in tokens:
        return "this is more than one statement.", "Write one select that returns the rows that fail."
    return None


def one_query(text: str) -> str:
    """Return a query without the semicolons at its end."""
    kept = list(_TOKEN.finditer(text))
    while kept and (kept[-1].lastgroup in ("space", "comment") or kept[-1].group() == ";"):
        kept.pop()
    return text[: kept[-1].end()] if kept else ""


def restrict_this(query: str, where: str) -> str:
    """Return `query` with `$this` standing for only those of its rows for which `where` is true."""
    restricted = f"(select * from $this where {enclose(where)})"
    return "".join(
        restricted if match.group() == "$this" and query[match.end() : match.end() + 1] != "." else match.group()
        for match in _TOKEN.finditer(query)
    )


def _balance_fault(text: str) -> tuple[str, str] | None:
    """Quotes, comments and brackets must close, in order, or the text would swallow the query around it."""
    closing = {"(": ")", "[": "]", "{": "}"}
    open_ = []
    for kind, token in _meaningful(text):
        if kind != "mark":
            continue
        if token in ("'", '"'):
            return f"the quote {token} is not closed.", "Close it, or double it where it is part of the text."
        if token == "/*":
            return "a comment is not closed.", "Close it with */."
        if token in closing:
            open_.append(closing[token])
        elif token in closing.values() and (not open_ or open_.pop() != token):
            return f"{token} closes nothing.", "Balance the brackets."
    if any(match.lastgroup == "comment" and "/*" in match.group()[2:] for match in _TOKEN.finditer(text)):
        return "comments are nested.", "Use one comment at a time."
    return (f"{open_[-1]} is missing.", "Balance the brackets.") if open_ else None


def _meaningful(text: str) -> Iterator[tuple[str, str]]:
    for match in _TOKEN.finditer(text):
        kind = "text" if match.lastgroup == "tag" else str(match.lastgroup)
        if kind not in ("space", "comment"):
            yield kind, match.group()
