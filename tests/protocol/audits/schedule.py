"""Random schedules under *audited*: claimants and auditors that are right, wrong, copy or are absent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random

from tests.protocol.audits.world import (
    AUDITORS,
    AUDITS_POLICY,
    PLEDGE_WEI,
    AuditsStep,
    AuditsWorld,
    BeginRound,
    Pledge,
)
from tests.protocol.settlement.endings import wind_down
from tests.protocol.settlement.outputs import random_leaf
from tests.protocol.settlement.proofs import proof_of
from tests.protocol.settlement.schedule import Maker, Schedule
from tests.protocol.settlement.world import KEEPER, PEOPLE, Hold, Step
from truestep.base.ids import Address, BatchId, Bytes32
from truestep.commitments.keccak import keccak256
from truestep.protocol.audits.contracts import audits
from truestep.protocol.audits.contracts.audits import Seat, Stage
from truestep.protocol.audits.rules import audit_fee_wei
from truestep.protocol.audits.state import Audit
from truestep.protocol.audits.statements import (
    bait_of,
    commitment_of,
    is_trap,
    task_key,
    trap_path,
    traps_levels,
)
from truestep.protocol.settlement.assurances import OPTIMISTIC
from truestep.protocol.settlement.batches import is_leaf_final, is_leaf_standing
from truestep.protocol.settlement.contracts import jobs
from truestep.protocol.settlement.encoding import encode
from truestep.protocol.settlement.ids import LeafId, batch_of_claim, claim_of, leaf_of_claim, unpack_item
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.records import Batch, BatchStage, Leaf

DAY_SECONDS = 86_400
BATCH_LIMIT = 256


@lru_cache(maxsize=256)
def trap_salts(batch_id: int) -> tuple[Bytes32, ...]:
    """The salts of a batch, one for each place."""
    return tuple(keccak256(encode(batch_id, index)) for index in range(BATCH_LIMIT))


@lru_cache(maxsize=256)
def traps_of(batch_id: int) -> list[list[bytes]]:
    """The tree over them."""
    return traps_levels(trap_salts(batch_id))


@dataclass(slots=True)
class AuditsSchedule(Schedule):
    """The next step, again and again."""

    policies: tuple[int, ...] = (OPTIMISTIC, AUDITS_POLICY, AUDITS_POLICY, AUDITS_POLICY)
    chosen: dict[tuple[LeafId, int], tuple[Bytes32, Bytes32]] = field(default_factory=dict)
    """What a seat has committed to last: digest and salt."""

    @property
    def audits_world(self) -> AuditsWorld:
        """The world, with what Audits keeps."""
        if not isinstance(self.world, AuditsWorld):
            raise TypeError(f"expected a world with Audits, got {self.world}")
        return self.world

    def _makers(self) -> dict[Maker, float]:
        makers = Schedule._makers(self)
        del makers[self.supply], makers[self.strike_by_policy]
        return makers | {
            self.begin_round: 6,
            self.pledge: 2,
            self.fund: 12,
            self.refund: 1,
            self.prepare: 16,
            self.draw: 14,
            self.appoint: 40,
            self.publish_statement: 12,
            self.commit: 45,
            self.state_checkpoints: 30,
            self.reveal: 45,
            self.dismiss: 3,
            self.judge: 12,
            self.drop: 1.5,
            self.close: 2,
            self.certify: 6,
            self.withdraw_audits: 2,
        }

    def _pass_time(self) -> None:
        """Slower while there is something to audit."""
        before, batches = self.now, self.audits_world.audits.batches.values()
        Schedule._pass_time(self)
        if any(batch.pending or batch.seed is None for batch in batches) and self.rng.random() < 0.8:
            self.now = min(self.now, before + 2)
        ends = [audit.time for audit in self.audits_world.audits.audits.values()]
        ahead = sorted(end for end in ends if end >= self.now)
        if ahead and self.rng.random() < 0.02:
            self.now = max(self.now, ahead[0] + self.rng.choice((-1, 0, 1, 60, 61, 900, 901)))

    def _hash(self) -> Bytes32:
        """Works repeat, so that certificates are of use."""
        return Bytes32(b"h" * 32) if self.rng.random() < 0.7 else Schedule._hash(self)

    def claim(self) -> Step | None:
        """Batches are prepared before, most of the time."""
        step = Schedule.claim(self)
        if not isinstance(step, Message) or not isinstance(step.call, jobs.Claim):
            return step
        batch_id = step.call.batch_id
        is_own = self.world.state.batches[batch_id].policy == AUDITS_POLICY
        return step if self._is_worth(not is_own or batch_id in self.audits_world.audits.batches) else None

    def leaf_for(self, batch_id: BatchId, leaf_index: int, level: int) -> Leaf:
        """The same for the same task, most of the time."""
        batch = self.world.state.batches[batch_id]
        (item,) = [each for each in map(unpack_item, batch.items) if each.has_leaf(leaf_index)]
        key = task_key(self.world.state.jobs[item.job_id].work, item.task(leaf_index))
        return random_leaf(Random(key) if self.rng.random() < 0.9 else self.rng, level)

    # --- rounds, pools, fees ----------------------------------------------------------------------

    def begin_round(self) -> AuditsStep:
        return BeginRound(
            since=self.now - self.rng.choice((0, 0, 0, 30)), seed=Bytes32(self.rng.randbytes(32))
        )

    def pledge(self) -> AuditsStep | None:
        operator = self.rng.choice(AUDITORS)
        if self.audits_world.pledges.get(operator, 0) >= PLEDGE_WEI and self.rng.random() < 0.9:
            return None
        return Pledge(
            operator=operator, amount_wei=self.rng.choice((1, PLEDGE_WEI, PLEDGE_WEI, 20 * PLEDGE_WEI))
        )

    def fund(self) -> Step | None:
        found = self._some_job(lambda job: self._is_worth(not job.is_supplied))
        if found is None:
            return None
        job_id, job = found
        fee_wei = audit_fee_wei(self.audits_world.audits.rules, job.work.max_cycles)
        call = audits.Fund(job_id=job_id, work=job.work, terms=job.terms)
        value_wei = fee_wei * job.work.shard_count
        return self._message(self.rng.choice(PEOPLE), call, value_wei=value_wei)

    def refund(self) -> Step | None:
        funds = self.audits_world.audits.funds
        found = self._some_job(
            lambda job: self._is_worth(self.now > job.deadline + job.terms.window_seconds + 900)
        )
        if found is None or not self._is_worth(found[0] in funds and funds[found[0]].left_wei > 0):
            return None
        call = audits.Refund(job_id=found[0], work=found[1].work, terms=found[1].terms)
        return self._message(self.rng.choice(PEOPLE), call)

    # --- draws ------------------------------------------------------------------------------------

    def prepare(self) -> Step | None:
        found = self._own_batch(BatchStage.TAKEN)
        if found is None or not self._is_worth(found[0] not in self.audits_world.audits.batches):
            return None
        batch_id, batch = found
        root = Bytes32(traps_of(batch_id)[-1][0])
        return self._message(
            self._agent(batch.operator), audits.Prepare(batch_id=batch_id, terms=batch.terms, traps=root)
        )

    def draw(self) -> Step | None:
        found = self._own_batch(BatchStage.CLAIMED)
        if found is None:
            return None
        kept = self.audits_world.audits.batches.get(found[0])
        if not self._is_worth(kept is not None and kept.seed is None):
            return None
        call = audits.Draw(batch_id=found[0], terms=found[1].terms)
        return self._message(self.rng.choice(PEOPLE), call)

    def appoint(self) -> Step | None:
        found = self._audited(Stage.NONE, Stage.VACANT, Stage.CONTESTED)
        if found is None:
            return None
        claim_id, batch, audit = found
        since = audit.time if audit.seats else batch.until
        if not self._is_worth(self.now <= since + 900):
            return None
        call = audits.Appoint(claim_id=claim_id, terms=batch.terms, proof=proof_of(self.world, claim_id))
        return self._message(self.rng.choice(PEOPLE), call)

    def close(self) -> Step | None:
        found = self._audited(
            *(Stage if self.rng.random() < 0.5 else (Stage.NONE, Stage.VACANT, Stage.CONTESTED))
        )
        if found is None:
            return None
        claim_id, batch, audit = found
        since = audit.time if audit.seats else batch.until
        if not self._is_worth(self.now > since + 900 or not is_leaf_standing(self.world.state, claim_id)):
            return None
        return self._message(self.rng.choice(PEOPLE), audits.Close(claim_id=claim_id))

    def certify(self) -> Step | None:
        confirmed = [
            claim_id
            for batch_id, kept in self.audits_world.audits.batches.items()
            for claim_id in map(
                lambda index, b=batch_id: claim_of(b, index), range(kept.confirmed.bit_length())
            )
            if kept.confirmed >> leaf_of_claim(claim_id) & 1
            and self._is_worth(is_leaf_final(self.world.state, claim_id))
        ]
        if not confirmed:
            return None
        claim_id = self.rng.choice(confirmed)
        batch = self.world.state.batches[batch_of_claim(claim_id)]
        call = audits.Certify(claim_id=claim_id, terms=batch.terms, proof=proof_of(self.world, claim_id))
        return self._message(self.rng.choice(PEOPLE), call)

    # --- what is said -----------------------------------------------------------------------------

    def publish_statement(self) -> Step | None:
        found = self._audited(Stage.COMMIT)
        if found is None:
            return None
        claim_id, batch, audit = found
        if not self._is_worth(audit.published is None):
            return None
        digest, salt = self._truth(claim_id, audit), self._trap_salt(claim_id)
        statement = bait_of(digest, salt) if self._is_trap(claim_id) else digest
        if self.rng.random() < 0.05:
            statement = keccak256(statement)
        call = audits.Publish(claim_id=claim_id, seed=self._seed(audit), statement=statement)
        return self._message(self._agent(batch.operator), call)

    def commit(self) -> Step | None:
        found = self._audited(Stage.COMMIT, Stage.PANEL_COMMIT)
        if found is None:
            return None
        claim_id, batch, audit = found
        seats = (
            [Seat.FIRST] if audit.stage is Stage.COMMIT else [seat for seat in Seat if seat not in audit.said]
        )
        seat = self.rng.choice(seats) if self._is_worth(bool(seats)) and seats else self.rng.randrange(4)
        member = self._member(batch, audit, seat)
        if not self._is_worth(self.now <= audit.time):
            return None
        kind, digest = self.rng.random(), self._truth(claim_id, audit)
        if audit.published is not None and kind < 0.4:
            digest = audit.published
        elif kind < 0.6:
            digest = keccak256(digest) if self.rng.random() < 0.6 else Bytes32(self.rng.randbytes(32))
        salt = Bytes32(self.rng.randbytes(32))
        self.chosen[claim_id, seat] = digest, salt
        commitment = commitment_of(member, claim_id, digest, salt)
        call = audits.Commit(claim_id=claim_id, seed=self._seed(audit), seat=seat, commitment=commitment)
        return self._message(self._agent(member), call)

    def _seed(self, audit: Audit) -> Bytes32:
        """Of the newest appointment; seldom another one."""
        return audit.seed if self.rng.random() < 0.97 else keccak256(audit.seed)

    def state_checkpoints(self) -> Step | None:
        found = self._audited(Stage.STATE)
        if found is None:
            return None
        claim_id, batch, audit = found
        if not self._is_worth(self.now <= audit.time):
            return None
        digest = self._truth(claim_id, audit)
        if audit.published is None and self.rng.random() < 0.2:
            digest = keccak256(digest)
        call = audits.State(
            claim_id=claim_id,
            seed=self._seed(audit),
            digest=digest,
            salt=self._trap_salt(claim_id),
            salt_path=trap_path(traps_of(batch_of_claim(claim_id)), leaf_of_claim(claim_id)),
        )
        return self._message(self._agent(batch.operator), call)

    def reveal(self) -> Step | None:
        found = self._audited(Stage.REVEAL, Stage.PANEL_REVEAL, Stage.PANEL_COMMIT)
        if found is None:
            return None
        claim_id, _, audit = found
        if not self._is_worth(audit.stage is not Stage.PANEL_COMMIT or self.now > audit.time):
            return None
        if not self._is_worth(self.now <= audit.time + 60 * (audit.stage is Stage.PANEL_COMMIT)):
            return None
        seats = [Seat.FIRST] if audit.stage is Stage.REVEAL else [s for s in Seat if s not in audit.revealed]
        seat = self.rng.choice(seats) if seats else self.rng.randrange(4)
        digest, salt = self.chosen.get((claim_id, seat), (Bytes32(bytes(32)), Bytes32(bytes(32))))
        call = audits.Reveal(claim_id=claim_id, seat=seat, digest=digest, salt=salt)
        return self._message(self.rng.choice(PEOPLE), call)

    def dismiss(self) -> Step | None:
        found = self._audited(Stage.COMMIT, Stage.REVEAL)
        if found is None or not self._is_worth(self.now > found[2].time):
            return None
        return self._message(self.rng.choice(PEOPLE), audits.Dismiss(claim_id=found[0]))

    def judge(self) -> Step | None:
        found = self._audited(Stage.PANEL_COMMIT, Stage.PANEL_REVEAL)
        if found is None:
            return None
        claim_id, batch, audit = found
        if not self._is_worth(self.now > audit.time or len(audit.revealed) >= 2):
            return None
        call = audits.Judge(claim_id=claim_id, terms=batch.terms, proof=proof_of(self.world, claim_id))
        return self._message(self.rng.choice(PEOPLE), call)

    def drop(self) -> Step | None:
        found = self._audited(Stage.STATE) if self.rng.random() < 0.5 else self._unprepared()
        if found is None:
            return None
        claim_id, batch, audit = found
        if not self._is_worth(self.now > audit.time and is_leaf_standing(self.world.state, claim_id)):
            return None
        call = audits.Drop(claim_id=claim_id, terms=batch.terms, proof=proof_of(self.world, claim_id))
        return self._message(self.rng.choice(PEOPLE), call)

    def withdraw_audits(self) -> Step | None:
        accounts = [a for a, owed in self.audits_world.audits.credits.items() if self._is_worth(owed > 0)]
        accounts = [a for a in accounts if a in PEOPLE]
        if not accounts:
            return None
        account = self.rng.choice(accounts)
        receiver, stranger = self._receiver(account, Address("0x" + "0" * 40))
        return self._message(account, audits.WithdrawTo(receiver=receiver), stranger=stranger)

    # --- what there is ----------------------------------------------------------------------------

    def _own_batch(self, *stages: BatchStage) -> tuple[BatchId, Batch] | None:
        found = self._some_batch(*stages)
        return found if found and self._is_worth(found[1].policy == AUDITS_POLICY) else None

    def _unprepared(self) -> tuple[LeafId, Batch, Audit] | None:
        found = self._own_batch(BatchStage.CLAIMED, BatchStage.FINAL)
        if found is None or not self._is_worth(found[0] not in self.audits_world.audits.batches):
            return None
        return claim_of(found[0], self.rng.randrange(found[1].leaf_count)), found[1], Audit()

    def _audited(self, *stages: Stage) -> tuple[LeafId, Batch, Audit] | None:
        """A claim whose audit has not ended, at one of these stages; seldom at another one."""
        kept, is_right = self.audits_world.audits, self.rng.random() > 0.03
        found = [
            claim_id
            for batch_id, batch in kept.batches.items()
            for claim_id in pending_claims(batch_id, batch.pending)
            if not is_right or self._suits(claim_id, stages)
        ]
        if not found:
            return None
        claim_id = self.rng.choice(found)
        batch = self.world.state.batches[batch_of_claim(claim_id)]
        return claim_id, batch, kept.audits.get(claim_id, Audit())

    def _suits(self, claim_id: LeafId, stages: tuple[Stage, ...]) -> bool:
        audit = self.audits_world.audits.audits.get(claim_id, Audit())
        return audit.stage in stages and is_leaf_standing(self.world.state, claim_id)

    def _member(self, batch: Batch, audit: Audit, seat: int) -> Address:
        if seat == Seat.CLAIMANT:
            return batch.operator
        return audit.auditor if seat == Seat.FIRST else audit.second

    def _truth(self, claim_id: LeafId, audit: Audit) -> Bytes32:
        return keccak256(encode(claim_id, audit.seats))

    def _trap_salt(self, claim_id: LeafId) -> Bytes32:
        return trap_salts(batch_of_claim(claim_id))[leaf_of_claim(claim_id)]

    def _is_trap(self, claim_id: LeafId) -> bool:
        kept = self.audits_world.audits
        seed = kept.batches[batch_of_claim(claim_id)].seed
        return seed is not None and is_trap(self._trap_salt(claim_id), seed, kept.rules.trap_bps)


def pending_claims(batch_id: BatchId, pending: int) -> list[LeafId]:
    """The claims of a batch that have a bit here."""
    return [claim_of(batch_id, index) for index in range(pending.bit_length()) if pending >> index & 1]


def wind_down_audits(schedule: AuditsSchedule) -> Iterator[AuditsStep]:
    """What is left to do: audits end, claims that are not prepared fall, all others become final."""
    world = schedule.audits_world
    yield from schedule.follow_ups
    schedule.follow_ups.clear()
    ends = [batch.until for batch in world.state.batches.values()] + [world.state.stopped_until]
    ends += [job.deadline for job in world.state.jobs.values()]
    schedule.now = max([schedule.now, *ends]) + 100 * DAY_SECONDS
    for batch_id in world.held:
        yield Hold(batch_id=batch_id, mask=0)
    for batch_id, batch in world.state.batches.items():
        if batch.policy == AUDITS_POLICY and batch.stage in (BatchStage.CLAIMED, BatchStage.FINAL):
            yield from _end_claims(schedule, batch_id, batch)
        elif batch_id in world.audits.batches:
            yield from _end_audits(schedule, batch_id)
    yield from wind_down(schedule)
    for job_id, fund in world.audits.funds.items():
        if fund.left_wei:
            job = world.state.jobs[job_id]
            call = audits.Refund(job_id=job_id, work=job.work, terms=job.terms)
            yield Message(sender=KEEPER, now=schedule.now, call=call)
    for account, amount_wei in world.audits.credits.items():
        if amount_wei:
            yield Message(sender=account, now=schedule.now, call=audits.WithdrawTo(receiver=KEEPER))


def _end_claims(schedule: AuditsSchedule, batch_id: BatchId, batch: Batch) -> Iterator[AuditsStep]:
    world = schedule.audits_world
    if batch_id in world.audits.batches:
        yield from _end_audits(schedule, batch_id)
        return
    for index in range(batch.leaf_count):
        claim_id = claim_of(batch_id, index)
        if is_leaf_standing(world.state, claim_id):
            call = audits.Drop(claim_id=claim_id, terms=batch.terms, proof=proof_of(world, claim_id))
            yield Message(sender=KEEPER, now=schedule.now, call=call)


def _end_audits(schedule: AuditsSchedule, batch_id: BatchId) -> Iterator[AuditsStep]:
    world = schedule.audits_world
    while pending := pending_claims(batch_id, world.audits.batches[batch_id].pending):
        claim_id, batch = pending[0], world.state.batches[batch_id]
        stage = world.audits.audits.get(claim_id, Audit()).stage
        named = {"claim_id": claim_id, "terms": batch.terms, "proof": proof_of(world, claim_id)}
        if not is_leaf_standing(world.state, claim_id):
            call: object = audits.Close(claim_id=claim_id)
        elif stage in (Stage.COMMIT, Stage.REVEAL):
            call = audits.Dismiss(claim_id=claim_id)
        elif stage is Stage.STATE:
            call = audits.Drop(**named)
        elif stage in (Stage.PANEL_COMMIT, Stage.PANEL_REVEAL):
            call = audits.Judge(**named)
        else:
            call = audits.Close(claim_id=claim_id)
        yield Message(sender=KEEPER, now=schedule.now, call=call)


def audits_schedule(seed: int, world: AuditsWorld) -> AuditsSchedule:
    """A schedule with its seed."""
    return AuditsSchedule(rng=Random(seed), world=world)
