"""Whole disputes of version 2 for `gas.py`: over invented runs, to a real step (S6, S7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass, field
from typing import Any

from _gas_floats import FloatLie
from _synthetic import Liar, invented, step_kinds
from web3.contract import Contract
from web3.logs import DISCARD

from truestep.machine.witness import verify_step
from truestep.protocol.bisection import Interval, part_siblings
from truestep.protocol.settlement.contracts.disputes import Game
from truestep.protocol.settlement.records import BatchTerms, LeafProof
from truestep.protocol.state_numbers import micro_number

CHALLENGER = 2
COMMITMENT = invented("commitment")
ARITY = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenged:
    """A leaf of a claimed batch, and what proves it."""

    claim_id: int
    terms: BatchTerms
    proof: LeafProof

    @property
    def cycles(self) -> int:
        """The state number that is claimed."""
        return self.proof.leaf.cycle


@dataclass(slots=True, kw_only=True)
class Dispute:
    """One game, played to the end; `gas` by kind of move."""

    network: Any
    disputes: Contract
    operator: int
    bond_wei: int
    game_id: int = 0
    game: Game = field(init=False)
    gas: dict[str, list[int]] = field(default_factory=dict[str, list[int]])

    def open(self, challenged: Challenged) -> None:
        """Challenge the leaf."""
        arguments = (challenged.claim_id, astuple(challenged.terms), astuple(challenged.proof), COMMITMENT)
        self._send("open", CHALLENGER, *arguments, value_wei=self.bond_wei)

    def bisect(self, liar: Liar) -> None:
        """Split and pick until the one step is left in which the operator begins to lie."""
        while self.game.high - self.game.low > 1:
            game = self.game
            interval = Interval(low=game.low, high=game.high)
            boundaries = interval.boundaries(ARITY)
            hashes = [game.low_hash, *map(liar.hash_at, boundaries[1:-1]), game.high_hash]
            node = (self.game_id >> 32, game.defender, ARITY, game.low, game.high)
            self._send("split", self.operator, *node, game.low_hash, game.high_hash, hashes[1:-1])
            part = liar.part_with_lie(boundaries)
            siblings = part_siblings(hashes, ARITY, part)
            self._move("pick", CHALLENGER, part, hashes[part], hashes[part + 1], siblings)

    def play(self, challenged: Challenged, witness: bytes) -> dict[str, list[int]]:
        """A whole dispute that ends in `witness`."""
        self.open(challenged)
        self.bisect(Liar(at=challenged.cycles * 5 // 7, before=verify_step(witness)[0]))
        self._move("step", CHALLENGER, witness)
        return self.gas

    def play_float(self, challenged: Challenged, lie: FloatLie) -> dict[str, list[int]]:
        """A whole dispute over a float instruction, which ends in a step of its micro-run."""
        self.open(challenged)
        liar = lie.liar(challenged.cycles * 5 // 7)
        self.bisect(liar)
        self._move("descend", CHALLENGER, lie.witness)
        assert self.game.low == micro_number(liar.at, 0)
        self._move("reveal", self.operator, lie.after.pack(), lie.micro_cycles, invented("memory"))
        self.bisect(lie.micro_liar(liar.at))
        self._move("step", CHALLENGER, lie.micro_witness)
        return self.gas

    def _move(self, name: str, sender: int, *arguments: Any) -> None:
        self._send(name, sender, self.game_id, astuple(self.game), *arguments)

    def _send(self, name: str, sender: int, *arguments: Any, value_wei: int = 0) -> None:
        receipt = self.network.receipt(self.disputes.functions[name](*arguments), sender, value_wei)
        self.gas.setdefault(name, []).append(receipt["gasUsed"])
        for game_id, values in self._games(receipt):
            self.game_id, self.game = game_id, Game(**values)

    def _games(self, receipt: Any) -> Iterator[tuple[int, Any]]:
        for event in (self.disputes.events.Opened, self.disputes.events.Moved):
            for log in event().process_receipt(receipt, errors=DISCARD):
                yield log["args"]["game_id"], dict(log["args"]["game"])


def witness_of_dearest_step() -> bytes:
    """Of the kinds of step, as docs/gas.md has it."""
    return step_kinds()["misaligned load over two leaves"]
