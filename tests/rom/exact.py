"""What the reference machine's exact integers say (docs/machine.md M8)."""

from __future__ import annotations

import numpy as np

from tests.rom.host import U64Array
from tests.rom.operations import Operation
from truestep.machine.decode import Instruction, Kind
from truestep.machine.floats import operate


def instruction_of(operation: Operation, mode: int = 0) -> Instruction:
    """The instruction that the entry stands for: a0 to a2 are its operands, a3 its result."""
    name = operation.name
    return Instruction(name=name, kind=Kind.FLOAT, rd=13, rs1=10, rs2=11, rs3=12, rounding=mode)


def exact_results(operation: Operation, a: U64Array, b: U64Array, c: U64Array) -> U64Array:
    """The result for each a0, a1, a2."""
    results: list[int] = []
    for x, y, z in zip(a.tolist(), b.tolist(), c.tolist(), strict=True):
        mode = y if operation.is_rounded_by_mode else 0
        results.append(operate(instruction_of(operation, mode), x, y, z))
    return np.array([result % (1 << 64) for result in results], dtype=np.uint64)
