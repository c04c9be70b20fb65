"""Mappings whose values are made when somebody asks for them: a warm start asks for few of ten thousand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")

_SINGLY = 64  # values that are always made one by one
_SHARE = 4  # who asked for one in so many of more than that is going to ask for all, which is cheaper at once


class Later(Mapping[K, V]):
    """Values under known `keys`, in their order. `make` gives those of some keys; for any that it lacks, `make_all`
    gives all, at a higher price.
    """

    def __init__(
        self,
        keys: Iterable[K],
        make: Callable[[Collection[K]], Mapping[K, V]],
        make_all: Callable[[], Mapping[K, V]],
    ) -> None:
        self._keys = dict.fromkeys(keys)
        self._make, self._make_all = make, make_all
        self._made: dict[K, V] = {}

    def prefetch(self, keys: Collection[K]) -> None:
        """Make the values of many keys at once."""
        wanted = [key for key in keys if key not in self._made]
        if not wanted:
            return
        self._made.update(self._make(wanted))
        if any(key not in self._made for key in wanted):
            self._made = {**self._make_all(), **self._made}

    def __getitem__(self, key: K) -> V:
        if key not in self._made:
            if key not in self._keys:
                raise KeyError(key)
            few = len(self._made) < max(_SINGLY, len(self._keys) // _SHARE)
            self.prefetch([key] if few else self._keys)
        return self._made[key]

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __iter__(self) -> Iterator[K]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)
