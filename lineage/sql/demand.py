"""Reads: what is reachable in the dependency graph from the outputs and the rows of the result."""

from __future__ import annotations

from headwater.lineage.sql.model import Column, Everything, Relation, Target


class Demand:
    """For each table reference, the columns that are looked at, or why all of them are."""

    def __init__(self) -> None:
        self.columns: dict[Relation, dict[str, None]] = {}
        self.reasons: dict[Relation, str] = {}
        self.reached: set[Target] = set()  # what the result depends on


def demanded(root: Relation) -> Demand:
    """Return what the result `root` reads: every output, everything that shapes its rows, and all behind these."""
    demand = Demand()
    seen, columns = demand.reached, demand.columns
    stack: list[Target] = [root, *root.listed()]
    stack += [Everything(gap.relation, "a star selects all of it") for gap in root.gaps]
    stack += [target for target, _ in root.source]
    while stack:
        target = stack.pop()
        if target in seen:
            continue
        seen.add(target)
        if isinstance(target, Column):
            if target.leaf is not None:
                columns.setdefault(target.leaf, {})[target.name] = None
            if target.edges:
                stack += [inner for inner, _ in target.edges]
        elif isinstance(target, Relation):
            if target.reference is not None:
                columns.setdefault(target, {})
            stack += [inner for inner, _ in target.row_edges]
        else:
            relation = target.relation
            stack.append(relation)
            if relation.reference is not None:
                demand.reasons.setdefault(relation, target.reason)
            stack += relation.listed() if relation.reference is None else []
            stack += [Everything(gap.relation, target.reason) for gap in relation.gaps]
            stack += [inner for inner, _ in relation.source]
    return demand
