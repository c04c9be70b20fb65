"""Asset keys: lower case, of segments that name schemas and tables."""

from __future__ import annotations

import pickle

import pytest

from headwater.assets.errors import RequestError
from headwater.assets.key import AssetKey


@pytest.mark.parametrize(
    ("text", "key", "schema", "table"),
    [
        ("orders", "orders", "main", "orders"),
        ("Mart.Revenue", "mart.revenue", "mart", "revenue"),
        (" a.b.c ", "a.b.c", "a__b", "c"),
        ("_x1._y", "_x1._y", "_x1", "_y"),
    ],
)
def test_keys(text, key, schema, table):
    parsed = AssetKey.parse(text)
    assert (parsed, parsed.schema, parsed.table) == (key, schema, table)
    assert AssetKey.parse(parsed) == parsed
    assert pickle.loads(pickle.dumps(parsed)) == parsed


@pytest.mark.parametrize(
    "text", ["", ".", "a.", ".a", "a..b", "1a", "a.1", "a-b", "a b", "a/b", "a@v1", "é", "a.b\n.c", "\u017f", "\u212a"]
)
def test_what_is_no_key(text):
    with pytest.raises(RequestError, match="is not an asset key"):
        AssetKey.parse(text)
