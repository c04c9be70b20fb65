"""The queries that assets are made of, each with what its references see: columns, and the filters that narrow them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .spaces import Dim, Keys

# name: (condition on {t}, its columns, whether it narrows what is seen by DESIGN section 6)
FILTERS: dict[str, tuple[str, tuple[str, ...], bool]] = {
    "day": ("{t}.day = {time}", ("day",), True),
    "span": ("{t}.day >= {start} and {t}.day < {end}", ("day",), True),
    "until": ("{t}.day < {end}", ("day",), True),
    "between": ("{t}.day between {start} and {time}", ("day",), True),
    "region": ("{t}.region = {region}", ("region",), True),
    "region or null": ("({t}.region = {region} or {t}.region is null)", ("region",), True),
    "day or one": ("({t}.day = {time} or {t}.a = 1)", ("day", "a"), True),
    "eu": ("{t}.region = 'eu'", ("region",), True),
    "in": ("{t}.region in ('eu', 'us')", ("region",), True),
    "not eu": ("{t}.region <> 'eu'", ("region",), True),
    "some a": ("{t}.a between 1 and 2", ("a",), True),
    "no a": ("{t}.a is null", ("a",), True),
    "known region": ("{t}.region is not null", ("region",), True),
    "a or b": ("({t}.a > 1 or {t}.b > 1)", ("a", "b"), True),
    "in or null": ("({t}.region in ('us') or {t}.region is null)", ("region",), True),
}
PARTED = ("day", "span", "until", "between", "region", "region or null", "day or one")  # need partitions
TIMELY = ("day", "span", "until", "between", "day or one")  # need windows
PYTHON = ("py_rows", "py_sum", "py_len", "py_text")
TWO = ("join", "left", "left_where", "anti", "semi", "scalar", "union", "full")
SHAPES = ("pick", "some", "one", "sum", "count", "distinct", "star", "cte", "window", "param", *TWO, *PYTHON)
ALL = None
_UNSURE = (" between ", " in ", " is ")
_ROWS = ("day", "region", "a", "b")

# shape: (columns of each reference, whether its filters narrow it)
SEEN: dict[str, tuple[tuple[tuple[str, ...] | None, bool], ...]] = {
    "pick": ((_ROWS, True),),
    "some": ((("day", "region", "a"), True),),
    "one": ((("region", "a"), True),),
    "sum": ((("day", "region", "a"), True),),
    "count": (((), True),),
    "distinct": ((("region",), True),),
    "star": ((ALL, True),),
    "cte": ((("day", "region", "a"), False),),
    "window": ((("day", "region", "a"), True),),
    "param": (((), True),),
    "join": ((("day", "region", "a"), True), (("region", "b"), True)),
    "left": ((("day", "region", "a"), True), (("region", "b"), False)),
    "left_where": ((("day", "region", "a"), True), (("region", "b"), False)),
    "anti": ((("day", "region", "a"), True), (("region",), False)),
    "semi": ((("day", "region", "a"), True), (("region",), False)),
    "scalar": ((("day", "region", "a"), True), (("b",), False)),
    "union": ((("day", "region", "a"), True), (("day", "region", "b"), True)),
    "full": ((ALL, False), (ALL, False)),  # its stars are written out in its definition
    "py_rows": ((_ROWS, False),),
    "py_sum": ((("a",), False),),
    "py_len": (((), False),),
    "py_text": ((("day", "region", "a"), True),),
}


@dataclass(frozen=True)
class Dress:
    """How the same query is written: none of this is data."""

    alias: str = "t"
    comment: str = ""
    upper: bool = False
    parentheses: bool = False
    description: str = ""


@dataclass(frozen=True)
class Text:
    """What stands for tables and parameters, and the dress. `table` gets the place of the reference and its key."""

    table: Callable[[int, str], str]
    parameter: Callable[[str, tuple[Dim, ...]], str]
    dress: Dress = Dress()

    @classmethod
    def written(cls, dress: Dress) -> Text:
        """Return what users write."""
        return cls(lambda _, key: key, _written, dress)


def query(
    shape: str,
    upstreams: tuple[str, ...],
    filters: tuple[tuple[str, ...], ...],
    dims: tuple[Dim, ...],
    extra: int,
    fails: int,
    text: Text,
) -> str:
    """Return the query of a shape; of a function, one that gives the same."""
    t, r = text.dress.alias, "r"
    u0 = f"{text.table(0, upstreams[0])} {t}"
    u1 = f"{text.table(1, upstreams[-1])} r"
    w0 = condition(filters[0] if shape != "py_text" else ("day" if dims[0].is_time else "region",), t, dims, text)
    w1 = condition(filters[1], r, dims, text)
    if text.dress.parentheses:  # around what is certainly redundant
        w0, w1 = (w if any(word in w for word in _UNSURE) else f"(({w}))" for w in (w0, w1))
    more = f", {extra} as x" if extra else ""
    if fails and shape in ("pick", "some", "union"):
        more += f", cast(case when {t}.a = {fails} then 'boom' else '1' end as integer) as f"
    rows = f"{t}.day, {t}.region, {t}.a::bigint as a"
    joined = f"select {rows}, r.b::bigint as b{more} from {u0}"
    on = f"{u1} on {t}.region = r.region"
    more_of_r = ", 1" * (more.count(" as x") + more.count(" as f"))
    made = f"select date '2024-01-30' as day, {text.parameter('key', dims)} as region"
    key, day = text.parameter("key", dims), text.parameter("time", dims)
    texts = {
        "pick": f"select {rows}, {t}.b::bigint as b{more} from {u0} where {w0}",
        "some": f"select {rows}, 0 as b{more} from {u0} where {w0}",
        "one": f"select date '2024-01-30' as day, {t}.region, {t}.a::bigint as a, 0 as b{more} from {u0} where {w0}",
        "sum": (
            f"select {t}.day, {t}.region, sum({t}.a)::bigint as a, 0 as b{more} from {u0} where {w0} "
            f"group by {t}.day, {t}.region"
        ),
        "count": f"select date '2024-01-30' as day, 'eu' as region, count(*) as a, 0 as b{more} from {u0} where {w0}",
        "distinct": f"select distinct date '2024-01-30' as day, {t}.region, 0 as a, 0 as b{more} from {u0} where {w0}",
        "star": f"select {t}.* from {u0} where {w0}",
        "cte": (
            f"with c as (select day, region, a, b from {text.table(0, upstreams[0])}) "
            f"select {t}.day, {t}.region, {t}.a::bigint as a, 0 as b{more} from c {t} where {w0}"
        ),
        "window": f"select {rows}, count(*) over (partition by {t}.region) as b{more} from {u0} where {w0}",
        "param": f"select {day} as day, {key} as region, count(*) as a, 0 as b{more} from {u0} where {w0}",
        "join": f"{joined} join {on} where {w0} and {w1}",
        "left": f"{joined} left join {on} and {w1} where {w0}",
        "left_where": f"{joined} left join {on} where {w0} and {w1}",
        "anti": f"select {rows}, 0 as b{more} from {u0} where {w0} and not exists "
        f"(select 1 from {u1} where r.region = {t}.region and {w1})",
        "semi": f"select {rows}, 0 as b{more} from {u0} where {w0} and exists "
        f"(select 1 from {u1} where r.region = {t}.region and {w1})",
        "scalar": f"select {rows}, (select max(r.b) from {u1} where {w1})::bigint as b{more} from {u0} where {w0}",
        "union": (
            f"select {rows}, 0 as b{more} from {u0} where {w0} union all "
            f"select r.day, r.region, 0 as a, r.b::bigint as b{more_of_r} from {u1} where {w1}"
        ),
        "full": (
            f"select {rows}, r.b::bigint as b{more} from (select * from {u0} where {w0}) {t} "
            f"full join (select * from {u1} where {w1}) r on {t}.region = r.region"
        ),
        "py_rows": f"select {t}.day, {t}.region, {t}.a, {t}.b from {u0}",
        "py_sum": f"{made}, coalesce(sum({t}.a), 0)::bigint as a, 0 as b from {u0}",
        "py_len": f"{made}, count(*) as a, 0 as b from {u0}",
        "py_text": f"select {rows}, 0 as b from {u0} where {w0}",
    }
    return _dressed(texts[shape], text.dress)


def body(shape: str, upstream: str, dims: tuple[Dim, ...]) -> str:
    """Return the body of a function."""
    made = "select date '2024-01-30' as day, '{context.partition_key}' as region, {n}::bigint as a, 0 as b"
    if not dims:
        made = made.replace("'{context.partition_key}'", "'-'")
    by = "day = date '{context.partition}'" if dims and dims[0].is_time else "region = '{context.partition}'"
    return {
        "py_rows": '    return t.select("day", "region", "a", "b").relation()\n',
        "py_sum": f'    n = sum(a or 0 for a, in t.select("a").relation().fetchall())\n    return f"{made}"\n',
        "py_len": f'    n = len(t)\n    return f"{made}"\n',
        "py_text": f'    return f"select day, region, a::bigint as a, 0 as b from {upstream} where {by}"\n',
    }[shape]


def condition(names: tuple[str, ...], alias: str, dims: tuple[Dim, ...], text: Text) -> str:
    """Return the filters of these names in one condition."""
    values = {name: text.parameter(name, dims) for name in ("time", "start", "end", "region")}
    return " and ".join(FILTERS[name][0].format(t=alias, **values) for name in names) or "true"


def literals(partition: Keys) -> Callable[[str, tuple[Dim, ...]], str]:
    """Return what stands for the parameters in the query of one partition."""

    def value(name: str, dims: tuple[Dim, ...]) -> str:
        timely = [(dim, key) for dim, key in zip(dims, partition, strict=True) if dim.is_time]
        if name == "key":
            names = [f"{dim.name}={key}" for dim, key in zip(dims, partition, strict=True)]
            return f"'{';'.join(names) if len(dims) > 1 else ''.join(partition) or '-'}'"
        if name == "region":
            return next((f"'{key}'" for dim, key in zip(dims, partition, strict=True) if not dim.is_time), "null")
        if not timely:
            return "null::date"
        first, last = timely[0][0].bounds(timely[0][1])
        return f"date '{last if name == 'end' else first}'"

    return value


def _written(name: str, dims: tuple[Dim, ...]) -> str:
    """Return a parameter as users write it; what there is no parameter for is not written."""
    if name == "key":
        return "'-'" if not dims else _key(dims)
    if name in ("start", "end"):
        return f"${name}"
    found = [dim for dim in dims if dim.is_time == (name == "time")]
    if not found:
        return "null::date" if name == "time" else "null"
    return "$partition" if len(dims) == 1 else f"$partition.{found[0].name}"


def _key(dims: tuple[Dim, ...]) -> str:
    """Return a text that says which partition it is, as `context.partition_key` does."""
    parts = []
    for dim in dims:
        parameter = "$partition" if len(dims) == 1 else f"$partition.{dim.name}"
        form = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}.get(dim.grain)
        shown = f"strftime({parameter}, '{form}')" if form else parameter
        parts.append(shown if len(dims) == 1 else f"'{dim.name}=' || {shown}")
    return " || ';' || ".join(parts)


def _dressed(text: str, dress: Dress) -> str:
    if dress.upper:
        for word in ("select", "from", "where", "group by", "join", "union all"):
            text = text.replace(f"{word} ", f"{word.upper()} ")
        text = text.replace(" a::", " A::").replace(".region,", ".REGION,")
    return f"-- {dress.comment}\n{text}" if dress.comment else text
