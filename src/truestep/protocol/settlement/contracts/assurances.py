"""Calls and events of Assurances that the model knows (docs/protocol.md S2.4, S8)."""

from dataclasses import dataclass

from truestep.base.ids import BatchId, Bytes32, JobId
from truestep.protocol.settlement.ids import LeafId
from truestep.protocol.settlement.records import BatchTerms, LeafProof


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Let no batch end for a while, by the guardian (S2.4)."""

    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """Let a job be taken, whose data is there, by the contract of its policy (S8.3)."""

    job_id: JobId
    job_digest: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """Take a leaf out of its batch, by the contract of its policy (S8.4)."""

    claim_id: LeafId
    terms: BatchTerms
    proof: LeafProof
    is_seized: bool
    """Whether the caller is sent the leaf's bond; else the operator has it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteAudited:
    """Note that an audit found a batch right, by the contract of its policy (operators O2.3)."""

    batch_id: BatchId


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """No batch ends before this time is over."""

    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplied:
    """A job waits for its data no longer."""

    policy: int
    job_id: JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class StruckByPolicy:
    """A leaf is out of its batch, and no game has brought that about."""

    policy: int
    claim_id: LeafId
    bond_wei: int
    is_seized: bool


Call = Stop | Supply | Strike | NoteAudited
Event = Stopped | Supplied | StruckByPolicy
