"""Unrolls small loops without calls, so that one check of the budget serves several rounds."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

COPIES_LIMIT = 4
STORING_COPIES_LIMIT = 8
"""The limit for a one-block loop with stores, whose copies also share page checks (store_groups)."""
COPIES_LIMIT_CYCLES = 256
"""The most cycles in all copies of a loop: as many may be stepped one by one before an exact stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """The blocks of a loop, which is entered only through the first one."""

    head: int
    blocks: frozenset[int]
    round_limit_cycles: int
    """The longest round."""
    copies: int


def repeated_loops(
    cycles: Mapping[int, int],
    successors: Mapping[int, Sequence[int]],
    entries: Container[int],
    storing: Container[int],
) -> dict[int, Loop]:
    """Block → its loop, for loops that are worth unrolling.

    A loop is everything from its head to the last jump back. Only the head is an entry, so there is no loop
    or call inside, and no jump from outside into it.
    """
    last_of: dict[int, int] = {}
    sources: dict[int, set[int]] = {}
    for pc, targets in successors.items():
        for to in targets:
            sources.setdefault(to, set()).add(pc)
            if to <= pc:
                last_of[to] = max(pc, last_of.get(to, 0))
    inner = {pc for pc in cycles if pc not in entries}
    ascending = sorted(cycles)
    places = {pc: place for place, pc in enumerate(ascending)}
    found: dict[int, Loop] = {}
    for head, last in last_of.items():
        if head not in entries or last - head > 4 * COPIES_LIMIT_CYCLES:
            continue
        inside = ascending[places[head] : places[last] + 1]
        blocks = frozenset(inside)
        round_cycles = sum(cycles[pc] for pc in inside)
        limit = STORING_COPIES_LIMIT if head == last and head in storing else COPIES_LIMIT
        copies = min(limit, COPIES_LIMIT_CYCLES // max(round_cycles, 1))
        is_closed = all(pc in inner and sources.get(pc, set()) <= blocks for pc in inside[1:])
        if copies > 1 and is_closed:
            loop = Loop(head=head, blocks=blocks, round_limit_cycles=round_cycles, copies=copies)
            found.update(dict.fromkeys(inside, loop))
    return found
