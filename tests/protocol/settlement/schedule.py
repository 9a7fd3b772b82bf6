"""Random schedules: what people might do next, mostly sensible, sometimes wrong.

A `Schedule` makes one step after the other from a seed and the state of a `World`, where the caller plays it.
The same steps can be sent to contracts: they are calls as the ABI has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tests.protocol.settlement.mutations import mutated
from tests.protocol.settlement.outputs import OUTPUTS, level_of, random_leaf, slot_node_of
from tests.protocol.settlement.proofs import proof_of
from tests.protocol.settlement.stake_schedule import DAY_SECONDS, StakeSchedule
from tests.protocol.settlement.world import (
    CONSUMER_GAS,
    DELEGATES,
    KEEPER,
    OPERATORS,
    PEOPLE,
    REQUESTERS,
    TWO_WINDOWS,
    Hold,
    Step,
    free_shards,
)
from truestep.base.ids import Address, BatchId, Bytes32, JobId, ProgramId, task_of
from truestep.protocol.settlement.assurances import OPTIMISTIC
from truestep.protocol.settlement.batches import is_leaf_final, is_leaf_standing, shares
from truestep.protocol.settlement.contracts import assurances, jobs, operators, results
from truestep.protocol.settlement.encoding import word
from truestep.protocol.settlement.ids import (
    BATCH_LIMIT,
    NATIVE,
    NOBODY,
    Item,
    PackedItem,
    claim_of,
    leaf_of_claim,
    unpack_item,
)
from truestep.protocol.settlement.jobs import program_hash, source_of
from truestep.protocol.settlement.messages import Message, Stranger
from truestep.protocol.settlement.records import (
    Batch,
    BatchStage,
    Job,
    Leaf,
    Order,
)
from truestep.protocol.settlement.trees import tasks_root

ZERO_HASH = Bytes32(bytes(32))
WRONG_SHARE = 0.15  # of all inputs: those with one thing changed
OPEN_JOBS = 12  # more, and no new ones are posted until some have ended

Maker = Callable[[], Step | None]


@dataclass(slots=True)
class Schedule(StakeSchedule):
    """The next step, again and again."""

    policies: tuple[int, ...] = (OPTIMISTIC, OPTIMISTIC, OPTIMISTIC, TWO_WINDOWS)
    """Of jobs, each as likely as the others."""
    has_standing: bool = False
    """Whether operators are admitted, publish records and are audited."""

    def steps(self, count: int) -> Iterator[Step]:
        """So many steps; the caller plays each in the world before it asks for the next."""
        for _ in range(count):
            yield self.next_step()

    def next_step(self) -> Step:
        """A sensible step, or a wrong one."""
        if self.follow_ups:
            return self.follow_ups.pop()
        self._pass_time()
        step = self._sensible()
        if not isinstance(step, Message) or isinstance(step.call, jobs.Strike):
            return step
        if self.rng.random() >= WRONG_SHARE:
            return step
        return mutated(self.rng, step, self.world.around)

    def _sensible(self) -> Step:
        makers = self._makers()
        while True:
            (maker,) = self.rng.choices(list(makers), weights=list(makers.values()))
            step = maker()
            if step is not None:
                return step

    def _makers(self) -> dict[Maker, float]:
        """What is done, and how often it is tried."""
        return {
            self.deposit: 4,
            self.withdraw_stake: 1,
            self.set_delegate: 1,
            self.register: 0.5,
            self.add_parameters: 0.3,
            self.stop: 0.1,
            self.post: 8,
            self.post_reducer: 3,
            self.top_up: 2,
            self.close: 0.5,
            self.cancel: 4,
            self.take: 10,
            self.release: 2,
            self.expire: 4,
            self.claim: 20,
            self.hold: 5,
            self.strike: 2,
            self.supply: 8,
            self.strike_by_policy: 1.5,
            self.finalize: 12,
            self.finalize_leaf: 5,
            self.write_out: 12,
            self.feed: 5,
            self.call_back: 3,
            self.withdraw: 3,
            **(self._standing_makers() if self.has_standing else {}),
        }

    def _standing_makers(self) -> dict[Maker, float]:
        """What is done about operators: nodes do not read of it."""
        return {self.publish_record: 0.2, self.admit: 0.3, self.set_phase: 0.3, self.note_audited: 1}

    def _pass_time(self) -> None:
        kind = self.rng.random()
        if kind < 0.6:
            return
        if kind < 0.96:
            self.now += self.rng.choice((1, 2, 12, 30))
            return
        state = self.world.state
        ends = [batch.until for batch in state.batches.values()]
        ends += [job.deadline for job in state.jobs.values()] + [state.stopped_until]
        ahead = [end for end in ends if self.now <= end < self.now + 20 * DAY_SECONDS]
        if ahead:
            end = self.rng.choice(sorted(ahead)[:3])
            self.now = max(self.now, end + self.rng.choice((-1, 0, 0, 1, 1, 1, 3_600, 3_601)))

    # --- jobs -------------------------------------------------------------------------------------

    def post(self) -> Step | None:
        shard_count = self.rng.choice((1, 1, 1, 2, 3, 8, 32, 33, 300, 600))
        return self._post(shard_count=shard_count, reducer_of=0)

    def post_reducer(self) -> Step | None:
        sources = [job_id for job_id, job in self.world.state.jobs.items() if job.work.shard_count < 9]
        if not sources:
            return None
        source_id = self.rng.choice(sources)
        leaf = self.world.state.outcomes.get(task_of(source_id, 0))
        if leaf is None and self.rng.random() < 0.8:
            return None
        level = level_of(leaf.output_root) if leaf else self.rng.choice(OUTPUTS).level
        return self._post(shard_count=1, reducer_of=source_id << 8 | level)

    def _post(self, *, shard_count: int, reducer_of: int) -> Step | None:
        state = self.world.state
        open_jobs = sum(self._can_be_taken(job) for job in state.jobs.values())
        if not state.programs or open_jobs >= OPEN_JOBS:
            return None
        asset = self.rng.choice((NATIVE, NATIVE, *self.world.around.tokens))
        reward = self.rng.choice((0, 1, 10**6, self.rng.randrange(10**15)))
        program_id = ProgramId(self.rng.randrange(1, len(state.programs) + 1))
        order = Order(
            program_id=program_id,
            program_hash=program_hash(state.programs[program_id - 1]),
            input_root=state.jobs[source_of(reducer_of)].digest if reducer_of else self._hash(),
            input_size=0 if reducer_of else self.rng.randrange(1_000),
            input_uri="ipfs://input",
            seed=self._hash(),
            shard_count=shard_count,
            reward=reward,
            asset=asset,
            lease_seconds=self.rng.choice((60, 600, 7_200)),
            deadline=self.now + self.rng.choice((0, 60, 3_600, DAY_SECONDS, 30 * DAY_SECONDS)),
            window_seconds=self.rng.choice((0, 0, 0, 7_201)),
            bond_multiple=self.rng.choice((1, 1, 1, 3)),
            policy=self.rng.choice(self.policies),
            parameters_id=len(state.parameters),
            consumer=self.rng.choice((NOBODY, KEEPER, self.world.around.consumer)),
            callback_gas=self.rng.choice((0, 100_000)),
            reducer_of=reducer_of,
        )
        return self._paid(self.rng.choice(REQUESTERS), jobs.Post(order=order), asset, reward * shard_count)

    def _paid(self, sender: Address, call: object, asset: Address, amount: int) -> Step:
        if asset == NATIVE:
            return self._message(sender, call, value_wei=amount)
        return self._message(sender, call, stranger=self._token_mood())

    def top_up(self) -> Step | None:
        found = self._some_job(lambda job: self._is_worth(job.busy == 0 and self.now < job.deadline))
        if found is None:
            return None
        job_id, job = found
        reward = self.rng.choice((0, 1, 10**9))
        call = jobs.TopUp(job_id=job_id, job_digest=job.digest, reward=reward)
        return self._paid(self.rng.choice(PEOPLE), call, job.terms.asset, reward * job.work.shard_count)

    def close(self) -> Step | None:
        found = self._some_job(lambda job: self._is_worth(self.now < job.deadline))
        if found is None:
            return None
        job_id, job = found
        call = jobs.Close(job_id=job_id, work=job.work, terms=job.terms)
        return self._message(job.terms.requester, call)

    def cancel(self) -> Step | None:
        found = self._some_job(lambda job: free_shards(job) != 0)
        if found is None:
            return None
        job_id, job = found
        is_over = self.now >= job.deadline
        if not is_over and self.rng.random() < 0.7:
            return None
        sender = self.rng.choice(PEOPLE) if self._is_worth(is_over) else job.terms.requester
        first = self.rng.randrange(job.work.shard_count)
        shards = tuple(range(job.work.shard_count))[first : first + BATCH_LIMIT]
        call = jobs.Cancel(job_id=job_id, work=job.work, terms=job.terms, shards=shards)
        return self._message(sender, call)

    def _some_job(self, suits: Callable[[Job], bool]) -> tuple[JobId, Job] | None:
        found = [entry for entry in self.world.state.jobs.items() if suits(entry[1])]
        return self.rng.choice(found) if found else None

    # --- batches ----------------------------------------------------------------------------------

    def take(self) -> Step | None:
        found = self._some_job(self._can_be_taken)
        if found is None:
            return None
        kind = _kind(found[1])
        others = [
            (job_id, job)
            for job_id, job in self.world.state.jobs.items()
            if job_id != found[0] and self._is_worth(_kind(job) == kind) and self._can_be_taken(job)
        ]
        chosen = [found, *self.rng.sample(others, min(len(others), self.rng.choice((0, 0, 1, 5))))]
        items: list[PackedItem] = []
        offset = 0
        for job_id, job in chosen:
            first, count = self._free_run(job)
            count = min(count, BATCH_LIMIT - offset)
            if count:
                item = Item(job_id=job_id, first_shard=first, count=count, offset=offset)
                items, offset = [*items, item.pack()], offset + count
        pairs = [(item, self.world.state.jobs[unpack_item(item).job_id].digest) for item in items]
        operator = self.rng.choice(OPERATORS)
        call = jobs.Take(
            operator=operator,
            items=tuple(items),
            tasks_root=tasks_root(pairs),
            min_reward=int(self.rng.random() < 0.1),
            min_until=self.now + self.rng.choice((0, 0, 59, 60, 60, 600)),
        )
        return self._message(self._agent(operator), call)

    def _can_be_taken(self, job: Job) -> bool:
        return job.is_ready and self.now < job.deadline and free_shards(job) != 0

    def _free_run(self, job: Job) -> tuple[int, int]:
        """First shard and length of a run of free shards."""
        free = free_shards(job)
        starts = [shard for shard in range(job.work.shard_count) if free >> shard & 1]
        first = self.rng.choice((starts[0], self.rng.choice(starts)))
        length = 1
        limit = self.rng.choice((1, 2, 40, 40, 256))
        while length < limit and free >> first + length & 1:
            length += 1
        return first, length

    def _agent(self, operator: Address) -> Address:
        return operator if self.rng.random() < 0.9 else self.rng.choice(DELEGATES)

    def claim(self) -> Step | None:
        found = self._some_batch(BatchStage.TAKEN)
        if found is None or not self._is_worth(self.now <= found[1].until):
            return None
        batch_id, batch = found
        level = self.rng.choice(OUTPUTS).level
        leaves = [self.leaf_for(batch_id, index, level) for index in range(batch.leaf_count)]
        words = [part for leaf in leaves for part in (word(leaf.head), leaf.output_root, leaf.left_root)]
        call = jobs.Claim(batch_id=batch_id, terms=batch.terms, leaves=tuple(map(Bytes32, words)))
        return self._message(self._agent(batch.operator), call)

    def leaf_for(self, batch_id: BatchId, leaf_index: int, level: int) -> Leaf:
        """What the operator claims of one task."""
        del batch_id, leaf_index
        return random_leaf(self.rng, level)

    def release(self) -> Step | None:
        found = self._some_batch(BatchStage.TAKEN)
        if found is None or not self._is_worth(self.now <= found[1].until):
            return None
        batch_id, batch = found
        call = jobs.Release(batch_id=batch_id, terms=batch.terms, items=batch.items)
        return self._message(self._agent(batch.operator), call)

    def expire(self) -> Step | None:
        found = self._some_batch(BatchStage.TAKEN)
        if found is None or not self._is_worth(self.now >= found[1].until):
            return None
        batch_id, batch = found
        call = jobs.Expire(batch_id=batch_id, terms=batch.terms, items=batch.items)
        return self._message(self.rng.choice(PEOPLE), call)

    def finalize(self) -> Step | None:
        found = self._some_batch(BatchStage.CLAIMED)
        if found is None or not self._is_worth(self.now >= found[1].until):
            return None
        batch_id, batch = found
        items = batch.items if self.rng.random() < 0.9 else ()
        call = jobs.Finalize(batch_id=batch_id, terms=batch.terms, items=items)
        return self._message(self.rng.choice(PEOPLE), call)

    def finalize_leaf(self) -> Step | None:
        waiting = [entry for entry in self.world.state.batches.items() if entry[1].held]
        if not waiting:
            return None
        batch_id, batch = self.rng.choice(waiting)
        claim_id = claim_of(batch_id, self._some_bit(batch.held))
        call = jobs.FinalizeLeaf(claim_id=claim_id, terms=batch.terms, items=batch.items)
        return self._message(self.rng.choice(PEOPLE), call)

    def hold(self) -> Step | None:
        """Games are opened while the window runs, and end at any time."""
        batch_id, batch = self._some_batch(BatchStage.CLAIMED, BatchStage.FINAL) or (None, None)
        if batch_id is None or batch is None:
            return None
        held = self.world.open_games(batch_id)
        if batch.stage is BatchStage.CLAIMED and self.now <= batch.until and self.rng.random() < 0.5:
            return Hold(batch_id=batch_id, mask=held | self.rng.getrandbits(batch.leaf_count))
        if not held:
            return None
        return Hold(batch_id=batch_id, mask=held & self.rng.choice((0, self.rng.getrandbits(256))))

    def strike(self) -> Step | None:
        """Disputes strikes a leaf and seizes its bond at once."""
        found = self._some_batch(BatchStage.CLAIMED, BatchStage.FINAL)
        if found is None:
            return None
        batch_id, batch = found
        claim_id = claim_of(batch_id, self.rng.randrange(batch.leaf_count))
        if not is_leaf_standing(self.world.state, claim_id):
            return None
        (share,) = shares(self.world.state, batch, 1 << leaf_of_claim(claim_id))
        call = jobs.Strike(claim_id=claim_id, task_id=share.task_id, bond_wei=share.bond_wei)
        disputes = self.world.state.deployment.disputes
        seize = operators.Seize(operator=batch.operator, batch_id=batch_id, amount_wei=share.bond_wei)
        if self.rng.random() < WRONG_SHARE:
            sender, bond_wei = self.rng.choice(((KEEPER, share.bond_wei), (disputes, share.bond_wei + 1)))
            return self._message(sender, replace(call, bond_wei=bond_wei))
        self.follow_ups.append(self._message(disputes, seize))
        return self._message(disputes, call)

    def supply(self) -> Step | None:
        """The policy has seen a job's data, or another contract says so."""
        is_wrong = self.rng.random() < 0.05
        found = self._some_job(lambda job: is_wrong or not job.is_supplied)
        if found is None:
            return None
        call = assurances.Supply(job_id=found[0], job_digest=found[1].digest)
        return self._message(self._policy(), call)

    def strike_by_policy(self) -> Step | None:
        """The policy strikes a leaf; of another policy, or with an open game, seldom."""
        found = self._some_batch(BatchStage.CLAIMED, BatchStage.FINAL)
        if found is None or not self._is_worth(found[1].policy == TWO_WINDOWS):
            return None
        batch_id, batch = found
        claim_id = claim_of(batch_id, self.rng.randrange(batch.leaf_count))
        is_free = not self.world.open_games(batch_id) >> leaf_of_claim(claim_id) & 1
        if not self._is_worth(is_free and is_leaf_standing(self.world.state, claim_id)):
            return None
        call = assurances.Strike(
            claim_id=claim_id,
            terms=batch.terms,
            proof=proof_of(self.world, claim_id),
            is_seized=self.rng.random() < 0.5,
        )
        return self._message(self._policy(), call)

    def note_audited(self) -> Step | None:
        """The policy has had a batch audited; one of another policy, seldom."""
        found = self._some_batch(BatchStage.CLAIMED, BatchStage.FINAL)
        if found is None or not self._is_worth(found[1].policy == TWO_WINDOWS):
            return None
        return self._message(self._policy(), assurances.NoteAudited(batch_id=found[0]))

    def _policy(self) -> Address:
        return self.world.state.deployment.policies[TWO_WINDOWS].contract

    def _some_batch(self, *stages: BatchStage) -> tuple[BatchId, Batch] | None:
        found = [entry for entry in self.world.state.batches.items() if entry[1].stage in stages]
        return self.rng.choice(found) if found else None

    def _is_worth(self, is_right: bool) -> bool:
        """Whether to make an input that is right, or one that is wrong for once."""
        return is_right or self.rng.random() < 0.05

    def _some_bit(self, mask: int) -> int:
        return self.rng.choice([bit for bit in range(mask.bit_length()) if mask >> bit & 1])

    # --- results ----------------------------------------------------------------------------------

    def write_out(self) -> Step | None:
        found = self._some_batch(BatchStage.FINAL)
        if found is None:
            return None
        batch_id, batch = found
        final = [
            claim_of(batch_id, index)
            for index in range(batch.leaf_count)
            if is_leaf_final(self.world.state, claim_of(batch_id, index))
        ]
        if not final:
            return None
        claim_id = self.rng.choice(final)
        (share,) = shares(self.world.state, batch, 1 << leaf_of_claim(claim_id))
        if not self._is_worth(share.task_id not in self.world.state.outcomes):
            return None
        proof = proof_of(self.world, claim_id)
        call = results.WriteOut(claim_id=claim_id, terms=batch.terms, proof=proof)
        return self._message(self.rng.choice(PEOPLE), call)

    def feed(self) -> Step | None:
        found = self._some_job(lambda job: job.terms.reducer_of != 0)
        if found is None:
            return None
        job_id, job = found
        outcomes = self.world.state.outcomes
        source_id = source_of(job.terms.reducer_of)
        count = self.world.state.jobs[source_id].work.shard_count
        written = [outcomes.get(task_of(source_id, shard)) for shard in range(count)]
        if not self._is_worth(None not in written and not job.is_ready):
            return None
        nodes = tuple(slot_node_of(leaf.output_root) if leaf else ZERO_HASH for leaf in written)
        call = results.Feed(job_id=job_id, work=job.work, terms=job.terms, slot_nodes=nodes)
        return self._message(self.rng.choice(PEOPLE), call)

    def call_back(self) -> Step | None:
        found = self._some_job(lambda job: job.final_count == job.work.shard_count and not job.is_called_back)
        if found is None or not self._is_worth(found[1].terms.consumer != NOBODY):
            return None
        job_id, job = found
        is_contract = job.terms.consumer == self.world.around.consumer
        refuses = not is_contract or job.terms.callback_gas < CONSUMER_GAS or self.rng.random() < 0.3
        stranger = Stranger.REFUSES if refuses else Stranger.WILLING
        call = results.CallBack(job_id=job_id, work=job.work, terms=job.terms)
        return self._message(self.rng.choice(PEOPLE), call, stranger=stranger)

    def withdraw(self) -> Step | None:
        owed = [key for key, amount in self.world.state.credits.items() if amount]
        if not owed:
            return None
        asset, account = self.rng.choice(owed)
        receiver, stranger = self._receiver(account, asset)
        return self._message(account, jobs.Withdraw(asset=asset, receiver=receiver), stranger=stranger)


def _kind(job: Job) -> tuple[object, ...]:
    terms = job.terms
    return terms.asset, terms.policy, terms.parameters_id, terms.window_seconds
