"""Calls of requesters, consumers and stakeholders: what concerns jobs, results and coins."""

from collections.abc import Sequence

from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32, JobId, task_of
from truestep.protocol.settlement.contracts import jobs, operators, programs, results
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.rehearsal import Answer, Caller, Scope, prepared, scope_of
from truestep.protocol.settlement.facts.views import leaf_proof
from truestep.protocol.settlement.ids import NATIVE, LeafId, batch_of_claim
from truestep.protocol.settlement.jobs import source_of
from truestep.protocol.settlement.records import Order
from truestep.protocol.settlement.refusals import Refused

# --- jobs -----------------------------------------------------------------------------------------


def register(facts: Facts, caller: Caller, program: programs.Register) -> Answer:
    """Register a program."""
    return prepared(facts, caller, Scope(), program)


def post(facts: Facts, caller: Caller, order: Order) -> Answer:
    """Order a job. A token must have been allowed to Jobs before. `OVER` for a reducer of what is over."""
    value_wei = order.reward * order.shard_count if order.asset == NATIVE else 0
    source = {source_of(order.reducer_of)} if order.reducer_of else set[JobId]()
    return prepared(facts, caller, Scope(jobs=frozenset(source)), jobs.Post(order=order), value_wei)


def top_up(facts: Facts, caller: Caller, job_id: JobId, reward: int) -> Answer:
    """Let every shard of a job earn more, while none is busy."""
    known = facts.jobs.get(job_id)
    if known is None:
        return unknown_job(facts, job_id, Reject.JOB_UNKNOWN)
    job = known.job
    value_wei = reward * job.work.shard_count if job.terms.asset == NATIVE else 0
    call = jobs.TopUp(job_id=job_id, job_digest=job.digest, reward=reward)
    return prepared(facts, caller, Scope(jobs=frozenset({job_id})), call, value_wei)


def close(facts: Facts, caller: Caller, job_id: JobId) -> Answer:
    """Let nobody take a shard of the caller's job any more."""
    known = facts.jobs.get(job_id)
    if known is None:
        return unknown_job(facts, job_id, Reject.JOB_UNKNOWN)
    call = jobs.Close(job_id=job_id, work=known.job.work, terms=known.job.terms)
    return prepared(facts, caller, Scope(jobs=frozenset({job_id})), call)


def cancel(facts: Facts, caller: Caller, job_id: JobId, shards: Sequence[int]) -> Answer:
    """Refund shards that nobody has taken."""
    known = facts.jobs.get(job_id)
    if known is None:
        return unknown_job(facts, job_id, Reject.JOB_UNKNOWN)
    work, terms = known.job.work, known.job.terms
    call = jobs.Cancel(job_id=job_id, work=work, terms=terms, shards=tuple(shards))
    return prepared(facts, caller, Scope(jobs=frozenset({job_id})), call)


def unknown_job(facts: Facts, job_id: JobId, reason: Reject) -> Reject:
    """Why a call cannot be made on a job that is not in the facts."""
    return Reject.OVER if 0 < job_id <= facts.job_count else reason


# --- results --------------------------------------------------------------------------------------


def write_out(facts: Facts, caller: Caller, claim_id: LeafId) -> Answer:
    """Write a final leaf out, for those that cannot carry proofs. `OVER` if it was not kept for that."""
    batch_id = batch_of_claim(claim_id)
    known = facts.batches.get(batch_id)
    is_over = 0 < batch_id <= facts.batch_count and known is None
    try:
        proof = leaf_proof(facts, claim_id, Reject.OVER if is_over else Reject.LEAF_NOT_FINAL)
    except Refused as refused:
        return refused.reason
    terms = facts.batches[batch_id].batch.terms
    call = results.WriteOut(claim_id=claim_id, terms=terms, proof=proof)
    return prepared(facts, caller, scope_of(facts, batch_id), call)


def feed(facts: Facts, caller: Caller, job_id: JobId, slot_nodes: Sequence[Bytes32]) -> Answer:
    """Give a reducer the outputs of its job, or refund it. The nodes are those of the slots (S4.9)."""
    known = facts.jobs.get(job_id)
    if known is None:
        return unknown_job(facts, job_id, Reject.JOB_OTHER)
    work, terms = known.job.work, known.job.terms
    call = results.Feed(job_id=job_id, work=work, terms=terms, slot_nodes=tuple(slot_nodes))
    source_id = source_of(terms.reducer_of)
    scope = Scope(jobs=frozenset({job_id, source_id} if terms.reducer_of else {job_id}))
    answer = prepared(facts, caller, scope, call)
    return Reject.OVER if answer is Reject.NOT_WRITTEN_OUT and _forgot(facts, source_id) else answer


def _forgot(facts: Facts, job_id: JobId) -> bool:
    """Whether results of a job were written out when nobody wanted them."""
    job = facts.jobs[job_id].job
    shards = range(job.work.shard_count)
    return job.final_count > sum(task_of(job_id, shard) in facts.outcomes for shard in shards)


def call_back(facts: Facts, caller: Caller, job_id: JobId) -> Answer:
    """Tell a job's consumer that all its shards are written out."""
    known = facts.jobs.get(job_id)
    if known is None:
        return unknown_job(facts, job_id, Reject.JOB_OTHER)
    call = results.CallBack(job_id=job_id, work=known.job.work, terms=known.job.terms)
    return prepared(facts, caller, Scope(jobs=frozenset({job_id})), call)


# --- coins ----------------------------------------------------------------------------------------


def withdraw(facts: Facts, caller: Caller, asset: Address, receiver: Address) -> Answer:
    """Take what Jobs owes the caller of an asset."""
    return prepared(facts, caller, Scope(), jobs.Withdraw(asset=asset, receiver=receiver))


def deposit_for(facts: Facts, caller: Caller, operator: Address, amount_wei: int) -> Answer:
    """Add to an operator's stake."""
    return prepared(facts, caller, Scope(), operators.DepositFor(operator=operator), amount_wei)


def withdraw_stake(facts: Facts, caller: Caller, receiver: Address, amount_wei: int) -> Answer:
    """Take free stake of the caller."""
    call = operators.WithdrawTo(receiver=receiver, amount_wei=amount_wei)
    return prepared(facts, caller, Scope(), call)


def set_delegate(facts: Facts, caller: Caller, delegate: Address, roles: int) -> Answer:
    """Give a delegate of the caller its roles."""
    return prepared(facts, caller, Scope(), operators.SetDelegate(delegate=delegate, roles=roles))
