"""Bare expressions: checks and `where`."""

from __future__ import annotations

import pytest

from headwater.assets.errors import SqlError
from headwater.lineage.sql import analyse_expression


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("amount >= 0", ("amount",)),
        ("Amount >= low and this.high < 3", ("amount", "high", "low")),
        ("this.amount is not null", ("amount",)),
        ("1 = 1", ()),
        ("s.field > 1", ("s",)),
        ("list_contains(l, 3)", ("l",)),
        ("this is not null", None),
    ],
)
def test_columns(text: str, columns: tuple[str, ...] | None) -> None:
    use = analyse_expression(text)
    assert (use.columns, use.tables, use.volatility) == (columns, (), "STABLE")


def test_what_else_an_expression_uses() -> None:
    use = analyse_expression("id in (select o.id from stg.orders o where o.n > $vars.min) and random() > 0.5")
    assert (use.columns, use.tables, use.volatility) == (("id",), ("stg.orders",), "VOLATILE")
    assert use.parameters == ("vars.min",)
    assert analyse_expression("sum(a) > 1").aggregates
    assert not analyse_expression("a > 1").aggregates


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a >", (1, 3)),
        ("a, b", (1, 1)),
        ("a from t", (1, 1)),
        ("a as b", (1, 1)),
        ("1; select 2", (1, 1)),
        ("(a", (1, 2)),
    ],
)
def test_text_that_is_no_expression(text: str, place: tuple[int, int]) -> None:
    with pytest.raises(SqlError) as caught:
        analyse_expression(text)
    assert (caught.value.line, caught.value.column) == place
