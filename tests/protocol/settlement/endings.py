"""The steps that end everything, so that everybody has its coins."""

from __future__ import annotations

from collections.abc import Iterator

from tests.protocol.settlement.schedule import Schedule
from tests.protocol.settlement.world import HOUR_SECONDS, KEEPER, Hold, Step, World, free_shards
from truestep.protocol.settlement.contracts import jobs, operators
from truestep.protocol.settlement.ids import BATCH_LIMIT, claim_of
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.records import BatchStage


def wind_down(schedule: Schedule) -> Iterator[Step]:
    """What is left to do after a schedule, long after its last deadline. Nothing of it may be refused."""
    world = schedule.world
    yield from schedule.follow_ups
    schedule.follow_ups.clear()
    state = world.state
    ends = [batch.until for batch in state.batches.values()]
    ends += [job.deadline for job in state.jobs.values()] + [state.stopped_until]
    now = max([schedule.now, *ends]) + 3 * HOUR_SECONDS
    for batch_id in world.held:
        yield Hold(batch_id=batch_id, mask=0)
    yield from _end_batches(world, now)
    yield from _cancel_jobs(world, now)
    for (asset, account), amount in world.state.credits.items():
        if amount:
            call = jobs.Withdraw(asset=asset, receiver=account)
            yield Message(sender=account, now=now, call=call)
    for operator, stake in world.state.stakes.items():
        if stake.stake_wei:
            call = operators.WithdrawTo(receiver=operator, amount_wei=stake.stake_wei)
            yield Message(sender=operator, now=now, call=call)


def _end_batches(world: World, now: int) -> Iterator[Step]:
    for batch_id, batch in world.state.batches.items():
        if batch.stage is BatchStage.TAKEN:
            call = jobs.Expire(batch_id=batch_id, terms=batch.terms, items=batch.items)
            yield Message(sender=KEEPER, now=now, call=call)
        elif batch.stage is BatchStage.CLAIMED:
            finalize = jobs.Finalize(batch_id=batch_id, terms=batch.terms, items=())
            yield Message(sender=KEEPER, now=now, call=finalize)
    for batch_id, batch in world.state.batches.items():
        for leaf_index in range(batch.held.bit_length()):
            if batch.held >> leaf_index & 1:
                claim_id = claim_of(batch_id, leaf_index)
                leaf = jobs.FinalizeLeaf(claim_id=claim_id, terms=batch.terms, items=batch.items)
                yield Message(sender=KEEPER, now=now, call=leaf)


def _cancel_jobs(world: World, now: int) -> Iterator[Step]:
    for job_id, job in world.state.jobs.items():
        free = [shard for shard in range(job.work.shard_count) if free_shards(job) >> shard & 1]
        for start in range(0, len(free), BATCH_LIMIT):
            shards = tuple(free[start : start + BATCH_LIMIT])
            call = jobs.Cancel(job_id=job_id, work=job.work, terms=job.terms, shards=shards)
            yield Message(sender=KEEPER, now=now, call=call)
