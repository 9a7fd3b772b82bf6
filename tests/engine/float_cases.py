"""Float instructions on many operands at once: a program that runs them, operands, what must come out."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.engine.compare import DEFAULT, END
from tests.engine.programs import program_of
from tests.machine.encode import FLOAT_ENCODINGS, encode, encode_float
from truestep.engine.jit import JitEngine
from truestep.machine.decode import Instruction, decode
from truestep.machine.float_formats import DOUBLE, SINGLE, Format
from truestep.machine.floats import operate
from truestep.machine.layout import INPUT_START, OUTPUT_START
from truestep.machine.program import Program, Task
from truestep.machine.state import Status

FORMATS = {"s": SINGLE, "d": DOUBLE}
ROUNDINGS = (0, 1, 2, 3, 4, 7)
INTEGER_LIMITS = tuple(
    limit + distance
    for bits in (0, 23, 24, 25, 31, 32, 52, 53, 54, 63, 64)
    for limit in (1 << bits, -(1 << bits))
    for distance in (-3, -2, -1, 0, 1, 2, 3)
)
A, B, C, RESULT, INPUT, OUTPUT, COUNT = 5, 6, 7, 28, 10, 11, 12

Triple = tuple[int, int, int]
"""Values of rs1, rs2 and rs3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One result that is wrong."""

    instruction: Instruction
    operands: Triple
    expected: int
    got: int

    def __str__(self) -> str:
        listed = ", ".join(f"{value:#x}" for value in self.operands)
        return f"{self.instruction}({listed}): expected {self.expected:#x}, got {self.got:#x}"


def variants(letter: str, least_operands: int = 1) -> list[int]:
    """A word for each instruction that reads or makes floats of a format, with each rounding it knows."""
    words: list[int] = []
    for name, encoding in FLOAT_ENCODINGS.items():
        types = name.split(".")[1:]
        is_own = types[-1] == letter or (types[0] == letter and types[-1] not in FORMATS)
        if is_own and int(encoding.form[1]) >= least_operands:
            roundings = ROUNDINGS if encoding.form == "F1ri" else (0,)
            words += [
                encode_float(name, rd=RESULT, rs1=A, rs2=B, rs3=C, rounding=rounding)
                for rounding in roundings
            ]
    return words


def program_for(words: Sequence[int]) -> Program:
    """Runs each of `words` on each triple of the input, and writes all results."""
    body = [encode("ld", rd=register, rs1=INPUT, immediate=8 * i) for i, register in enumerate((A, B, C))]
    for number, word in enumerate(words):
        body += [word, encode("sd", rs1=OUTPUT, rs2=RESULT, immediate=8 * number)]
    step = [
        encode("addi", rd=INPUT, rs1=INPUT, immediate=24),
        encode("addi", rd=OUTPUT, rs1=OUTPUT, immediate=8 * len(words)),
        encode("addi", rd=COUNT, rs1=COUNT, immediate=-1),
    ]
    back = encode("bne", rs1=COUNT, immediate=-4 * (len(body) + len(step)))
    start = [
        encode("lui", rd=INPUT, immediate=INPUT_START),
        encode("lui", rd=OUTPUT, immediate=OUTPUT_START),
        encode("ld", rd=COUNT, rs1=INPUT),
        encode("addi", rd=INPUT, rs1=INPUT, immediate=8),
    ]
    return program_of([*start, *body, *step, back, encode("addi", rd=17, immediate=93), encode("ecall")])


def results(words: Sequence[int], triples: Sequence[Triple], engine: JitEngine = DEFAULT) -> list[list[int]]:
    """What the engine makes of each triple: a row for each, a column for each word."""
    flat = [value % 2**64 for triple in triples for value in triple]
    content = b"".join(value.to_bytes(8, "little") for value in (len(triples), *flat))
    machine = engine.start(program_for(words), Task(input=content))
    machine.advance(END)
    if machine.status is not Status.EXITED:
        raise AssertionError(f"expected the program to exit, got {machine.status!r} {machine.code}")
    row_size = 8 * len(words)
    output = memoryview(machine.read_memory(OUTPUT_START, row_size * len(triples))).cast("Q").tolist()
    return [output[len(words) * row : len(words) * (row + 1)] for row in range(len(triples))]


def differences(
    words: Sequence[int], triples: Sequence[Triple], engine: JitEngine = DEFAULT
) -> Iterator[Difference]:
    """Where the engine and the reference disagree."""
    instructions = [instruction for word in words if (instruction := decode(word))]
    for triple, row in zip(triples, results(words, triples, engine), strict=True):
        a, b, c = (value % 2**64 for value in triple)
        for instruction, got in zip(instructions, row, strict=True):
            expected = operate(instruction, a, b, c)
            if got != expected:
                yield Difference(instruction=instruction, operands=(a, b, c), expected=expected, got=got)


def edge_values(form: Format) -> list[int]:
    """Bits of both signs: zeros, subnormals, ends of ranges, halves, infinities, NaNs of both kinds."""
    one = (form.infinity >> 1) & form.infinity
    ulp_steps = (-2, -1, 0, 1, 2)
    centres = (
        *(1 << form.fraction_bits, one, 2 * one & form.infinity, form.infinity),
        *(one + (exponent << form.fraction_bits) for exponent in (-1, 1, 2, form.fraction_bits)),
    )
    magnitudes = {0, 1, 2, 3, (1 << form.fraction_bits) - 1, form.infinity | form.quiet_bit - 1}
    magnitudes |= {centre + step for centre in centres for step in ulp_steps}
    magnitudes |= {one + form.quiet_bit, one + form.quiet_bit + 1, one - 1 >> 1}
    magnitudes |= {form.infinity | form.quiet_bit, form.infinity | form.quiet_bit | 5, form.sign_bit - 1}
    return [magnitude | sign for magnitude in sorted(magnitudes) for sign in (0, form.sign_bit)]


def as_registers(form: Format, values: Iterable[int]) -> list[int]:
    """Bits of a format in a register; what a single leaves free is sometimes not its sign."""
    junk = (0, 0xFFFF_FFFF, 0x7FF0_0000, 0x1234_5678)
    if form.width == 64:
        return list(values)
    return [bits | junk[number % len(junk)] << 32 for number, bits in enumerate(values)]


def random_bits(rng: random.Random, form: Format) -> int:
    """A float's bits: any, or near another's, or with a short fraction, or special."""
    choice = rng.randrange(8)
    if choice == 0:
        return rng.choice(edge_values(form))
    if choice < 3:
        return rng.getrandbits(form.width)
    sign = rng.getrandbits(1) * form.sign_bit
    bias = (1 << form.exponent_bits - 1) - 1
    span = form.significand_bits + 3 if choice < 7 else bias
    exponent = bias + rng.randrange(-span, span + 1)
    fraction = rng.getrandbits(form.fraction_bits)
    if choice in (3, 4):
        fraction &= -1 << rng.randrange(form.fraction_bits)
    return sign | exponent << form.fraction_bits | fraction


def random_triple(rng: random.Random, form: Format) -> Triple:
    """Operands, often related: sums cancel, quotients are near one, products meet addends."""
    a, b, c = (random_bits(rng, form) for _ in range(3))
    if rng.randrange(4) == 0:
        b = (a ^ rng.choice((0, form.sign_bit))) + rng.randrange(-2, 3)
    if rng.randrange(4) == 0:
        product = operate(_multiplication(form), a, b, 0) % (1 << form.width)
        c = (product ^ rng.choice((0, form.sign_bit))) + rng.randrange(-1, 2)
    if rng.randrange(6) == 0:
        a = rng.choice(INTEGER_LIMITS) if rng.randrange(2) else rng.getrandbits(rng.randrange(1, 65))
    upper = rng.getrandbits(32) << 32 if form.width == 32 and rng.randrange(2) else 0
    return a % 2**64 ^ upper, b % 2**64 ^ upper, c % 2**64


def _multiplication(form: Format) -> Instruction:
    instruction = decode(encode_float("fmul.d" if form.width == 64 else "fmul.s", rd=A, rs1=A, rs2=B))
    if instruction is None:
        raise AssertionError("expected a multiplication, got an illegal word")
    return instruction
