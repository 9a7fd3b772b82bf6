"""All claims that were ever made on a chain, out of the events of Jobs (docs/protocol.md S4.3)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from truestep.adapters.chain.connection import Node, check_chain, connect, endpoints_of
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.log_search import search_logs
from truestep.adapters.chain.settlement import CONTRACT_OF, contract_types
from truestep.base.ids import Address, Bytes32
from truestep.protocol.audits.contracts.audits import Appointed, Revealed, Seat, Stage
from truestep.protocol.logs.audit import ChainClaim, ChainClaims, ChainWords
from truestep.protocol.settlement.contracts.jobs import Claimed, Taken
from truestep.protocol.settlement.facts.leaves import LEAF_BYTES, leaf_at
from truestep.protocol.settlement.ids import batch_of_claim, leaf_of_claim, unpack_item

RANGE_BLOCKS = 2_000
"""Public nodes refuse more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimsRead:
    """What the chain has, up to a block."""

    block_number: int
    claims: ChainClaims
    batch_count: int
    words: ChainWords
    """What was shown in audits."""


def read_claims(node: Node, deployment: Deployment) -> ClaimsRead:
    """All claims of a network. Raises `Rejected` for another chain, `Unavailable`."""
    web3 = connect(node)
    check_chain(web3, deployment.chain_id)
    endpoints = endpoints_of(web3)
    head = endpoints.head().number

    def logs(kind: type) -> Iterator[tuple[tuple[int, int], Any]]:
        """Events of a type, with the place of each."""
        contract = CONTRACT_OF[kind]
        types, address = contract_types()[contract], deployment.address(contract)
        for first in range(deployment.block_number, head + 1, RANGE_BLOCKS):
            last = min(first + RANGE_BLOCKS - 1, head)
            for log in search_logs(endpoints, address, [types.topic_of(kind)], first, last):
                yield (log.block_number, log.log_index), types.event(log)

    items = {taken.batch_id: taken.items for _, taken in logs(Taken)}
    claims: dict[tuple[int, int], ChainClaim] = {}
    for _, claimed in cast("Iterator[tuple[object, Claimed]]", logs(Claimed)):
        leaves = b"".join(claimed.leaves)
        shards = _shards(items.get(claimed.batch_id, ()))
        for index, (job_id, shard_index) in zip(range(len(leaves) // LEAF_BYTES), shards, strict=False):
            claims[claimed.batch_id, index] = ChainClaim(
                operator=claimed.operator,
                job_id=job_id,
                shard_index=shard_index,
                leaf=leaf_at(leaves, index),
            )
    words: ChainWords = {}
    if deployment.audits is not None:
        words = _words(claims, sorted([*logs(Appointed), *logs(Revealed)], key=lambda each: each[0]))
    return ClaimsRead(block_number=head, claims=claims, batch_count=max(items, default=0), words=words)


def _words(claims: ChainClaims, events: Iterable[tuple[object, Appointed | Revealed]]) -> ChainWords:
    """Who has shown what: the claimant, or whoever was appointed last for the seat."""
    auditors: dict[tuple[int, int], Address] = {}
    words: dict[tuple[int, int, int, Bytes32], Address] = {}
    for _, event in events:
        place = batch_of_claim(event.claim_id), leaf_of_claim(event.claim_id)
        if isinstance(event, Appointed):
            seat = Seat.FIRST if event.stage == Stage.COMMIT else Seat.SECOND
            auditors[event.claim_id, seat] = event.auditor
            continue
        claim = claims.get(place)
        claimant = claim.operator if claim is not None else None
        auditor = auditors.get((event.claim_id, event.seat))
        operator = claimant if event.seat == Seat.CLAIMANT else auditor
        if operator is not None:
            words[*place, event.seat, event.digest] = operator
    return words


def _shards(items: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Job and shard of each leaf of a batch."""
    for item in items:
        found = unpack_item(item)
        for shard in found.shards:
            yield found.job_id, shard
