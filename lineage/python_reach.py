"""What Python code reaches: names followed through the project's own modules to the statements that bind them."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from headwater.lineage.python_modules import Module, module_name, parse_module
from headwater.lineage.python_names import Uses
from headwater.lineage.python_purity import words

Symbol = tuple[str, str]  # module, name
Place = tuple[Module, str]  # module, and a chain of names as written there
BUILTINS = frozenset(dir(builtins))
_OF_EVERY_MODULE = words("__annotations__ __class__ __file__ __name__ __package__ __path__ __spec__")


@dataclass(slots=True)
class Reach:
    """All that some code reaches. It grows while names are followed."""

    seen: set[Symbol] = field(default_factory=set)  # module and chain
    symbols: set[Symbol] = field(default_factory=set)  # bound in project modules
    statements: set[tuple[str, int]] = field(default_factory=set)
    imports: set[str] = field(default_factory=set)  # what imported names stand for
    outside: set[str] = field(default_factory=set)  # absolute names outside the project
    acts: set[Symbol] = field(default_factory=set)  # module and chain
    dynamic: set[Symbol] = field(default_factory=set)  # module and chain
    uses: Uses = field(default_factory=Uses)  # but for names
    undecidable: set[str] = field(default_factory=set)

    def note(self, module: Module, uses: Uses) -> list[Place]:
        """Take in what code of `module` uses, and return the names to follow."""
        self.uses.add(uses)
        self.acts |= {(module.name, chain) for chain in uses.acts}
        self.dynamic |= {(module.name, chain) for chain in uses.dynamic}
        return [(module, chain) for chain in uses.chains]


@dataclass(slots=True)
class Meaning:
    """What one chain of names may mean: names of project modules, whole modules, names outside the project."""

    symbols: set[Symbol] = field(default_factory=set)
    modules: set[str] = field(default_factory=set)
    outside: set[str] = field(default_factory=set)
    imports: set[str] = field(default_factory=set)
    undecidable: set[str] = field(default_factory=set)


class ProjectCode:
    """The Python files of a project, by the names under which they import each other."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files
        # A package hides a module of the same name.
        self._file_of = {module_name(path): path for path in sorted(files, key=lambda p: p.endswith("/__init__.py"))}
        self._folders = {
            name.rsplit(".", count)[0] for name in self._file_of for count in range(1, name.count(".") + 1)
        }
        self._meanings: dict[Symbol, Meaning] = {}

    def read(self, file: str) -> Module | str:
        """Return the module in `file`, or a sentence that says why there is none."""
        try:
            return parse_module(file, self._files[file])
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return f"{file} cannot be read as Python"
        except KeyError:
            return f"{file} is not part of the project"

    def file(self, name: str) -> str:
        """Return the path of a project module."""
        return self._file_of[name]

    def module(self, name: str) -> Module:
        """Return a module that is known to be readable."""
        module = self.read(self._file_of[name])
        assert isinstance(module, Module), "names are followed into readable modules only"
        return module

    def reach(self, reach: Reach, places: Iterable[Place]) -> None:
        """Add to `reach` all that `places` lead to. No recursion, so the length of a chain of calls has no limit."""
        pending = list(places)
        while pending:
            module, chain = pending.pop()
            if (module.name, chain) in reach.seen:
                continue
            reach.seen.add((module.name, chain))
            meaning = self.meaning(module, chain)
            reach.imports |= meaning.imports
            reach.outside |= meaning.outside
            reach.undecidable |= meaning.undecidable
            for name, bound in meaning.symbols - reach.symbols:
                owner = self.module(name)
                pending += [place for index in owner.by_name[bound] for place in self.include(reach, owner, index)]
            reach.symbols |= meaning.symbols
            for name in meaning.modules:
                whole = self.module(name)
                reach.symbols |= {(name, each) for each in whole.by_name}
                pending += [(whole, each) for each in whole.by_name]
                pending += [place for s in whole.statements for place in self.include(reach, whole, s.index)]

    def include(self, reach: Reach, module: Module, index: int) -> list[Place]:
        """Add one statement to `reach` and return the names that it uses."""
        statement = module.statements[index]
        if (module.name, index) in reach.statements or statement.is_import:  # imports count by what they stand for
            return []
        reach.statements.add((module.name, index))
        return reach.note(module, statement.uses)

    def meaning(self, module: Module, chain: str) -> Meaning:
        """Return what `chain` may mean in `module`, through imports and star-imports to what binds it."""
        known = self._meanings.get((module.name, chain))
        if known is not None:
            return known
        meaning = Meaning()
        pending: list[Place] = [(module, chain)]
        seen: set[Symbol] = set()
        while pending:
            here, part = pending.pop()
            if (here.name, part) not in seen:
                seen.add((here.name, part))
                pending += self._step(meaning, here, part)
        self._meanings[(module.name, chain)] = meaning
        return meaning

    def _step(self, meaning: Meaning, module: Module, chain: str) -> list[Place]:
        if chain.startswith("@"):
            return self._absolute(meaning, chain[1:])
        maybe = chain.startswith("?")
        chain = chain.lstrip("?")
        head, _, rest = chain.partition(".")
        found: list[Place] = []
        for target in module.imports.get(head, ()):
            meaning.imports.add(f"{module.name}:{head}={'|'.join(module.imports[head])}")
            found += self._absolute(meaning, f"{target}.{rest}" if rest else target)
        if any(not module.statements[index].is_import for index in module.by_name.get(head, ())):
            meaning.symbols.add((module.name, head))
        unsure = False
        for star in module.stars:
            if star not in self._file_of:
                meaning.outside.add(star if head in BUILTINS else f"{star}.{head}")
                unsure = True
            elif self._gives(star, head, set()):
                meaning.imports.add(f"{module.name}:{head}=*{star}")
                found += self._absolute(meaning, f"{star}.{chain}")
        if head in module.by_name or found or (unsure and head not in BUILTINS):
            return found
        if head in BUILTINS:
            meaning.outside.add(head)
        elif head not in _OF_EVERY_MODULE and not maybe:
            meaning.undecidable.add(f"{head} of {module.name} is made while it runs")
        return found

    def _absolute(self, meaning: Meaning, path: str) -> list[Place]:
        """Follow an absolute dotted name into the project; what is not there is known by the version of its library."""
        parts = path.split(".")
        if parts[0] in sys.stdlib_module_names:  # whichever of the two the interpreter finds
            meaning.outside.add(path)
        for size in range(len(parts), 0, -1):
            own = ".".join(parts[:size])
            if own not in self._file_of:
                continue
            module = self.read(self._file_of[own])
            if isinstance(module, str):
                meaning.undecidable.add(module)
            elif size == len(parts):  # the module itself is passed around: all of it counts
                meaning.modules.add(own)
            elif parts[size] not in _OF_EVERY_MODULE:
                return [(module, ".".join(parts[size:]))]
            return []
        if path in self._folders:
            meaning.undecidable.add(f"the folder {path} is passed around as a module")
        meaning.outside.add(path)
        return []

    def _gives(self, name: str, head: str, seen: set[str]) -> bool:
        """Say whether a star-import from the project module `name` may bind `head`."""
        if name in seen or name not in self._file_of:
            return False
        seen.add(name)
        module = self.read(self._file_of[name])
        if isinstance(module, str):
            return True  # which is then found to be unreadable
        return head in module.by_name or any(self._gives(star, head, seen) for star in module.stars)

    def loaded(self, files: Iterable[str], reach: Reach) -> list[Module]:
        """Return the modules of `files` and all project modules that importing them may import."""
        pending = [module_name(file) for file in files]
        found: dict[str, Module] = {}
        while pending:
            name = pending.pop()
            if name in found or name not in self._file_of:
                continue
            module = self.read(self._file_of[name])
            if isinstance(module, str):
                reach.undecidable.add(module)
                continue
            found[name] = module
            for target in module.loads:
                parts = target.split(".")
                pending += [".".join(parts[:size]) for size in range(1, len(parts) + 1)]
        return [found[name] for name in sorted(found)]
