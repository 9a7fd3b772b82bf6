"""The nesting of loops, so that entering a function in the middle does not give a loop a second entry.

LLVM optimises a loop with two entries badly: it misjudges how often the loop runs, and spills what the loop
needs most. So an entry in the middle of a loop is reached through the loop's head.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

NESTING_LIMIT = 8
"""Entries in deeper nests are reached directly: LLVM's time grows with the square of the depth."""


def ways_in(
    start: int, successors: Mapping[int, Sequence[int]], entries: Sequence[int]
) -> dict[int, list[int]]:
    """Entry → the heads of the loops around it, the outermost first."""
    around = _heads_around(start, successors)
    found: dict[int, list[int]] = {}
    for entry in entries:
        heads = list(islice(_outward(around, entry), NESTING_LIMIT + 1))
        found[entry] = heads[::-1] if len(heads) <= NESTING_LIMIT else []
    return found


def _outward(around: Mapping[int, int], block: int) -> Iterator[int]:
    while block in around:
        block = around[block]
        yield block


def _heads_around(start: int, successors: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """Block → the head of the innermost loop around it, by one depth-first search (Wei and others, 2007)."""
    around: dict[int, int] = {}
    depth = {start: 1}
    """The depth of the blocks on the current path; 0 for finished blocks."""
    path: list[tuple[int, Iterator[int]]] = [(start, iter(successors[start]))]
    while path:
        block, following = path[-1]
        to = next(following, None)
        if to is None:
            path.pop()
            depth[block] = 0
            if path and block in around:
                _enclose(around, depth, path[-1][0], around[block])
        elif to not in depth:
            depth[to] = len(path) + 1
            path.append((to, iter(successors[to])))
        else:
            head: int | None = to
            while head is not None and not depth[head]:
                head = around.get(head)
            if head is not None:
                _enclose(around, depth, block, head)
    return around


def _enclose(around: dict[int, int], depth: Mapping[int, int], block: int, head: int) -> None:
    """Note that a loop with that head encloses `block`. Heads stay ordered by depth."""
    inner, outer = block, head
    while inner != outer and inner in around:
        known = around[inner]
        if known == outer:
            return
        if depth[known] < depth[outer]:
            around[inner] = outer
            inner, outer = outer, known
        else:
            inner = known
    if inner != outer:
        around[inner] = outer
