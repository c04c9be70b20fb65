"""The walk over one expression: a stack of what is still to be seen, and the edges found so far.

How each kind of node is walked is in `expressions`, which fills the table of handlers; import `Walk` from there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlglot import exp

from headwater.lineage.sql.context import Environment, Resolution
from headwater.lineage.sql.model import IDENTITY, Column, Edge
from headwater.lineage.sql.scope import NO_NAMES, Scope

Expr: Final = exp.Expr
Pending = tuple[Any, int, frozenset[str]]  # node, how its value passes through, names hidden by lambda parameters


class Walk:
    """One walk over one expression. `edges` is what it depends on; `spreads`: it can change the number of rows."""

    __slots__ = ("aliases_first", "chosen", "edges", "environment", "resolution", "scope", "silent", "spreads", "stack")

    def __init__(
        self, resolution: Resolution, scope: Scope | None, environment: Environment | None, aliases_first: bool = False
    ) -> None:
        self.resolution = resolution
        self.scope = scope
        self.environment = environment
        self.aliases_first = aliases_first
        self.edges: list[Edge] = []
        self.spreads = False
        self.chosen: Column | None = None  # what COLUMNS(...) stands for just now
        self.silent = False  # whether names that mean nothing are passed over
        self.stack: list[Pending] = []

    def run(self, node: Any, kind: int = IDENTITY, hidden: frozenset[str] = NO_NAMES) -> list[Edge]:
        """Return all edges of the expression `node`."""
        self.stack.append((node, kind, hidden))
        return self.rest()

    def rest(self) -> list[Edge]:
        """Walk what is still on the stack, and return all edges."""
        stack, handlers = self.stack, HANDLERS
        while stack:
            node, kind, hidden = stack.pop()
            handlers[type(node)](self, node, kind, hidden)
        return self.edges

    def inner(self) -> Walk:
        """Return a new walk in the same place, for a part of the expression whose edges are wanted apart."""
        walk = Walk(self.resolution, self.scope, self.environment, self.aliases_first)
        walk.chosen, walk.silent = self.chosen, self.silent
        return walk

    def again(self, *nodes: Any) -> list[Edge]:
        """Return all edges of further expressions in the same place, apart from those before; the last comes first."""
        self.edges, self.spreads = [], False
        self.stack += [(node, IDENTITY, NO_NAMES) for node in nodes]
        return self.rest()

    def push(self, node: Any, kind: int, hidden: frozenset[str]) -> None:
        """Put a node, or each of a list, on the stack; the last one pushed is walked first."""
        if type(node) is list:
            for item in reversed(node):
                self.stack.append((item, kind, hidden))
        elif node is not None and not isinstance(node, (str, bool, int)):
            self.stack.append((node, kind, hidden))

    def children(self, node: Any, kind: int, hidden: frozenset[str]) -> None:
        """Put every child on the stack."""
        stack = self.stack
        for value in node.args.values():
            if type(value) is list:
                for item in value:
                    if isinstance(item, Expr):
                        stack.append((item, kind, hidden))
            elif value is not None and isinstance(value, Expr):
                stack.append((value, kind, hidden))


Handler = Callable[[Walk, Any, int, frozenset[str]], None]


class _Handlers(dict[type, Handler]):
    """Node class to handler; a class without one gets the one that `choose` names for it, once."""

    choose: Callable[[type], Handler]

    def __missing__(self, node_type: type) -> Handler:
        handler = self[node_type] = self.choose(node_type)
        return handler


HANDLERS = _Handlers()


def conjuncts(node: Any) -> list[Any]:
    """Return the conditions that AND joins, in order."""
    stack, found = [node], []
    while stack:
        node = stack.pop()
        while type(node) is exp.Paren:
            node = node.this
        if type(node) is exp.And:
            stack += [node.expression, node.this]
        else:
            found.append(node)
    return found
