#pragma version 0.4.3
#pragma evm-version cancun
#pragma nonreentrancy on
"""
@title Results: final leaves for consumers, reducers and callbacks (docs/protocol.md S4.8, S4.9, S10.2)
@license Apache-2.0
@notice outcome  [ is_final 1 | status 63 | code 64 | cycle 64 | output_size 64 ], as the head of a leaf.
"""
from interfaces import IAssurances
from interfaces import IJobs
from interfaces import IResults
from modules import leaf_proofs
from modules import memory_tree

implements: IResults


interface Linked:
    def jobs() -> address: view
    def disputes() -> address: view
    def owner() -> address: view
    def parameters() -> address: view
    def assurances() -> address: view


struct StoredResult:
    outcome: uint256
    output_root: bytes32


FINAL_BIT: constant(uint256) = 1 << 255
SLOT_LIMIT: constant(uint256) = 256
LEAF_BYTES: constant(uint256) = 32
CALLBACK_MARGIN_GAS: constant(uint256) = 30_000
# What is left for this contract while the callback runs, and after it.
MASK8: constant(uint256) = 2**8 - 1
MASK64: constant(uint256) = 2**64 - 1

jobs: public(reentrant(immutable(address)))

stored_results: HashMap[uint256, StoredResult]
final_count: public(reentrant(HashMap[uint256, uint256]))
# Shards of a job that are written out.
is_called_back: public(reentrant(HashMap[uint256, bool]))


@deploy
def __init__(jobs_: address):
    assert jobs_.is_contract, "no contract at this address"
    jobs = jobs_


@external
def write_out(claim_id: uint256, terms: IJobs.BatchTerms, proof: IJobs.LeafProof):
    """
    @notice Keep the outcome of a final leaf, for those that cannot carry proofs (S4.8). By anybody.
    """
    assert staticcall IJobs(jobs).is_leaf_final(claim_id), "leaf is not final"
    task_id: uint256 = self._task_of(claim_id, terms, proof)
    if self.stored_results[task_id].outcome != 0:
        return  # by somebody else, who was first: no reason to refuse what is called together with this
    outcome: uint256 = FINAL_BIT | proof.leaf.head
    self.stored_results[task_id] = StoredResult(outcome=outcome, output_root=proof.leaf.output_root)
    self.final_count[task_id >> 32] += 1
    log IResults.WrittenOut(
        task_id=task_id, claim_id=claim_id, outcome=outcome, output_root=proof.leaf.output_root
    )


@external
def feed(
    job_id: uint256,
    work: IJobs.Work,
    terms: IJobs.JobTerms,
    slot_nodes: DynArray[bytes32, SLOT_LIMIT],
):
    """
    @notice Give a reducer the outputs of its job, all of which are written out; or refund it if one is not
            accepted (S4.9). By anybody.
    @param slot_nodes For each shard the root of the part of its output that the slot holds.
    """
    assert (
        leaf_proofs.job_digest(jobs, job_id, work, terms) == staticcall IJobs(jobs).job_digests(job_id)
    ), "work or terms of another job"
    assert terms.reducer_of != 0, "job is not a reducer"
    source: uint256 = terms.reducer_of >> 8
    depth: uint256 = terms.reducer_of & MASK8
    slots: uint256 = (staticcall IJobs(jobs).get_job(source)).shard_count
    if self._has_failed(source, slots):
        extcall IJobs(jobs).cancel(job_id, work, terms, [0])
        return
    assert len(slot_nodes) == slots, "reducer: number of slots"
    nodes: bytes32[SLOT_LIMIT] = empty(bytes32[SLOT_LIMIT])
    for index: uint256 in range(slots, bound=SLOT_LIMIT):
        stored: StoredResult = self.stored_results[source << 32 | index]
        assert stored.outcome != 0, "shard is not written out"
        nodes[index] = slot_nodes[index]
        assert self._climbed(slot_nodes[index], depth) == stored.output_root, "output does not fit its slot"
    root: bytes32 = self._root(nodes, slots, depth)
    fed: IJobs.Work = work
    fed.input_root = root
    fed.input_size = convert((slots << depth) * LEAF_BYTES, uint64)
    digest: bytes32 = leaf_proofs.job_digest(jobs, job_id, fed, terms)
    log IResults.Fed(job_id=job_id, job_digest=digest, input_root=root, input_size=fed.input_size)
    extcall IJobs(jobs).resolve(job_id, digest)


@external
def call_back(job_id: uint256, work: IJobs.Work, terms: IJobs.JobTerms) -> bool:
    """
    @notice Tell a job's consumer that all shards are written out, until it succeeds once (S10.2). By anybody.
    @dev Whatever the consumer does, it has its gas, and nothing else changes. What it returns is not copied.
         A failure is not the last word, since somebody may have made it fail: by calling while the consumer, or
         a contract that it needs, is locked against re-entrancy.
    @return Whether the consumer's call succeeded. One without code fails.
    """
    assert (
        leaf_proofs.job_digest(jobs, job_id, work, terms) == staticcall IJobs(jobs).job_digests(job_id)
    ), "work or terms of another job"
    assert terms.consumer != empty(address), "job names no consumer"
    assert not self.is_called_back[job_id], "consumer was called already"
    assert self.final_count[job_id] == convert(work.shard_count, uint256), "shards are not all written out"
    callback_gas: uint256 = convert(terms.callback_gas, uint256)
    is_success: bool = False
    if terms.consumer.is_contract:
        # EIP-150: a call gets at most 63/64 of what is left.
        assert (
            msg.gas >= callback_gas + callback_gas // 63 + CALLBACK_MARGIN_GAS
        ), "not enough gas for the callback"
        is_success = raw_call(
            terms.consumer,
            abi_encode(job_id, method_id=method_id("on_job(uint256)")),
            gas=callback_gas,
            revert_on_failure=False,
        )
    # Only now: the lock keeps everybody out in between.
    if is_success:
        self.is_called_back[job_id] = True
    log IResults.CalledBack(job_id=job_id, consumer=terms.consumer, is_success=is_success)
    return is_success


# --- views ----------------------------------------------------------------------------------------


@external
@view
@reentrant
def check_leaf(claim_id: uint256, terms: IJobs.BatchTerms, proof: IJobs.LeafProof) -> (uint256, IResults.Result):
    """
    @notice The task of a leaf and its result. Refuses a leaf that is neither final nor proven, or not this one (S4.8).
    """
    if not staticcall IJobs(jobs).is_leaf_final(claim_id):
        assurances: address = staticcall Linked(jobs).assurances()
        assert staticcall IAssurances(assurances).is_proven(claim_id), "leaf is not final"
    task_id: uint256 = self._task_of(claim_id, terms, proof)
    return task_id, self._result(FINAL_BIT | proof.leaf.head, proof.leaf.output_root)


@external
@view
@reentrant
def fits(assurances: address, disputes: address) -> bool:
    """
    @notice Whether these contracts and this one are of the caller's deployment: what Jobs asks once (S9.4).
    """
    parameters: address = staticcall Linked(jobs).parameters()
    return (
        msg.sender == jobs
        and staticcall Linked(disputes).jobs() == jobs
        and staticcall Linked(assurances).disputes() == disputes
        and staticcall Linked(assurances).owner() == staticcall Linked(parameters).owner()
    )


@external
@view
@reentrant
def result(task_id: uint256) -> IResults.Result:
    """
    @notice The result of a task that is written out; all zero while it is not.
    """
    stored: StoredResult = self.stored_results[task_id]
    return self._result(stored.outcome, stored.output_root)


@external
@view
@reentrant
def is_complete(job_id: uint256) -> bool:
    """
    @notice Whether every shard of the job is written out.
    """
    return self.final_count[job_id] == (staticcall IJobs(jobs).get_job(job_id)).shard_count


@external
@view
@reentrant
def check_output(task_id: uint256, output: Bytes[memory_tree.CHECK_LIMIT_BYTES]) -> bool:
    """
    @notice Whether `output` is the output of the task's accepted result that is written out.
    @dev For outputs of up to 8 KiB that are followed by zeros, as every guest of the SDK leaves them.
    """
    stored: StoredResult = self.stored_results[task_id]
    return (
        stored.outcome != 0
        and leaf_proofs.is_accepted(stored.outcome ^ FINAL_BIT)
        and stored.outcome & MASK64 == len(output)
        and stored.output_root == memory_tree.root_of_bytes(output)
    )


# --- shared ---------------------------------------------------------------------------------------


@internal
@view
def _task_of(claim_id: uint256, terms: IJobs.BatchTerms, proof: IJobs.LeafProof) -> uint256:
    """
    @notice The task of a leaf. Refuses a proof of another one.
    """
    batch: IJobs.Batch = staticcall IJobs(jobs).get_batch(claim_id >> 8)
    return leaf_proofs.check(jobs, claim_id, batch, terms, proof)


@internal
@pure
def _result(outcome: uint256, output_root: bytes32) -> IResults.Result:
    if outcome == 0:
        return empty(IResults.Result)
    head: uint256 = outcome ^ FINAL_BIT
    return IResults.Result(
        is_final=True,
        is_accepted=leaf_proofs.is_accepted(head),
        status=convert(head >> 192, uint64),
        code=convert(head >> 128 & MASK64, uint64),
        cycle=convert(head >> 64 & MASK64, uint64),
        output_size=convert(head & MASK64, uint64),
        output_root=output_root,
    )


@internal
@view
def _has_failed(source: uint256, slots: uint256) -> bool:
    """
    @notice Whether a shard has a final result that is not accepted.
    """
    for index: uint256 in range(slots, bound=SLOT_LIMIT):
        outcome: uint256 = self.stored_results[source << 32 | index].outcome
        if outcome != 0 and not leaf_proofs.is_accepted(outcome ^ FINAL_BIT):
            return True
    return False


@internal
@pure
def _climbed(node: bytes32, depth: uint256) -> bytes32:
    """
    @notice The root of the whole range whose first 2^depth leaves have this root, and whose others are zero.
    """
    zeros: bytes32[memory_tree.RANGE_LEVEL + 2] = memory_tree.ZERO_NODES
    root: bytes32 = node
    for level: uint256 in range(depth, memory_tree.RANGE_LEVEL, bound=memory_tree.RANGE_LEVEL):
        root = keccak256(abi_encode(root, zeros[level]))
    return root


@internal
@pure
def _root(slot_nodes: bytes32[SLOT_LIMIT], slots: uint256, depth: uint256) -> bytes32:
    """
    @notice The root of the input range that holds these slots from its start.
    """
    zeros: bytes32[memory_tree.RANGE_LEVEL + 2] = memory_tree.ZERO_NODES
    nodes: bytes32[SLOT_LIMIT] = slot_nodes
    count: uint256 = slots
    for level: uint256 in range(depth, memory_tree.RANGE_LEVEL, bound=memory_tree.RANGE_LEVEL):
        pairs: uint256 = count >> 1
        for index: uint256 in range(pairs, bound=SLOT_LIMIT // 2):
            nodes[index] = keccak256(abi_encode(nodes[index << 1], nodes[index << 1 | 1]))
        if count & 1 == 1:
            nodes[pairs] = keccak256(abi_encode(nodes[unsafe_sub(count, 1)], zeros[level]))
        count = unsafe_add(pairs, count & 1)
    return nodes[0]
