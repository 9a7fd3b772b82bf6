"""Random programs that jump about as interpreters do: tables of few and many cases, words and pointers.

Functions lie in two segments, the second at the very end of the code range. They call each other, themselves
and through pointers; some jumps lead into the middle of things, to misaligned addresses and where no code is.
"""

from __future__ import annotations

import random

from tests.engine.programs import (
    BASES,
    CODE_START,
    Generator,
    assemble,
    load_registers_from_input,
)
from tests.machine.encode import BRANCHES, encode
from truestep.machine.layout import CODE_END
from truestep.machine.program import Program, Segment

TABLES_START = 0x18_0000
"""Above everything that a positive immediate of `lui` and `addi` reaches."""
CASES = (2, 5, 16, 17, 40)
"""Powers of two and not, up to and beyond what an indirect jump chooses among within a function."""
POINTER, SCRATCH, RA, SP = 28, 7, 1, 2
ASTRAY = (CODE_END, CODE_END - 4, CODE_END - 2, 0, 2, 0x8000_0000, 0xFFFF_FFFC, CODE_START + 6)


def address_in(register: int, address: int) -> list[int]:
    """Words that set a register to a 32-bit address, its sign extended."""
    low = (address & 0xFFF) - (address << 1 & 0x1000)
    upper = encode("lui", rd=register, immediate=(address - low) & 0xFFFF_FFFF)
    return [upper, encode("addi", rd=register, rs1=register, immediate=low)]


class _Part:
    """The functions of one segment."""

    def __init__(self, rng: random.Random, functions: int, others: list[int]) -> None:
        self.rng = rng
        self.generator = Generator(rng, 1, kept=(RA, SP, *BASES))
        self.words: list[int] = []
        self.starts: list[int] = []
        self.others = others
        """Addresses of functions in the other segment."""
        self.tables: list[tuple[int, list[int]]] = []
        """Where a table's address belongs (the position of two words), and the positions of its cases."""
        for _ in range(functions):
            self.starts.append(len(self.words))
            self._function()

    def _straight(self, limit: int) -> None:
        self.words += [self.generator.straight_word() for _ in range(self.rng.randrange(limit))]

    def _function(self) -> None:
        rng = self.rng
        self.words += [encode("addi", rd=SP, rs1=SP, immediate=-16), encode("sd", rs1=SP, rs2=RA)]
        for _ in range(rng.randrange(1, 4)):
            self._straight(6)
            rng.choice((self._switch, self._call, self._recursion, self._loop_with_call, self._far_call))()
        self.words += [encode("ld", rd=RA, rs1=SP), encode("addi", rd=SP, rs1=SP, immediate=16)]
        if rng.randrange(12):
            self.words.append(encode("jalr", rs1=RA))

    def _switch(self) -> None:
        """A jump through a table; each case goes on, jumps through the table again, returns or strays."""
        rng = self.rng
        cases = rng.choice(CASES)
        at = len(self.words)
        self._dispatch(at, cases)
        joins, positions = list[int](), list[int]()
        for _ in range(cases):
            positions.append(len(self.words) - rng.choice((0,) * 30 + (1, 2)))
            self._straight(4)
            choice = rng.randrange(12)
            if choice < 4:
                self._dispatch(at, cases)
            elif choice == 4:
                self.words.append(encode("jalr", rs1=RA))
            elif choice == 5:
                self.words += [*address_in(SCRATCH, rng.choice(ASTRAY)), encode("jalr", rs1=SCRATCH)]
            elif choice < 10:
                joins.append(len(self.words))
                self.words.append(0)
        for join in joins:
            self.words[join] = encode("jal", immediate=4 * (len(self.words) - join))
        self.tables.append((at, positions))

    def _dispatch(self, table: int, cases: int) -> None:
        """Jump to a case that a register chooses; the table's address is filled in later."""
        index = self.generator.source()
        if len(self.words) == table:
            self.words += [0, 0]
        else:
            self.words += [encode("addi", rd=POINTER, rs1=POINTER)]
        self.words += [
            encode("andi", rd=SCRATCH, rs1=index, immediate=(1 << (cases - 1).bit_length()) - 1),
            encode("slli", rd=SCRATCH, rs1=SCRATCH, immediate=3),
            encode("add", rd=SCRATCH, rs1=SCRATCH, rs2=POINTER),
            encode(self.rng.choice(("lw", "lwu", "ld")), rd=SCRATCH, rs1=SCRATCH),
            encode(
                "jalr",
                rd=0 if self.rng.randrange(8) else RA,
                rs1=SCRATCH,
                immediate=self.rng.choice((0, 0, 0, 1)),
            ),
        ]

    def _call(self) -> None:
        target = self.rng.choice(self.starts)
        self.words.append(encode("jal", rd=RA, immediate=4 * (target - len(self.words))))

    def _far_call(self) -> None:
        if self.others:
            rd = 0 if self.rng.randrange(6) == 0 else RA
            self.words += [*address_in(6, self.rng.choice(self.others)), encode("jalr", rd=rd, rs1=6)]

    def _recursion(self) -> None:
        """As deep as the low bits of a register say."""
        depth = self.rng.randrange(18, 28)
        self.words += [
            encode("andi", rd=depth, rs1=depth, immediate=15),
            encode("beq", rs1=depth, immediate=12),
            encode("addi", rd=depth, rs1=depth, immediate=-1),
            encode("jal", rd=RA, immediate=4 * (self.starts[-1] - len(self.words) - 3)),
        ]

    def _loop_with_call(self) -> None:
        counter, head = self.rng.randrange(18, 28), len(self.words) + 1
        self.words.append(encode("andi", rd=counter, rs1=counter, immediate=self.rng.choice((3, 63))))
        self._straight(4)
        if self.rng.randrange(2):
            self._call()
        self.words.append(encode("addi", rd=counter, rs1=counter, immediate=-1))
        back = encode(
            self.rng.choice(("bge", *BRANCHES)), rs1=counter, immediate=4 * (head - len(self.words))
        )
        self.words.append(back)


def random_switch_program(rng: random.Random, functions: int = 4) -> Program:
    """A program of so many functions in its first segment and one or two at the end of the code range."""
    end = _Part(rng, rng.randrange(1, 3), [])
    end_start = CODE_END - 4 * len(end.words)
    near = _Part(rng, functions, [end_start + 4 * start for start in end.starts])
    first = [*load_registers_from_input(), *address_in(SP, 0x2100_0000)]
    start = CODE_START + 4 * len(first) + 4
    main = len(near.words)
    calls = [encode("jal", rd=RA, immediate=4 * (to - main - at)) for at, to in enumerate(near.starts)]
    near.words += [*calls, encode("jal", immediate=-4 * len(calls))]
    first.append(encode("jal", immediate=4 * main + 4))
    constants = bytearray()
    for part, base in ((near, start), (end, end_start)):
        for at, positions in part.tables:
            part.words[at : at + 2] = address_in(POINTER, TABLES_START + len(constants))
            is_signed = rng.randrange(2)
            for number in range(1 << (len(positions) - 1).bit_length()):
                target = base + 4 * positions[number % len(positions)]
                # A second word that is not 0 makes it a table of words, not of pointers.
                constants += target.to_bytes(4, "little") + (7 * is_signed).to_bytes(4, "little")
    return Program(
        entry=CODE_START,
        segments=(
            Segment(address=CODE_START, content=assemble([*first, *near.words]), is_executable=True),
            Segment(address=TABLES_START, content=bytes(constants), is_executable=False),
            Segment(address=end_start, content=assemble(end.words), is_executable=True),
        ),
    )
