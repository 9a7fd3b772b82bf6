"""Calls, events and records of Audits (docs/audits.md). Amounts in wei, times in seconds."""

from dataclasses import dataclass
from enum import IntEnum

from truestep.base.ids import Address, BatchId, Bytes32, JobId, TaskId
from truestep.protocol.settlement.ids import LeafId
from truestep.protocol.settlement.records import BatchTerms, JobTerms, LeafProof, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What never changes of a policy (U1.3)."""

    pool: int
    """Of Sortition, from which auditors are drawn."""
    rate_bps: int
    """How likely a leaf is drawn."""
    trap_bps: int
    """How likely a statement carries an error."""
    fee_wei: int
    """Of one audit."""
    cycle_fee_wei: int
    """Besides, for 10^9 cycles of the program's maximum."""
    penalty_factor: int
    """Of an auditor that fails: so many fees."""
    answer_seconds: int
    """For what needs no run."""
    draw_seconds: int
    """For a draw."""
    load: int
    """Audits that an auditor has at once."""


class Stage(IntEnum):
    """Where an audit is (U1.4)."""

    NONE = 0
    COMMIT = 1
    STATE = 2
    REVEAL = 3
    VACANT = 4
    CONTESTED = 5
    PANEL_COMMIT = 6
    PANEL_REVEAL = 7


class Seat(IntEnum):
    """Who says something in an audit."""

    CLAIMANT = 0
    FIRST = 1
    SECOND = 2


class Failure(IntEnum):
    """Why an auditor pays (U6.2)."""

    ABSENT = 1
    TRAPPED = 2
    ALONE = 3


class Ending(IntEnum):
    """How an audit ended."""

    CONFIRMED = 1
    UNDECIDED = 2
    LAPSED = 3
    STRUCK = 4
    CLAIMANT_FAILED = 5


# --- calls ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Fund:
    """Pay a job's audits ahead (U2.1)."""

    job_id: JobId
    work: Work
    terms: JobTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Credit the requester with what no audit has used (U2.3)."""

    job_id: JobId
    work: Work
    terms: JobTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepare:
    """Commit to the salts of a batch's traps (U3.1)."""

    batch_id: BatchId
    terms: BatchTerms
    traps: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Decide which leaves of a batch are audited (U3.2)."""

    batch_id: BatchId
    terms: BatchTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Appoint:
    """Draw the auditor of a claim (U3.3)."""

    claim_id: LeafId
    terms: BatchTerms
    proof: LeafProof


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """Say early what the statement will be (U6.1)."""

    claim_id: LeafId
    seed: Bytes32
    """Of the newest appointment, which says where the checkpoints are."""
    statement: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """Commit to a digest of checkpoints (U4.1, U5.2)."""

    claim_id: LeafId
    seed: Bytes32
    seat: int
    commitment: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """State the digest of a claim's checkpoints (U4.2)."""

    claim_id: LeafId
    seed: Bytes32
    digest: Bytes32
    salt: Bytes32
    salt_path: tuple[Bytes32, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reveal:
    """Show what a seat has committed to (U4.3, U5.3)."""

    claim_id: LeafId
    seat: int
    digest: Bytes32
    salt: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class Dismiss:
    """Punish the first auditor, whose time is over (U4.4)."""

    claim_id: LeafId


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """End a contested audit (U5.4)."""

    claim_id: LeafId
    terms: BatchTerms
    proof: LeafProof


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Strike a claim whose claimant has failed (U4.5)."""

    claim_id: LeafId
    terms: BatchTerms
    proof: LeafProof


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """End an audit that cannot go on (U3.5)."""

    claim_id: LeafId


@dataclass(frozen=True, slots=True, kw_only=True)
class Certify:
    """Keep a final result that an audit has confirmed (U7.1)."""

    claim_id: LeafId
    terms: BatchTerms
    proof: LeafProof


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawTo:
    """Send all that the caller is owed."""

    receiver: Address


# --- events ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Funded:
    """A job's audits are paid."""

    job_id: JobId
    payer: Address
    fee_wei: int
    """Of one audit."""
    amount_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refunded:
    """The requester is owed what no audit has used."""

    job_id: JobId
    requester: Address
    amount_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The salts of a batch are committed to."""

    batch_id: BatchId
    traps: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """It is decided which leaves are audited."""

    batch_id: BatchId
    seed: Bytes32
    leaves: int
    """A bit each."""
    open_until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Excused:
    """A drawn claim says what is certified."""

    claim_id: LeafId
    task_id: TaskId


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointed:
    """A claim has another auditor."""

    claim_id: LeafId
    task_id: TaskId
    auditor: Address
    stage: int
    seed: Bytes32
    """Of the checkpoints (U4.1)."""
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A statement was made early."""

    claim_id: LeafId
    statement: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """A seat has committed."""

    claim_id: LeafId
    seat: int
    commitment: Bytes32
    stage: int
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """The claimant has stated its checkpoints."""

    claim_id: LeafId
    digest: Bytes32
    bait: Bytes32
    """What a statement had to be that was made early; 0 if it carries no error."""
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Revealed:
    """A seat has shown what it committed to."""

    claim_id: LeafId
    seat: int
    digest: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """An auditor pays."""

    claim_id: LeafId
    auditor: Address
    reason: int
    seized_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Vacant:
    """Another auditor has to be drawn."""

    claim_id: LeafId
    stage: int
    since: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An audit is over."""

    claim_id: LeafId
    outcome: int
    auditor: Address
    """Who was paid the fee."""
    paid_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A claim is struck, whose claimant has failed."""

    claim_id: LeafId
    task_id: TaskId
    penalty_wei: int
    paid_wei: int
    """Of it, to auditors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """A result need not be audited again."""

    task: Bytes32
    claim_id: LeafId
    leaf: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """What an account was owed was sent."""

    account: Address
    receiver: Address
    amount_wei: int


Call = (
    Fund
    | Refund
    | Prepare
    | Draw
    | Appoint
    | Publish
    | Commit
    | State
    | Reveal
    | Dismiss
    | Judge
    | Drop
    | Close
    | Certify
    | WithdrawTo
)
Event = (
    Funded
    | Refunded
    | Prepared
    | Drawn
    | Excused
    | Appointed
    | Published
    | Committed
    | Stated
    | Revealed
    | Failed
    | Vacant
    | Ended
    | Dropped
    | Certified
    | Withdrawn
)
