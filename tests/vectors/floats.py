"""Which float steps are in the vectors: every operation, with operands of all classes, in every rounding."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.machine.encode import FLOAT_ENCODINGS, encode_float
from tests.machine.float_operands import class_operands, random_operands, roundings
from tests.vectors.cases import FloatCase
from tests.vectors.steps import step_case
from truestep.machine.decode import decode
from truestep.machine.interpreter import A0, A2
from truestep.machine.micro import micro_start, template

ROWS = 4
REGISTERS = ((5, 6, 7, 28), (31, 1, 30, 2), (10, 10, 10, 10), (1, 0, 9, 0))
"""rd, rs1, rs2, rs3: all different, at the ends, all the same, and x0."""


def float_cases() -> Iterator[FloatCase]:
    """All cases, always the same."""
    rng = random.Random("floats")
    for name in FLOAT_ENCODINGS:
        rows = [*rng.sample(class_operands(name), ROWS // 2), *random_operands(name, ROWS // 2, rng)]
        for number, operands in enumerate(rows):
            allowed = roundings(name)
            rounding = allowed[number % len(allowed)]
            yield _case(name, rounding, operands, REGISTERS[number % len(REGISTERS)])


def _case(
    name: str, rounding: int, operands: tuple[int, int, int], numbers: tuple[int, int, int, int]
) -> FloatCase:
    rd, rs1, rs2, rs3 = numbers
    word = encode_float(name, rd=rd, rs1=rs1, rs2=rs2, rs3=rs3, rounding=rounding)
    registers = dict(zip((rs3, rs2, rs1), reversed(operands), strict=True))
    step = step_case(f"{name}, rm {rounding}, x{rd}", word, registers)
    machine, instruction = step.machine(), decode(word)
    if instruction is None:
        raise ValueError(f"{name} is no instruction")
    start = micro_start(machine.state(), instruction)
    machine.step()
    return FloatCase(
        step=step,
        rd=rd,
        result=f"{machine.registers[rd]:x}",
        template=template(machine.state(), rd).hex(),
        micro_pc=start.pc,
        micro_arguments=[f"{value:x}" for value in start.registers[A0 : A2 + 1]],
    )
