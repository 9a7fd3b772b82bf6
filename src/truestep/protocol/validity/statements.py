"""What a proof of a claim states (docs/validity.md V3)."""

from truestep.base.ids import Address, Bytes32, TaskId, job_of_task, shard_of_task
from truestep.commitments.keccak import keccak256
from truestep.protocol.settlement.encoding import encode
from truestep.protocol.settlement.jobs import job_digest
from truestep.protocol.settlement.records import JobTerms, Leaf, Work


def task_digest(digest: Bytes32, shard_index: int) -> Bytes32:
    """What a task is, by the digest of its job (V3.1)."""
    return keccak256(encode(digest, shard_index))


def statement_of(chain_id: int, jobs: Address, task: Bytes32, leaf: Leaf) -> Bytes32:
    """That the task of this digest ends as the leaf says (V3.2)."""
    output = (leaf.output_root, leaf.output_size)
    return keccak256(encode(chain_id, jobs, task, *output, leaf.status, leaf.code, leaf.cycle))


def leaf_statement(
    chain_id: int, jobs: Address, task_id: TaskId, work: Work, terms: JobTerms, leaf: Leaf
) -> Bytes32:
    """The statement of a leaf of a job with this work and these terms."""
    digest = job_digest(chain_id, jobs, job_of_task(task_id), work, terms)
    return statement_of(chain_id, jobs, task_digest(digest, shard_of_task(task_id)), leaf)
