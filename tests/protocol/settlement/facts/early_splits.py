"""Splits that are made before the batch is taken whose claim they are about (S6.4)."""

from __future__ import annotations

from tests.contracts.runs import Run
from tests.protocol.settlement.world import PARAMETERS
from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32
from truestep.protocol.bisection import Interval
from truestep.protocol.settlement import games
from truestep.protocol.settlement.contracts.disputes import GameStage, Split
from truestep.protocol.settlement.disputes import node_of
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.rehearsal import Answer, Ready
from truestep.protocol.settlement.ids import LeafGameId, LeafId


def early_split(facts: Facts, claim_id: LeafId, operator: Address, lie: Run) -> Answer:
    """The split of the node at which a game on a claim of this run will begin."""
    return _split(facts, claim_id, operator, Interval(low=0, high=lie.claimed.cycle), lie)


def early_split_of_sponsor(facts: Facts, game_id: LeafGameId, sponsor: Address, asserted: Run) -> Answer:
    """The split of the node at which a game will be once this sponsor has adopted it."""
    game = facts.games[game_id]
    if game.stage != GameStage.ON_NODE:
        return Reject.GAME_STAGE
    interval = Interval(low=game.low, high=game.high)
    return _split(facts, games.claim_of_game_id(game_id), sponsor, interval, asserted)


def _split(facts: Facts, claim_id: LeafId, defender: Address, interval: Interval, asserted: Run) -> Answer:
    arity = PARAMETERS.arity
    if interval.length <= 1:
        return Reject.SPLIT_COUNT
    low_hash, *inner, high_hash = (Bytes32(asserted.hash_at(number)) for number in interval.boundaries(arity))
    if node_of(claim_id, defender, arity, interval.low, interval.high, low_hash, high_hash) in facts.splits:
        return Reject.NODE_SPLIT
    return Ready(
        call=Split(
            claim_id=claim_id,
            defender=defender,
            arity=arity,
            low=interval.low,
            high=interval.high,
            low_hash=low_hash,
            high_hash=high_hash,
            hashes=tuple(inner),
        )
    )
