"""The decoder against an assembler that was written from the specification's tables."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.machine.encode import ENCODINGS, FLOAT_ENCODINGS, encode, encode_float
from truestep.machine.decode import Instruction, Kind, decode

FLOAT_OPCODES = (0x43, 0x47, 0x4B, 0x4F, 0x53)
REGISTERS = st.integers(0, 31)
IMMEDIATE_BITS = {"I": (12, 1), "S": (12, 1), "B": (13, 2), "U": (32, 4096), "J": (21, 2)}
"""Signed length in bits and granularity of each form's immediate."""


def immediates(name: str) -> st.SearchStrategy[int]:
    form = ENCODINGS[name].form
    if form.startswith("shift"):
        return st.integers(0, 31 if form == "shift32" else 63)
    bits, granularity = IMMEDIATE_BITS.get(form, (1, 1))
    limit = (1 << (bits - 1)) // granularity
    return st.integers(-limit, limit - 1).map(lambda value: value * granularity)


FORMS = sorted({encoding.form for encoding in ENCODINGS.values()} - {"fence", "fixed"})


@pytest.mark.parametrize("form", FORMS)
@given(choice=st.data(), rd=REGISTERS, rs1=REGISTERS, rs2=REGISTERS)
def test_what_is_encoded_is_decoded(form: str, choice: st.DataObject, rd: int, rs1: int, rs2: int) -> None:
    name = choice.draw(st.sampled_from([name for name, e in ENCODINGS.items() if e.form == form]))
    immediate = choice.draw(immediates(name))
    instruction = decode(encode(name, rd=rd, rs1=rs1, rs2=rs2, immediate=immediate))
    assert instruction is not None
    assert instruction.name == name
    assert instruction.rd == (rd if form not in "SB" else 0)
    assert instruction.rs1 == (rs1 if form not in "UJ" else 0)
    assert instruction.rs2 == (rs2 if form in ("R", "S", "B") else 0)
    assert instruction.immediate == (immediate if form != "R" else 0)


@given(fields=st.integers(0, 2**20 - 1), funct3=st.integers(0, 1))
def test_fences_may_have_any_other_fields(fields: int, funct3: int) -> None:
    """M1.3"""
    word = 0x0F | funct3 << 12 | (fields & 31) << 7 | fields >> 5 << 15
    instruction = decode(word)
    assert instruction is not None and instruction.kind is Kind.FENCE


def test_only_two_system_words_are_instructions() -> None:
    names = {word: decode(word) for word in (0x73, 0x10_0073)}
    assert {word: i and i.name for word, i in names.items()} == {0x73: "ecall", 0x10_0073: "ebreak"}
    others = [0x73 | 1 << bit for bit in range(7, 32) if bit != 20] + [0x3020_0073, 0x1050_0073, 0xC000_2073]
    assert [decode(word) for word in others] == [None] * len(others)


@given(choice=st.data(), rd=REGISTERS, rs1=REGISTERS, rs2=REGISTERS, rs3=REGISTERS)
def test_what_is_encoded_as_a_float_is_decoded(
    choice: st.DataObject, rd: int, rs1: int, rs2: int, rs3: int
) -> None:
    name = choice.draw(st.sampled_from(sorted(FLOAT_ENCODINGS)))
    form = FLOAT_ENCODINGS[name].form
    rounding = choice.draw(st.sampled_from((0, 1, 2, 3, 4, 7) if "i" in form else (0, 7)))
    instruction = decode(encode_float(name, rd=rd, rs1=rs1, rs2=rs2, rs3=rs3, rounding=rounding))
    assert instruction == Instruction(
        name=name,
        kind=Kind.FLOAT,
        rd=rd,
        rs1=rs1,
        rs2=rs2 if "1" not in form else 0,
        rs3=rs3 if "3" in form else 0,
        rounding=rounding if "r" in form else 0,
    )


def legal_words() -> set[tuple[int, int, int]]:
    """(opcode, funct3, funct7 or funct6 or nothing) of every integer instruction."""
    words: set[tuple[int, int, int]] = set()
    for encoding in ENCODINGS.values():
        opcode, funct3, funct7 = encoding.opcode, encoding.funct3, encoding.funct7
        match encoding.form:
            case "R" | "shift32":
                words.add((opcode, funct3, funct7))
            case "shift":
                words |= {(opcode, funct3, funct7), (opcode, funct3, funct7 | 1)}
            case "U" | "J":
                words |= {(opcode, any3, any7) for any3 in range(8) for any7 in range(128)}
            case "fixed":
                pass
            case _:
                words |= {(opcode, funct3, any7) for any7 in range(128)}
    return words


def legal_floats() -> set[tuple[int, int, int, int]]:
    """(opcode, funct3, rs2, funct7) of every float instruction."""
    words: set[tuple[int, int, int, int]] = set()
    for encoding in FLOAT_ENCODINGS.values():
        form = encoding.form
        roundings = (0, 1, 2, 3, 4, 7) if "i" in form else (0, 7) if "r" in form else (encoding.funct3,)
        selectors = (encoding.rs2,) if "1" in form else range(32)
        thirds = range(32) if "3" in form else (0,)
        for rs3 in thirds:
            words |= {
                (encoding.opcode, funct3, rs2, encoding.funct7 | rs3 << 2)
                for funct3 in roundings
                for rs2 in selectors
            }
    return words


def test_everything_else_is_illegal(rng: random.Random) -> None:
    """M1.4, M8.2: all combinations of opcode, funct3 and funct7; for floats also of rs2."""
    legal, floats = legal_words(), legal_floats()
    for opcode in range(128):
        selectors = range(32) if opcode in FLOAT_OPCODES else None
        for funct3 in range(8):
            for funct7 in range(128):
                word = opcode | funct3 << 12 | funct7 << 25 | (rng.getrandbits(5) or 1) << 7
                word |= rng.getrandbits(5) << 15
                for rs2 in selectors or (rng.getrandbits(5),):
                    expected = (opcode, funct3, funct7) in legal or (opcode, funct3, rs2, funct7) in floats
                    assert (decode.__wrapped__(word | rs2 << 20) is not None) == expected, (
                        f"{word:#010x}, {rs2}"
                    )
