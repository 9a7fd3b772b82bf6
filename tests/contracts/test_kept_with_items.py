"""Kept with the real Items, Keepers and Challenges: keepers acknowledge, withhold and lose items (A3-A5)."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

import pytest
from eth_typing import Hash32

from tests.contracts.availability_chain import deploy_availability
from tests.contracts.compiled import deploy_compiled
from tests.contracts.evm import EvmContract, Receipt, rejects
from tests.contracts.keeping import KeptArena, MadeItem, input_part, program_part, rows
from tests.contracts.playing import (
    BOND_WEI,
    CLOCK,
    HONEST,
    LEAF_BOND_WEI,
    LIAR,
    MALICE,
    artifact_with_base_fee,
)
from tests.contracts.playing import RULES as JOB_RULES
from tests.contracts.runs import SUM, falsified_run, run
from tests.contracts.settings import DEPLOYER, FUNDS_WEI, KEEPER
from tests.contracts.settlement import leaf_for
from tests.protocol.availability.world import KEEPERS, KEYS, RULES
from truestep.availability.parts import Part
from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32
from truestep.protocol.availability.contracts.challenges import Challenge
from truestep.protocol.availability.contracts.items import ItemState, Record
from truestep.protocol.availability.ids import ChallengeKind, ItemId
from truestep.protocol.availability.kept import LEAST_FAIL_GAS
from truestep.protocol.availability.layout import item_digest, receipt_hash
from truestep.protocol.settlement.contracts.disputes import GameOutcome

LIE, TRUTH = falsified_run(SUM), run(SUM)
WINDOW_SECONDS = 30_000
SEATS = 3
HASH = Bytes32(b"\1" + b"v" * 31)


class ItemsArena(KeptArena):
    """Every keeper has shares, and acknowledges what it is drawn for."""

    def deploy_kept(self) -> EvmContract:
        """Kept over the real contracts."""
        self.contracts = deploy_availability(self.evm, RULES, DEPLOYER)
        for keeper in KEEPERS:
            self.evm.chain.set_balance(keeper, FUNDS_WEI)
            value = 5 * RULES.share_wei
            self.contracts["Keepers"].transact("enrol", 5, "https://k", sender=keeper, value=value)
        names = ("Keepers", "Items", "Challenges")
        links = [self.contracts[name].address for name in names]
        artifact = artifact_with_base_fee("Kept", 1)
        return deploy_compiled(self.evm, artifact, self.assurances.address, *links, sender=DEPLOYER)

    def register(self, *parts: Part) -> MadeItem:
        """Register an item of one blob and draw its keepers."""
        until = self.now + 200 * 86_400
        arguments = (rows(parts), [HASH], SEATS, until, 0, "https://r")
        items = self.contracts["Items"]
        receipt = items.transact("register", *arguments, sender=KEEPER, value=RULES.registrant_bond_wei)
        (event,) = [event for event in receipt.events if event.name == "Registered"]
        values = dict(zip(Record.__dataclass_fields__, event.fields["record"], strict=True))
        made = MadeItem(item_id=ItemId(receipt.result), record=Record(**values), parts=parts)
        self.pass_time(12)
        items.transact("assign", made.item_id, astuple(made.record))
        return made

    def acknowledge(self, item: MadeItem, seats: int = SEATS) -> None:
        """The keepers of the first seats sign."""
        items, signatures = self.contracts["Items"], []
        digest = item_digest(1, Address(items.address), item.item_id, item.record)
        for seat in range(seats):
            number, drawn_at, *_ = items.call("seat", item.item_id, seat)
            account = self.contracts["Keepers"].call("get", number)[0]
            receipt = receipt_hash(1, Address(items.address), digest, seat, drawn_at)
            key = next(key for address, key in KEYS.items() if address.lower() == account.lower())
            signatures.append(bytes(key.unsafe_sign_hash(Hash32(receipt)).signature))
        indices = list(range(seats))
        items.transact("acknowledge", item.item_id, astuple(item.record), indices, signatures)

    def kept_item(self, *parts: Part) -> MadeItem:
        """An item that keepers have taken."""
        item = self.register(*parts)
        self.acknowledge(item)
        return item

    def ask(self, item: MadeItem, seat: int, sender: str = HONEST) -> Receipt:
        """Ask a keeper to publish the blob."""
        arguments = (item.item_id, astuple(item.record), seat, ChallengeKind.BLOB, 0, 0)
        value = 2 * RULES.blob_bond_wei
        challenges = self.contracts["Challenges"]
        return challenges.transact("open_challenge", *arguments, sender=sender, value=value)

    def lose(self, item: MadeItem) -> None:
        """All keepers of an item withhold it, and are slashed."""
        asked = [self.ask(item, seat) for seat in range(SEATS)]
        self.pass_time(RULES.answer_seconds + 1)
        for receipt in asked:
            (event,) = [event for event in receipt.events if event.name == "Challenged"]
            challenge = Challenge(
                **dict(zip(Challenge.__dataclass_fields__, event.fields["challenge"], strict=True))
            )
            arguments = (event.fields["challenge_id"], astuple(challenge), astuple(item.record))
            self.contracts["Challenges"].transact("settle", *arguments)

    def close(self, item: MadeItem) -> None:
        """Anybody ends an item that is lost, or over."""
        self.contracts["Items"].transact("close_item", item.item_id, astuple(item.record))

    def state(self, item: MadeItem) -> ItemState:
        """How an item stands."""
        return ItemState(self.contracts["Items"].call("standing", item.item_id)[0])

    def supplied(self, **order: Any) -> tuple[Any, MadeItem]:
        """A job whose program and input are kept."""
        job = self.post_runs(policy=2, **order)
        item = self.kept_item(program_part(job), input_part(job))
        self.supply(job, item)
        return job, item


@pytest.fixture
def arena() -> ItemsArena:
    return ItemsArena()


def test_a_job_and_its_outputs_are_kept_to_the_end(arena: ItemsArena) -> None:
    job = arena.post_runs(policy=2)
    item = arena.register(program_part(job), input_part(job))
    with rejects(Reject.DATA_NOT_KEPT):
        arena.supply(job, item)
    arena.acknowledge(item, 2)
    arena.supply(job, item)
    batch = arena.take((job, 0, 1), operator=LIAR)
    arena.claim(batch, [leaf_for(1)], sender=LIAR)
    part = Part(root=batch.leaves[0].output_root, depth=24, first_leaf=0, leaf_count=1)
    outputs = arena.register(part)
    arena.deliver(batch, outputs, LIAR)
    arena.pass_time(RULES.acknowledge_seconds + 1)
    arena.contracts["Items"].transact("assign", outputs.item_id, astuple(outputs.record))
    arena.acknowledge(outputs)
    arena.pass_time(WINDOW_SECONDS)
    arena.finalize(batch)
    assert arena.credit(LIAR) == job.reward


def test_a_lost_input_is_as_lost_when_somebody_has_closed_it(arena: ItemsArena) -> None:
    job, item = arena.supplied()
    batch = arena.claim_runs(TRUTH, job=job)
    stake_wei, locked_wei = arena.stake(LIAR)
    arena.lose(item)
    assert arena.state(item) is ItemState.LOST
    arena.close(item)
    assert arena.state(item) is ItemState.CLOSED
    arena.fail(batch)
    assert arena.stake(LIAR) == (stake_wei, locked_wei - LEAF_BOND_WEI)


def test_a_lie_is_not_saved_by_closing_the_input_that_it_has_lost(arena: ItemsArena) -> None:
    """A friend's game keeps the leaf from failing until the window is over; then the item is closed."""
    job, item = arena.supplied()
    batch = arena.claim_runs(LIE, job=job)
    part = Part(root=batch.leaves[0].output_root, depth=24, first_leaf=0, leaf_count=1)
    arena.deliver(batch, arena.kept_item(part), LIAR)
    arena.pass_time(WINDOW_SECONDS - RULES.answer_seconds - CLOCK - 12)
    play = arena.open(batch, LIE, TRUTH, MALICE)
    arena.lose(item)
    play.split()
    arena.fail(batch)
    with rejects(Reject.LEAF_HELD):
        arena.fail(batch)
    arena.pass_time(CLOCK + 1)
    arena.close(item)
    assert play.settle() is GameOutcome.DEFENDER_WON
    arena.fail(batch)
    assert arena.stake(LIAR)[1] == 0


def test_who_claims_on_a_lost_input_pays_though_it_is_closed_after_the_claim(arena: ItemsArena) -> None:
    price_wei = JOB_RULES.gas_price_cap_wei
    arena.set_base_fee(price_wei)
    job, item = arena.supplied()
    batch = arena.take((job, 0, 1), operator=LIAR)
    arena.lose(item)
    arena.pass_time(1)
    arena.claim(batch, sender=LIAR)
    arena.pass_time(1)
    arena.close(item)
    arena.fail(batch)
    assert arena.owed_by_kept(KEEPER) == LEAST_FAIL_GAS * price_wei


def test_whoever_asks_for_a_blob_has_time_to_dispute(arena: ItemsArena) -> None:
    job, item = arena.supplied()
    batch = arena.claim_runs(LIE, job=job)
    arena.pass_time(WINDOW_SECONDS)
    (event,) = [event for event in arena.ask(item, 0).events if event.name == "Challenged"]
    held = arena.hold(batch, event.fields["challenge_id"], BOND_WEI, sender=HONEST)
    arena.pass_time(RULES.answer_seconds)
    arena.open(batch, LIE, TRUTH).strike()
    arena.settle_hold(held)
    assert arena.owed_by_kept(HONEST) == BOND_WEI


def test_outputs_that_no_keeper_takes_are_not_delivered(arena: ItemsArena) -> None:
    job, _ = arena.supplied()
    batch = arena.take((job, 0, 1), operator=LIAR)
    arena.claim(batch, [leaf_for(1)], sender=LIAR)
    part = Part(root=batch.leaves[0].output_root, depth=24, first_leaf=0, leaf_count=1)
    arena.deliver(batch, arena.register(part), LIAR)
    arena.pass_time(WINDOW_SECONDS + RULES.acknowledge_seconds + 1)
    with rejects(Reject.BATCH_NOT_DUE):
        arena.finalize(batch)
    arena.fail(batch)
    assert arena.owed_by_kept(LIAR) == LEAF_BOND_WEI * 9 // 10
