"""Checks that nodes from a file are a tree: every node has one parent, and all come from the root."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from truestep.models.errors import ModelRefused

Node = TypeVar("Node", int, tuple[int, int])


def require_tree(name: str, root: Node, children: Mapping[Node, Sequence[Node] | tuple[()]]) -> None:
    """Raises ModelRefused if a child is missing, or reached twice. A leaf has no children."""
    reached = {root}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node not in children:
            raise ModelRefused(f"expected {name} to have all its nodes, found none with the number {node}")
        for child in children[node]:
            if child in reached:
                raise ModelRefused(f"expected {name} to be a tree, got one that comes to node {child} twice")
            reached.add(child)
            waiting.append(child)
