"""Ids of the contracts, and how to compute one from another (docs/protocol.md S1.4 to S1.8)."""

from enum import IntFlag
from functools import lru_cache
from typing import NewType

from truestep.base.ids import Address, BatchId, JobId, TaskId, task_of
from truestep.base.records import record

LeafId = NewType("LeafId", int)
"""A claim as the contracts name it: batch id ‖ index of its leaf (8 bits) (S1.6)."""
LeafGameId = NewType("LeafGameId", int)
"""A game as the contracts name it: leaf id ‖ ordinal of the game on that claim (32 bits) (S1.7)."""
PackedItem = NewType("PackedItem", int)
"""job id ‖ first shard (32 bits) ‖ count (16 bits) ‖ offset (16 bits)."""

NOBODY = Address("0x" + "0" * 40)
NATIVE = NOBODY
"""The asset that stands for native coins."""
LEAF_BITS = 8
BATCH_LIMIT = 1 << LEAF_BITS
"""Tasks in a batch: a bit of one word for each."""
ITEMS_KEPT = 2**12
"""Unpacked items: each is asked for when its batch is taken, claimed and final."""


class Role(IntFlag):
    """What a delegate may do for its operator (S1.8)."""

    TAKE = 1
    CLAIM = 2
    MOVE = 4


ALL_ROLES = int(Role.TAKE | Role.CLAIM | Role.MOVE)


@record
class Item:
    """A range of shards of one job; `offset` tasks come before it in its batch (S1.5)."""

    job_id: JobId
    first_shard: int
    count: int
    offset: int

    def pack(self) -> PackedItem:
        """The item as the contracts take it."""
        return PackedItem(self.job_id << 64 | self.first_shard << 32 | self.count << 16 | self.offset)

    @property
    def shards(self) -> range:
        """The shards of the range."""
        return range(self.first_shard, self.first_shard + self.count)

    def task(self, leaf_index: int) -> TaskId:
        """The task of a leaf in the range."""
        return task_of(self.job_id, self.first_shard + leaf_index - self.offset)

    def has_leaf(self, leaf_index: int) -> bool:
        """Whether the leaf is in the range."""
        return self.offset <= leaf_index < self.offset + self.count


@lru_cache(maxsize=ITEMS_KEPT)
def unpack_item(packed: int) -> Item:
    """The item that `pack` packed."""
    return Item(
        job_id=job_of_item(packed),
        first_shard=packed >> 32 & 2**32 - 1,
        count=packed >> 16 & 2**16 - 1,
        offset=packed & 2**16 - 1,
    )


def job_of_item(packed: int) -> JobId:
    """The job of a packed item, without unpacking it."""
    return JobId(packed >> 64)


def claim_of(batch_id: BatchId, leaf_index: int) -> LeafId:
    """The claim that a leaf of a batch is (S1.6)."""
    return LeafId(batch_id << LEAF_BITS | leaf_index)


def batch_of_claim(claim_id: LeafId) -> BatchId:
    """The batch of a claim."""
    return BatchId(claim_id >> LEAF_BITS)


def leaf_of_claim(claim_id: LeafId) -> int:
    """The index of a claim's leaf in its batch."""
    return claim_id & BATCH_LIMIT - 1
