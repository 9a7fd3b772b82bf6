"""Availability in the contracts and in the model at once: each call must end alike in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.contracts.availability_chain import AvailabilityChain, deploy_chain
from tests.protocol.availability.contents import Content
from tests.protocol.availability.world import CHALLENGERS, KEEPERS, REGISTRANTS, START_TIME, Step, World
from truestep.adapters.chain.record_codec import checksummed
from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32
from truestep.protocol.availability.contracts import bindings, challenges, items, keepers
from truestep.protocol.availability.contracts.bindings import Demand
from truestep.protocol.availability.contracts.challenges import Challenge
from truestep.protocol.availability.contracts.items import Record
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.availability.ids import ChallengeId, ChallengeKind, DemandId, ItemId
from truestep.protocol.availability.layout import item_digest, receipt_hash
from truestep.protocol.availability.state import Availability, Effect, Item
from truestep.protocol.settlement.messages import Message

REGISTRANT, CHALLENGER = REGISTRANTS[0], CHALLENGERS[0]
DAY_SECONDS = 86_400
FEE_WEI = 10**9


@dataclass(slots=True)
class Shelf:
    """Four keepers, the first of whom has most shares."""

    chain: AvailabilityChain = field(default_factory=deploy_chain)
    world: World = field(init=False)
    now: int = START_TIME

    def __post_init__(self) -> None:
        state = Availability(deployment=self.chain.deployment, rules=self.chain.rules)
        self.world = World(state=state, refuser=checksummed(self.chain.refuser.address))
        for keeper in KEEPERS[:4]:
            self.enrol(keeper, 4)

    @property
    def state(self) -> Availability:
        """What the contracts keep."""
        return self.world.state

    @property
    def rules(self) -> Rules:
        """The parameters."""
        return self.state.rules

    def item(self, item_id: ItemId) -> Item:
        """An item."""
        return self.state.items[item_id]

    def send(
        self, sender: Address, call: object, value_wei: int = 0, blob_hashes: Sequence[Bytes32] = ()
    ) -> tuple[Effect, ...]:
        """A call that is accepted: its effects."""
        outcome = self._play(sender, call, value_wei, blob_hashes)
        assert outcome.refusal is None, outcome.refusal
        self.world.check_all()
        self.chain.check_owed(self.state)
        return outcome.effects

    def refused(
        self,
        reason: Reject,
        sender: Address,
        call: object,
        value_wei: int = 0,
        blob_hashes: Sequence[Bytes32] = (),
    ) -> None:
        """A call that is refused for this reason."""
        assert self._play(sender, call, value_wei, blob_hashes).refusal == reason

    def try_(
        self, sender: Address, call: object, value_wei: int = 0, blob_hashes: Sequence[Bytes32] = ()
    ) -> Reject | None:
        """A call that may be refused: for which reason."""
        refusal: Reject | None = self._play(sender, call, value_wei, blob_hashes).refusal
        return refusal

    def _play(self, sender: Address, call: object, value_wei: int, blob_hashes: Sequence[Bytes32]) -> Any:
        message = Message(sender=sender, now=self.now, call=call, value_wei=value_wei)
        step = Step(message=message, blob_hashes=tuple(blob_hashes))
        outcome = self.world.play(step)
        self.chain.check(step, outcome, self.world)
        return outcome

    def pass_time(self, seconds: int = 1) -> None:
        """Go to a later block."""
        self.now += seconds

    def owed_wei(self, account: Address) -> int:
        """What all contracts owe an account."""
        return sum(wei for (_, owner), wei in self.state.credits.items() if owner == account)

    def stake_wei(self, account: Address) -> int:
        """The coins of a keeper's shares."""
        number = self.state.numbers.get(account)
        return 0 if number is None else self.state.keepers[number].shares * self.rules.share_wei

    def wealth_wei(self, *accounts: Address) -> int:
        """What the accounts have, are owed and have staked, since the beginning."""
        return sum(self.world.balances[a] + self.owed_wei(a) + self.stake_wei(a) for a in accounts)

    # --- the life of an item ----------------------------------------------------------------------

    def enrol(self, account: Address, shares: int) -> None:
        """Become a keeper or buy shares."""
        self.send(account, keepers.Enrol(shares=shares, url="url"), shares * self.rules.share_wei)

    def registration(self, content: Content, seat_count: int = 3, days: int = 30) -> items.Register:
        """The call that registers an item."""
        self.world.learn(content)
        return items.Register(
            parts=content.parts,
            nodes=content.nodes,
            seat_count=seat_count,
            until=self.now + days * DAY_SECONDS,
            fee_wei=FEE_WEI,
            url="url",
        )

    def register(
        self, content: Content, seat_count: int = 3, days: int = 30, registrant: Address = REGISTRANT
    ) -> ItemId:
        """A registered item."""
        value_wei = self.rules.registrant_bond_wei + seat_count * FEE_WEI
        self.send(registrant, self.registration(content, seat_count, days), value_wei)
        return ItemId(len(self.state.items))

    def record(self, item_id: ItemId) -> Record:
        """An item's record."""
        return self.item(item_id).record

    def assign(self, item_id: ItemId) -> None:
        """Draw keepers for all vacant seats, a block later."""
        self.pass_time()
        self.send(REGISTRANT, items.Assign(item_id=item_id, record=self.record(item_id)))

    def receipt(self, item_id: ItemId, index: int, **changes: int | Address) -> bytes:
        """The receipt of a seat's keeper, or one for another chain, contract, seat or draw."""
        item, deployment = self.item(item_id), self.state.deployment
        seat = item.seats[index]
        chain_id: Any = changes.get("chain_id", deployment.chain_id)
        contract: Any = changes.get("contract", deployment.items)
        digest = item_digest(chain_id, contract, item_id, item.record)
        named: Any = (changes.get("seat", index), changes.get("drawn_at", seat.drawn_at))
        receipt = receipt_hash(chain_id, contract, digest, *named)
        return self.world.sign(self.state.keepers[seat.keeper].signer, receipt)

    def acknowledgement(self, item_id: ItemId, *indices: int, **changes: Any) -> items.Acknowledge:
        """The call that hands in receipts."""
        signatures = tuple(self.receipt(item_id, index, **changes) for index in indices)
        return items.Acknowledge(
            item_id=item_id, record=self.record(item_id), indices=indices, signatures=signatures
        )

    def kept(self, content: Content, seat_count: int = 3, days: int = 30) -> ItemId:
        """An item that all its seats have acknowledged."""
        item_id = self.register(content, seat_count, days)
        self.assign(item_id)
        self.send(REGISTRANT, self.acknowledgement(item_id, *range(seat_count)))
        self.pass_time()
        return item_id

    def keeper_of(self, item_id: ItemId, index: int) -> Address:
        """The account of a seat's keeper."""
        return self.state.keepers[self.item(item_id).seats[index].keeper].account

    # --- challenges -------------------------------------------------------------------------------

    def question(
        self, item_id: ItemId, seat: int, kind: ChallengeKind, element: int = 0, blob: int = 0
    ) -> challenges.OpenChallenge:
        """The call that asks a keeper."""
        record = self.record(item_id)
        return challenges.OpenChallenge(
            item_id=item_id, record=record, seat=seat, kind=kind, blob=blob, element=element
        )

    def ask(
        self,
        item_id: ItemId,
        seat: int = 0,
        kind: ChallengeKind = ChallengeKind.ELEMENT,
        element: int = 0,
        challenger: Address = CHALLENGER,
    ) -> tuple[ChallengeId, Challenge]:
        """An open challenge, with more coins than it can need."""
        call = self.question(item_id, seat, kind, element)
        effects = self.send(challenger, call, 64 * self.rules.blob_bond_wei)
        opened = next(effect for effect in effects if isinstance(effect, challenges.Challenged))
        return opened.challenge_id, opened.challenge

    def answer(
        self, content: Content, asked: tuple[ChallengeId, Challenge], element: int = 0
    ) -> challenges.AnswerElement:
        """The right answer about an element of the first blob."""
        y, proof = content.opening(0, element)
        return challenges.AnswerElement(
            challenge_id=asked[0],
            challenge=asked[1],
            y=y,
            commitment=content.commitments[0],
            proof=proof,
            path=content.path(0),
        )

    def settlement(self, item_id: ItemId, asked: tuple[ChallengeId, Challenge]) -> challenges.Settle:
        """The call that ends a challenge without an answer."""
        return challenges.Settle(challenge_id=asked[0], challenge=asked[1], record=self.record(item_id))

    def let_down(self, item_id: ItemId, seat: int) -> None:
        """A keeper that does not answer is slashed."""
        asked = self.ask(item_id, seat)
        self.pass_time(self.rules.answer_seconds + 1)
        self.send(CHALLENGER, self.settlement(item_id, asked))

    # --- bindings ---------------------------------------------------------------------------------

    def mismatch(
        self, item_id: ItemId, content: Content, leaf_index: int, part_index: int = 0
    ) -> bindings.StrikeMismatch:
        """The call that shows a leaf and the elements that it should lie in."""
        tree = content.pieces[part_index].tree
        return bindings.StrikeMismatch(
            item_id=item_id,
            record=self.record(item_id),
            parts=content.parts,
            part_index=part_index,
            leaf_index=leaf_index,
            leaf=tree.node(0, leaf_index),
            path=tree.path(0, leaf_index, tree.depth),
            opening=content.leaf_opening(part_index, leaf_index),
        )

    def demand(
        self,
        item_id: ItemId,
        content: Content,
        seat: int = 0,
        challenger: Address = CHALLENGER,
        value_wei: int | None = None,
    ) -> DemandId:
        """An open demand for the first part's tree."""
        call = bindings.OpenDemand(
            item_id=item_id,
            record=self.record(item_id),
            parts=content.parts,
            part_index=0,
            seat=seat,
        )
        effects = self.send(challenger, call, value_wei or self.rules.tree_bond_wei)
        return next(effect.demand_id for effect in effects if isinstance(effect, bindings.Demanded))

    def demanded(self, demand_id: DemandId) -> Demand:
        """The demand as it is now."""
        return self.state.demands[demand_id]

    def gift(self, demand_id: DemandId, content: Content) -> bindings.Give:
        """The right answer to a demand."""
        demand = self.demanded(demand_id)
        nodes = content.pieces[0].tree.below(demand.level, demand.index)
        return bindings.Give(demand_id=demand_id, demand=demand, nodes=nodes)

    def choice(self, demand_id: DemandId, content: Content, leaf_index: int) -> bindings.Pick:
        """The pick that leads to a leaf."""
        demand, tree = self.demanded(demand_id), content.pieces[0].tree
        level = demand.level - 6
        index = leaf_index >> level
        return bindings.Pick(
            demand_id=demand_id,
            demand=demand,
            child=index & 63,
            node=tree.node(level, index),
            siblings=tree.path(level, index, 6),
        )

    def finding(
        self, item_id: ItemId, demand_id: DemandId, content: Content, leaf_index: int
    ) -> bindings.StrikeFound:
        """The call that shows a leaf which was given."""
        demand, tree = self.demanded(demand_id), content.pieces[0].tree
        return bindings.StrikeFound(
            demand_id=demand_id,
            demand=demand,
            record=self.record(item_id),
            parts=content.parts,
            part_index=0,
            child=leaf_index & (1 << demand.level) - 1,
            leaf=tree.node(0, leaf_index),
            siblings=tree.path(0, leaf_index, demand.level),
            opening=content.leaf_opening(0, leaf_index),
        )

    def descend(self, demand_id: DemandId, content: Content, leaf_index: int) -> None:
        """Answers and picks until the leaves are known."""
        while True:
            self.send(KEEPERS[0], self.gift(demand_id, content))
            if self.demanded(demand_id).level <= 6:
                return
            self.send(CHALLENGER, self.choice(demand_id, content, leaf_index))


def changed(call: Any, **fields: Any) -> Any:
    """The call with other fields."""
    return replace(call, **fields)
