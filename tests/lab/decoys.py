"""Guests that keep an honest machine busy, although their author knows at once what they end in.

None of them writes to memory and all exit with 0, so the final state follows from program, input and number
of steps (docs/machine.md M2). A claim on one is true and costs a stranger nothing to make.
"""

from __future__ import annotations

from functools import cache
from itertools import cycle

from tests.e2e.network import A0, A7, T1, T2, T3, elf_of
from tests.lab.guests import Guest
from tests.machine.elves import Elf, Row
from tests.machine.encode import encode
from truestep.base.ids import Bytes32
from truestep.commitments.merkle import ZERO_NODES, climb, parent
from truestep.machine.layout import RANGE_LEVEL
from truestep.machine.state import Status
from truestep.protocol.claims import ZERO_HASH, ClaimedState
from truestep.protocol.records import JobRecord

_EXIT = (
    encode("addi", rd=A0, immediate=0),
    encode("addi", rd=A7, immediate=93),
    encode("ecall"),
)


def endless(number: int, doublings: int = 46) -> tuple[Guest, int]:
    """Two steps a round, 2^46 rounds: nobody can run it to its end. `number` makes it another program."""
    words = (
        encode("addi", rd=T2, immediate=1),
        encode("slli", rd=T2, rs1=T2, immediate=doublings),
        encode("addi", rd=T2, rs1=T2, immediate=-1),
        encode("bne", rs1=T2, rs2=0, immediate=-4),
        *_EXIT,
        encode("addi", rd=T1, immediate=number),
    )
    cycles = 2 + 2 * 2**doublings + len(_EXIT)
    return Guest(f"endless {number}", elf_of(words), cycles + 10, is_long=True), cycles


def cold(number: int, rounds: int, words_in_round: int) -> tuple[Guest, int]:
    """Straight code run a few times: it is interpreted or compiled all the time, and never gets fast."""
    words = (
        encode("auipc", rd=T3, immediate=0),
        encode("addi", rd=T2, immediate=rounds),
        *_straight(words_in_round),
        encode("addi", rd=T2, rs1=T2, immediate=-1),
        encode("beq", rs1=T2, rs2=0, immediate=8),
        encode("jalr", rd=0, rs1=T3, immediate=8),
        *_EXIT,
        encode("addi", rd=T1, immediate=number),
    )
    cycles = 2 + rounds * (words_in_round + 3) - 1 + len(_EXIT)
    return Guest(f"cold {number}", elf_of(words), cycles + 10, is_long=True), cycles


@cache
def _straight(words: int) -> tuple[int, ...]:
    changing = cycle(encode("addi", rd=T1, rs1=T1, immediate=value) for value in range(1, 2_000, 37))
    multiply = encode("mul", rd=T1, rs1=T1, rs2=T1)
    return tuple(next(changing) if index % 3 else multiply for index in range(words))


def padded(number: int, padding: bytes) -> tuple[Guest, int]:
    """A program that exits at once, with so much behind it that is never executed."""
    code = b"".join(word.to_bytes(4, "little") for word in _EXIT)
    return Guest(f"padded {number}", Elf(rows=[Row(content=code + padding)]).pack(), 100), len(_EXIT)


def known_end(guest: Guest, job: JobRecord, shard_index: int, cycles: int) -> ClaimedState:
    """What is true of a shard of one of these guests, from the chain's terms alone."""
    return ClaimedState(
        status=Status.EXITED,
        code=0,
        cycle=cycles,
        output_size=0,
        output_root=ZERO_NODES[RANGE_LEVEL],
        left_root=guest.root,
        inner_root=inner_root(job.header(shard_index), job.input_root),
        running_state=ZERO_HASH,
    )


def inner_root(header: bytes, input_root: Bytes32) -> Bytes32:
    """The node over header and input, as `Jobs` computes it (docs/protocol.md S5.2)."""
    leaves = parent(header[:32], header[32:])
    return parent(climb(leaves, 0, ZERO_NODES[1:RANGE_LEVEL]), input_root)
