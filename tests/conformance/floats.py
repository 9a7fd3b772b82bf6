"""A test program for each float instruction, in the same shape.

Unicorn has no Zfinx to run them on: what is expected is what the twin with float registers gives.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import chain

from tests.conformance.environment import INSTRUCTION_SET, Source
from tests.conformance.instructions import numbered, s
from tests.differential.float_emulator import FloatEmulator, has_signalling_minimum
from tests.machine.encode import FLOAT_ENCODINGS
from tests.machine.float_operands import (
    class_operands,
    operand_count,
    random_operands,
    roundings,
    source_format,
)

ROWS = 12
ZFINX = f"{INSTRUCTION_SET}+zfinx+zdinx"
MODES = ("rne", "rtz", "rdn", "rup", "rmm", "", "", "dyn")
SOURCES = ("a1", "a2", "a3")


GROUPS = {
    "arithmetic": ("fadd", "fsub", "fmul", "fdiv", "fsqrt"),
    "fused": ("fmadd", "fmsub", "fnmsub", "fnmadd"),
    "signs": ("fsgnj", "fsgnjn", "fsgnjx", "fmin", "fmax"),
    "comparisons": ("fle", "flt", "feq", "fclass"),
    "conversions": ("fcvt",),
}
ON_CHAIN = ("fadd.d", "fdiv.s", "fsqrt.d", "fmadd.s", "feq.d", "fcvt.w.d", "fcvt.s.lu", "fcvt.s.d")


def float_programs() -> dict[str, Source]:
    """By what they test; and one that is short, for the chain."""
    emulator = FloatEmulator(ROWS)
    programs = {
        f"{group}.{letter}": _program(_names(mnemonics, letter), ROWS, emulator)
        for group, mnemonics in GROUPS.items()
        for letter in "sd"
    }
    return programs | {"short": _program(ON_CHAIN, 2, emulator)}


def names_tested() -> set[str]:
    """The instructions in the programs."""
    return {name for mnemonics in GROUPS.values() for letter in "sd" for name in _names(mnemonics, letter)}


def _names(mnemonics: Sequence[str], letter: str) -> list[str]:
    """Conversions belong to the format of their operand, or of the result if that is an integer."""
    return [
        name
        for name in FLOAT_ENCODINGS
        if name.split(".")[0] in mnemonics and (source_format(name) or name.split(".")[1]) == letter
    ]


def _program(names: Sequence[str], rows: int, emulator: FloatEmulator) -> Source:
    cases = chain.from_iterable(_cases(name, rows, emulator) for name in names)
    return Source(code=numbered(cases), instruction_set=ZFINX)


def _cases(name: str, row_count: int, emulator: FloatEmulator) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    rng = random.Random(name)
    count = operand_count(name)
    sources = SOURCES[:count]
    classes = [row for row in class_operands(name) if not has_signalling_minimum(name, row)]
    rows = [*rng.sample(classes, row_count // 2), *random_operands(name, row_count // 2, rng)]
    for rounding in roundings(name):
        mode = f", {MODES[rounding]}" if len(roundings(name)) > 1 and _writes_mode(name) else ""
        for row, expected in zip(rows, emulator.results(name, rounding, rows), strict=True):
            loads = [f"li {register}, {s(value)}" for register, value in zip(sources, row, strict=False)]
            yield "a4", expected, (*loads, f"{name} a4, {', '.join(sources)}{mode}")
    a = rows[0][0]
    (expected,) = emulator.results(name, 0, [(a, a, a)])
    yield "a1", expected, (f"li a1, {s(a)}", f"{name} a1, {', '.join(['a1'] * count)}")
    yield "x0", 0, (f"li a1, {s(a)}", f"{name} x0, {', '.join(['a1'] * count)}")


def _writes_mode(name: str) -> bool:
    """Assemblers know no mode for conversions that are always exact."""
    return name not in ("fcvt.d.s", "fcvt.d.w", "fcvt.d.wu")
