"""Step.vy and the float instructions: which words are legal, and how a micro-run begins (machine M8, M9)."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator

import pytest

from tests.contracts.evm import Evm, EvmContract, Reverted, rejects
from tests.contracts.micro_runs import ROM_IMAGE, after_of, first_state, template_of
from tests.machine.encode import FLOAT_ENCODINGS, encode, encode_float
from tests.machine.trees import LeafTree, every_second, everything, nothing, state_on, witness_of
from truestep.base.errors import Reject, Rejected
from truestep.machine.decode import Kind, decode
from truestep.machine.interpreter import ReferenceMachine
from truestep.machine.memory import Memory
from truestep.machine.state import Status
from truestep.machine.witness import build_witness, open_float, verify_step

LEAF_START = 284
BLANK_WITNESS = witness_of(0, {})
"""In an empty memory: the word can be put in afterwards, there are no siblings to prove it."""
ANY_RS2, FEW_RS2 = (0, 1, 2, 3, 4, 8, 16, 31), (0, 9)
SELECTED_BY_RS2 = (8, 11, 24, 26, 28)
"""Values of funct5 where rs2 is part of the encoding."""


@pytest.fixture(scope="module")
def step() -> EvmContract:
    return Evm().deploy("Step")


def with_word(word: int) -> bytes:
    """The witness of an instruction where all registers and all other memory are 0."""
    return BLANK_WITNESS[:LEAF_START] + word.to_bytes(4, "little") + BLANK_WITNESS[LEAF_START + 4 :]


def in_python(verify: Callable[[bytes], object], witness: bytes) -> object:
    """What `machine.witness` says, or the reason why it refuses."""
    try:
        return verify(witness)
    except Rejected as rejected:
        return rejected.reason


def outcome(step: EvmContract, function: str, witness: bytes) -> object:
    """What a call returns, or the reason why it refuses."""
    try:
        return step.call(function, witness)
    except Reverted as reverted:
        return reverted.reason


def words_of_float_opcodes() -> Iterator[int]:
    """Every function code, format and rounding mode, each with rs2 of every use and of none; rd is 0."""
    for funct5, form, funct3 in itertools.product(range(32), range(4), range(8)):
        selectors = ANY_RS2 if funct5 in SELECTED_BY_RS2 else FEW_RS2
        for rs2 in selectors if form < 2 else FEW_RS2[:1]:
            yield funct5 << 27 | form << 25 | rs2 << 20 | 7 << 15 | funct3 << 12 | 0x53
    for opcode, form, funct3 in (
        (a, b, c) for a in (0x43, 0x47, 0x4B, 0x4F) for b in range(4) for c in range(8)
    ):
        yield (opcode + form) % 32 << 27 | form << 25 | 5 << 20 | 7 << 15 | funct3 << 12 | opcode


def test_every_encoding(step: EvmContract) -> None:
    """Legal or not as the decoder says: with a result only to be opened, without one a step as others."""
    names: set[str] = set()
    for word in words_of_float_opcodes():
        without, having = with_word(word), with_word(word | 9 << 7)
        opened = outcome(step, "open_float", having)
        assert opened == in_python(open_float, having), f"{word:#010x}"
        assert outcome(step, "step", having) == in_python(verify_step, having), f"{word:#010x}"
        assert outcome(step, "step", without) == verify_step(without), f"{word:#010x}"
        assert outcome(step, "open_float", without) == Reject.STEP_NOT_FLOAT, f"{word:#010x}"
        instruction = decode(word)
        if instruction is None:
            assert opened == Reject.STEP_NOT_FLOAT, f"{word:#010x}"
        else:
            names.add(instruction.name)
            assert isinstance(opened, tuple), f"{word:#010x}: {opened}"
            assert outcome(step, "step", having) == Reject.STEP_IS_FLOAT, f"{word:#010x}"
    assert names == {*FLOAT_ENCODINGS}


def test_neighbouring_opcodes_are_no_floats(step: EvmContract) -> None:
    """A bit more or less of an opcode makes another instruction or none, with the same fields."""
    for opcode, bit in itertools.product((0x43, 0x47, 0x4B, 0x4F, 0x53), range(7)):
        word = opcode ^ 1 << bit | 9 << 7
        instruction = decode(word)
        if instruction is None or instruction.kind is not Kind.FLOAT:
            assert outcome(step, "open_float", with_word(word)) == Reject.STEP_NOT_FLOAT, f"{word:#010x}"


def roundings_of(name: str) -> tuple[int, ...]:
    """The legal values of the field `rm`."""
    form = FLOAT_ENCODINGS[name].form
    if form.endswith("i"):
        return (0, 1, 2, 3, 4, 7)
    return (0, 7) if form.endswith("r") else (0,)


def test_the_rom_is_the_one_that_ships(step: EvmContract) -> None:
    memory = Memory()
    memory.write(0, ROM_IMAGE.read_bytes())
    assert step.call("rom_root") == memory.root()


@pytest.mark.parametrize("name", FLOAT_ENCODINGS)
def test_opening(step: EvmContract, rng: random.Random, name: str) -> None:
    """Before, micro-run and template as the law says: all roundings, registers shared, x0 among them."""
    rom_root = step.call("rom_root")
    shared = [(1, 2, 3, 4), (31, 31, 31, 31), (5, 0, 6, 0), (30, 7, 0, 29), (10, 11, 12, 10)]
    for rounding in roundings_of(name):
        for rd, rs1, rs2, rs3 in shared:
            word = encode_float(name, rd=rd, rs1=rs1, rs2=rs2, rs3=rs3, rounding=rounding)
            pc = rng.choice((0, 0x1000, 0x1014, 0x1FFF_FFFC))
            tree = LeafTree({pc // 32: _leaf(word, pc)}, rng.choice((everything, every_second, nothing)))
            registers = tuple(rng.getrandbits(64) for _ in range(32))
            before = state_on(tree, pc=pc, registers=registers, cycle=rng.getrandbits(48))
            template = template_of(after_of(before, rd, 0), rd)
            expected = (before.hash(), first_state(word, before.registers, rom_root).hash(), template, rd)
            witness = build_witness(before, tree.node)
            assert step.call("open_float", witness) == expected, f"{name} {word:#010x} at {pc:#x}"
            assert open_float(witness) == expected, f"{name} {word:#010x} at {pc:#x}"


def _leaf(word: int, pc: int) -> bytes:
    leaf = bytearray(range(1, 33))
    leaf[pc % 32 : pc % 32 + 4] = word.to_bytes(4, "little")
    return bytes(leaf)


def test_template_fits_what_the_reference_machine_does(step: EvmContract, rng: random.Random) -> None:
    """In every rd, whatever the result; and no other register's state fits."""
    for rd in range(1, 32):
        memory = Memory()
        word = encode_float("fmadd.d", rd=rd, rs1=rd, rs2=3, rs3=4)
        memory.write(0x1004, word.to_bytes(4, "little"))
        machine = ReferenceMachine(memory, 0x1004)
        machine.registers = [0, *(rng.getrandbits(64) for _ in range(31))]
        _, _, template, _ = step.call("open_float", build_witness(machine.state(), machine.node))
        machine.step()
        after = machine.state()
        assert template_of(after, rd) == template
        assert all(template_of(after, other) != template for other in range(1, 32) if other != rd)


def test_witnesses_that_open_nothing(step: EvmContract) -> None:
    """Integer instructions, final states, a pc outside the code; and witnesses that are cut or too long."""
    integer = witness_of(encode("ld", rd=1, rs1=2), {2: 0x3000_0000}, is_filled=everything)
    word = encode_float("fadd.d", rd=1, rs1=2, rs2=3)
    floating = witness_of(word, {2: 1, 3: 2}, is_filled=everything)
    states = {
        "an integer instruction": integer,
        "a final state": floating[:16] + bytes([Status.EXITED]) + floating[17:],
        "a misaligned pc": (0x1002).to_bytes(8, "big") + floating[8:],
        "a pc outside the code": (0x2000_1000).to_bytes(8, "big") + floating[8:],
        "a pc above 32 bits": (2**32 + 0x1000).to_bytes(8, "big") + floating[8:],
    }
    for what, witness in states.items():
        assert outcome(step, "open_float", witness) == Reject.STEP_NOT_FLOAT, what
    for witness in (
        b"",
        floating[:315],
        floating[:-1],
        floating[:-32],
        floating + bytes(1),
        floating + bytes(32),
    ):
        with rejects(Reject.WITNESS_LENGTH):
            step.call("open_float", witness)
        with rejects(Reject.WITNESS_LENGTH):
            step.call("step", witness)
    memory_bit = bytes([floating[273] | 1]) + floating[274:]
    with rejects(Reject.WITNESS_MASK):
        step.call("open_float", floating[:273] + memory_bit)


def test_a_flipped_witness_is_of_another_state(step: EvmContract, rng: random.Random) -> None:
    """Every byte of a witness is bound by the hash before: what is opened cannot be forged."""
    word = encode_float("fadd.d", rd=1, rs1=2, rs2=3)
    witness = witness_of(word, {2: 1, 3: 2}, is_filled=everything)
    before = step.call("open_float", witness)[0]
    for position in rng.sample(range(len(witness)), 300):
        flipped = bytearray(witness)
        flipped[position] ^= 1 << rng.randrange(8)
        opened = outcome(step, "open_float", bytes(flipped))
        assert not isinstance(opened, tuple) or opened[0] != before, f"byte {position}"
