"""Random projects under random edits, against plain DuckDB: never falsely fresh (P1), never needlessly rebuilt (P2).

Whatever is called CURRENT holds what its query gives today; after a run everything does; what a run computed was
edited, or saw a change. What is seen is known from the shape of each query, not from Headwater.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, note, seed, settings
from hypothesis import strategies as st

from headwater.runtime.model import RunResult

from .oracle.draw import ALL_EDITS, EDITS, GATE_EDITS, Draw, Edit, draw_edit, draw_gated_project, draw_project
from .oracle.project import Made, Project
from .oracle.site import Site
from .oracle.truth import Table, truth

PARTS, EXAMPLES = 4, 24  # of the default suite; each example is a project with up to MOST_EDITS edits
MOST_EDITS = 4


def play(data: st.DataObject) -> None:
    """Any project, any edit, any harm."""
    _play(data.draw, draw_project(data.draw), ALL_EDITS, sorted(HARMS))


def play_at_gates(data: st.DataObject) -> None:
    """Projects full of checks, and edits that make them fail and pass again."""
    _play(data.draw, draw_gated_project(data.draw), GATE_EDITS, ["force a step"])


def _play(draw: Draw, project: Project, edits: tuple[str, ...], harms: list[str]) -> None:
    """Run the project, then edit it and run it again some times; judge each time."""
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder))
        note("\n".join(f"-- {path}\n{text}" for path, text in project.files().items()))
        note("\n".join(map(repr, project.sources)))
        site.write(project)
        site.run()
        require_all_current(site, project)
        past = [project]
        for _ in range(draw(st.integers(1, MOST_EDITS))):
            if draw(st.integers(0, 3)) == 0:
                name = str(draw(st.sampled_from(harms)))
                note(f"harm: {name}")
                HARMS[name](draw, site, project)
                require_no_false_fresh(site, project)
                site.run()
            else:
                edit = _edit(draw, project, past, edits)
                note(f"edit: {edit.name}; edited {sorted(edit.edited)}\n{_difference(project, edit.project)}")
                _apply(draw, site, project, edit)
                project = edit.project
                past.append(project)
            require_all_current(site, project)
        if draw(st.booleans()):
            require_equal_to_a_clean_rebuild(site, project, Path(folder) / "clean")


def require_no_false_fresh(site: Site, project: Project) -> None:
    """P1: what is called CURRENT holds what a rebuild would give."""
    known, shown, status = truth(project), site.shown(project), site.status()
    for made in project.made:
        if status[made.key] == "CURRENT":
            assert not known[made.key].absent, f"{made.key} is called CURRENT and its gate keeps it back"
            require_shown(made, shown, known)


def require_all_current(site: Site, project: Project) -> None:
    """After a run everything that may be seen is as a rebuild would make it, and nothing is left to do."""
    known, shown, status = truth(project), site.shown(project), site.status()
    for key, table in known.items():
        assert (status[key] == "CURRENT") is not table.absent, f"{key} is {status[key]} after a run: {site.last(key)}"
        if key in shown and key.startswith("raw."):
            assert_equal(key, shown[key], table)
    for made in project.made:
        if not known[made.key].absent:
            require_shown(made, shown, known)
    if not any(table.absent for table in known.values()):
        assert site.run().outcome == "NOTHING_TO_DO"


def require_least(before: Project, edit: Edit, steps: Mapping[str, str]) -> None:
    """P2: what was computed was edited, or one of its reads sees something else now."""
    then, now = truth(before), truth(edit.project)
    if any(table.absent for table in (*then.values(), *now.values())):
        return
    for made in edit.project.made:
        reads = made.reads()
        if steps.get(made.key) != "PUBLISHED" or made.key in edit.edited or reads is None:
            continue
        if made.shape == "cte" and any(then[up].columns != now[up].columns for up in reads):
            continue  # its star is written out in its definition
        changed = [up for up, columns in reads.items() if then[up].seen(columns) != now[up].seen(columns)]
        assert changed, f"{made.key} was computed after {edit.name!r}, and sees nothing new in {dict(reads)}"


def require_equal_to_a_clean_rebuild(site: Site, project: Project, folder: Path) -> None:
    """The same project in a fresh folder comes to the same tables and files."""
    folder.mkdir()
    clean = Site(folder)
    clean.write(project)
    clean.run()
    shown, expected = site.shown(project), clean.shown(project)
    for key, table in expected.items():
        assert_equal(key, shown.get(key), table)
    for made in project.made:
        if made.kind == "csv" and made.key in expected:
            lines = [
                sorted((place / made.path).read_text(encoding="utf-8").splitlines()) for place in (site.root, folder)
            ]
            assert lines[0] == lines[1], f"{made.path} differs"


def require_shown(made: Made, shown: Mapping[str, Table], known: Mapping[str, Table]) -> None:
    """Readers of a table, and of its file, see what they must."""
    assert_equal(made.key, shown.get(made.key), known[made.key])
    if made.kind == "parquet":
        assert_equal(made.path, shown.get(made.path), known[made.key])


def assert_equal(key: str, shown: Table | None, expected: Table) -> None:
    assert shown is not None, f"{key} is not there"
    assert shown.columns == expected.columns, f"{key} has other columns"
    assert shown.rows == expected.rows, f"{key} holds {set(shown.rows)}, not {set(expected.rows)}"


def _edit(draw: Draw, project: Project, past: list[Project], names: tuple[str, ...]) -> Edit:
    if len(past) > 1 and draw(st.integers(0, 4)) == 0:
        earlier: Project = draw(st.sampled_from(past[:-1]))  # type: ignore[assignment]
        known = {made.name: made for made in project.made}
        edited = frozenset(made.key for made in earlier.made if made != known[made.name])
        users = frozenset(m.key for m in earlier.made if m.shape == "var" and earlier.step != project.step)
        return Edit("revert", earlier, edited | users)
    return draw_edit(draw, project, names)


def _apply(draw: Draw, site: Site, before: Project, edit: Edit) -> None:
    """Write the edit, ask, perhaps run a part, run the rest, and judge all that was computed."""
    was_current = set(site.status().values()) == {"CURRENT"}
    site.write(edit.project, keep_mtime=bool(draw(st.booleans())))
    require_no_false_fresh(site, edit.project)
    steps: dict[str, str] = {}
    if draw(st.integers(0, 3)) == 0:
        one = str(draw(st.sampled_from([made.key for made in edit.project.made])))
        steps |= _outcomes(site.run(one))
        note(f"run {one}: {steps}")
        require_no_false_fresh(site, edit.project)
    result = site.run()
    steps |= {key: outcome for key, outcome in _outcomes(result).items() if steps.get(key) != "PUBLISHED"}
    note(f"run: {steps}")
    if edit.cosmetic and was_current:
        assert steps == {}, f"{edit.name!r} is cosmetic and had {steps}"
    require_least(before, edit, steps)


def _outcomes(result: RunResult) -> dict[str, str]:
    return {str(step.asset): step.outcome for step in result.steps}


def _difference(before: Project, after: Project) -> str:
    old, new = before.files(), after.files()
    lines = [f"-- {path}\n{text}" for path, text in new.items() if old.get(path) != text]
    lines += [repr(source) for source in after.sources if source not in before.sources]
    return "\n".join(lines)


def _tamper(draw: Draw, site: Site, project: Project) -> None:
    versions = site.versions()
    tables = sorted(made.key for made in project.made if made.kind != "view" and made.key in versions)
    if not tables:
        return
    physical = versions[str(draw(st.sampled_from(tables)))].physical
    site.behind(f'insert into _headwater."{physical}" default values')


def _tamper_what_nobody_reads(draw: Draw, site: Site, project: Project) -> None:
    kept = {version.physical for version in site.versions().values()}
    found = [
        str(name) for (name,) in site.behind("select table_name from duckdb_tables() where schema_name = '_headwater'")
    ]
    old = sorted(set(found) - kept - {"identity", "publications"})
    if old:
        site.behind(f'insert into _headwater."{draw(st.sampled_from(old))}" default values')


def _drop_view(draw: Draw, site: Site, project: Project) -> None:
    keys = sorted(key for key in site.versions() if key.startswith("s."))
    if keys:
        site.behind(f"drop view if exists {draw(st.sampled_from(keys))}")


def _delete_warehouse(draw: Draw, site: Site, project: Project) -> None:
    if not any(source.form == "table" for source in project.sources):
        site.warehouse.unlink()


def _spoil_file(draw: Draw, site: Site, project: Project) -> None:
    paths = [site.root / made.path for made in project.made if made.kind in ("csv", "parquet")]
    for path in paths[:1]:
        if path.exists() and draw(st.booleans()):
            path.unlink()
        elif path.exists():
            path.write_bytes(path.read_bytes()[:-1] + b"?")


def _touch(draw: Draw, site: Site, project: Project) -> None:
    """Write the same again, and stamp another time on it: nothing may come of it."""
    current = set(site.status().values()) == {"CURRENT"}
    for source in project.sources:
        if source.form in ("csv", "json"):
            site.deliver(source)
            os.utime(site.root / f"data/{source.name}.{source.form}", ns=(10**18, 10**18))
    if current:
        assert _outcomes(site.run()) == {}, "the same bytes were written, and something was done"


def _force(draw: Draw, site: Site, project: Project) -> None:
    site.run(str(draw(st.sampled_from([made.key for made in project.made]))), force=True)


HARMS: Mapping[str, Callable[[Draw, Site, Project], None]] = {
    "tamper with a table": _tamper,
    "tamper with an old version": _tamper_what_nobody_reads,
    "drop a pointer view": _drop_view,
    "delete the warehouse": _delete_warehouse,
    "spoil a file": _spoil_file,
    "touch the sources": _touch,
    "force a step": _force,
}


def _cases(game: Callable[[st.DataObject], None], number: int, examples: int) -> Callable[[], None]:
    chosen = settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    return seed(number)(chosen(given(data=st.data())(game)))


@pytest.mark.parametrize("part", range(PARTS))
def test_every_table_is_as_plain_duckdb_makes_it(part: int) -> None:
    _cases(play, part, EXAMPLES)()


@pytest.mark.parametrize("part", range(PARTS))
def test_every_gate_lets_through_what_it_would_let_through_today(part: int) -> None:
    _cases(play_at_gates, part, EXAMPLES // 2)()


@pytest.mark.slow
@pytest.mark.parametrize("part", range(100, 120))
def test_every_table_is_as_plain_duckdb_makes_it_in_thousands_of_cases(part: int) -> None:
    _cases(play, part, 100)()
    _cases(play_at_gates, part, 50)()


def test_every_kind_of_edit_changes_a_project() -> None:
    """An edit that no longer changes anything would test nothing."""
    changed: set[str] = set()

    def collect(data: st.DataObject) -> None:
        project = draw_project(data.draw)
        for name, make in EDITS.items():
            if make(data.draw, project, name).project != project:
                changed.add(name)

    quiet = settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    seed(0)(quiet(given(data=st.data())(collect)))()
    assert changed == set(EDITS)
