"""Step.vy against the reference machine: every instruction with edge operands, on the chain and in Python."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import pytest

from tests.contracts.evm import Evm, EvmContract, Reverted
from tests.machine.encode import (
    BRANCHES,
    ENCODINGS,
    IMMEDIATE_FORMS,
    LOADS,
    REGISTER_FORMS,
    SHIFTS,
    STORES,
    encode,
)
from tests.machine.trees import LeafTree, every_second, everything, nothing, state_on, witness_of
from truestep.base.errors import Reject, Rejected
from truestep.base.integers import wrap64
from truestep.machine.decode import Kind, decode
from truestep.machine.state import Status
from truestep.machine.witness import build_witness, verify_step

EDGES = (
    *(0, 1, 2, 63, 2**64 - 1, 2**64 - 2),
    *(2**63, 2**63 - 1, 2**63 + 1),
    *(2**31, 2**31 - 1, 2**31 + 1, 2**32, 2**32 - 1, 2**64 - 2**31, 2**64 - 2**31 - 1),
)
IMMEDIATES = (0, 1, -1, 2047, -2048, 1024, -1024, 0x555, -0x556)
RANGE_STARTS = (0, 0x2000_0000, 0x4000_0000, 0x6000_0000, 0x8000_0000, 0xA000_0000, 0xC000_0000, 0xE000_0000)


@pytest.fixture(scope="module")
def step() -> EvmContract:
    return Evm().deploy("Step")


def on_chain(step: EvmContract, witness: bytes) -> tuple[bytes, bytes] | str | None:
    """The two hashes, or why it is refused."""
    try:
        return step.call("step", witness)
    except Reverted as reverted:
        return reverted.reason


def in_python(witness: bytes) -> tuple[bytes, bytes] | str:
    try:
        return verify_step(witness)
    except Rejected as rejected:
        return rejected.reason.value


def is_for_a_micro_run(word: int) -> bool:
    """Whether the word is a float instruction with a result, which no step decides (M9.5)."""
    instruction = decode(word)
    return instruction is not None and instruction.kind is Kind.FLOAT and instruction.rd != 0


def agree(step: EvmContract, witness: bytes, what: str) -> None:
    """Both accept the witness, with the same hashes."""
    expected = in_python(witness)
    assert isinstance(expected, tuple), f"{what}: the reference refuses the witness: {expected}"
    assert on_chain(step, witness) == expected, f"{what}; witness {witness.hex()}"


def operand_registers() -> Iterator[tuple[int, int, int]]:
    """rd, rs1, rs2, in turn all kinds: distinct, shared, x0, the last register of the packed state."""
    return itertools.cycle(
        [(3, 1, 2), (31, 30, 29), (1, 1, 2), (4, 5, 5), (0, 7, 8), (9, 0, 10), (11, 12, 0), (13, 31, 13)]
    )


@pytest.mark.parametrize("name", REGISTER_FORMS)
def test_register_operations(step: EvmContract, rng: random.Random, name: str) -> None:
    pairs = [*itertools.product(EDGES, repeat=2)]
    if ENCODINGS[name].funct7 != 1:  # multiplication and division get all pairs
        pairs = rng.sample(pairs, 60)
    pairs += [(rng.getrandbits(64), rng.getrandbits(64)) for _ in range(12)]
    pairs += [(2**63, 2**64 - 1), (2**31, 2**32 - 1), (2**64 - 2**31, 2**64 - 1), (2**63, 0), (5, 2**32)]
    for (a, b), (rd, rs1, rs2) in zip(pairs, operand_registers(), strict=False):
        word = encode(name, rd=rd, rs1=rs1, rs2=rs2)
        agree(step, witness_of(word, {rs1: a, rs2: b}), f"{name} x{rd}, x{rs1}={a:#x}, x{rs2}={b:#x}")


@pytest.mark.parametrize("name", IMMEDIATE_FORMS)
def test_immediate_operations(step: EvmContract, rng: random.Random, name: str) -> None:
    pairs = [*itertools.product(EDGES, IMMEDIATES)]
    for (a, immediate), (rd, rs1, _) in zip(rng.sample(pairs, 50), operand_registers(), strict=False):
        word = encode(name, rd=rd, rs1=rs1, immediate=immediate)
        agree(step, witness_of(word, {rs1: a}), f"{name} x{rd}, x{rs1}={a:#x}, {immediate}")


@pytest.mark.parametrize("name", SHIFTS)
def test_shifts_by_every_amount(step: EvmContract, name: str) -> None:
    for amount in range(32 if name.endswith("w") else 64):
        for a in (0x8765_4321_FEDC_BA98, 0x7FFF_FFFF_8000_0001):
            agree(
                step,
                witness_of(encode(name, rd=6, rs1=5, immediate=amount), {5: a}),
                f"{name} {a:#x}, {amount}",
            )


@pytest.mark.parametrize("name", ["lui", "auipc"])
def test_upper_immediates(step: EvmContract, name: str) -> None:
    for immediate, pc in itertools.product(
        (0, 0x1000, 0x7FFF_F000, 0x8000_0000, 0xFFFF_F000), (0, 0x1FFF_FFFC)
    ):
        agree(
            step,
            witness_of(encode(name, rd=31, immediate=immediate), {}, pc=pc),
            f"{name} {immediate:#x} at {pc:#x}",
        )


@pytest.mark.parametrize("name", BRANCHES)
def test_branches(step: EvmContract, rng: random.Random, name: str) -> None:
    pairs = rng.sample([*itertools.product(EDGES, repeat=2)], 30) + [(edge, edge) for edge in EDGES[:6]]
    offsets = itertools.cycle([8, -8, 4094, -4096, 2, -2, 4092, 0x555 & ~1])
    pcs = itertools.cycle([0, 0x1000, 0x1FFF_FFFC])
    for (a, b), offset, pc in zip(pairs, offsets, pcs, strict=False):
        word = encode(name, rs1=20, rs2=21, immediate=offset)
        agree(step, witness_of(word, {20: a, 21: b}, pc=pc), f"{name} {a:#x}, {b:#x}, {offset} at {pc:#x}")


def test_jumps(step: EvmContract) -> None:
    offsets = (0, 4, -4, 2, -2, 2**20 - 2, 2**20 - 4, -(2**20), 0x5_5554, 0x800, 0x1000)
    for offset, pc, rd in itertools.product(offsets, (0, 0x2000, 0x1FFF_FFFC), (0, 1)):
        agree(step, witness_of(encode("jal", rd=rd, immediate=offset), {}, pc=pc), f"jal {offset} at {pc:#x}")


def test_jumps_to_registers(step: EvmContract) -> None:
    targets = (0, 1, 2, 3, 4, 0x2000_0000, 2**32 - 4, 2**32, 2**63, 2**64 - 4, 2**64 - 1, 2**64 - 2048)
    for a, offset, rd in itertools.product(targets, (0, 1, 2, 4, -4, -2048, 2047), (0, 5, 6)):
        word = encode("jalr", rd=rd, rs1=5, immediate=offset)
        agree(step, witness_of(word, {5: a}), f"jalr x{rd}, {offset}({a:#x})")


@pytest.mark.parametrize("name", [*LOADS, *STORES])
def test_accesses_at_every_alignment(step: EvmContract, rng: random.Random, name: str) -> None:
    """In one leaf, over two leaves that are siblings, over two that meet two levels up."""
    for start in (
        *range(0x3000_0000, 0x3000_0009),
        *range(0x3000_0017, 0x3000_0041),
        *range(0x3000_0078, 0x3000_0081),
    ):
        access_agrees(step, rng, name, start)


@pytest.mark.parametrize("name", [*LOADS, *STORES])
def test_accesses_at_the_ends_of_ranges(step: EvmContract, rng: random.Random, name: str) -> None:
    """Rights, wrapping at 2^32, leaves that are climbed together or apart; in memories full, empty, mixed."""
    for boundary, distance in itertools.product((*RANGE_STARTS, 0xC000_0008), (-8, -7, -4, -2, -1, 0)):
        access_agrees(step, rng, name, (boundary + distance) % 2**32)


def access_agrees(step: EvmContract, rng: random.Random, name: str, start: int) -> None:
    offset = rng.choice((0, 0, 8, -8, 2047, -2048))
    above_32_bits = rng.choice((0, 0, 2**32, 0xFFFF_FFFF_0000_0000, 2**63))
    base = wrap64(start - offset + above_32_bits)
    word = encode(name, rd=10, rs1=11, rs2=12, immediate=offset)
    content = rng.choice((rng.randbytes(8), b"\xff" * 8, b"\x80" * 8, bytes(8)))
    witness = witness_of(
        word,
        {10: 99, 11: base, 12: rng.choice((rng.getrandbits(64), 0, 2**64 - 1))},
        memory={start: content},
        is_filled=rng.choice((everything, every_second, nothing)),
        cycle=rng.getrandbits(40),
    )
    agree(step, witness, f"{name} at {start:#x} as {offset}({base:#x})")


@pytest.mark.parametrize("size_bits", [2, 7, 12, 19, 20, 26])
@pytest.mark.parametrize("name", ["ld", "sd"])
def test_straddles_between_ever_larger_subtrees(
    step: EvmContract, rng: random.Random, name: str, size_bits: int
) -> None:
    for start in (0x2000_0000, 0xE000_0000, 0x5000_0000):
        access_agrees(step, rng, name, (start + (32 << size_bits) - 3) % 2**32)


@pytest.mark.parametrize("start", [0x3000_001C, 0x3000_0FFC, 0x3FFF_FFFC, 0xC000_0000, 0xFFFF_FFDC])
def test_stores_that_change_one_leaf_of_two_or_none(step: EvmContract, start: int) -> None:
    word = encode("sd", rs1=1, rs2=2)
    stored = 0x0807_0605_0403_0201
    for content in ("0102030405060708", "0102030405060700", "0002030405060708", "0000000000000000"):
        registers, memory = {1: start, 2: stored}, {start: bytes.fromhex(content)}
        witness = witness_of(word, registers, memory=memory, is_filled=everything)
        agree(step, witness, f"sd over {content} at {start:#x}")


def test_loads_from_the_leaf_that_is_executed(step: EvmContract) -> None:
    for pc, start in itertools.product((0x1000, 0x101C), (0x1000, 0x1004, 0xFFC, 0x101D)):
        word = encode("ld", rd=1, rs1=2)
        witness = witness_of(word, {2: start}, pc=pc, memory={start: bytes(8)}, is_filled=everything)
        agree(step, witness, f"ld at {start:#x}, pc {pc:#x}")


def test_environment_calls(step: EvmContract) -> None:
    for number, a0, a2 in itertools.product(
        (0, 1, 64, 93, 94, 2**64 - 1, 2**32 + 93, 2**8 + 64), EDGES[:5], EDGES[4:7]
    ):
        agree(step, witness_of(0x73, {17: number, 10: a0, 12: a2}), f"ecall {number}, {a0:#x}, {a2:#x}")
    agree(step, witness_of(0x10_0073, {17: 93}), "ebreak")


@pytest.mark.parametrize("opcode", sorted({e.opcode for e in ENCODINGS.values() if e.form != "fixed"}))
def test_every_function_code(step: EvmContract, rng: random.Random, opcode: int) -> None:
    """All funct3 with every funct7 that anything uses, and with many that nothing does."""
    for funct3, funct7 in itertools.product(range(8), (0, 1, 2, 3, 16, 31, 32, 33, 34, 63, 64, 96, 127)):
        registers = rng.getrandbits(5) << 7 | rng.getrandbits(10) << 15
        word = opcode | funct3 << 12 | funct7 << 25 | registers
        agree(step, witness_of(word, {}), f"word {word:#010x}")


def test_every_opcode(step: EvmContract, rng: random.Random) -> None:
    for opcode, _ in itertools.product(range(128), range(4)):
        word = rng.getrandbits(25) << 7 | opcode
        if is_for_a_micro_run(word):
            assert on_chain(step, witness_of(word, {})) == Reject.STEP_IS_FLOAT
        else:
            agree(step, witness_of(word, {}), f"word {word:#010x}")
    for bit in range(32):
        agree(step, witness_of(0x73 ^ 1 << bit, {17: 93}), f"ecall with bit {bit} flipped")
        agree(step, witness_of(0x10_0073 ^ 1 << bit, {17: 93}), f"ebreak with bit {bit} flipped")


def test_fetches(step: EvmContract) -> None:
    pcs = (
        0,
        4,
        28,
        0x1FFF_FFFC,
        1,
        2,
        3,
        0x2000_0000,
        0x2000_0004,
        0x8000_0000,
        2**32,
        2**32 + 4,
        2**64 - 4,
        2**64 - 1,
    )
    for pc, is_filled in itertools.product(pcs, (everything, every_second)):
        tree = LeafTree(
            {pc // 32 % 2**24: encode("addi", rd=1, immediate=7).to_bytes(4, "little") * 8}, is_filled
        )
        state = state_on(tree, pc=pc, registers={}, cycle=2**64 - 1)
        agree(step, build_witness(state, tree.node), f"pc {pc:#x}")


def test_final_states_stay(step: EvmContract) -> None:
    for status, cycle, code in itertools.product(
        (Status.EXITED, Status.TRAPPED), (0, 5, 2**64 - 1), (0, 2**64 - 1)
    ):
        tree = LeafTree({0: b"\x13" * 32}, everything)
        state = state_on(tree, pc=0, registers={}, cycle=cycle, status=status, code=code)
        witness = build_witness(state, tree.node)
        agree(step, witness, f"{status!r} at {cycle}")
        assert on_chain(step, witness) == (state.hash(), state.hash())


def test_states_that_no_run_reaches(step: EvmContract, rng: random.Random) -> None:
    """Every tail has a step (M6.10)."""
    witness = witness_of(encode("add", rd=1, rs1=2, rs2=3), {2: 5, 3: 6})
    for status in range(256):
        tail = rng.randbytes(16) + bytes([status]) + rng.randbytes(256)
        agree(step, tail + witness[273:], f"tail {tail.hex()}")
        agree(step, witness[:16] + bytes([status]) + rng.randbytes(8) + witness[25:], f"status {status}")
