"""Witnesses: what a machine proves is what it does, and nothing else passes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.machine.encode import (
    BRANCHES,
    ENCODINGS,
    FLOAT_ENCODINGS,
    LOADS,
    STORES,
    encode,
    encode_float,
)
from tests.machine.trees import every_second, everything, nothing, witness_of
from truestep.base.errors import Reject, Rejected
from truestep.commitments.merkle import ZERO_NODES
from truestep.machine.decode import Instruction, decode
from truestep.machine.interpreter import ReferenceMachine
from truestep.machine.layout import may_fetch
from truestep.machine.memory import Memory
from truestep.machine.micro import is_played_out, micro_end, micro_start, template
from truestep.machine.state import MachineState, Status
from truestep.machine.witness import build_witness, climbing_plan, open_float, proved_levels, verify_step

REGISTERS = st.integers(0, 31)
FLOATS = [name for name in FLOAT_ENCODINGS if name.startswith(("fma", "fcvt.w", "fsqrt", "flt"))]
BOUNDARIES = [n * 0x2000_0000 for n in range(9)] + [0xC000_0008, 0x2000_1000, 0x2000_0020, 0x2000_0040]
VALUES = st.one_of(
    st.sampled_from([0, 1, 64, 93, 2**31, 2**32 - 1, 2**63, 2**64 - 1]),
    st.builds(
        lambda boundary, distance: (boundary + distance) % 2**64,
        st.sampled_from(BOUNDARIES),
        st.integers(-9, 9),
    ),
    st.integers(0, 2**64 - 1),
)


@st.composite
def instructions(draw: st.DrawFn) -> int:
    """Mostly instructions, loads and stores more often than others; now and then any word."""
    name = draw(st.sampled_from([*ENCODINGS, *LOADS, *LOADS, *STORES, *STORES, *STORES, *FLOATS, "any"]))
    if name in FLOAT_ENCODINGS:
        registers = {key: draw(REGISTERS) for key in ("rs1", "rs2", "rs3")}
        return encode_float(name, rd=draw(st.sampled_from((0, 1, 31))), **registers)
    if name == "any":
        return draw(st.integers(0, 2**32 - 1))
    immediate = draw(st.sampled_from([0, 0, 1, 2, 4, -1, -4, 2047, -2048]))
    if name in (*BRANCHES, "jal"):
        immediate = immediate // 2 * 2
    return encode(name, rd=draw(REGISTERS), rs1=draw(REGISTERS), rs2=draw(REGISTERS), immediate=immediate)


@st.composite
def machines(draw: st.DrawFn) -> ReferenceMachine:
    """A machine about to run a few instructions, with registers that point at what matters."""
    pc = draw(st.sampled_from([0, 0x1000, 0x101C, 0x1FFF_FFE0]))
    memory = Memory()
    for boundary in draw(st.lists(st.sampled_from(BOUNDARIES[1:8]), max_size=3)):
        memory.write(boundary - 16, draw(st.binary(min_size=1, max_size=32)))
    words = draw(st.lists(instructions(), min_size=1, max_size=5))
    memory.write(pc, b"".join(word.to_bytes(4, "little") for word in words))
    machine = ReferenceMachine(memory, pc)
    machine.registers = [0, *draw(st.lists(VALUES, min_size=31, max_size=31))]
    machine.cycle = draw(st.sampled_from([0, 2**40, 2**64 - 1]))
    return machine


@given(machines(), st.integers(1, 5))
def test_a_witness_shows_the_step_that_the_machine_takes(machine: ReferenceMachine, steps: int) -> None:
    """The round trip: (state hash, build, verify) is (state hash before, state hash after) of the run."""
    for _ in range(steps):
        before = machine.state()
        witness = build_witness(before, machine.node)
        word = int.from_bytes(machine.read_memory(machine.pc % 2**29, 4), "little")
        is_running = before.status is Status.RUNNING and may_fetch(machine.pc)
        instruction = decode(word) if is_running else None
        machine.step()
        if instruction is not None and is_played_out(instruction):
            assert_is_a_float_step(witness, before, machine.state(), instruction)
        else:
            assert verify_step(witness) == (before.hash(), machine.state().hash())
            with pytest.raises(Rejected) as rejected:
                open_float(witness)
            assert rejected.value.reason is Reject.STEP_NOT_FLOAT


def assert_is_a_float_step(
    witness: bytes, before: MachineState, after: MachineState, instruction: Instruction
) -> None:
    """M9.3, M9.5: the witness says how to play it out, and all of the state after it but rd."""
    with pytest.raises(Rejected) as rejected:
        verify_step(witness)
    assert rejected.value.reason is Reject.STEP_IS_FLOAT
    start = micro_start(before, instruction)
    expected = (before.hash(), start.hash(), template(after, instruction.rd), instruction.rd)
    assert open_float(witness) == expected
    assert micro_end(start).code == after.registers[instruction.rd]


@given(machines(), st.integers(0), st.integers(0, 7))
def test_no_changed_witness_is_about_the_same_state(
    machine: ReferenceMachine, position: int, bit: int
) -> None:
    state = machine.state()
    witness = bytearray(build_witness(state, machine.node))
    witness[position % len(witness)] ^= 1 << bit
    for shown in (verify_step, open_float):
        try:
            before = shown(bytes(witness))[0]
        except Rejected:
            continue
        assert before != state.hash()


@given(machines(), st.integers(1, 400))
def test_a_witness_of_another_length_is_refused(machine: ReferenceMachine, change: int) -> None:
    witness = build_witness(machine.state(), machine.node)
    try:
        verify_step(witness)
        show: Callable[[bytes], object] = verify_step
    except Rejected:
        show = open_float
    for changed in (witness[:-change], witness + bytes(change)):
        with pytest.raises(Rejected) as rejected:
            show(changed)
        assert rejected.value.reason is Reject.WITNESS_LENGTH


LD, SD = encode("ld", rd=1, rs1=2), encode("sd", rs1=2, rs2=3)


@pytest.mark.parametrize(
    ("word", "start", "leaves", "siblings"),
    [
        (encode("add"), 0, 0, 27),
        (LD, 0x0100_0000, 1, 27 + 24),
        (SD, 0x2000_0000, 1, 27 + 24),
        (SD, 0x4000_0000, 1, 27 + 25),
        (LD, 0x8000_0000, 1, 27 + 26),
        (SD, 0xE000_0000, 1, 27 + 26),
        (SD, 0x2000_001C, 2, 27 + 23),  # siblings: merged at level 0
        (SD, 0x2000_003C, 2, 27 + 23 + 1),  # merged at level 1
        (SD, 0x2000_0FFC, 2, 27 + 23 + 7),
        (SD, 0x5FFF_FFFC, 2, 27 + 24 + 24),  # merged at level 24
        (LD, 0xBFFF_FFFC, 2, 27 + 25 + 25),
        (LD, 0x1FFF_FFFC, 2, 27 + 24 + 24),  # apart: C and t24
        (SD, 0x3FFF_FFFC, 2, 27 + 24 + 25),  # apart: t24 and t25
        (LD, 0x7FFF_FFFC, 2, 27 + 25 + 26),  # apart: t25 and t26
        (SD, 0x1000, 0, 27),  # not allowed
        (SD, 0xFFFF_FFFC, 0, 27),  # not allowed
        (LD, 0xFFFF_FFFC, 1, 27 + 26),  # the second half is not there, and 0
    ],
)
def test_what_a_witness_holds(word: int, start: int, leaves: int, siblings: int) -> None:
    """M6.3 to M6.5, in a memory without zeros; M6.7 in one of zeros."""
    registers, content = {2: start, 3: 2**64 - 1}, {start: b"\xff" * 8}
    full = witness_of(word, registers, memory=content, is_filled=everything)
    assert len(full) == 273 + 11 + 32 + 32 * leaves + 32 * siblings
    assert int.from_bytes(full[273:284], "big").bit_count() == siblings
    half = witness_of(word, registers, memory=content, is_filled=every_second)
    assert len(half) == 316 + 32 * leaves + 32 * int.from_bytes(half[273:284], "big").bit_count()
    for witness in (full, half):
        verify_step(witness)


def test_the_bytes_of_a_small_witness() -> None:
    """M6.2, drawn by hand: an add in a memory that is otherwise empty."""
    word = encode("add", rd=1, rs1=2, rs2=3)
    witness = witness_of(word, {2: 5, 3: 6}, pc=0x24, is_filled=nothing)
    registers = b"".join(value.to_bytes(8, "big") for value in (0, 5, 6, *[0] * 28))
    tail = (0x24).to_bytes(8, "big") + bytes(8) + b"\0" + bytes(8) + registers
    leaf = bytes(4) + word.to_bytes(4, "little") + bytes(24)
    assert witness == tail + bytes(11) + leaf
    assert verify_step(witness)[0] != verify_step(witness[:-1] + b"\x01")[0]


@pytest.mark.parametrize(
    ("leaves", "levels"),
    [
        (0, 24),
        (2**24 - 1, 24),
        (2**24, 24),
        (2**25 - 1, 24),
        (2**25, 25),
        (2**26 - 1, 25),
        (2**26, 26),
        (2**27 - 1, 26),
    ],
)
def test_proved_levels(leaves: int, levels: int) -> None:
    """M6.4"""
    assert proved_levels(leaves) == levels


def test_the_order_of_siblings() -> None:
    """M6.6: by level, the first leaf's before the second's, until they merge."""
    (merged,) = climbing_plan((0x100_0001, 0x100_0002))
    assert merged[:4] == [(0, 0x100_0001, 27), (0, 0x100_0002, 54), (2, 0x40_0000, 27), (3, 0x20_0000, 27)]
    first, second = climbing_plan((2**25 - 1, 2**25))
    assert [(len(path), path[0], path[-1]) for path in (first, second)] == [
        (24, (0, 2**25 - 1, 27), (23, 3, 27)),
        (25, (0, 2**25, 54), (24, 2, 54)),
    ]
    assert climbing_plan(()) == []


def test_reasons() -> None:
    """M6.8: length before mask before proof."""
    witness = witness_of(SD, {2: 0x2000_0000}, memory={0x2000_0000: bytes(8)}, is_filled=everything)
    mask = int.from_bytes(witness[273:284], "big")

    def reason(mask: int, rest: bytes) -> Reject:
        with pytest.raises(Rejected) as rejected:
            verify_step(witness[:273] + mask.to_bytes(11, "big") + rest)
        return rejected.value.reason

    leaves_and_siblings = witness[284:]
    spoiled = leaves_and_siblings[:32] + b"\x01" * 32 + leaves_and_siblings[64:]
    assert reason(mask | 1 << 87, spoiled[:-1]) is Reject.WITNESS_LENGTH
    assert reason(mask | 1 << 87, spoiled) is Reject.WITNESS_MASK
    assert reason(mask, spoiled) is Reject.WITNESS_PROOF
    lowest = 1 << 27  # of the memory leaf's siblings
    assert reason(mask ^ lowest, leaves_and_siblings) is Reject.WITNESS_LENGTH
    start = 64 + 27 * 32
    without_it = leaves_and_siblings[:start] + leaves_and_siblings[start + 32 :]
    assert reason(mask ^ lowest, without_it) is Reject.WITNESS_PROOF


def test_an_explicit_zero_sibling_is_another_form_of_the_same_proof() -> None:
    """A set bit may carry zero[l]: the same hashes, so that nothing false can be shown by it."""
    witness = witness_of(encode("add"), {}, pc=0, is_filled=nothing)
    explicit = witness[:273] + (1 << 3).to_bytes(11, "big") + witness[284:] + ZERO_NODES[3]
    assert verify_step(explicit) == verify_step(witness)


def test_reasons_of_floats() -> None:
    """M9.5: a step refuses one after the checks of M6.8; `open_float` refuses what is none before them."""
    word = encode_float("fadd.d", rd=1, rs1=2, rs2=3)
    float_witness = witness_of(word, {2: 5}, is_filled=everything)
    add_witness = witness_of(encode("add", rd=1), {2: 5}, is_filled=everything)
    final = float_witness[:16] + bytes([Status.EXITED]) + float_witness[17:]
    outside = bytes([0, 0, 0, 1]) + float_witness[4:]
    mask_spoiled = float_witness[:273] + b"\xff" + float_witness[274:]

    def reason(show: Callable[[bytes], object], witness: bytes) -> Reject:
        with pytest.raises(Rejected) as rejected:
            show(witness)
        return rejected.value.reason

    assert reason(verify_step, float_witness) is Reject.STEP_IS_FLOAT
    for witness, expected in (
        (float_witness[:-1], Reject.WITNESS_LENGTH),
        (float_witness + b"\0", Reject.WITNESS_LENGTH),
        (mask_spoiled, Reject.WITNESS_MASK),
    ):
        assert reason(verify_step, witness) is reason(open_float, witness) is expected
    for witness in (add_witness, add_witness[:-1], final, outside):
        assert reason(open_float, witness) is Reject.STEP_NOT_FLOAT
    assert reason(open_float, add_witness[:315]) is Reject.WITNESS_LENGTH
