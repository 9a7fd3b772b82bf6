"""Runs that nobody ran: witnesses in a memory without a zero, traces of 2^48 hashes computed on demand."""

from __future__ import annotations

from dataclasses import dataclass, field

from truestep.base.ids import Bytes32
from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import LEAF_SIZE_BYTES, parent
from truestep.machine.layout import TREE_DEPTH
from truestep.machine.state import MachineState, Status
from truestep.machine.witness import build_witness

PC = 0x0012_3450
"""Of the instruction in a full witness."""
CYCLE = 2**40 + 12_345


def invented(*parts: object) -> Bytes32:
    """A hash that stands for something."""
    return keccak256(repr(parts).encode())


@dataclass(slots=True, kw_only=True)
class FullMemory:
    """A memory with no zero subtree anywhere, so that every sibling is in the witness."""

    leaves: dict[int, bytes]
    """The leaves that a step touches; all the rest is invented."""
    _above: set[tuple[int, int]] = field(init=False)

    def __post_init__(self) -> None:
        self._above = {(level, leaf >> level) for leaf in self.leaves for level in range(1, TREE_DEPTH + 1)}

    def node(self, level: int, index: int) -> bytes:
        """A node of its tree."""
        if level == 0 and index in self.leaves:
            return self.leaves[index]
        if (level, index) in self._above:
            return parent(self.node(level - 1, 2 * index), self.node(level - 1, 2 * index + 1))
        return invented(level, index)


def full_state(
    word: int, registers: dict[int, int] | None = None, touched: tuple[int, ...] = ()
) -> tuple[MachineState, FullMemory]:
    """The state that executes `word`, nothing in it zero; `touched` are the addresses that it accesses."""
    code = bytearray(invented("code"))
    code[PC % LEAF_SIZE_BYTES : PC % LEAF_SIZE_BYTES + 4] = word.to_bytes(4, "little")
    leaves = {PC // LEAF_SIZE_BYTES: bytes(code)}
    leaves |= {address // LEAF_SIZE_BYTES: invented("leaf", address) for address in touched}
    memory = FullMemory(leaves=leaves)
    values = {number: int.from_bytes(invented("register", number)[:8], "big") for number in range(1, 32)}
    values |= registers or {}
    state = MachineState(
        pc=PC,
        registers=tuple(values.get(number, 0) for number in range(32)),
        cycle=CYCLE,
        status=Status.RUNNING,
        code=0,
        memory_root=Bytes32(memory.node(TREE_DEPTH, 0)),
    )
    return state, memory


def full_witness(word: int, registers: dict[int, int] | None = None, touched: tuple[int, ...] = ()) -> bytes:
    """The witness of instruction `word` in a full state."""
    state, memory = full_state(word, registers, touched)
    return build_witness(state, memory.node)


@dataclass(frozen=True, slots=True, kw_only=True)
class Liar:
    """The hashes of an operator that lies from the step on that is taken from state number `at`."""

    at: int
    before: bytes
    """The hash of that state, which is true."""
    after: bytes | None = None
    """That of the next one, if it must have one that can be opened."""

    def hash_at(self, index: int) -> bytes:
        """The hash that it claims for state number `index`."""
        if index == self.at:
            return self.before
        if index == self.at + 1 and self.after is not None:
            return self.after
        return invented("state", index, index > self.at)

    def part_with_lie(self, boundaries: list[int]) -> int:
        """The part of a split in which it begins to lie."""
        return max(part for part, start in enumerate(boundaries[:-1]) if start <= self.at)


S0, S1 = 8, 9
"""The registers that the loads and stores below use."""
NEAR, FAR = 0x2000_0120, 0x7FFF_FFFC
WORDS = {
    "add": 0x0094_0533,  # add a0, s0, s1
    "div": 0x0294_4533,  # div a0, s0, s1
    "beq": 0x0084_0463,  # beq s0, s0, 8
    "jal": 0x0080_00EF,  # jal ra, 8
    "ld": 0x0004_3503,  # ld a0, 0(s0)
    "sd": 0x0094_3023,  # sd s1, 0(s0)
    "ecall": 0x0000_0073,
}


def step_kinds() -> dict[str, bytes]:
    """A witness of each kind of step, in a memory without a zero."""
    near = (NEAR, NEAR + 4)
    across = (NEAR - 4 + 32, NEAR + 32)
    return {
        "register operation (`add`)": full_witness(WORDS["add"]),
        "division": full_witness(WORDS["div"]),
        "branch": full_witness(WORDS["beq"]),
        "jump": full_witness(WORDS["jal"]),
        "exit (`ecall`)": full_witness(WORDS["ecall"], {17: 93, 10: 0}),
        "load": full_witness(WORDS["ld"], {S0: NEAR}, near[:1]),
        "store": full_witness(WORDS["sd"], {S0: NEAR}, near[:1]),
        "misaligned load over two leaves": full_witness(WORDS["ld"], {S0: across[0]}, across),
        "misaligned store over two leaves": full_witness(WORDS["sd"], {S0: across[0]}, across),
    }


def furthest_load() -> bytes:
    """The largest witness there is: a load over two leaves that meet only in the root."""
    return full_witness(WORDS["ld"], {S0: FAR}, (FAR, FAR + 4))
