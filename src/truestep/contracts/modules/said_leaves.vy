#pragma version 0.4.3
"""
@title What claims of one job have said, of batches of one item (docs/quorum.md Q5.2)
"""
from interfaces import IJobs
from interfaces import IQuorums
from modules import leaf_proofs
from modules import trees


@internal
@view
def check_terms(batch: IJobs.Batch, terms: IJobs.BatchTerms, item: uint256, job_digest: bytes32):
    """
    @notice Refuse terms that are not the batch's, and an item or job that it is not of.
    """
    assert keccak256(abi_encode(terms)) == batch.terms_hash, "terms of another batch"
    assert keccak256(abi_encode(item, job_digest)) == terms.tasks_root, "item: proof"


@internal
@view
def check_lie(jobs: IJobs, lie: IQuorums.Said, result: IQuorums.Said, job_digest: bytes32) -> uint256:
    """
    @notice Refuse a claim that is not known to be false: another one has become the result of its task, and says
            something else.
    @return The id of the task.
    """
    task_id: uint256 = 0
    said: bytes32 = empty(bytes32)
    task_id, said = self._check(jobs, lie, job_digest)
    final_id: uint256 = 0
    truth: bytes32 = empty(bytes32)
    final_id, truth = self._check(jobs, result, job_digest)
    assert final_id == task_id, "leaf is of another task"
    assert staticcall jobs.is_leaf_final(result.claim_id), "leaf is not final"
    assert said != truth, "claim was true"
    return task_id


@internal
@view
def _check(jobs: IJobs, said: IQuorums.Said, job_digest: bytes32) -> (uint256, bytes32):
    """
    @notice Refuse what a claim has not said, or not of this job. Says nothing about the stage of its batch.
    @return The id of the task that the claim is about, and the hash of its leaf.
    """
    self.check_terms(staticcall jobs.get_batch(said.claim_id >> 8), said.terms, said.item, job_digest)
    leaf_index: uint256 = said.claim_id & leaf_proofs.MASK8
    leaf: bytes32 = keccak256(abi_encode(said.leaf))
    assert trees.climb(leaf, leaf_index, said.leaf_path) == said.terms.claims_root, "leaf: proof"
    return leaf_proofs.task_of(leaf_index, said.item), leaf
