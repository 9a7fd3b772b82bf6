"""Calls, events and records of Quorums (docs/quorum.md). Amounts in wei, times in seconds."""

from dataclasses import dataclass

from truestep.base.ids import Address, BatchId, Bytes32, JobId
from truestep.protocol.settlement.ids import LeafId, PackedItem
from truestep.protocol.settlement.records import BatchTerms, JobTerms, Leaf, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The numbers of a quorum, which are fixed at its deployment (Q1.2)."""

    needed: int
    """k: members that must have one result, the claimant's included."""
    seats: int
    """n."""
    pool: int
    """Of Sortition, from which members are drawn."""
    leader_seconds: int
    member_seconds: int
    commit_seconds: int
    fee_wei: int
    """The least for a task and a member."""
    cycle_fee_wei: int
    """And for each 10^9 cycles of its limit."""
    late_wei: int
    lie_wei: int
    stretch_seconds: int
    """The most that a window is lengthened by."""
    full_value_wei: int
    """At which it is lengthened in full."""
    full_tasks: int
    """At which load it is lengthened in full."""
    load_seconds: int
    """In which a full load is forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Committee:
    """Who judges a batch: its one item, the digest of its job, and the job's members by seat."""

    item: PackedItem
    job_digest: Bytes32
    members: tuple[Address, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a seat's commitment was made with."""

    seat: int
    salt: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A commitment with its member's signature."""

    seat: int
    commitment: int
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a claim says of its task, and the proof that it says so."""

    claim_id: LeafId
    terms: BatchTerms
    item: PackedItem
    leaf: Leaf
    leaf_path: tuple[Bytes32, ...]


# --- calls ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Fund:
    """Pay a job's committee (Q2.1)."""

    job_id: JobId
    work: Work
    terms: JobTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Draw a job's committee (Q2.2)."""

    job_id: JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class StepIn:
    """Take over the turn of a leader that has not used it (Q3.2)."""

    job_id: JobId
    members: tuple[Address, ...]
    seat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail:
    """Let an operator that has failed take nothing of the job any more (Q3.3)."""

    batch_id: BatchId
    terms: BatchTerms
    committee: Committee


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Give fees back that nobody can earn any more (Q6.4)."""

    job_id: JobId
    work: Work
    terms: JobTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """Commit to a result before it is claimed (Q4.1)."""

    batch_id: BatchId
    terms: BatchTerms
    committee: Committee
    seat: int
    commitment: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitMany:
    """Send commitments that members have signed (Q4.2)."""

    batch_id: BatchId
    terms: BatchTerms
    committee: Committee
    signed: tuple[Signed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """Show that members have committed to what is claimed (Q4.3)."""

    batch_id: BatchId
    terms: BatchTerms
    committee: Committee
    openings: tuple[Opening, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dissent:
    """Show that a member has committed to another result (Q4.4)."""

    batch_id: BatchId
    terms: BatchTerms
    committee: Committee
    seat: int
    root: Bytes32
    salt: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class Compensate:
    """Pay a quorum that had the same other result than a claim that fell (Q6.2)."""

    batch_id: BatchId
    terms: BatchTerms
    committee: Committee
    seats: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeLate:
    """Take the penalty of a member that has not done its part (Q5.1)."""

    batch_id: BatchId
    terms: BatchTerms
    committee: Committee
    seat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeLie:
    """Take the penalty of a member that has confirmed what its task's result shows to be false (Q5.2)."""

    lie: Said
    result: Said
    """Of the claim that has become the task's result."""
    job_digest: Bytes32
    members: tuple[Address, ...]
    seat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawTo:
    """Send all that the caller is owed."""

    receiver: Address


# --- events ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Funded:
    """A job's committee is paid for."""

    job_id: JobId
    sender: Address
    tasks: int
    fee_wei: int
    """For a task and a member."""
    purse_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A job has its committee, whose first member leads."""

    job_id: JobId
    seed: Bytes32
    members: tuple[Address, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SteppedIn:
    """It is another member's turn."""

    job_id: JobId
    member: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """A member has committed to a result of a batch."""

    batch_id: BatchId
    member: Address
    seat: int
    commitment: int
    stretch_seconds: int
    """By which the batch's window is lengthened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """Members had the claimed result."""

    batch_id: BatchId
    seats: int
    """A bit each."""
    paid_wei: int
    is_proven: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Dissented:
    """A member had another result."""

    batch_id: BatchId
    member: Address
    seat: int
    root: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class Compensated:
    """Members that had another result than a claim that fell were paid."""

    batch_id: BatchId
    seats: int
    """A bit each."""
    paid_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """A part of a member's pledge is gone."""

    batch_id: BatchId
    member: Address
    seat: int
    penalty_wei: int
    is_lie: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """An operator takes nothing of a job any more, and all others may."""

    job_id: JobId
    operator: Address
    batch_id: BatchId


@dataclass(frozen=True, slots=True, kw_only=True)
class Refunded:
    """What was left of a job's fees is its requester's."""

    job_id: JobId
    requester: Address
    amount_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """What an account was owed was sent."""

    account: Address
    receiver: Address
    amount_wei: int


Call = (
    Fund
    | Draw
    | StepIn
    | Fail
    | Refund
    | Commit
    | CommitMany
    | Confirm
    | Dissent
    | Compensate
    | ChargeLate
    | ChargeLie
    | WithdrawTo
)
Event = (
    Funded
    | Drawn
    | SteppedIn
    | Committed
    | Confirmed
    | Dissented
    | Compensated
    | Charged
    | Failed
    | Refunded
    | Withdrawn
)
