"""The reference machine against unicorn (QEMU's RISC-V) on random instruction streams with edge values."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest
from unicorn import riscv_const
from unicorn.unicorn_const import UC_ARCH_RISCV, UC_MODE_RISCV64
from unicorn.unicorn_py3.unicorn import Uc

from tests.machine.encode import (
    ACCESS_SIZES_BYTES,
    BRANCHES,
    ENCODINGS,
    IMMEDIATE_FORMS,
    LOADS,
    REGISTER_FORMS,
    SHIFTS,
    STORES,
    encode,
)
from truestep.machine.interpreter import ReferenceMachine
from truestep.machine.memory import Memory
from truestep.machine.state import Status

CODE_START, CODE_END = 0x1_0000, 0x2_0000
"""Everything below the end is mapped: emulation looks ahead to where a jump goes."""
MEMORY_START, MEMORY_SIZE_BYTES = 0x2000_0000, 0x4000
BASE_REGISTER = 31
"""Points into the mapped memory and is never written: unicorn has no memory elsewhere."""
EDGES = (
    *(0, 1, 2, 3, 31, 32, 63, 64, 2**63, 2**63 - 1, 2**63 + 1, 2**64 - 1, 2**64 - 2),
    *(2**31, 2**31 - 1, 2**32, 2**32 - 1, 2**64 - 2**31, 2**64 - 2**31 - 1, 0x5555_5555_5555_5555),
)
COMPUTING = [*REGISTER_FORMS, *IMMEDIATE_FORMS, *SHIFTS, "lui", "auipc"]
STREAMS, STREAM_LENGTH = 60, 200
REGISTER_IDS = [getattr(riscv_const, f"UC_RISCV_REG_X{number}") for number in range(32)]


@dataclass(slots=True)
class Twin:
    """The same code, memory and registers in both machines, stepped together."""

    machine: ReferenceMachine
    emulator: Uc

    def step(self) -> None:
        self.machine.step()
        self.emulator.emu_start(self.emulator.reg_read(riscv_const.UC_RISCV_REG_PC), 2**64 - 1, count=1)

    def differences(self) -> dict[str, tuple[int, int]]:
        """Register, and its values in machine and emulator."""
        pairs = {
            f"x{n}": (self.machine.registers[n], self.emulator.reg_read(i))
            for n, i in enumerate(REGISTER_IDS)
        }
        pairs["pc"] = (self.machine.pc, self.emulator.reg_read(riscv_const.UC_RISCV_REG_PC))
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}

    def memories(self) -> tuple[bytes, bytes]:
        return (
            self.machine.read_memory(MEMORY_START, MEMORY_SIZE_BYTES),
            bytes(self.emulator.mem_read(MEMORY_START, MEMORY_SIZE_BYTES)),
        )


def twin(words: list[int], registers: list[int], content: bytes) -> Twin:
    memory = Memory()
    emulator = Uc(UC_ARCH_RISCV, UC_MODE_RISCV64)
    emulator.mem_map(0, CODE_END)
    emulator.mem_map(MEMORY_START, MEMORY_SIZE_BYTES)
    code = b"".join(word.to_bytes(4, "little") for word in words)
    for address, part in ((CODE_START, code), (MEMORY_START, content)):
        memory.write(address, part)
        emulator.mem_write(address, part)
    machine = ReferenceMachine(memory, CODE_START)
    machine.registers = list(registers)
    for register_id, value in zip(REGISTER_IDS[1:], registers[1:], strict=True):
        emulator.reg_write(register_id, value)
    emulator.reg_write(riscv_const.UC_RISCV_REG_PC, CODE_START)
    return Twin(machine, emulator)


def random_registers(rng: random.Random) -> list[int]:
    values = [rng.choice(EDGES) if rng.random() < 0.6 else rng.getrandbits(64) for _ in range(32)]
    values[0], values[BASE_REGISTER] = 0, MEMORY_START + MEMORY_SIZE_BYTES // 2
    return values


def random_immediate(rng: random.Random) -> int:
    return rng.choice((0, 1, -1, 2047, -2048, rng.randrange(-2048, 2048)))


def random_word(rng: random.Random) -> int:
    """An instruction that goes on to the next one, with registers that are often the same."""
    rd, rs1, rs2 = rng.randrange(31), rng.randrange(32), rng.randrange(32)
    name = rng.choice([*COMPUTING, *COMPUTING, *LOADS, *STORES, "fence", "fence.i"])
    immediate = random_immediate(rng)
    if name in ACCESS_SIZES_BYTES:
        rs1 = BASE_REGISTER
    if name in ("lui", "auipc"):
        immediate = rng.choice((0, 0x8000_0000, 0x7FFF_F000, 0xFFFF_F000, rng.getrandbits(32)))
    return encode(name, rd=rd, rs1=rs1, rs2=rs2, immediate=immediate)


@pytest.mark.parametrize("stream", range(STREAMS))
def test_random_streams(seed: int, stream: int) -> None:
    """Every instruction is compared by all registers, every stream by its memory at the end."""
    rng = random.Random(f"{seed} {stream}")
    words = [random_word(rng) for _ in range(STREAM_LENGTH)]
    both = twin(words, random_registers(rng), rng.randbytes(MEMORY_SIZE_BYTES))
    for position, word in enumerate(words):
        before = list(both.machine.registers)
        both.step()
        assert both.differences() == {}, f"word {word:#010x}, number {position}, registers {before}"
    assert both.machine.status is Status.RUNNING
    ours, theirs = both.memories()
    assert ours == theirs


@pytest.mark.parametrize("name", COMPUTING)
def test_every_operation_on_edge_values(rng: random.Random, name: str) -> None:
    """Where random streams are too mild: all pairs of edges for register forms, all amounts for shifts."""
    operands = [(a, b) for a in EDGES for b in EDGES] if name in REGISTER_FORMS else [(a, 0) for a in EDGES]
    immediates = [
        rng.randrange(64) if name in SHIFTS else random_immediate(rng) << 12 * (name[-3:] in ("lui", "ipc"))
    ]
    words = [encode(name, rd=3, rs1=1, rs2=2, immediate=i) for i in immediates]
    both = twin(words, [0] * 32, b"")
    for a, b in operands:
        for register, value in ((1, a), (2, b)):
            both.machine.registers[register] = value
            both.emulator.reg_write(REGISTER_IDS[register], value)
        both.machine.pc = CODE_START
        both.emulator.reg_write(riscv_const.UC_RISCV_REG_PC, CODE_START)
        both.step()
        assert both.differences() == {}, f"{name} {a:#x}, {b:#x}, {immediates}"


@pytest.mark.parametrize("name", [*BRANCHES, "jal", "jalr"])
def test_jumps_and_branches(rng: random.Random, name: str) -> None:
    for _ in range(150):
        offset = (
            rng.choice((8, -8, 16, 2044, -2048)) if name == "jalr" else rng.choice((8, -8, 4092, -4096, 1024))
        )
        a, b = (rng.choice(EDGES) for _ in range(2))
        if name == "jalr":
            a = CODE_START + rng.randrange(-64, 64) * 4 + rng.choice((0, 1))
        registers = [0] * 32
        registers[5], registers[6] = a, rng.choice((a, b))
        word = encode(name, rd=rng.choice((0, 1, 5)), rs1=5, rs2=6, immediate=offset)
        both = twin([word], registers, b"")
        both.step()
        assert both.differences() == {}, f"{name} {offset}, {a:#x}, {registers[6]:#x}"


@pytest.mark.parametrize("name", [*LOADS, *STORES])
def test_accesses_at_every_alignment(rng: random.Random, name: str) -> None:
    for distance in (*range(-9, 9), *(4096 + near for near in range(-9, 9))):
        registers = random_registers(rng)
        registers[5] = MEMORY_START + 4096 + distance
        both = twin([encode(name, rd=7, rs1=5, rs2=6)], registers, rng.randbytes(MEMORY_SIZE_BYTES))
        both.step()
        assert both.differences() == {}, f"{name} at {registers[5]:#x}"
        ours, theirs = both.memories()
        assert ours == theirs


def test_every_instruction_is_compared() -> None:
    """Nothing is left out in silence: the two that unicorn leaves to an operating system, and no more."""
    compared = {*COMPUTING, *LOADS, *STORES, *BRANCHES, "jal", "jalr", "fence", "fence.i"}
    assert set(ENCODINGS) - compared == {"ecall", "ebreak"}
