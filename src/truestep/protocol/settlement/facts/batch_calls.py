"""Calls of operators and keepers: what concerns batches."""

from collections.abc import Sequence
from dataclasses import dataclass

from truestep.base.errors import Reject
from truestep.base.ids import Address, BatchId, JobId
from truestep.machine.state import Status
from truestep.protocol.claims import ClaimedState
from truestep.protocol.settlement.claims import inner_root, is_refuted
from truestep.protocol.settlement.contracts import jobs
from truestep.protocol.settlement.facts.leaves import leaf_of_state, words_of
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.rehearsal import (
    Answer,
    Caller,
    Scope,
    prepared,
    scope_of,
)
from truestep.protocol.settlement.ids import Item, LeafId, batch_of_claim, unpack_item
from truestep.protocol.settlement.records import Leaf
from truestep.protocol.settlement.trees import tasks_root


@dataclass(frozen=True, slots=True, kw_only=True)
class Shards:
    """A range of shards of a job."""

    job_id: JobId
    first_shard: int
    count: int


def items_for(ranges: Sequence[Shards]) -> list[Item]:
    """The items of a batch of these tasks, in this order."""
    items: list[Item] = []
    offset = 0
    for shards in ranges:
        first, count = shards.first_shard, shards.count
        items.append(Item(job_id=shards.job_id, first_shard=first, count=count, offset=offset))
        offset += count
    return items


def take(
    facts: Facts,
    caller: Caller,
    operator: Address,
    ranges: Sequence[Shards],
    *,
    min_reward: int | None = None,
    min_until: int | None = None,
) -> Answer:
    """Lease tasks for an operator as one batch, for no less than they earn and no less long than now."""
    items = items_for(ranges)
    for item in items:
        if item.job_id not in facts.jobs:
            return Reject.OVER if 0 < item.job_id <= facts.job_count else Reject.JOB_UNKNOWN
    if not items:
        return Reject.BATCH_EMPTY
    known = {item.job_id: facts.jobs[item.job_id].job for item in items}
    reward = sum(known[item.job_id].reward * item.count for item in items)
    until = min(min(caller.now + job.terms.lease_seconds, job.deadline) for job in known.values())
    call = jobs.Take(
        operator=operator,
        items=tuple(item.pack() for item in items),
        tasks_root=tasks_root((item.pack(), known[item.job_id].digest) for item in items),
        min_reward=reward if min_reward is None else min_reward,
        min_until=until if min_until is None else min_until,
    )
    return prepared(facts, caller, Scope(jobs=frozenset(known)), call)


def claim(facts: Facts, caller: Caller, batch_id: BatchId, states: Sequence[ClaimedState]) -> Answer:
    """Claim the final states of a batch's tasks, in order. Refuses what would be false by itself."""
    known = facts.batches.get(batch_id)
    leaves = [leaf_of_state(state) for state in states]
    if known is not None and len(states) == known.batch.leaf_count:
        for item in map(unpack_item, known.batch.items):
            work = facts.jobs[item.job_id].job.work
            for leaf_index in range(item.offset, item.offset + item.count):
                state = states[leaf_index]
                if is_refuted(work, leaves[leaf_index], b""):
                    return Reject.LEAF_SHAPE
                is_own = state.inner_root == inner_root(item.task(leaf_index), work)
                if state.status is not Status.RUNNING and not is_own:
                    return Reject.CLAIM_OTHER_JOB
    return claim_leaves(facts, caller, batch_id, leaves)


def claim_leaves(facts: Facts, caller: Caller, batch_id: BatchId, leaves: Sequence[Leaf]) -> Answer:
    """Claim leaves, whatever they say."""
    known = facts.batches.get(batch_id)
    if known is None:
        return Reject.BATCH_STAGE
    call = jobs.Claim(batch_id=batch_id, terms=known.batch.terms, leaves=words_of(leaves))
    return prepared(facts, caller, scope_of(facts, batch_id), call)


def release(facts: Facts, caller: Caller, batch_id: BatchId) -> Answer:
    """Give a lease back before it ends."""
    known = facts.batches.get(batch_id)
    if known is None:
        return Reject.BATCH_STAGE
    call = jobs.Release(batch_id=batch_id, terms=known.batch.terms, items=known.batch.items)
    return prepared(facts, caller, scope_of(facts, batch_id), call)


def expire(facts: Facts, caller: Caller, batch_id: BatchId) -> Answer:
    """End a batch whose lease was missed."""
    known = facts.batches.get(batch_id)
    if known is None:
        return Reject.BATCH_STAGE
    call = jobs.Expire(batch_id=batch_id, terms=known.batch.terms, items=known.batch.items)
    return prepared(facts, caller, scope_of(facts, batch_id), call)


def finalize(facts: Facts, caller: Caller, batch_id: BatchId) -> Answer:
    """End a batch that is due. Its items go along only if a leaf is held."""
    known = facts.batches.get(batch_id)
    if known is None:
        return Reject.BATCH_STAGE
    if known.batch.policy not in facts.deployment.policies:
        return Reject.POLICY_UNKNOWN
    call = jobs.Finalize(batch_id=batch_id, terms=known.batch.terms, items=())
    scope = scope_of(facts, batch_id)
    answer = prepared(facts, caller, scope, call)
    if answer is not Reject.ITEMS_OTHER:
        return answer
    with_items = jobs.Finalize(batch_id=batch_id, terms=known.batch.terms, items=known.batch.items)
    return prepared(facts, caller, scope, with_items)


def finalize_leaf(facts: Facts, caller: Caller, claim_id: LeafId) -> Answer:
    """Finalize a leaf that was held when its batch ended."""
    batch_id = batch_of_claim(claim_id)
    known = facts.batches.get(batch_id)
    if known is None:
        return Reject.OVER if 0 < batch_id <= facts.batch_count else Reject.BATCH_STAGE
    if known.batch.policy not in facts.deployment.policies:
        return Reject.POLICY_UNKNOWN
    call = jobs.FinalizeLeaf(claim_id=claim_id, terms=known.batch.terms, items=known.batch.items)
    return prepared(facts, caller, scope_of(facts, batch_id), call)
