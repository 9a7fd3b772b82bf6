"""Calls of Quorums as nodes and clients make them (docs/quorum.md)."""

from dataclasses import dataclass

from truestep.base.ids import Address, BatchId, Bytes32, ClaimId, JobId
from truestep.protocol.quorum.contracts.quorums import Opening, Signed
from truestep.protocol.settlement.ids import NOBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class FundCommittee:
    """Pay a job's committee (docs/quorum.md Q2.1)."""

    job_id: JobId
    fee_wei: int = 0
    """For a task and a member; 0 means the least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawCommittee:
    """Draw a job's committee (Q2.2)."""

    job_id: JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class StepIn:
    """Take over the turn of an idle leader, as a member (Q3.2)."""

    job_id: JobId
    member: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class FailTaker:
    """Let the operator of a batch take nothing of its job any more (Q3.3)."""

    batch_id: BatchId


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundCommittee:
    """Give a job's fees back that nobody can earn any more (Q6.4)."""

    job_id: JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitResult:
    """Commit a member to its result of a batch (Q4.1)."""

    batch_id: BatchId
    member: Address
    root: Bytes32
    salt: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitSigned:
    """Send commitments that members have signed and handed over (Q4.2)."""

    batch_id: BatchId
    signed: tuple[Signed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenResult:
    """Confirm what is claimed, or dissent, as a member has committed to (Q4.3, Q4.4)."""

    batch_id: BatchId
    member: Address
    root: Bytes32
    salt: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmForAll:
    """Confirm what is claimed for members that have handed over their salts (Q4.3)."""

    batch_id: BatchId
    openings: tuple[Opening, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensateMembers:
    """Pay a quorum that had the same other result than a claim that fell (Q6.2)."""

    batch_id: BatchId
    seats: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeLate:
    """Take the penalty of a member that has not done its part (Q5.1)."""

    batch_id: BatchId
    seat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeLie:
    """Take the penalty of a member that has confirmed what its task's result shows to be false (Q5.2)."""

    claim_id: ClaimId
    seat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawQuorum:
    """Take what Quorums owes the sender: fees, and parts of penalties."""

    receiver: Address = NOBODY


QuorumCall = (
    ChargeLate
    | ChargeLie
    | CommitResult
    | CommitSigned
    | CompensateMembers
    | ConfirmForAll
    | DrawCommittee
    | FailTaker
    | FundCommittee
    | OpenResult
    | RefundCommittee
    | StepIn
    | WithdrawQuorum
)
URGENT_QUORUM = (CommitResult, CommitSigned, ConfirmForAll, OpenResult)
"""For which half of a lease runs, or a window: too late, a fee or a part of a pledge is lost."""
