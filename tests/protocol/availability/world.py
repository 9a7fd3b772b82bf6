"""Availability with its surroundings: who there is, what everybody owns, and what must hold."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import Hash32

from tests.protocol.availability.contents import Content, opens, true_content
from truestep.availability.parts import parts_hash
from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32
from truestep.commitments.keccak import keccak256
from truestep.protocol.availability.apply import apply
from truestep.protocol.availability.contracts.items import ItemState, Registered
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.availability.facts import OVER
from truestep.protocol.availability.ids import ItemId
from truestep.protocol.availability.state import Availability, Chain, Deployment, Effect
from truestep.protocol.settlement.effects import Transfer
from truestep.protocol.settlement.ids import NOBODY
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.refusals import Refused

START_TIME = 1_700_000_000
KEYS: dict[Address, LocalAccount] = {}


def _keyed(number: int) -> Address:
    """An address whose key is known."""
    account: LocalAccount = Account.from_key(number.to_bytes(32, "big"))
    KEYS[Address(account.address)] = account
    return Address(account.address)


KEEPERS = tuple(_keyed(number) for number in range(1, 7))
SIGNERS = tuple(_keyed(number) for number in range(11, 13))
REGISTRANTS = tuple(Address("0x" + digits * 20) for digits in ("11", "12"))
CHALLENGERS = tuple(Address("0x" + digits * 20) for digits in ("21", "22"))
PEOPLE = (*KEEPERS, *REGISTRANTS, *CHALLENGERS)
REFUSER = Address("0x" + "81" * 20)

RULES = Rules(
    share_wei=10**14 + 1,
    registrant_bond_wei=10**13 + 1,
    element_bond_wei=10**12,
    blob_bond_wei=2 * 10**12,
    tree_bond_wei=10**12 + 3,
    gas_price_cap_wei=10**6,
    blob_gas_price_cap_wei=10**5,
    answer_seconds=60,
    acknowledge_seconds=61,
    winner_share_bps=3_333,
)
DEPLOYMENT = Deployment(
    chain_id=1,
    **{
        name: Address("0x" + digits * 20)
        for name, digits in zip(
            ("keepers", "items", "challenges", "bindings"), ("91", "92", "93", "94"), strict=True
        )
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A call, in a transaction with these blobs."""

    message: Message
    blob_hashes: tuple[Bytes32, ...] = ()

    @property
    def prevrandao(self) -> Bytes32:
        """Of its block."""
        return keccak256(self.message.now.to_bytes(8, "big"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a step."""

    refusal: Reject | None = None
    effects: tuple[Effect, ...] = ()


@dataclass(slots=True)
class World:
    """The state, and what the test knows of it by its effects alone."""

    state: Availability = field(default_factory=lambda: Availability(deployment=DEPLOYMENT, rules=RULES))
    refuser: Address = REFUSER
    balances: Counter[Address] = field(default_factory=Counter)
    """Since the beginning; strangers may go below zero."""
    contents: dict[ItemId, Content] = field(default_factory=dict)
    known: dict[Bytes32, Content] = field(default_factory=dict)
    """What may be registered, by the hash of its parts."""
    signatures: dict[tuple[Bytes32, bytes], Address] = field(default_factory=dict)

    def play(self, step: Step) -> Outcome:
        """Apply a step; a refused one changes nothing."""
        chain = Chain(
            prevrandao=step.prevrandao,
            blob_hashes=step.blob_hashes,
            opens=opens,
            signed_by=lambda hash_, signature: self.signatures.get((hash_, signature), NOBODY),
        )
        try:
            self.state, effects = apply(self.state, step.message, chain)
        except Refused as refused:
            return Outcome(refusal=refused.reason)
        for effect in effects:
            if isinstance(effect, Transfer):
                self.balances[effect.sender] -= effect.amount
                self.balances[effect.receiver] += effect.amount
            elif isinstance(effect, Registered):
                self.contents[effect.item_id] = self.known.get(effect.parts_hash, true_content())
        return Outcome(effects=effects)

    def sign(self, signer: Address, receipt: Bytes32) -> bytes:
        """A signature, or junk if the key is nobody's."""
        if signer not in KEYS:
            return b"?" * 65
        signature = bytes(KEYS[signer].unsafe_sign_hash(Hash32(receipt)).signature)
        self.signatures[receipt, signature] = signer
        return signature

    def learn(self, content: Content) -> Content:
        """Remember a content by the hash of its parts."""
        self.known[parts_hash(content.parts)] = content
        return content

    # --- what must hold after each step -----------------------------------------------------------

    def check_money(self) -> None:
        """Each contract holds just what it owes and what was burned there."""
        state, owed = self.state, Counter(self.state.burned_wei)
        for (contract, _), amount_wei in state.credits.items():
            assert amount_wei >= 0
            owed[contract] += amount_wei
        deployment = state.deployment
        owed[deployment.keepers] += (
            sum(each.shares for each in state.keepers.values()) * state.rules.share_wei
        )
        unsettled = [item for item in state.items.values() if item.state not in (ItemState.STRUCK, *OVER)]
        owed[deployment.items] += sum(item.record.bond_wei + item.unpaid_wei for item in unsettled)
        owed[deployment.challenges] += sum(each.bond_wei for each in state.challenges.values())
        owed[deployment.bindings] += sum(each.left_wei for each in state.demands.values())
        for contract in (deployment.keepers, deployment.items, deployment.challenges, deployment.bindings):
            assert self.balances[contract] == owed[contract]

    def check_all(self) -> None:
        """What follows from the whole state: locks, lists, counts and states."""
        self.check_money()
        state = self.state
        locked: Counter[int] = Counter()
        for item_id, item in state.items.items():
            assert item.unpaid_wei >= 0
            counted = sum(each >> 128 == item_id for each in state.challenges)
            assert state.challenge_counts.get(item_id, 0) == counted
            demanded = sum(each >> 176 == item_id for each in state.demands)
            assert state.demand_counts.get(item_id, 0) == demanded
            if item.is_open:
                locked.update(item.seats[index].keeper for index in item.acknowledged)
                is_kept = item.has_majority or item.record.seat_count == 0
                assert (item.state is ItemState.KEPT) == is_kept
            if item.record.blob_count == 0:
                assert item.state is ItemState.KEPT and not state.is_contested(item_id)
            if item.state is ItemState.LOST:
                assert not item.acknowledged
            if item.state in OVER:
                assert not state.is_contested(item_id)
            held = [seat.keeper for seat in item.seats if seat.keeper]
            assert len(set(held)) == len(held)
        for number, keeper in state.keepers.items():
            assert 0 <= keeper.locked <= keeper.shares
            assert keeper.locked == locked[number]
            assert keeper.listed == state.entries.count(number)
