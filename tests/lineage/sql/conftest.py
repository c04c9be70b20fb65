"""A generator of DuckDB queries over small tables, for the tests that compare what we say with what the engine does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import pytest

from headwater.lineage.schema import distinct_names

NAMES = ("a", "b", "c", "d", "k")
TYPES = {"a": "integer", "b": "integer", "c": "varchar", "d": "integer", "k": "integer", "l": "integer[]"}
JOINS = ("join", "left join", "right join", "full join", "semi join", "anti join", ",", "using", "natural")
JOINS += ("positional", "asof")
TYPES["s"] = "struct(x integer, y integer)"


@dataclass
class Source:
    """A FROM item: its alias, and its column names."""

    alias: str
    columns: list[str]


@dataclass
class QueryMaker:
    """Makes one schema and queries over it, all from one seed."""

    random: Random
    tables: dict[str, dict[str, str]] = field(default_factory=dict)
    ctes: dict[str, list[str]] = field(default_factory=dict)
    aliases: int = 0

    @classmethod
    def of(cls, seed: int) -> QueryMaker:
        maker = cls(Random(seed))
        for number in range(maker.random.randint(1, 3)):
            names = maker.random.sample(NAMES, maker.random.randint(2, 4))
            names += [extra for extra in ("l", "s") if maker.chance(0.25)]
            maker.tables[f"t{number}"] = {name: TYPES[name] for name in names}
        return maker

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def pick(self, *options: str) -> str:
        return self.random.choice(options)

    def alias(self) -> str:
        """Return a new alias, now and then one that is the name of a column somewhere."""
        self.aliases += 1
        return self.pick(*NAMES) if self.chance(0.06) else f"q{self.aliases}"

    def rows(self, table: str) -> list[str]:
        """Return SQL expressions of the rows of a table."""
        return [f"({', '.join(self.value(type_) for type_ in self.tables[table].values())})" for _ in range(5)]

    def value(self, type_: str) -> str:
        number = str(self.random.randint(0, 3))
        if self.chance(0.15):
            return f"cast(null as {type_})"
        if type_ == "varchar":
            return f"'{number}'"
        if type_ == "integer[]":
            return f"[{number}, {self.random.randint(0, 2)}]"
        if type_.startswith("struct"):
            return f"{{'x': {number}, 'y': {self.random.randint(0, 2)}}}"
        return number

    # ---- queries

    def query(self) -> str:
        text = ""
        if self.chance(0.45):
            parts = []
            for _ in range(self.random.randint(1, 2)):
                name = self.pick("c1", "c2", "t0")
                body, columns = self.select(2, [])
                if name in self.ctes or not columns:
                    continue
                parts.append(f"{name} as ({body})")
                self.ctes[name] = columns
            if self.chance(0.15) and parts:
                parts.append(self.recursive())
                text = "with recursive " + ", ".join(parts) + " "
            elif parts:
                text = "with " + ", ".join(parts) + " "
        return text + self.select(3, [])[0]

    def recursive(self) -> str:
        body, columns = self.select(1, [])
        self.ctes["r"] = ["n", "m"]
        first = self.column_of(columns) if columns else "1"
        step = self.pick(  # each grows a sum that its condition bounds, so each ends
            "select m + 1, n from r where n < 3 and m < 3",
            f"select n + 1, {self.pick('m', 'n')} from r where n < 3",
        )
        union = self.pick("union all", "union")
        return f"r(n, m) as (select try_cast({first} as integer), 0 from ({body}) z {union} {step})"

    def column_of(self, columns: list[str]) -> str:
        return self.random.choice(columns)

    def select(self, depth: int, outer: list[Source]) -> tuple[str, list[str]]:
        """Return a query and its output names (empty where they are hard to tell)."""
        if depth > 1 and self.chance(0.15):
            return self.set_operation(depth, outer)
        if depth > 1 and self.chance(0.05):
            return self.pivot(depth)
        sources, text = self.sources(depth, outer)
        scope = sources + outer
        grouped = self.chance(0.25)
        items, names = self.items(depth, sources, scope, grouped)
        distinct = self.pick("", "", "", "", "distinct ", f"distinct on ({self.column(sources)}) ")
        query = f"select {distinct}{', '.join(items)} from {text}"
        if self.chance(0.4):
            query += f" where {self.condition(depth, scope)}"
        if grouped:
            query += self.grouping(names, sources)
        elif self.chance(0.08):
            order = self.column(sources)
            query += f" qualify row_number() over (partition by {self.column(sources)} order by {order}) <= 2"
        if self.chance(0.2):
            query += f" order by {self.pick('1', 'all', self.column(sources), *names[:2])}"
            query += f" limit {self.random.randint(1, 3)}" if self.chance(0.5) else ""
        return query, list(distinct_names(names))

    def grouping(self, names: list[str], sources: list[Source]) -> str:
        key = self.column(sources)
        text = self.pick(
            " group by all", " group by all", " group by 1", f" group by rollup({key})", " group by cube(1)"
        )
        if self.chance(0.2):
            text += f" having {self.pick('count(*)', f'max({key})', *names[:2])} {self.pick('>', '<>')} 1"
        return text

    def set_operation(self, depth: int, outer: list[Source]) -> tuple[str, list[str]]:
        left, names = self.select(depth - 1, outer)
        right = ""
        for _ in range(4):  # the branches need equally many columns
            right, others = self.select(depth - 1, outer)
            if len(others) == len(names):
                break
        word = self.pick(
            "union", "union all", "except", "intersect", "union by name", "union all by name", "except all"
        )
        tail = f" order by {self.pick('1', *names[:1])} limit 3" if self.chance(0.2) else ""
        return f"({left}) {word} ({right}){tail}", [] if "by name" in word else names

    def pivot(self, depth: int) -> tuple[str, list[str]]:
        table = self.random.choice(sorted(self.tables))
        columns = list(self.tables[table])
        if self.chance(0.5):
            on, using = self.random.sample(columns, 2)
            values = self.pick("'0', '1'", "'0' as zero, '1'", "select '1'", "")
            group = f" group by {self.column_of(columns)}" if self.chance(0.3) else ""
            aggregate = self.pick(f"count({using})", f"max({using}) as m", f"min({using}), count(*)")
            if values and not values.startswith("select") and self.chance(0.5):
                clause = f"pivot ({aggregate} for {on} in ({values}){group})"
                return f"select * from {table} {clause} as {self.alias()}", []
            pivot = f"pivot {table} on {on}{f' in ({values})' if values else ''} using {aggregate}{group}"
            return f"select {self.pick('*', 'count(*)')} from ({pivot}) p", []
        numbers = [name for name in columns if self.tables[table][name] == "integer"][:2]
        names = self.pick("", "into name n value v ") or "into name n value v "
        if self.chance(0.4):
            nulls = self.pick("", "include nulls ")
            item = self.pick("n, v", "v", "n", "*")
            return f"select {item} from {table} unpivot {nulls}(v for n in ({', '.join(numbers)})) p", []
        chosen = self.pick(
            ", ".join(numbers), f"columns('^[{''.join(numbers) or 'z'}]$')", "columns(* exclude (c, l, s))"
        )
        return f"select {self.pick('*', 'n, v', 'v')} from (unpivot {table} on {chosen} {names}) p", []

    def sources(self, depth: int, outer: list[Source]) -> tuple[list[Source], str]:
        first, text = self.source(depth, outer)
        found = [first]
        for _ in range(self.random.choice([0, 0, 0, 1, 1, 2])):
            source, joined = self.source(depth, found + outer)
            text += self.join(found, source, joined)
            if not text.endswith("/*hidden*/"):
                found.append(source)
        return found, text

    def join(self, found: list[Source], source: Source, joined: str) -> str:
        kind = self.pick(*JOINS)
        left = self.random.choice(found)
        hidden = "/*hidden*/" if kind in ("semi join", "anti join") else ""
        if kind == ",":
            return f", {joined}"
        if kind in ("natural", "positional"):
            return f" {kind} join {joined}"
        common = [name for name in source.columns if name in left.columns]
        if kind == "using" and common:
            side = self.pick("join", "left join", "right join", "full join", "semi join")
            hidden = "/*hidden*/" if side == "semi join" else ""
            return f" {side} {joined} using ({self.column_of(common)}){hidden}"
        right_column, left_column = self.column_of(source.columns), self.column_of(left.columns)
        if kind == "asof":
            return f" asof join {joined} on {left.alias}.{left_column} >= {source.alias}.{right_column}"
        kind = "join" if kind == "using" else kind
        on = f"{left.alias}.{left_column}::varchar = {source.alias}.{right_column}::varchar"
        return f" {kind} {joined} on {on}{hidden}"

    def source(self, depth: int, outer: list[Source]) -> tuple[Source, str]:
        if depth > 1 and self.chance(0.3):
            lateral = "lateral " if outer and self.chance(0.3) else ""
            body, columns = self.select(depth - 1, outer if lateral else [])
            if columns:
                alias = self.alias()
                return Source(alias, columns), f"{lateral}({body}) {alias}"
        if self.ctes and self.chance(0.4):
            name = self.random.choice(sorted(self.ctes))
            columns = self.ctes[name]
        else:
            name = self.random.choice(sorted(self.tables))
            columns = list(self.tables[name])
        if outer and self.chance(0.06):
            lists = [f"{source.alias}.l" for source in outer if "l" in source.columns]
            if lists:
                alias = self.alias()
                return Source(alias, ["v"]), f"unnest({self.column_of(lists)}) {alias}(v)"
        if self.chance(0.3) and all(name != source.alias for source in outer):
            return Source(name, columns), name
        alias = self.alias()
        if self.chance(0.15):
            renamed = [f"{self.pick('a', 'b', 'z')}{position}" for position in range(len(columns))]
            return Source(alias, renamed), f"{name} as {alias}({', '.join(renamed)})"
        return Source(alias, columns), f"{name} {alias}"

    def items(
        self, depth: int, sources: list[Source], scope: list[Source], grouped: bool
    ) -> tuple[list[str], list[str]]:
        if not grouped and self.chance(0.2):
            return self.stars(sources)
        items, names = [], []
        for position in range(self.random.randint(1, 3)):
            name = self.pick("a", "b", "k", "x", "y") if self.chance(0.7) else f"o{position}"
            aggregate = grouped and position > 0
            earlier = names[-1] if names and self.chance(0.15) and not grouped else None
            expression = f"{earlier}" if earlier else self.expression(depth, scope, sources, aggregate)
            items.append(f"{expression} as {name}")
            names.append(name)
        return items, names

    def stars(self, sources: list[Source]) -> tuple[list[str], list[str]]:
        source = self.random.choice(sources)
        name = self.column_of(source.columns)
        rest = [column for column in source.columns if column != name]
        form = self.pick("*", "exclude", "replace", "rename", "columns", "row")
        if form == "*":
            return ["*"], source.columns if len(sources) == 1 else []
        if form == "exclude" and rest:
            return [f"{source.alias}.* exclude ({name})"], rest
        if form == "replace":
            return [f"{source.alias}.* replace ({self.column(sources)} as {name})"], source.columns
        if form == "rename":
            return [f"{source.alias}.* rename ({name} as renamed)"], []
        if form == "columns":
            plain = self.pick(
                f"max(columns('^[{name}z]'))", f"columns('^[{name}z]')::varchar", f"columns(['{name}', '{name}'])",
                f"columns(lambda x: x = '{name}' or x like 'z%')", f"columns([x for x in (*) if x <> '{name}'])",
                f"columns({source.alias}.* exclude ({name}))", f"coalesce(*columns('^{name}$'), null)",
                f"{source.alias}.* like '{name}%'", f"* not like '{name}%'", f"* similar to '[{name}z].*'", "#1",
            )  # fmt: skip
            return [plain], []
        return [f"{source.alias} as w"], ["w"]

    def column(self, scope: list[Source]) -> str:
        source = self.random.choice(scope)
        plain = [name for name in source.columns if name not in ("l", "s")]
        name = self.column_of(plain if plain and self.chance(0.93) else source.columns)
        alone = sum(name in other.columns for other in scope) == 1
        return name if alone and self.chance(0.4) else f"{source.alias}.{name}"

    def expression(self, depth: int, scope: list[Source], sources: list[Source], aggregate: bool) -> str:
        column, other = self.column(sources), self.column(scope)
        if aggregate:
            return self.pick(
                f"max({column})", f"count({column})", "count(*)", f"min({column}) filter (where {other} is not null)",
                f"list({column} order by {other})", f"count(distinct {column})", f"arg_max({column}, {other})",
            )  # fmt: skip
        simple = [
            column, column, column, f"coalesce({column}, {other})", f"case when {other} is null then {column} end",
            f"hash({column}, {other})", f"({column} is null)", f"[{column}, {column}]", "1", f"{{'f': {column}}}",
            f"max({column}) over (partition by {other})", f"row_number() over (order by {column}, {other})",
            f"lag({column}) over (order by {column}, {other})", f"{column}::varchar || 'x'",
            f"struct_pack(u := {column}).u",
        ]  # fmt: skip
        for source in sources:
            if "l" in source.columns:
                simple += [
                    f"list_transform({source.alias}.l, lambda x: x + 1)", f"[x + 1 for x in {source.alias}.l if x > 0]",
                    f"unnest({source.alias}.l)", f"{source.alias}.l[1]", f"{source.alias}.l[:{column}::integer]",
                    f"list_sum({source.alias}.l)", f"{source.alias}.l.list_max()",
                ]  # fmt: skip
            if "s" in source.columns:
                simple += [
                    f"{source.alias}.s.x",
                    "s.y",
                    f"{source.alias}.s['x']",
                    f"struct_extract({source.alias}.s, 'y')",
                ]
        if depth > 1 and self.chance(0.2):
            return self.subquery(depth, scope)
        return self.random.choice(simple)

    def subquery(self, depth: int, scope: list[Source]) -> str:
        body, names = self.select(depth - 1, scope)
        column = self.column(scope)
        if not names or self.chance(0.3):
            return f"exists ({body})"
        if self.chance(0.15):
            return f"array(select {names[0]} from ({body}) z)"
        if self.chance(0.15):
            return f"({column}::varchar {self.pick('= any', '<> all')} (select {names[0]}::varchar from ({body}) z))"
        if self.chance(0.5):
            return f"(select max({names[0]}) from ({body}) z)"
        return f"({column} in (select {names[0]} from ({body}) z))"

    def condition(self, depth: int, scope: list[Source]) -> str:
        left, right = self.column(scope), self.column(scope)
        text = f"{left}::varchar"  # compares with anything
        options = [f"{text} = {right}::varchar", f"{left} is not null", f"{text} in ('1', '2')", f"{left} = {left}"]
        if depth > 1 and self.chance(0.25):
            return self.subquery(depth, scope)
        if self.chance(0.2):
            return f"({self.random.choice(options)} {self.pick('and', 'or')} {self.random.choice(options)})"
        return self.random.choice(options)


@pytest.fixture(scope="session")
def make_query() -> Callable[[int], QueryMaker]:
    """Return a maker of queries for a seed."""
    return QueryMaker.of
