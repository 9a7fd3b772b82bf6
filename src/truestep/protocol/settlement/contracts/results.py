"""Calls and events of Results (docs/protocol.md S4.8, S4.9, S10.2)."""

from dataclasses import dataclass

from truestep.base.ids import Address, Bytes32, JobId, TaskId
from truestep.protocol.settlement.ids import LeafId
from truestep.protocol.settlement.records import BatchTerms, JobTerms, LeafProof, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOut:
    """Keep the outcome of a final leaf (S4.8)."""

    claim_id: LeafId
    terms: BatchTerms
    proof: LeafProof


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """Give a reducer the outputs of its job, which are written out, or refund it (S4.9)."""

    job_id: JobId
    work: Work
    terms: JobTerms
    slot_nodes: tuple[Bytes32, ...]
    """For each shard the root of the part of its output that the slot holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBack:
    """Tell a job's consumer that all shards are written out (S10.2)."""

    job_id: JobId
    work: Work
    terms: JobTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenOut:
    """A final leaf was written out."""

    task_id: TaskId
    claim_id: LeafId
    outcome: int
    output_root: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class CalledBack:
    """A consumer was told."""

    job_id: JobId
    consumer: Address
    is_success: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fed:
    """All outputs are in a reducer's input."""

    job_id: JobId
    job_digest: Bytes32
    input_root: Bytes32
    input_size: int


Call = WriteOut | Feed | CallBack
Event = WrittenOut | CalledBack | Fed
