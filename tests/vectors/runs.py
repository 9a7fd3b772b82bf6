"""Which whole runs are in the vectors: small programs that end in every way a run can end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.machine.encode import encode
from tests.vectors.cases import RunCase
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.state import Status

ENTRY = 0x1000
CYCLE_LIMIT = 2_000
ZERO, RA, SP, T0, T1, T2, S0, A0, A1, A2, A7 = 0, 1, 2, 5, 6, 7, 8, 10, 11, 12, 17

EXIT = [encode("addi", rd=A7, immediate=93), encode("ecall")]


def run_cases() -> Iterator[RunCase]:
    """All cases, always the same."""
    yield _run("sum to ten", _sum_to_ten())
    yield _run("copy the input to the output", _copy(), input_bytes=bytes(range(3, 40)), shard=(2, 5))
    yield _run("misaligned stores down through pages", _misaligned_stores())
    yield _run(
        "divisions by everything", _divisions(), constants=_words(7, -7, 0, 1, -1, 2**63 - 1, -(2**63))
    )
    yield _run("calls through a register", _calls())
    yield _run("debug output", _debug_output(), constants=b"hello, chain")
    yield _run("a store to code", [encode("sw", rs1=ZERO, rs2=ZERO, immediate=64)])
    yield _run("off the end of the program", [encode("addi", rd=T0, immediate=1)] * 3)
    yield _run(
        "a jump out of code", [encode("lui", rd=T0, immediate=0x2000_0000), encode("jalr", rd=RA, rs1=T0)]
    )


def _run(
    name: str,
    words: list[int],
    *,
    constants: bytes = b"",
    input_bytes: bytes = b"",
    shard: tuple[int, int] = (0, 1),
) -> RunCase:
    case = RunCase(
        name=name,
        entry=ENTRY,
        code=b"".join(word.to_bytes(4, "little") for word in words).hex(),
        constants=constants.hex(),
        seed=bytes(range(32)).hex(),
        shard_index=shard[0],
        shard_count=shard[1],
        input=input_bytes.hex(),
        state_hashes=[],
        exit_code=0,
        status=Status.RUNNING,
    )
    machine = ReferenceEngine().start(case.program(), case.task())
    hashes = [machine.state().hash().hex()]
    while machine.status is Status.RUNNING and machine.cycle < CYCLE_LIMIT:
        machine.step()
        hashes.append(machine.state().hash().hex())
    if machine.status is Status.RUNNING:
        raise RuntimeError(f"{name} does not end")
    return replace(case, state_hashes=hashes, exit_code=machine.code, status=machine.status)


def _words(*values: int) -> bytes:
    return b"".join((value % 2**64).to_bytes(8, "little") for value in values)


def _sum_to_ten() -> list[int]:
    return [
        encode("addi", rd=T0, immediate=10),
        encode("add", rd=A0, rs1=A0, rs2=T0),
        encode("addi", rd=T0, rs1=T0, immediate=-1),
        encode("bne", rs1=T0, rs2=ZERO, immediate=-8),
        *EXIT,
    ]


def _copy() -> list[int]:
    """input_size from the header, the bytes one by one, output_size at the end."""
    return [
        encode("lui", rd=T0, immediate=0x8000_0000),
        encode("ld", rd=S0, rs1=T0, immediate=32),
        encode("lui", rd=A1, immediate=0xA000_0000),
        encode("lui", rd=A2, immediate=0xE000_0000),
        encode("add", rd=T1, rs1=A1, rs2=S0),
        encode("bgeu", rs1=A1, rs2=T1, immediate=24),
        encode("lbu", rd=T2, rs1=A1),
        encode("sb", rs1=A2, rs2=T2),
        encode("addi", rd=A1, rs1=A1, immediate=1),
        encode("addi", rd=A2, rs1=A2, immediate=1),
        encode("jal", rd=ZERO, immediate=-20),
        encode("lui", rd=T0, immediate=0xC000_0000),
        encode("sd", rs1=T0, rs2=S0),
        *EXIT,
    ]


def _misaligned_stores() -> list[int]:
    return [
        encode("lui", rd=SP, immediate=0x4000_1000),
        encode("addi", rd=T0, immediate=-1),
        encode("lui", rd=S0, immediate=0x4000_0000),
        encode("addi", rd=S0, rs1=S0, immediate=-300),
        encode("sd", rs1=SP, rs2=T0, immediate=-3),
        encode("lhu", rd=T1, rs1=SP, immediate=-4),
        encode("mul", rd=T0, rs1=T0, rs2=T1),
        encode("addi", rd=SP, rs1=SP, immediate=-251),
        encode("bltu", rs1=S0, rs2=SP, immediate=-16),
        encode("srli", rd=A0, rs1=T0, immediate=56),
        *EXIT,
    ]


def _divisions() -> list[int]:
    """All pairs of seven constants, by all eight operations, folded into one number."""
    operations = ("div", "divu", "rem", "remu", "divw", "divuw", "remw", "remuw")
    folds = [
        word
        for name in operations
        for word in (encode(name, rd=T2, rs1=T0, rs2=T1), encode("xor", rd=A0, rs1=A0, rs2=T2))
    ]
    inner = [
        encode("ld", rd=T1, rs1=A2),
        *folds,
        encode("slli", rd=T2, rs1=A0, immediate=7),
        encode("add", rd=A0, rs1=A0, rs2=T2),
    ]
    inner += [
        encode("addi", rd=A2, rs1=A2, immediate=8),
        encode("bne", rs1=A2, rs2=S0, immediate=-4 * (len(inner) + 1)),
    ]
    outer = [encode("ld", rd=T0, rs1=A1), encode("lui", rd=A2, immediate=0x2000_0000), *inner]
    outer += [
        encode("addi", rd=A1, rs1=A1, immediate=8),
        encode("bne", rs1=A1, rs2=S0, immediate=-4 * (len(outer) + 1)),
    ]
    start = [encode("lui", rd=A1, immediate=0x2000_0000), encode("addi", rd=S0, rs1=A1, immediate=56)]
    return [*start, *outer, *EXIT]


def _calls() -> list[int]:
    return [
        encode("auipc", rd=T0, immediate=0),
        encode("addi", rd=A0, immediate=3),
        encode("jalr", rd=RA, rs1=T0, immediate=29),
        encode("jalr", rd=RA, rs1=T0, immediate=28),
        encode("addi", rd=A7, immediate=93),
        encode("ecall"),
        encode("ebreak"),
        encode("slliw", rd=A0, rs1=A0, immediate=15),
        encode("jalr", rd=ZERO, rs1=RA),
    ]


def _debug_output() -> list[int]:
    return [
        encode("addi", rd=A7, immediate=64),
        encode("lui", rd=A1, immediate=0x2000_0000),
        encode("addi", rd=A2, immediate=12),
        encode("ecall"),
        *EXIT,
    ]
