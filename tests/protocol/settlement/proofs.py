"""Proofs of leaves, as whoever read the events makes them."""

from __future__ import annotations

from tests.protocol.settlement.world import World
from truestep.base.ids import BatchId, Bytes32
from truestep.protocol.settlement.encoding import hash_struct
from truestep.protocol.settlement.ids import LeafId, batch_of_claim, leaf_of_claim, unpack_item
from truestep.protocol.settlement.records import Batch, Leaf, LeafProof
from truestep.protocol.settlement.trees import item_leaf, path_in


def proof_of(world: World, claim_id: LeafId) -> LeafProof:
    """The proof of a leaf of a claimed batch."""
    leaf_index, batch_id = leaf_of_claim(claim_id), batch_of_claim(claim_id)
    batch = world.state.batches[batch_id]
    leaves = leaves_of(world, batch_id)
    index, item_path = _item_of(world, batch, leaf_index)
    job = world.state.jobs[unpack_item(batch.items[index]).job_id]
    return LeafProof(
        item=batch.items[index],
        item_index=index,
        item_path=item_path,
        work=job.work,
        job_terms=job.terms,
        leaf=leaves[leaf_index],
        leaf_path=path_in([hash_struct(leaf) for leaf in leaves], leaf_index),
    )


def leaves_of(world: World, batch_id: BatchId) -> list[Leaf]:
    """What the operator claimed."""
    words = world.leaves[batch_id]
    return [
        Leaf(head=int.from_bytes(words[at], "big"), output_root=words[at + 1], left_root=words[at + 2])
        for at in range(0, len(words), 3)
    ]


def _item_of(world: World, batch: Batch, leaf_index: int) -> tuple[int, tuple[Bytes32, ...]]:
    """Where the item of a leaf is, and its path."""
    items = [unpack_item(item) for item in batch.items]
    (index,) = [index for index, item in enumerate(items) if item.has_leaf(leaf_index)]
    digests = [world.state.jobs[item.job_id].digest for item in items]
    nodes = [item_leaf(item, digest) for item, digest in zip(batch.items, digests, strict=True)]
    return index, path_in(nodes, index)
