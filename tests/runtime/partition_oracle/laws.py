"""One project on disk and the laws that hold at each of its steps."""

from __future__ import annotations

from pathlib import Path

from hypothesis import note
from hypothesis import strategies as st

from .draw import Draw
from .edits import Edit
from .model import Made, Project
from .site import Site
from .spaces import Keys, partitions
from .truth import Table, seen, troubled, truth

# By which definition and from what each partition was when last proven, and what partitions its upstreams had
Proofs = dict[tuple[str, Keys], tuple[object, frozenset[tuple[str, Keys]]]]


class Game:
    """A project being edited and run. Every method asserts what must hold after it."""

    def __init__(self, root: Path, project: Project) -> None:
        self.site, self.project = Site(root), project
        self._proofs: dict[str, Proofs] = {}
        self._steps: list[object] = []
        note("\n".join(f"-- {path}\n{text}" for path, text in project.files().items()) + f"\nnow {project.now}")
        self.site.write(project)

    def edit(self, edit: Edit, env: str) -> None:
        """Write an edit; nothing may be called CURRENT that is not, and what is cosmetic leaves all as it was."""
        known = env in self._proofs
        before = self.site.verdicts(self.project, env) if known else None
        old, new = self.project.files(), edit.project.files()
        texts = [f"-- {path}\n{text}" for path, text in new.items() if old.get(path) != text]
        note(f"EDIT {edit.name} in {env}, now {edit.project.now}\n" + "\n".join(texts))
        self.project = edit.project
        self.site.write(edit.project)
        self.require_no_false_fresh(env)
        if edit.cosmetic and before is not None and set(before.words.values()) == {"CURRENT"}:
            steps = [s for s in self.site.run(env).steps if s.outcome not in ("OBSERVED", "VERIFIED_EQUAL")]
            assert not steps, f"{edit.name!r} is cosmetic and had {steps}"

    def run_part(self, env: str, made: Made, draw: Draw) -> None:
        """Run one asset alone, perhaps some of its partitions only."""
        spaces = self.site.spaces(self.project)
        parts = None
        if made.dims and draw(st.booleans()):
            there = list(spaces[made.key].all())
            parts = " | ".join(p.text for p in there[:: int(str(draw(st.integers(1, 3))))][:2]) if there else None
        self._run(env, made.key, parts)
        self.require_no_false_fresh(env)

    def run(self, env: str = "prod") -> None:
        """Run everything: all that can be built is CURRENT and is what a clean rebuild gives."""
        self._run(env, "", None)
        self.require_no_false_fresh(env)
        self.require_all_current(env)

    def _run(self, env: str, select: str, parts: str | None) -> None:
        before = self.site.published(self.project, env)
        result = self.site.run(env, select, parts)
        self._steps = [(s.asset, s.outcome, s.partitions, s.error) for s in result.steps]
        note(f"RUN {env} {select} {parts}: {self._steps}")
        built = self.site.built(self.project, result)
        after = self.site.published(self.project, env)
        current = self.site.verdicts(self.project, env).current
        proofs = self._proofs.setdefault(env, {})
        for made in self.project.made:
            for partition in built.get(made.key, frozenset()) | current[made.key]:
                saw = (made.definition, seen(self.project, made, partition, after))
                parts = self._there(made)
                known, were = proofs.get((made.key, partition), (None, parts))
                again = made.key in before and partition in before[made.key].parts
                if partition in built.get(made.key, ()) and again and were <= parts:  # what is gone is not compared
                    name = f"{made.key}@{';'.join(partition)} in {env}"
                    assert known != saw, f"{name} was computed, and sees nothing new: {saw[1]}"
                proofs[made.key, partition] = saw, parts

    def _there(self, made: Made) -> frozenset[tuple[str, Keys]]:
        """Return the partitions of mapped upstreams, and which of them are the latest.

        Where one ceased to exist, or the latest is another, Headwater builds all readers anew: more than the least.
        """
        found: set[tuple[str, Keys]] = set()
        for upstream, how in made.mappings:
            theirs = self.project.dims(upstream)
            parts = partitions(theirs, self.project.now)
            found |= {(f"{upstream} by {[dim.name for dim in theirs]}", part) for part in parts}
            if "latest" in str(how):
                found |= {(f"latest of {upstream}", part) for part in parts[-1:]}
        return frozenset(found)

    def require_no_false_fresh(self, env: str) -> None:
        """P1: a partition that is called CURRENT holds what a clean rebuild would give."""
        verdicts, known = self.site.verdicts(self.project, env), truth(self.project)
        stored = self.site.published(self.project, env)
        for made in self.project.made:
            table = known[made.key]
            for partition in verdicts.current[made.key]:
                name = f"{made.key}@{';'.join(partition)} in {env}"
                assert partition in table.parts, f"{name} is called CURRENT and cannot be built"
                assert made.key in stored, f"{name} is called CURRENT and is not there"
                self._require_equal(name, partition, stored[made.key], table)
            if verdicts.words[made.key] == "CURRENT":
                columns, rows = self.site.shown(made.key, env)
                assert rows == table.all_rows(), f"readers of {made.key} see {set(rows)}, not {set(table.all_rows())}"
                assert columns == table.columns or not table.parts

    def require_all_current(self, env: str) -> None:
        """After a run whatever can be built is CURRENT, and nothing is left to do."""
        verdicts, known, out = self.site.verdicts(self.project, env), truth(self.project), troubled(self.project)
        for made in self.project.made:
            if made.key not in out:
                wanted = frozenset(known[made.key].parts)
                lacking = sorted(wanted - verdicts.current[made.key])
                assert not lacking, f"{made.key}@{lacking} in {env} after {self._steps}: {verdicts.reasons[made.key]}"
        waiting = any(table.waiting for table in known.values())
        if not out and not waiting:
            assert set(verdicts.words.values()) == {"CURRENT"}, f"{verdicts.words} {verdicts.reasons}"
        again = [s for s in self.site.run(env).steps if s.asset not in out and s.outcome != "HELD"]
        assert not again, f"nothing was edited, and there was more to do: {again}"

    def _require_equal(self, name: str, partition: Keys, stored: Table, table: Table) -> None:
        there, expected = stored.parts.get(partition), table.parts[partition]
        assert there == expected, f"{name} holds {set(there or ())}, not {set(expected)}"
        assert stored.columns == table.columns, f"{name} has the columns {stored.columns}, not {table.columns}"
