"""Random schedules under the policy Kept: items come and go, and everybody does what it can."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random

from tests.protocol.availability.kept_world import (
    ACKNOWLEDGE_SECONDS,
    ANSWER_SECONDS,
    KEPT_POLICY,
    NOTHING,
    KeptStep,
    KeptWorld,
    PutChallenge,
    PutItem,
    demand_for,
)
from tests.protocol.settlement.endings import wind_down
from tests.protocol.settlement.proofs import leaves_of, proof_of
from tests.protocol.settlement.schedule import Maker, Schedule
from tests.protocol.settlement.world import KEEPER, PARAMETERS, PEOPLE, Hold, Step
from truestep.availability.parts import Part, parts_hash
from truestep.base.ids import BatchId, Bytes32, JobId
from truestep.protocol.availability.contracts import kept
from truestep.protocol.availability.contracts.items import ItemState, Record
from truestep.protocol.availability.contracts.kept import Named
from truestep.protocol.availability.ids import ChallengeId, ChallengeKind, ChallengePlace, ItemId
from truestep.protocol.availability.kept import (
    GONE,
    HOLD_DOUBLINGS_LIMIT,
    HOLD_LIMIT_SECONDS,
    PROGRAM_DEPTH,
    RANGE_DEPTH,
    THERE,
)
from truestep.protocol.availability.kept_state import NO_ITEM, NOTHING_KEPT
from truestep.protocol.settlement.assurances import OPTIMISTIC
from truestep.protocol.settlement.batches import is_leaf_standing
from truestep.protocol.settlement.claims import is_accepted
from truestep.protocol.settlement.encoding import hash_struct
from truestep.protocol.settlement.ids import NATIVE, claim_of, unpack_item
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.records import Batch, BatchStage, Leaf
from truestep.protocol.settlement.trees import item_leaf, path_in

DAY_SECONDS = 86_400
NOBODYS = Record(
    registrant=KEEPER,
    parts_hash=Bytes32(bytes(32)),
    hashes_root=Bytes32(b"h" * 32),
    blob_count=1,
    seat_count=2,
    since=0,
    until=0,
    fee_wei=5,
    bond_wei=7,
)
NAMES_NOTHING = Named(item_id=NO_ITEM, record=replace(NOBODYS, seat_count=0), part=0)


@dataclass(slots=True)
class KeptSchedule(Schedule):
    """The next step, again and again."""

    policies: tuple[int, ...] = (OPTIMISTIC, KEPT_POLICY, KEPT_POLICY, KEPT_POLICY)
    of_jobs: dict[JobId, list[ItemId]] = field(default_factory=dict)
    """Items that were made for a job."""
    of_batches: dict[BatchId, list[ItemId]] = field(default_factory=dict)

    @property
    def kept_world(self) -> KeptWorld:
        """The world, with what Kept keeps."""
        if not isinstance(self.world, KeptWorld):
            raise TypeError(f"expected a world with Kept, got {self.world}")
        return self.world

    def _makers(self) -> dict[Maker, float]:
        makers = Schedule._makers(self)
        del makers[self.supply], makers[self.strike_by_policy]
        return makers | {
            self.make_job_item: 10,
            self.make_outputs: 12,
            self.change_item: 6,
            self.supply_job: 14,
            self.deliver: 14,
            self.challenge: 4,
            self.hold_batch: 6,
            self.settle_hold: 4,
            self.fail: 8,
            self.withdraw_kept: 2,
        }

    def _pass_time(self) -> None:
        Schedule._pass_time(self)
        if self.rng.random() < 0.01:
            ends = [self.kept_world.kept.batch(b).held_until for b in self.world.state.batches]
            ends = [end + self.rng.choice((0, ACKNOWLEDGE_SECONDS)) for end in ends if end > self.now]
            self.now = max(self.now, self.rng.choice(ends) + self.rng.choice((0, 1))) if ends else self.now

    # --- items ------------------------------------------------------------------------------------

    def make_job_item(self) -> KeptStep | None:
        """An item of a job's program, its input, or both; kept, most of the time."""
        found = self._some_job(lambda job: job.terms.policy == KEPT_POLICY and not job.is_supplied)
        if found is None:
            return None
        job_id, job = found
        parts = [
            Part(root=job.work.image_root, depth=PROGRAM_DEPTH, first_leaf=8, leaf_count=3),
            Part(root=job.work.input_root, depth=RANGE_DEPTH, first_leaf=0, leaf_count=4),
        ]
        chosen = self.rng.choice((parts, parts, parts[::-1], parts[:1], parts[1:]))
        last = job.deadline + job.terms.window_seconds + HOLD_LIMIT_SECONDS
        item = self._item(chosen, last + 8 * PARAMETERS.clock_seconds + self.rng.choice((-1, 0, 1, 10**6)))
        self.of_jobs.setdefault(job_id, []).append(item.item_id)
        return item

    def make_outputs(self) -> KeptStep | None:
        """An item of a batch's outputs."""
        found = self._batch()
        if found is None:
            return None
        batch_id, batch = found
        roots = dict.fromkeys(
            leaf.output_root for leaf in leaves_of(self.world, batch_id) if has_output(leaf)
        )
        if not self._is_worth(bool(roots)):
            return None
        parts = [Part(root=root, depth=RANGE_DEPTH, first_leaf=0, leaf_count=9) for root in roots]
        if self.rng.random() < 0.1:
            parts = parts[1:]
        is_in_blobs = len(self.kept_world.items) % 4 == 0
        last = batch.until + (7 if is_in_blobs else 60) * DAY_SECONDS
        until = last + self.rng.choice((-1, 0, 1, 10**6, 10**6))
        item = self._item(
            parts or [Part(root=NOBODYS.hashes_root, depth=1, first_leaf=0, leaf_count=1)],
            until,
            seat_count=0 if is_in_blobs else NOBODYS.seat_count,
        )
        self.of_batches.setdefault(batch_id, []).append(item.item_id)
        return item

    def _item(self, parts: list[Part], until: int, seat_count: int = NOBODYS.seat_count) -> PutItem:
        record = replace(NOBODYS, parts_hash=parts_hash(parts), since=self.now, until=until)
        record = replace(record, blob_count=self.rng.choice((1, 1, 1, 2, 3)), seat_count=seat_count)
        state = self.rng.choices(
            (ItemState.KEPT, ItemState.REGISTERED, ItemState.CLOSED), weights=(12, 3, 1)
        )[0]
        return PutItem(
            item_id=ItemId(len(self.kept_world.items) + 1),
            record=record,
            parts=tuple(parts),
            standing=replace(
                NOTHING,
                state=state,
                was_kept=state is ItemState.KEPT,
                changed_at=self.now,
                record_hash=hash_struct(record),
            ),
        )

    def change_item(self) -> KeptStep | None:
        """Keepers acknowledge or fail, somebody finds a wrong leaf, challenges come and go."""
        used = [item for items in self.kept_world.kept.supplied.values() for item in items]
        used += [
            batch.item_id
            for batch in self.kept_world.kept.batches.values()
            if batch.item_id in self.kept_world.items
        ]
        if not used:
            return None
        item = self.kept_world.items[self.rng.choice(used)]
        before = item.standing
        state = self.rng.choices(
            (
                ItemState.REGISTERED,
                ItemState.KEPT,
                ItemState.STRUCK,
                ItemState.LOST,
                ItemState.CLOSED,
                ItemState.ENDED,
            ),
            weights=(3, 8, 1, 1, 0.3, 0.3),
        )[0]
        if before.state in (ItemState.STRUCK, ItemState.LOST, ItemState.CLOSED, ItemState.ENDED):
            state = ItemState(before.state)
        standing = replace(
            before,
            state=state,
            was_kept=before.was_kept or state in (ItemState.KEPT, ItemState.LOST, ItemState.ENDED),
            is_contested=self.rng.random() < 0.3,
            changed_at=self.now if state != before.state else before.changed_at,
            published_at=self.now if self.rng.random() < 0.3 else before.published_at,
        )
        return replace(item, standing=standing)

    # --- jobs and batches -------------------------------------------------------------------------

    def supply_job(self) -> Step | None:
        found = self._some_job(lambda job: self._is_worth(not job.is_supplied and job.is_fed))
        if found is None or not (self.of_jobs.get(found[0]) or self.rng.random() < 0.05):
            return None
        job_id, job = found
        program = self._named(self.of_jobs.get(job_id, []), job.work.image_root)
        given = self._named(self.of_jobs.get(job_id, []), job.work.input_root)
        if program is None or given is None:
            return None
        call = kept.Supply(
            job_id=job_id,
            work=job.work,
            terms=job.terms,
            program=program,
            input=given,
            program_parts=self.kept_world.items[program.item_id].parts,
            input_parts=self.kept_world.items[given.item_id].parts,
        )
        return self._message(job.terms.requester, call)

    def _named(self, items: list[ItemId], root: Bytes32) -> Named | None:
        found = [
            Named(item_id=item_id, record=self.kept_world.items[item_id].record, part=place)
            for item_id in items
            for place, part in enumerate(self.kept_world.items[item_id].parts)
            if self._is_worth(part.root == root)
        ]
        return self.rng.choice(found) if found else None

    def _batch(self) -> tuple[BatchId, Batch] | None:
        found = [
            (batch_id, batch)
            for batch_id, batch in self.world.state.batches.items()
            if self._is_worth(batch.stage is BatchStage.CLAIMED) and batch_id in self.world.leaves
            if self._is_worth(batch.policy == KEPT_POLICY)
        ]
        return self.rng.choice(found) if found else None

    def deliver(self) -> Step | None:
        found = self._batch()
        if found is None:
            return None
        batch_id, batch = found
        claimed = tuple(leaves_of(self.world, batch_id))
        items = [item for item in self.of_batches.get(batch_id, []) if item in self.kept_world.items]
        outputs, parts = NAMES_NOTHING, ()
        if items and self.rng.random() < 0.95:
            item = self.kept_world.items[self.rng.choice(items)]
            outputs = Named(item_id=item.item_id, record=item.record, part=0)
            parts = item.parts
        elif not self._is_worth(not any(map(has_output, claimed))):
            return None
        roots = [part.root for part in parts]
        places = [roots.index(leaf.output_root) if leaf.output_root in roots else 0 for leaf in claimed]
        call = kept.Deliver(
            batch_id=batch_id,
            terms=batch.terms,
            claimed=claimed,
            outputs=outputs,
            parts=parts,
            places=bytes(places),
        )
        return self._message(self._agent(batch.operator), call)

    def challenge(self) -> KeptStep | None:
        """A BLOB challenge, seldom another, opens or ends."""
        if self.kept_world.open_challenges and self.rng.random() < 0.4:
            ended = self.rng.choice(sorted(self.kept_world.open_challenges))
            return PutChallenge(challenge_id=ended, is_open=False)
        items = [item for pair in self.kept_world.kept.supplied.values() for item in pair]
        if not items:
            return None
        place = ChallengePlace(
            item_id=self.rng.choice(items),
            acknowledged_at=self.now,
            seat=self.rng.randrange(3),
            kind=self.rng.choices((ChallengeKind.BLOB, ChallengeKind.ELEMENT), weights=(9, 1))[0],
            blob=self.rng.randrange(9),
            element=0,
        )
        return PutChallenge(challenge_id=place.pack(), is_open=True)

    def hold_batch(self) -> Step | None:
        found = self._batch()
        if found is None:
            return None
        batch_id, batch = found
        index = self.rng.randrange(len(batch.items))
        supplied = self.kept_world.kept.supplied.get(unpack_item(batch.items[index]).job_id, ())
        open_challenges = self.kept_world.open_challenges
        suitable = [each for each in open_challenges if self._is_worth(each >> 128 in supplied)]
        suitable += [self._blob_of(item) for item in supplied if self._was_published(item)]
        if not suitable or not self._is_worth(self.now <= batch.until):
            return None
        pairs = [(item, self.world.state.jobs[unpack_item(item).job_id].digest) for item in batch.items]
        call = kept.Hold(
            batch_id=batch_id,
            terms=batch.terms,
            item=batch.items[index],
            item_index=index,
            item_path=path_in([item_leaf(*pair) for pair in pairs], index),
            challenge_id=self.rng.choice(sorted(suitable)),
        )
        contested = [item for item in supplied if self._is_worth(self.kept_world.standing(item).is_contested)]
        if contested and self.rng.random() < 0.5:
            call = kept.HoldForDemand(
                batch_id=call.batch_id,
                terms=call.terms,
                item=call.item,
                item_index=call.item_index,
                item_path=call.item_path,
                demand_id=demand_for(self.rng.choice(contested)),
            )
        rules = self.world.state.parameters[batch.parameters_id - 1]
        doublings = min(self.kept_world.kept.batch(batch_id).hold_count, HOLD_DOUBLINGS_LIMIT)
        value_wei = (rules.challenger_bond_wei << doublings) + self.rng.choice((0, 0, 9))
        return self._message(self.rng.choice(PEOPLE), call, value_wei=value_wei)

    def _was_published(self, item_id: ItemId) -> bool:
        published_at = self.kept_world.standing(item_id).published_at
        return self._is_worth(self.now <= published_at + ANSWER_SECONDS)

    def _blob_of(self, item_id: ItemId) -> ChallengeId:
        """A challenge that is over."""
        kind = ChallengeKind.BLOB
        return ChallengePlace(item_id=item_id, acknowledged_at=1, seat=0, kind=kind, blob=0, element=0).pack()

    def settle_hold(self) -> Step | None:
        if not self.kept_world.kept.holds:
            return None
        (batch_id, ordinal), hold = self.rng.choice(list(self.kept_world.kept.holds.items()))
        batch = self.world.state.batches[batch_id]
        if not self._is_worth(batch.struck != 0 or batch.stage is BatchStage.FINAL):
            return None
        call = kept.SettleHold(batch_id=batch_id, ordinal=ordinal, hold=hold)
        return self._message(self.rng.choice(PEOPLE), call)

    def fail(self) -> KeptStep | None:
        found = self._batch()
        if found is None:
            return None
        batch_id, batch = found
        index, held = self.rng.randrange(batch.leaf_count), self.world.open_games(batch_id)
        if held and batch.policy == KEPT_POLICY and self.rng.random() < 0.5:
            return self._doom(batch_id, held.bit_length() - 1)
        claim_id = claim_of(batch_id, index)
        if not self._is_worth(is_leaf_standing(self.world.state, claim_id)):
            return None
        is_late = self.now > batch.until + ACKNOWLEDGE_SECONDS
        if not is_late and self.rng.random() < 0.7:
            return None
        call = kept.Fail(claim_id=claim_id, terms=batch.terms, proof=proof_of(self.world, claim_id))
        return self._message(self.rng.choice(PEOPLE), call)

    def _doom(self, batch_id: BatchId, leaf_index: int) -> KeptStep:
        """Note a leaf with an open game, whose input has just been lost."""
        claim_id, batch = claim_of(batch_id, leaf_index), self.world.state.batches[batch_id]
        proof = proof_of(self.world, claim_id)
        _, given = self.kept_world.kept.supplied[unpack_item(proof.item).job_id]
        fail = self._message(
            self.rng.choice(PEOPLE), kept.Fail(claim_id=claim_id, terms=batch.terms, proof=proof)
        )
        item = self.kept_world.items[given]
        if item.standing.state in GONE:
            return fail
        self.follow_ups.append(fail)
        lost = replace(item.standing, state=ItemState.LOST, was_kept=True, changed_at=self.now)
        return replace(item, standing=lost)

    def withdraw_kept(self) -> Step | None:
        owed = [account for account, amount in self.kept_world.kept.credits.items() if amount]
        if not owed:
            return None
        account = self.rng.choice(owed)
        receiver, stranger = self._receiver(account, NATIVE)
        return self._message(account, kept.WithdrawTo(receiver=receiver), stranger=stranger)


def has_output(leaf: Leaf) -> bool:
    """Whether a leaf's output must be kept (A5.2)."""
    return is_accepted(leaf) and leaf.output_size != 0


def wind_down_kept(schedule: KeptSchedule) -> Iterator[KeptStep]:
    """What is left to do: batches that can be due end so, the leaves of all others fail."""
    world = schedule.kept_world
    yield from schedule.follow_ups
    schedule.follow_ups.clear()
    ends = [batch.until for batch in world.state.batches.values()] + [world.state.stopped_until]
    schedule.now = max([schedule.now, *ends]) + 30 * DAY_SECONDS
    for batch_id in world.held:
        yield Hold(batch_id=batch_id, mask=0)
    for batch_id, batch in world.state.batches.items():
        if batch.policy != KEPT_POLICY or batch.stage is not BatchStage.CLAIMED:
            continue
        item_id, doomed = world.kept.batch(batch_id).item_id, world.kept.batch(batch_id).doomed
        is_kept = item_id == NOTHING_KEPT or world.standing(item_id).state in THERE
        for leaf_index in range(batch.leaf_count):
            claim_id = claim_of(batch_id, leaf_index)
            if is_kept and not doomed >> leaf_index & 1:
                continue
            if is_leaf_standing(world.state, claim_id):
                call = kept.Fail(claim_id=claim_id, terms=batch.terms, proof=proof_of(world, claim_id))
                yield Message(sender=KEEPER, now=schedule.now, call=call)
    yield from _without_failed(schedule)
    for (batch_id, ordinal), hold in world.kept.holds.items():
        settle = kept.SettleHold(batch_id=batch_id, ordinal=ordinal, hold=hold)
        yield Message(sender=KEEPER, now=schedule.now, call=settle)
    for account, amount_wei in world.kept.credits.items():
        if amount_wei:
            yield Message(sender=account, now=schedule.now, call=kept.WithdrawTo(receiver=account))


def _without_failed(schedule: KeptSchedule) -> Iterator[Step]:
    """The usual end, but for batches of which nothing is left: nobody can finalize them, and nobody need."""
    for step in wind_down(schedule):
        call = step.call if isinstance(step, Message) else None
        batch = schedule.world.state.batches.get(getattr(call, "batch_id", BatchId(0)))
        is_empty = batch is not None and batch.struck == (1 << batch.leaf_count) - 1
        if not is_empty or batch is None or batch.policy != KEPT_POLICY:
            yield step


def kept_schedule(seed: int, world: KeptWorld) -> KeptSchedule:
    """A schedule with its seed."""
    return KeptSchedule(rng=Random(seed), world=world)
