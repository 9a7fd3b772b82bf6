"""Whole disputes on anvil: over invented runs, to a real step and to the winner's reward (S6, S7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass, field
from typing import Any

from _gas_floats import FloatLie
from _gas_network import CHALLENGER, OPERATOR, OTHER, Network, TakenBatch, leaf
from _synthetic import Liar, invented
from web3.logs import DISCARD

from truestep.base.ids import Bytes32
from truestep.machine.witness import verify_step
from truestep.protocol.bisection import Interval, part_siblings
from truestep.protocol.settlement.claims import state_hash
from truestep.protocol.settlement.contracts.disputes import Game
from truestep.protocol.settlement.disputes import commitment_of
from truestep.protocol.settlement.ids import Item, unpack_item
from truestep.protocol.state_numbers import micro_number

TRUE_LEAF = leaf(1_000)
"""What the task turns out to end in."""
SALT = invented("salt")


@dataclass(slots=True, kw_only=True)
class Dispute:
    """One game, played to the end; `gas` by kind of move."""

    network: Network
    batch: TakenBatch
    leaf_index: int = 0
    challenger: int = CHALLENGER
    game_id: int = 0
    game: Game = field(init=False)
    gas: dict[str, list[int]] = field(default_factory=dict[str, list[int]])

    @property
    def claim_id(self) -> int:
        """The claim that is challenged."""
        return self.batch.claim_id(self.leaf_index)

    @property
    def total(self) -> int:
        """The gas of all moves."""
        return sum(map(sum, self.gas.values()))

    @property
    def moves(self) -> int:
        """How many moves were made."""
        return sum(map(len, self.gas.values()))

    @property
    def last_hash(self) -> Bytes32:
        """The hash of the state in which the task turns out to end."""
        item = unpack_item(self.batch.items[self._item_index()])
        work, _ = self.network.posted[item.job_id]
        return state_hash(item.task(self.leaf_index), work, TRUE_LEAF)

    def open(self) -> None:
        """Challenge the leaf, with a commitment to what is true."""
        commitment = commitment_of(self.network.account(self.challenger), self.last_hash, SALT)
        proof = self.network.proof(self.batch, self.leaf_index)
        arguments = (self.claim_id, astuple(self.batch.terms), astuple(proof), commitment)
        self._send("open", self.challenger, *arguments, value_wei=self.network.rules.challenger_bond_wei)

    def split(self, hashes: list[bytes]) -> None:
        """The operator's move, with the hashes between the parts."""
        game = self.game
        node = (self.claim_id, game.defender, self.network.rules.arity, game.low, game.high)
        self._send("split", OPERATOR, *node, game.low_hash, game.high_hash, hashes)

    def bisect(self, liar: Liar) -> None:
        """Split and pick until the one step is left in which the operator begins to lie."""
        arity = self.network.rules.arity
        while self.game.high - self.game.low > 1:
            interval = Interval(low=self.game.low, high=self.game.high)
            boundaries = interval.boundaries(arity)
            inner = map(liar.hash_at, boundaries[1:-1])
            hashes = [self.game.low_hash, *inner, self.game.high_hash]
            self.split([*hashes[1:-1]])
            part = liar.part_with_lie(boundaries)
            siblings = part_siblings(hashes, arity, part)
            self.move("pick", self.challenger, part, hashes[part], hashes[part + 1], siblings)

    def play(self, witness: bytes) -> Dispute:
        """A whole dispute that ends in `witness`."""
        self.open()
        self.finish(witness)
        return self

    def finish(self, witness: bytes) -> None:
        """From the first split to the step."""
        self.bisect(Liar(at=self.game.high * 5 // 7, before=verify_step(witness)[0]))
        self.move("step", self.challenger, witness)

    def play_float(self, lie: FloatLie) -> Dispute:
        """A whole dispute over a float instruction, which ends in a step of its micro-run."""
        self.open()
        liar = lie.liar(self.game.high * 5 // 7)
        self.bisect(liar)
        self.move("descend", self.challenger, lie.witness)
        if self.game.low != micro_number(liar.at, 0):
            raise RuntimeError(f"expected a micro-run of step {liar.at}, got {self.game.low}")
        self.move("reveal", OPERATOR, lie.after.pack(), lie.micro_cycles, invented("memory"))
        self.bisect(lie.micro_liar(liar.at))
        self.move("step", self.challenger, lie.micro_witness)
        return self

    def show(self) -> int:
        """Show the commitment after the claim has fallen; the gas of it."""
        self.move("show", self.challenger, self.last_hash, SALT)
        return self.gas["show"][0]

    def result(self) -> TakenBatch:
        """Let the task of a struck claim be taken again, and end as is true."""
        item = unpack_item(self.batch.items[self._item_index()])
        shard = item.first_shard + self.leaf_index - item.offset
        again = Item(job_id=item.job_id, first_shard=shard, count=1, offset=0)
        batch, _ = self.network.take([again.pack()])
        batch, _ = self.network.claim(batch, [TRUE_LEAF])
        self.network.finalize(batch)
        return batch

    def reward(self, result: TakenBatch) -> None:
        """Give the challenger its part of the pot, and let it withdraw."""
        proof = astuple(self.network.proof(result))
        self.move("reward", OTHER, result.claim_id(0), astuple(result.terms), proof)
        withdrawal = (self.network.account(self.challenger),)
        self._send("withdraw_to", self.challenger, *withdrawal)

    def move(self, name: str, sender: int, *arguments: Any, value_wei: int = 0) -> None:
        """A call on the game, which gives its record."""
        self._send(name, sender, self.game_id, astuple(self.game), *arguments, value_wei=value_wei)

    def _item_index(self) -> int:
        return next(n for n, i in enumerate(self.batch.items) if unpack_item(i).has_leaf(self.leaf_index))

    def _send(self, name: str, sender: int, *arguments: Any, value_wei: int = 0) -> None:
        receipt = self.network.receipt(self.network.disputes.functions[name](*arguments), sender, value_wei)
        self.gas.setdefault(name, []).append(receipt["gasUsed"])
        for game_id, values in self._games(receipt):
            self.game_id, self.game = game_id, Game(**values)

    def _games(self, receipt: Any) -> Iterator[tuple[int, Any]]:
        events = self.network.disputes.events
        for event in (events.Opened, events.Moved, events.Adopted, events.Shown):
            for log in event().process_receipt(receipt, errors=DISCARD):
                yield log["args"]["game_id"], dict(log["args"]["game"])
