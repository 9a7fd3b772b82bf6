"""What a leaf says of its task, and proofs of it (docs/protocol.md S4.8, S5)."""

from functools import lru_cache

from truestep.base.errors import Reject
from truestep.base.ids import Bytes32, TaskId, shard_of_task
from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import ZERO_NODES, climb, parent
from truestep.machine.layout import OUTPUT_LIMIT_BYTES, RANGE_LEVEL
from truestep.machine.state import STATE_SIZE_BYTES, Status, final_state, initial_state
from truestep.protocol.claims import output_size_root
from truestep.protocol.settlement.encoding import hash_struct
from truestep.protocol.settlement.ids import LeafId, batch_of_claim, leaf_of_claim, unpack_item
from truestep.protocol.settlement.records import BatchTerms, Leaf, LeafProof, Work
from truestep.protocol.settlement.refusals import Refused, require
from truestep.protocol.settlement.state import LifeCycle
from truestep.protocol.settlement.trees import item_leaf

ZERO_HASH = Bytes32(bytes(32))
INNER_ROOTS_KEPT = 2**14
"""Each is computed when its task is claimed, and asked for again when it is challenged or final: 4 MB."""
STATUS_OFFSET_BYTES = 48
"""Packed state: [ memory root 32 | pc 8 | cycle 8 | status 1 | code 8 | registers ] (machine M2.2)."""


def check_leaf(state: LifeCycle, claim_id: LeafId, terms: BatchTerms, proof: LeafProof) -> TaskId:
    """The task of a claim. Refuses a proof that is not about it; says nothing about the batch's stage.

    1. The terms are the batch's. 2. Work and terms are those of the item's job. 3. The item holds the leaf
    and is in the batch. 4. The leaf is what was claimed.
    """
    batch, leaf_index = state.batches.get(batch_of_claim(claim_id)), leaf_of_claim(claim_id)
    if batch is None or terms != batch.terms:
        raise Refused(Reject.BATCH_TERMS_OTHER)  # 1
    item = unpack_item(proof.item)
    job = state.jobs.get(item.job_id)
    if job is None or (proof.work, proof.job_terms) != (job.work, job.terms):
        raise Refused(Reject.JOB_OTHER)  # 2
    require(item.has_leaf(leaf_index), Reject.ITEM_OTHER_LEAF)
    tasks_root = climb(item_leaf(proof.item, job.digest), proof.item_index, proof.item_path)
    require(tasks_root == terms.tasks_root, Reject.ITEM_PROOF)  # 3
    require(leaf_index < batch.leaf_count, Reject.LEAF_UNKNOWN)
    claims_root = climb(hash_struct(proof.leaf), leaf_index, proof.leaf_path)
    require(claims_root == terms.claims_root, Reject.LEAF_PROOF)  # 4
    return item.task(leaf_index)


def is_accepted(leaf: Leaf) -> bool:
    """Whether the run succeeded, so that its output counts (S5.5)."""
    return leaf.status == Status.EXITED and leaf.code == 0 and leaf.output_size <= OUTPUT_LIMIT_BYTES


def is_refuted(work: Work, leaf: Leaf, packed_state: bytes) -> bool:
    """Whether a leaf is false by its shape, or says of a halted state that it runs (S5.4)."""
    if leaf.status != Status.RUNNING:
        return leaf.status > Status.TRAPPED or not 1 <= leaf.cycle <= work.max_cycles
    if leaf.head != work.max_cycles << 64 or leaf.left_root != ZERO_HASH:
        return True
    if len(packed_state) != STATE_SIZE_BYTES or keccak256(packed_state) != leaf.output_root:
        return False
    return packed_state[STATUS_OFFSET_BYTES] != Status.RUNNING


def state_hash(task_id: TaskId, work: Work, leaf: Leaf) -> Bytes32:
    """The hash of the state that a leaf of the right shape claims (S5.2, S5.3)."""
    if leaf.status == Status.RUNNING:
        return leaf.output_root
    size_root = output_size_root(leaf.output_size)
    right = parent(inner_root(task_id, work), parent(size_root, leaf.output_root))
    memory_root = parent(leaf.left_root, right)
    status = Status(leaf.status)
    return final_state(memory_root=memory_root, cycle=leaf.cycle, status=status, code=leaf.code).hash()


def initial_state_hash(task_id: TaskId, work: Work) -> Bytes32:
    """The hash of the state in which the task's run starts (machine M2.5)."""
    right = parent(inner_root(task_id, work), ZERO_NODES[RANGE_LEVEL + 1])
    return initial_state(memory_root=parent(work.image_root, right), entry=work.entry).hash()


@lru_cache(maxsize=INNER_ROOTS_KEPT)
def inner_root(task_id: TaskId, work: Work) -> Bytes32:
    """The root of task header and input, which no run can change (machine M3.5, M3.7)."""
    counts = (work.input_size, shard_of_task(task_id), work.shard_count, 0)
    header = parent(work.seed, b"".join(count.to_bytes(8, "little") for count in counts))
    return parent(climb(header, 0, ZERO_NODES[1:RANGE_LEVEL]), work.input_root)
