"""Calls of Lots (docs/drawn.md)."""

from truestep.base.errors import Reject
from truestep.base.ids import Address, JobId
from truestep.protocol.lots.contracts import lots
from truestep.protocol.lots.policy import UNDRAWN
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.rehearsal import Answer, Caller, Ready, prepared_lots, scope_of
from truestep.protocol.settlement.ids import NOBODY


def offer(facts: Facts, caller: Caller, job_id: JobId, lot_tasks: int) -> Answer:
    """Cut a job into lots of so many tasks, or the usual number if that is 0."""
    known, dealing = facts.jobs.get(job_id), facts.dealing
    if dealing is None:
        return Reject.POLICY_UNKNOWN
    if known is None:
        return Reject.OVER if 0 < job_id <= facts.job_count else Reject.JOB_UNKNOWN
    size = lot_tasks or dealing.rules.lot_tasks
    call = lots.Offer(job_id=job_id, work=known.job.work, terms=known.job.terms, lot_tasks=size)
    return prepared_lots(facts, caller, scope_of(facts, jobs=[job_id]), call)


def draw(facts: Facts, caller: Caller, job_id: JobId, shards: tuple[int, ...]) -> Answer:
    """Draw lots, each named by a free shard. Whether there is a seed now, only the chain knows."""
    offered, known = facts.offers.get(job_id), facts.jobs.get(job_id)
    if known is None and 0 < job_id <= facts.job_count:
        return Reject.OVER
    if offered is None or known is None:
        return Reject.JOB_NOT_OFFERED
    if caller.now >= known.job.deadline:
        return Reject.DEADLINE_OVER
    for shard in shards:
        lot = facts.lots.get((job_id, offered.lot_of(shard)), UNDRAWN)
        if lot.holder == NOBODY and not lot.is_open and not known.job.busy >> shard & 1:
            return Ready(call=lots.Draw(job_id=job_id, shards=shards))
    return Reject.LOT_NOT_WAITING


def decline(
    facts: Facts, caller: Caller, operator: Address, job_id: JobId, shards: tuple[int, ...]
) -> Answer:
    """Give up lots, each named by a free shard."""
    known = facts.jobs.get(job_id)
    if known is None:
        return Reject.OVER if 0 < job_id <= facts.job_count else Reject.JOB_UNKNOWN
    call = lots.Decline(operator=operator, job_id=job_id, job_digest=known.job.digest, shards=shards)
    return prepared_lots(facts, caller, scope_of(facts, jobs=[job_id]), call)


def end_turn(facts: Facts, caller: Caller, job_id: JobId, shard: int) -> Answer:
    """Let a lot be drawn again of which a shard is free when its turn is over."""
    call = lots.EndTurn(job_id=job_id, shard=shard)
    return prepared_lots(facts, caller, scope_of(facts, jobs=[job_id]), call)


def withdraw(facts: Facts, receiver: Address) -> Answer:
    """Take what Lots owes the caller. How much that is, facts do not say."""
    if facts.dealing is None:
        return Reject.POLICY_UNKNOWN
    return Ready(call=lots.WithdrawTo(receiver=receiver))
