"""Random schedules under the policy *quorum*: committees agree, sleep, dissent and lie (docs/quorum.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import get_args

from tests.protocol.quorum.results import ResultsSchedule
from tests.protocol.quorum.world import EXIT_SECONDS, KEYS, QUORUM_POLICY, RULES, QuorumWorld
from tests.protocol.settlement.endings import wind_down
from tests.protocol.settlement.schedule import Maker, Schedule
from tests.protocol.settlement.world import KEEPER, OPERATORS, PEOPLE, Step
from truestep.base.ids import Address, BatchId, Bytes32, JobId
from truestep.protocol.quorum.commitments import commitment_of
from truestep.protocol.quorum.contracts import quorums
from truestep.protocol.quorum.contracts.quorums import Committee, Opening, Signed
from truestep.protocol.quorum.policy import whole
from truestep.protocol.quorum.rules import TASKS_LIMIT, least_fee, least_lease, most_lease
from truestep.protocol.settlement.assurances import OPTIMISTIC
from truestep.protocol.settlement.batches import shares
from truestep.protocol.settlement.contracts import jobs, operators, programs
from truestep.protocol.settlement.encoding import word
from truestep.protocol.settlement.ids import batch_of_claim, claim_of, unpack_item
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.records import Batch, BatchStage
from truestep.protocol.settlement.trees import tasks_root


@dataclass(slots=True)
class QuorumSchedule(ResultsSchedule):
    """The next step, again and again."""

    policies: tuple[int, ...] = (OPTIMISTIC, QUORUM_POLICY, QUORUM_POLICY, QUORUM_POLICY, QUORUM_POLICY)

    def _makers(self) -> dict[Maker, float]:
        makers = Schedule._makers(self)
        del makers[self.supply], makers[self.strike_by_policy]
        return makers | {
            self.strike: 8,
            self.claim: 16,
            self.finalize: 24,
            self.fund: 24,
            self.draw: 10,
            self.take_whole: 30,
            self.step_in: 2,
            self.fail: 5,
            self.refund: 3,
            self.commit: 90,
            self.commit_many: 45,
            self.confirm: 90,
            self.dissent: 20,
            self.fall: 60,
            self.compensate: 16,
            self.charge_late: 40,
            self.redo: 60,
            self.charge_lie: 20,
            self.withdraw_quorums: 3,
        }

    # --- jobs -------------------------------------------------------------------------------------

    def register(self) -> Step | None:
        """Of short programs, most of the time: a lease must have room for a member's run."""
        step = Schedule.register(self)
        if not isinstance(step, Message) or not isinstance(step.call, programs.Register):
            return step
        call = replace(step.call, max_cycles=self.rng.choice((1, 10**6, 10**6, 2**40)))
        return replace(step, call=call)

    def post(self) -> Step | None:
        return self._post(shard_count=self.rng.choice((1, 1, 2, 2, 3, 8, 33, 257)), reducer_of=0)

    def fund(self) -> Step | None:
        kept = self.quorum_world.quorums
        found = self._some_job(
            lambda job: self._is_worth(job.terms.policy == QUORUM_POLICY and not job.is_supplied)
        )
        if found is None or not self._is_worth(found[0] not in kept.purses):
            return None
        job_id, job = found
        speed = self.world.state.parameters[job.terms.parameters_id - 1].cycles_per_second
        needed = least_lease(RULES, job.work.shard_count, job.work.max_cycles, speed)
        is_fit = needed <= job.terms.lease_seconds and job.work.shard_count <= TASKS_LIMIT
        is_fit &= job.terms.lease_seconds <= most_lease(RULES, EXIT_SECONDS, job.terms.window_seconds)
        if not self._is_worth(is_fit):
            return None
        least_wei = least_fee(RULES, job.work.max_cycles) * job.work.shard_count * (RULES.seats - 1)
        value_wei = least_wei * self.rng.choice((1, 1, 2)) + self.rng.choice((0, 0, 1, 3))
        call = quorums.Fund(job_id=job_id, work=job.work, terms=job.terms)
        return self._message(self.rng.choice(PEOPLE), call, value_wei=value_wei)

    def draw(self) -> Step | None:
        kept = self.quorum_world.quorums
        waiting = [job_id for job_id in kept.purses if self._is_worth(job_id not in kept.committees)]
        if not waiting:
            return None
        if self.rng.random() < 0.9:
            self.now += 11
        return self._message(self.rng.choice(PEOPLE), quorums.Draw(job_id=self.rng.choice(waiting)))

    def take_whole(self) -> Step | None:
        """All tasks of a job, by the one whose turn it is, most of the time."""
        kept = self.quorum_world.quorums
        found = self._some_job(self._can_be_taken)
        if found is None or found[0] not in kept.committees:
            return None
        job_id, job = found
        item = whole(job_id, job.work.shard_count).pack()
        seated = kept.committees[job_id]
        operator = seated.taker if self.rng.random() < 0.8 else self.rng.choice(seated.members)
        call = jobs.Take(
            operator=operator,
            items=(item,),
            tasks_root=tasks_root([(item, job.digest)]),
            min_reward=0,
            min_until=0,
        )
        return self._message(operator, call)

    def step_in(self) -> Step | None:
        found = self._some_committee()
        if found is None:
            return None
        job_id, members = found
        if self.rng.random() < 0.5:
            purse = self.quorum_world.quorums.purses[job_id]
            self.now = max(self.now, purse.turn_at + RULES.leader_seconds + 1)
        seat = self.rng.randrange(len(members))
        call = quorums.StepIn(job_id=job_id, members=members, seat=seat)
        return self._message(members[seat], call)

    def _some_committee(self) -> tuple[JobId, tuple[Address, ...]] | None:
        found = [(job_id, each.members) for job_id, each in self.quorum_world.quorums.committees.items()]
        return self.rng.choice(found) if found else None

    def refund(self) -> Step | None:
        kept = self.quorum_world.quorums
        waiting = [job_id for job_id, purse in kept.purses.items() if self._is_worth(purse.left_wei > 0)]
        if not waiting:
            return None
        job_id = self.rng.choice(waiting)
        job = self.world.state.jobs[job_id]
        is_over = self.now > job.deadline + job.terms.window_seconds + RULES.stretch_seconds
        if not is_over and self.rng.random() < 0.8:
            return None
        sender = self.rng.choice((job.terms.requester, job.terms.requester, KEEPER))
        return self._message(sender, quorums.Refund(job_id=job_id, work=job.work, terms=job.terms))

    # --- batches ----------------------------------------------------------------------------------

    def _some_sitting(self, *stages: BatchStage) -> tuple[BatchId, Batch, Committee] | None:
        found = self._some_batch(*stages)
        if found is None:
            return None
        committee = self.committee_of(found[1])
        return (*found, committee) if committee is not None else None

    def fail(self) -> Step | None:
        found = self._some_sitting(*BatchStage)
        if found is None:
            return None
        batch_id, batch, committee = found
        if not self._is_worth(batch.stage is BatchStage.OVER or batch.struck != 0):
            return None
        call = quorums.Fail(batch_id=batch_id, terms=batch.terms, committee=committee)
        return self._message(self.rng.choice(PEOPLE), call)

    def _said(self, batch_id: BatchId, seat: int, member: Address) -> int:
        """What a member commits to: the truth, a lie, what its friend will claim, or anything."""
        share = Random(f"members {batch_id}").choice((0, 0, 0.3, None))
        is_lie = self._lies(batch_id) if share is None else self.rng.random() < share
        root = self.root_of(batch_id, is_lie=is_lie)
        if self.rng.random() < 0.05:
            root = Bytes32(self.rng.randbytes(32))
        salt = Bytes32(self.rng.randbytes(32))
        commitment = commitment_of(member, batch_id, root, salt)
        self.quorum_world.said.setdefault((batch_id, seat), (root, salt))
        return commitment

    def commit(self) -> Step | None:
        found = self._some_sitting(BatchStage.TAKEN, BatchStage.TAKEN, BatchStage.CLAIMED)
        if found is None or not self._is_worth(found[1].stage is BatchStage.TAKEN):
            return None
        batch_id, batch, committee = found
        if not self._is_worth(batch_id not in self.quorum_world.quorums.sittings):
            return None
        seats = self._free_seats(batch_id, batch, committee)
        if not seats:
            return None
        steps = [self._commit(batch_id, batch, committee, seat) for seat in seats]
        self.follow_ups += steps[1 : 1 + self.rng.choice((0, len(steps), len(steps)))]
        return steps[0]

    def _commit(self, batch_id: BatchId, batch: Batch, committee: Committee, seat: int) -> Message:
        member = committee.members[seat]
        call = quorums.Commit(
            batch_id=batch_id,
            terms=batch.terms,
            committee=committee,
            seat=seat,
            commitment=self._said(batch_id, seat, member),
        )
        return self._message(self._agent(member), call)

    def _free_seats(self, batch_id: BatchId, batch: Batch, committee: Committee) -> list[int]:
        kept = self.quorum_world.quorums.commitments
        seats = [
            seat
            for seat, member in enumerate(committee.members)
            if self._is_worth((batch_id, seat) not in kept and member != batch.operator)
        ]
        return self.rng.sample(seats, len(seats))

    def commit_many(self) -> Step | None:
        """Members with keys sign; now and then one signs for another."""
        found = self._some_sitting(BatchStage.TAKEN)
        if found is None:
            return None
        batch_id, batch, committee = found
        kept, signed = self.quorum_world.quorums.commitments, list[Signed]()
        for seat, member in enumerate(committee.members):
            is_free = (batch_id, seat) not in kept and member != batch.operator
            if member in KEYS and self._is_worth(is_free):
                signer = member if self.rng.random() < 0.9 else self.rng.choice(list(KEYS))
                commitment = self._said(batch_id, seat, member)
                tasks_root = (
                    batch.terms.tasks_root if self._is_worth(True) else Bytes32(b"other tasks".ljust(32))
                )
                signature = self.quorum_world.sign(batch_id, tasks_root, member, signer, commitment)
                signed.append(Signed(seat=seat, commitment=commitment, signature=signature))
        if not self._is_worth(bool(signed)):
            return None
        call = quorums.CommitMany(
            batch_id=batch_id, terms=batch.terms, committee=committee, signed=tuple(signed)
        )
        return self._message(self.rng.choice(PEOPLE), call)

    def confirm(self) -> Step | None:
        """By everybody that can, or by some."""
        found = self._some_sitting(BatchStage.CLAIMED)
        if found is None:
            return None
        batch_id, batch, committee = found
        if not self._is_worth(self.now <= batch.until):
            return None
        kept, said = self.quorum_world.quorums, self.quorum_world.said
        sitting = kept.sittings.get(batch_id)
        confirmed = sitting.confirmed if sitting is not None else 0
        openings = [
            Opening(seat=seat, salt=said[batch_id, seat][1])
            for seat in range(len(committee.members))
            if (batch_id, seat) in kept.commitments
            and self._is_worth(said[batch_id, seat][0] == batch.terms.claims_root)
            and self._is_worth(not confirmed >> seat & 1)
        ]
        openings = self.rng.sample(openings, self.rng.randint(min(1, len(openings)), len(openings)))
        if not self._is_worth(bool(openings)):
            return None
        call = quorums.Confirm(
            batch_id=batch_id, terms=batch.terms, committee=committee, openings=tuple(openings)
        )
        return self._message(self.rng.choice(PEOPLE), call)

    def dissent(self) -> Step | None:
        found = self._some_sitting(BatchStage.CLAIMED, BatchStage.CLAIMED, BatchStage.OVER)
        if found is None:
            return None
        batch_id, batch, committee = found
        if not self._is_worth(self.now <= batch.until and any(batch.terms.claims_root)):
            return None
        kept, said = self.quorum_world.quorums, self.quorum_world.said
        seats = [
            seat
            for seat in range(len(committee.members))
            if (batch_id, seat) in kept.commitments
            and self._is_worth(said[batch_id, seat][0] != batch.terms.claims_root)
            and self._is_worth((batch_id, seat) not in kept.dissents)
        ]
        if not seats:
            return None
        steps: list[Step] = []
        for seat in self.rng.sample(seats, len(seats)):
            root, salt = said[batch_id, seat]
            call = quorums.Dissent(
                batch_id=batch_id, terms=batch.terms, committee=committee, seat=seat, root=root, salt=salt
            )
            steps.append(self._message(self.rng.choice(PEOPLE), call))
        self.follow_ups += steps[1 : 1 + self.rng.choice((0, len(steps), len(steps)))]
        return steps[0]

    def fall(self) -> Step | None:
        """A quorum dissents, and Disputes strikes the first leaf."""
        kept, said = self.quorum_world.quorums, self.quorum_world.said
        found = self._some_sitting(BatchStage.CLAIMED)
        if found is None or self.now > found[1].until or found[1].struck:
            return None
        batch_id, batch, committee = found
        others = [
            quorums.Dissent(
                batch_id=batch_id,
                terms=batch.terms,
                committee=committee,
                seat=seat,
                root=said[batch_id, seat][0],
                salt=said[batch_id, seat][1],
            )
            for seat in range(len(committee.members))
            if (batch_id, seat) in kept.commitments and (batch_id, seat) not in kept.dissents
            if said[batch_id, seat][0] != batch.terms.claims_root
        ]
        if len(others) < RULES.needed:
            return None
        (share,) = shares(self.world.state, batch, 1)
        disputes, bond_wei = self.world.state.deployment.disputes, share.bond_wei
        strike = jobs.Strike(claim_id=claim_of(batch_id, 0), task_id=share.task_id, bond_wei=bond_wei)
        seize = operators.Seize(operator=batch.operator, batch_id=batch_id, amount_wei=bond_wei)
        steps = [self._message(KEEPER, call) for call in others]
        self.follow_ups += [self._message(disputes, seize), self._message(disputes, strike), *steps[1:]]
        return steps[0]

    def redo(self) -> Step | None:
        """The next step towards the result of a task of which a confirmed claim has fallen."""
        state, kept = self.world.state, self.quorum_world.quorums
        fallen = [
            batch_id
            for batch_id, each in kept.sittings.items()
            if each.confirmed & ~each.charged and state.batches[batch_id].stage is BatchStage.OVER
        ]
        if not fallen:
            return None
        batch_id = self.rng.choice(fallen)
        batch = state.batches[batch_id]
        committee, item = self.committee_of(batch), batch.items[0]
        job_id = unpack_item(item).job_id
        job = state.jobs[job_id]
        if committee is None or job.work.shard_count > 1:
            return None
        if (job_id, batch.operator) not in kept.failed:
            call = quorums.Fail(batch_id=batch_id, terms=batch.terms, committee=committee)
            return self._message(self.rng.choice(PEOPLE), call)
        others = [each for each in OPERATORS if (job_id, each) not in kept.failed]
        if not job.busy and self.now < job.deadline and others:
            root = tasks_root([(item, job.digest)])
            operator = self.rng.choice(others)
            taking = jobs.Take(operator=operator, items=(item,), tasks_root=root, min_reward=0, min_until=0)
            return self._message(operator, taking)
        again_id, again = next(
            (batch_id, each) for batch_id, each in [*state.batches.items()][::-1] if each.items == (item,)
        )
        if again.stage is BatchStage.TAKEN and self.now <= again.until:
            leaf = self.leaf_for(again_id, 0, 0)
            words = (Bytes32(word(leaf.head)), leaf.output_root, leaf.left_root)
            claiming = jobs.Claim(batch_id=again_id, terms=again.terms, leaves=words)
            return self._message(again.operator, claiming)
        if again.stage is not BatchStage.CLAIMED:
            return None
        self.now = max(self.now, again.until + RULES.stretch_seconds + 1)
        ending = jobs.Finalize(batch_id=again_id, terms=again.terms, items=again.items)
        return self._message(self.rng.choice(PEOPLE), ending)

    # --- what follows -----------------------------------------------------------------------------

    def compensate(self) -> Step | None:
        dissents = self.quorum_world.quorums.dissents
        batch_ids = sorted({batch_id for batch_id, _ in dissents})
        if not batch_ids:
            return None
        batch_id = self.rng.choice(batch_ids)
        batch = self.world.state.batches[batch_id]
        committee = self.committee_of(batch)
        if committee is None or not self._is_worth(batch.struck != 0):
            return None
        seats = [seat for seat in range(RULES.seats) if (batch_id, seat) in dissents]
        first = dissents[batch_id, seats[0]]
        same = [seat for seat in seats if self._is_worth(dissents[batch_id, seat] == first)]
        if not self._is_worth(len(same) >= RULES.needed):
            return None
        call = quorums.Compensate(
            batch_id=batch_id, terms=batch.terms, committee=committee, seats=tuple(same)
        )
        return self._message(self.rng.choice(PEOPLE), call)

    def charge_late(self) -> Step | None:
        sittings, batches = self.quorum_world.quorums.sittings, self.world.state.batches
        is_strict = self.rng.random() < 0.97
        proven = [
            batch_id
            for batch_id, each in sittings.items()
            if not is_strict or (each.is_proven and batches[batch_id].stage is BatchStage.FINAL)
        ]
        if not proven:
            return None
        batch_id = self.rng.choice(proven)
        batch, sitting = batches[batch_id], sittings[batch_id]
        committee = self.committee_of(batch)
        if committee is None:
            return None
        done = sitting.confirmed | sitting.charged
        if batch.operator in committee.members and self.rng.random() < 0.9:
            done |= 1 << committee.members.index(batch.operator)
        open_seats = (1 << RULES.seats) - 1 & ~done
        if not self._is_worth(open_seats != 0 and not batch.struck):
            return None
        seat = self._some_bit(open_seats) if open_seats else 0
        call = quorums.ChargeLate(batch_id=batch_id, terms=batch.terms, committee=committee, seat=seat)
        return self._message(self.rng.choice(PEOPLE), call)

    def charge_lie(self) -> Step | None:
        """Of a claim that a member has confirmed, by the claim that has become the result of its task."""
        sittings, batches = self.quorum_world.quorums.sittings, self.world.state.batches
        is_strict = self.rng.random() < 0.9
        pairs = [
            (lie, result)
            for batch_id, each in sittings.items()
            if (each.confirmed & ~each.charged if is_strict else each.confirmed)
            for lie in (claim_of(batch_id, 0),)
            for result in self._claims_of(self._task_of(lie))
            if not is_strict or self._is_lie(lie, result)
        ]
        if not pairs:
            return None
        lie, result = self.rng.choice(pairs)
        sitting = sittings[batch_of_claim(lie)]
        committee = self.committee_of(batches[batch_of_claim(lie)])
        if committee is None:
            return None
        seat = self._some_bit(sitting.confirmed & ~sitting.charged or sitting.confirmed)
        call = quorums.ChargeLie(
            lie=self._said_by(lie),
            result=self._said_by(result),
            job_digest=committee.job_digest,
            members=committee.members,
            seat=seat if self.rng.random() < 0.9 else self.rng.randrange(RULES.seats + 1),
        )
        return self._message(self.rng.choice(PEOPLE), call)

    def withdraw_quorums(self) -> Step | None:
        owed_to = self.quorum_world.quorums.credits
        accounts = [a for a, owed in owed_to.items() if a not in KEYS and self._is_worth(owed > 0)]
        if not accounts:
            return None
        account = self.rng.choice(accounts)
        receiver, stranger = self._receiver(account, Address("0x" + "0" * 40))
        return self._message(account, quorums.WithdrawTo(receiver=receiver), stranger=stranger)


def wind_down_quorum(schedule: QuorumSchedule) -> Iterator[Step]:
    """What is left to do: batches end, then fees that nobody has earned go back, and all is withdrawn."""
    world = schedule.quorum_world
    # What members were about to say when the schedule ended may be refused by now, and goes unsaid.
    schedule.follow_ups = [
        step
        for step in schedule.follow_ups
        if not (isinstance(step, Message) and isinstance(step.call, get_args(quorums.Call)))
    ]
    yield from wind_down(schedule)
    ends = [job.deadline + job.terms.window_seconds for job in world.state.jobs.values()]
    now = max([schedule.now, *ends]) + 40 * 86_400
    for job_id, purse in world.quorums.purses.items():
        if purse.left_wei:
            job = world.state.jobs[job_id]
            call = quorums.Refund(job_id=job_id, work=job.work, terms=job.terms)
            yield Message(sender=job.terms.requester, now=now, call=call)
    for account, amount_wei in world.quorums.credits.items():
        if amount_wei:
            yield Message(sender=account, now=now, call=quorums.WithdrawTo(receiver=account))


def quorum_schedule(seed: int, world: QuorumWorld) -> QuorumSchedule:
    """A schedule with its seed."""
    return QuorumSchedule(rng=Random(seed), world=world)
