"""Fees, and who audits what (docs/audits.md U2, U3, U7)."""

from dataclasses import replace

from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32, JobId
from truestep.protocol.audits.contracts import audits as contract
from truestep.protocol.audits.contracts.audits import (
    Appoint,
    Certify,
    Close,
    Draw,
    Ending,
    Fund,
    Prepare,
    Refund,
    Stage,
    WithdrawTo,
)
from truestep.protocol.audits.rules import WORK_LIMIT_SECONDS, audit_fee_wei, pledged_seconds, work_seconds
from truestep.protocol.audits.state import Audit, AuditedBatch, JobFund, Load
from truestep.protocol.audits.statements import (
    NO_HASH,
    batch_thing,
    drawn_leaves,
    seat_thing,
    seed_of,
    task_key,
)
from truestep.protocol.audits.turn import (
    VACANCIES,
    AuditsTurn,
    end,
    is_pending,
    keep,
    load,
    penalty_wei,
    require_own,
    require_role,
    require_stage,
    round_seed,
    standing,
    stands,
    supply,
)
from truestep.protocol.settlement.batches import is_leaf_final
from truestep.protocol.settlement.claims import check_leaf
from truestep.protocol.settlement.contracts import assurances
from truestep.protocol.settlement.encoding import hash_struct
from truestep.protocol.settlement.ids import NATIVE, NOBODY, batch_of_claim, leaf_of_claim
from truestep.protocol.settlement.jobs import job_digest
from truestep.protocol.settlement.messages import Stranger
from truestep.protocol.settlement.parameters import BPS
from truestep.protocol.settlement.records import BatchStage, JobTerms, Work
from truestep.protocol.settlement.refusals import Refused, require
from truestep.protocol.settlement.state import with_entry

TRIES = 6
"""Members that are drawn for one seat, before the draw is given up because all of them are busy."""


def fund(turn: AuditsTurn, call: Fund) -> None:
    """Pay a job's audits ahead, for every shard (U2.1)."""
    life, rules, value_wei = turn.life.state, turn.state.rules, turn.life.message.value_wei
    digest = _digest(turn, call.job_id, call.work, call.terms)
    require(0 < call.terms.parameters_id <= len(life.parameters), Reject.PARAMETERS_UNKNOWN)
    parameters = life.parameters[call.terms.parameters_id - 1]
    seconds = work_seconds(rules, parameters, call.work)
    is_pledged = pledged_seconds(rules, seconds) <= turn.links.exit_seconds
    require(seconds <= WORK_LIMIT_SECONDS and is_pledged, Reject.AUDIT_TOO_LONG)
    fee_wei = audit_fee_wei(rules, call.work.max_cycles)
    bond_wei = parameters.operator_bond_wei * call.terms.bond_multiple
    require(bond_wei * parameters.lease_penalty_bps // BPS >= 2 * fee_wei, Reject.AUDIT_BOND)
    require(value_wei == fee_wei * call.work.shard_count, Reject.WRONG_VALUE)
    turn.life.receive_coins(turn.links.audits)
    turn.put_fund(call.job_id, JobFund(fee_wei=fee_wei, left_wei=value_wei))
    turn.events.append(
        contract.Funded(job_id=call.job_id, payer=turn.sender, fee_wei=fee_wei, amount_wei=value_wei)
    )
    supply(turn, assurances.Supply(job_id=call.job_id, job_digest=digest))


def refund(turn: AuditsTurn, call: Refund) -> None:
    """Credit the requester with what no audit has used, once none can be drawn any more (U2.3)."""
    job = turn.life.state.jobs.get(call.job_id)
    if job is None or _digest(turn, call.job_id, call.work, call.terms) != job.digest:
        raise Refused(Reject.JOB_OTHER)
    last = job.deadline + call.terms.lease_seconds + call.terms.window_seconds
    require(turn.now > last + turn.state.rules.draw_seconds, Reject.FEES_NEEDED)
    found = turn.state.funds.get(call.job_id, JobFund(fee_wei=0, left_wei=0))
    require(found.left_wei != 0, Reject.NOTHING_TO_WITHDRAW)
    turn.put_fund(call.job_id, replace(found, left_wei=0))
    turn.credit(call.terms.requester, found.left_wei)
    turn.events.append(
        contract.Refunded(job_id=call.job_id, requester=call.terms.requester, amount_wei=found.left_wei)
    )


def _digest(turn: AuditsTurn, job_id: JobId, work: Work, terms: JobTerms) -> Bytes32:
    deployment = turn.life.state.deployment
    return job_digest(deployment.chain_id, deployment.jobs, job_id, work, terms)


# --- draws ----------------------------------------------------------------------------------------


def prepare(turn: AuditsTurn, call: Prepare) -> None:
    """Commit to the salts that decide which statements carry an error, before the claim (U3.1)."""
    batch = turn.life.state.batches.get(call.batch_id)
    if batch is None or batch.stage is not BatchStage.TAKEN:
        raise Refused(Reject.BATCH_STAGE)
    require_own(turn, batch)
    require(call.terms == batch.terms, Reject.BATCH_TERMS_OTHER)
    require_role(turn, batch.operator)
    require(call.batch_id not in turn.state.batches, Reject.BATCH_PREPARED)
    require(call.traps != NO_HASH, Reject.TRAPS_PROOF)
    turn.put_batch(call.batch_id, AuditedBatch(traps=call.traps))
    turn.events.append(contract.Prepared(batch_id=call.batch_id, traps=call.traps))


def draw(turn: AuditsTurn, call: Draw) -> None:
    """Decide which leaves of a batch are audited (U3.2)."""
    batch_id, rules = call.batch_id, turn.state.rules
    batch = turn.life.state.batches.get(batch_id)
    if batch is None or batch.stage is not BatchStage.CLAIMED:
        raise Refused(Reject.CLAIM_NOT_STANDING)
    require_own(turn, batch)
    require(call.terms == batch.terms, Reject.BATCH_TERMS_OTHER)
    found = turn.state.batches.get(batch_id)
    if found is None:
        raise Refused(Reject.BATCH_NOT_PREPARED)
    require(found.seed is None, Reject.BATCH_DRAWN)
    open_until = batch.until + rules.draw_seconds
    require(turn.now <= open_until, Reject.DRAW_LATE)
    since = batch.until - call.terms.window_seconds
    seed = seed_of(round_seed(turn, since), turn.links.audits, batch_thing(batch_id))
    leaves = drawn_leaves(seed, rules.rate_bps, batch.leaf_count) & ~batch.struck
    drawn = replace(found, since=since, seed=seed, open_until=open_until, pending=leaves)
    turn.put_batch(batch_id, drawn)
    turn.events.append(contract.Drawn(batch_id=batch_id, seed=seed, leaves=leaves, open_until=open_until))


def appoint(turn: AuditsTurn, call: Appoint) -> None:
    """Draw the auditor of a claim, or another one; a claim that says what is certified needs none (U3.3)."""
    claim_id, batch_id, rules = call.claim_id, batch_of_claim(call.claim_id), turn.state.rules
    batch, audit = standing(turn, claim_id)
    task_id = check_leaf(turn.life.state, claim_id, call.terms, call.proof)
    found, since = turn.state.batches[batch_id], audit.time
    if audit.stage is Stage.NONE:
        certified = turn.state.certificates.get(task_key(call.proof.work, task_id))
        if certified == hash_struct(call.proof.leaf):
            turn.put_batch(batch_id, replace(found, pending=found.pending ^ 1 << leaf_of_claim(claim_id)))
            turn.events.append(contract.Excused(claim_id=claim_id, task_id=task_id))
            return
        require(turn.now <= batch.until + rules.draw_seconds, Reject.DRAW_LATE)
        since, job_id = found.since, JobId(task_id >> 32)
        parameters = turn.life.state.parameters[batch.parameters_id - 1]
        seconds = work_seconds(rules, parameters, call.proof.work)
        audit = replace(audit, job_id=job_id, work_seconds=seconds)
        paid = turn.state.funds[job_id]
        require(paid.left_wei >= paid.fee_wei, Reject.FEES_USED)
        turn.put_fund(job_id, replace(paid, left_wei=paid.left_wei - paid.fee_wei))
    else:
        require(audit.stage in VACANCIES, Reject.SEATS_TAKEN)
        require(turn.now <= audit.time + rules.draw_seconds, Reject.DRAW_LATE)
    thing = seat_thing(claim_id, call.terms, audit.seats)
    seed = seed_of(round_seed(turn, since), turn.links.audits, thing)
    auditor = _free_auditor(turn, seed, batch.operator, audit)
    load(turn, auditor, audit.job_id, 1)
    until = turn.now + audit.work_seconds
    audit = replace(audit, seats=audit.seats + 1, time=until, seed=seed)
    if audit.stage is Stage.CONTESTED:
        audit = replace(audit, stage=Stage.PANEL_COMMIT, second=auditor)
    else:
        audit = replace(audit, stage=Stage.COMMIT, auditor=auditor)
    keep(turn, claim_id, audit)
    turn.events.append(
        contract.Appointed(
            claim_id=claim_id,
            task_id=task_id,
            auditor=auditor,
            stage=audit.stage,
            seed=seed,
            until=audit.time,
        )
    )


def _free_auditor(turn: AuditsTurn, seed: Bytes32, operator: Address, audit: Audit) -> Address:
    """Who is drawn, but for the busy, those that could not pay, and who has failed in the job (U3.3)."""
    rules, links = turn.state.rules, turn.links
    excluded = [operator, audit.auditor] if audit.auditor != NOBODY else [operator]
    due_wei = penalty_wei(turn.state, audit.job_id)
    for _ in range(TRIES):
        drawn = links.select(rules.pool, seed, tuple(excluded))
        if drawn is None:
            break
        found = turn.state.loads.get(drawn, Load())
        can_pay = links.pledge_of(rules.pool, drawn) >= found.penalties_wei + due_wei
        has_failed = (audit.job_id, drawn) in turn.state.failed
        if found.count < rules.load and can_pay and not has_failed:
            return drawn
        excluded.append(drawn)
    raise Refused(Reject.AUDITORS_BUSY)


def close(turn: AuditsTurn, call: Close) -> None:
    """End an audit for which nobody was drawn in time, or whose claim does not stand any more (U3.5)."""
    claim_id = call.claim_id
    require(is_pending(turn.state, claim_id), Reject.NOT_AUDITED)
    batch = turn.life.state.batches[batch_of_claim(claim_id)]
    audit = turn.state.audits.get(claim_id, Audit())
    is_struck = not stands(batch, claim_id)
    if not is_struck:
        require_stage(audit.stage in (Stage.NONE, *VACANCIES))
        since = batch.until if audit.stage is Stage.NONE else audit.time
        require(turn.now > since + turn.state.rules.draw_seconds, Reject.STAGE_RUNS)
    end(turn, claim_id, audit, Ending.STRUCK if is_struck else Ending.LAPSED)


def certify(turn: AuditsTurn, call: Certify) -> None:
    """Keep a final result that an audit has confirmed, so that it is not audited again (U7.1)."""
    claim_id, life = call.claim_id, turn.life.state
    found = turn.state.batches.get(batch_of_claim(claim_id))
    is_confirmed = found is not None and found.confirmed >> leaf_of_claim(claim_id) & 1
    require(bool(is_confirmed), Reject.NOT_CONFIRMED)
    require(is_leaf_final(life, claim_id), Reject.LEAF_NOT_FINAL)
    task_id = check_leaf(life, claim_id, call.terms, call.proof)
    task, leaf = task_key(call.proof.work, task_id), hash_struct(call.proof.leaf)
    require(task not in turn.state.certificates, Reject.TASK_CERTIFIED)
    turn.change(certificates=with_entry(turn.state.certificates, task, leaf))
    turn.events.append(contract.Certified(task=task, claim_id=claim_id, leaf=leaf))


def withdraw_to(turn: AuditsTurn, call: WithdrawTo) -> None:
    """Send all that the sender is owed."""
    amount_wei = turn.state.credits.get(turn.sender, 0)
    require(call.receiver != NOBODY, Reject.NO_ADDRESS)
    require(amount_wei != 0, Reject.NOTHING_TO_WITHDRAW)
    turn.change(credits=with_entry(turn.state.credits, turn.sender, 0))
    turn.events.append(contract.Withdrawn(account=turn.sender, receiver=call.receiver, amount_wei=amount_wei))
    require(turn.life.message.stranger is not Stranger.REFUSES, Reject.PAYMENT_REFUSED)
    turn.life.transfer(NATIVE, turn.links.audits, call.receiver, amount_wei)
