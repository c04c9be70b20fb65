"""What a drawing of lineage shows, whatever draws it: boxes with rows, and wires between rows or whole boxes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from headwater.assets.key import AssetKey
from headwater.lineage.column_graph import WHOLE_RESULT, ColumnEdge, ColumnRef, OpenEnd
from headwater.lineage.column_tags import CarriedTag

MOST_ROWS: Final = 20  # rows of one box in a picture; a table of hundreds of columns is not a picture any more

KINDS: Final = (
    "AGGREGATION",
    "TRANSFORMATION",
    "IDENTITY",
    "JOIN",
    "FILTER",
    "GROUP_BY",
    "WINDOW",
    "CONDITIONAL",
    "SORT",
    "DISTINCT",
)
"""The transformations in the order in which one stands for others of the same wire: direct ones first."""

READ: Final = "READ"  # the kind of a wire between assets, of which no column is known to take part
OPEN: Final = "OPEN"  # the kind of a wire where nobody knows what becomes of its source
_RANK = {kind: at for at, kind in enumerate(KINDS)}
_Row = tuple[str, str | None, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Row:
    """One column of a box."""

    name: str
    type: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Box:
    """One asset. `hidden` is the number of its columns that are not shown."""

    asset: AssetKey
    kind: str = "table"
    rows: tuple[Row, ...] = ()
    hidden: int = 0


@dataclass(frozen=True, slots=True, order=True)
class Port:
    """Where a wire ends: a box by position, and a row of it, or None for the whole box.

    The row after the last stands for all columns that are not shown.
    """

    box: int
    row: int | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """One thing that becomes of a source, as a `ColumnEdge` says it."""

    kind: str
    indirect: bool = False
    masking: bool = False
    declared: bool = False

    @property
    def words(self) -> str:
        """Return it in words, such as `TRANSFORMATION, masked`."""
        notes = ("masked" if self.masking else "", "declared" if self.declared else "")
        return ", ".join([f"{self.kind}{' (indirect)' if self.indirect else ''}", *filter(None, notes)])


@dataclass(frozen=True, slots=True)
class Wire:
    """One line from `source` to `target`, and all that it stands for.

    `unknown` says why nobody knows what else, or anything, becomes of the source. Without both, one reads the other.
    """

    source: Port
    target: Port
    uses: tuple[Use, ...] = ()  # the first one is drawn
    unknown: str = ""

    @property
    def kind(self) -> str:
        """The transformation that it is drawn as, or READ or OPEN."""
        return self.uses[0].kind if self.uses else OPEN if self.unknown else READ

    @property
    def indirect(self) -> bool:
        """True where no value goes along it."""
        return bool(self.uses) and self.uses[0].indirect

    @property
    def masking(self) -> bool:
        """True where the values that go along it are masked."""
        direct = [use.masking for use in self.uses if not use.indirect]
        return bool(direct) and all(direct)

    @property
    def words(self) -> str:
        """All that it stands for, such as `AGGREGATION, masked; FILTER (indirect)`."""
        unknown = [f"not known: {self.unknown}"] if self.unknown else []
        return "; ".join([*(use.words for use in self.uses), *unknown]) or "reads"


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing before it is drawn. `focus` is the box, or the row of it, that was asked for."""

    title: str
    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    focus: Port | None = None

    def name(self, port: Port) -> str:
        """Return what a wire's end is called: `mart.revenue.day`, or `mart.revenue`."""
        box = self.boxes[port.box]
        if port.row is None:
            return box.asset
        return f"{box.asset}.{box.rows[port.row].name}" if port.row < len(box.rows) else f"{box.asset} (not shown)"


@dataclass(frozen=True, slots=True)
class Scope:
    """What is known of the assets to be drawn: (asset, kind) in order, their columns, and the edges among them.

    `row_edges` say whose rows shape whose, as (upstream, downstream), and `reads` what each asset looks at: (asset,
    upstream, columns or None for all, why all). They and the `tags` that columns carry are told to programs, not drawn.
    """

    kinds: Sequence[tuple[AssetKey, str]]
    edges: Sequence[tuple[AssetKey, AssetKey]] = ()
    columns: Mapping[AssetKey, Sequence[_Row]] | None = None  # (name, type, tags)
    column_edges: Sequence[ColumnEdge] = ()
    open_ends: Sequence[OpenEnd] = ()
    row_edges: Sequence[tuple[AssetKey, AssetKey]] = ()
    tags: Sequence[CarriedTag] = ()
    reads: Sequence[tuple[AssetKey, AssetKey, tuple[str, ...] | None, str | None]] = ()


def asset_chart(scope: Scope, title: str, focus: AssetKey | None = None) -> Chart:
    """Return the chart of the assets alone."""
    boxes = tuple(Box(asset, kind) for asset, kind in _all_kinds(scope))
    places = {box.asset: at for at, box in enumerate(boxes)}
    wires = tuple(Wire(Port(places[up]), Port(places[down])) for up, down in dict.fromkeys(scope.edges))
    return Chart(title, boxes, wires, None if focus is None else Port(places[focus]))


def column_chart(
    scope: Scope, title: str, focus: AssetKey | None = None, column: str | None = None, limit: int | None = MOST_ROWS
) -> Chart:
    """Return the chart of the assets with their columns.

    With a `column` of `focus`, only columns that an edge touches are rows. A box has at most `limit` rows: where it has
    more columns, those that an edge touches come first.
    """
    kinds = _all_kinds(scope)
    inside = {asset for asset, _ in kinds}
    edges = [it for it in scope.column_edges if it.source.asset in inside and it.target.asset in inside]
    ends = [it for it in scope.open_ends if it.source.asset in inside and it.target.asset in inside]
    pairs = [(it.source, it.target) for it in edges] + [(it.source, it.target) for it in ends]
    used = _used([ref for pair in pairs for ref in pair], focus, column)
    boxes = tuple(_box(asset, kind, scope, used.get(asset, {}), column is not None, limit) for asset, kind in kinds)
    ports = _Ports(boxes)
    found = None if focus is None else ports.of(ColumnRef(focus, column or WHOLE_RESULT))
    return Chart(title, boxes, _wires(scope, edges, ends, ports), found)


def _wires(scope: Scope, edges: Sequence[ColumnEdge], ends: Sequence[OpenEnd], ports: _Ports) -> tuple[Wire, ...]:
    """Return one wire for all that joins the same two places, and one for assets that nothing else joins."""
    uses: dict[tuple[Port, Port], dict[Use, None]] = {}
    unknown: dict[tuple[Port, Port], str] = {}
    for edge in edges:
        found = uses.setdefault((ports.of(edge.source), ports.of(edge.target)), {})
        found[Use(edge.transformation, edge.indirect, edge.masking, edge.declared)] = None
    for end in ends:
        reason = f"{end.reason}{' (indirect)' if end.indirect else ''}"
        unknown.setdefault((ports.of(end.source), ports.of(end.target)), reason)
    wires = [Wire(*pair, _in_order(uses.get(pair, ())), unknown.get(pair, "")) for pair in {**uses, **unknown}]
    joined = {(it.source.asset, it.target.asset) for it in edges} | {(it.source.asset, it.target.asset) for it in ends}
    for up, down in dict.fromkeys(scope.edges):
        if (up, down) not in joined:
            wires.append(Wire(ports.of(ColumnRef(up, WHOLE_RESULT)), ports.of(ColumnRef(down, WHOLE_RESULT))))
    return tuple(sorted(wires, key=_by_place))


class _Ports:
    """Finds where the wire of a column ends."""

    def __init__(self, boxes: Sequence[Box]) -> None:
        self._boxes = boxes
        self._places = {box.asset: at for at, box in enumerate(boxes)}
        self._rows = [{row.name.lower(): at for at, row in enumerate(box.rows)} for box in boxes]

    def of(self, ref: ColumnRef) -> Port:
        """Return the row of a column; that of all that is not shown, where it is not."""
        at = self._places[ref.asset]
        if ref.column == WHOLE_RESULT:
            return Port(at)
        return Port(at, self._rows[at].get(ref.column.lower(), len(self._boxes[at].rows)))


def _all_kinds(scope: Scope) -> list[tuple[AssetKey, str]]:
    """Return every asset to be drawn with its kind: those of the edges too, where nobody said of what kind they are."""
    kinds = dict(scope.kinds)
    for edge in scope.edges:
        for asset in edge:
            kinds.setdefault(asset, "table")
    return [*kinds.items()]


def _used(refs: Sequence[ColumnRef], focus: AssetKey | None, column: str | None) -> dict[AssetKey, dict[str, str]]:
    """Return the columns that an edge touches, for each asset: lower-case name to name as written."""
    used: dict[AssetKey, dict[str, str]] = {}
    for ref in (*refs, *([] if focus is None else [ColumnRef(focus, column or WHOLE_RESULT)])):
        names = used.setdefault(ref.asset, {})
        if ref.column != WHOLE_RESULT:
            names.setdefault(ref.column.lower(), ref.column)
    return used


def _box(asset: AssetKey, kind: str, scope: Scope, used: Mapping[str, str], only_used: bool, limit: int | None) -> Box:
    known = (scope.columns or {}).get(asset, ())
    names = {name.lower() for name, _, _ in known}
    rows = [Row(*column) for column in known]
    rows += [Row(name) for lower, name in used.items() if lower not in names]
    touched = [row for row in rows if row.name.lower() in used]
    if only_used:
        rows = touched
    shown = rows
    if limit is not None and len(rows) > limit:
        others = [row for row in rows if row.name.lower() not in used]
        shown = [*touched, *others][:limit]
    return Box(asset, kind, tuple(shown), len(rows) - len(shown))


def _in_order(uses: Iterable[Use]) -> tuple[Use, ...]:
    return tuple(sorted(uses, key=lambda it: (it.indirect, _RANK.get(it.kind, len(_RANK)), it.masking, it.declared)))


def _by_place(wire: Wire) -> tuple[int, int, int, int]:
    def place(port: Port) -> tuple[int, int]:
        return port.box, -1 if port.row is None else port.row

    return (*place(wire.source), *place(wire.target))
