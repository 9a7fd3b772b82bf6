"""The parts of a run: a program's image, a task header and an input (docs/machine.md M3.5, M7)."""

from dataclasses import dataclass

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.commitments.keccak import PairHasher, hash_pairs
from truestep.commitments.merkle import (
    LEAF_SIZE_BYTES,
    ZERO_NODES,
    climb,
    parent,
    root_of_bytes,
)
from truestep.machine.layout import (
    HEADER_START,
    INPUT_LIMIT_BYTES,
    INPUT_START,
    PROGRAM_NODE,
    RANGE_LEVEL,
)
from truestep.machine.memory import Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Bytes of a program, and their address."""

    address: int
    content: bytes
    is_executable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A loaded program: its segments in address order, and its entry point (M7)."""

    entry: int
    segments: tuple[Segment, ...]

    def root(self, hasher: PairHasher = hash_pairs) -> Bytes32:
        """The program root: the image's subtree over the code and data ranges (M3.7)."""
        memory = Memory(hasher)
        write_segments(memory, self)
        return memory.node(*PROGRAM_NODE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One shard of a job as the machine sees it (M3.5)."""

    seed: bytes = bytes(32)
    shard_index: int = 0
    shard_count: int = 1
    input: bytes = b""

    def __post_init__(self) -> None:
        """Refuse a task that no machine can run."""
        if len(self.seed) != LEAF_SIZE_BYTES:
            raise ValueError(f"expected a seed of 32 bytes, got {len(self.seed)}")
        if not 0 <= self.shard_index < self.shard_count < 2**32:
            raise Rejected(
                Reject.SHARD_RANGE,
                f"got shard {self.shard_index} of {self.shard_count}",
            )
        if len(self.input) > INPUT_LIMIT_BYTES:
            raise Rejected(
                Reject.INPUT_TOO_LARGE,
                f"expected at most {INPUT_LIMIT_BYTES} bytes (512 MiB), got {len(self.input)};"
                " split the input over several jobs",
            )

    def header(self) -> bytes:
        """The two leaves of the task header, 64 bytes (M3.5)."""
        counts = (len(self.input), self.shard_index, self.shard_count, 0)
        return self.seed + b"".join(count.to_bytes(8, "little") for count in counts)

    def input_root(self, hasher: PairHasher = hash_pairs) -> Bytes32:
        """The root of the input's subtree (M3.7)."""
        return root_of_bytes(self.input, RANGE_LEVEL, hasher)


def write_segments(memory: Memory, program: Program) -> None:
    """Write a program's image into memory."""
    for segment in program.segments:
        memory.write(segment.address, segment.content)


def initial_memory(program: Program, task: Task) -> Memory:
    """The memory of state number 0."""
    memory = Memory()
    write_segments(memory, program)
    memory.write(HEADER_START, task.header())
    memory.write(INPUT_START, task.input)
    return memory


def initial_memory_root(program_root: bytes, header: bytes, input_root: bytes) -> Bytes32:
    """The initial memory root, from the three parts that the chain knows (M3.7)."""
    header_leaves = parent(header[:32], header[32:])
    header_root = climb(header_leaves, 0, ZERO_NODES[1:RANGE_LEVEL])
    right = parent(parent(header_root, input_root), ZERO_NODES[RANGE_LEVEL + 1])
    return parent(program_root, right)
