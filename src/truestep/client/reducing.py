"""A reducer's input: the outputs of another job, each in a slot of its own (docs/protocol.md S4.9)."""

from collections.abc import Sequence

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.base.text import counted
from truestep.commitments.merkle import LEAF_SIZE_BYTES, ZERO_NODES, climb, root_of_bytes
from truestep.engine.hashing import hash_many_pairs
from truestep.machine.layout import INPUT_LIMIT_BYTES, RANGE_LEVEL
from truestep.protocol.settlement.ids import BATCH_LIMIT

SLOT_LIMIT = BATCH_LIMIT
"""Outputs that one reducer takes."""


def slot_level(size_bytes: int) -> int:
    """The level of the smallest slot for outputs of up to `size_bytes`: it has 2^level leaves of 32 bytes."""
    leaf_count = max(1, -(-size_bytes // LEAF_SIZE_BYTES))
    return (leaf_count - 1).bit_length()


def slot_size_bytes(level: int) -> int:
    """What a slot of this level holds."""
    return LEAF_SIZE_BYTES << level


def check_slots(slot_count: int, level: int) -> None:
    """Refuse slots that no reducer can have."""
    if slot_count > SLOT_LIMIT:
        raise Rejected(
            Reject.REDUCER_SHAPE,
            f"expected a job of up to {SLOT_LIMIT} shards to reduce, got one of {slot_count}; split it into"
            " several jobs, and reduce each",
        )
    size_bytes = slot_count * slot_size_bytes(level)
    if size_bytes > INPUT_LIMIT_BYTES:
        raise Rejected(
            Reject.REDUCER_SHAPE,
            f"expected slots of up to {INPUT_LIMIT_BYTES // slot_count:,} bytes for"
            f" {counted(slot_count, 'output')}, got"
            f" {slot_size_bytes(level):,}: an input has at most 512 MiB",
        )


def slot_node(output: bytes, output_root: Bytes32, level: int) -> Bytes32:
    """The root of a slot with this output. Refuses one that does not fit, or whose range holds more."""
    if len(output) > slot_size_bytes(level):
        raise Rejected(
            Reject.REDUCER_SLOT,
            f"expected an output of up to {slot_size_bytes(level):,} bytes, got {len(output):,}; post a"
            " reducer with larger slots",
        )
    node = root_of_bytes(output, level, hash_many_pairs)
    if climb(node, 0, ZERO_NODES[level:RANGE_LEVEL]) != output_root:
        raise Rejected(
            Reject.REDUCER_SLOT,
            "the program has written behind its output's size, and such an output cannot be reduced; let it"
            " write nothing there",
        )
    return node


def reduced_input(outputs: Sequence[bytes], level: int) -> bytes:
    """The input of the reducer: the slots one after another, each filled up with zeros."""
    return b"".join(output.ljust(slot_size_bytes(level), b"\0") for output in outputs)
