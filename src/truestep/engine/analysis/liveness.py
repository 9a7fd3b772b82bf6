"""Finds unseen registers: on every path they are soon written, before they are read.

At a budget check, translated code may leave with such registers out of date. The result is still exact: at
least WINDOW_CYCLES are left when it leaves, nothing looks at the state before the exact stop, and by then
every such register has been written. Otherwise everything that a loop ever held in a register would have to
be kept for the check at its head, in the host's few registers or in memory.
"""

from collections.abc import Mapping, Sequence

WINDOW_CYCLES = 128
"""How soon they are written. This many more instructions are stepped one by one before an exact stop."""

Effects = Sequence[tuple[int, int]]
"""The registers that each instruction of a block reads and writes, by bit."""
_Distances = dict[int, int]
"""Register → the cycles within which it is written, without being read, on every path."""


def unseen_registers(effects: Mapping[int, Effects], ways_on: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """Block → registers that are unseen when it begins, by bit.

    `ways_on` is empty for a block whose successors are not known.
    """
    known: dict[int, _Distances] = {}
    # Twice, because the second round also knows what follows a jump back.
    for start in [*sorted(effects, reverse=True)] * 2:
        following = [known.get(to, {}) for to in ways_on[start]]
        known[start] = _distances(effects[start], following)
    return {start: sum(1 << register for register in unseen) for start, unseen in known.items()}


def _distances(effects: Effects, following: list[_Distances]) -> _Distances:
    seen, written = 0, _Distances()
    for cycle, (reads, writes) in enumerate(effects, 1):
        seen |= reads
        fresh = writes & ~seen
        if fresh:
            written[fresh.bit_length() - 1] = cycle
        seen |= writes
    if not following:
        return written
    first, *others = following
    for register, distance in first.items():
        if not seen >> register & 1 and all(register in other for other in others):
            farthest = len(effects) + max((distance, *(other[register] for other in others)))
            if farthest <= WINDOW_CYCLES:
                written[register] = farthest
    return written
