"""What a proof of a claim states (docs/validity.md V3)."""

from collections.abc import Sequence

from truestep.base.ids import Address, Bytes32, TaskId, job_of_task, shard_of_task
from truestep.commitments.keccak import keccak256
from truestep.protocol.settlement.encoding import WORD_SIZE_BYTES, encode
from truestep.protocol.settlement.jobs import job_digest
from truestep.protocol.settlement.records import JobTerms, Leaf, Work

MANY_COUNTS = (2, 4, 8, 16, 32)
"""Claims that one proof can be of (V4.7)."""


def task_digest(digest: Bytes32, shard_index: int) -> Bytes32:
    """What a task is, by the digest of its job (V3.1)."""
    return keccak256(encode(digest, shard_index))


def statement_of(chain_id: int, jobs: Address, task: Bytes32, leaf: Leaf) -> Bytes32:
    """That the task of this digest ends as the leaf says (V3.2)."""
    output = (leaf.output_root, leaf.output_size)
    return keccak256(encode(chain_id, jobs, task, *output, leaf.status, leaf.code, leaf.cycle))


def statement_of_many(
    chain_id: int, jobs: Address, digest: Bytes32, first_shard: int, leaves: Sequence[Leaf]
) -> Bytes32:
    """That the shards of the job of this digest, from this one on, end as the leaves say (V3.6)."""
    words = [word for leaf in leaves for word in (leaf.head, leaf.output_root)]
    start = 5 * WORD_SIZE_BYTES
    return keccak256(encode(chain_id, jobs, digest, first_shard, start, len(words), *words))


def leaves_statement(
    chain_id: int, jobs: Address, first: TaskId, work: Work, terms: JobTerms, leaves: Sequence[Leaf]
) -> Bytes32:
    """The statement of the leaves of tasks that follow one another in a job with this work and terms."""
    digest = job_digest(chain_id, jobs, job_of_task(first), work, terms)
    return statement_of_many(chain_id, jobs, digest, shard_of_task(first), leaves)


def leaf_statement(
    chain_id: int, jobs: Address, task_id: TaskId, work: Work, terms: JobTerms, leaf: Leaf
) -> Bytes32:
    """The statement of a leaf of a job with this work and these terms."""
    digest = job_digest(chain_id, jobs, job_of_task(task_id), work, terms)
    return statement_of(chain_id, jobs, task_digest(digest, shard_of_task(task_id)), leaf)
