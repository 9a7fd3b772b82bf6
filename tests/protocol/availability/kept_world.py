"""The life cycle under the policy Kept, with items and challenges that are as the test says."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import get_args

from tests.protocol.settlement.world import PARAMETERS, TWO_WINDOWS, Outcome, Step, World, account
from truestep.availability.parts import Part
from truestep.base.ids import Address, BatchId, Bytes32, JobId, job_of_task
from truestep.protocol.availability.contracts import kept as contract
from truestep.protocol.availability.contracts.items import ItemState, Record, Standing
from truestep.protocol.availability.ids import ChallengeId, DemandId, ItemId, demand_of, item_of_demand
from truestep.protocol.availability.kept import GONE, LEAST_FAIL_GAS, apply_kept
from truestep.protocol.availability.kept_policy import kept_policy
from truestep.protocol.availability.kept_state import Kept, Links
from truestep.protocol.settlement.assurances import POLICIES
from truestep.protocol.settlement.contracts import jobs
from truestep.protocol.settlement.ids import NATIVE, batch_of_claim, unpack_item
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.records import Batch
from truestep.protocol.settlement.refusals import Refused
from truestep.protocol.settlement.state import LifeCycle, Turn

KEPT_POLICY = TWO_WINDOWS
"""Its number: the usual schedules choose it now and then."""
KEPT = account("98")
ANSWER_SECONDS, ACKNOWLEDGE_SECONDS = 300, 900
BLOB_BOND_WEI = PARAMETERS.operator_bond_wei // 8
"""Four blobs are covered by the winner's half of the bond."""
NOTHING = Standing(
    state=ItemState.NONE,
    was_kept=False,
    is_contested=False,
    changed_at=0,
    published_at=0,
    record_hash=Bytes32(bytes(32)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PutItem:
    """Not a call: an item is like this now."""

    item_id: ItemId
    record: Record
    parts: tuple[Part, ...]
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class PutChallenge:
    """Not a call: a challenge is open now, or not."""

    challenge_id: ChallengeId
    is_open: bool


def demand_for(item_id: ItemId) -> DemandId:
    """The demand that is open while an item is contested."""
    return demand_of(item_id, 0, KEPT)


KeptStep = Step | PutItem | PutChallenge
BASE_FEE_WEI = 10**9


@dataclass(slots=True)
class KeptWorld(World):
    """Also what Kept keeps, and what it is told."""

    kept: Kept = field(default_factory=Kept)
    items: dict[ItemId, PutItem] = field(default_factory=dict)
    open_challenges: set[ChallengeId] = field(default_factory=set)
    address: Address = KEPT
    base_fee_wei: int = BASE_FEE_WEI

    def __post_init__(self) -> None:
        policy = kept_policy(lambda: self.kept, self._batch, self.links)
        policies = {**POLICIES, KEPT_POLICY: policy}
        deployment = replace(self.state.deployment, policies=policies)
        self.state = replace(self.state, deployment=deployment)

    def _batch(self, batch_id: BatchId) -> Batch | None:
        return self.state.batches.get(batch_id)

    @property
    def links(self) -> Links:
        """What Kept asks."""
        return Links(
            kept=self.address,
            answer_seconds=ANSWER_SECONDS,
            acknowledge_seconds=ACKNOWLEDGE_SECONDS,
            blob_bond_wei=BLOB_BOND_WEI,
            standing=self.standing,
            is_challenged=lambda challenge_id: challenge_id in self.open_challenges,
            is_demanded=self.is_demanded,
        )

    def standing(self, item_id: ItemId) -> Standing:
        """Items' answer."""
        item = self.items.get(item_id)
        return item.standing if item is not None else NOTHING

    def is_demanded(self, demand_id: DemandId) -> bool:
        """Bindings' answer: an item that is said to be contested is demanded."""
        item_id = item_of_demand(demand_id)
        item = self.items.get(item_id)
        return item is not None and item.standing.is_contested and demand_id == demand_for(item_id)

    def play(self, step: KeptStep) -> Outcome:
        """Apply a step; a refused one changes nothing."""
        match step:
            case PutItem():
                self.items[step.item_id] = step
            case PutChallenge(is_open=True):
                self.open_challenges.add(step.challenge_id)
            case PutChallenge():
                self.open_challenges.discard(step.challenge_id)
            case Message(call=call) if isinstance(call, get_args(contract.Call)):
                return self._play_kept(step)
            case _:
                return World.play(self, step)
        return Outcome()

    def _play_kept(self, message: Message) -> Outcome:
        before = self.state
        turn = Turn(state=before, message=message, held=self.open_games)
        try:
            self.kept, self.state, effects = apply_kept(self.kept, turn, self.links, self.base_fee_wei)
        except Refused as refused:
            return Outcome(refusal=refused.reason)
        for effect in effects:
            if isinstance(effect, contract.Delivered):
                self._note_delivered(effect, message.now)
            if isinstance(effect, contract.Failed):
                self._note_failed(before, effect)
            self.note(before, effect)
        return Outcome(effects=effects)

    # --- what is promised, said without the model -------------------------------------------------

    def note(self, before: LifeCycle, effect: object) -> None:
        """Nothing is taken without its data, and no result is final without its output."""
        World.note(self, before, effect)
        if isinstance(effect, jobs.Taken):
            for item in map(unpack_item, effect.items):
                self._note_taken(item.job_id)
        if isinstance(effect, jobs.Finalized):
            batch = before.batches[effect.batch_id]
            assert not self.kept.batch(effect.batch_id).doomed & ~batch.struck
            self._note_kept(effect.batch_id, batch, ~(effect.held | batch.struck))

    def _note_taken(self, job_id: JobId) -> None:
        job = self.state.jobs[job_id]
        if job.terms.policy == KEPT_POLICY:
            named = self.kept.supplied[job_id]
            held = {(part.root, part.depth) for item_id in named for part in self.items[item_id].parts}
            assert {(job.work.image_root, 26), (job.work.input_root, 24)} <= held

    def _note_delivered(self, delivered: contract.Delivered, now: int) -> None:
        """Outputs that neither keepers nor a contract check are there while anybody may check them."""
        item = self.items.get(delivered.item_id)
        is_unchecked = item is not None and item.record.seat_count == 0 and item.record.blob_count > 0
        check_until = now + ACKNOWLEDGE_SECONDS if is_unchecked else 0
        assert delivered.check_until == check_until
        assert item is None or item.record.until >= check_until

    def _note_kept(self, batch_id: BatchId, batch: Batch, mask: int) -> None:
        if batch.policy != KEPT_POLICY:
            return
        item = self.items.get(self.kept.batch(batch_id).item_id)
        held = {(part.root, part.depth) for part in item.parts} if item is not None else set()
        assert item is None or item.standing.state in (ItemState.KEPT, ItemState.ENDED)
        words = self.leaves[batch_id]
        for index in range(batch.leaf_count):
            head, root = int.from_bytes(words[3 * index], "big"), words[3 * index + 1]
            is_output = head >> 128 == 1 << 64 and 0 < head & 2**64 - 1 <= 2**29
            assert not mask >> index & 1 or not is_output or (root, 24) in held

    def _note_failed(self, before: LifeCycle, failed: contract.Failed) -> None:
        """An operator whose outputs were kept once loses no bond, unless its item was struck."""
        batch_id = batch_of_claim(failed.claim_id)
        item = self.items.get(self.kept.batch(batch_id).item_id)
        job_id = job_of_task(failed.task_id)
        last = max(before.batches[batch_id].until, self.kept.batch(batch_id).held_until)
        standings = [self.items[item_id].standing for item_id in self.kept.supplied[job_id]]
        if any(each.state in GONE and each.changed_at <= last for each in standings):
            assert failed.penalty_wei == failed.caller_wei <= LEAST_FAIL_GAS * self.base_fee_wei
        elif failed.penalty_wei and item is not None:
            is_struck = item.standing.state == ItemState.STRUCK
            assert is_struck or not item.standing.was_kept
            assert is_struck or failed.requester_wei == 0
        assert before.batches[batch_id].policy == KEPT_POLICY

    def check_money(self) -> None:
        """Kept has the bonds of holds, what it owes and what it burned; Assurances has nothing."""
        World.check_money(self)
        owed_wei = sum(self.kept.credits.values()) + self.kept.burned_wei
        owed_wei += sum(hold.bond_wei for hold in self.kept.holds.values())
        assert self.balances[NATIVE, self.address] == owed_wei
        assert self.balances[NATIVE, self.state.deployment.assurances] == 0
