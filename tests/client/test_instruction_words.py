"""Instructions in words: for people, so the sense counts; for any word of memory, so nothing may break."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from truestep.client.instruction_words import assembly, in_words
from truestep.machine.decode import decode


@pytest.mark.parametrize(
    ("word", "text", "words"),
    [
        (0x00B50533, "add a0, a0, a1", "a0 becomes a0 + a1"),
        (0x02B5053B, "mulw a0, a0, a1", "a0 becomes a0 times a1, in 32 bits"),
        (0x02B53533, "mulhu a0, a0, a1", "a0 becomes the high half of a0 times a1"),
        (0xFFF50513, "addi a0, a0, -1", "a0 becomes a0 + -1"),
        (0x00050593, "addi a1, a0, 0", "a1 becomes a0"),
        (0x00012537, "lui a0, 0x12", "a0 becomes 0x12000"),
        (0x0085B503, "ld a0, 8(a1)", "load 8 bytes from address a1+8 into a0"),
        (0x00058503, "lb a0, 0(a1)", "load 1 byte (signed) from address a1+0 into a0"),
        (0x00A58423, "sb a0, 8(a1)", "store 1 byte of a0 at address a1+8"),
        (0xFE0518E3, "bne a0, zero, pc-16", "if a0 ≠ zero, jump 16 bytes back"),
        (0x00008067, "jalr zero, 0(ra)", "jump to address ra+0"),
        (0x008000EF, "jal ra, pc+8", "jump 8 bytes ahead and keep the return address in ra"),
        (0x00000073, "ecall", "exit, or show debug output"),
        (0x00100073, "ebreak", "trap: a breakpoint"),
        (0x0000000F, "fence", "do nothing: there is one hart to order"),
        (0x02B57553, "fadd.d a0, a0, a1", "a0 becomes fadd.d of a0, a1"),
        (0x68B57543, "fmadd.s a0, a0, a1, a3", "a0 becomes fmadd.s of a0, a1, a3"),
        (0xC2059553, "fcvt.w.d a0, a1, rtz", "a0 becomes fcvt.w.d of a1, rtz"),
        (0x00000000, ".word 0x00000000", "not an instruction of this machine: it traps"),
    ],
)
def test_what_people_read(word: int, text: str, words: str) -> None:
    assert (assembly(word), in_words(word)) == (text, words)


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([0x03, 0x13, 0x1B, 0x23, 0x33, 0x3B, 0x63, 0x67, 0x6F, 0x43, 0x53]),
)
@example(0, 0)
def test_every_word_can_be_read(word: int, opcode: int) -> None:
    word = word & ~0x7F | opcode
    instruction = decode(word)
    assert in_words(word)
    assert assembly(word).startswith(instruction.name if instruction else ".word")
