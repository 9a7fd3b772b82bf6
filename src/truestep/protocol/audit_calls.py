"""Calls of Audits as nodes and clients make them (docs/audits.md)."""

from dataclasses import dataclass

from truestep.base.ids import Address, BatchId, Bytes32, JobId
from truestep.protocol.settlement.ids import NOBODY, LeafId
from truestep.protocol.settlement.records import BatchTerms, LeafProof


@dataclass(frozen=True, slots=True, kw_only=True)
class FundAudits:
    """Pay a job's audits ahead (U2.1)."""

    job_id: JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundAudits:
    """Credit the requester with what no audit has used (U2.3)."""

    job_id: JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareBatch:
    """Commit to the salts of a batch's traps, before it is claimed (U3.1)."""

    batch_id: BatchId
    traps: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawAudits:
    """Decide which leaves of a batch are audited (U3.2)."""

    batch_id: BatchId


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointAuditor:
    """Draw the auditor of a claim (U3.3)."""

    claim_id: LeafId


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishStatement:
    """Say early what the statement will be (U6.1)."""

    claim_id: LeafId
    seed: Bytes32
    """Of the appointment that it is about."""
    statement: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitAudit:
    """Commit to a digest of checkpoints (U4.1, U5.2)."""

    claim_id: LeafId
    seed: Bytes32
    seat: int
    commitment: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class StateCheckpoints:
    """State the digest of a claim's checkpoints (U4.2)."""

    claim_id: LeafId
    seed: Bytes32
    digest: Bytes32
    salt: Bytes32
    salt_path: tuple[Bytes32, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevealAudit:
    """Show what a seat has committed to (U4.3, U5.3)."""

    claim_id: LeafId
    seat: int
    digest: Bytes32
    salt: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class DismissAuditor:
    """Punish the first auditor, whose time is over (U4.4)."""

    claim_id: LeafId


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeAudit:
    """End a contested audit (U5.4)."""

    claim_id: LeafId


@dataclass(frozen=True, slots=True, kw_only=True)
class DropUnaudited:
    """Strike a claim whose claimant has failed (U4.5)."""

    claim_id: LeafId


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseAudit:
    """End an audit that cannot go on (U3.5)."""

    claim_id: LeafId


@dataclass(frozen=True, slots=True, kw_only=True)
class CertifyClaim:
    """Keep a final result that an audit has confirmed (U7.1), by its evidence: its batch may be over."""

    claim_id: LeafId
    terms: BatchTerms
    proof: LeafProof


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawAudits:
    """Take what Audits owes the sender: fees, and parts of bonds and penalties."""

    receiver: Address = NOBODY


AuditCall = (
    FundAudits
    | RefundAudits
    | PrepareBatch
    | DrawAudits
    | AppointAuditor
    | PublishStatement
    | CommitAudit
    | StateCheckpoints
    | RevealAudit
    | DismissAuditor
    | JudgeAudit
    | DropUnaudited
    | CloseAudit
    | CertifyClaim
    | WithdrawAudits
)

URGENT_AUDITS = (
    PrepareBatch,
    PublishStatement,
    CommitAudit,
    StateCheckpoints,
    RevealAudit,
    DismissAuditor,
    JudgeAudit,
)
"""Calls for which a time runs."""
