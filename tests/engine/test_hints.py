"""Hints change nothing, wherever they point, and reach the processor."""

from __future__ import annotations

import pytest

from tests.engine.compare import BASELINE, DEFAULT, END, UNJOINED, compare_runs
from tests.engine.programs import EDGE_VALUES, program_of
from tests.machine.encode import encode
from truestep.engine.analysis.code_map import map_code
from truestep.engine.analysis.flow import region_flow
from truestep.engine.analysis.hints import prefetched_offset
from truestep.engine.compilation.translation import module_ir
from truestep.engine.host import has_templates
from truestep.engine.jit import JitEngine
from truestep.engine.templates.encoding import Registers
from truestep.engine.templates.instructions import code_of
from truestep.machine.decode import decode
from truestep.machine.layout import INPUT_START
from truestep.machine.program import Program, Task

READ, WRITTEN = 0x0415_6013, 0xFE35_E013
"""`prefetch.r 64(a0)` and `prefetch.w -32(a1)`, as LLVM's assembler writes them."""


def test_what_is_a_hint() -> None:
    found = {
        word: prefetched_offset(instruction) for word in (READ, WRITTEN) if (instruction := decode(word))
    }
    assert found == {READ: 64, WRITTEN: -32}
    for rd, name, number in [(1, "ori", 1), (0, "ori", 0), (0, "ori", 2), (0, "xori", 1), (0, "addi", 1)]:
        instruction = decode(encode(name, rd=rd, rs1=10, immediate=number))
        assert instruction is not None and prefetched_offset(instruction) is None


def program_with_hints() -> Program:
    """One that loads addresses from its input, and fetches ahead there, in a loop."""
    words = [encode("lui", rd=31, immediate=INPUT_START), encode("addi", rd=30, immediate=100)]
    body: list[int] = []
    for place in range(len(EDGE_VALUES)):
        for register in (5, 10):
            body.append(encode("ld", rd=register, rs1=31, immediate=8 * place))
            body += [encode("ori", rs1=register, immediate=number) for number in (1, 3, 2017, -2047, -29)]
    body += [encode("ori", rs1=0, immediate=1), encode("addi", rd=30, rs1=30, immediate=-1)]
    back = encode("bne", rs1=30, immediate=-4 * len(body))
    return program_of([*words, *body, back, encode("addi", rd=17, immediate=93), encode("ecall")])


@pytest.mark.parametrize("engine", [DEFAULT, BASELINE, UNJOINED], ids=["optimised", "first", "unjoined"])
def test_hints_change_nothing(engine: JitEngine) -> None:
    content = b"".join(value.to_bytes(8, "little") for value in EDGE_VALUES)
    assert compare_runs(engine, program_with_hints(), Task(input=content), [777, END]).difference is None


def test_hints_reach_the_processor() -> None:
    code = map_code(program_with_hints())
    flows = [region_flow(code, region) for region in range(len(code.regions))]
    assert "call void @llvm.prefetch" in module_ir(code, flows)
    instruction = decode(READ)
    assert instruction is not None
    if has_templates():
        assert code_of(Registers(kept=()), instruction)
