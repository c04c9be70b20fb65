"""A tree of anything as lines: depth first, without recursion, each node's branch drawn once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TypeVar

from headwater.render.paper import Paper
from headwater.render.words import counted

DEEPEST = 48  # deeper levels of a tree stand so far right that nobody can read them
Node = TypeVar("Node", bound=Hashable)


def branches(
    root: Node, children: Callable[[Node], Sequence[tuple[Node, str]]], paper: Paper, deepest: int = DEEPEST
) -> Iterator[str]:
    """Yield the lines below `root`. `children` gives the nodes below a node, each with what is said about it there.

    A node that is met again is named but its branch not repeated, so that the tree is no longer than the graph.
    """
    child, last, beside, under = paper.branches()
    drawn = {root}
    below = children(root)
    stack = [(node, label, "", at == len(below) - 1, 1) for at, (node, label) in reversed([*enumerate(below)])]
    while stack:
        node, label, lead, is_last, depth = stack.pop()
        more = children(node)
        again = node in drawn and bool(more)
        suffix = " (see above)" if again else ""
        if not again and more and depth == deepest:
            beyond = counted(_reach(node, children, drawn), "step")
            suffix, again = f" (and {beyond} beyond; --as json lists them)", True
        yield f"{lead}{last if is_last else child}{label}{suffix}"
        drawn.add(node)
        if not again:
            inner = lead + (under if is_last else beside)
            stack += [
                (it, said, inner, at == len(more) - 1, depth + 1) for at, (it, said) in reversed([*enumerate(more)])
            ]


def _reach(start: Node, children: Callable[[Node], Sequence[tuple[Node, str]]], drawn: set[Node]) -> int:
    seen, waiting = {start}, [start]
    while waiting:
        for node, _ in children(waiting.pop()):
            if node not in seen and node not in drawn:
                seen.add(node)
                waiting.append(node)
    return len(seen) - 1
