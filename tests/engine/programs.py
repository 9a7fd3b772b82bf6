"""Random whole programs for the machine: every instruction, edge operands, and flow that loops, calls and goes astray.

`random_program(rng)` takes any `random.Random`, so that Hypothesis (which shrinks) and the long fuzz share it.
A program begins by loading all registers from its input, so that one program can be run on many operands.
"""

from __future__ import annotations

import random

from truestep.machine.program import Program, Segment

CODE_START = 0x1_0000
TABLE_START = 0x8_0000
REGISTER_COUNT = 32

EDGE_VALUES = (
    0,
    1,
    2,
    3,
    31,
    32,
    63,
    64,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFF,
    0x1_0000_0000,
    0x7FFF_FFFF_FFFF_FFFF,
    0x8000_0000_0000_0000,
    0xFFFF_FFFF_8000_0000,
    0xFFFF_FFFF_FFFF_FFFE,
    0xFFFF_FFFF_FFFF_FFFF,
)
ADDRESSES = (
    0x1_0000,
    0x1FFF_FFF8,
    0x2000_0000,
    0x2000_0FF8,
    0x2000_0FFC,
    0x2000_1000,
    0x3456_7FFE,
    0x7FFF_EFF9,
    0x7FFF_FFF0,
    0x8000_0000,
    0xA000_0000,
    0xBFFF_FFFC,
    0xC000_0000,
    0xC000_0004,
    0xDFFF_FFFC,
    0xE000_0000,
    0xE000_0FFF,
    0xFFFF_EFFD,
    0xFFFF_FFF0,
    0xFFFF_FFFF_FFFF_FFF8,
    0xFFFF_FFFF_8000_0000,
    0x1_2000_0000,
)

_REGISTER_OPERATIONS = [
    *((0x33, funct3, 0x00) for funct3 in range(8)),
    *((0x33, funct3, 0x01) for funct3 in range(8)),
    *((0x33, funct3, 0x20) for funct3 in (0, 5)),
    *((0x3B, funct3, 0x00) for funct3 in (0, 1, 5)),
    *((0x3B, funct3, 0x01) for funct3 in (0, 4, 5, 6, 7)),
    *((0x3B, funct3, 0x20) for funct3 in (0, 5)),
]
_BRANCHES = (0, 1, 4, 5, 6, 7)


def register_form(opcode: int, funct3: int, funct7: int, rd: int, rs1: int, rs2: int) -> int:
    """An R-type word."""
    return funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode


def immediate_form(opcode: int, funct3: int, rd: int, rs1: int, immediate: int) -> int:
    """An I-type word."""
    return (immediate & 0xFFF) << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode


def store_form(funct3: int, rs1: int, rs2: int, immediate: int) -> int:
    """An S-type word."""
    return (immediate >> 5 & 0x7F) << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | (immediate & 31) << 7 | 0x23


def branch_form(funct3: int, rs1: int, rs2: int, distance: int) -> int:
    """A B-type word."""
    upper = (distance >> 12 & 1) << 31 | (distance >> 5 & 0x3F) << 25
    lower = (distance >> 1 & 0xF) << 8 | (distance >> 11 & 1) << 7
    return upper | rs2 << 20 | rs1 << 15 | funct3 << 12 | lower | 0x63


def jump_form(rd: int, distance: int) -> int:
    """A J-type word."""
    upper = (distance >> 20 & 1) << 31 | (distance >> 1 & 0x3FF) << 21
    return upper | (distance >> 11 & 1) << 20 | (distance >> 12 & 0xFF) << 12 | rd << 7 | 0x6F


def upper_form(opcode: int, rd: int, upper: int) -> int:
    """A U-type word; `upper` is bits 31..12."""
    return (upper & 0xFFFFF) << 12 | rd << 7 | opcode


ECALL, EBREAK, FENCE = 0x73, 0x0010_0073, 0x0FF0_000F
LUI, AUIPC, JALR, LOAD, IMMEDIATE, IMMEDIATE_32 = 0x37, 0x17, 0x67, 0x03, 0x13, 0x1B


def load_registers_from_input() -> list[int]:
    """Words that fill x1..x31 from the first 248 bytes of the input."""
    loads = [immediate_form(LOAD, 3, register, 31, 8 * (register - 1)) for register in range(1, 32)]
    return [upper_form(LUI, 31, 0xA0000), *loads]


def random_operands(rng: random.Random) -> bytes:
    """An input that sets every register: edge values, addresses worth a visit, small and wide numbers."""
    values: list[int] = []
    for _ in range(31):
        choice = rng.randrange(8)
        if choice < 3:
            values.append(rng.choice(ADDRESSES) + rng.choice((0, 0, rng.randrange(-16, 16))))
        elif choice < 5:
            values.append(rng.choice(EDGE_VALUES))
        elif choice < 6:
            values.append(CODE_START + 4 * rng.randrange(200) + rng.choice((0, 0, 0, 1, 2)))
        else:
            values.append(rng.getrandbits(rng.choice((4, 16, 32, 64))))
    return b"".join((value % 2**64).to_bytes(8, "little") for value in values)


class _Generator:
    """Draws words; a few registers are favoured so that results are used again."""

    def __init__(self, rng: random.Random, size: int) -> None:
        self.rng = rng
        self.size = size

    def register(self) -> int:
        return self.rng.choice((0, 1, 2, 5, 8, 10, 11, 12, 17, self.rng.randrange(32)))

    def distance(self, position: int) -> int:
        """To another word of the program, mostly near."""
        rng = self.rng
        near = position + rng.randrange(-12, 20)
        target = near if rng.randrange(8) else rng.randrange(self.size)
        distance = 4 * (max(0, min(target, self.size)) - position)
        return distance + 2 if rng.randrange(60) == 0 else distance

    def word(self, position: int) -> int:
        rng = self.rng
        kinds = (
            (self.operation, 22),
            (self.operation_immediate, 26),
            (self.load, 10),
            (self.store, 12),
            (self.upper, 4),
            (self.branch, 14),
            (self.jump, 5),
            (self.jump_register, 4),
            (self.rarity, 1),
        )
        kind = rng.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]
        return kind(position)

    def operation(self, _: int) -> int:
        opcode, funct3, funct7 = self.rng.choice(_REGISTER_OPERATIONS)
        return register_form(opcode, funct3, funct7, self.register(), self.register(), self.register())

    def immediate(self) -> int:
        rng = self.rng
        return rng.choice((0, 1, -1, 8, -8, 2047, -2048, rng.randrange(-2048, 2048)))

    def operation_immediate(self, _: int) -> int:
        rng, rd, rs1 = self.rng, self.register(), self.register()
        choice = rng.randrange(4)
        if choice == 0:
            shift = rng.randrange(64) | rng.choice((0, 0x400))
            return immediate_form(IMMEDIATE, 5 if shift & 0x400 else rng.choice((1, 5)), rd, rs1, shift)
        if choice == 1:
            shift = rng.randrange(32) | rng.choice((0, 0x400))
            return immediate_form(IMMEDIATE_32, 5 if shift & 0x400 else rng.choice((1, 5)), rd, rs1, shift)
        if choice == 2:
            return immediate_form(IMMEDIATE_32, 0, rd, rs1, self.immediate())
        return immediate_form(IMMEDIATE, rng.choice((0, 0, 2, 3, 4, 6, 7)), rd, rs1, self.immediate())

    def load(self, _: int) -> int:
        return immediate_form(LOAD, self.rng.randrange(7), self.register(), self.register(), self.immediate())

    def store(self, _: int) -> int:
        return store_form(self.rng.randrange(4), self.register(), self.register(), self.immediate())

    def upper(self, _: int) -> int:
        value = self.rng.choice((0x20000, 0x7FFFF, 0xC0000, 0xE0000, 0xFFFFF, self.rng.getrandbits(20)))
        return upper_form(self.rng.choice((LUI, AUIPC)), self.register(), value)

    def branch(self, position: int) -> int:
        return branch_form(
            self.rng.choice(_BRANCHES), self.register(), self.register(), self.distance(position)
        )

    def jump(self, position: int) -> int:
        return jump_form(self.rng.choice((0, 1, 1, 1, 5, self.register())), self.distance(position))

    def jump_register(self, _: int) -> int:
        rd, rs1 = self.rng.choice((0, 0, 1, self.register())), self.rng.choice((1, 1, 5, self.register()))
        return immediate_form(JALR, 0, rd, rs1, self.rng.choice((0, 0, 0, 4, -4, self.immediate())))

    def rarity(self, _: int) -> int:
        return self.rng.choice((FENCE, ECALL, ECALL, EBREAK, 0, self.rng.getrandbits(32)))

    def idiom(self, position: int) -> list[int]:
        """Sequences that random words rarely make: far calls, table jumps, frames, debug writes."""
        rng, scratch = self.rng, self.rng.choice((6, 7, 28))
        choice = rng.randrange(6)
        distance = self.distance(position)
        if choice == 0:
            high = distance + 0x800 >> 12
            return [
                upper_form(AUIPC, scratch, high),
                immediate_form(JALR, 0, rng.choice((0, 1)), scratch, distance),
            ]
        if choice == 1:
            index = 4 * rng.randrange(8)
            table = [
                upper_form(LUI, scratch, TABLE_START >> 12),
                immediate_form(LOAD, 2, scratch, scratch, index),
            ]
            return [*table, immediate_form(JALR, 0, rng.choice((0, 0, 1)), scratch, 0)]
        if choice == 2:
            saved = rng.sample(range(1, 32), 3)
            frame = [immediate_form(IMMEDIATE, 0, 2, 2, -32)]
            return [*frame, *(store_form(3, 2, register, 8 * i) for i, register in enumerate(saved))]
        if choice == 3:
            saved = rng.sample(range(1, 32), 3)
            restore = [immediate_form(LOAD, 3, register, 2, 8 * i) for i, register in enumerate(saved)]
            return [*restore, immediate_form(IMMEDIATE, 0, 2, 2, 32), immediate_form(JALR, 0, 0, 1, 0)]
        if choice == 4:
            return [upper_form(LUI, 2, 0x30000), upper_form(LUI, 10, rng.choice((0xC0000, 0xE0000, 0x20001)))]
        return [immediate_form(IMMEDIATE, 0, 17, 0, rng.choice((64, 64, 64, 93, 5))), ECALL]


def random_program(rng: random.Random, size: int = 160) -> Program:
    """A program of about `size` words, and a table of code addresses that some of them jump through."""
    generator = _Generator(rng, size)
    words = load_registers_from_input()
    while len(words) < size:
        words += generator.idiom(len(words)) if rng.randrange(10) == 0 else [generator.word(len(words))]
    targets = [CODE_START + 4 * rng.randrange(size) + rng.choice((0,) * 9 + (2,)) for _ in range(8)]
    code = b"".join(word.to_bytes(4, "little") for word in words)
    table = b"".join(target.to_bytes(4, "little") for target in targets)
    # Words after the code that are no code to the loader, but may be fetched: constants that decode.
    astray = b"".join(generator.operation_immediate(0).to_bytes(4, "little") for _ in range(8))
    return Program(
        entry=CODE_START,
        segments=(
            Segment(address=CODE_START, content=code, is_executable=True),
            Segment(address=CODE_START + len(code), content=astray, is_executable=False),
            Segment(address=TABLE_START, content=table, is_executable=False),
        ),
    )
