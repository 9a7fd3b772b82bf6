"""The world with the real Disputes of the model in it, instead of leaves that the test holds."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.protocol.settlement.world import Hold, Outcome, Step, World
from truestep.base.ids import BatchId, Bytes32
from truestep.protocol.settlement.contracts.disputes import Game, GameStage, Split
from truestep.protocol.settlement.dispute_apply import apply_dispute, held_by
from truestep.protocol.settlement.disputes import Disputes, GameMessage, node_of
from truestep.protocol.settlement.games import claim_of_game_id
from truestep.protocol.settlement.ids import NATIVE, LeafGameId
from truestep.protocol.settlement.refusals import Refused


@dataclass(slots=True)
class GameWorld(World):
    """Also what challengers and defenders remember."""

    disputes: Disputes = field(default_factory=Disputes)
    boundaries: dict[Bytes32, tuple[Bytes32, ...]] = field(default_factory=dict)
    """The hashes that split a node, with those at its ends."""

    def play(self, step: Step) -> Outcome:
        """Apply a step; a refused one changes nothing."""
        if not isinstance(step, GameMessage):
            assert not isinstance(step, Hold), "games hold leaves here"
            return World.play(self, step)
        before = self.state
        try:
            self.disputes, self.state, effects = apply_dispute(self.disputes, before, step)
        except Refused as refused:
            return Outcome(refusal=refused.reason)
        call = step.message.call
        if isinstance(call, Split):
            self.boundaries[node_of_split(call)] = (call.low_hash, *call.hashes, call.high_hash)
        for effect in effects:
            self.note(before, effect)
        return Outcome(effects=effects)

    def open_games(self, batch_id: BatchId) -> int:
        """Disputes' answer."""
        return held_by(self.disputes)(batch_id)

    def check_money(self) -> None:
        """Disputes holds bonds of games that run, pots, what it owes and what it burned."""
        World.check_money(self)
        running = [game for game in self.disputes.games.values() if is_running(game)]
        owed_wei = sum(game.bond_wei + game.sponsor_bond_wei for game in running)
        owed_wei += sum(claim.pot_wei for claim in self.disputes.claims.values())
        owed_wei += sum(self.disputes.credits.values()) + self.disputes.burned_wei
        assert self.balances[NATIVE, self.state.deployment.disputes] == owed_wei

    def check_all(self) -> None:
        """Leaves are held by their games and by nothing else."""
        World.check_all(self)
        held: dict[BatchId, int] = {}
        for game_id, game in self.disputes.games.items():
            claim_id = claim_of_game_id(game_id)
            if is_running(game) and self.disputes.claims[claim_id].struck_at == 0:
                batch_id = BatchId(claim_id >> 8)
                held[batch_id] = held.get(batch_id, 0) | 1 << (claim_id & 255)
        assert held == {batch_id: mask for batch_id, mask in self.disputes.held.items() if mask}

    def running_games(self) -> list[tuple[LeafGameId, Game]]:
        """Games that are not settled."""
        return [entry for entry in self.disputes.games.items() if is_running(entry[1])]


def is_running(game: Game) -> bool:
    """Whether a game has its bonds still."""
    return game.stage < GameStage.CLOSED


def node_of_split(call: Split) -> Bytes32:
    """The node of a split."""
    return node_of(
        call.claim_id, call.defender, call.arity, call.low, call.high, call.low_hash, call.high_hash
    )
