"""Values that somebody wrote into a query, where they may reach its result."""

from __future__ import annotations

import pytest

from headwater.lineage.written_values import writes_values


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("select id, 'x' as n from t", True),
        ("select id + 1 as n from t", True),
        ("select true as n from t", True),
        ("select * from t join (values (1)) v(x) on true", True),
        ("select case when k = 'x' then v end as n from t", True),
        ("select $$x$$ as n from t", True),
        ("select id, sum(v) as n from t where k = 'x' group by 1 having sum(v) > 2 order by 1 limit 3", False),
        ("select cast(v as decimal(18, 2)) as n, count(*) as c from t group by all", False),
        ("select id from (select * from t where k > 5)", False),
        ("select (", True),
    ],
)
def test_what_only_chooses_rows_is_no_value(query: str, found: bool) -> None:
    assert writes_values(query, "duckdb") is found
