"""The program of a drill's job: a polynomial hash of the input, begun with the shard's number.

A handful of instructions, so that drills need no compiler.
"""

from truestep.adapters.keepers.blobs import elf_file

_WORDS = (
    0x8000_02B7,  # lui   t0, 0x80000      the task
    0x0282_B303,  # ld    t1, 40(t0)       its shard's number
    0x0202_B383,  # ld    t2, 32(t0)       the input's size
    0xA000_0537,  # lui   a0, 0xa0000      the input
    0x01F0_0E13,  # li    t3, 31
    0x0005_4583,  # lbu   a1, 0(a0)        for each byte:
    0x03C3_0333,  # mul   t1, t1, t3
    0x00B3_0333,  # add   t1, t1, a1       hash = 31 * hash + byte
    0x0015_0513,  # addi  a0, a0, 1
    0xFFF3_8393,  # addi  t2, t2, -1
    0xFE03_96E3,  # bnez  t2, -20
    0xE000_02B7,  # lui   t0, 0xe0000      the output
    0x0062_B023,  # sd    t1, 0(t0)
    0xC000_02B7,  # lui   t0, 0xc0000      its size
    0x0080_0393,  # li    t2, 8
    0x0072_B023,  # sd    t2, 0(t0)
    0x0000_0513,  # li    a0, 0
    0x05D0_0893,  # li    a7, 93           exit
    0x0000_0073,  # ecall
)
_START = 0x1_0000
PROGRAM = elf_file(_START, [(_START, b"".join(word.to_bytes(4, "little") for word in _WORDS))])
INPUT = bytes(range(1, 256)) * 4
MAX_CYCLES = 10_000


def expected_output(shard_index: int = 0, content: bytes = INPUT) -> bytes:
    """What an honest run writes."""
    value = shard_index
    for byte in content:
        value = (value * 31 + byte) % 2**64
    return value.to_bytes(8, "little")
