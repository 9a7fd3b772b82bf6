"""Leaves of a batch as bytes, and what they say of the machine (docs/protocol.md S4.3, S5)."""

from collections.abc import Sequence

from truestep.base.ids import Bytes32, TaskId
from truestep.machine.state import Status
from truestep.protocol.claims import ClaimedState
from truestep.protocol.settlement.claims import inner_root, is_refuted
from truestep.protocol.settlement.encoding import encode_struct
from truestep.protocol.settlement.facts.records import KnownBatch
from truestep.protocol.settlement.records import Leaf, Work

WORD_BYTES = 32
LEAF_BYTES = 3 * WORD_BYTES
ZERO_HASH = Bytes32(bytes(WORD_BYTES))


def leaf_at(leaves: bytes, leaf_index: int) -> Leaf:
    """Leaf number `leaf_index`."""
    start = LEAF_BYTES * leaf_index
    words = [Bytes32(leaves[at : at + WORD_BYTES]) for at in range(start, start + LEAF_BYTES, WORD_BYTES)]
    return Leaf(head=int.from_bytes(words[0], "big"), output_root=words[1], left_root=words[2])


def leaves_in(known: KnownBatch) -> list[Leaf]:
    """All leaves of a batch; none before its claim."""
    return [leaf_at(known.leaves, index) for index in range(len(known.leaves) // LEAF_BYTES)]


def words_of(leaves: Sequence[Leaf]) -> tuple[Bytes32, ...]:
    """Leaves as `claim` takes them, three words each."""
    packed = b"".join(map(encode_struct, leaves))
    return tuple(Bytes32(packed[at : at + WORD_BYTES]) for at in range(0, len(packed), WORD_BYTES))


def leaf_of_state(state: ClaimedState) -> Leaf:
    """The leaf that claims a final state, or a running one at the maximum cycles (S5.1, S5.3)."""
    head = state.status << 192 | state.code << 128 | state.cycle << 64 | state.output_size
    is_running = state.status is Status.RUNNING
    root = state.running_state if is_running else state.output_root
    return Leaf(head=head, output_root=root, left_root=state.left_root)


def state_of_leaf(task_id: TaskId, work: Work, leaf: Leaf) -> ClaimedState | None:
    """What a leaf says; None if it is false by its shape."""
    if is_refuted(work, leaf, b""):
        return None
    is_running = leaf.status == Status.RUNNING
    return ClaimedState(
        status=Status(leaf.status),
        code=leaf.code,
        cycle=leaf.cycle,
        output_size=leaf.output_size,
        output_root=ZERO_HASH if is_running else leaf.output_root,
        left_root=leaf.left_root,
        inner_root=ZERO_HASH if is_running else inner_root(task_id, work),
        running_state=leaf.output_root if is_running else ZERO_HASH,
    )
