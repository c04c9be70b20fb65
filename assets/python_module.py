"""Importing a project's own Python files: always from source.

Python takes bytecode for current by the time and size of the file alone, and two edits within a second can share both:
it would then run code that is not the code whose hash is recorded.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path
from types import CodeType, ModuleType

from headwater.assets.declare import collecting
from headwater.assets.errors import HeadwaterError, Problem
from headwater.assets.modules import import_first_from

_ALONE = "headwater_project_"  # begins the names of asset files, each executed as a module of its own
_lock = threading.RLock()


class _FromSource(SourceFileLoader):
    """Compiles what the file holds now; bytecode is neither read nor written."""

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = compile(self.get_data(self.path), self.path, "exec", dont_inherit=True)
        return code


class _Finder:
    """Finds the modules of one project, that of the latest load. Everything else is left to Python."""

    def __init__(self) -> None:
        self.root = ""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where the project holds the module `name`, or None."""
        places = [self.root] if path is None else [place for place in path if self._owns(place)]
        spec = PathFinder.find_spec(name, places) if places and self.root else None
        if spec is None or not isinstance(spec.loader, SourceFileLoader) or spec.origin is None:
            return None
        spec.loader = _FromSource(name, spec.origin)
        return spec

    def _owns(self, place: str) -> bool:
        return (place + "/").startswith(self.root + "/") and "site-packages" not in place


_finder = _Finder()
MADE = "__headwater_made__"  # assets that the module's own code declared, also those whose name was bound again


def load_module(root: Path, file: str) -> ModuleType | Problem:
    """Execute `file` (relative to `root`) as a module of its own and return it, or the Problem that stopped it."""
    path = root / file
    name = _ALONE + hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    with _lock:
        _let_import(root)
        loader = _FromSource(name, str(path))
        module = module_from_spec(ModuleSpec(name, loader, origin=str(path)))
        module.__file__ = str(path)
        sys.modules[name] = module
        try:
            with collecting() as made:
                loader.exec_module(module)
        except (Exception, SystemExit) as error:
            sys.modules.pop(name, None)
            return _problem(root, file, error)
    own = [declared for declared in made if getattr(declared.function, "__globals__", None) is vars(module)]
    setattr(module, MADE, own)
    return module


def imported_modules(root: Path) -> Iterator[tuple[str, ModuleType]]:
    """Yield the file and the module of everything of the project's own that is imported now by its own name."""
    for name, module in sys.modules.copy().items():
        loader = getattr(getattr(module, "__spec__", None), "loader", None)
        if isinstance(loader, _FromSource) and not name.startswith(_ALONE) and Path(loader.path).is_relative_to(root):
            yield Path(loader.path).relative_to(root).as_posix(), module


def _let_import(root: Path) -> None:
    """Let imports look into the project first, and always at its source."""
    if _finder not in sys.meta_path:
        usual = [index for index, finder in enumerate(sys.meta_path) if finder is PathFinder]
        sys.meta_path.insert(usual[0] if usual else len(sys.meta_path), _finder)  # after built-in modules
    import_first_from(root)
    _finder.root = str(root)
    importlib.invalidate_caches()


def _problem(root: Path, file: str, error: BaseException) -> Problem:
    if isinstance(error, HeadwaterError):
        return Problem(file, _line_in(error, root / file), error.message, error.remedy)
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).is_relative_to(root):
        place = Path(error.filename).relative_to(root).as_posix()
        return Problem(place, error.lineno, f"the file is not Python: {error.msg}.", "Correct it there.")
    text = f"{type(error).__name__}: {error}".rstrip(".: ")
    remedy = "Correct it there, or in what it imports."
    return Problem(file, _line_in(error, root / file), f"the file cannot be imported: {text}.", remedy)


def _line_in(error: BaseException, path: Path) -> int | None:
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno for frame in reversed(frames) if frame.filename == str(path)), None)
