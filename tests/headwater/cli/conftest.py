"""A project that answers from memory, and a way to run one command against it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from headwater.assets.config import ProjectConfig
from headwater.assets.errors import Problem, ProjectError
from headwater.assets.key import AssetKey
from headwater.checks.check import CheckResult
from headwater.cli.main import run
from headwater.lineage.audit import Finding, Report
from headwater.lineage.column_graph import ColumnRef
from headwater.lineage.column_tags import CarriedTag, StoppedTag
from headwater.lineage.exporters.chart import Scope
from headwater.lineage.record import Actor, Entry
from headwater.lineage.touch import Cause
from headwater.runtime.impact_model import Change, Impact, ImpactReport
from headwater.runtime.model import (
    AssetLine,
    AssetStatus,
    Clause,
    ColumnLineage,
    Explanation,
    LineageView,
    LogLine,
    Plan,
    Progress,
    ReadLine,
    Reason,
    RunLine,
    RunResult,
    Status,
    StatusReport,
    Step,
    StepLine,
    StepResult,
    TagReport,
    VersionLine,
)

ORDERS, REVENUE, RAW = AssetKey("stg.orders"), AssetKey("mart.revenue"), AssetKey("raw.orders")
AT = "2026-11-20T08:00:00Z"
CHANGED = Reason("INPUT_CHANGED", "amount of stg.orders changed between v1 and v2.", ORDERS, ("amount",))
NEVER = Reason("NEVER_BUILT", "mart.revenue was never published in prod.")
UNIQUE = CheckResult(
    "unique(id)",
    "unique",
    None,
    "error",
    "FAIL",
    "each id once",
    "2 ids more than once",
    failing_rows=4,
    sample=((("id", "7"), ("amount", None)),),
)

STALE = StatusReport(
    "prod",
    AT,
    (
        AssetStatus(RAW, Status("CURRENT")),
        AssetStatus(ORDERS, Status("CURRENT"), "LATE", 93_600),
        AssetStatus(REVENUE, Status("STALE", (CHANGED, NEVER))),
    ),
    ((RAW, "2026-11-20T07:57:00Z"),),
)
CURRENT = StatusReport("prod", AT, (AssetStatus(RAW, Status("CURRENT")), AssetStatus(ORDERS, Status("CURRENT"))))
PLAN = Plan(
    "prod",
    AT,
    "c0ffee",
    (Step(REVENUE, "BUILD", "CERTAIN", (CHANGED,), 1.5),),
    ((ORDERS, "unchanged: its definition."),),
)
PUBLISHED = StepResult(ORDERS, "PUBLISHED", changed=True, version=2, rows=1200, attempts=1, seconds=0.25)
DONE = RunResult("r1", "SUCCEEDED", (PUBLISHED,))
BLOCKED = RunResult(
    "r2",
    "BLOCKED",
    (
        StepResult(ORDERS, "BLOCKED", version=3, rows=1202, attempts=1, seconds=0.5, checks=(UNIQUE,)),
        StepResult(REVENUE, "HELD", message="stg.orders is blocked by its checks."),
    ),
)
VIEW = LineageView(
    REVENUE,
    (
        ColumnLineage("revenue", "decimal(18,2)", (("stg.orders", "amount", "AGGREGATION", False, False),)),
        ColumnLineage("day", "date", (("stg.orders", "day", "IDENTITY", False, False),)),
    ),
    (ReadLine(ORDERS, ("amount", "day")),),
    ((RAW, ORDERS), (ORDERS, REVENUE)),
    ((RAW, "external"), (ORDERS, "table"), (REVENUE, "view")),
)
EMAIL, HASH = ColumnRef(RAW, "email"), ColumnRef(ORDERS, "hash")
TAGS = TagReport(
    "pii",
    (CarriedTag(EMAIL, "pii", EMAIL), CarriedTag(HASH, "pii", EMAIL, masked=True)),
    (StoppedTag(ColumnRef(REVENUE, "n"), "pii", EMAIL),),
    ("varchar", None),
)
AMOUNT = Change(ORDERS, "amount", "DROP")
CHANGE = ImpactReport(
    AMOUNT,
    Impact(ORDERS, "STALE", "it is what would change.", columns=("amount",)),
    (
        Impact(
            REVENUE,
            "BREAKS",
            "stg.orders has no column 'amount'.",
            (Cause(ORDERS, ("amount",)),),
            None,
            (Problem("assets/mart/revenue.sql", 9, "stg.orders has no column 'amount'.", asset=REVENUE),),
            ("not_null(revenue)",),
            ("revenue",),
            "out/revenue.csv",
        ),
        Impact(AssetKey("mart.days"), "UNTOUCHED", "reads only day of stg.orders."),
    ),
)
ENTRY = Entry(
    seq=7,
    stream="stg.orders",
    stream_seq=0,
    stream_prev=None,
    ts="2026-11-20T08:00:00.000001Z",
    clock="host",
    type="version.published",
    actor=Actor("ann"),
    why="its gate passed",
    subject="stg.orders@v2",
    payload={"version": 2},
)


@dataclass
class FakeProject:
    """Answers what it is told to, and remembers how it was asked."""

    errors: tuple[Problem, ...] = ()
    report: StatusReport = STALE
    made: Plan = PLAN
    result: RunResult = DONE
    view: LineageView = VIEW
    tags: TagReport = TAGS
    report_of_change: ImpactReport = CHANGE
    audit: Report = field(default_factory=lambda: Report(8, None, (), (), 0))
    raises: BaseException | None = None
    config: ProjectConfig = field(
        default_factory=lambda: ProjectConfig(Path("."), "fake", environments={"prod": "", "dev": "__dev"})
    )
    assets: Mapping[AssetKey, None] = field(default_factory=lambda: dict.fromkeys((RAW, ORDERS, REVENUE)))
    asked: list[tuple[object, ...]] = field(default_factory=list)

    def load(self, path: str, *, require: bool) -> FakeProject:
        print("a module of the project prints this")
        self.asked.append(("load", path, require))
        if require and self.errors:
            raise ProjectError(self.errors)
        return self

    def _ask(self, *words: object) -> None:
        self.asked.append(words)
        if self.raises is not None:
            raise self.raises

    def status(self, select=(), exclude=(), env="prod", observe=False, verify_data=False) -> StatusReport:  # type: ignore[no-untyped-def]
        self._ask("status", select, exclude, env, observe, verify_data)
        return self.report

    def ls(self, select=(), exclude=(), env="prod") -> tuple[AssetLine, ...]:  # type: ignore[no-untyped-def]
        self._ask("ls", select, exclude, env)
        return (AssetLine(ORDERS, "table", "ann", "CURRENT", "assets/stg/orders.sql", "Orders"),)

    def plan(self, select=(), exclude=(), env="prod", force=False, verify_data=False, **more) -> Plan:  # type: ignore[no-untyped-def]
        self._ask("plan", select, exclude, env, force, verify_data)
        return self.made

    def run(self, plan=None, *, select=(), exclude=(), env="prod", workers=None, progress=None, **flags) -> RunResult:  # type: ignore[no-untyped-def]
        self._ask("run", select, exclude, env, workers, *(name for name, value in flags.items() if value))
        print("a step prints this")
        steps = self.result.steps
        for done, step in enumerate(steps, 1):
            progress(Progress(step.asset, "started", done - 1, len(steps)))
            progress(Progress(step.asset, "finished", done, len(steps), step))
        return self.result

    def why(self, asset: str, env: str = "prod") -> Explanation:
        self._ask("why", asset, env)
        clauses = (
            Clause("published", "Is it published in this environment?", True, proof="v1, published from run r1."),
            Clause("inputs", "Is what it reads equal to what it read then?", False, (CHANGED,)),
            Clause("checks", "Was its verdict given by today's checks?", None),
        )
        return Explanation(
            REVENUE, Status("STALE", (CHANGED,)), clauses, "-select 1\n+select 2", ("raw.orders changed.",)
        )

    def lineage(self, asset, upstream=True, downstream=True, depth=None, env="prod", **only) -> LineageView:  # type: ignore[no-untyped-def]
        self._ask("lineage", asset, upstream, downstream, depth, env, *(it for it in only.items() if it[1]))
        return self.view

    def lineage_scope(self, env: str = "prod") -> Scope:
        self._ask("lineage_scope", env)
        return Scope(VIEW.kinds, VIEW.edges, row_edges=VIEW.edges[:1], tags=self.tags.carried)

    def openlineage(self, asset, upstream, downstream, depth, env, namespace=None):  # type: ignore[no-untyped-def]
        self._ask("openlineage", asset, upstream, downstream, depth, env, namespace)
        return ({"job": {"name": "a"}}, {"job": {"name": "b"}})

    def tagged(self, tag: str, asset: str | None = None, env: str = "prod") -> TagReport:
        self._ask("tagged", tag, asset, env)
        return self.tags

    def impact(self, asset, kind="REDEFINE", to=None, env="prod") -> ImpactReport:  # type: ignore[no-untyped-def]
        self._ask("impact", asset, kind, to, env)
        return self.report_of_change

    def columns(self, asset: str, env: str = "prod") -> tuple[str, ...]:
        self._ask("columns", asset, env)
        return ("Amount", "day")

    def history(self, asset: str) -> tuple[VersionLine, ...]:
        self._ask("history", asset)
        line = VersionLine(ORDERS, 2, AT, "r1", 1200, "BLOCK", 250, "f" * 64, ("prod",), 1, ("unique(id)",))
        return (line,)

    def runs(self, limit: int = 20) -> tuple[RunLine, ...]:
        self._ask("runs", limit)
        return (RunLine("r1", "prod", AT, None, None, "ann", "host", (("PUBLISHED", 2),)),)

    def show(self, run: str) -> tuple[RunLine, tuple[StepLine, ...]]:
        self._ask("show", run)
        check = {"check": "unique(id)", "severity": "error", "outcome": "FAIL", "failing_rows": 4, "expected": "a"}
        step = StepLine(ORDERS, "BLOCKED", 3, AT, "its gate", False, ({**check, "actual": "b"},))
        return RunLine("r2", "prod", AT, AT, "BLOCKED", "ann", "host"), (step,)

    def logs(self, run: str, asset: str | None = None) -> tuple[LogLine, ...]:
        self._ask("logs", run, asset)
        return (LogLine(AT, "stg.orders", "one\ntwo \x1b[31mred"),)

    def audit_log(self, limit: int | None = None, asset: str | None = None) -> tuple[Entry, ...]:
        self._ask("audit_log", limit, asset)
        return (ENTRY,)

    def audit_verify(self, checkpoint: Path | None = None) -> Report:
        self._ask("audit_verify", checkpoint)
        return self.audit

    def rebuild_ledger(self) -> int:
        self._ask("rebuild_ledger")
        return 8


FAILED_AUDIT = Report(8, None, (), (Finding("ENTRY_ALTERED", 5, "The entry is not the one that was recorded."),), 8)


@dataclass
class Answer:
    """What one command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, object]:
        """Standard output as the one JSON document that it must be."""
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value


Ask = Callable[..., Answer]


@pytest.fixture
def project() -> FakeProject:
    return FakeProject()


@pytest.fixture
def ask(project: FakeProject, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run one command against the fake project."""

    def ask(*arguments: str) -> Answer:
        code = run(arguments, project.load)  # type: ignore[arg-type]
        captured = capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    return ask


@pytest.fixture
def failing(project: FakeProject) -> Callable[[BaseException], None]:
    """Let every answer of the fake project be an exception."""

    def failing(error: BaseException) -> None:
        project.raises = error

    return failing
