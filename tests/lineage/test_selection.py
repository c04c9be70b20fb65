"""Selectors: every form, against sets worked out by hand and by networkx, and what is said about wrong ones."""

from __future__ import annotations

import networkx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.assets.asset import Asset, Location, Materialization, PythonCode, Source
from headwater.assets.errors import RequestError
from headwater.assets.key import AssetKey
from headwater.lineage.graph import AssetGraph, build_graph
from headwater.lineage.selection import Scope, select


def asset(key: str, **fields: object) -> Asset:
    body = {"sql": "select 1"} if not fields.keys() & {"python", "source"} else {}
    file = Location(f"assets/{key.replace('.', '/')}.sql")
    return Asset(AssetKey(key), file, **body, **fields)  # type: ignore[arg-type]


ASSETS = [
    asset("raw.orders", source=Source(file="o.csv"), tags=("Nightly",)),
    asset("raw.people", source=Source(table="p")),
    asset("stg.orders", owner="finance@corp.example", tags=("nightly", "pii")),
    asset("stg.people", owner="people@corp.example", tags=("pii",), group="hr"),
    asset("mart.revenue", owner="finance@corp.example", materialization=Materialization("view")),
    asset("mart.churn", python=PythonCode("assets/mart/churn.py", "churn"), group="HR"),
    asset("report.all", materialization=Materialization("file", "csv", "x.csv")),
]
UPSTREAM = {
    "raw.orders": (),
    "raw.people": (),
    "stg.orders": ("raw.orders",),
    "stg.people": ("raw.people",),
    "mart.revenue": ("stg.orders", "stg.people"),
    "mart.churn": ("stg.people",),
    "report.all": ("mart.revenue", "mart.churn"),
}
STATUS = {"stg.orders": "stale", "mart.revenue": "pending", "gone.away": "retired"}


def scope() -> Scope:
    edges = {AssetKey(key): tuple(map(AssetKey, found)) for key, found in UPSTREAM.items()}
    graph = build_graph(edges, {})
    assert isinstance(graph, AssetGraph)
    labels = {"status": {AssetKey(key): word for key, word in STATUS.items()}, "result": {}}
    return Scope({item.key: item for item in ASSETS}, graph, labels)


SCOPE = scope()
ORDER = "raw.orders raw.people stg.orders stg.people mart.churn mart.revenue report.all"
CHOSEN = {
    "": ORDER,
    "stg.orders": "stg.orders",
    "STG.Orders": "stg.orders",
    "stg.*": "stg.orders stg.people",
    "*.orders": "raw.orders stg.orders",
    "*": ORDER,
    "+stg.orders": "raw.orders stg.orders",
    "stg.orders+": "stg.orders mart.revenue report.all",
    "+mart.revenue+": "raw.orders raw.people stg.orders stg.people mart.revenue report.all",
    "1+mart.revenue": "stg.orders stg.people mart.revenue",
    "2+mart.revenue": "raw.orders raw.people stg.orders stg.people mart.revenue",
    "0+mart.revenue": "mart.revenue",
    "stg.people+1": "stg.people mart.churn mart.revenue",
    "1+stg.people+1": "raw.people stg.people mart.churn mart.revenue",
    "@stg.orders": "raw.orders raw.people stg.orders stg.people mart.churn mart.revenue report.all",
    "@mart.churn": "raw.orders raw.people stg.orders stg.people mart.churn mart.revenue report.all",
    "stg.orders raw.people": "raw.people stg.orders",
    "+mart.churn,stg.*": "stg.people",
    "tag:nightly,tag:pii": "stg.orders",
    "tag:nightly": "raw.orders stg.orders",
    "tag:p*": "stg.orders stg.people",
    "owner:finance@corp.example": "stg.orders mart.revenue",
    "owner:*@corp.example": "stg.orders stg.people mart.revenue",
    "+owner:people@corp.example": "raw.people stg.people",
    "group:hr": "stg.people mart.churn",
    "kind:view": "mart.revenue",
    "kind:file": "report.all",
    "kind:external": "raw.orders raw.people",
    "kind:python": "mart.churn",
    "kind:sql": "stg.orders stg.people mart.revenue report.all",
    "path:assets/mart": "mart.churn mart.revenue",
    "path:assets/mart/": "mart.churn mart.revenue",
    "path:assets/mart/revenue.sql": "mart.revenue",
    "path:assets/*/orders.sql": "raw.orders stg.orders",
    "source:raw.orders": "raw.orders",
    "source:raw.orders+": "raw.orders stg.orders mart.revenue report.all",
    "source:*": "raw.orders raw.people",
    "status:stale": "stg.orders",
    "status:stale+1": "stg.orders mart.revenue",
    "status:current": "",
    "status:retired": "",
    "result:failed": "",
    "tag:pii,stg.orders mart.churn": "stg.orders mart.churn",
}


@pytest.mark.parametrize("text", CHOSEN)
def test_selectors(text):
    assert " ".join(select(SCOPE, [text])) == CHOSEN[text]


@pytest.mark.parametrize("text", CHOSEN)
def test_excluding_is_the_rest(text):
    everything = ORDER.split() if text else []
    rest = [key for key in everything if key not in CHOSEN[text].split()]
    assert list(select(SCOPE, [], [text])) == (rest if text else ORDER.split())


def test_several_arguments_are_a_union():
    assert select(SCOPE, ["stg.orders", "raw.people mart.churn"]) == ("raw.people", "stg.orders", "mart.churn")
    assert select(SCOPE, ["stg.*", "raw.*"], ["tag:pii", "raw.people"]) == ("raw.orders",)


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        ("stg.ordesr", "No asset matches 'stg.ordesr'.", "Did you mean stg.orders?"),
        ("zzz", "No asset matches 'zzz'.", "`headwater ls` lists the assets."),
        ("+zzz+", "No asset matches '+zzz+'.", "`headwater ls` lists the assets."),
        ("tag:nightyl", "No asset matches 'tag:nightyl'.", "Did you mean nightly?"),
        ("owner:nobody", "No asset matches 'owner:nobody'.", "`headwater ls` lists the assets."),
        ("kind:veiw", "No asset matches 'kind:veiw'.", "Did you mean view?"),
        ("path:assets/mrt", "No asset matches 'path:assets/mrt'.", "Did you mean assets/mart?"),
        ("source:stg.orders", "No asset matches 'source:stg.orders'.", "Did you mean raw.orders?"),
        ("status:stal", "There is no status 'stal'.", "Did you mean stale?"),
        ("result:zzz", "There is no result 'zzz'.", "Known: published"),
        ("tags:pii", "The selector 'tags:pii' has an unknown method.", "Did you mean tag?"),
        ("zzz:pii", "The selector 'zzz:pii' has an unknown method.", "Known: group:, kind:"),
        ("+", "The selector '+' cannot be read.", "Write for example"),
        ("@", "The selector '@' cannot be read.", "Write for example"),
        ("@stg.orders+", "The selector '@stg.orders+' cannot be read.", "Write for example"),
        ("++stg.orders", "The selector '++stg.orders' cannot be read.", "Write for example"),
        ("a+stg.orders", "The selector 'a+stg.orders' cannot be read.", "Write for example"),
        ("stg.orders,", "The selector 'stg.orders,' cannot be read.", "Write for example"),
        (",", "The selector ',' cannot be read.", "Write for example"),
    ],
)
def test_wrong_selectors(text, message, remedy):
    for arguments in (([text], []), ([], [text])):
        with pytest.raises(RequestError) as caught:
            select(SCOPE, *arguments)
        assert caught.value.message == message
        assert caught.value.remedy.startswith(remedy)


KEYS = list(UPSTREAM)


@given(
    st.sampled_from(KEYS), st.none() | st.integers(0, 3), st.none() | st.integers(0, 3), st.booleans(), st.booleans()
)
def test_steps_up_and_down_are_those_of_networkx(key, up, down, go_up, go_down):
    known = networkx.DiGraph((above, name) for name, found in UPSTREAM.items() for above in found)
    text = (
        (f"{'' if up is None else up}+" if go_up else "")
        + key
        + (f"+{'' if down is None else down}" if go_down else "")
    )
    expected = {key}
    if go_up:
        expected |= set(networkx.single_source_shortest_path_length(known.reverse(), key, up))
    if go_down:
        expected |= set(networkx.single_source_shortest_path_length(known, key, down))
    assert set(select(SCOPE, [text])) == expected
