"""What Quorums answers when Assurances asks it (docs/quorum.md Q3, Q4.5, Q7)."""

from collections.abc import Callable, Mapping, Sequence

from truestep.base.ids import Address, BatchId, JobId
from truestep.protocol.quorum.contracts.quorums import Rules
from truestep.protocol.quorum.state import Links, Quorums, Sitting
from truestep.protocol.settlement.assurances import Policy, Question, Taking, Verdict
from truestep.protocol.settlement.ids import Item, LeafId, batch_of_claim, unpack_item
from truestep.protocol.settlement.records import Batch


def quorum_policy(state_of: Callable[[], Quorums], links: Links, stands: Callable[[LeafId], bool]) -> Policy:
    """The policy, over states that change. `stands`: no leaf of its batch fell, and no game is open on it."""

    def open_until(batch_id: BatchId, until: int) -> int:
        return until + stretch_of(state_of(), links.rules, batch_id)

    def is_proven(claim_id: LeafId) -> bool:
        sitting = state_of().sittings.get(batch_of_claim(claim_id))
        return sitting is not None and sitting.is_proven and stands(claim_id)

    def verdict(question: Question) -> Verdict:
        return Verdict(is_due=question.now > open_until(question.batch_id, question.until), held=0)

    return Policy(
        verdict=verdict,
        open_until=open_until,
        must_wait=True,
        is_proven=is_proven,
        may_take=lambda taking: may_take(state_of(), links.rules, taking),
        contract=links.quorums,
    )


def stretch_of(state: Quorums, rules: Rules, batch_id: BatchId) -> int:
    """By how much a batch's window is lengthened: in full if no member has committed (Q7.1)."""
    sitting = state.sittings.get(batch_id)
    return rules.stretch_seconds if sitting is None else sitting.stretch_seconds


def may_take(state: Quorums, rules: Rules, taking: Taking) -> bool:
    """The leader, in its turn, the whole job; who stepped in; then all that have not failed (Q3)."""
    if len(taking.items) != 1:
        return False
    item = unpack_item(taking.items[0])
    purse, seated = state.purses.get(item.job_id), state.committees.get(item.job_id)
    if purse is None or seated is None or (item.job_id, taking.operator) in state.failed:
        return False
    if purse.is_open or taking.now > purse.turn_at + rules.leader_seconds + rules.member_seconds:
        return True
    return taking.operator == seated.taker and item == whole(item.job_id, purse.tasks)


def whole(job_id: JobId, tasks: int) -> Item:
    """All tasks of a job, as the one item of its batch."""
    return Item(job_id=job_id, first_shard=0, count=tasks, offset=0)


def late_seats(
    sitting: Sitting,
    commitments: Mapping[tuple[BatchId, int], int],
    batch_id: BatchId,
    batch: Batch,
    members: Sequence[Address],
    lease_seconds: int,
) -> list[int]:
    """The seats that can be charged for a batch that its quorum has confirmed (Q5.1).

    `lease_seconds` is the lease of the job: that of the batch may be shorter, by the job's deadline.
    """
    claimed_at = batch.until - batch.terms.window_seconds
    had_time = claimed_at >= sitting.taken_at + lease_seconds // 2
    return [
        seat
        for seat, member in enumerate(members)
        if member != batch.operator and not (sitting.confirmed | sitting.charged) >> seat & 1
        if had_time or (batch_id, seat) in commitments
    ]
