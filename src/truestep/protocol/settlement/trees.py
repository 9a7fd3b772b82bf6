"""Trees of a batch: binary, positional, of the smallest depth (docs/protocol.md S4.1)."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from truestep.base.ids import Bytes32
from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import pair_tree_levels
from truestep.protocol.settlement.encoding import encode
from truestep.protocol.settlement.ids import PackedItem

LEAF_WORDS = 3
ITEMS_KEPT = 2**12
"""Leaves of items: each is computed for the call that takes it, and by whoever checks that call."""


def depth_for(leaf_count: int) -> int:
    """The smallest depth that holds so many leaves."""
    return (leaf_count - 1).bit_length()


def root_over(leaves: Sequence[bytes]) -> Bytes32:
    """The root over one or more leaves; of one it is that leaf."""
    return Bytes32(pair_tree_levels(leaves, depth_for(len(leaves)))[-1][0])


def path_in(leaves: Sequence[bytes], index: int) -> tuple[Bytes32, ...]:
    """The siblings of leaf number `index`, from the leaf upwards."""
    levels = pair_tree_levels(leaves, depth_for(len(leaves)))
    return tuple(Bytes32(level[index >> height ^ 1]) for height, level in enumerate(levels[:-1]))


@lru_cache(maxsize=ITEMS_KEPT)
def item_leaf(item: PackedItem, job_digest: Bytes32) -> Bytes32:
    """An item's leaf in the tree of tasks."""
    return keccak256(encode(item, job_digest))


def tasks_root(items: Iterable[tuple[PackedItem, Bytes32]]) -> Bytes32:
    """The root that `take` names: over items with the digests of their jobs."""
    return root_over([item_leaf(item, job_digest) for item, job_digest in items])


def claims_root(words: Sequence[bytes]) -> Bytes32:
    """The root over the leaves of a claim, which come as three words each (S4.3)."""
    starts = range(0, len(words), LEAF_WORDS)
    return root_over([keccak256(b"".join(words[start : start + LEAF_WORDS])) for start in starts])
