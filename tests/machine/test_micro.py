"""Micro-runs (M9): the ROM gives what the reference machine gives, from the state that M9.3 says."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.machine.encode import FLOAT_ENCODINGS, encode_float
from tests.machine.float_operands import class_operands, random_operands, roundings
from truestep.commitments.keccak import keccak256
from truestep.machine.decode import Instruction, decode
from truestep.machine.floats import operate
from truestep.machine.memory import Memory
from truestep.machine.micro import (
    MICRO_CYCLES_LIMIT,
    ROM_LIMIT_BYTES,
    is_played_out,
    micro_end,
    micro_machine,
    micro_start,
    operation_number,
    rom,
    rom_root,
    state_after,
    template,
)
from truestep.machine.state import MachineState, Status, initial_state

RD, RS1, RS2, RS3 = 5, 6, 7, 28
SAMPLE_ROWS = 60
NUMBERS = {
    **{"fadd": 0, "fsub": 1, "fmul": 2, "fdiv": 3, "fsqrt": 4, "fsgnj": 5, "fsgnjn": 6, "fsgnjx": 7},
    **{"fmin": 8, "fmax": 9, "fle": 11, "flt": 12, "feq": 13, "fclass": 14},
    **{"fmadd": 23, "fmsub": 24, "fnmsub": 25, "fnmadd": 26},
}
CONVERSIONS = {
    **{"fcvt.s.d": 20, "fcvt.d.s": 21},
    **{"fcvt.w.s": 30, "fcvt.w.d": 31, "fcvt.wu.s": 32, "fcvt.wu.d": 33},
    **{"fcvt.l.s": 34, "fcvt.l.d": 35, "fcvt.lu.s": 36, "fcvt.lu.d": 37},
    **{"fcvt.s.w": 38, "fcvt.d.w": 39, "fcvt.s.wu": 40, "fcvt.d.wu": 41},
    **{"fcvt.s.l": 42, "fcvt.d.l": 43, "fcvt.s.lu": 44, "fcvt.d.lu": 45},
}
"""M9.2, multiplied out."""


def instruction_of(name: str, rounding: int = 0, **registers: int) -> Instruction:
    fields = {"rd": RD, "rs1": RS1, "rs2": RS2, "rs3": RS3, **registers}
    instruction = decode(encode_float(name, rounding=rounding, **fields))
    assert instruction is not None
    return instruction


def state_with(a: int, b: int, c: int) -> MachineState:
    registers = list(range(1000, 1032))
    registers[0], registers[RS1], registers[RS2], registers[RS3] = 0, a, b, c
    state = initial_state(memory_root=rom_root(), entry=0x1000)
    return replace(state, registers=tuple(registers), cycle=77, code=9)


def test_numbers() -> None:
    """M9.2"""
    simple = {f"{kind}.{letter}": 2 * n + f for kind, n in NUMBERS.items() for f, letter in enumerate("sd")}
    numbers = {name: operation_number(instruction_of(name)) for name in FLOAT_ENCODINGS}
    assert numbers == simple | CONVERSIONS
    assert sorted(numbers.values()) == list(range(54))


def test_where_a_micro_run_begins() -> None:
    """M9.3: whole registers in a0, a1, a2; the rest but sp is 0."""
    state = state_with(2**64 - 1, 2**63 + 5, 12345)

    def start(name: str, rounding: int = 0, **registers: int) -> tuple[int, dict[int, int]]:
        begun = micro_start(state, instruction_of(name, rounding, **registers))
        assert (begun.cycle, begun.status, begun.code, begun.memory_root) == (
            0,
            Status.RUNNING,
            0,
            rom_root(),
        )
        return begun.pc, {n: value for n, value in enumerate(begun.registers) if value}

    a0, a1, a2, sp = {10: 2**64 - 1}, {11: 2**63 + 5}, {12: 12345}, {2: 0x2000_1000}
    assert start("fadd.s") == (8, sp | a0 | a1)
    assert start("fmadd.d", 7) == (8 + 4 * 47, sp | a0 | a1 | a2)
    assert start("fsqrt.d", 7) == (8 + 4 * 9, sp | a0)
    assert start("fclass.s") == (8 + 4 * 28, sp | a0)
    assert start("fcvt.s.d", 7) == (8 + 4 * 20, sp | a0)
    assert start("fcvt.w.d", 1) == (8 + 4 * 31, sp | a0 | {11: 1})
    assert start("fcvt.w.d", 7) == (8 + 4 * 31, sp | a0)
    assert start("fcvt.d.lu", 4) == (8 + 4 * 45, sp | a0 | {11: 4})
    assert start("fsub.d", rs1=0, rs2=0) == (8 + 4 * 3, sp)
    assert start("fmul.d", rs1=31, rs2=31) == (8 + 4 * 5, sp | {10: 1031, 11: 1031})


@pytest.mark.parametrize("name", FLOAT_ENCODINGS)
def test_the_rom_agrees_with_the_reference(name: str, seed: int) -> None:
    """M9.4: for a sample of classes and of random operands; tests/rom has all of them."""
    rng = random.Random(f"{seed} {name}")
    classes = class_operands(name)
    rows = [*rng.sample(classes, min(SAMPLE_ROWS, len(classes))), *random_operands(name, SAMPLE_ROWS, rng)]
    for row in rows:
        for rounding in roundings(name):
            instruction = instruction_of(name, rounding)
            end = micro_end(micro_start(state_with(*row), instruction))
            expected = operate(instruction, *row)
            assert (end.status, end.code) == (Status.EXITED, expected), f"{name}, rm {rounding}, {row}"
            assert end.cycle <= MICRO_CYCLES_LIMIT


def test_a_micro_run_is_an_ordinary_run_of_the_rom() -> None:
    """Every step from the start, in a memory with the image alone."""
    start = micro_start(state_with(1, 2, 3), instruction_of("fdiv.d"))
    machine = micro_machine(start)
    assert machine.state() == start
    machine.advance(MICRO_CYCLES_LIMIT)
    assert machine.state() == micro_end(start)
    assert micro_machine(start).state() == start


def test_the_root_is_that_of_the_image_alone() -> None:
    """M9.1"""
    assert 0 < len(rom()) <= ROM_LIMIT_BYTES
    memory = Memory()
    memory.write(0, rom())
    assert memory.root() == rom_root()


def test_a_step_is_all_but_its_result() -> None:
    """M9.5: the template is the state after with rd cleared, and rd."""
    state = state_with(1, 2, 3)
    after = state_after(state, RD, 42)
    expected = list(state.registers)
    expected[RD] = 42
    assert after == replace(state, pc=0x1004, cycle=78, code=0, registers=tuple(expected))
    packed = bytearray(after.pack())
    start = 57 + 8 * (RD - 1)
    assert packed[start : start + 8] == (42).to_bytes(8, "big")
    packed[start : start + 8] = bytes(8)
    assert template(after, RD) == keccak256(bytes(packed) + bytes([RD]))
    assert state_after(state, 0, 42).registers[0] == 0


def test_which_steps_are_played_out() -> None:
    assert is_played_out(instruction_of("feq.s"))
    assert not is_played_out(instruction_of("feq.s", rd=0))
    assert not is_played_out(decode(0x73))
    assert not is_played_out(None)
