"""Step witnesses: how to build one, and how to verify one as the chain does (docs/machine.md M6)."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.base.integers import wrap32
from truestep.base.text import counted
from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import ZERO_NODES, parent
from truestep.machine.arithmetic import ACCESS_SIZES_BYTES
from truestep.machine.decode import Instruction, Kind, decode
from truestep.machine.interpreter import ReferenceMachine
from truestep.machine.layout import (
    LEAF_SIZE_BYTES,
    TREE_DEPTH,
    may_fetch,
    may_store,
    readable_size,
)
from truestep.machine.memory import Memory
from truestep.machine.micro import is_played_out, micro_start, state_after, template
from truestep.machine.state import STATE_TAIL_SIZE_BYTES, MachineState, Status

MASK_SIZE_BYTES = 11
FIRST_PATH_BIT = TREE_DEPTH
SECOND_PATH_BIT = 2 * TREE_DEPTH
CODE_LEVEL = 24
"""From this level up, the memory paths share the instruction's path (M6.3)."""
CODE_LEAVES = 1 << CODE_LEVEL
WITNESS_LIMIT_BYTES = STATE_TAIL_SIZE_BYTES + MASK_SIZE_BYTES + 3 * 32 + 32 * (TREE_DEPTH + 25 + 26)
"""Three leaves, the instruction's path, and two separate paths of greatest length: at 0x8000_0000."""

NodeReader = Callable[[int, int], bytes]


class FloatStep(NamedTuple):
    """What a witness proves about a float instruction, as the contract returns it (S12.1)."""

    before: Bytes32
    """The hash of the state before it."""
    micro_start: Bytes32
    """The hash of the first state of its micro-run (M9.3)."""
    template: Bytes32
    """The template of the state after it (M9.5)."""
    rd: int


def accessed_leaves(state: MachineState, instruction_leaf: bytes) -> tuple[int, ...]:
    """The indices of the memory leaves in the witness: none, one or two (M6.4)."""
    instruction = _instruction_in(state, instruction_leaf)
    if instruction is None or instruction.kind not in (Kind.LOAD, Kind.STORE):
        return ()
    address = wrap32(state.registers[instruction.rs1] + instruction.immediate)
    size_bytes = ACCESS_SIZES_BYTES[instruction.name]
    if instruction.kind is Kind.LOAD:
        size_bytes = readable_size(address, size_bytes)
    elif not may_store(address, size_bytes):
        return ()
    first, last = (
        address // LEAF_SIZE_BYTES,
        (address + size_bytes - 1) // LEAF_SIZE_BYTES,
    )
    return (first,) if first == last else (first, last)


def instruction_leaf_index(pc: int) -> int:
    """The index of the instruction leaf of a step at `pc` (M6.3)."""
    return (pc // LEAF_SIZE_BYTES) % CODE_LEAVES


def proved_levels(leaf_index: int) -> int:
    """The number of levels from a memory leaf to a node of the instruction's path (M6.4)."""
    return max(leaf_index.bit_length() - 1, CODE_LEVEL)


@dataclass(slots=True)
class _SiblingWriter:
    """Collects siblings in order; a zero subtree takes no bytes (M6.7)."""

    node: NodeReader
    mask: int = 0
    siblings: list[bytes] = field(default_factory=list[bytes])

    def take(self, level: int, index: int, path_bit: int) -> bytes:
        """Add the sibling of node (level, index) to the proof."""
        sibling = self.node(level, index ^ 1)
        if sibling != ZERO_NODES[level]:
            self.mask |= 1 << (path_bit + level)
            self.siblings.append(sibling)
        return sibling


@dataclass(slots=True)
class _SiblingReader:
    """Returns siblings in the same order."""

    mask: int
    rest: bytes

    def take(self, level: int, path_bit: int) -> bytes:
        """The next sibling, at `level` of the path that starts at `path_bit`."""
        bit = 1 << (path_bit + level)
        if not self.mask & bit:
            return ZERO_NODES[level]
        self.mask ^= bit
        return self.take_leaf()

    def take_leaf(self) -> bytes:
        """The next 32 bytes."""
        if len(self.rest) < LEAF_SIZE_BYTES:
            raise Rejected(
                Reject.WITNESS_LENGTH,
                "expected more siblings; the witness is truncated",
            )
        leaf, self.rest = self.rest[:LEAF_SIZE_BYTES], self.rest[LEAF_SIZE_BYTES:]
        return leaf

    def finish(self) -> None:
        """Refuse bytes or mask bits that were not used (M6.7, M6.8)."""
        if self.rest:
            raise Rejected(Reject.WITNESS_LENGTH, f"{counted(len(self.rest), 'byte')} too many")
        if self.mask:
            raise Rejected(Reject.WITNESS_MASK, "a mask bit names a sibling that no path has")


def build_witness(state: MachineState, node: NodeReader) -> bytes:
    """The witness of the step from `state`. `node(level, index)` reads its tree, with leaves at level 0."""
    code_index = instruction_leaf_index(state.pc)
    instruction_leaf = node(0, code_index)
    leaves = accessed_leaves(state, instruction_leaf)
    writer = _SiblingWriter(node=node)
    for level in range(TREE_DEPTH):
        writer.take(level, code_index >> level, 0)
    for path in climbing_plan(leaves):
        for level, index, path_bit in path:
            writer.take(level, index, path_bit)
    mask = writer.mask.to_bytes(MASK_SIZE_BYTES, "big")
    memory_leaves = [node(0, index) for index in leaves]
    return b"".join((state.tail(), mask, instruction_leaf, *memory_leaves, *writer.siblings))


def climbing_plan(leaves: tuple[int, ...]) -> list[list[tuple[int, int, int]]]:
    """The siblings of the memory paths (M6.5, M6.6), as (level, index of the node on the path, path bit)."""
    if not leaves:
        return []
    first = leaves[0]
    if len(leaves) == 1:
        return [[(level, first >> level, FIRST_PATH_BIT) for level in range(proved_levels(first))]]
    if not climb_together(*leaves):
        bits = (FIRST_PATH_BIT, SECOND_PATH_BIT)
        return [
            [(level, leaf >> level, bit) for level in range(proved_levels(leaf))]
            for leaf, bit in zip(leaves, bits, strict=True)
        ]
    plan: list[tuple[int, int, int]] = []
    merge_level = ((leaves[0] ^ leaves[1]).bit_length()) - 1
    for level in range(proved_levels(first)):
        if level == merge_level:
            continue
        plan.append((level, first >> level, FIRST_PATH_BIT))
        if level < merge_level:
            plan.append((level, leaves[1] >> level, SECOND_PATH_BIT))
    return [plan]


def climb_together(first: int, second: int) -> bool:
    """Whether two adjacent leaves end at the same node of M6.4's table."""
    return proved_levels(first) == proved_levels(second) and (first < CODE_LEAVES) == (second < CODE_LEAVES)


def verify_step(witness: bytes) -> tuple[Bytes32, Bytes32]:
    """The state hashes before and after the step that `witness` proves, as the chain computes them.

    Refuses a float instruction with a result: see `open_float`.
    """
    partial, instruction_leaf, reader = _read_head(witness)
    leaves = accessed_leaves(partial, instruction_leaf)
    contents = [reader.take_leaf() for _ in leaves]
    frame = _climb_code(reader, instruction_leaf, instruction_leaf_index(partial.pc))
    climbs = _read_climbs(reader, leaves)
    reader.finish()
    for target, node in _end_nodes(leaves, contents, climbs):
        if frame.known(target) != node:
            raise Rejected(
                Reject.WITNESS_PROOF,
                "a memory leaf's path does not meet the instruction's",
            )
    before = keccak256(frame.root() + witness[:STATE_TAIL_SIZE_BYTES])
    if partial.status is not Status.RUNNING:
        return before, before
    if (instruction := _instruction_in(partial, instruction_leaf)) and is_played_out(instruction):
        raise Rejected(Reject.STEP_IS_FLOAT, f"{instruction.name} is decided by its micro-run (M9.5)")
    machine = _machine_on(partial, instruction_leaf, dict(zip(leaves, contents, strict=True)))
    machine.step()
    changed = [machine.memory.read_leaf(leaf) for leaf in leaves]
    for target, node in _end_nodes(leaves, changed, climbs):
        frame.replace(target, node)
    return before, machine.state_with_root(frame.root()).hash()


def open_float(witness: bytes) -> FloatStep:
    """What the witness of a float instruction with a result proves; refuses all others (M9.3, M9.5)."""
    partial, instruction_leaf, reader = _read_head(witness)
    instruction = _instruction_in(partial, instruction_leaf)
    if instruction is None or not is_played_out(instruction):
        raise Rejected(
            Reject.STEP_NOT_FLOAT,
            "expected a float instruction with a result; all others are decided by a step",
        )
    frame = _climb_code(reader, instruction_leaf, instruction_leaf_index(partial.pc))
    reader.finish()
    state, rd = replace(partial, memory_root=frame.root()), instruction.rd
    return FloatStep(
        before=keccak256(state.memory_root + witness[:STATE_TAIL_SIZE_BYTES]),
        micro_start=micro_start(state, instruction).hash(),
        template=template(state_after(state, rd, 0), rd),
        rd=rd,
    )


def _read_head(witness: bytes) -> tuple[MachineState, bytes, _SiblingReader]:
    """The state without its memory root, the instruction leaf, and a reader of the rest."""
    if len(witness) < STATE_TAIL_SIZE_BYTES + MASK_SIZE_BYTES + LEAF_SIZE_BYTES:
        raise Rejected(
            Reject.WITNESS_LENGTH, f"got {counted(len(witness), 'byte')}; the witness is truncated"
        )
    tail, after_tail = witness[:STATE_TAIL_SIZE_BYTES], witness[STATE_TAIL_SIZE_BYTES:]
    mask = int.from_bytes(after_tail[:MASK_SIZE_BYTES], "big")
    reader = _SiblingReader(mask, after_tail[MASK_SIZE_BYTES:])
    return _unpack_tail(tail), reader.take_leaf(), reader


def _instruction_in(state: MachineState, leaf: bytes) -> Instruction | None:
    """The instruction that a running state is about to execute; None if there is none at pc."""
    if state.status is not Status.RUNNING or not may_fetch(state.pc):
        return None
    offset = state.pc % LEAF_SIZE_BYTES
    return decode(int.from_bytes(leaf[offset : offset + 4], "little"))


@dataclass(slots=True)
class _Frame:
    """The nodes known from the instruction's path: C, t24, t25, t26 (M6.3), at positions 0 to 3."""

    nodes: list[bytes]

    def known(self, position: int) -> bytes:
        return self.nodes[position]

    def replace(self, position: int, node: bytes) -> None:
        self.nodes[position] = node

    def root(self) -> Bytes32:
        root = self.nodes[0]
        for sibling in self.nodes[1:]:
            root = parent(root, sibling)
        return Bytes32(root)


def _climb_code(reader: _SiblingReader, leaf: bytes, index: int) -> _Frame:
    node = leaf
    for level in range(CODE_LEVEL):
        sibling = reader.take(level, 0)
        node = parent(sibling, node) if index >> level & 1 else parent(node, sibling)
    return _Frame([node, *(reader.take(level, 0) for level in range(CODE_LEVEL, TREE_DEPTH))])


Climb = dict[tuple[int, int], bytes]
"""Siblings by (level, index of the node on the path)."""


def _read_climbs(reader: _SiblingReader, leaves: tuple[int, ...]) -> Climb:
    plans = climbing_plan(leaves)
    return {(level, index): reader.take(level, bit) for plan in plans for level, index, bit in plan}


def _target(leaf: int) -> int:
    """The position in the frame of the node that proves `leaf` (M6.4)."""
    return 0 if leaf < CODE_LEAVES else leaf.bit_length() - CODE_LEVEL


def _end_nodes(leaves: tuple[int, ...], contents: list[bytes], siblings: Climb) -> list[tuple[int, bytes]]:
    """(position in the frame, node reached) of each path."""
    level_nodes = dict(zip(leaves, contents, strict=True))
    ends: list[tuple[int, bytes]] = []
    targets = {leaf: (_target(leaf), proved_levels(leaf)) for leaf in leaves}
    for target, levels in sorted(set(targets.values())):
        nodes = {leaf: level_nodes[leaf] for leaf in leaves if targets[leaf] == (target, levels)}
        for level in range(levels):
            nodes = _climb_level(nodes, level, siblings)
        ends.append((target, next(iter(nodes.values()))))
    return ends


def _climb_level(nodes: dict[int, bytes], level: int, siblings: Climb) -> dict[int, bytes]:
    above: dict[int, bytes] = {}
    for index, node in nodes.items():
        sibling = nodes.get(index ^ 1) or siblings[level, index]
        above[index >> 1] = parent(sibling, node) if index & 1 else parent(node, sibling)
    return above


def _unpack_tail(tail: bytes) -> MachineState:
    words = [int.from_bytes(tail[start : start + 8], "big") for start in range(25, len(tail), 8)]
    status = tail[16]
    return MachineState(
        pc=int.from_bytes(tail[:8], "big"),
        cycle=int.from_bytes(tail[8:16], "big"),
        status=Status.RUNNING if status == Status.RUNNING else Status.TRAPPED,
        code=int.from_bytes(tail[17:25], "big"),
        registers=(0, *words),
        memory_root=ZERO_NODES[TREE_DEPTH],
    )


def _machine_on(state: MachineState, instruction_leaf: bytes, leaves: dict[int, bytes]) -> ReferenceMachine:
    """A machine in `state` whose memory holds only the proved leaves."""
    memory = Memory()
    memory.write(instruction_leaf_index(state.pc) * LEAF_SIZE_BYTES, instruction_leaf)
    for index, content in leaves.items():
        memory.write(index * LEAF_SIZE_BYTES, content)
    machine = ReferenceMachine(memory, state.pc)
    machine.registers, machine.cycle = list(state.registers), state.cycle
    return machine
