"""Metamorphic: rewrite generated queries in ways that mean the same, or in ways that do not, and compare the hash."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from sqlglot import Dialect
from sqlglot.tokenizer_core import TokenType

from headwater.assets.errors import SqlError
from headwater.lineage import analyse_sql

Maker = Callable[[int], Any]
Rewrite = Callable[[str, Random], str]

GAPS = (" ", "  ", "\n", "\t", " /* why */ ", " -- why\n", "\r\n  ")
KEYWORDS = {
    "select",
    "from",
    "where",
    "having",
    "limit",
    "join",
    "left",
    "right",
    "full",
    "on",
    "using",
    "as",
    "and",
    "or",
}
KEYWORDS |= {
    "in",
    "is",
    "not",
    "null",
    "distinct",
    "union",
    "all",
    "except",
    "intersect",
    "with",
    "case",
    "when",
    "then",
}
KEYWORDS |= {"else", "end", "max", "sum", "count", "varchar", "exists", "natural", "semi", "anti", "asof", "lateral"}
KEYWORDS |= {"qualify", "over", "group by", "order by", "partition by"}
WORD = re.compile(r"\w")


def tokens(sql: str) -> list[tuple[str, TokenType]]:
    found = Dialect.get_or_raise("duckdb").tokenize(re.sub(r"/\*.*?\*/", " ", sql))
    text = re.sub(r"/\*.*?\*/", " ", sql)
    return [(text[token.start : token.end + 1], token.token_type) for token in found]


def joined(parts: list[tuple[str, TokenType]], gap: Callable[[], str]) -> str:
    """Put words together, with a gap where there must be one and perhaps elsewhere."""
    out = ""
    for word, type_ in parts:
        must = bool(out) and bool(WORD.match(out[-1])) and bool(WORD.match(word))
        glued = type_ is TokenType.L_PAREN or (out.endswith((".", "::", "$")) or word in (".", "::"))
        out += (gap() if must or (out and not glued and gap is not None) else "") + word
    return out


def spaced(sql: str, random: Random) -> str:
    return joined(tokens(sql), lambda: random.choice(GAPS))


def shouted(sql: str, random: Random) -> str:
    """Keywords in capitals. Names keep their case, which structs and stars may show."""
    return joined([(word.upper() if word in KEYWORDS else word, type_) for word, type_ in tokens(sql)], lambda: " ")


def renamed(sql: str, random: Random) -> str:
    """Other aliases and CTE names."""
    sql = re.sub(r"\bq(\d+)\b", lambda match: f"other_{match[1]}", sql)
    return re.sub(r"\bc([12])\b", lambda match: f"chosen{match[1]}", sql)


def quoted(sql: str, random: Random) -> str:
    """Some names in quotes that they do not need."""
    return re.sub(r"\b(q\d+|c[12]|t[012])\b", lambda match: f'"{match[1]}"' if random.random() < 0.5 else match[1], sql)


def ended(sql: str, random: Random) -> str:
    return f"{sql} ;; "


SAME: tuple[Rewrite, ...] = (spaced, shouted, renamed, quoted, ended)


def other_number(sql: str, random: Random) -> str:
    numbers = list(re.finditer(r"(?<![\w.'])\d+(?![\w.'])", sql))
    if not numbers:
        return sql
    one = random.choice(numbers)
    return f"{sql[: one.start()]}{int(one[0]) + 1}{sql[one.end() :]}"


def other_operator(sql: str, random: Random) -> str:
    found = list(re.finditer(r" (=|<>|>|<|\+|-) ", sql))
    if not found:
        return sql
    one = random.choice(found)
    other = {"=": "<>", "<>": "=", ">": ">=", "<": "<=", "+": "-", "-": "+"}[one[1]]
    return f"{sql[: one.start(1)]}{other}{sql[one.end(1) :]}"


def other_word(sql: str, random: Random) -> str:
    pairs = (("left join", "join"), ("semi join", "anti join"), ("union all", "union"), ("except", "intersect"))
    pairs += (("sum(", "max("), ("count(", "max("), ("distinct ", ""), (" asc", " desc"), ("rollup", "cube"))
    present = [(old, new) for old, new in pairs if old in sql]
    return sql.replace(*random.choice(present), 1) if present else sql


def other_column(sql: str, random: Random) -> str:
    found = list(re.finditer(r"\b(q\d+)\.([abdk])\b", sql))
    if not found:
        return sql
    one = random.choice(found)
    other = random.choice([name for name in "abdk" if name != one[2]])
    return f"{sql[: one.start(2)]}{other}{sql[one.end(2) :]}"


DIFFERENT: tuple[Rewrite, ...] = (other_number, other_operator, other_word, other_column)


def digest(sql: str, tables: Any) -> str | None:
    """Return the hash, or None for a query that does not hold together after an edit."""
    analysis = analyse_sql(sql, schema=tables)
    return None if any(not problem.refused for problem in analysis.problems) else analysis.definition_hash


def check(make_query: Maker, seed: int) -> int:
    """Rewrite one query in every way; return how many changes of meaning were compared."""
    maker, random = make_query(seed), Random(seed)
    sql = maker.query()
    before = digest(sql, maker.tables)
    used = [len(re.findall(rf"\b{name}\b", sql)) > 1 and name != "t0" for name in maker.ctes]
    if before is None or not all(used):
        return 0  # names in a CTE that nobody uses may mean nothing, and stay as written
    for rewrite in SAME:
        same = rewrite(sql, random)
        assert digest(same, maker.tables) == before, f"{rewrite.__name__}: {sql!r} and {same!r}"
    compared = 0
    for rewrite in DIFFERENT:
        other = rewrite(sql, random)
        try:
            after = None if other == sql else digest(other, maker.tables)
        except SqlError:
            continue  # `distinct on (...)` without the first word
        if after is not None:
            assert after != before, f"{rewrite.__name__}: {sql!r} and {other!r}"
            compared += 1
    return compared


def test_the_hash_of_any_query(make_query: Maker) -> None:
    assert sum(check(make_query, seed) for seed in range(400)) > 300


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_the_hash_of_any_query_at_length(make_query: Maker, block: int) -> None:
    for seed in range(block * 2000 + 1000, block * 2000 + 3000):
        check(make_query, seed)
