"""Every float instruction of the reference machine against unicorn and the host's hardware, bit for bit."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from tests.differential.float_emulator import FloatEmulator, has_signalling_minimum, is_signalling
from tests.differential.host_floats import host_results, truncated_integers
from tests.machine.encode import FLOAT_ENCODINGS, encode_float
from tests.machine.float_operands import (
    LAYOUTS,
    Operands,
    class_operands,
    random_operands,
    roundings,
    source_format,
)
from truestep.machine.decode import decode
from truestep.machine.floats import operate

RANDOM_ROWS = 4_000
DYNAMIC = 7
"""A rounding field that means what RNE means here: random operands are enough."""
ROWS_LIMIT = 40_000


@pytest.fixture(scope="module")
def emulator() -> FloatEmulator:
    return FloatEmulator(ROWS_LIMIT)


def ours(name: str, rounding: int, rows: Sequence[Operands]) -> list[int]:
    instruction = decode(encode_float(name, rd=1, rs1=2, rs2=3, rs3=4, rounding=rounding))
    assert instruction is not None
    return [operate(instruction, *row) for row in rows]


def differences(rows: Sequence[Operands], got: list[int], expected: list[int]) -> list[str]:
    """The first few, in words."""
    assert len(got) == len(expected) == len(rows)
    return [
        f"{', '.join(map(hex, row))}: got {a:#x}, expected {b:#x}"
        for row, a, b in zip(rows, got, expected, strict=True)
        if a != b
    ][:5]


@pytest.mark.parametrize("name", FLOAT_ENCODINGS)
def test_every_operation(name: str, emulator: FloatEmulator, seed: int) -> None:
    """All combinations of classes and random operands, in every rounding that the instruction knows."""
    chance = random_operands(name, RANDOM_ROWS, random.Random(f"{seed} {name}"))
    for rounding in roundings(name):
        rows = chance if rounding == DYNAMIC else class_operands(name) + chance
        got = ours(name, rounding, rows)
        compared = [not has_signalling_minimum(name, row) for row in rows]
        kept = [row for row, is_kept in zip(rows, compared, strict=True) if is_kept]
        kept_got = [result for result, is_kept in zip(got, compared, strict=True) if is_kept]
        emulated = emulator.results(name, rounding, kept)
        assert differences(kept, kept_got, emulated) == [], f"unicorn, {name}, rm {rounding}"
        on_host = host_results(name, rows) if rounding in (0, DYNAMIC) else None
        if on_host is not None:
            assert differences(rows, got, on_host) == [], f"host, {name}"
        if rounding == 1:
            check_truncation(name, rows, got)


def check_truncation(name: str, rows: list[Operands], got: list[int]) -> None:
    if source_format(name) is None:
        return
    positions, expected = truncated_integers(name, rows)
    chosen = [rows[position] for position in positions]
    assert len(chosen) > 1000
    assert differences(chosen, [got[position] for position in positions], expected) == [], f"host, {name}"


@pytest.mark.parametrize("name", ["fmin.s", "fmax.s", "fmin.d", "fmax.d"])
def test_minimum_with_a_signalling_nan(name: str) -> None:
    """What unicorn is not asked: as with a quiet one (M8.3)."""
    letter = name[-1]
    quiet_bit = 1 << (LAYOUTS[letter].fraction_bits - 1)
    rows = [row for row in class_operands(name) if has_signalling_minimum(name, row)]

    def quieted(value: int) -> int:
        return value | quiet_bit if is_signalling(letter, value) else value

    quiet_rows = [(quieted(a), quieted(b), c) for a, b, c in rows]
    assert len(rows) > 100
    assert differences(rows, ours(name, 0, rows), ours(name, 0, quiet_rows)) == []
