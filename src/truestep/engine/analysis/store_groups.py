"""Groups stores that are close together: checking the pages of the first and last covers all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from truestep.machine.decode import Instruction, Kind
from truestep.machine.layout import PAGE_SIZE_BYTES

_SPAN_LIMIT_BYTES = PAGE_SIZE_BYTES
"""The largest distance from the lowest to the highest store, so that no page is between theirs."""

Site = tuple[int, int]
"""A store: the copy of its block, and its position."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreGroup:
    """Stores at fixed distances from the value of a register at the start of the block."""

    register: int
    lowest: int
    highest: int
    sites: tuple[Site, ...]


def store_groups(instructions: Sequence[Instruction | None], copies: int) -> list[StoreGroup]:
    """The groups among the stores of a block that runs `copies` times in a row."""
    distances: dict[int, tuple[int, int] | None] = {}
    found: dict[int, dict[Site, int]] = {}
    for copy in range(copies):
        for position, instruction in enumerate(instructions):
            if instruction is None:
                continue
            base = distances.get(instruction.rs1, (instruction.rs1, 0)) if instruction.rs1 else None
            reached = (base[0], base[1] + instruction.immediate) if base else None
            if instruction.kind is Kind.STORE:
                if reached:
                    found.setdefault(reached[0], {})[copy, position] = reached[1]
            elif instruction.kind is not Kind.BRANCH:
                distances[instruction.rd] = reached if instruction.name == "addi" else None
    return [
        StoreGroup(register=register, lowest=min(at.values()), highest=max(at.values()), sites=tuple(at))
        for register, at in found.items()
        if len(at) > 1 and max(at.values()) - min(at.values()) <= _SPAN_LIMIT_BYTES
    ]
