"""Functions of the project's own that say which partitions of an upstream a partition reads, loaded when needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from headwater.assets.errors import Problem, RequestError
from headwater.assets.partitions import Partition

Texts = Callable[[Partition], Iterable[str]]


class MappingFunctions(Mapping[str, Texts]):
    """The functions of `ByFunction` by their names, `FILE:FUNCTION`; a file is imported on first use."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[str, Texts] = {}

    def __getitem__(self, name: str) -> Texts:
        """Return the function. Raises RequestError where the file or the function is not there any more."""
        if name not in self._known:
            self._known[name] = self._load(name)
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and ":" in name

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def _load(self, name: str) -> Texts:
        from headwater.assets.python_module import load_module

        file, _, function = name.rpartition(":")
        module = load_module(self._root, file)
        if isinstance(module, Problem):
            raise RequestError(str(module))
        found = getattr(module, function, None)
        if not callable(found):
            raise RequestError(f"{file} no longer has the function {function}.", "Correct `mappings`.")

        def texts(partition: Partition) -> list[str]:
            try:
                answer = found(partition)
                return [answer] if isinstance(answer, str) else [str(text) for text in answer]
            except Exception as error:  # of the user's own making
                said = f"{type(error).__name__}: {error}"
                message = f"The mapping {function} of {file} raised for {partition.text}: {said}."
                raise RequestError(message, "Return the texts of partitions.") from error

        return texts
