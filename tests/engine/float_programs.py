"""Random loops in which floats meet integers: kept from block to block, moved, negated, stored, passed on."""

from __future__ import annotations

import random

from tests.engine.compare import CYCLES_LIMIT, ENGINES, Comparison, compare_runs
from tests.engine.float_cases import FORMATS, random_bits
from tests.engine.programs import load_registers_from_input, program_of
from tests.machine.encode import BRANCHES, FLOAT_ENCODINGS, encode, encode_float
from truestep.machine.program import Program, Task

BASES = (3, 4)
FLOATS = (5, 6, 7, 10, 11, 12, 28, 29)
DATA = 0x2000_1000
OFFSETS = (0, 8, 16, 24, 32, 4, 12, 20)
"""Some of them meet."""
PLAIN = ("fadd", "fsub", "fmul", "fdiv", "fsqrt", "fmadd", "fnmsub", "fmin", "fmax")
SIGNS = ("fsgnj", "fsgnjn", "fsgnjx")


def float_operands(rng: random.Random) -> bytes:
    """An input for such a program: floats of both formats, and bases where stores are allowed."""
    values = [random_bits(rng, FORMATS[rng.choice("ssddd")]) for _ in range(31)]
    values = [value | (0xFFFF_FFFF << 32 if value >> 31 == 1 and rng.randrange(2) else 0) for value in values]
    for base in BASES:
        values[base - 1] = DATA + rng.choice((0, 0, 4, 64))
    return b"".join(value.to_bytes(8, "little") for value in values)


def random_float_program(rng: random.Random) -> Program:
    """A loop for ever over some blocks that skip each other, and a function that it calls."""
    writer = _Writer(rng)
    words = load_registers_from_input()
    over = len(words)
    words.append(0)
    function = len(words)
    words += [*writer.straight(6), encode("jalr", rs1=1)]
    words[over] = encode("jal", immediate=4 * (len(words) - over))
    start = len(words)
    for _ in range(rng.randrange(2, 8)):
        inside = writer.straight(rng.randrange(1, 9))
        words += [writer.branch(4 * len(inside) + 4), *inside]
        if rng.randrange(4) == 0:
            words.append(encode("jal", rd=1, immediate=4 * (function - len(words))))
    words.append(encode("jal", immediate=4 * (start - len(words))))
    if rng.randrange(4) == 0:
        # Addresses in code stop the run: a store among others that is refused.
        words[start] = encode("addi", rd=4, rs1=4, immediate=-2048)
    return program_of(words)


def compare_float_program(rng: random.Random) -> Comparison:
    """Make a program and run it in both engines with random stops."""
    program, engine = random_float_program(rng), rng.choice(ENGINES)
    cycles, limit = 0, rng.choice((400, CYCLES_LIMIT))
    for _ in range(2):
        stops = [*sorted(rng.randrange(limit) for _ in range(3)), limit]
        comparison = compare_runs(engine, program, Task(input=float_operands(rng)), stops)
        cycles += comparison.cycles
        if comparison.difference:
            return comparison
    return Comparison(cycles=cycles, difference=None)


class _Writer:
    """Draws words; `favourite` is the format that most of them use."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.favourite = rng.choice("sddd")

    def register(self) -> int:
        return self.rng.choice(FLOATS)

    def letter(self) -> str:
        return self.favourite if self.rng.randrange(6) else self.rng.choice("sd")

    def straight(self, count: int) -> list[int]:
        kinds = (
            *(self.arithmetic,) * 8,
            *(self.sign,) * 3,
            *(self.copy, self.load, self.stores, self.stores) * 2,
            *(self.any_float, self.integer),
        )
        return [word for _ in range(count) for word in self.rng.choice(kinds)()]

    def arithmetic(self) -> list[int]:
        name = f"{self.rng.choice(PLAIN)}.{self.letter()}"
        a, b, c, d = (self.register() for _ in range(4))
        return [encode_float(name, rd=a, rs1=b, rs2=c, rs3=d)]

    def any_float(self) -> list[int]:
        name = self.rng.choice([*FLOAT_ENCODINGS])
        a, b, c, d = (self.register() for _ in range(4))
        return [encode_float(name, rd=a, rs1=b, rs2=c, rs3=d, rounding=7)]

    def sign(self) -> list[int]:
        target, source = self.register(), self.register()
        other = source if self.rng.randrange(5) else self.register()
        return [encode_float(f"{self.rng.choice(SIGNS)}.{self.letter()}", rd=target, rs1=source, rs2=other)]

    def copy(self) -> list[int]:
        return [encode("addi", rd=self.register(), rs1=self.rng.choice((0, *FLOATS)))]

    def load(self) -> list[int]:
        name = self.rng.choice(
            ("ld", "ld", "ld", "lw") if self.favourite == "d" else ("lw", "lw", "lw", "ld")
        )
        return [
            encode(name, rd=self.register(), rs1=self.rng.choice(BASES), immediate=self.rng.choice(OFFSETS))
        ]

    def stores(self) -> list[int]:
        """Some in a row, mostly from the same base."""
        rng, base = self.rng, self.rng.choice(BASES)
        names = ("sd", "sd", "sd", "sd", "sw", "sb") if self.favourite == "d" else ("sw", "sw", "sw", "sd")
        return [
            encode(
                rng.choice(names),
                rs1=base if rng.randrange(5) else rng.choice(BASES),
                rs2=self.register(),
                immediate=rng.choice(OFFSETS) if rng.randrange(3) else 8 * number,
            )
            for number in range(rng.randrange(1, 9))
        ]

    def integer(self) -> list[int]:
        name = self.rng.choice(("addi", "srli", "andi", "slli"))
        return [encode(name, rd=self.register(), rs1=self.register(), immediate=self.rng.randrange(1, 32))]

    def branch(self, distance: int) -> int:
        name = self.rng.choice(BRANCHES)
        return encode(name, rs1=self.register(), rs2=self.register(), immediate=distance)
