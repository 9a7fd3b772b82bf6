#pragma version 0.4.3
"""
@title What a leaf of a claimed batch says, and of which task (docs/protocol.md S1.3 to S1.6, S5)
@notice head  [ status 64 | code 64 | cycle 64 | output_size 64 ]
"""
from interfaces import IJobs
from modules import memory_tree
from modules import trees

RUNNING: constant(uint256) = 0
EXITED: constant(uint256) = 1
TRAPPED: constant(uint256) = 2
PACKED_SIZE_BYTES: constant(uint256) = 305
OUTPUT_LIMIT_BYTES: constant(uint256) = 2**29
# The machine's output range (machine M3.3).
MANY_LIMIT: constant(uint256) = 32
MANY_LEVELS: constant(uint256) = 5
MASK8: constant(uint256) = 2**8 - 1
MASK16: constant(uint256) = 2**16 - 1
MASK32: constant(uint256) = 2**32 - 1
MASK64: constant(uint256) = 2**64 - 1


@internal
@view
def job_digest(jobs: address, job_id: uint256, work: IJobs.Work, terms: IJobs.JobTerms) -> bytes32:
    """
    @notice What statements about a job must name (S1.2, S1.3).
    """
    return keccak256(abi_encode(chain.id, jobs, job_id, keccak256(abi_encode(work)), terms))


@internal
@view
def check(
    jobs: address,
    claim_id: uint256,
    batch: IJobs.Batch,
    terms: IJobs.BatchTerms,
    proof: IJobs.LeafProof,
) -> uint256:
    """
    @notice Refuse a proof that is not about this claim.
    @dev 1. the terms are the batch's, 2. work and job terms are those of the item's job, 3. the item is in the
         batch and holds the leaf, 4. the leaf is what was claimed. Says nothing about the stage of the batch.
    @param batch The claim's batch, as Jobs has it.
    @return The id of the task that the claim is about.
    """
    assert keccak256(abi_encode(terms)) == batch.terms_hash, "terms of another batch"  # 1
    job_id: uint256 = proof.item >> 64
    digest: bytes32 = self.job_digest(jobs, job_id, proof.work, proof.job_terms)
    assert digest == staticcall IJobs(jobs).job_digests(job_id), "work or terms of another job"  # 2
    task_id: uint256 = self.task_of(claim_id & MASK8, proof.item)
    leaf: bytes32 = keccak256(abi_encode(proof.item, digest))
    assert trees.climb(leaf, proof.item_index, proof.item_path) == terms.tasks_root, "item: proof"  # 3
    assert claim_id & MASK8 < convert(batch.leaf_count, uint256), "no such leaf"
    leaf = keccak256(abi_encode(proof.leaf))
    assert trees.climb(leaf, claim_id & MASK8, proof.leaf_path) == terms.claims_root, "leaf: proof"  # 4
    return task_id


@internal
@pure
def check_others(
    first: uint256,
    batch: IJobs.Batch,
    proof: IJobs.LeafProof,
    others: DynArray[IJobs.Leaf, MANY_LIMIT - 1],
):
    """
    @notice Refuse leaves that are not those behind the first one, whose proof has been checked, or of another job.
    @dev The subtree of 2^n leaves: siblings on the first one's path are the roots of 1, 2, 4... of the others.
    """
    last: uint256 = first + len(others)
    assert self.task_of(last, proof.item) != 0, "item: of another leaf"
    assert last < convert(batch.leaf_count, uint256), "no such leaf"
    assert not self.is_refuted(
        proof.work, proof.leaf, b""
    ), "leaf is false by its shape: refute"
    nodes: bytes32[MANY_LIMIT // 2] = empty(bytes32[MANY_LIMIT // 2])
    start: uint256 = 0
    for level: uint256 in range(MANY_LEVELS):
        if start == len(others):
            break
        width: uint256 = 1 << level
        for index: uint256 in range(width, bound=MANY_LIMIT // 2):
            leaf: IJobs.Leaf = others[start + index]
            assert not self.is_refuted(
                proof.work, leaf, b""
            ), "leaf is false by its shape: refute"
            nodes[index] = keccak256(abi_encode(leaf))
        start += width
        for _: uint256 in range(level, bound=MANY_LEVELS):
            width >>= 1
            for index: uint256 in range(width, bound=MANY_LIMIT // 4):
                nodes[index] = keccak256(abi_encode(nodes[2 * index], nodes[2 * index + 1]))
        assert nodes[0] == proof.leaf_path[level], "leaf: proof"


@internal
@view
def statement_of_many(
    jobs: address, digest: bytes32, first_shard: uint256, words: DynArray[bytes32, 2 * MANY_LIMIT]
) -> bytes32:
    """
    @notice That the shards of a job from this one on end as their leaves say (docs/validity.md V3.6).
    @param words Head and output root of each leaf.
    """
    return keccak256(abi_encode(chain.id, jobs, digest, first_shard, words))


@internal
@pure
def task_of(leaf_index: uint256, item: uint256) -> uint256:
    """
    @notice The id of the task that the leaf is about. Refuses an item that does not hold it.
    """
    offset: uint256 = item & MASK16
    assert (
        leaf_index >= offset and leaf_index < offset + (item >> 16 & MASK16)
    ), "item: of another leaf"
    return item >> 64 << 32 | (item >> 32 & MASK32) + leaf_index - offset


@internal
@pure
def initial_state_hash(task_id: uint256, work: IJobs.Work) -> bytes32:
    """
    @notice The hash of the state in which the task's run starts (machine M2.5).
    """
    return memory_tree.initial_state_hash(
        work.image_root, convert(work.entry, uint256), self._inner_root(task_id, work)
    )


@internal
@pure
def state_hash(task_id: uint256, work: IJobs.Work, leaf: IJobs.Leaf) -> bytes32:
    """
    @notice The hash of the state that is claimed (S5.2, S5.3).
    """
    if leaf.head >> 192 == RUNNING:
        return leaf.output_root
    return memory_tree.final_state_hash(
        leaf.left_root,
        self._inner_root(task_id, work),
        leaf.output_root,
        leaf.head & MASK64,
        leaf.head >> 64 & MASK64,
        leaf.head >> 192,
        leaf.head >> 128 & MASK64,
    )


@internal
@pure
def is_refuted(work: IJobs.Work, leaf: IJobs.Leaf, packed_state: Bytes[PACKED_SIZE_BYTES]) -> bool:
    """
    @notice Whether the leaf is false by its shape alone, or says of a halted state that it runs (S5.4).
    @param packed_state For a running leaf the state that it names, if it is to be looked at.
    """
    status: uint256 = leaf.head >> 192
    cycle: uint256 = leaf.head >> 64 & MASK64
    max_cycles: uint256 = convert(work.max_cycles, uint256)
    if status != RUNNING:
        return status > TRAPPED or cycle == 0 or cycle > max_cycles
    if leaf.head != max_cycles << 64 or leaf.left_root != empty(bytes32):
        return True
    if len(packed_state) != PACKED_SIZE_BYTES or keccak256(packed_state) != leaf.output_root:
        return False
    # Bytes 32 to 63 of a packed state: [ pc 64 | cycle 64 | status 8 | code 64 | ... ] (machine M2.2).
    return extract32(packed_state, 32, output_type=uint256) >> 120 & MASK8 != RUNNING


@internal
@pure
def is_accepted(head: uint256) -> bool:
    """
    @dev S5.5.
    """
    return head >> 128 == EXITED << 64 and head & MASK64 <= OUTPUT_LIMIT_BYTES


@internal
@pure
def _inner_root(task_id: uint256, work: IJobs.Work) -> bytes32:
    return memory_tree.inner_root(
        work.seed,
        work.input_root,
        convert(work.input_size, uint256),
        task_id & MASK32,
        convert(work.shard_count, uint256),
    )
