"""What a worker does with an order: build out of sight, scan once, judge. Nothing here publishes or records.

The steps stand in `STAGES` in the order in which they happen; each returns the draft with more of it known.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from headwater.assets.asset import CheckSpec
from headwater.assets.errors import HeadwaterError, SqlError, StepError
from headwater.assets.key import AssetKey
from headwater.checks.check import CheckResult, Verdict
from headwater.checks.gate import judge
from headwater.lineage.definition import ReadSet
from headwater.lineage.fingerprint import FILE_BYTES, columns_of_key, condition_of_key
from headwater.lineage.recorded_lineage import RecordedLineage
from headwater.lineage.schema import SchemaColumns
from headwater.lineage.sql.analysis import Analysis
from headwater.runtime.check_texts import THIS
from headwater.runtime.clock import to_iso
from headwater.runtime.data_time import NO_TIME
from headwater.runtime.definition_problems import require_declared, require_dialect
from headwater.runtime.engines.engine import Row, Session
from headwater.runtime.fingerprints import fingerprint_sql, matched, take_token, token_of
from headwater.runtime.order import Built, BuiltSlices, Observed, Order
from headwater.runtime.published_files import in_environment, prepare_file, sync_folder
from headwater.runtime.sources import content_digest, file_state, require_unchanged, source_files
from headwater.runtime.state import PublishedFile, TraceRead

if TYPE_CHECKING:
    from headwater.runtime.part_files import PartFile
    from headwater.runtime.python_io import Taken

SAMPLE_ROWS = 5
SMALL_ROWS = 10_000
Log = Callable[[str], None]


@dataclass(slots=True)
class Draft:
    """A version in the making."""

    order: Order
    session: Session
    log: Log
    relation: str = ""
    small: bool = False  # known to hold few rows: planning a scan then costs more than the scan
    schema: SchemaColumns = ()
    rows: int = 0
    text: str = ""
    seen: set[tuple[AssetKey, str]] = field(default_factory=set)  # (upstream, column set key or FILE_BYTES)
    tokens: dict[str, str] = field(default_factory=dict)
    results: tuple[CheckResult, ...] = ()
    verdict: Verdict = field(default_factory=lambda: Verdict("BLOCK"))
    file: PublishedFile | None = None
    observed: Observed | None = None
    lineage: RecordedLineage | None = None
    slices: BuiltSlices | None = None
    shown: dict[str, Mapping[str, str]] = field(default_factory=dict)
    part: str | None = None  # the table that holds what a Python function returned for one partition
    added_keys: tuple[tuple[str, str], ...] = ()
    files: list[PartFile] = field(default_factory=list)  # that partitions of a source were taken in from


def perform(order: Order, session: Session, log: Log, monotonic: Callable[[], float] = time.perf_counter) -> Built:
    """Carry out `order` and return what was made. Raises StepError where it cannot be built."""
    started = monotonic()
    draft = Draft(order, session, log)
    try:
        for stage in STAGES:
            stage(draft)
    except OSError as error:
        what = f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror or error}."
        raise StepError(what, "Check the path, its permissions and the free space.") from error
    if order.slices is not None:
        from headwater.runtime.build_slices import trace_of_slices

        trace = trace_of_slices(draft)
    elif order.version is not None and order.version.slices is not None:
        trace = order.version.trace
    else:
        trace = tuple(_trace(draft, upstream, key) for upstream, key in sorted(draft.seen))
    checks = tuple(_trace(draft, *place) for place in sorted(_places(order.resolved.check_reads)))
    return Built(
        physical=order.physical,
        schema=draft.schema,
        rows=draft.rows,
        tokens=draft.tokens,
        trace=trace,
        check_reads=checks,
        verdict=draft.verdict,
        milliseconds=max(0, round((monotonic() - started) * 1000)),
        text=draft.text,
        file=draft.file,
        observed=draft.observed,
        lineage=draft.lineage,
        slices=draft.slices,
        shown=draft.shown,
        added_keys=draft.added_keys,
    )


def stage(draft: Draft) -> None:
    """Build the data under a private name, or find the version that is judged again."""
    order, asset = draft.order, draft.order.resolved.asset
    if order.kind == "RECHECK":
        assert order.version is not None, "a recheck has a version"
        draft.seen = {(read.upstream, read.columns) for read in order.version.trace}
        draft.file = order.version.file
    elif order.slices is not None:
        from headwater.runtime.build_slices import stage_slices

        stage_slices(draft)
    elif asset.source is not None:
        _take_in(draft)
    elif asset.python is not None:
        _run_python(draft)
    else:
        _run_sql(draft, order.sql or "")
        draft.seen = _places(order.resolved.definition.reads)
    draft.relation = relation_of(draft.session, order.physical)


def describe(draft: Draft) -> None:
    """Learn what was built: its columns and their types."""
    if draft.order.physical:
        draft.schema = draft.session.describe(draft.relation)
        require_declared(draft.order.resolved.asset, draft.schema)


def scan(draft: Draft) -> None:
    """Count, fingerprint and check in one pass; fetch a few failing rows where a check failed."""
    if not draft.order.physical:
        return
    from headwater.checks.scan import plan_scan, run_scan

    order, session = draft.order, draft.session
    names = {name.lower() for name, _ in draft.schema}
    # A reader may have seen a column that is gone.
    there = [key for key in order.wanted if names.issuperset(columns_of_key(key) or ())]
    keys = ("*", *there)
    expressions = [fingerprint_sql(session, draft.schema, key) for key in keys]
    plan = plan_scan(
        draft.relation,
        draft.schema,
        order.resolved.asset.checks,
        _tables(draft),
        [e for three in expressions for e in three],
        lambda text: render_check(text, draft),
        _schemas(draft),
    )
    found = run_scan(plan, lambda sql: session.row(sql, small=draft.small))
    failed = {position // 3: message for position, message in found.extra_errors}
    for index, key in enumerate(keys):
        if index not in failed:
            values: Row = tuple(found.extra[3 * index : 3 * index + 3])  # type: ignore[arg-type]
            draft.tokens[key] = token_of(session, draft.schema, key, values)
        elif condition_of_key(key) is None:  # a reader's condition that raises is its reader's matter
            raise StepError(f"The data cannot be fingerprinted: {failed[index]}", "Cast the column to another type.")
    draft.rows = found.rows
    draft.results = tuple(_with_sample(result, draft) for result in found.results)


def scan_slices(draft: Draft) -> None:
    """Take the fingerprints of single partitions: of those that were built, and of what readers' partitions see."""
    order = draft.order
    if order.slices is not None or order.shown:
        from headwater.runtime.build_slices import fingerprint_slices

        fingerprint_slices(draft)


def observe(draft: Draft) -> None:
    """Note what a source is now: a file's digest was taken when it was read, any other is its fingerprint."""
    source = draft.order.resolved.asset.source
    if source is None or draft.order.kind == "RECHECK":
        return
    time_inside = _data_time(draft, source.data_time)
    found = draft.observed or Observed("", "")
    draft.observed = replace(found, digest=found.digest or draft.tokens["*"], data_time=time_inside)


def gate(draft: Draft) -> None:
    """Judge: the contract first, then every declared check. A check without a result counts as failed."""
    asset = draft.order.resolved.asset
    contract = _contract(draft)
    draft.verdict = judge((*contract, *draft.results), asset.checks)


def write_file(draft: Draft) -> None:
    """Write a file asset's bytes into the store, under their digest; readers see nothing of it yet."""
    order, placed = draft.order, draft.order.resolved.asset.materialization
    if placed.kind != "file" or order.kind == "RECHECK" or draft.file is not None:
        return
    assert placed.path is not None, "a file asset has a path"
    assert placed.format is not None, "a file asset has a format"
    order.store.mkdir(parents=True, exist_ok=True)
    draft_path = order.store / f".{order.physical}.new"
    try:
        draft.session.export(order.physical, draft_path, placed.format)
        draft.file = keep_file(draft_path, order.store, placed.path)
    finally:
        draft_path.unlink(missing_ok=True)


def prepare(draft: Draft) -> None:
    """Write a file that may be published beside its target, while failing still costs nothing."""
    if draft.file is not None and not draft.verdict.blocks:
        prepare_file(draft.order.root, draft.order.store, in_environment(draft.file, draft.order.suffix))


STAGES: tuple[Callable[[Draft], None], ...] = (stage, describe, scan, scan_slices, observe, gate, write_file, prepare)


def relation_of(session: Session, physical: str) -> str:
    """Return a version's data as SQL writes it; a foreign table (marked by a leading `=`) is written as it is."""
    return physical[1:] if physical.startswith("=") else session.relation(physical)


def keep_file(draft: Path, store: Path, path: str) -> PublishedFile:
    """Move a finished file into the store under the SHA-256 of its bytes and return what is known of it."""
    digest = hashlib.sha256()
    size = 0
    with draft.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
            size += len(chunk)
    os.replace(draft, store / digest.hexdigest())
    sync_folder(store)
    return PublishedFile(path, digest.hexdigest(), size)


def render_check(text: str, draft: Draft) -> str:
    """Return the SQL of a check with every reference pinned and `$this` replaced by the staged table."""
    from headwater.lineage.sql import analyse_sql, render

    marked = text.replace("$this", THIS)
    analysis = analyse_sql(marked, "duckdb", {**_schemas(draft), THIS: draft.schema})
    return render(marked, analysis, {**_tables(draft), THIS: draft.relation}, {}, {})


def _tables(draft: Draft) -> dict[str, str]:
    """Return what checks may name: the pinned inputs, and the asset itself as it is staged."""
    inputs = {str(key): pinned.relation for key, pinned in draft.order.inputs.items()}
    return {**inputs, str(draft.order.key): draft.relation}


def _schemas(draft: Draft) -> dict[str, SchemaColumns]:
    inputs = {str(key): pinned.version.schema for key, pinned in draft.order.inputs.items()}
    return {**inputs, str(draft.order.key): draft.schema}


def _run_sql(draft: Draft, sql: str) -> None:
    order = draft.order
    draft.text = sql
    if order.resolved.asset.kind == "view":
        draft.session.build_view(order.physical, sql)
    else:
        draft.small = draft.session.build_table(order.physical, sql) <= SMALL_ROWS


def _take_in(draft: Draft) -> None:
    """Take a source in: what is digested and fingerprinted is what was read, or the step fails."""
    order, asset = draft.order, draft.order.resolved.asset
    source = asset.source
    assert source is not None, "an external asset has a source"
    if source.table is not None:
        return
    if asset.python is not None:
        from headwater.runtime.code_source import take_in_code

        draft.observed = Observed(take_in_code(draft), "")
        return
    assert source.file is not None, "a source is a file or a table"
    path = order.root / source.file
    before = file_state(path)
    digest = content_digest(source_files(path))
    draft.session.ingest(order.physical, source, path, tuple(asset.declared_types()))
    require_unchanged(path, before)
    draft.observed = Observed(json.dumps(before.to_json()), digest)


def _data_time(draft: Draft, column: str | None) -> str | None:
    """Return the data time inside a source: the maximum of its declared column, as ISO 8601 UTC.

    Rows that are dated after now, as by `infinity`, count as of now. NO_TIME where no row has a date that a calendar
    knows; None where no column is declared.
    """
    if column is None:
        return None
    relation = draft.relation
    (name,) = matched(draft.schema, (column,)) or (column,)
    quoted = '"' + name.replace('"', '""') + '"'
    (found,) = draft.session.row(
        f"select cast(max(cast({quoted} as timestamptz)) at time zone 'UTC' as varchar) from {relation}"
    )
    text = NO_TIME if found is None else str(found)
    if text == NO_TIME or text.startswith("-") or "BC" in text:
        return NO_TIME
    try:
        return to_iso(min(draft.order.now, datetime.fromisoformat(text).replace(tzinfo=UTC)))
    except ValueError:  # beyond the years that Python has
        return to_iso(draft.order.now)


def _run_python(draft: Draft) -> None:
    from headwater.runtime.python_lineage import of_object, of_text
    from headwater.runtime.python_run import call_function

    order = draft.order
    result, taken, draft.added_keys = call_function(order, draft.session, draft.log)
    draft.seen = {(upstream, item.key) for upstream, item in taken.items()}
    if isinstance(result, str):
        sql, reads, analysis = returned_sql(draft.order, result)
        _run_sql(draft, sql)
        draft.lineage = of_text(analysis, result, taken)
        draft.seen = seen_with_text(taken, reads)
    elif isinstance(result, os.PathLike):
        _keep_returned_file(draft, Path(result))
    elif result is None:
        raise StepError(
            f"{order.key} returned nothing.", "Return a frame, an Arrow table, a relation, SQL text or a path."
        )
    else:
        draft.session.build_from_object(order.physical, result)
        draft.lineage = of_object(order, result, taken)


def returned_sql(order: Order, text: str) -> tuple[str, tuple[ReadSet, ...], Analysis]:
    """SQL that a function returns is analysed before it runs and may name only declared inputs."""
    from headwater.lineage.sql import analyse_sql, render
    from headwater.runtime.definer import merge_reads

    require_dialect(order.resolved.asset, "duckdb")
    schemas = {str(key): pinned.version.schema for key, pinned in order.inputs.items()}
    said = f"The SQL that {order.key} returned"
    try:
        analysis = analyse_sql(text, order.resolved.asset.dialect, schemas)
    except SqlError as error:
        place = f" (line {error.line}, column {error.column})" if error.line and error.column else ""
        raise StepError(f"{said}: {error.message.rstrip('.')}{place}.", error.remedy or "Return one query.") from error
    if analysis.problems:
        raise StepError(f"{said}: {analysis.problems[0].message}", analysis.problems[0].remedy)
    if analysis.files:
        raise StepError(
            f"{said} reads the file {analysis.files[0]!r} itself.", "Declare the file as an external and read that."
        )
    reads = merge_reads(analysis.reads)
    foreign = sorted({AssetKey(read.upstream) for read in reads} - set(order.inputs))
    if foreign:
        raise StepError(*_foreign(order, foreign[0]))
    if analysis.volatility != "STABLE":
        raise StepError(
            f"The SQL that {order.key} returned asks for clock or chance.", "Take the clock from `context.clock`."
        )
    return render(text, analysis, {str(k): p.relation for k, p in order.inputs.items()}, {}, {}), reads, analysis


def seen_with_text(taken: Mapping[AssetKey, Taken], reads: Iterable[ReadSet]) -> set[tuple[AssetKey, str]]:
    """Return what a function saw that returned SQL: what its handles gave, as that decided what the text says, and
    what the text reads. An input that the text names and of which nothing was asked counts by the text alone."""
    named = _places(reads)
    by_text = {upstream for upstream, _ in named}
    return named | {(up, item.key) for up, item in taken.items() if item.asked or up not in by_text}


def _foreign(order: Order, name: AssetKey) -> tuple[str, str]:
    """Return what is wrong with a table that returned SQL reads, and the remedy: parameters are no names in SQL."""
    code = order.resolved.asset.python
    inputs = code.inputs if code is not None else ()
    meant = {parameter.lower(): upstream for parameter, upstream in inputs}.get(name.lower())
    message = f"The SQL that {order.key} returned reads {name}"
    if meant is None:
        reads_none = order.resolved.asset.is_external
        return f"{message}.", "A source reads no asset." if reads_none else "Name it in `inputs`."
    return f"{message}, which is a parameter and no asset.", f"Write {meant}: SQL knows inputs by their asset keys."


def _keep_returned_file(draft: Draft, returned: Path) -> None:
    order, placed = draft.order, draft.order.resolved.asset.materialization
    if placed.kind != "file" or placed.path is None:
        raise StepError(f"{order.key} returned a path and is not a file asset.", "Declare materialization kind file.")
    if not returned.is_file():
        raise StepError(f"{order.key} returned the path {returned}, where there is no file.", "Write the file first.")
    order.store.mkdir(parents=True, exist_ok=True)
    copy = order.store / f".{order.physical}.new"
    try:
        copy.write_bytes(returned.read_bytes())
        _sync(copy)
        draft.file = keep_file(copy, order.store, placed.path)
    finally:
        copy.unlink(missing_ok=True)
    values = f"select '{draft.file.sha256}' as sha256, {draft.file.size} as size"
    draft.session.build_table(order.physical, values)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _places(reads: Iterable[ReadSet]) -> set[tuple[AssetKey, str]]:
    return {(AssetKey(read.upstream), read.key) for read in reads}


def _trace(draft: Draft, upstream: AssetKey, key: str) -> TraceRead:
    number = draft.order.inputs[upstream].version.number
    return TraceRead(upstream, number, key, input_token(draft, upstream, key))


def input_token(draft: Draft, upstream: AssetKey, key: str) -> str:
    """Return the fingerprint of what was seen of a pinned input; one that nobody needed before is taken now."""
    pinned = draft.order.inputs[upstream]
    known = draft.order.tokens.get((upstream, key)) or pinned.version.tokens.get(key)
    if key == FILE_BYTES:
        assert pinned.version.file is not None, "only a file has bytes to give"
        known = pinned.version.file.sha256
    if known is None:
        known = take_token(draft.session, pinned.relation, pinned.version.schema, key)
    return known


def _with_sample(result: CheckResult, draft: Draft) -> CheckResult:
    """Add a few failing rows to a failed check, for people. A sample that cannot be had is left out."""
    if result.outcome == "PASS" or not result.failing_rows:
        return result
    from headwater.checks.scan import sample_sql

    spec = _spec_of(result, draft.order.resolved.asset.checks)
    if spec is None:
        return result
    sql = sample_sql(
        spec,
        draft.relation,
        draft.schema,
        _tables(draft),
        lambda text: render_check(text, draft),
        SAMPLE_ROWS,
        _schemas(draft),
    )
    if sql is None:
        return result
    try:
        names = draft.session.columns_of(sql)
        rows = draft.session.rows(sql, SAMPLE_ROWS)
    except HeadwaterError:
        return result
    sample = tuple(tuple((n, None if v is None else str(v)) for n, v in zip(names, row, strict=True)) for row in rows)
    return replace(result, sample=sample)


def _spec_of(result: CheckResult, checks: tuple[CheckSpec, ...]) -> CheckSpec | None:
    return next((spec for spec in checks if spec.label == result.check and spec.kind == result.kind), None)


def _contract(draft: Draft) -> tuple[CheckResult, ...]:
    """Compare the declared columns with those that were built; no result where nothing is declared."""
    asset = draft.order.resolved.asset
    if not asset.columns:
        return ()
    actual = {name.lower(): type_ for name, type_ in draft.schema}
    wrong = []
    for column in asset.columns:
        found = actual.get(column.name.lower())
        if column.name.lower() not in actual:
            wrong.append(f"{column.name} is missing")
        elif column.type is not None and found != (expected := _engine_type(draft.session, column.type)):
            wrong.append(f"{column.name} is {found}, declared {expected}")
    expected_text = ", ".join(f"{c.name} {c.type}" if c.type else c.name for c in asset.columns)
    actual_text = "; ".join(wrong) or "as declared"
    return (
        CheckResult("contract", "contract", None, "error", "FAIL" if wrong else "PASS", expected_text, actual_text),
    )


def _engine_type(session: Session, text: str) -> str:
    """Return a declared type as the engine spells it, so that `int` and `INTEGER` are one."""
    if not re.fullmatch(r"[\w\s(),.\[\]\"']+", text):
        raise StepError(f"{text!r} is not a type.", "Write a type of the engine, such as decimal(18,2).")
    found = session.describe(f"(select cast(null as {text}) as declared)")[0][1]
    return found or text.lower()


def error_text(error: BaseException) -> str:
    """Return an exception of a step as text for its log: the sentence of ours, the whole traceback of anything else."""
    if isinstance(error, HeadwaterError):
        return str(error)
    return "".join(traceback.format_exception(error))
