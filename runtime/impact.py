"""`impact`: what a change to an asset or a column would do downstream, before anyone makes it. Informs, never decides.

Reads decide who is touched, column lineage which columns of theirs are. What breaks is found by resolving each reader
against the columns as they would be: the very errors that `validate` would report, at their lines. Then each query is
put to the engine, over empty tables in memory. The warehouse is never opened.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from headwater.assets.asset import Asset
from headwater.assets.errors import Problem, RequestError
from headwater.assets.key import AssetKey
from headwater.lineage.column_graph import ColumnGraph, column_name
from headwater.lineage.schema import SchemaColumns
from headwater.lineage.touch import Cause, Columns, Touch, touch_of
from headwater.runtime.column_lineage import KnownProject, Spelling, column_graph, named_column, resolve_project
from headwater.runtime.impact_bind import Retyping
from headwater.runtime.impact_checks import check_findings, typed
from headwater.runtime.impact_model import Change, Impact, ImpactReport, Outcome
from headwater.runtime.impact_own import checks_naming, own_problems
from headwater.runtime.linking import place_of_check, place_of_read
from headwater.runtime.workspace import Workspace

Schemas = Mapping[AssetKey, SchemaColumns | None]
_NO_CODE = re.compile(r"--[^\n]*|/\*.*?\*/|'[^']*'", re.DOTALL)
_Verdict = tuple[Outcome, str, tuple[Problem, ...]]


def impact_report(workspace: Workspace, environment: str, change: Change) -> ImpactReport:
    """Return what `change` would do. Raises RequestError for a column that is not there, and a change that is none."""
    assets = workspace.loaded.require_graph()
    project = resolve_project(workspace, environment)
    below = assets.descendants([change.asset])
    order = [key for key in assets.order if key in below]
    graph = column_graph(project, order)
    change = _sound(project, graph, change)
    spelled = Spelling(project)
    reads: dict[AssetKey, dict[AssetKey, Columns]] = {
        key: {
            it.upstream: None if it.columns is None else frozenset(spelled(it.upstream, c) for c in it.columns)
            for it in project.reads(key)
        }
        for key in order
    }
    start: Columns = None if change.column is None else frozenset([spelled(change.asset, change.column)])
    found = {change.asset: Touch(start)}
    trial = _Trial(project, change, found)
    impacts: list[Impact] = []
    try:
        for key in order:
            if key == change.asset:
                continue
            if (touch := touch_of(key, found, reads, graph)) is not None:
                found[key] = touch
            impacts.append(trial.judge(key))
            if touch is None and impacts[-1].outcome != "UNTOUCHED":
                found[key] = Touch(None, impacts[-1].causes)  # what it comes to may be anything
        by_checks = [trial.judge_checks(key) for key in assets.order if key != change.asset and key not in found]
        own = trial.own()
    finally:
        trial.retyping.close()
    checked = {it.asset: it for it in by_checks if it is not None}
    listed = {it.asset: checked.get(it.asset, it) for it in impacts} | checked
    return ImpactReport(change, own, tuple(listed[key] for key in assets.order if key in listed))


def _sound(project: KnownProject, graph: ColumnGraph, change: Change) -> Change:
    """Return `change` with its column as the asset spells it. Raises RequestError where it makes no sense."""
    if change.column is None:
        if change.kind == "RETYPE":
            raise RequestError("Only a column has a type.", f"Name one: {change.asset}.COLUMN.")
        if change.kind == "RENAME" and (new := AssetKey.parse(str(change.to))) in project.resolved:
            raise RequestError(f"There is an asset {new} already.", "Choose another name.")
        return change
    names = graph.columns(change.asset)
    column = column_name(named_column(project, graph, change.asset, change.column))
    if change.kind == "RENAME" and not str(change.to).strip():
        raise RequestError("A column has a name.", "Say which: --rename NAME.")
    if change.kind == "RENAME" and any(name.lower() == str(change.to).lower() for name in names if name != column):
        raise RequestError(f"{change.asset} has a column {change.to!r} already.", "Choose another name.")
    return Change(change.asset, column, change.kind, change.to)


@dataclass(slots=True)
class _Trial:
    """The project as it would be: `after` are the columns of each asset, as far as the change has been followed."""

    project: KnownProject
    change: Change
    found: Mapping[AssetKey, Touch]
    after: dict[AssetKey, SchemaColumns | None] = field(init=False)
    halted: set[AssetKey] = field(default_factory=set)  # what breaks, and what waits for it
    retyping: Retyping = field(init=False)
    new_type: str | None = field(init=False, default=None)  # as the engine spells it

    def __post_init__(self) -> None:
        self.after = dict(self.project.schemas)
        self.retyping = Retyping(self.project)
        change, known = self.change, self.project.schemas[self.change.asset]
        if change.kind == "RETYPE":
            self.new_type = self.retyping.type_name(str(change.to))
            if self.new_type is None:
                remedy = "Write a type of the engine, such as decimal(18,2)."
                raise RequestError(f"{change.to!r} is not a type.", remedy)
        if change.column is None or known is None:
            return
        if change.kind == "DROP":
            self.after[change.asset] = tuple(it for it in known if it[0] != change.column)
        elif change.kind == "RENAME":
            self.after[change.asset] = tuple((str(change.to), t) if n == change.column else (n, t) for n, t in known)
        elif change.kind == "RETYPE":
            self.after[change.asset] = tuple((n, self.new_type) if n == change.column else (n, t) for n, t in known)

    def judge(self, key: AssetKey) -> Impact:
        """Return what the change means for one asset; those that it reads have been judged before."""
        touch = self.found.get(key)
        if touch is None:
            touch = Touch(None, self._differing(key))
            verdict = self._in_name(key, touch.causes) if touch.causes else None
            if verdict is None:
                return Impact(key, "UNTOUCHED", self._proof(key))
        else:
            verdict = self._verdict(key, touch)
        outcome, message, places = self._with_checks(key, verdict)
        if outcome in ("BREAKS", "MAY_BREAK"):
            self.halted.add(key)
        asset = self.project.resolved[key].asset
        columns = None if touch.columns is None else tuple(sorted(touch.columns))
        return Impact(key, outcome, message, touch.causes, columns, places, *_named(asset, touch.columns))

    def judge_checks(self, key: AssetKey) -> Impact | None:
        """Return what the change means for an asset of which only the checks read what it touches, or None."""
        resolved = self.project.resolved[key]
        hits = [it for it in resolved.check_reads if self._sees(AssetKey(it.upstream), it.columns)]
        if not hits:
            return None
        causes = tuple(Cause(AssetKey(it.upstream), it.columns) for it in hits)
        if (gone := self._reads_what_is_gone(key)) is not None:
            return Impact(key, "BREAKS", gone.message, causes, places=(gone,))
        problems = self._new_problems(key)
        if problems:
            return Impact(key, "BREAKS", problems[0].message, causes, places=problems)
        message = f"only its checks read {_said(causes)}: its verdict is given again, its data is as it was."
        outcome, message, places = self._with_checks(key, ("MAY_CHANGE", message, ()))
        return Impact(key, outcome, message, causes, places=places)

    def own(self) -> Impact:
        """Return what the change means for the asset itself: its contract and its checks."""
        asset = self.project.resolved[self.change.asset].asset
        column = self.change.column
        touched_columns: Columns = None if column is None else frozenset([column])
        places = own_problems(asset, self.change, self.project.schemas[asset.key], self.after[asset.key], self.retyping)
        gone = column is None and self.change.kind in ("DROP", "RENAME")
        message = "it would no longer be declared." if gone else "it is what would change."
        message = places[0].message if places else message
        outcome: Outcome = "BREAKS" if places else "MAY_CHANGE" if asset.is_external else "STALE"
        outcome, message, places = self._with_checks(asset.key, (outcome, message, places))
        columns = None if column is None else (column,)
        return Impact(asset.key, outcome, message, (), columns, places, *_named(asset, touched_columns))

    def _with_checks(self, key: AssetKey, verdict: _Verdict) -> _Verdict:
        """Return the verdict, or a worse one where a check cannot be evaluated with the new types, or may not be."""
        if self.change.kind != "RETYPE" or verdict[0] == "BREAKS":
            return verdict
        asset = self.project.resolved[key].asset
        before = dict(self.project.schemas)
        if typed(before[key]) is None and asset.checks:
            before[key] = self.retyping.columns(asset, before) or before[key]
        after = dict(self.after)
        if after[key] == self.project.schemas[key]:
            after[key] = before[key]
        if self.project.schemas[self.change.asset] is None:
            after[self.change.asset] = ((str(self.change.column), self.new_type),)
        found = check_findings(asset, before, after, self.retyping)
        if found.broken:
            return "BREAKS", found.broken[0].message, found.broken
        if found.doubtful and verdict[0] != "MAY_BREAK":
            return "MAY_BREAK", found.doubtful[0].message, found.doubtful
        return verdict

    def _verdict(self, key: AssetKey, touch: Touch) -> _Verdict:
        asset = self.project.resolved[key].asset
        if (gone := self._reads_what_is_gone(key)) is not None:
            return "BREAKS", gone.message, (gone,)
        differing = [c for c in touch.causes if self._differs(c.upstream)]
        by_checks = any(self._differs(AssetKey(it.upstream)) for it in self.project.resolved[key].check_reads)
        problems = self._new_problems(key) if differing or by_checks else ()
        if problems:
            return "BREAKS", problems[0].message, problems
        if differing:
            verdict = self._python(differing) if asset.sql is None else self._sql(asset, differing)
            if verdict is not None:
                return verdict
        waits = [cause.upstream for cause in touch.causes if cause.upstream in self.halted]
        if waits:
            return "MAY_CHANGE", f"it waits for {waits[0]}, and for how that is mended.", ()
        return "MAY_CHANGE", f"reads {_said(touch.causes)}; it is built again if that differs in fact.", ()

    def _differing(self, key: AssetKey) -> tuple[Cause, ...]:
        """Return the upstreams of an asset whose columns would be others."""
        upstreams = dict.fromkeys(read.upstream for read in self.project.reads(key))
        named = (str(self.change.column),)
        return tuple(
            Cause(upstream, named if upstream == self.change.asset else None)
            for upstream in upstreams
            if self._differs(upstream)
        )

    def _in_name(self, key: AssetKey, causes: tuple[Cause, ...]) -> _Verdict | None:
        """Judge an asset whose result takes nothing from what changes: its text may name it, or count columns.

        `with c as (select a, b from t) select a from c` needs no value of `b`, and does not bind without it.
        """
        asset = self.project.resolved[key].asset
        if asset.sql is None:
            return None
        problems = self._new_problems(key)
        if problems:
            return "BREAKS", problems[0].message, problems
        if any(self.project.schemas[cause.upstream] is None for cause in causes):
            return None
        before = self.project.resolved[key].definition
        if self.change.kind == "RETYPE":
            bound = self.retyping.bind(asset, self.after)
            if bound is not None and bound.problem is not None:
                return "BREAKS", "its query no longer binds with the new type.", (bound.problem,)
            if bound is not None and bound.columns != self.project.schemas[key]:
                self.after[key] = bound.columns
                return "STALE", "its columns get other types.", ()
            return None
        if (refused := self._refused(asset)) is not None:
            return refused
        now = self.project.workspace.definer.resolve(key, self.after)[0].definition
        self._follow(key, now.schema)
        if now.hash == before.hash and now.reads == before.reads:
            return None
        return "STALE", f"it still resolves, and means something else with the columns of {causes[0].upstream}.", ()

    def _reads_what_is_gone(self, key: AssetKey) -> Problem | None:
        """Return the place where an asset, or a check of it, names the changed asset, if that would be gone."""
        upstream = self.change.asset
        if self.change.column is not None or self.change.kind not in ("DROP", "RENAME"):
            return None
        resolved = self.project.resolved[key]
        if any(read.upstream == upstream for read in resolved.definition.reads):
            place, message = place_of_read(resolved.asset, upstream), f"it reads {upstream}."
        elif any(read.upstream == upstream for read in resolved.check_reads):
            place, message = place_of_check(resolved.asset, upstream), f"its checks read {upstream}."
        else:
            return None
        return Problem(place.file, place.line, message, asset=key)

    def _differs(self, upstream: AssetKey) -> bool:
        """Return whether an upstream would have other columns, or may have: they are not known."""
        of_unknown = upstream == self.change.asset and self.project.schemas[upstream] is None
        return self.after[upstream] != self.project.schemas[upstream] or (
            of_unknown and self.change.kind in ("DROP", "RENAME", "RETYPE")
        )

    def _sql(self, asset: Asset, differing: list[Cause]) -> _Verdict | None:
        key = asset.key
        if any(self.project.schemas[cause.upstream] is None for cause in differing):
            return self._sql_over_unknown(asset, differing)
        if self.change.kind == "RETYPE":
            return self._retyped(asset, differing)
        if (refused := self._refused(asset)) is not None:
            return refused
        before = self.project.resolved[key].definition
        now = self.project.workspace.definer.resolve(key, self.after)[0].definition
        self._follow(key, now.schema)
        all_columns = {read.upstream for read in self.project.reads(key) if read.columns is None}
        if (
            now.hash != before.hash
            or now.reads != before.reads
            or not all_columns.isdisjoint(self._upstreams(differing))
        ):
            names = ", ".join(self._upstreams(differing))
            return "STALE", f"it still resolves, but which columns {names} has decides what it means.", ()
        return None

    def _refused(self, asset: Asset) -> _Verdict | None:
        """Return a verdict where a query resolves, and the engine would not have it: a name may have two meanings."""
        bound = self.retyping.bind(asset, self.after)
        if bound is None or bound.problem is None:
            return None
        return "BREAKS", "its query would no longer bind.", (bound.problem,)

    @staticmethod
    def _upstreams(causes: list[Cause]) -> tuple[AssetKey, ...]:
        return tuple(dict.fromkeys(cause.upstream for cause in causes))

    def _sql_over_unknown(self, asset: Asset, differing: list[Cause]) -> _Verdict:
        said = _said(tuple(differing))
        if self.change.kind == "RETYPE":
            return "MAY_BREAK", f"reads {said}, whose columns are not known before it is built.", ()
        by_name = [read for read in self.project.reads(asset.key) if read.upstream == self.change.asset]
        if any(read.columns is None for read in by_name):
            message = f"it reads all columns of {self.change.asset}, which are not known before it is built."
            return "MAY_BREAK", message, ()
        line = _line_of_name(asset, str(self.change.column)) or place_of_read(asset, self.change.asset).line
        problem = Problem(asset.location.file, line, f"its query names {said}.", asset=asset.key)
        return "BREAKS", problem.message, (problem,)

    def _retyped(self, asset: Asset, differing: list[Cause]) -> _Verdict:
        said = _said(tuple(differing))
        bound = self.retyping.bind(asset, self.after)
        if bound is None:
            message = f"reads {said}; whether it binds with the new type cannot be told before it is built."
            return "MAY_BREAK", message, ()
        if bound.problem is not None:
            return "BREAKS", "its query no longer binds with the new type.", (bound.problem,)
        self.after[asset.key] = bound.columns
        wrong = own_problems(asset, self.change, self.project.schemas[asset.key], bound.columns, self.retyping)
        if wrong:
            return "BREAKS", wrong[0].message, wrong
        return "STALE", f"reads {said}, whose type changes.", ()

    def _python(self, differing: list[Cause]) -> _Verdict:
        said = _said(tuple(differing))
        return "MAY_BREAK", f"a function takes {said}; what it does with it cannot be told without calling it.", ()

    def _follow(self, key: AssetKey, now: SchemaColumns | None) -> None:
        """Note the columns that an asset would have, with today's types where the names stay."""
        before = dict(self.project.schemas[key] or ())
        if now is None or [name for name, _ in now] != [*before]:
            self.after[key] = None if now is None else tuple((name, before.get(name, type_)) for name, type_ in now)

    def _new_problems(self, key: AssetKey) -> tuple[Problem, ...]:
        definer = self.project.workspace.definer
        known = set(definer.resolve(key, self.project.schemas)[1])
        found = (problem for problem in definer.resolve(key, self.after)[1] if problem not in known)
        return tuple(replace(problem, remedy="") for problem in found)  # a remedy is for who has made the mistake

    def _sees(self, upstream: AssetKey, columns: tuple[str, ...] | None) -> bool:
        touch = self.found.get(upstream)
        if touch is None:
            return False
        changed = None if touch.columns is None else {name.lower() for name in touch.columns}
        return changed is None or columns is None or not changed.isdisjoint(name.lower() for name in columns)

    def _proof(self, key: AssetKey) -> str:
        """Return why a reader of the changed asset, or of something below it, is not touched."""
        said = []
        for read in self.project.reads(key):
            if read.upstream in self.found:
                columns = ", ".join(read.columns or ()) or "the number of rows"
                said.append(f"{columns} of {read.upstream}")
        return f"reads only {'; '.join(said)}." if said else "nothing that it reads is touched."


def _line_of_name(asset: Asset, column: str) -> int | None:
    """Return the line of the file on which the query first has a column's name outside of comments and texts."""
    sql = _NO_CODE.sub(lambda it: re.sub(r"[^\n]", " ", it[0]), asset.sql or "")
    found = re.search(rf"(?<!\w){re.escape(column)}(?!\w)", sql, re.IGNORECASE)
    return None if found is None else asset.sql_line + sql.count("\n", 0, found.start())


def _said(causes: tuple[Cause, ...]) -> str:
    """Return what is read in one phrase: `amount, day of stg.orders`."""
    return "; ".join(
        f"the rows of {it.upstream}" if not it.columns else f"{', '.join(it.columns)} of {it.upstream}" for it in causes
    )


def _named(asset: Asset, columns: Columns) -> tuple[tuple[str, ...], tuple[str, ...], str | None]:
    """Return the checks that name one of `columns`, the declared columns among them, and the file that is written."""
    lower = None if columns is None else {name.lower() for name in columns}
    declared = tuple(it.name for it in asset.columns if lower is None or it.name.lower() in lower)
    return checks_naming(asset, lower), declared, asset.materialization.path
