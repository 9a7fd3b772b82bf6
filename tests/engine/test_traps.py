"""Every way to leave a run, and every right of every range, in both engines."""

from __future__ import annotations

import pytest

from tests.engine.compare import assert_same_end
from tests.engine.programs import CODE_START, program_of
from tests.machine.encode import LOADS, STORES, encode
from truestep.base.integers import sign_extend
from truestep.machine.program import Segment
from truestep.machine.state import Status, TrapCause

A0, A7, BASE, VALUE = 10, 17, 5, 6
EXIT = [encode("addi", rd=A7, immediate=93), encode("ecall")]


def set_register(register: int, value: int) -> list[int]:
    """Words that set a register to a number of 32 bits, zero-extended."""
    low = (value & 0xFFF) - 0x1000 * (value >> 11 & 1)
    words = [
        encode("lui", rd=register, immediate=value - low),
        encode("addi", rd=register, rs1=register, immediate=low),
    ]
    return [*words, *(encode(name, rd=register, rs1=register, immediate=32) for name in ("slli", "srli"))]


def ended(words: list[int]) -> tuple[Status, int]:
    """How a program ends in both engines."""
    state = assert_same_end(program_of(words))
    return state.status, state.code


@pytest.mark.parametrize("name", LOADS)
@pytest.mark.parametrize("present_bytes", range(1, 9))
def test_a_load_finds_zeros_behind_the_end_of_memory(name: str, present_bytes: int) -> None:
    pattern = 0x81828384
    words = [
        *set_register(BASE, 2**32 - 4),
        *set_register(VALUE, pattern),
        encode("sw", rs1=BASE, rs2=VALUE),
        encode("addi", rd=BASE, rs1=BASE, immediate=4 - present_bytes),
        encode(name, rd=A0, rs1=BASE),
        *EXIT,
    ]
    in_memory = bytes(4) + pattern.to_bytes(4, "little")
    size_bytes = {"b": 1, "h": 2, "w": 4, "d": 8}[name[1]]
    found = int.from_bytes(in_memory[8 - present_bytes :][:size_bytes], "little")
    value = found if name.endswith("u") else sign_extend(found, 8 * size_bytes)
    assert ended(words) == (Status.EXITED, value)


LOWEST = Segment(address=0, content=bytes(range(1, 256)) * 16, is_executable=False)


@pytest.mark.parametrize("others", [(), (LOWEST,)], ids=["nothing", "something"])
@pytest.mark.parametrize("offset", [1, 8, 2047, -2048])
def test_a_load_wraps_around_into_the_lowest_page(offset: int, others: tuple[Segment, ...]) -> None:
    """The base counts modulo 2^32, and so does base plus offset, whatever lies in the lowest page."""
    loads = [
        word
        for base in (2**32 - 8, 2**32 - 1, 2**32 - 2040, 0, 5)
        for upper in (0, -1)
        for word in (
            *set_register(BASE, base),
            *([encode("addi", rd=7, immediate=upper), encode("slli", rd=7, rs1=7, immediate=32)]),
            encode("or", rd=BASE, rs1=BASE, rs2=7),
            *(
                instruction
                for name in LOADS
                for instruction in (
                    encode(name, rd=VALUE, rs1=BASE, immediate=offset),
                    encode("slli", rd=8, rs1=A0, immediate=5),
                    encode("add", rd=A0, rs1=A0, rs2=8),
                    encode("add", rd=A0, rs1=A0, rs2=VALUE),
                )
            ),
        )
    ]
    state = assert_same_end(program_of([*loads, *EXIT], *others))
    assert state.status is Status.EXITED


@pytest.mark.parametrize("name", STORES)
@pytest.mark.parametrize("base", [2**32 - 1, 2**32 - 8])
def test_a_store_that_wraps_around_traps(name: str, base: int) -> None:
    words = [*set_register(BASE, base), encode(name, rs1=BASE, rs2=BASE, immediate=2047), *EXIT]
    assert ended(words) == (Status.TRAPPED, TrapCause.STORE_ACCESS)
    groups = [*set_register(BASE, base), *(encode(name, rs1=BASE, immediate=at) for at in (0, 8, 16)), *EXIT]
    assert ended(groups) == (Status.TRAPPED, TrapCause.STORE_ACCESS)


STORE_CASES = [
    ("sb", 0x0001_0000, False),
    ("sd", 0x1FFF_FFF8, False),
    ("sd", 0x1FFF_FFFC, False),
    ("sb", 0x1FFF_FFFF, False),
    ("sd", 0x2000_0000, True),
    ("sd", 0x2000_0FFC, True),
    ("sd", 0x7FFF_EFFC, True),
    ("sd", 0x7FFF_FFF8, True),
    ("sd", 0x7FFF_FFF9, False),
    ("sb", 0x7FFF_FFFF, True),
    ("sb", 0x8000_0000, False),
    ("sw", 0xA000_0000, False),
    ("sd", 0xBFFF_FFFC, False),
    ("sb", 0xBFFF_FFFF, False),
    ("sd", 0xC000_0000, True),
    ("sw", 0xC000_0004, True),
    ("sb", 0xC000_0007, True),
    ("sh", 0xC000_0007, False),
    ("sd", 0xC000_0001, False),
    ("sb", 0xC000_0008, False),
    ("sb", 0xC000_0FFF, False),
    ("sd", 0xDFFF_FFFC, False),
    ("sd", 0xE000_0000, True),
    ("sd", 0xE000_0FFD, True),
    ("sd", 0xFFFF_FFF8, True),
    ("sd", 0xFFFF_FFF9, False),
    ("sh", 0xFFFF_FFFF, False),
    ("sb", 0xFFFF_FFFF, True),
]


@pytest.mark.parametrize(("name", "address", "is_allowed"), STORE_CASES)
def test_rights_to_store(name: str, address: int, is_allowed: bool) -> None:
    """Once as the first store to its page, and once more when the page may have been opened by it."""
    store = [
        *set_register(BASE, address),
        *set_register(VALUE, 0xDEAD_BEEF),
        encode(name, rs1=BASE, rs2=VALUE),
    ]
    expected = (Status.EXITED, 0) if is_allowed else (Status.TRAPPED, TrapCause.STORE_ACCESS)
    assert ended([*store, *EXIT]) == expected
    assert ended([*store, encode(name, rs1=BASE, rs2=BASE), *EXIT]) == expected


@pytest.mark.parametrize("name", STORES)
def test_a_store_to_the_size_does_not_open_its_page(name: str) -> None:
    store = [*set_register(BASE, 0xC000_0000), encode(name, rs1=BASE, rs2=BASE)]
    words = [*store, *store, encode(name, rs1=BASE, rs2=BASE, immediate=8), *EXIT]
    assert ended(words) == (Status.TRAPPED, TrapCause.STORE_ACCESS)


@pytest.mark.parametrize("end", [0x8000_0000, 0x1_0000_0000])
@pytest.mark.parametrize("short_bytes", [1, 2, 4, 7])
def test_a_store_to_the_last_page_of_a_range_does_not_open_it(end: int, short_bytes: int) -> None:
    inside = [*set_register(BASE, end - 0x800), encode("sd", rs1=BASE, rs2=BASE)]
    words = [*inside, *inside, encode("sd", rs1=BASE, rs2=BASE, immediate=0x7FF - short_bytes + 1), *EXIT]
    assert ended([*inside, *EXIT])[0] is Status.EXITED
    assert ended(words) == (Status.TRAPPED, TrapCause.STORE_ACCESS)


def test_high_address_bits_are_ignored() -> None:
    negative = [encode("lui", rd=BASE, immediate=0xE000_0000), encode("sd", rs1=BASE, rs2=BASE, immediate=8)]
    wide = [*set_register(VALUE, 1), encode("slli", rd=VALUE, rs1=VALUE, immediate=33)]
    sum_of_both = encode("add", rd=BASE, rs1=BASE, rs2=VALUE)
    load = encode("ld", rd=A0, rs1=BASE, immediate=8)
    assert ended([*negative, *wide, sum_of_both, load, *EXIT]) == (Status.EXITED, 0xFFFF_FFFF_E000_0000)


def test_an_offset_that_leaves_the_32_bits_wraps() -> None:
    words = [*set_register(BASE, 0xFFFF_FFFF), encode("ld", rd=A0, rs1=BASE, immediate=1), *EXIT]
    assert ended(words) == (Status.EXITED, 0)


JUMPS_ASTRAY = {
    "out of the code": ([*set_register(BASE, 0x2000_0000), encode("jalr", rs1=BASE)], TrapCause.FETCH_ACCESS),
    "to the last word": (
        [*set_register(BASE, 0xFFFF_FFFC), encode("jalr", rs1=BASE)],
        TrapCause.FETCH_ACCESS,
    ),
    "linked, out of the code": (
        [*set_register(BASE, 0x2000_0000), encode("jalr", rd=1, rs1=BASE)],
        TrapCause.FETCH_ACCESS,
    ),
    "to zeros": ([*set_register(BASE, 0x1FFF_0000), encode("jalr", rs1=BASE)], TrapCause.ILLEGAL_INSTRUCTION),
    "backward below 0": ([encode("jal", immediate=-0x1_0020)], TrapCause.FETCH_ACCESS),
    "branch below 0": ([encode("jal", immediate=-0x1_0000), EXIT[1]], TrapCause.ILLEGAL_INSTRUCTION),
    "misaligned jalr": (
        [*set_register(BASE, CODE_START), encode("jalr", rs1=BASE, immediate=2)],
        TrapCause.JUMP_MISALIGNED,
    ),
    "misaligned linked jalr": (
        [*set_register(BASE, CODE_START), encode("jalr", rd=1, rs1=BASE, immediate=6)],
        TrapCause.JUMP_MISALIGNED,
    ),
    "misaligned return": (
        [*set_register(1, CODE_START), encode("jalr", rs1=1, immediate=3)],
        TrapCause.JUMP_MISALIGNED,
    ),
    "misaligned jal": ([encode("jal", rd=1, immediate=6), *EXIT], TrapCause.JUMP_MISALIGNED),
    "misaligned taken branch": ([encode("beq", immediate=-2), *EXIT], TrapCause.JUMP_MISALIGNED),
    "illegal": ([0xFFFF_FFFF], TrapCause.ILLEGAL_INSTRUCTION),
    "falls off the code": ([encode("addi", rd=1, immediate=1)], TrapCause.ILLEGAL_INSTRUCTION),
    "ebreak": ([encode("ebreak")], TrapCause.BREAKPOINT),
    "unknown ecall": ([encode("addi", rd=A7, immediate=94), encode("ecall")], TrapCause.UNKNOWN_ECALL),
}


@pytest.mark.parametrize("name", JUMPS_ASTRAY)
def test_traps(name: str) -> None:
    words, cause = JUMPS_ASTRAY[name]
    assert ended(words) == (Status.TRAPPED, cause)
    padding = [encode("addi", rd=9, rs1=9, immediate=1)] * 3
    assert ended([*padding, *words]) == (Status.TRAPPED, cause)


def test_bit_0_of_a_jump_target_is_cleared() -> None:
    words = [
        *set_register(BASE, CODE_START + 24 + 1),
        encode("jalr", rd=A0, rs1=BASE),
        encode("ebreak"),
        *EXIT,
    ]
    assert ended(words) == (Status.EXITED, CODE_START + 20)


def test_a_misaligned_branch_that_is_not_taken_does_nothing() -> None:
    assert ended([encode("bne", immediate=-2), *EXIT]) == (Status.EXITED, 0)


def test_a_store_that_traps_in_mid_block_gives_back_the_cycles_after_it() -> None:
    words = [
        *set_register(BASE, 0xFFFF_FFFE),
        encode("sw", rs1=BASE, rs2=1),
        *([encode("addi", rd=1)] * 20),
        *EXIT,
    ]
    assert assert_same_end(program_of(words)).cycle == 5


def test_fences_do_nothing() -> None:
    assert ended([encode("fence"), encode("fence.i"), *EXIT]) == (Status.EXITED, 0)


def test_debug_writes_return_the_length() -> None:
    write = [encode("addi", rd=A7, immediate=64), encode("addi", rd=12, immediate=77), encode("ecall")]
    assert ended([*write, *EXIT]) == (Status.EXITED, 77)
