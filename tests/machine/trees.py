"""Memory trees of which only a few leaves exist: all the rest is invented, so that 2^32 bytes can be full."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from truestep.base.ids import Bytes32
from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import LEAF_SIZE_BYTES, ZERO_NODES, parent
from truestep.machine.layout import TREE_DEPTH
from truestep.machine.state import MachineState, Status
from truestep.machine.witness import build_witness

Fill = Callable[[int, int], bool]
"""Whether the subtree (level, index) has something in it."""


def nothing(_level: int, _index: int) -> bool:
    """All zero."""
    return False


def everything(_level: int, _index: int) -> bool:
    """No zero subtree anywhere: every sibling is in a witness."""
    return True


def every_second(level: int, index: int) -> bool:
    """Half of the siblings, in no simple order."""
    return (index * 0x9E37_79B9 >> 7 ^ level) & 1 == 1


@dataclass(slots=True)
class LeafTree:
    """A memory tree that holds `leaves`; other subtrees are made-up hashes, or zero if not `is_filled`."""

    leaves: dict[int, bytes]
    is_filled: Fill = nothing
    _nodes: dict[tuple[int, int], bytes] = field(init=False)
    _above_leaves: set[tuple[int, int]] = field(init=False)

    def __post_init__(self) -> None:
        self._nodes = {(0, index): leaf for index, leaf in self.leaves.items()}
        self._above_leaves = {(level, i >> level) for i in self.leaves for level in range(1, TREE_DEPTH + 1)}

    def node(self, level: int, index: int) -> bytes:
        """A node, as `build_witness` asks for it."""
        key = (level, index)
        if key not in self._nodes:
            self._nodes[key] = self._make(level, index)
        return self._nodes[key]

    def _make(self, level: int, index: int) -> bytes:
        if (level, index) in self._above_leaves:
            return parent(self.node(level - 1, 2 * index), self.node(level - 1, 2 * index + 1))
        if self.is_filled(level, index):
            return keccak256(f"node {level} {index}".encode())
        return ZERO_NODES[level]


def write_bytes(leaves: dict[int, bytes], address: int, content: bytes) -> None:
    """Put bytes into leaves; bytes past 2^32 are dropped."""
    for offset, byte in enumerate(content):
        index, position = divmod(address + offset, LEAF_SIZE_BYTES)
        if index >> TREE_DEPTH:
            return
        leaf = bytearray(leaves.get(index, bytes(LEAF_SIZE_BYTES)))
        leaf[position] = byte
        leaves[index] = bytes(leaf)


def state_on(
    tree: LeafTree,
    *,
    pc: int,
    registers: dict[int, int] | tuple[int, ...],
    cycle: int = 0,
    status: Status = Status.RUNNING,
    code: int = 0,
) -> MachineState:
    """A state whose memory is `tree`; registers may be given by number, the others are 0."""
    if isinstance(registers, dict):
        registers = tuple(registers.get(number, 0) for number in range(32))
    root = Bytes32(tree.node(TREE_DEPTH, 0))
    return MachineState(
        pc=pc, registers=(0, *registers[1:]), cycle=cycle, status=status, code=code, memory_root=root
    )


def witness_of(
    word: int,
    registers: dict[int, int] | tuple[int, ...],
    *,
    pc: int = 0x1000,
    memory: dict[int, bytes] | None = None,
    is_filled: Fill = nothing,
    cycle: int = 0,
) -> bytes:
    """The witness of one instruction `word` at `pc`; `memory` holds bytes by address."""
    leaves: dict[int, bytes] = {}
    for address, content in (memory or {}).items():
        write_bytes(leaves, address, content)
    write_bytes(leaves, pc, word.to_bytes(4, "little"))
    tree = LeafTree(leaves, is_filled)
    return build_witness(state_on(tree, pc=pc, registers=registers, cycle=cycle), tree.node)
