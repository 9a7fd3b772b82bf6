"""Challengers that dispute for other reasons than that a claim is false."""

from dataclasses import dataclass, field

from truestep.base import ids
from truestep.base.ids import Bytes32
from truestep.commitments.keccak import keccak256
from truestep.protocol import calls
from truestep.protocol.records import GameStage
from truestep.protocol.settlement.contracts import disputes
from truestep.protocol.settlement.facts.due import Action
from truestep.protocol.settlement.ids import LeafGameId, LeafId, batch_of_claim
from truestep.protocol.settlement.tasks.duties import Duty
from truestep.roles.actions import Send
from truestep.roles.duties import sends
from truestep.simulation.economy.acting import Made, contract_call, pick_of, step_of
from truestep.simulation.economy.nodes import Node
from truestep.simulation.economy.runs import Run
from truestep.simulation.economy.sight import game_seen, leaf_game_of

DRAGGED_MOVES = 2
"""Each move of one that drags takes one part in so many of the time that its clock has left."""


@dataclass(kw_only=True)
class Rogue(Node):
    """Opens the games that its strategy wants, and moves in them if that helps."""

    number: int
    stated: dict[LeafId, Bytes32] = field(default_factory=dict[LeafId, Bytes32])
    """What it has committed to."""

    def open(self, leaf_id: LeafId, state_hash: Bytes32) -> None:
        """Open a game with the next block; one on each claim."""
        if leaf_id in self.stated:
            return
        self.stated[leaf_id] = state_hash
        self.world.clock.at(self.landing(), lambda: self._open(leaf_id))

    def _salt(self, leaf_id: LeafId) -> Bytes32:
        return keccak256(self.name.encode() + leaf_id.to_bytes(32, "big"))

    def _open(self, leaf_id: LeafId) -> None:
        chain, batch_id = self.world.chain, batch_of_claim(leaf_id)
        if batch_id not in chain.leaves:
            return
        task_id = chain.tasks[batch_id][leaf_id & 255]
        call = calls.OpenGame(
            claim_id=ids.claim_of(task_id, batch_id),
            claimed_hash=Bytes32(bytes(32)),
            state_hash=self.stated[leaf_id],
            salt=self._salt(leaf_id),
            has_spare_coins=True,
        )
        self._send(contract_call(chain, self.name, call, self.world.truth))

    def _send(self, made: Made | None) -> None:
        if made is not None:
            call, value_wei, proved = made
            self.world.chain.send(self.name, call, value_wei, proved)

    def play(self, game_id: LeafGameId) -> None:
        """Move, if the strategy plays on: to the lie, if there is one."""
        record = game_seen(self.world.chain, game_id)
        if record is None or not self.strategy.plays_on:
            return
        leaf_id = LeafId(game_id >> ids.PART_BITS)
        told = self.world.told[batch_of_claim(leaf_id), ids.task_of_game(record.game_id)]
        if record.stage is GameStage.STEP_DUE:
            made = step_of(self.world.chain, game_id, self.world.truth)
        else:
            made = pick_of(self.world.chain, game_id, self._part(told, record.low, record.high, record.arity))
        self.world.clock.at(self._second(record.last_second), lambda: self._send(made))

    def _second(self, last_second: int) -> int:
        """When it moves: with the next block, or when a part of its clock is over."""
        first = self.landing()
        return max(first, first + (last_second - first) // DRAGGED_MOVES) if self.strategy.drags else first

    def _part(self, told: Run, low: int, high: int, arity: int) -> int:
        """Where the lie begins; of a true claim, another part than the others' as long as there are some."""
        if not told.is_true:
            return _part_of(told, low, high, arity)
        return self.number % min(arity, high - low)

    def read(self, send: Send) -> None:
        """See a call of somebody else before it is in a block, and be there first with the same."""
        call = send.call
        if isinstance(call, calls.OpenGame):
            batch_id = ids.batch_of_claim(call.claim_id)
            leaf_id = self.world.chain.leaf_of(batch_id, ids.task_of_claim(call.claim_id))
            self.open(leaf_id, Bytes32(bytes(32)))
        elif isinstance(call, calls.SubmitPick | calls.SubmitStep):
            own = self._beside(leaf_game_of(self.world.chain, call.game_id))
            if own is not None:
                self.world.clock.at(self.landing(), lambda: self._copy(own, call))

    def _beside(self, game_id: LeafGameId) -> LeafGameId | None:
        """Its own game on the same claim, at the same place."""
        kept = self.world.chain.games.games
        other = kept.get(game_id)
        if other is None:
            return None
        for own_id in self.world.games_on[LeafId(game_id >> ids.PART_BITS)]:
            own = kept.get(own_id)
            if (
                own is not None
                and own.challenger == self.name
                and (own.low, own.high) == (other.low, other.high)
            ):
                return own_id
        return None

    def _copy(self, own: LeafGameId, call: calls.SubmitPick | calls.SubmitStep) -> None:
        is_pick = isinstance(call, calls.SubmitPick)
        chain = self.world.chain
        self._send(pick_of(chain, own, call.part) if is_pick else step_of(chain, own, self.world.truth))

    def do(self, duty: Duty) -> None:
        """End what brings it coins, and show what it has committed to."""
        leaf_game = self._leaf_game(duty)
        if duty.action is Action.SHOW and leaf_game is not None:
            leaf_id = LeafId(leaf_game >> ids.PART_BITS)
            game = self.world.chain.games.games.get(leaf_game)
            if game is not None and self.stated[leaf_id] != bytes(32):
                show = disputes.Show(
                    game_id=leaf_game, game=game, state_hash=self.stated[leaf_id], salt=self._salt(leaf_id)
                )
                self.world.clock.at(self.landing(), lambda: self._send((show, 0, None)))
        else:
            self.act(sends((duty,)))

    def _leaf_game(self, duty: Duty) -> LeafGameId | None:
        if duty.claim_id is None or duty.game_id is None:
            return None
        batch_id = ids.batch_of_claim(duty.claim_id)
        leaf = self.world.chain.leaf_of(batch_id, ids.task_of_claim(duty.claim_id))
        return LeafGameId(leaf << ids.PART_BITS | duty.game_id & ids.PART_MASK)


def _part_of(told: Run, low: int, high: int, arity: int) -> int:
    """The part of an interval in which a story begins to lie; the first one of a true story."""
    parts = min(arity, high - low)
    starts = [low + (high - low) * part // parts for part in range(parts)]
    return max((part for part, start in enumerate(starts) if start <= told.lie_at), default=0)
