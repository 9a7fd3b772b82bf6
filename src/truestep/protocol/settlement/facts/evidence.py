"""Proofs of final leaves for contracts that carry them, also of batches that have left the facts (S10.1)."""

from collections.abc import Sequence
from dataclasses import dataclass

from truestep.base.errors import Reject
from truestep.base.ids import BatchId, Bytes32, TaskId, job_of_task, shard_of_task
from truestep.commitments.merkle import climb
from truestep.protocol.settlement.contracts import jobs, parameters, results
from truestep.protocol.settlement.encoding import hash_struct
from truestep.protocol.settlement.facts.fold import fold
from truestep.protocol.settlement.facts.records import Facts, Logged
from truestep.protocol.settlement.facts.retention import items_of
from truestep.protocol.settlement.facts.views import leaf_proof
from truestep.protocol.settlement.ids import LeafId, claim_of, leaf_of_claim, unpack_item
from truestep.protocol.settlement.records import BatchTerms, LeafProof
from truestep.protocol.settlement.refusals import Refused
from truestep.protocol.settlement.state import Deployment
from truestep.protocol.settlement.trees import item_leaf


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What JobReader takes: a claim, and that it is about its task. Only the chain knows that it is final."""

    claim_id: LeafId
    terms: BatchTerms
    proof: LeafProof


def proved_task(evidence: Evidence, job_digest: Bytes32) -> TaskId | None:
    """The task that evidence is about; None if it does not prove a leaf of a job with this digest (S4.8)."""
    proof, terms, leaf_index = evidence.proof, evidence.terms, leaf_of_claim(evidence.claim_id)
    item = unpack_item(proof.item)
    tasks_root = climb(item_leaf(proof.item, job_digest), proof.item_index, proof.item_path)
    claims_root = climb(hash_struct(proof.leaf), leaf_index, proof.leaf_path)
    is_proof = (tasks_root, claims_root) == (terms.tasks_root, terms.claims_root)
    return item.task(leaf_index) if is_proof and item.has_leaf(leaf_index) else None


def evidence_of(facts: Facts, task_id: TaskId, batch_id: BatchId) -> Evidence | None:
    """What a batch claims of a task; None if the batch has made no claim, or is not in the facts."""
    known = facts.batches.get(batch_id)
    if known is None:
        return None
    shard = shard_of_task(task_id)
    for item in items_of(known.batch):
        if item.job_id == job_of_task(task_id) and shard in item.shards:
            claim_id = claim_of(batch_id, item.offset + shard - item.first_shard)
            try:
                proof = leaf_proof(facts, claim_id, Reject.LEAF_NOT_FINAL)
            except Refused:
                return None
            return Evidence(claim_id=claim_id, terms=known.batch.terms, proof=proof)
    return None


def evidence_in(
    deployment: Deployment, logs: Sequence[Logged], task_id: TaskId, batch_id: BatchId
) -> Evidence | None:
    """The same of any batch, from the events of it, its jobs and all parameters, in order, among others."""
    items = next(
        (
            logged.event.items
            for logged in logs
            if isinstance(logged.event, jobs.Taken) and logged.event.batch_id == batch_id
        ),
        (),
    )
    job_ids = {unpack_item(item).job_id for item in items}

    def is_about(event: object) -> bool:
        match event:
            case parameters.Added():
                return True
            case jobs.Posted() | jobs.Resolved() | results.Fed():
                return event.job_id in job_ids
            case jobs.Taken() | jobs.Claimed():
                return event.batch_id == batch_id
            case _:
                return False

    facts = fold(Facts(deployment=deployment), (logged for logged in logs if is_about(logged.event)))
    return evidence_of(facts, task_id, batch_id)
