"""All claims that were ever made on a chain, out of the events of Jobs (docs/protocol.md S4.3)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from truestep.adapters.chain.connection import Node, check_chain, connect, endpoints_of
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.log_search import search_logs
from truestep.adapters.chain.settlement import contract_types
from truestep.protocol.logs.audit import ChainClaim, ChainClaims
from truestep.protocol.settlement.contracts.jobs import Claimed, Taken
from truestep.protocol.settlement.facts.leaves import LEAF_BYTES, leaf_at
from truestep.protocol.settlement.ids import unpack_item

RANGE_BLOCKS = 2_000
"""Public nodes refuse more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimsRead:
    """What the chain has, up to a block."""

    block_number: int
    claims: ChainClaims
    batch_count: int


def read_claims(node: Node, deployment: Deployment) -> ClaimsRead:
    """All claims of a network. Raises `Rejected` for another chain, `Unavailable`."""
    web3 = connect(node)
    check_chain(web3, deployment.chain_id)
    endpoints = endpoints_of(web3)
    head = endpoints.head().number
    types, jobs = contract_types()["Jobs"], deployment.address("Jobs")

    def events(kind: type) -> Iterator[object]:
        topic = types.topic_of(kind)
        for first in range(deployment.block_number, head + 1, RANGE_BLOCKS):
            last = min(first + RANGE_BLOCKS - 1, head)
            for log in search_logs(endpoints, jobs, [topic], first, last):
                yield types.event(log)

    items = {taken.batch_id: taken.items for taken in cast("Iterator[Taken]", events(Taken))}
    claims: dict[tuple[int, int], ChainClaim] = {}
    for claimed in cast("Iterator[Claimed]", events(Claimed)):
        leaves = b"".join(claimed.leaves)
        shards = _shards(items.get(claimed.batch_id, ()))
        for index, (job_id, shard_index) in zip(range(len(leaves) // LEAF_BYTES), shards, strict=False):
            claims[claimed.batch_id, index] = ChainClaim(
                operator=claimed.operator,
                job_id=job_id,
                shard_index=shard_index,
                leaf=leaf_at(leaves, index),
            )
    return ClaimsRead(block_number=head, claims=claims, batch_count=max(items, default=0))


def _shards(items: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Job and shard of each leaf of a batch."""
    for item in items:
        found = unpack_item(item)
        for shard in found.shards:
            yield found.job_id, shard
