"""Words of a prelude: what becomes a standard instruction, and what must stay as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.machine.encode import encode
from truestep.machine.decode import decode
from truestep.machine.prelude import MRET_WORD, rewrite_prelude

START = 0x8000_0000
NOP = encode("addi")
MHARTID, MTVEC, MEPC, CYCLE = 0xF14, 0x305, 0x341, 0xC00
RW, RS, RC, RWI, RSI, RCI = 1, 2, 3, 5, 6, 7


def csr(number: int, funct3: int, *, rd: int = 0, rs1: int = 0) -> int:
    """A CSR instruction; `rs1` is the immediate in the last three forms."""
    return number << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | 0x73


def zero(rd: int) -> int:
    return encode("addi", rd=rd)


@pytest.mark.parametrize(
    ("word", "rewritten"),
    [
        pytest.param(csr(MTVEC, RW, rs1=5), NOP, id="csrw"),
        pytest.param(csr(MTVEC, RWI, rs1=8), NOP, id="csrwi"),
        pytest.param(csr(MTVEC, RW, rd=6, rs1=5), zero(6), id="csrrw"),
        pytest.param(csr(MTVEC, RS, rd=6, rs1=5), zero(6), id="csrrs"),
        pytest.param(csr(MTVEC, RC, rs1=5), NOP, id="csrc"),
        pytest.param(csr(MTVEC, RSI, rd=31, rs1=1), zero(31), id="csrrsi"),
        pytest.param(csr(MTVEC, RCI, rd=1), zero(1), id="csrrci"),
        pytest.param(csr(MHARTID, RS, rd=10), zero(10), id="read of a read-only CSR"),
        pytest.param(csr(CYCLE, RW), csr(CYCLE, RW), id="unimp"),
        pytest.param(
            csr(MHARTID, RS, rd=10, rs1=1), csr(MHARTID, RS, rd=10, rs1=1), id="set in a read-only CSR"
        ),
        pytest.param(csr(MTVEC, 4, rd=3), csr(MTVEC, 4, rd=3), id="hypervisor"),
        pytest.param(0x73, 0x73, id="ecall"),
        pytest.param(0x10_0073, 0x10_0073, id="ebreak"),
        pytest.param(MRET_WORD, MRET_WORD, id="mret alone"),
        pytest.param(0x1050_0073, 0x1050_0073, id="wfi"),
        pytest.param(0x1200_0073, 0x1200_0073, id="sfence.vma"),
    ],
)
def test_single_words(word: int, rewritten: int) -> None:
    assert rewrite_prelude([word], START) == [rewritten]


TO_MEPC = csr(MEPC, RW, rs1=5)
JUMP = encode("jalr", rs1=5)


@pytest.mark.parametrize(
    "between",
    [
        pytest.param([], id="nothing"),
        pytest.param([csr(MHARTID, RS, rd=10)], id="a CSR read"),
        pytest.param([encode("add", rd=6, rs1=5, rs2=5), encode("sd", rs1=2, rs2=5, immediate=5)], id="uses"),
        pytest.param([encode("fence")], id="fence"),
    ],
)
def test_a_return_becomes_a_jump(between: list[int]) -> None:
    assert rewrite_prelude([TO_MEPC, *between, MRET_WORD], START)[-1] == JUMP


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([NOP], id="no write to mepc"),
        pytest.param([TO_MEPC, encode("addi", rd=5, rs1=5)], id="overwritten"),
        pytest.param([TO_MEPC, csr(MHARTID, RS, rd=5)], id="overwritten by a CSR read"),
        pytest.param([csr(MEPC, RW, rd=5, rs1=5)], id="swapped"),
        pytest.param([csr(MEPC, RWI, rs1=5)], id="immediate"),
        pytest.param([csr(MEPC, RS, rs1=5)], id="bits set"),
        pytest.param([TO_MEPC, encode("beq", rs1=1, rs2=2, immediate=8)], id="branch"),
        pytest.param([TO_MEPC, encode("jal", rd=1, immediate=8)], id="call"),
        pytest.param([TO_MEPC, 0x73], id="ecall"),
        pytest.param([TO_MEPC, 0x7B], id="no instruction"),
        pytest.param([TO_MEPC, MRET_WORD], id="another return"),
        pytest.param([encode("jal", immediate=8), TO_MEPC], id="jumped to"),
        pytest.param([encode("bne", immediate=8), TO_MEPC, NOP], id="jumped into"),
    ],
)
def test_a_return_that_is_not_plain_stays(words: list[int]) -> None:
    assert rewrite_prelude([*words, MRET_WORD], START)[-1] == MRET_WORD


def far_pair(rd: int, high: int, low: int, *, rs1: int = 5, rd2: int = 5) -> list[int]:
    """`auipc` and `addi`."""
    return [encode("auipc", rd=rd, immediate=high), encode("addi", rd=rd2, rs1=rs1, immediate=low)]


TO_ZERO = far_pair(5, -0x8000_0000, -8)


def test_a_missing_symbol_is_zero_wherever_the_code_lies() -> None:
    assert rewrite_prelude([NOP, NOP, *TO_ZERO], START) == [NOP, NOP, zero(5), zero(5)]


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param(far_pair(5, -0x8000_0000, -4), id="another address"),
        pytest.param(far_pair(5, 0x1000, -8), id="near"),
        pytest.param(far_pair(5, -0x8000_0000, -8, rs1=6), id="of another register"),
        pytest.param(far_pair(5, -0x8000_0000, -8, rd2=6), id="into another register"),
        pytest.param(
            [*far_pair(5, -0x8000_0000, -8)[:1], encode("lw", rd=5, rs1=5, immediate=-8)], id="load"
        ),
        pytest.param(TO_ZERO[:1], id="cut off"),
    ],
)
def test_other_pairs_stay(pair: list[int]) -> None:
    assert rewrite_prelude([NOP, NOP, *pair], START) == [NOP, NOP, *pair]


@given(st.lists(st.integers(0, 2**32 - 1), max_size=12), st.integers(0, 2**30))
def test_only_privileged_words_change(words: list[int], position: int) -> None:
    """Whatever the words: a changed one was no instruction here, or half of a pair that gives 0."""
    rewritten = rewrite_prelude(words, 4 * position)
    assert len(rewritten) == len(words)
    for old, new in zip(words, rewritten, strict=True):
        if old != new:
            instruction = decode(old)
            assert instruction is None or instruction.name in ("auipc", "addi")
            assert decode(new) is not None
