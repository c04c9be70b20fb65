"""Whether values stand in a query where they may reach its result: a program may have taken them from data.

`select id, 'a@x' as mail from t` makes `mail` from nothing, unless somebody read the address and wrote it there.
"""

from __future__ import annotations

from headwater.assets.errors import SqlError


def writes_values(query: str, dialect: str) -> bool:
    """Return whether a value is written into `query` other than to choose or order rows; True of what cannot be parsed.

    What stands in WHERE, HAVING, QUALIFY, GROUP BY, ORDER BY and LIMIT decides which rows there are and is in none.
    """
    from sqlglot import exp

    from headwater.lineage.sql.parse import parse_query

    chooses = (exp.Where, exp.Having, exp.Qualify, exp.Group, exp.Order, exp.Limit, exp.Offset, exp.DataType)
    values = (exp.Literal, exp.Boolean, exp.RawString, exp.UnicodeString, exp.HexString, exp.BitString, exp.ByteString)
    try:
        tree = parse_query(query, dialect).tree
    except SqlError:
        return True
    return any(value.find_ancestor(*chooses) is None for value in tree.find_all(*values))
