"""Resolving: an asset and the schemas of what it reads become a definition, ready to be judged.

The same function serves loading (with the schemas known so far) and each step of a run (with those of the pinned
versions), so that both arrive at the same hash. Results are cached by everything that they follow from.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from headwater.assets.asset import Asset
from headwater.assets.errors import Problem, SqlError
from headwater.assets.key import AssetKey
from headwater.lineage.conditions import bound, parameters_of
from headwater.lineage.definition import Definition, ReadSet, config_hash
from headwater.lineage.encoding import tagged_hash
from headwater.lineage.schema import SchemaColumns, distinct_names
from headwater.lineage.sql.analysis import Analysis, OutputColumn, Read
from headwater.runtime.cache import AnalysisCache, cache_key
from headwater.runtime.check_texts import THIS, expression_problems, query_analysis
from headwater.runtime.define_python import PythonDefiner
from headwater.runtime.definition_problems import (
    contract_problems,
    lineage_problems,
    missing_columns,
    refusals,
    sql_problem,
    text_problem,
)
from headwater.runtime.engines import result_settings
from headwater.runtime.later import Later
from headwater.runtime.literals import sql_literal
from headwater.runtime.loading import Loaded
from headwater.runtime.loading_crew import Crew
from headwater.runtime.resolutions import (
    Resolutions,
    StoredResolutions,
    situation_digest,
    store_resolutions,
    stored_resolutions,
)
from headwater.runtime.staleness import Resolved
from headwater.runtime.standing import shape_of
from headwater.runtime.state import State, VersionRecord

Schemas = Mapping[AssetKey, SchemaColumns | None]


class PublishedSchemas(Mapping[AssetKey, SchemaColumns | None]):
    """The schemas of the published versions, as a view on the state: nothing is copied for each step."""

    def __init__(self, state: State) -> None:
        self._published = state.published

    def __getitem__(self, key: AssetKey) -> SchemaColumns | None:
        return self._published[key].schema

    def __iter__(self) -> Iterator[AssetKey]:
        return iter(self._published)

    def __len__(self) -> int:
        return len(self._published)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is cached of a resolved asset, which is known itself, and the problems met on the way."""

    definition: Definition
    checks_id: str
    check_reads: tuple[ReadSet, ...]
    problems: tuple[Problem, ...]


class Definer:
    """Resolves assets of one loaded project. Pure but for its cache."""

    def __init__(
        self,
        loaded: Loaded,
        cache: AnalysisCache,
        crew: Crew | None = None,
        identities: Mapping[AssetKey, str] | None = None,
    ) -> None:
        self.identities = dict(identities or {})  # of renamed assets: what definitions name them by
        self._crew = crew
        self._loaded = loaded
        self._cache = cache
        settings = result_settings(loaded.config.engine, loaded.config.timezone)
        self._settings = tagged_hash("settings", dict(settings))
        texts, variables = loaded.python_texts(), loaded.config.variables
        self._python = PythonDefiner(texts, variables, self._settings, cache, self.identities)
        self._memory: dict[bytes, Outcome] = {}
        self._analyses: dict[bytes, Analysis] = {}

    def resolve(self, key: AssetKey, schemas: Schemas) -> tuple[Resolved, tuple[Problem, ...]]:
        """Return the asset resolved against `schemas` (None: not known), and the problems found in doing so."""
        asset = self._loaded.assets[key]
        return self._resolved(asset, self._key(asset, schemas), schemas)

    def _resolved(self, asset: Asset, place: bytes, schemas: Schemas) -> tuple[Resolved, tuple[Problem, ...]]:
        outcome = self._memory.get(place)
        if outcome is None:
            hit = self._cache.get_many([place]).get(place)
            outcome = hit if isinstance(hit, Outcome) else self._resolve(asset, schemas, place)
            self._memory[place] = outcome
        return _whole(asset, outcome), outcome.problems

    def resolve_all(self, state: State | None) -> tuple[Resolutions, tuple[Problem, ...]]:
        """Resolve every asset in build order, each against what its upstreams now promise to look like.

        A problem counts only if it follows from columns that are certain: a source may have been delivered anew, with
        just the column that its reader was edited to read. Such a reader is resolved again when it is built.
        """
        digest = self._situation(state)
        environment = "" if state is None else state.environment
        stored = stored_resolutions(self._cache, environment, digest) if digest else None
        if stored is not None:
            return self._from_stored(stored, state), ()
        resolved, places, problems = self._resolve_each(state)
        found = Resolutions.of({key: resolved[key] for key in self._loaded.require_some_graph().order})
        if digest and places:
            store_resolutions(self._cache, environment, digest, found, places)
        return found, problems

    def _situation(self, state: State | None) -> str:
        """Return the digest of all that resolving follows from, or nothing where it may not do so twice."""
        if not self._loaded.digest:
            return ""
        notable = self._loaded.notable().values()
        python = [self._python.define(asset) for asset in notable if asset.python is not None]
        return situation_digest(self._loaded.digest, self._settings, self.identities, python, state)

    def _from_stored(self, stored: StoredResolutions, state: State | None) -> Resolutions:
        assets = self._loaded.assets

        def some(keys: Collection[AssetKey]) -> dict[AssetKey, Resolved]:
            if isinstance(assets, Later):
                assets.prefetch(keys)
            hits = self._cache.get_many(stored.places[key] for key in keys)
            found = {key: hits.get(stored.places[key]) for key in keys}
            return {key: _whole(assets[key], hit) for key, hit in found.items() if isinstance(hit, Outcome)}

        outlines = stored.outlines()
        return Resolutions(outlines, Later(outlines, some, lambda: self._resolve_each(state)[0]))

    def _resolve_each(
        self, state: State | None
    ) -> tuple[dict[AssetKey, Resolved], dict[AssetKey, bytes], tuple[Problem, ...]]:
        """Return the assets resolved, the cache key of each, and the problems that are certain."""
        schemas: dict[AssetKey, SchemaColumns | None] = {}
        resolved: dict[AssetKey, Resolved] = {}
        places: dict[AssetKey, bytes] = {}
        doubtful: list[AssetKey] = []
        graph = self._loaded.require_some_graph()
        for generation in graph.generations():
            assets = [(self._loaded.assets[key], self._key(self._loaded.assets[key], schemas)) for key in generation]
            self._fetch(assets, schemas)
            for asset, place in assets:
                key = asset.key
                places[key] = place
                resolved[key], found = self._resolved(asset, place, schemas)
                doubtful += [key] if found else []
                schemas[key] = known_schema(resolved[key], state)
        if self._crew is not None:
            self._crew.dismiss()
        problems: list[Problem] = []
        certain = self._certain_schemas(resolved, state) if doubtful else {}
        for key in doubtful:
            resolved[key], found = self.resolve(key, certain)
            problems += found
        return resolved, {} if doubtful else places, tuple(problems)

    def _fetch(self, assets: Sequence[tuple[Asset, bytes]], schemas: Schemas) -> None:
        """Look many assets up at once, none of which reads another, and let the crew share what is not known yet."""
        unknown = {place: asset for asset, place in assets if place not in self._memory}
        for place, hit in self._cache.get_many(unknown).items():
            if isinstance(hit, Outcome):
                self._memory[place] = hit
                del unknown[place]
        if self._crew is None:
            return
        tasks = [self._task(asset, place, schemas) for place, asset in unknown.items() if asset.sql is not None]
        for own, *_ in self._crew.share("resolve", tasks, self._cache.adopt):
            assert isinstance(own, bytes)
            self._memory[own] = self._resolve(unknown[own], schemas, own)
        self._crew.collect()

    def _task(self, asset: Asset, place: bytes, schemas: Schemas) -> tuple[object, ...]:
        names = self._loaded.references.get(asset.key, ())
        seen = {up: schemas.get(up) for up in (AssetKey(name.lstrip("?")) for name in names)}
        return place, asset, names, self._loaded.origins[asset.key], seen, self.identities

    def _certain_schemas(self, resolved: Mapping[AssetKey, Resolved], state: State | None) -> Schemas:
        """Return for each asset the columns that its next version has for certain, or None.

        They are those of its data where nothing at or above it changed, else what its SQL gives over certain inputs.
        """
        certain: dict[AssetKey, SchemaColumns | None] = {}
        settled: set[AssetKey] = set()
        graph = self._loaded.require_some_graph()
        for key in graph.order:
            published = None if state is None else state.published.get(key)
            unchanged = state is not None and published is not None and _is_unchanged(resolved[key], published, state)
            if published is not None and unchanged and settled.issuperset(graph.upstream[key]):
                settled.add(key)
                certain[key] = published.schema
            elif self._loaded.assets[key].sql is not None:
                certain[key] = self.resolve(key, certain)[0].definition.schema
            else:
                certain[key] = None
        return certain

    def analysis(self, key: AssetKey, schemas: Schemas) -> Analysis | None:
        """Return the full analysis of a SQL asset (positions and column lineage), or None for any other asset."""
        asset = self._loaded.assets[key]
        if asset.sql is None:
            return None
        place = cache_key("analysis", self._key(asset, schemas))
        if place not in self._analyses:
            hit = self._cache.get_many([place]).get(place)
            self._analyses[place] = hit if isinstance(hit, Analysis) else self._analyse(asset, schemas, place)
        return self._analyses[place]

    def _key(self, asset: Asset, schemas: Schemas) -> bytes:
        names = self._loaded.references.get(asset.key, ())
        names += tuple(upstream for _, sources in asset.lineage for upstream, _ in sources)
        seen = [(name, schemas.get(AssetKey(name.lstrip("?")))) for name in names]
        variables = sorted(self._loaded.config.variables.items())
        python = self._python.define(asset) if asset.python is not None else None
        origins = self._loaded.origins[asset.key]
        named = tuple((n, it) for n in names if (it := self.identities.get(AssetKey(n.lstrip("?")))))
        return cache_key(
            "resolved",
            named,
            asset.key,
            origins,
            seen,
            variables if asset.sql and "$" in asset.sql else (),
            self._settings,
            python,
        )

    def _analyse(self, asset: Asset, schemas: Schemas, place: bytes) -> Analysis:
        from headwater.lineage import analyse_sql

        assert asset.sql is not None, "only SQL assets are analysed"
        tables = {name: schemas.get(AssetKey(name)) for name in self._loaded.references[asset.key] if name[0] != "?"}
        known = {name: s for name, s in tables.items() if s is not None}
        analysis = analyse_sql(asset.sql, asset.dialect, known, identities=self._by_name())
        self._cache.put(place, analysis)
        return analysis

    def _by_name(self) -> dict[str, str]:
        return {str(key): name for key, name in self.identities.items()}

    def _resolve(self, asset: Asset, schemas: Schemas, place: bytes) -> Outcome:
        if asset.sql is not None:
            definition, problems = self._define_sql(asset, schemas)
        elif asset.python is not None:
            definition, problems = self._python.define(asset), lineage_problems(asset, schemas)
        else:
            definition, problems = Definition("", config_hash(asset, self.identities), self._settings), []
        check_reads, check_problems = self._check_reads(asset, definition, schemas)
        outcome = Outcome(definition, _checks_id(asset, self.identities), check_reads, (*problems, *check_problems))
        self._cache.put(place, outcome)
        return outcome

    def _define_sql(self, asset: Asset, schemas: Schemas) -> tuple[Definition, list[Problem]]:
        try:
            analysis = self.analysis(asset.key, schemas)
        except SqlError as error:
            return Definition("", "", self._settings), [sql_problem(asset, error)]
        assert analysis is not None, "the asset has SQL"
        problems = [text_problem(asset, problem) for problem in analysis.problems]
        problems += refusals(asset, analysis)
        if asset.partitions:
            from headwater.runtime.partition_zones import zone_problems

            types = {up: {c.lower(): kind for c, kind in known} for up, known in schemas.items() if known is not None}
            problems += zone_problems(asset, analysis, types, self._loaded.config.timezone)
        parameters, more = self._parameters(asset, analysis)
        outputs = analysis.outputs
        schema = None if outputs is None else stored_columns(outputs)
        problems += more + contract_problems(asset, schema)
        volatility, because = analysis.volatility, "it calls a function whose result is not determined by its inputs"
        if asset.volatile is not None:
            volatility = "VOLATILE" if asset.volatile else "STABLE" if volatility == "VOLATILE" else volatility
            because = "it is declared volatile"
        grain = asset.clock if volatility == "CLOCK" else ""
        # Case is nothing to the engine, but a file shows the names of its columns as they are written. Where the data
        # names them (PIVOT), a part of each may be written anywhere in the text.
        names = (asset.sql or "",) if schema is None else tuple(name for name, _ in schema)
        header = names if asset.kind == "file" else ()
        definition = Definition(
            logic=analysis.definition_hash,
            config=tagged_hash("sql-config", (config_hash(asset, self.identities), asset.dialect, grain, header)),
            settings=self._settings,
            parameters=parameters,
            reads=self._reads(asset, analysis),
            schema=schema,
            volatility=volatility,
            volatile_because=because if volatility == "VOLATILE" else "",
            order_dependent=analysis.order_dependent,
        )
        return definition, problems

    def _reads(self, asset: Asset, analysis: Analysis) -> tuple[ReadSet, ...]:
        """Return what is read, conditions with the values of the project's variables in them.

        Parameters of a partition stay, as each has its own; where a mapping already says which partitions of the
        upstream each reads, a condition with them is left out.
        """
        variables = self._loaded.config.variables
        own = partition_parameters(asset)

        def text_of(name: str) -> str:
            known = name.removeprefix("vars.")
            return sql_literal(variables[known]) if name.startswith("vars.") and known in variables else f"${name}"

        found = []
        for read in analysis.reads:
            condition = None if read.filter is None else bound(read.filter, text_of)
            left = parameters_of(condition)
            mapped = left and asset.mapping_of(AssetKey(read.table.lower())) is not None
            found.append(replace(read, filter=None if mapped or not left <= own else condition))
        return merge_reads(tuple(found))

    def _parameters(self, asset: Asset, analysis: Analysis) -> tuple[tuple[tuple[str, str], ...], list[Problem]]:
        """Return the values of `$vars.name` as recorded, and a problem for each name that the project lacks."""
        values: list[tuple[str, str]] = []
        problems: list[Problem] = []
        variables, own = self._loaded.config.variables, partition_parameters(asset)
        for name in analysis.parameters:
            known = name.removeprefix("vars.")
            if name.startswith("vars.") and known in variables:
                values.append((name, json.dumps(variables[known])))
                continue
            if name in own:
                continue
            close = difflib.get_close_matches(name, [*(f"vars.{v}" for v in variables), *sorted(own)], n=1)
            remedy = f"Did you mean ${close[0]}?" if close else "Add it to [vars] in headwater.toml."
            if name.split(".")[0] in ("partition", "start", "end", "start_at", "end_at"):
                if not own and any(field == "partitions" for field, _ in asset.lines):
                    continue  # they are declared, and what is wrong with them is said there
                known = ", ".join(f"${it}" for it in sorted(own))
                remedy = f"Its partitions have {known}." if own else "Declare `partitions`."
            start = next((e.start for e in analysis.edits if e.kind == "PARAMETER" and e.name == name), 0)
            line = asset.sql_line + (asset.sql or "").count("\n", 0, start)
            problems.append(Problem(asset.location.file, line, f"the parameter ${name} is unknown.", remedy, asset.key))
        return tuple(values), problems

    def _check_reads(
        self, asset: Asset, definition: Definition, schemas: Schemas
    ) -> tuple[tuple[ReadSet, ...], list[Problem]]:
        """Return what the checks read of other assets, with a problem for each column that is not there."""
        if not asset.checks:
            return (), []
        from headwater.checks.scan import check_columns, check_tables

        own = definition.schema
        names = [name.lstrip("?") for name in self._loaded.references.get(asset.key, ())]
        others = {name: schema for name in names if (schema := schemas.get(AssetKey(name))) is not None}
        reads: list[ReadSet] = []
        problems: list[Problem] = []
        for check in asset.checks:
            problems += missing_columns(asset, check, check_columns(check), own, asset.key)
            for table, columns in check_tables(check):
                reads.append(ReadSet(table.lower(), None if columns is None else tuple(sorted(columns))))
                other = schemas.get(AssetKey(table.lower()))
                problems += missing_columns(asset, check, columns or (), other, table)
            analysis, sql_problems = query_analysis(asset, check, others, own)
            if analysis is not None:
                reads += [read for read in merge_reads(analysis.reads) if read.upstream not in (THIS, asset.key)]
            problems += sql_problems + expression_problems(asset, check, own)
        return merge_read_sets(reads), problems


def _whole(asset: Asset, outcome: Outcome) -> Resolved:
    return Resolved(asset, outcome.definition, outcome.checks_id, outcome.check_reads)


def partition_parameters(asset: Asset) -> frozenset[str]:
    """Return the names after `$` that have a value for each partition of an asset; none where it is unpartitioned."""
    if not asset.partitions:
        return frozenset()
    from headwater.assets.partitions import Windows

    names = [name for name, _ in asset.partitions]
    times = [name for name, dimension in asset.partitions if isinstance(dimension, Windows)]
    ends = ("start", "end", "start_at", "end_at")
    found = {f"partition.{name}" for name in names} | {f"{end}.{name}" for name in times for end in ends}
    found |= {"partition"} if len(names) == 1 else set()
    return frozenset(found | (set(ends) if len(times) == 1 else set()))


def stored_columns(outputs: Sequence[OutputColumn]) -> SchemaColumns:
    """Return the columns of the table that is made of a query: names of their own, also where outputs share one."""
    names = distinct_names([output.name for output in outputs])
    return tuple((name, output.type) for name, output in zip(names, outputs, strict=True))


def known_schema(resolved: Resolved, state: State | None) -> SchemaColumns | None:
    """Return the columns that readers may count on: those of the data where it is today's, else the inferred ones."""
    inferred = resolved.definition.schema
    standing = None if state is None else state.published.standings.get(resolved.asset.key)
    as_inferred = "" if inferred is None else shape_of(resolved.definition.hash, inferred)
    if standing is not None and standing.shape == as_inferred:
        return inferred  # the data has just these columns, and nobody has to read its record for it
    published = None if state is None else state.published.get(resolved.asset.key)
    if published is not None and (inferred is None or published.definition_hash == resolved.definition.hash):
        return published.schema
    if resolved.asset.is_external:
        return published.schema if published is not None else None
    return inferred


def _is_unchanged(resolved: Resolved, published: VersionRecord, state: State) -> bool:
    """Return whether an asset itself, apart from what it reads, is as it was when `published` was made."""
    if published.definition_hash != resolved.definition.hash:
        return False
    source = state.sources.get(resolved.asset.key)
    return not resolved.asset.is_external or (source is not None and source.changed is False)


def merge_reads(reads: tuple[Read, ...]) -> tuple[ReadSet, ...]:
    """Return one read set for each upstream, over all references to it."""
    return merge_read_sets(
        [
            ReadSet(r.table.lower(), None if r.columns is None else tuple(r.columns), r.reason, condition=r.filter)
            for r in reads
        ]
    )


def merge_read_sets(reads: list[ReadSet]) -> tuple[ReadSet, ...]:
    """Return one read set for each upstream, sorted: the union of what its references see.

    That is the union of columns, or ALL where one of them is ALL, of the rows that meet any of the conditions, or of
    all rows where one reference has none.
    """
    merged: dict[str, list[ReadSet]] = {}
    for read in reads:
        merged.setdefault(read.upstream, []).append(read)
    return tuple(_union(merged[name]) for name in sorted(merged))


def _union(reads: list[ReadSet]) -> ReadSet:
    """Return what several references to one upstream see together."""
    columns: tuple[str, ...] | None = None
    if all(read.columns is not None for read in reads):
        columns = tuple(sorted({name for read in reads for name in read.columns or ()}))
    conditions = sorted({read.condition for read in reads if read.condition is not None})
    narrowed = all(read.condition is not None for read in reads)
    joined = conditions[0] if len(conditions) == 1 else " OR ".join(f"({condition})" for condition in conditions)
    reason = next((read.reason for read in reads if read.reason), None)
    return replace(reads[0], columns=columns, reason=reason, condition=joined if narrowed else None)


def _checks_id(asset: Asset, identities: Mapping[AssetKey, str]) -> str:
    """Hash what decides a verdict: the checks, and the contract's columns and types."""
    if not asset.checks and not any(True for _ in asset.declared_types()):
        return "none"
    from headwater.checks.identity import checks_identity

    return tagged_hash(
        "checks",
        (
            tuple(asset.declared_types()),
            checks_identity(asset.checks, {str(key): name for key, name in identities.items()}),
        ),
    )
