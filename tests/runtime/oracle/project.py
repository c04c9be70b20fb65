"""A made-up project as a value: sources, assets, checks, variables, and the files that say so.

Whatever is edited gives another value. Each asset has a shape whose SQL and whose reads are known by construction, so
that what a reader sees is known without asking Headwater.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

Row = tuple[object, ...]
PYTHON = ("py_select", "py_len", "py_sql", "py_both")
TWO_INPUTS = ("join", "left", "union", "exists", "scalar", "capture")
SHAPES = (
    *("pick", "sum", "sum_all", "count", "distinct", "star", "row", "columns", "cte", "window", "var"),
    *TWO_INPUTS,
    *PYTHON,
)


@dataclass(frozen=True)
class Source:
    """`raw.NAME`: rows in a file of some form, or in a table that something else writes."""

    name: str
    form: str  # csv | json | parquet | table
    columns: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Dress:
    """How the same query is written: none of this is data."""

    alias: str = "t"
    cte: str = "c"
    comment: str = ""
    upper: bool = False
    wide: bool = False
    parentheses: bool = False
    description: str = ""


@dataclass(frozen=True)
class Made:
    """`s.NAME`: `picks` and `others` name columns of the first and the second upstream; `extras` are constants."""

    name: str
    shape: str
    upstreams: tuple[str, ...]
    picks: tuple[str, str]
    others: tuple[str, str] = ("", "")
    names: tuple[str, str] = ("a", "b")
    constant: int = 1
    kind: str = "table"  # table | view | csv | parquet | json
    extras: tuple[tuple[str, int], ...] = ()
    checks: tuple[tuple[str, str, str, int], ...] = ()  # (check, column, other asset or its column, constant)
    dress: Dress = field(default_factory=Dress)

    @property
    def key(self) -> str:
        """Its asset key."""
        return f"s.{self.name}"

    @property
    def path(self) -> str:
        """Where its file stands, if it is one."""
        return f"out/{self.name}.{self.kind}"

    @property
    def is_python(self) -> bool:
        """Whether it is a function."""
        return self.shape in PYTHON

    def reads(self) -> Mapping[str, frozenset[str] | None] | None:
        """Return the columns that it sees of each upstream (None: all, in their order), or None where names decide."""
        first, second = {self.picks[0]}, {self.picks[0], self.picks[1]}
        both = {"join": (second, set(self.others)), "left": (second, set(self.others))}
        by_shape: dict[str, tuple[set[str] | None, ...]] = {
            **dict.fromkeys(("pick", "sum", "sum_all", "cte", "window", "var", "py_select", "py_both"), (second,)),
            **dict.fromkeys(("star", "row", "columns"), (None,)),
            **dict.fromkeys(("distinct", "py_sql"), (first,)),
            **dict.fromkeys(("count", "py_len"), (set(),)),
            **both,
            "union": (first, {self.others[0]}),
            "exists": (second, {self.others[0]}),
            "scalar": (first, {self.others[0]}),
        }
        if self.shape not in by_shape:
            return None
        found: dict[str, frozenset[str] | None] = {}
        for upstream, columns in zip(self.upstreams, by_shape[self.shape], strict=True):
            before = found.get(upstream, frozenset())
            found[upstream] = None if columns is None or before is None else before | columns
        return found

    def query(self, dress: Dress | None = None) -> str:
        """Return its query in its dress, or in another; of a function, a query that gives the same."""
        worn = dress or self.dress
        t, c, k = worn.alias, worn.cte, self.constant
        p0, p1 = (f"{t}.{name}" for name in self.picks)
        q0, q1 = (f"r.{name}" for name in self.others)
        n0, n1 = self.names
        u0, u1 = self.upstreams[0], self.upstreams[-1]
        extra = "".join(f", {value} as {name}" for name, value in self.extras)
        texts = {
            "pick": f"select {p0} as {n0}, {p1} as {n1}{extra} from {u0} {t} where length({p1}::varchar) < {k + 2}",
            "sum": (
                f"select {p0} as {n0}, sum(length({p1}::varchar) + {k})::bigint as {n1}{extra} "
                f"from {u0} {t} group by {p0}"
            ),
            "sum_all": f"select {p0} as {n0}, {p1} as {n1}{extra}, count(*) + {k} as n from {u0} {t} group by all",
            "count": f"select count(*) + {k} as n{extra} from {u0} {t}",
            "distinct": f"select distinct {p0} as {n0}{extra} from {u0} {t}",
            "star": f"select *{extra} from {u0} {t}",
            "row": f"select {t}::varchar as w{extra} from {u0} {t}",
            "columns": f"select max(columns(*)){extra} from {u0} {t}",
            "cte": (
                f"with {c} as (select * from {u0}) select {c}.{self.picks[0]} as {n0}{extra} from {c} "
                f"where length({c}.{self.picks[1]}::varchar) > {k - 1}"
            ),
            "window": f"select {p0} as {n0}, count(*) over (partition by {p1}) + {k} as {n1}{extra} from {u0} {t}",
            "var": f"select {p0} as {n0}, length({p1}::varchar) + $vars.step as {n1}{extra} from {u0} {t}",
            "join": (
                f"select distinct {p0} as {n0}, {q0} as {n1}{extra} from {u0} {t} "
                f"join {u1} r on {p1}::varchar = {q1}::varchar"
            ),
            "left": (
                f"select distinct {p0} as {n0}, {q0} as {n1}{extra} from {u0} {t} "
                f"left join {u1} r on {p1}::varchar = {q1}::varchar where length({p0}::varchar) < {k + 2}"
            ),
            "union": f"select {p0}::varchar as {n0} from {u0} {t} union all select {q0}::varchar from {u1} r",
            "exists": (
                f"select {p0} as {n0}{extra} from {u0} {t} "
                f"where exists (select 1 from {u1} r where {q0}::varchar = {p1}::varchar)"
            ),
            "scalar": f"select {p0} as {n0}, (select count({q0}) from {u1} r) + {k} as {n1}{extra} from {u0} {t}",
            "capture": (
                f"select {p0} as {n0}, (select count(*) from {u1} where length({self.picks[1]}::varchar) > {k - 1}) "
                f"as {n1}{extra} from {u0} {t}"
            ),
            "py_select": f"select {', '.join(f'{t}.{name}' for name in dict.fromkeys(self.picks))} from {u0} {t}",
            "py_len": f"select cast(count(*) + {k} as bigint) as n from {u0} {t}",
            "py_sql": f"select count(distinct {p0}) + {k} as n from {u0} {t}",
            "py_both": (
                f"select {p0} as {n0}, (select cast(count(distinct coalesce({self.picks[1]}::varchar, '-')) + {k} "
                f"as bigint) from {u0}) as {n1} from {u0} {t}"
            ),
        }
        return _dressed(texts[self.shape], worn)

    def function(self) -> str:
        """Return the Python file of a function."""
        p0, p1 = self.picks
        columns = ", ".join(f'"{name}"' for name in dict.fromkeys(self.picks))
        u0, k, (n0, n1) = self.upstreams[0], self.constant, self.names
        bodies = {
            "py_select": f"return t.select({columns}).relation()",
            "py_len": 'return f"select cast({len(t) + K} as bigint) as n"',
            "py_sql": f'return f"select count(distinct {p0}) + {{K}} as n from {u0}"',
            "py_both": (
                f'seen = {{str(v) if v is not None else "-" for v, in t.select("{p1}").relation().fetchall()}}\n'
                f'    return f"select {p0} as {n0}, cast({{len(seen) + K}} as bigint) as {n1} from {u0}"'
            ),
        }
        note = f"    # {self.dress.comment}\n" if self.dress.comment else ""
        doc = f'    """{self.dress.description}"""\n' if self.dress.description else ""
        body = bodies[self.shape]
        return (
            f"import headwater as hw\n\nK = {k}\n\n\n"
            f'@hw.asset("{self.key}", inputs={{"t": "{u0}"}}, checks={self._checks()!r})\n'
            f"def {self.name}(t):\n{doc}{note}    {body}\n"
        )

    def block(self) -> str:
        """Return the YAML block of a query."""
        lines = [f"description: {self.dress.description}"] if self.dress.description else []
        if self.kind == "view":
            lines.append("materialization: view")
        elif self.kind != "table":
            lines.append(f"materialization: {{kind: file, path: {self.path}}}")
        listed = self._checks()
        if listed:
            lines += ["checks:", *(f"  - {json.dumps(check)}" for check in listed)]
        for check, column, other, _ in self.checks:
            if check == "relationship":
                asset, _, there = other.rpartition(".")
                lines += ["columns:", f"  {column}: {{checks: [{{relationship: {{to: {asset}, column: {there}}}}}]}}"]
        return "\n".join(lines)

    def _checks(self) -> list[dict[str, object]]:
        return [_check(*check) for check in self.checks if check[0] != "relationship"]


@dataclass(frozen=True)
class Project:
    """A whole project; assets stand behind what they read."""

    sources: tuple[Source, ...]
    made: tuple[Made, ...]
    step: int = 1
    unused: int = 0

    def with_source(self, source: Source) -> Project:
        """Return the project with the source of that name replaced."""
        return replace(self, sources=tuple(source if s.name == source.name else s for s in self.sources))

    def with_made(self, made: Made) -> Project:
        """Return the project with the asset of that name replaced."""
        return replace(self, made=tuple(made if m.name == made.name else m for m in self.made))

    def files(self) -> dict[str, str]:
        """Return every file of the project but its data, by path."""
        files = {"headwater.toml": f'[project]\nname = "p"\n\n[vars]\nstep = {self.step}\nunused = {self.unused}\n'}
        external = ["external:"]
        for source in self.sources:
            place = f"table: ext.{source.name}" if source.form == "table" else f"file: data/{source.name}.{source.form}"
            external += [f"  raw.{source.name}:", f"    {place}"]
            if source.form in ("csv", "json"):
                external.append(f"    columns: {{{', '.join(f'{n}: {t}' for n, t in source.columns)}}}")
        files["assets/raw.yaml"] = "\n".join(external) + "\n"
        for made in self.made:
            if made.is_python:
                files[f"assets/s/{made.name}.py"] = made.function()
            else:
                head = f"/* @asset\n{made.block()}\n*/\n" if made.block() else ""
                files[f"assets/s/{made.name}.sql"] = head + made.query() + "\n"
        return files


def _dressed(query: str, dress: Dress) -> str:
    head, where, condition = query.rpartition(" where ")
    if (
        where and dress.parentheses and head.count("(") == head.count(")")
    ):  # the last condition is that of the whole query
        query = f"{head}{where}({condition})"
    if dress.upper:
        for word in ("select", "from", "where", "group by", "distinct", "join", "union all"):
            query = query.replace(f"{word} ", f"{word.upper()} ")
    if dress.wide:
        query = query.replace(" from ", "\n   from\t").replace(", ", " ,\n  ")
    return f"-- {dress.comment}\n{query}" if dress.comment else query


def _check(check: str, column: str, other: str, constant: int) -> dict[str, object]:
    if check == "unique":
        return {"unique": [column]}
    if check == "not_null":
        return {"not_null": {"column": column}}
    if check == "row_count":
        return {"row_count": {"min": constant}}
    if check == "expression":
        return {"expression": f"length({column}::varchar) < {constant + 2}"}
    asset, _, there = other.rpartition(".")
    keys = f"select o.{there}::varchar from {asset} o where o.{there} is not null"
    return {"sql": f"select t.{column} from $this t where t.{column}::varchar not in ({keys})"}
