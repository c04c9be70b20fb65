"""Tags along columns: who carries what a column was tagged with, from where, and whether only in masked form.

A tag goes where the value goes: along direct edges (IDENTITY, TRANSFORMATION, AGGREGATION). Conditions, window keys,
filters and joins look at a value and do not pass it on, so tags stop there; or nearly every column that a personal
one ever filtered would be personal, and the tag would say nothing. Where nobody knows what a column is made from, it
may carry what was read. A column that anonymises a tag does not carry it, and neither does what is made from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from headwater.lineage.column_graph import WHOLE_RESULT, ColumnGraph, ColumnRef


@dataclass(frozen=True, slots=True, order=True)
class CarriedTag:
    """`column` carries `tag` because of `origin`, which was tagged with it (itself, for a column's own tag).

    `masked` says that every known way hides the value, as a hash does; `certain` is False where it may only be so,
    as nobody knows what the column is made from.
    """

    column: ColumnRef
    tag: str
    origin: ColumnRef
    masked: bool = False
    certain: bool = True

    @property
    def is_own(self) -> bool:
        """True where the column itself was tagged."""
        return self.column == self.origin

    @property
    def word(self) -> str:
        """The tag in a few words, such as `pii (masked)`."""
        notes = [*(["masked"] if self.masked else []), *([] if self.certain else ["perhaps"])]
        return f"{self.tag} ({', '.join(notes)})" if notes else self.tag


@dataclass(frozen=True, slots=True, order=True)
class StoppedTag:
    """`column` declares that it anonymises `tag`, which would have come to it from `origin`."""

    column: ColumnRef
    tag: str
    origin: ColumnRef


@dataclass(frozen=True, slots=True)
class DeclaredTags:
    """What was declared about columns: their own tags, and the tags that end at them."""

    own: Mapping[ColumnRef, tuple[str, ...]]
    anonymised: Mapping[ColumnRef, tuple[str, ...]]


Tags = tuple[tuple[CarriedTag, ...], tuple[StoppedTag, ...]]
_State = tuple[ColumnRef, bool, bool]  # column, masked, certain


def flow(graph: ColumnGraph, declared: DeclaredTags, only: str | None = None) -> Tags:
    """Return every column that carries a tag (or the tag `only`), and every column at which one ends; both sorted.

    Of several ways from one origin, the one that tells most counts: unmasked before masked, then certain before not.
    """
    carried: list[CarriedTag] = []
    stopped: set[StoppedTag] = set()
    for origin, tags in declared.own.items():
        for tag in tags:
            if only is None or tag == only:
                carried += _from(graph, declared, origin, tag, stopped)
    return tuple(sorted(carried)), tuple(sorted(stopped))


def _from(
    graph: ColumnGraph, declared: DeclaredTags, origin: ColumnRef, tag: str, stopped: set[StoppedTag]
) -> Iterator[CarriedTag]:
    """Walk down from one origin; a column is visited at most once for each way in which it may carry the tag."""
    seen: set[_State] = {(origin, False, True)}
    waiting: list[_State] = [(origin, False, True)]
    while waiting:
        ref, masked, certain = waiting.pop()
        for target, hides, known in _next(graph, ref):
            if tag in declared.anonymised.get(target, ()):
                stopped.add(StoppedTag(target, tag, origin))
                continue
            state = (target, masked or hides, certain and known)
            if state not in seen:
                seen.add(state)
                waiting.append(state)
    best: dict[ColumnRef, tuple[bool, bool]] = {}
    for ref, masked, certain in sorted(seen, key=lambda state: (state[1], not state[2])):
        best.setdefault(ref, (masked, certain))
    return (CarriedTag(ref, tag, origin, masked, certain) for ref, (masked, certain) in best.items())


def _next(graph: ColumnGraph, ref: ColumnRef) -> Iterator[tuple[ColumnRef, bool, bool]]:
    """Yield the columns that the value of `ref` goes to, each with whether it is masked and whether that is known."""
    yield from ((edge.target, edge.masking, True) for edge in graph.out_of(ref) if not edge.indirect)
    for end in graph.open_out_of(ref):
        if end.indirect:
            continue
        if end.target.column != WHOLE_RESULT:
            yield end.target, False, False
            continue
        known = graph.assets.get(end.target.asset)
        yield from ((ColumnRef(end.target.asset, name), False, False) for name in graph.columns(end.target.asset))
        if known is None or known.columns is None:
            yield end.target, False, False
