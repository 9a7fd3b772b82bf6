"""One call of Quorums while it is applied, and what its calls have in common (docs/quorum.md)."""

from dataclasses import dataclass, field, replace
from typing import Any

from truestep.base.errors import Reject
from truestep.base.ids import Address, BatchId, JobId
from truestep.protocol.quorum.contracts import quorums as contract
from truestep.protocol.quorum.contracts.quorums import Committee
from truestep.protocol.quorum.state import Links, Purse, Quorums, Sitting
from truestep.protocol.settlement import effects
from truestep.protocol.settlement.ids import unpack_item
from truestep.protocol.settlement.records import Batch, BatchTerms
from truestep.protocol.settlement.refusals import Refused, require
from truestep.protocol.settlement.state import Turn, with_entry
from truestep.protocol.settlement.trees import item_leaf

Effect = effects.Effect | contract.Event


@dataclass(slots=True, kw_only=True)
class QuorumsTurn:
    """One call while it is applied. `life` is the turn of the protocol's contracts, and has their effects."""

    state: Quorums
    life: Turn
    links: Links
    events: list[contract.Event] = field(default_factory=list[contract.Event])

    @property
    def sender(self) -> Address:
        """Who calls."""
        return self.life.message.sender

    @property
    def now(self) -> int:
        """The block's second."""
        return self.life.message.now

    def change(self, **fields: Any) -> None:
        """Replace fields of the state."""
        self.state = replace(self.state, **fields)

    def put_purse(self, job_id: JobId, purse: Purse) -> None:
        """Keep the purse of a job."""
        self.change(purses=with_entry(self.state.purses, job_id, purse))

    def put_sitting(self, batch_id: BatchId, sitting: Sitting) -> None:
        """Keep what members have said of a batch."""
        self.change(sittings=with_entry(self.state.sittings, batch_id, sitting))

    def credit(self, account: Address, amount_wei: int) -> None:
        """Owe an account more."""
        if amount_wei:
            owed_wei = self.state.credits.get(account, 0) + amount_wei
            self.change(credits=with_entry(self.state.credits, account, owed_wei))


def stated(turn: QuorumsTurn, batch_id: BatchId, terms: BatchTerms, committee: Committee) -> Batch:
    """The batch of these terms, of one job, whose committee this is."""
    batch = turn.life.state.batches.get(batch_id)
    if batch is None or terms != batch.terms:
        raise Refused(Reject.BATCH_TERMS_OTHER)
    is_item = item_leaf(committee.item, committee.job_digest) == terms.tasks_root
    require(is_item, Reject.ITEM_PROOF)
    require_committee(turn.state, unpack_item(committee.item).job_id, committee.members)
    return batch


def require_committee(state: Quorums, job_id: JobId, members: tuple[Address, ...]) -> None:
    """Refuse members that are not those of a job, in order."""
    seated = state.committees.get(job_id)
    require(seated is not None and seated.members == members, Reject.COMMITTEE_OTHER)


def member_of(members: tuple[Address, ...], seat: int) -> Address:
    """The member of a seat."""
    require(seat < len(members), Reject.SEAT_UNKNOWN)
    return members[seat]


def is_in(seats: int, seat: int) -> bool:
    """Whether a seat's bit is set."""
    return bool(seats >> seat & 1)


def seats_in(seats: int) -> list[int]:
    """The seats whose bits are set."""
    return [seat for seat in range(seats.bit_length()) if is_in(seats, seat)]


def reward(turn: QuorumsTurn, committee: Committee, seats: int, leaf_count: int) -> int:
    """Pay members their fees for so many tasks, as long as the purse lasts; what they get together (Q6.1)."""
    job_id = unpack_item(committee.item).job_id
    purse, paid_wei = turn.state.purses[job_id], 0
    for seat in seats_in(seats):
        amount_wei = min(purse.fee_wei * leaf_count, purse.left_wei - paid_wei)
        turn.credit(committee.members[seat], amount_wei)
        paid_wei += amount_wei
    turn.put_purse(job_id, replace(purse, left_wei=purse.left_wei - paid_wei))
    return paid_wei
