"""Which registers of a function stay in the control block, where every block reads them and leaves them.

A register that a function keeps in a host register is loaded on each way in and stored on each way out. Where
ways in and out lie between few uses, as in an interpreter's loop, that is more work than to leave it where it
is. It is also more work for LLVM, which has to find it a host register all over the function.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from truestep.engine.analysis.code_map import ALL_REGISTERS, LARGE_INSTRUCTIONS

WAY_COST = 3
"""What a register costs on a way in or out, in accesses to the control block: the access, and mostly a move
to where other ways expect it."""
ROUNDS = 8
"""How often a loop is taken to go round."""
DEPTH_LIMIT = 4
"""Loops within more loops are taken for as deep: all that are deeper are hot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """What the choice follows from. Masks are of registers, by bit."""

    instructions: int
    """How many the function has."""
    successors: Mapping[int, Sequence[int]]
    """Block → the blocks that follow it within the function."""
    touched: Mapping[int, tuple[int, int]]
    """Block → the registers that it reads before it writes them, and those that it writes."""
    loaded: Mapping[int, int]
    """Block that is often entered from outside → the registers that are loaded then."""
    stored: Mapping[int, int]
    """Block at whose end the function is often left → the registers that are stored then."""


def homed_registers(uses: Uses) -> int:
    """The registers that stay in the control block, by bit.

    All of them in a large function, as interpreters have: LLVM takes a third of the time for as fast code.
    """
    if uses.instructions > LARGE_INSTRUCTIONS:
        return ALL_REGISTERS
    rounds = _rounds(uses.successors)
    gains = [0] * 32
    for start, (reads, writes) in uses.touched.items():
        _add(gains, reads, rounds[start])
        _add(gains, writes, rounds[start])
    for start, mask in (*uses.loaded.items(), *uses.stored.items()):
        _add(gains, mask, -WAY_COST * rounds[start])
    at_home = sum(1 << register for register, gain in enumerate(gains) if gain < 0) & ALL_REGISTERS
    return at_home & ~_used_in_tight_loops(uses)


def _used_in_tight_loops(uses: Uses) -> int:
    """The registers of loops without a way in or out of the function before they first jump back.

    Such loops go round far more often than others, and each round would wait for the control block.
    """
    starts = sorted(uses.successors)
    places = {start: place for place, start in enumerate(starts)}
    ways = list(accumulate((start in uses.loaded or start in uses.stored for start in starts), initial=0))
    begun = [0] * (len(starts) + 1)
    """How many tight loops begin at each block, less those that have just ended."""
    for head, ends in _jumps_back(uses.successors).items():
        first, end = places[head], places[min(ends)] + 1
        if ways[first] == ways[end]:
            begun[first] += 1
            begun[end] -= 1
    used = 0
    for start, around in zip(starts, accumulate(begun), strict=False):
        if around:
            reads, writes = uses.touched[start]
            used |= reads | writes
    return used


def _add(gains: list[int], mask: int, amount: int) -> None:
    """Add to what it gains to keep the registers of a mask in host registers."""
    while mask:
        lowest = mask & -mask
        gains[lowest.bit_length() - 1] += amount
        mask ^= lowest


def _rounds(successors: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """How often each block runs for each time that the function is entered, guessed from the loops around it.

    A loop is taken to be all blocks from its head to the last that jumps back there, as compilers place it.
    """
    ends = {head: max(starts) for head, starts in _jumps_back(successors).items()}
    rounds: dict[int, int] = {}
    around: list[int] = []
    for start in sorted(successors):
        around = [end for end in around if end >= start]
        if start in ends:
            around.append(ends[start])
        rounds[start] = ROUNDS ** min(len(around), DEPTH_LIMIT)
    return rounds


def _jumps_back(successors: Mapping[int, Sequence[int]]) -> dict[int, list[int]]:
    """Block that begins a loop → the blocks that jump back there."""
    found: dict[int, list[int]] = {}
    for start, following in successors.items():
        for to in following:
            if to <= start:
                found.setdefault(to, []).append(start)
    return found
