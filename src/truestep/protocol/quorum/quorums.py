"""Committees and what they say: what Quorums does, as functions of values (docs/quorum.md)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32, JobId
from truestep.commitments.keccak import keccak256
from truestep.protocol.quorum.charges import charge_late, charge_lie, compensate
from truestep.protocol.quorum.commitments import COMMITMENT_BITS, commitment_of
from truestep.protocol.quorum.contracts import quorums as contract
from truestep.protocol.quorum.contracts.quorums import (
    Commit,
    CommitMany,
    Confirm,
    Dissent,
    Draw,
    Fail,
    Fund,
    Refund,
    StepIn,
    WithdrawTo,
)
from truestep.protocol.quorum.policy import stretch_of
from truestep.protocol.quorum.rules import (
    FEE_LIMIT_WEI,
    PURSE_LIMIT_WEI,
    TASKS_LIMIT,
    least_fee,
    least_lease,
    load_at,
    most_fee,
    most_lease,
    stretch,
)
from truestep.protocol.quorum.state import SILENT, Links, Load, Purse, Quorums, Seated, Sitting
from truestep.protocol.quorum.turns import (
    Effect,
    QuorumsTurn,
    is_in,
    member_of,
    require_committee,
    reward,
    stated,
)
from truestep.protocol.settlement import policies
from truestep.protocol.settlement.contracts import assurances
from truestep.protocol.settlement.encoding import encode
from truestep.protocol.settlement.ids import NATIVE, NOBODY, Role, unpack_item
from truestep.protocol.settlement.jobs import job_digest
from truestep.protocol.settlement.messages import Message, Stranger
from truestep.protocol.settlement.operators import has_role
from truestep.protocol.settlement.records import Batch, BatchStage, JobTerms, Work
from truestep.protocol.settlement.refusals import Refused, require
from truestep.protocol.settlement.state import Turn, with_entry

# --- jobs -----------------------------------------------------------------------------------------


def fund(turn: QuorumsTurn, call: Fund) -> None:
    """Pay a job's committee, so that it can be drawn (Q2.1)."""
    state, rules, terms, work = turn.state, turn.links.rules, call.terms, call.work
    digest = _require_job(turn, call.job_id, work, terms)
    require(call.job_id not in state.purses, Reject.JOB_FUNDED)
    tasks, value_wei = work.shard_count, turn.life.message.value_wei
    require(tasks <= TASKS_LIMIT, Reject.BATCH_LIMIT)
    speed = turn.life.state.parameters[terms.parameters_id - 1].cycles_per_second
    lease_seconds = least_lease(rules, tasks, work.max_cycles, speed)
    require(terms.lease_seconds >= lease_seconds, Reject.LEASE_SHORT)
    longest_lease = most_lease(rules, turn.links.exit_seconds, terms.window_seconds)
    require(terms.lease_seconds <= longest_lease, Reject.WINDOW_LONG)
    shares = tasks * (rules.seats - 1)
    fee_wei = value_wei // shares
    is_small = fee_wei <= min(FEE_LIMIT_WEI, most_fee(rules, tasks))
    require(is_small and fee_wei >= least_fee(rules, work.max_cycles), Reject.FEE_BOUNDS)
    require(fee_wei * shares <= PURSE_LIMIT_WEI, Reject.FEE_BOUNDS)
    turn.life.receive_coins(turn.links.quorums)
    turn.credit(turn.sender, value_wei - fee_wei * shares)
    purse = Purse(left_wei=fee_wei * shares, fee_wei=fee_wei, tasks=tasks, funded_at=turn.now)
    turn.put_purse(call.job_id, purse)
    turn.events.append(
        contract.Funded(
            job_id=call.job_id, sender=turn.sender, tasks=tasks, fee_wei=fee_wei, purse_wei=fee_wei * shares
        )
    )
    supply = assurances.Supply(job_id=call.job_id, job_digest=digest)
    message = Message(sender=turn.links.quorums, now=turn.now, call=supply)
    inner = Turn(state=turn.life.state, message=message, held=turn.life.held, effects=turn.life.effects)
    policies.supply(inner, supply)
    turn.life.state = inner.state


def _require_job(turn: QuorumsTurn, job_id: JobId, work: Work, terms: JobTerms) -> Bytes32:
    """The digest of a job, which must have this work and these terms."""
    deployment, job = turn.life.state.deployment, turn.life.state.jobs.get(job_id)
    digest = job_digest(deployment.chain_id, deployment.jobs, job_id, work, terms)
    require(job is not None and digest == job.digest, Reject.JOB_OTHER)
    return digest


def draw(turn: QuorumsTurn, call: Draw) -> None:
    """Draw the committee of a job (Q2.2)."""
    purse, rules = turn.state.purses.get(call.job_id), turn.links.rules
    if purse is None or purse.is_closed:
        raise Refused(Reject.JOB_NOT_FUNDED)
    require(call.job_id not in turn.state.committees, Reject.COMMITTEE_DRAWN)
    found = turn.links.seed(purse.funded_at, turn.now)
    if isinstance(found, Reject):
        raise Refused(found)
    digest = turn.life.state.jobs[call.job_id].digest
    seed = keccak256(encode(found, turn.links.quorums, digest))
    members = turn.links.select(rules.pool, seed, rules.seats)
    require(len(members) == rules.seats, Reject.POOL_SHORT)
    seated = Seated(members=members, taker=members[0])
    turn.change(committees=with_entry(turn.state.committees, call.job_id, seated))
    turn.put_purse(call.job_id, replace(purse, turn_at=turn.now))
    load = load_at(rules, turn.state.load, turn.now) + purse.tasks * rules.load_seconds
    turn.change(load=Load(amount=load, at=turn.now))
    turn.events.append(contract.Drawn(job_id=call.job_id, seed=seed, members=members))


def step_in(turn: QuorumsTurn, call: StepIn) -> None:
    """Take over the turn of a leader that has not used it (Q3.2)."""
    rules = turn.links.rules
    require_committee(turn.state, call.job_id, call.members)
    member = member_of(call.members, call.seat)
    require(has_role(turn.life.state, member, turn.sender, Role.TAKE), Reject.NO_ROLE)
    purse, seated = turn.state.purses[call.job_id], turn.state.committees[call.job_id]
    age = turn.now - purse.turn_at
    is_free = not (purse.is_stepped_in or purse.is_open) and age > rules.leader_seconds
    require(is_free, Reject.TURN_OTHER)
    require(age <= rules.leader_seconds + rules.member_seconds, Reject.TURN_OVER)
    turn.put_purse(call.job_id, replace(purse, is_stepped_in=True))
    changed = replace(seated, taker=member)
    turn.change(committees=with_entry(turn.state.committees, call.job_id, changed))
    turn.events.append(contract.SteppedIn(job_id=call.job_id, member=member))


def fail(turn: QuorumsTurn, call: Fail) -> None:
    """Let an operator that has failed take nothing of the job any more, and everybody else at once (Q3.3)."""
    batch = stated(turn, call.batch_id, call.terms, call.committee)
    job_id = unpack_item(call.committee.item).job_id
    require(batch.stage is BatchStage.OVER or batch.struck != 0, Reject.BATCH_NOT_FAILED)
    key = (job_id, batch.operator)
    require(key not in turn.state.failed, Reject.OPERATOR_FAILED)
    turn.change(failed=turn.state.failed | {key})
    turn.put_purse(job_id, replace(turn.state.purses[job_id], is_open=True))
    turn.events.append(contract.Failed(job_id=job_id, operator=batch.operator, batch_id=call.batch_id))


def refund(turn: QuorumsTurn, call: Refund) -> None:
    """Give fees back that nobody can earn any more (Q6.4)."""
    purse = turn.state.purses.get(call.job_id)
    _require_job(turn, call.job_id, call.work, call.terms)
    if purse is None or purse.left_wei == 0:
        raise Refused(Reject.NOTHING_TO_RECLAIM)
    is_drawn = call.job_id in turn.state.committees
    if is_drawn:
        last = turn.life.state.jobs[call.job_id].deadline + call.terms.lease_seconds
        last += call.terms.window_seconds + turn.links.rules.stretch_seconds
        require(turn.now > last, Reject.FEES_EARNABLE)
    else:
        require(turn.sender == call.terms.requester, Reject.NOT_REQUESTER)
    turn.put_purse(call.job_id, replace(purse, left_wei=0, is_closed=purse.is_closed or not is_drawn))
    turn.credit(call.terms.requester, purse.left_wei)
    turn.events.append(
        contract.Refunded(job_id=call.job_id, requester=call.terms.requester, amount_wei=purse.left_wei)
    )


# --- commitments ----------------------------------------------------------------------------------


def commit(turn: QuorumsTurn, call: Commit) -> None:
    """Commit to a result before it is claimed (Q4.1)."""
    batch = _taken(turn, call)
    member = member_of(call.committee.members, call.seat)
    require(has_role(turn.life.state, member, turn.sender, Role.CLAIM), Reject.NO_ROLE)
    _register(turn, call, batch)
    _commit(turn, call, batch, member, call.seat, call.commitment)


def commit_many(turn: QuorumsTurn, call: CommitMany) -> None:
    """Commitments that members have signed (Q4.2)."""
    batch = _taken(turn, call)
    require(bool(call.signed), Reject.SEAT_UNKNOWN)
    _register(turn, call, batch)
    for each in call.signed:
        member = member_of(call.committee.members, each.seat)
        signed = (call.batch_id, call.terms.tasks_root, member, each.commitment, each.signature)
        signer = turn.links.signer(*signed)
        is_own = signer is not None and has_role(turn.life.state, member, signer, Role.CLAIM)
        require(is_own, Reject.COMMITMENT_SIGNATURE)
        _commit(turn, call, batch, member, each.seat, each.commitment)


def _taken(turn: QuorumsTurn, call: Commit | CommitMany) -> Batch:
    batch = stated(turn, call.batch_id, call.terms, call.committee)
    require(batch.stage is BatchStage.TAKEN, Reject.BATCH_STAGE)
    return batch


def _register(turn: QuorumsTurn, call: Commit | CommitMany, batch: Batch) -> None:
    """Keep when a batch was taken and by how much its window grows, at its first commitment (Q7.1)."""
    if call.batch_id in turn.state.sittings:
        return
    terms, rules = call.terms, turn.links.rules
    value_wei = terms.bond_wei + (terms.reward if terms.asset == NATIVE else 0)
    load = load_at(rules, turn.state.load, turn.now)
    sitting = Sitting(
        taken_at=batch.until - terms.lease_seconds, stretch_seconds=stretch(rules, value_wei, load)
    )
    turn.put_sitting(call.batch_id, sitting)


def _commit(
    turn: QuorumsTurn,
    call: Commit | CommitMany,
    batch: Batch,
    member: Address,
    seat: int,
    commitment: int,
) -> None:
    require(member != batch.operator, Reject.OWN_CLAIM)
    require(0 < commitment < 1 << COMMITMENT_BITS, Reject.COMMITMENT_SHAPE)
    key = (call.batch_id, seat)
    require(key not in turn.state.commitments, Reject.SEAT_SPOKEN)
    turn.change(commitments=with_entry(turn.state.commitments, key, commitment))
    stretch_seconds = turn.state.sittings[call.batch_id].stretch_seconds
    turn.events.append(
        contract.Committed(
            batch_id=call.batch_id,
            member=member,
            seat=seat,
            commitment=commitment,
            stretch_seconds=stretch_seconds,
        )
    )


def confirm(turn: QuorumsTurn, call: Confirm) -> None:
    """Show that members have committed to what is claimed; each is paid (Q4.3, Q6.1)."""
    batch = stated(turn, call.batch_id, call.terms, call.committee)
    sitting = turn.state.sittings.get(call.batch_id, SILENT)
    is_standing = batch.stage is BatchStage.CLAIMED and batch.struck == 0
    require(is_standing, Reject.CLAIM_NOT_STANDING)
    _require_window(turn, call, batch)
    require(bool(call.openings), Reject.SEAT_UNKNOWN)
    before, seats = sitting.confirmed, 0
    for each in call.openings:
        member = member_of(call.committee.members, each.seat)
        require(not is_in(before | seats, each.seat), Reject.SEAT_SPOKEN)
        seats |= 1 << each.seat
        expected = commitment_of(member, call.batch_id, call.terms.claims_root, each.salt)
        kept = turn.state.commitments.get((call.batch_id, each.seat))
        require(kept == expected, Reject.COMMITMENT_OTHER)
    supporters = (before | seats).bit_count() + (batch.operator in call.committee.members)
    is_proven = sitting.is_proven or supporters >= turn.links.rules.needed
    turn.put_sitting(call.batch_id, replace(sitting, confirmed=before | seats, is_proven=is_proven))
    paid_wei = reward(turn, call.committee, seats, batch.leaf_count)
    turn.events.append(
        contract.Confirmed(batch_id=call.batch_id, seats=seats, paid_wei=paid_wei, is_proven=is_proven)
    )


def dissent(turn: QuorumsTurn, call: Dissent) -> None:
    """Show that a member has committed to another result than the claimed one (Q4.4)."""
    batch = stated(turn, call.batch_id, call.terms, call.committee)
    sitting = turn.state.sittings.get(call.batch_id, SILENT)
    require(any(call.terms.claims_root), Reject.BATCH_STAGE)
    _require_window(turn, call, batch)
    member = member_of(call.committee.members, call.seat)
    require(not is_in(sitting.dissented, call.seat), Reject.SEAT_SPOKEN)
    require(call.root != call.terms.claims_root, Reject.SEAT_AGREES)
    expected = commitment_of(member, call.batch_id, call.root, call.salt)
    key = (call.batch_id, call.seat)
    require(turn.state.commitments.get(key) == expected, Reject.COMMITMENT_OTHER)
    turn.put_sitting(call.batch_id, replace(sitting, dissented=sitting.dissented | 1 << call.seat))
    turn.change(dissents=with_entry(turn.state.dissents, key, call.root))
    turn.events.append(
        contract.Dissented(batch_id=call.batch_id, member=member, seat=call.seat, root=call.root)
    )


def _require_window(turn: QuorumsTurn, call: Confirm | Dissent, batch: Batch) -> None:
    last = batch.until + stretch_of(turn.state, turn.links.rules, call.batch_id)
    require(turn.now <= last, Reject.WINDOW_OVER)


def withdraw_to(turn: QuorumsTurn, call: WithdrawTo) -> None:
    """Send all that the sender is owed."""
    amount_wei = turn.state.credits.get(turn.sender, 0)
    require(call.receiver != NOBODY, Reject.NO_ADDRESS)
    require(amount_wei != 0, Reject.NOTHING_TO_WITHDRAW)
    turn.change(credits=with_entry(turn.state.credits, turn.sender, 0))
    turn.events.append(contract.Withdrawn(account=turn.sender, receiver=call.receiver, amount_wei=amount_wei))
    require(turn.life.message.stranger is not Stranger.REFUSES, Reject.PAYMENT_REFUSED)
    turn.life.transfer(NATIVE, turn.links.quorums, call.receiver, amount_wei)


HANDLERS: Mapping[type, Callable[[QuorumsTurn, Any], None]] = {
    Fund: fund,
    Draw: draw,
    StepIn: step_in,
    Fail: fail,
    Refund: refund,
    Commit: commit,
    CommitMany: commit_many,
    Confirm: confirm,
    Dissent: dissent,
    contract.Compensate: compensate,
    contract.ChargeLate: charge_late,
    contract.ChargeLie: charge_lie,
    WithdrawTo: withdraw_to,
}


def apply_quorums(state: Quorums, life: Turn, links: Links) -> tuple[Quorums, Any, tuple[Effect, ...]]:
    """The states after a call of Quorums, the message of `life`; raises Refused if nothing changes."""
    is_paid = isinstance(life.message.call, Fund)
    require(is_paid or life.message.value_wei == 0, Reject.WRONG_VALUE)
    turn = QuorumsTurn(state=state, life=life, links=links)
    HANDLERS[type(life.message.call)](turn, life.message.call)
    return turn.state, turn.life.state, (*turn.life.effects, *turn.events)
