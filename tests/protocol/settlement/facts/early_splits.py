"""Splits that are made before the batch is taken whose claim they are about (S6.4)."""

from __future__ import annotations

from tests.contracts.runs import Run
from tests.protocol.settlement.world import PARAMETERS
from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32
from truestep.protocol.bisection import Interval
from truestep.protocol.settlement.contracts.disputes import Split
from truestep.protocol.settlement.disputes import node_of
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.rehearsal import Answer, Ready
from truestep.protocol.settlement.ids import LeafId


def early_split(facts: Facts, claim_id: LeafId, operator: Address, lie: Run) -> Answer:
    """The split of the node at which a game on a claim of this run will begin."""
    high, arity = lie.claimed.cycle, PARAMETERS.arity
    if high <= 1:
        return Reject.SPLIT_COUNT
    low_hash, *inner, high_hash = (
        Bytes32(lie.hash_at(number)) for number in Interval(low=0, high=high).boundaries(arity)
    )
    if node_of(claim_id, operator, arity, 0, high, low_hash, high_hash) in facts.splits:
        return Reject.NODE_SPLIT
    return Ready(
        call=Split(
            claim_id=claim_id,
            defender=operator,
            arity=arity,
            low=0,
            high=high,
            low_hash=low_hash,
            high_hash=high_hash,
            hashes=tuple(inner),
        )
    )
