"""One function per verb: what the command line, notebooks and other programs call."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from headwater.assets.asset import Asset
from headwater.assets.config import find_project, read_config
from headwater.assets.errors import Problem, RequestError
from headwater.assets.key import AssetKey
from headwater.lineage.graph import AssetGraph
from headwater.runtime.clock import to_iso
from headwater.runtime.freshness_view import FreshnessView, freshness_view, plan_forecast, survey_freshness
from headwater.runtime.model import (
    AssetLine,
    AssetStatus,
    EnvironmentLine,
    Explanation,
    LineageView,
    LogLine,
    Move,
    Plan,
    Progress,
    RunLine,
    RunResult,
    Status,
    StatusReport,
    StepLine,
    TagReport,
    VersionLine,
)
from headwater.runtime.plan import make_plan, with_forecast
from headwater.runtime.retiring import RETIRED, divide, retired
from headwater.runtime.workspace import Outside, Survey, Workspace

if TYPE_CHECKING:
    from headwater.lineage.audit import Report
    from headwater.lineage.exporters.chart import Scope
    from headwater.lineage.record import Entry
    from headwater.runtime.dynamic_keys import KeyChange
    from headwater.runtime.impact_model import ChangeKind, ImpactReport
    from headwater.runtime.promise import Unkept
    from headwater.runtime.state import DynamicKey

Selectors = str | Sequence[str]
_RETIRED = Status("RETIRED", (RETIRED,))
OnProgress = Callable[[Progress], None]


def load_project(path: str | Path = ".", *, require: bool = False, outside: Outside | None = None) -> Project:
    """Return the project at `path`, or above it.

    Problems of the declarations are in `errors`; with `require` they raise ProjectError. Raises RequestError where
    there is no project.
    """
    config = read_config(find_project(Path(path).resolve()))
    project = Project(Workspace(config, outside or Outside()))
    if require:
        project.workspace.loaded.require_graph()
    return project


def save_plan(plan: Plan, path: str | Path) -> None:
    """Write `plan` to a file as JSON, to be reviewed and then run. Raises RequestError where it cannot be written."""
    from headwater.runtime.saved_plan import write_plan

    write_plan(plan, Path(path))


def load_plan(path: str | Path) -> Plan:
    """Return the plan in a file, for `Project.run`. Raises RequestError where it is none, or was edited."""
    from headwater.runtime.saved_plan import read_plan

    return read_plan(Path(path))


class Project:
    """A loaded project. Each verb of the command line is a method; each reads the state anew."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.config = workspace.config

    @property
    def assets(self) -> Mapping[AssetKey, Asset]:
        """Every declared asset by key."""
        return self.workspace.loaded.assets

    @property
    def graph(self) -> AssetGraph:
        """What reads what. Raises ProjectError where the project has problems."""
        return self.workspace.loaded.require_graph()

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Every declaration error, in file order; empty for a sound project."""
        from headwater.runtime.validation import all_problems

        return all_problems(self.workspace)

    def status(
        self,
        select: Selectors = (),
        exclude: Selectors = (),
        env: str = "prod",
        observe: bool = False,
        verify_data: bool = False,
    ) -> StatusReport:
        """Return what is stale and why. `observe` takes changed sources in first; `verify_data` fingerprints all."""
        survey = (
            self._observed(env, None, verify_data) if observe else self.workspace.survey(env, verify_data=verify_data)
        )
        chosen = self._chosen(survey, select, exclude)
        freshness = survey_freshness(self.workspace, survey)
        lines = []
        for key in chosen:
            it, decision = freshness[key], survey.decisions[key]
            parts = None if decision.partitions is None else decision.partitions.line()
            dates = (it.deadline, it.latest_start, it.promised_by)
            note = _note(survey, key)
            lines.append(AssetStatus(key, decision.status, it.word, it.lag_seconds, parts, note, *dates))
        if not select and not exclude:
            lines += [AssetStatus(key, _RETIRED) for key in retired(survey.state, self.assets)]
        observed = tuple(sorted((o.source, o.at) for o in survey.state.observed.values() if o.source in self.assets))
        return StatusReport(env, to_iso(survey.now), tuple(lines), observed, survey.state.warehouse.findings)

    def freshness(self, asset: str, env: str = "prod") -> FreshnessView:
        """Return where the freshness requirement of `asset` comes from, with lag, deadline and latest start."""
        return freshness_view(self.workspace, self.workspace.survey(env), self._asset(asset))

    @property
    def warnings(self) -> tuple[Unkept, ...]:
        """Promises about freshness that history says cannot be kept; none while the assets make no graph."""
        graph = self.workspace.loaded.graph
        if graph is None or not any(asset.freshness for asset in self.workspace.loaded.notable().values()):
            return ()
        return plan_forecast(self.workspace, graph, graph.order, self.workspace.outside.now())[1]

    def ls(self, select: Selectors = (), exclude: Selectors = (), env: str = "prod") -> tuple[AssetLine, ...]:
        """Return the assets with kind, owner, status and file."""
        survey = self.workspace.survey(env)
        lines = []
        for key in self._chosen(survey, select, exclude):
            asset = self.assets[key]
            decision = survey.decisions[key]
            parts = None if decision.partitions is None else decision.partitions.line()
            about = (asset.location.file, asset.description, parts)
            lines.append(AssetLine(key, asset.kind, asset.owner, decision.status.word, *about))
        return tuple(lines)

    def plan(
        self,
        select: Selectors = (),
        exclude: Selectors = (),
        env: str = "prod",
        force: bool = False,
        verify_data: bool = False,
        progress: OnProgress | None = None,
        retire: bool = False,
        partitions: str | None = None,
    ) -> Plan:
        """Return what would be done and why. Sources that changed are taken in first, so that the plan is exact.

        With `retire`, assets that are no longer declared are dropped from view: all, or those that `select` names.
        `partitions` are those of partitioned assets that are asked for, such as `2024-01-01..2024-01-31`; by default
        all that need it.
        """
        survey = self._observed(env, progress, verify_data)
        survey.require_trusted_warehouse()
        made = self._plan_of(survey, select, exclude, force, retire, partitions)
        chosen = () if made.basis is None else made.basis.selected
        expected, warnings = plan_forecast(self.workspace, survey.graph, chosen, survey.now)
        return replace(with_forecast(made, survey.graph, expected), warnings=warnings)

    def run(
        self,
        plan: Plan | None = None,
        *,
        select: Selectors = (),
        exclude: Selectors = (),
        env: str = "prod",
        workers: int | None = None,
        fail_fast: bool = False,
        force: bool = False,
        verify_data: bool = False,
        progress: OnProgress | None = None,
        retire: bool = False,
        partitions: str | None = None,
    ) -> RunResult:
        """Carry out `plan`, or what a plan of the selection would say now, and return what became of each step.

        Ctrl-C ends it cleanly with the outcome CANCELLED. Raises RequestError, before any effect, where something that
        `plan` depends on is not as it was when it was made.
        """
        from headwater.runtime.doing import Doing

        def choose(survey: Survey) -> Plan:
            if plan is not None:
                self._require_unchanged(plan, survey)
                return plan
            return self._plan_of(survey, select, exclude, force, retire, partitions)

        environment = env if plan is None else plan.environment
        doing = Doing(self.workspace, environment, workers or _workers(), fail_fast, progress)
        # A plan that was made stands on what was taken in for it.
        return doing.run(choose, verify_data=verify_data, taken_in=() if plan is None else self.assets)

    def rollback(
        self,
        asset: str,
        to: str | int,
        env: str = "prod",
        *,
        why: str = "",
        workers: int | None = None,
        progress: OnProgress | None = None,
    ) -> RunResult:
        """Let readers see version `to` of `asset` again, redefine views over it, and hold the version that it leaves.

        What is held is neither shown nor built again in `env` while what it would be made from stays the same, until
        it is released. Raises RequestError, before any effect, where the version cannot be shown.
        """
        from headwater.runtime.doing import Doing
        from headwater.runtime.rollback import rollback_plan

        choose = rollback_plan(self.workspace, self._asset(asset), str(to), why)
        return Doing(self.workspace, env, workers or _workers(), False, progress).run(choose)

    def release(self, asset: str, env: str = "prod", *, why: str = "") -> tuple[int, ...]:
        """Lift the holds that rollbacks of `asset` placed in `env`; return the numbers of the versions.

        Raises RequestError where none is held.
        """
        from headwater.runtime.rollback import release

        return release(self.workspace, self._asset(asset), env, why)

    def environments(self) -> tuple[EnvironmentLine, ...]:
        """Return every environment, how many assets it shows, and how many of them as prod does."""
        from headwater.runtime.environments import environments

        return environments(self.workspace)

    def create_environment(self, name: str, source: str | None = None, suffix: str | None = None) -> Move:
        """Declare an environment in the project file, unless it is there; show what `source` shows, if given.

        `suffix` is that of its schemas, by default `__NAME`. Raises RequestError or ProjectError, and leaves the file
        as it was, where there cannot be such an environment; and RequestError where it shows something already.
        """
        from headwater.runtime.environments import declared, fill

        self.workspace = declared(self.workspace, name, suffix)
        self.config = self.workspace.config
        return Move(name, None) if source is None else fill(self.workspace, name, source)

    def promote(
        self, select: Selectors = (), exclude: Selectors = (), *, source: str, target: str = "prod", why: str = ""
    ) -> Move:
        """Let readers of `target` see the versions that `source` shows of a selection: all at once, or none.

        Nothing is computed. Raises RequestError, naming every asset in the way, where one would not be CURRENT there.
        Without a selection, everything that `source` shows is promoted.
        """
        from headwater.runtime.promote import promote

        return promote(
            self.workspace,
            lambda survey: self._chosen(survey, select, exclude),
            source,
            target,
            everything=not select,
            why=why,
        )

    def drop_environment(self, name: str, *, confirmed: bool = False) -> Move:
        """Drop the views and pointers of an environment, and free the stored data that nobody else uses.

        Raises RequestError for prod, and where it is not `confirmed` that its readers lose what they see.
        """
        from headwater.runtime.environments import drop

        return drop(self.workspace, name, confirmed=confirmed)

    def why(self, asset: str, env: str = "prod") -> Explanation:
        """Return every clause of the decision about `asset`, failing ones first, with the change itself.

        `mart.daily@2024-01-31` asks about one partition. Raises RequestError for a partition that there is not.
        """
        from headwater.runtime.explain import explain
        from headwater.runtime.slice_facts import StoredSliceFacts

        name, at, partition = asset.strip().partition("@")
        key = self._asset(name)
        with self.workspace.reader() as reader:
            survey = self.workspace.survey(env)
            if reader is not None:  # fingerprints of slices are looked up in it while the answer is made
                survey.state.facts = StoredSliceFacts(reader.connection)
            return explain(survey, key, reader, partition.strip() if at else None)

    def lineage(
        self,
        asset_or_column: str,
        upstream: bool = True,
        downstream: bool = True,
        depth: int | None = None,
        env: str = "prod",
        *,
        kinds: Collection[str] | None = None,
        direct: bool = False,
    ) -> LineageView:
        """Return where an asset's columns, or one of them, come from and go to, what it reads, and the assets around.

        `kinds` are transformations such as IDENTITY that columns are followed through (None: all); `direct` leaves
        out what only decides about values: conditions, window keys, filters, joins.
        """
        from headwater.lineage.column_graph import Only
        from headwater.runtime.lineage_view import Around, lineage_view

        key, column = self._asset_and_column(asset_or_column)
        only = Only(None if kinds is None else frozenset(kinds), indirect=not direct)
        return lineage_view(self.workspace, env, key, column, Around(upstream, downstream, depth, only))

    def columns(self, asset: str, env: str = "prod") -> tuple[str, ...]:
        """Return the columns of `asset` as far as they are known, in order, as they are spelled."""
        from headwater.runtime.column_lineage import resolve_project

        known = resolve_project(self.workspace, env).columns(self._asset(asset))
        return tuple(name for name, _ in known or ())

    def tagged(self, tag: str, asset_or_column: str | None = None, env: str = "prod") -> TagReport:
        """Return every column that carries `tag`, its own or from upstream, and the columns that anonymise it."""
        from headwater.runtime.lineage_view import tag_report

        key, column = (None, None) if asset_or_column is None else self._asset_and_column(asset_or_column)
        return tag_report(self.workspace, env, tag, key, column)

    def lineage_scope(self, env: str = "prod") -> Scope:
        """Return the whole project as a drawing takes it: assets, columns, and the edges among them."""
        from headwater.runtime.lineage_export import project_scope

        return project_scope(self.workspace, env)

    def openlineage(
        self,
        asset_or_column: str | None = None,
        upstream: bool = True,
        downstream: bool = True,
        depth: int | None = None,
        env: str = "prod",
        namespace: str | None = None,
    ) -> tuple[Mapping[str, object], ...]:
        """Return OpenLineage events (static: of no run) of the project, or of an asset and those around it.

        `namespace` is that of the datasets; by default it follows from the warehouse's path in the project file.
        """
        from headwater import __version__
        from headwater.runtime.lineage_export import export_events

        keys = None
        if asset_or_column is not None:
            view = self.lineage(asset_or_column, upstream, downstream, depth, env)
            keys = {view.asset, *(key for key, _ in view.kinds)}
        producer = f"https://headwater.invalid/headwater/{__version__}"
        return export_events(self.workspace, env, keys, producer, namespace)

    def impact(
        self,
        asset_or_column: str,
        kind: ChangeKind = "REDEFINE",
        to: str | None = None,
        env: str = "prod",
    ) -> ImpactReport:
        """Return what changing an asset or a column would do to each asset downstream, with the proof.

        `kind` is REDEFINE, DROP, RENAME or RETYPE; `to` is the new name or type. Nothing is changed.
        """
        from headwater.runtime.impact import impact_report
        from headwater.runtime.impact_model import Change

        key, column = self._asset_and_column(asset_or_column)
        return impact_report(self.workspace, env, Change(key, column, kind, to))

    def history(self, asset: str) -> tuple[VersionLine, ...]:
        """Return every version of `asset`, newest first, rejected ones too."""
        from headwater.runtime.past import history

        return history(self.workspace, self._known_asset(asset))

    def runs(self, limit: int = 20) -> tuple[RunLine, ...]:
        """Return the newest runs, newest first."""
        from headwater.runtime.past import runs

        return runs(self.workspace, limit)

    def show(self, run: str) -> tuple[RunLine, tuple[StepLine, ...]]:
        """Return a run and what each asset came to in it. A unique beginning of the id is enough."""
        from headwater.runtime.past import show

        return show(self.workspace, run)

    def logs(self, run: str, asset: str | None = None) -> tuple[LogLine, ...]:
        """Return what a run logged, about one asset or all."""
        from headwater.runtime.past import logs

        return logs(self.workspace, run, None if asset is None else AssetKey.parse(asset))

    def dynamic_keys(self, dimension: str) -> tuple[DynamicKey, ...]:
        """Return every key that the dynamic keys called `dimension` ever had, retired ones too."""
        from headwater.runtime.dynamic_keys import keys_of

        return keys_of(self.workspace, dimension)

    def add_partitions(self, dimension: str, keys: Sequence[str]) -> KeyChange:
        """Add keys to the dynamic keys called `dimension`, or bring retired ones back; it is recorded in the ledger."""
        from headwater.runtime.dynamic_keys import add_keys

        return add_keys(self.workspace, dimension, _texts(keys))

    def retire_partitions(self, dimension: str, keys: Sequence[str]) -> KeyChange:
        """Take keys off the dynamic keys called `dimension`. What was built for them stays, should they come back."""
        from headwater.runtime.dynamic_keys import retire_keys

        return retire_keys(self.workspace, dimension, _texts(keys))

    def audit_log(self, limit: int | None = None, asset: str | None = None) -> tuple[Entry, ...]:
        """Return ledger entries, newest first."""
        from headwater.runtime.past import audit_log

        return audit_log(self.workspace, limit, None if asset is None else AssetKey.parse(asset))

    def audit_verify(self, checkpoint: Path | None = None) -> Report:
        """Verify the whole ledger, and against a `checkpoint` file that an auditor kept, if given."""
        from headwater.runtime.past import audit_verify

        return audit_verify(self.workspace, checkpoint)

    def rebuild_ledger(self) -> int:
        """Make the projections anew from the ledger's entries. Returns the number of entries applied."""
        from headwater.runtime.past import rebuild_ledger

        return rebuild_ledger(self.workspace)

    def _observed(self, env: str, progress: OnProgress | None, verify_data: bool) -> Survey:
        """Return the project judged, after taking in every source whose free state says that it may have changed."""
        survey = self.workspace.survey(env, verify_sources=True, verify_data=verify_data)
        changed = [
            key
            for key, asset in self.workspace.loaded.notable().items()
            if asset.is_external and key in survey.state.observed and _may_have_changed(survey, key)
        ]
        if not changed:
            return survey
        from headwater.runtime.doing import Doing  # imports the engine: only where something is taken in

        result = Doing(self.workspace, env, _workers(), False, progress).run(
            lambda now: self._plan(now, tuple(k for k in now.graph.order if k in changed), False)
        )
        # Those that were taken in, also where their checks keep readers from them.
        taken_in = frozenset(step.asset for step in result.steps if step.outcome in ("OBSERVED", "BLOCKED"))
        return self.workspace.survey(env, verify_sources=True, verify_data=verify_data, taken_in=taken_in)

    def _plan(
        self,
        survey: Survey,
        selected: tuple[AssetKey, ...],
        force: bool,
        select: Selectors = (),
        exclude: Selectors = (),
        retire: Collection[AssetKey] = (),
        partitions: str | None = None,
    ) -> Plan:
        return make_plan(
            survey.graph,
            survey.resolved,
            survey.decisions,
            survey.state,
            selected,
            survey.now,
            force=force,
            suffix=self.workspace.suffix(survey.state.environment),
            select=_texts(select),
            exclude=_texts(exclude),
            retire=retire,
            only=partitions,
        )

    def _plan_of(
        self, survey: Survey, select: Selectors, exclude: Selectors, force: bool, retire: bool, partitions: str | None
    ) -> Plan:
        """Return the plan of a selection; with `retire`, plain names and globs may be those of retired assets."""
        gone = retired(survey.state, self.assets) if retire else ()
        if not gone:
            return self._plan(
                survey, self._chosen(survey, select, exclude), force, select, exclude, partitions=partitions
            )
        wanted, named = divide(_texts(select), self.assets, gone)
        unwanted, spared = divide(_texts(exclude), self.assets, gone)
        nothing = bool(select) and not wanted
        chosen = () if nothing else self._chosen(survey, wanted, unwanted)
        leaving = (named if select else set(gone)) - spared
        return self._plan(survey, chosen, force, select, exclude, leaving, partitions)

    def _require_unchanged(self, plan: Plan, survey: Survey) -> None:
        """Raise RequestError where something that `plan` depends on is not as it was."""
        from headwater.runtime.basis import Today, require_unchanged

        if plan.basis is not None:
            selected = tuple(key for key in plan.basis.selected if key in survey.resolved)
            today = Today(survey.graph, survey.resolved, survey.state, self.workspace.suffix(plan.environment))
            leaving = {step.asset for step in plan.steps if step.action == "RETIRE"}
            leaving.intersection_update(retired(survey.state, self.assets))
            require_unchanged(
                plan, today, self._plan(survey, selected, plan.force, retire=leaving, partitions=plan.only)
            )

    def _chosen(self, survey: Survey, select: Selectors, exclude: Selectors) -> tuple[AssetKey, ...]:
        from headwater.lineage.selection import Scope
        from headwater.lineage.selection import select as choose

        if not select and not exclude:
            return survey.graph.order
        statuses = {key: decision.status.word.lower() for key, decision in survey.decisions.items()}
        labels: dict[str, Mapping[AssetKey, str]] = {"status": statuses}
        if any("result:" in text for text in (*_texts(select), *_texts(exclude))):
            from headwater.runtime.past import last_results

            labels["result"] = last_results(self.workspace)
        return choose(Scope(self.assets, survey.graph, labels), _texts(select), _texts(exclude))

    def _asset(self, text: str) -> AssetKey:
        key, column = self._asset_and_column(text)
        if column is not None:
            raise RequestError(f"{text!r} names a column.", f"Name the asset: {key}.")
        return key

    def _asset_and_column(self, text: str) -> tuple[AssetKey, str | None]:
        """Split ASSET or ASSET.COLUMN, preferring the longest asset key."""
        self.workspace.loaded.require_graph()
        wanted = text.strip().lower()
        if wanted in self.assets:
            return AssetKey(wanted), None
        parent, _, column = wanted.rpartition(".")
        if parent in self.assets:
            return AssetKey(parent), column
        raise _unknown(text, self.assets)

    def _known_asset(self, text: str) -> AssetKey:
        """Return a key that is declared, or that the ledger knows from before."""
        from headwater.runtime.past import is_recorded, todays_name

        key = AssetKey.parse(text)
        if key not in self.assets:
            key = todays_name(self.workspace, key)
        if key in self.assets or is_recorded(self.workspace, key):
            return key
        raise _unknown(text, self.assets)


def _may_have_changed(survey: Survey, key: AssetKey) -> bool:
    """Return whether a source has to be taken in to know what its readers would see; of one with a file for each
    partition, also where files came or went."""
    status = survey.decisions[key].status
    if status.word == "PENDING" or not survey.resolved[key].asset.partitions:
        return status.word == "PENDING"
    codes = {reason.code for reason in status.reasons}
    about_files = {"PARTITION_ADDED", "INPUT_REMOVED", "INPUT_CHANGED", "UPSTREAM_MISSING"}
    return status.word == "STALE" and codes <= about_files


def _note(survey: Survey, key: AssetKey) -> str | None:
    """Return what a status leaves open, such as "up to row order"."""
    if survey.resolved.outlines[key].plain:
        return None
    resolved = survey.resolved[key]
    notes = []
    if resolved.definition.order_dependent:
        notes.append(f"up to row order: {'; '.join(resolved.definition.order_dependent)}")
    if resolved.asset.on_upstream_blocked == "use_last_good" and survey.decisions[key].status.word == "CURRENT":
        behind = [up for up in survey.graph.upstream[key] if survey.decisions[up].status.word != "CURRENT"]
        notes += [f"with the last good version of {up}" for up in behind]
    seen, source = survey.state.observed.get(key), resolved.asset.source
    if seen is not None and source is not None and resolved.asset.is_read_by_code and not source.observe:
        notes.append(f"as of {seen.at}, when it was last taken in")
    return "; ".join(notes) or None


def _unknown(text: str, assets: Mapping[AssetKey, Asset]) -> RequestError:
    import difflib

    close = difflib.get_close_matches(text.lower(), assets, n=1)
    return RequestError(
        f"No asset is called {text!r}.", f"Did you mean {close[0]}?" if close else "`headwater ls` lists them."
    )


def _texts(selectors: Selectors) -> tuple[str, ...]:
    return (selectors,) if isinstance(selectors, str) else tuple(selectors)


def _workers() -> int:
    return max(1, min(8, os.cpu_count() or 1))


def init_project(directory: Path) -> tuple[Path, ...]:
    """Write a small project that runs into `directory` and return its files, relative to it.

    Files that are there stay as they are. Raises RequestError where the folder holds a project already, or one of the
    files that would be written, before anything is written.
    """
    from headwater.demo import copy_example, example_files

    files = example_files("starter")
    taken = [path for path in files if (directory / path).exists()]
    if taken:
        raise RequestError(
            f"{directory / taken[0]} exists already.", "Choose an empty or a new folder: headwater init DIR."
        )
    copy_example("starter", directory)
    return files
