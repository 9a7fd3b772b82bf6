"""Which single steps are in the vectors: every instruction, every trap, every shape of witness."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.machine.encode import (
    BRANCHES,
    FLOAT_ENCODINGS,
    IMMEDIATE_FORMS,
    LOADS,
    REGISTER_FORMS,
    SHIFTS,
    STORES,
    encode,
    encode_float,
)
from tests.vectors.cases import StepCase
from truestep.machine.interpreter import ReferenceMachine
from truestep.machine.memory import Memory
from truestep.machine.state import Status
from truestep.machine.witness import build_witness

PC = 0x1004
OPERANDS = (
    *((0, 0), (5, 3), (2**64 - 7, 2), (2**63, 2**64 - 1), (2**63 - 1, 2**63), (2**64 - 1, 2**64 - 1)),
    *(
        (0x8000_0000, 0x7FFF_FFFF),
        (2**64 - 2**31, 2**32 - 1),
        (0x0123_4567_89AB_CDEF, 0),
        (1, 63),
        (3, 2**32 + 33),
    ),
)
STARTS = (
    *(0x2000_0100, 0x2000_0103, 0x2000_011D, 0x2000_013D, 0x2000_0FFD, 0x5FFF_FFFD, 0x3FFF_FFFD, 0x1FFF_FFFD),
    *(0x7FFF_FFFD, 0x8000_0008, 0xA000_0001, 0xBFFF_FFFD, 0xC000_0000, 0xC000_0004, 0xC000_0005, 0xDFFF_FFFD),
    *(0xE000_0000, 0xFFFF_FFF8, 0xFFFF_FFFD, 0x1000, 0x0100_0000),
)


def step_cases() -> Iterator[StepCase]:
    """All cases, always the same."""
    yield from _operations()
    yield from _control()
    yield from _accesses()
    yield from _environment()
    yield from _floats_without_result()
    yield from _illegal()
    yield from _final()


def step_case(
    name: str,
    word: int,
    registers: dict[int, int],
    *,
    pc: int = PC,
    memory: dict[int, bytes] | None = None,
    cycle: int = 41,
    status: Status = Status.RUNNING,
    code: int = 0,
) -> StepCase:
    contents = {pc % 2**29 & ~3: word.to_bytes(4, "little"), **(memory or {})}
    image = Memory()
    for address, content in contents.items():
        image.write(address, content)
    machine = ReferenceMachine(image, pc)
    machine.cycle, machine.status, machine.code = cycle, status, code
    for number, value in registers.items():
        machine.registers[number] = value
    machine.registers[0] = 0
    before = machine.state()
    witness = build_witness(before, machine.node)
    machine.step()
    return StepCase(
        name=name,
        pc=pc,
        cycle=cycle,
        status=status,
        code=code,
        registers={str(n): value for n, value in enumerate(before.registers) if value},
        memory={str(address): content.hex() for address, content in contents.items()},
        hash_before=before.hash().hex(),
        hash_after=machine.state().hash().hex(),
        witness=witness.hex(),
    )


def _operations() -> Iterator[StepCase]:
    for name in REGISTER_FORMS:
        for a, b in OPERANDS:
            yield step_case(f"{name} {a:#x} {b:#x}", encode(name, rd=3, rs1=1, rs2=2), {1: a, 2: b, 3: 9})
    for name in IMMEDIATE_FORMS:
        for a, immediate in (
            (0, 0),
            (5, -3),
            (2**63 - 1, 1),
            (0x7FFF_FFFF, 1),
            (2**64 - 1, 2047),
            (7, -2048),
        ):
            yield step_case(
                f"{name} {a:#x} {immediate}", encode(name, rd=31, rs1=30, immediate=immediate), {30: a}
            )
    for name in SHIFTS:
        for amount in (0, 1, 31) if name.endswith("w") else (0, 1, 31, 32, 63):
            word = encode(name, rd=5, rs1=5, immediate=amount)
            yield step_case(f"{name} by {amount}", word, {5: 0x8765_4321_F0F0_F0F1})
    for name in ("lui", "auipc"):
        for immediate in (0x1000, 0x7FFF_F000, 0x8000_0000, 0xFFFF_F000):
            yield step_case(f"{name} {immediate:#x}", encode(name, rd=1, immediate=immediate), {})
    yield step_case("addi to x0", encode("addi", rd=0, rs1=1, immediate=7), {1: 5})
    for name in ("fence", "fence.i"):
        yield step_case(name, encode(name, rd=1, rs1=2, immediate=0x0FF), {1: 1})


def _control() -> Iterator[StepCase]:
    for name in BRANCHES:
        for a, b in ((5, 5), (5, 6), (2**64 - 1, 1), (1, 2**64 - 1)):
            for offset in (-4096, 4092, 2):
                word = encode(name, rs1=1, rs2=2, immediate=offset)
                yield step_case(f"{name} {a:#x} {b:#x} by {offset}", word, {1: a, 2: b})
    for offset in (-8192, 2**20 - 4, -(2**20), 2):
        yield step_case(f"jal {offset}", encode("jal", rd=1, immediate=offset), {})
    for a, offset in ((0x2000, 4), (0x2001, 0), (0xFFFF_FFFF_8000_0000, -4), (0x2000, 2), (2**64 - 4, 4)):
        yield step_case(f"jalr {offset}({a:#x})", encode("jalr", rd=5, rs1=5, immediate=offset), {5: a})
    for pc in (0x2000_0000, 0x1FFF_FFFC, 0x1002, 1, 2**32 - 4):
        yield step_case(f"at {pc:#x}", encode("addi", rd=1, immediate=1), {2: 3}, pc=pc)


def _accesses() -> Iterator[StepCase]:
    rng = random.Random("accesses")
    # So that many siblings are not zero: something in every range, near and far
    scattered = {
        start: rng.randbytes(24)
        for start in (0x2000_0140, 0x2000_4000, 0x2100_0000, 0x4000_0100, 0x7FFF_0000)
    }
    scattered |= {
        start: rng.randbytes(24) for start in (0x8000_0000, 0xA000_0000, 0xC000_0000, 0xE000_2000, 0x1800)
    }
    for name in (*LOADS, *STORES):
        for start in STARTS:
            near = {min(start, 2**32 - 8): b"\x88\x87\x86\x85\x84\x83\x82\x81"}
            registers = {6: (start - 8) % 2**64 | 0xABCD_0000_0000_0000, 7: 0xF1F2_F3F4_F5F6_F7F8}
            word = encode(name, rd=8, rs1=6, rs2=7, immediate=8)
            yield step_case(
                f"{name} at {start:#x}", word, registers, memory=scattered | near if start % 2 else near
            )


def _environment() -> Iterator[StepCase]:
    for number in (93, 64, 0, 94, 2**32 + 93, 2**64 - 1):
        yield step_case(f"ecall {number}", 0x73, {17: number, 10: 2**64 - 3, 11: 0x2000_0000, 12: 12})
    yield step_case("ebreak", 0x10_0073, {17: 93})
    yield step_case("ecall at the last cycle", 0x73, {17: 93}, cycle=2**64 - 1)


def _floats_without_result() -> Iterator[StepCase]:
    """With rd = x0 the step decides them (M9.5)."""
    for name in FLOAT_ENCODINGS:
        word = encode_float(name, rs1=6, rs2=7, rs3=28)
        yield step_case(f"{name} to x0", word, {6: 1, 7: 2, 28: 3})


def _illegal() -> Iterator[StepCase]:
    words = {
        "zeros": 0,
        "ones": 0xFFFF_FFFF,
        "compressed": 0x0001_0001,
        "slliw by 32": encode("slliw", rd=1, rs1=1) | 1 << 25,
        "slli with funct6 1": encode("slli", rd=1, rs1=1) | 1 << 26,
        "srai with funct7 0x60": encode("srai", rd=1, rs1=1) | 1 << 30 | 1 << 31,
        "funct7 2": encode("add", rd=1) | 2 << 25,
        "mulhw": encode("mulw", rd=1) | 1 << 12,
        "branch 2": encode("beq") | 2 << 12,
        "load 7": encode("lb", rd=1) | 7 << 12,
        "store 4": encode("sb") | 4 << 12,
        "jalr 1": encode("jalr", rd=1) | 1 << 12,
        "fence 2": encode("fence") | 2 << 12,
        "mret": 0x3020_0073,
        "csrrs": 0xC000_2073,
        "lr.w": 0x1000_202F,
        "fmv.x.w": 0xE000_0053,
        "flw": 0x0000_2007,
        "fsd": 0x0000_3027,
        "fmadd.h": 0x0400_0043,
        "fadd.s that rounds to zero": encode_float("fadd.s", rd=1, rounding=1),
        "fmadd.d that rounds down": encode_float("fmadd.d", rd=1, rounding=2),
        "fcvt.s.d that rounds up": encode_float("fcvt.s.d", rd=1, rounding=3),
        "fcvt.w.d with rm 5": encode_float("fcvt.w.d", rd=1, rounding=5),
        "fcvt.d.l with rm 6": encode_float("fcvt.d.l", rd=1, rounding=6),
        "fcvt.d with rs2 4": encode_float("fcvt.d.l", rd=1) | 4 << 20,
        "fcvt.d.d": encode_float("fcvt.d.s", rd=1) | 1 << 20,
        "fsqrt with rs2": encode_float("fsqrt.d", rd=1) | 1 << 20,
        "fclass with rs2": encode_float("fclass.s", rd=1) | 1 << 20,
        "fsgnj with funct3 3": encode_float("fsgnj.s", rd=1) | 3 << 12,
        "fmin with funct3 2": encode_float("fmin.d", rd=1) | 2 << 12,
        "feq with funct3 3": encode_float("feq.d", rd=1) | 3 << 12,
    }
    for name, word in words.items():
        yield step_case(f"illegal: {name}", word, {1: 1, 2: 2})


def _final() -> Iterator[StepCase]:
    for status in (Status.EXITED, Status.TRAPPED):
        yield step_case(f"final: {status.name.lower()}", 0x13, {}, pc=0, cycle=7, status=status, code=5)
