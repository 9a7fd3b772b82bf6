"""What members lose that did not do their part, and what others get for it (docs/quorum.md Q5, Q6)."""

from dataclasses import replace

from truestep.base.errors import Reject
from truestep.base.ids import Address, BatchId, Bytes32, TaskId, job_of_task
from truestep.commitments.merkle import climb
from truestep.protocol.quorum.contracts import quorums as contract
from truestep.protocol.quorum.contracts.quorums import ChargeLate, ChargeLie, Compensate, Said
from truestep.protocol.quorum.rules import TELLER_BPS
from truestep.protocol.quorum.state import SILENT
from truestep.protocol.quorum.turns import (
    QuorumsTurn,
    is_in,
    member_of,
    require_committee,
    reward,
    stated,
)
from truestep.protocol.settlement.batches import is_leaf_final
from truestep.protocol.settlement.encoding import hash_struct
from truestep.protocol.settlement.ids import NATIVE, batch_of_claim, job_of_item, leaf_of_claim, unpack_item
from truestep.protocol.settlement.parameters import BPS
from truestep.protocol.settlement.records import BatchStage
from truestep.protocol.settlement.refusals import Refused, require
from truestep.protocol.settlement.trees import item_leaf


def compensate(turn: QuorumsTurn, call: Compensate) -> None:
    """Pay a quorum that had the same other result than a claim that fell (Q6.2)."""
    batch = stated(turn, call.batch_id, call.terms, call.committee)
    require(batch.struck != 0, Reject.CLAIM_STANDS)
    sitting, found = turn.state.sittings.get(call.batch_id, SILENT), 0
    dissents = turn.state.dissents
    for seat in call.seats:
        member_of(call.committee.members, seat)
        require(is_in(sitting.dissented, seat), Reject.SEAT_NO_DISSENT)
        require(not is_in(sitting.compensated | found, seat), Reject.SEAT_SPOKEN)
        first = dissents[call.batch_id, call.seats[0]]
        require(dissents[call.batch_id, seat] == first, Reject.RESULTS_DIFFER)
        found |= 1 << seat
    require(found.bit_count() >= turn.links.rules.needed, Reject.QUORUM_MISSED)
    turn.put_sitting(call.batch_id, replace(sitting, compensated=sitting.compensated | found))
    paid_wei = reward(turn, call.committee, found, batch.leaf_count)
    turn.events.append(contract.Compensated(batch_id=call.batch_id, seats=found, paid_wei=paid_wei))


def charge_late(turn: QuorumsTurn, call: ChargeLate) -> None:
    """Take the penalty of a member that has not confirmed what nobody has beaten (Q5.1)."""
    batch = stated(turn, call.batch_id, call.terms, call.committee)
    sitting = turn.state.sittings.get(call.batch_id, SILENT)
    require(sitting.is_proven, Reject.CLAIM_NOT_PROVEN)
    is_final = batch.stage is BatchStage.FINAL and batch.struck == 0
    require(is_final and turn.life.held(call.batch_id) == 0, Reject.HOLD_UNDECIDED)
    member = member_of(call.committee.members, call.seat)
    require(member != batch.operator, Reject.OWN_CLAIM)
    require(not is_in(sitting.confirmed | sitting.charged, call.seat), Reject.SEAT_SPOKEN)
    if (call.batch_id, call.seat) not in turn.state.commitments:
        claimed_at = batch.until - call.terms.window_seconds
        job = turn.life.state.jobs[job_of_item(call.committee.item)]
        had_seconds = job.terms.lease_seconds // 2
        require(claimed_at >= sitting.taken_at + had_seconds, Reject.MEMBER_NO_TIME)
    _charge(turn, call.batch_id, member, call.seat, is_lie=False)


def charge_lie(turn: QuorumsTurn, call: ChargeLie) -> None:
    """Take the penalty of a member that has confirmed what its task's result shows to be false (Q5.2)."""
    task_id = _checked(turn, call.lie, call.job_digest)
    require(_checked(turn, call.result, call.job_digest) == task_id, Reject.LEAF_OTHER_TASK)
    require(is_leaf_final(turn.life.state, call.result.claim_id), Reject.LEAF_NOT_FINAL)
    require(call.lie.leaf != call.result.leaf, Reject.CLAIM_TRUE)
    require_committee(turn.state, job_of_task(task_id), call.members)
    member = member_of(call.members, call.seat)
    batch_id = batch_of_claim(call.lie.claim_id)
    sitting = turn.state.sittings.get(batch_id, SILENT)
    require(is_in(sitting.confirmed, call.seat), Reject.SEAT_UNKNOWN)
    require(not is_in(sitting.charged, call.seat), Reject.SEAT_SPOKEN)
    _charge(turn, batch_id, member, call.seat, is_lie=True)


def _checked(turn: QuorumsTurn, said: Said, job_digest: Bytes32) -> TaskId:
    """The task of a claim of a batch of one item, of this job. Says nothing about the batch's stage."""
    batch = turn.life.state.batches.get(batch_of_claim(said.claim_id))
    if batch is None or said.terms != batch.terms:
        raise Refused(Reject.BATCH_TERMS_OTHER)
    require(item_leaf(said.item, job_digest) == said.terms.tasks_root, Reject.ITEM_PROOF)
    leaf_index = leaf_of_claim(said.claim_id)
    root = climb(hash_struct(said.leaf), leaf_index, said.leaf_path)
    require(root == said.terms.claims_root, Reject.LEAF_PROOF)
    item = unpack_item(said.item)
    require(item.has_leaf(leaf_index), Reject.ITEM_OTHER_LEAF)
    return item.task(leaf_index)


def _charge(turn: QuorumsTurn, batch_id: BatchId, member: Address, seat: int, *, is_lie: bool) -> None:
    """Take a part of a pledge: a tenth for whoever has it taken, the rest is burned (Q5.3)."""
    sitting, rules = turn.state.sittings[batch_id], turn.links.rules
    turn.put_sitting(batch_id, replace(sitting, charged=sitting.charged | 1 << seat))
    penalty_wei = turn.links.penalise(member, rules.lie_wei if is_lie else rules.late_wei)
    turn.life.transfer(NATIVE, turn.links.sortition, turn.links.quorums, penalty_wei)
    teller_wei = penalty_wei * TELLER_BPS // BPS
    turn.credit(turn.sender, teller_wei)
    turn.change(burned_wei=turn.state.burned_wei + penalty_wei - teller_wei)
    turn.events.append(
        contract.Charged(batch_id=batch_id, member=member, seat=seat, penalty_wei=penalty_wei, is_lie=is_lie)
    )
