"""Random whole programs: every instruction, edge operands, flow that loops, calls and goes astray.

`random_program(rng)` takes any `random.Random`: Hypothesis (which shrinks) and the long fuzz share it.
A program begins by loading all registers from its input, so that one program can be run on many operands.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

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
from truestep.machine.program import Program, Segment

CODE_START = 0x1_0000
TABLE_START = 0x8_0000
TABLE_ENTRIES = 8
BASES = (3, 4)
"""Registers that programs mostly keep: pointers to memory that can be stored to, so that runs last."""
BASE_ADDRESSES = (0x2000_1000, 0x2000_0FFC, 0x3456_8000, 0xE000_0FFF, 0xE000_1000, 0x7FFF_E800)

EDGE_VALUES = (
    *(0, 1, 2, 3, 31, 32, 63, 64),
    *(0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x1_0000_0000, 0xFFFF_FFFF_8000_0000),
    *(0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, 0xFFFF_FFFF_FFFF_FFFE, 0xFFFF_FFFF_FFFF_FFFF),
)
FLOAT_VALUES = (
    *(0x3FF0_0000_0000_0000, 0x4008_0000_0000_0000, 0x000F_FFFF_FFFF_FFFF, 0x7FEF_FFFF_FFFF_FFFF),
    *(0x7FF0_0000_0000_0000, 0x7FF8_0000_0000_0000, 0x7FF8_0000_0000_0005, 0x7FF0_0000_0000_0001),
    *(0x3F80_0000, 0x4040_0000, 0x007F_FFFF, 0x7F7F_FFFF, 0x7F80_0000, 0x7FC0_0000, 0x7FC0_0005, 0x7F80_0001),
)
"""Of both formats: ordinary, subnormal, largest, infinite, NaNs."""
ADDRESSES = (
    *(0x1_0000, 0x1FFF_FFF8, 0x2000_0000, 0x2000_0FF8, 0x2000_0FFC, 0x2000_1000, 0x3456_7FFE),
    *(0x7FFF_EFF9, 0x7FFF_FFF0, 0x8000_0000, 0xA000_0000, 0xBFFF_FFFC, 0xC000_0000, 0xC000_0004),
    *(0xDFFF_FFFC, 0xE000_0000, 0xE000_0FFF, 0xFFFF_EFFD, 0xFFFF_FFF0, 0xFFFF_FFFF_FFFF_FFF8),
    *(0xFFFF_FFFF_8000_0000, 0x1_2000_0000),
)
"""The ends of every range, of pages that can be opened and that cannot, and addresses wider than 32 bits."""


def assemble(words: Sequence[int]) -> bytes:
    """Words as the machine fetches them."""
    return b"".join(word.to_bytes(4, "little") for word in words)


def program_of(words: Sequence[int], *others: Segment) -> Program:
    """A program that begins with the first of `words`."""
    code = Segment(address=CODE_START, content=assemble(words), is_executable=True)
    return Program(entry=CODE_START, segments=(code, *others))


def load_registers_from_input() -> list[int]:
    """Words that fill x1..x31 from the first 248 bytes of the input."""
    loads = [encode("ld", rd=register, rs1=31, immediate=8 * (register - 1)) for register in range(1, 32)]
    return [encode("lui", rd=31, immediate=0xA000_0000), *loads]


def random_operands(rng: random.Random) -> bytes:
    """An input that sets every register: edge values, addresses worth a visit, small and wide numbers."""
    values = [_random_operand(rng) for _ in range(31)]
    for base in BASES:
        values[base - 1] = rng.choice(BASE_ADDRESSES) + rng.choice((0, 0, 0, 1, 4))
    return b"".join((value % 2**64).to_bytes(8, "little") for value in values)


def _random_operand(rng: random.Random) -> int:
    choice = rng.randrange(8)
    if choice < 3:
        return rng.choice(ADDRESSES) + rng.choice((0, 0, rng.randrange(-16, 16)))
    if choice < 5:
        return rng.choice(EDGE_VALUES)
    if choice == 5 and rng.randrange(2):
        return rng.choice(FLOAT_VALUES) ^ rng.choice((0, 1 << 63, 1 << 31))
    if choice < 6:
        return CODE_START + 4 * rng.randrange(200) + rng.choice((0, 0, 0, 0, 1, 2))
    return rng.getrandbits(rng.choice((4, 16, 32, 64)))


class Generator:
    """Draws words; a few registers are favoured so that results are used again."""

    def __init__(self, rng: random.Random, size: int, kept: Sequence[int] = BASES) -> None:
        self.rng = rng
        self.size = size
        self.kept = kept
        self._kinds = (
            *(self.operation,) * 22,
            *(self.operation_immediate,) * 18,
            *(self.shift_immediate,) * 8,
            *(self.load,) * 10,
            *(self.store,) * 12,
            *(self.upper,) * 4,
            *(self.branch,) * 14,
            *(self.jump,) * 4,
            *(self.jump_register,) * 2,
        )
        self.has_floats = bool(rng.randrange(2))
        """Every other program has none, so that integers are not tried less."""
        if self.has_floats:
            self._kinds += (self.float_operation,) * 40 + (self.copy,) * 8

    def source(self) -> int:
        return self.rng.choice((0, 1, 2, 5, 8, 10, 11, 12, 17, self.rng.randrange(32)))

    def target(self) -> int:
        """Mostly none of those that the program keeps."""
        register = self.source()
        return 9 if register in self.kept and self.rng.randrange(60) else register

    def distance(self, position: int) -> int:
        """To another word of the program, mostly near and forward."""
        rng = self.rng
        near = position + rng.choice((rng.randrange(-12, 20), rng.randrange(1, 8)))
        to = near if rng.randrange(8) else rng.randrange(self.size)
        distance = 4 * (max(0, min(to, self.size)) - position)
        return distance + 2 if rng.randrange(200) == 0 else distance

    def immediate(self) -> int:
        rng = self.rng
        return rng.choice((0, 1, -1, 8, -8, 2047, -2048, rng.randrange(-2048, 2048)))

    def words(self, position: int) -> list[int]:
        """The next word or few of a program that has `position` words."""
        chance = self.rng.randrange(100)
        if chance < 8:
            return self.idiom(position)
        if chance == 8:
            return [self.rarity()]
        return [self.rng.choice(self._kinds)(position)]

    def straight_word(self) -> int:
        """A word that goes on to the next one."""
        kinds = (
            self.operation,
            self.operation,
            self.operation_immediate,
            self.shift_immediate,
            self.load,
            self.store,
        )
        return self.rng.choice(kinds + (self.float_operation,) * 6 * self.has_floats)(0)

    def operation(self, _: int) -> int:
        name = self.rng.choice(REGISTER_FORMS)
        return encode(name, rd=self.target(), rs1=self.source(), rs2=self.source())

    def float_operation(self, _: int) -> int:
        """Mostly plain arithmetic, so that floats come from floats."""
        rng = self.rng
        simple = ("fadd.d", "fmul.d", "fsub.d", "fadd.s", "fsgnjn.d", "fsgnjx.s", "fmadd.d")
        name = rng.choice(simple) if rng.randrange(2) else rng.choice([*FLOAT_ENCODINGS])
        first, rounding = self.source(), rng.choice((0, 7, 7, rng.randrange(8)))
        rounding = rounding if rng.randrange(20) == 0 or name.startswith("fcvt") else 7
        second = first if name.startswith("fsgnj") and rng.randrange(2) else self.source()
        return encode_float(
            name, rd=self.target(), rs1=first, rs2=second, rs3=self.source(), rounding=rounding
        )

    def copy(self, _: int) -> int:
        return encode("addi", rd=self.target(), rs1=self.source())

    def operation_immediate(self, _: int) -> int:
        name = self.rng.choice(IMMEDIATE_FORMS)
        return encode(name, rd=self.target(), rs1=self.source(), immediate=self.immediate())

    def shift_immediate(self, _: int) -> int:
        name, amount = self.rng.choice(SHIFTS), self.rng.randrange(64)
        return encode(name, rd=self.target(), rs1=self.source(), immediate=amount)

    def base(self) -> int:
        return self.rng.choice(BASES) if self.rng.randrange(12) else self.source()

    def load(self, _: int) -> int:
        name = self.rng.choice(LOADS)
        return encode(name, rd=self.target(), rs1=self.base(), immediate=self.immediate())

    def store(self, _: int) -> int:
        name = self.rng.choice(STORES)
        return encode(name, rs1=self.base(), rs2=self.source(), immediate=self.immediate())

    def upper(self, _: int) -> int:
        value = self.rng.choice(
            (0x2000_0000, 0x7FFF_F000, 0xC000_0000, 0xE000_0000, self.rng.getrandbits(32))
        )
        return encode(self.rng.choice(("lui", "auipc")), rd=self.target(), immediate=value)

    def branch(self, position: int) -> int:
        name = self.rng.choice(BRANCHES)
        return encode(name, rs1=self.source(), rs2=self.source(), immediate=self.distance(position))

    def jump(self, position: int) -> int:
        return encode(
            "jal", rd=self.rng.choice((0, 1, 1, 1, 5, self.target())), immediate=self.distance(position)
        )

    def jump_register(self, _: int) -> int:
        rd, rs1 = self.rng.choice((0, 0, 1, self.target())), self.rng.choice((1, 1, 1, 5, self.source()))
        return encode("jalr", rd=rd, rs1=rs1, immediate=self.rng.choice((0, 0, 0, 4, -4, self.immediate())))

    def rarity(self) -> int:
        fixed = (encode("fence"), encode("fence.i"), encode("ecall"), encode("ebreak"), 0)
        return self.rng.choice((*fixed, self.rng.getrandbits(32)))

    def idiom(self, position: int) -> list[int]:
        """Sequences that random words rarely make."""
        flow = (self.far_jump, self.table_jump, self.restore_and_return)
        return self.rng.choice((*flow, self.frame, self.debug_write, self.base_again))(position)

    def far_jump(self, position: int) -> list[int]:
        scratch, distance = self.rng.choice((6, 7, 28)), self.distance(position)
        jump = encode("jalr", rd=self.rng.choice((0, 1)), rs1=scratch, immediate=distance)
        return [encode("auipc", rd=scratch, immediate=distance + 0x800), jump]

    def table_jump(self, _: int) -> list[int]:
        scratch, index = self.rng.choice((6, 7, 28)), 4 * self.rng.randrange(TABLE_ENTRIES)
        return [
            encode("lui", rd=scratch, immediate=TABLE_START),
            encode("lw", rd=scratch, rs1=scratch, immediate=index),
            encode("jalr", rd=self.rng.choice((0, 0, 1)), rs1=scratch),
        ]

    def frame(self, _: int) -> list[int]:
        saved = self.rng.sample(range(1, 32), 3)
        stores = [encode("sd", rs1=2, rs2=register, immediate=8 * i) for i, register in enumerate(saved)]
        return [encode("addi", rd=2, rs1=2, immediate=-32), *stores]

    def restore_and_return(self, _: int) -> list[int]:
        saved = self.rng.sample(range(5, 32), 3)
        loads = [encode("ld", rd=register, rs1=2, immediate=8 * i) for i, register in enumerate(saved)]
        return [*loads, encode("addi", rd=2, rs1=2, immediate=32), encode("jalr", rs1=1)]

    def debug_write(self, _: int) -> list[int]:
        number = self.rng.choice((64, 64, 64, 64, 64, 64, 93, 5))
        return [encode("addi", rd=17, immediate=number), encode("ecall")]

    def base_again(self, _: int) -> list[int]:
        stack = encode("lui", rd=2, immediate=0x3000_0000)
        upper = self.rng.choice((0x2000_1000, 0x2000_2000, 0xE000_1000, 0xE000_2000, 0xC000_0000))
        return [stack, encode("lui", rd=self.rng.choice(BASES), immediate=upper)]


def random_program(rng: random.Random, size: int = 160) -> Program:
    """A program of about `size` words, and a table of code addresses that some of them jump through."""
    generator = Generator(rng, size)
    words = load_registers_from_input()
    while len(words) < size:
        words += generator.words(len(words))
    # Words after the code that are no code to the loader, but may be fetched: constants that decode.
    astray = [generator.operation_immediate(0) for _ in range(8)]
    targets = [
        CODE_START + 4 * rng.randrange(size) + rng.choice((0,) * 20 + (2,)) for _ in range(TABLE_ENTRIES)
    ]
    return program_of(
        words,
        Segment(address=CODE_START + 4 * len(words), content=assemble(astray), is_executable=False),
        Segment(address=TABLE_START, content=assemble(targets), is_executable=False),
    )


class _Functions:
    """Functions that call each other and return: what compilers make of programs."""

    def __init__(self, rng: random.Random, count: int) -> None:
        self.rng = rng
        self.generator = Generator(rng, 1, kept=(1, 2, *BASES))
        self.words = load_registers_from_input()
        self.starts: list[int] = []
        self.count = count

    def write(self) -> list[int]:
        """All functions, the ones that call nothing first, and an endless main that calls the others."""
        over_functions = len(self.words)
        self.words.append(0)
        for _ in range(self.count):
            self.function()
        self.words[over_functions] = encode("jal", immediate=4 * (len(self.words) - over_functions))
        self.words.append(encode("lui", rd=2, immediate=0x2100_0000))
        main = len(self.words)
        self.body(8)
        self.words.append(encode("jal", immediate=4 * (main - len(self.words))))
        return self.words

    def function(self) -> None:
        rng, start = self.rng, len(self.words)
        saved = rng.sample(range(5, 32), rng.randrange(3))
        self.words.append(encode("addi", rd=2, rs1=2, immediate=-48))
        for slot, register in enumerate((1, *saved)):
            self.words.append(encode("sd", rs1=2, rs2=register, immediate=8 * slot))
        self.body(rng.randrange(1, 6))
        for slot, register in enumerate((1, *saved)):
            self.words.append(encode("ld", rd=register, rs1=2, immediate=8 * slot))
        self.words.append(encode("addi", rd=2, rs1=2, immediate=48))
        if self.starts and rng.randrange(4) == 0:
            self.words.append(self.to_function(0))
        elif rng.randrange(12):
            self.words.append(encode("jalr", rs1=1))
        self.starts.append(start)

    def body(self, statements: int) -> None:
        rng = self.rng
        for _ in range(statements):
            choice = rng.randrange(6)
            if choice == 0:
                self.words += [self.generator.straight_word() for _ in range(rng.randrange(1, 12))]
            elif choice == 1:
                self.loop()
            elif choice == 2:
                self.condition()
            elif choice == 3 and self.starts:
                self.indirect_call()
            elif self.starts:
                self.words.append(self.to_function(1))

    def to_function(self, rd: int) -> int:
        return encode("jal", rd=rd, immediate=4 * (self.rng.choice(self.starts) - len(self.words)))

    def loop(self) -> None:
        counter = self.rng.randrange(18, 32)
        inside = [self.generator.straight_word() for _ in range(self.rng.randrange(1, 5))]
        step = [
            encode("andi", rd=counter, rs1=counter, immediate=7),
            encode("addi", rd=counter, rs1=counter, immediate=-1),
        ]
        back = encode("bge", rs1=counter, rs2=0, immediate=-4 * (len(inside) + 1))
        self.words += [step[0], *inside, step[1], back]

    def condition(self) -> None:
        inside = [self.generator.straight_word() for _ in range(self.rng.randrange(1, 6))]
        generator = self.generator
        over = encode(
            self.rng.choice(BRANCHES),
            rs1=generator.source(),
            rs2=generator.source(),
            immediate=4 * len(inside) + 4,
        )
        self.words += [over, *inside]

    def indirect_call(self) -> None:
        target = CODE_START + 4 * self.rng.choice(self.starts)
        low = (target & 0xFFF) - (target << 1 & 0x1000)
        self.words += [
            encode("lui", rd=6, immediate=target - low),
            encode("addi", rd=6, rs1=6, immediate=low),
            encode("jalr", rd=1, rs1=6),
        ]


def random_call_program(rng: random.Random, count: int = 8) -> Program:
    """A program of `count` functions, called for ever."""
    return program_of(_Functions(rng, count).write())
