#pragma version 0.4.3
"""
@title JobReader: what a contract needs to use results safely (docs/consumers.md, docs/protocol.md S10.1)
@license Apache-2.0
@notice A consumer keeps a `Question`, which only `ask`, `expect` and `fed` make. Its digest binds everything that a
        result depends on: chain, Jobs, job, program, input and its size, seed, shards, requester and terms. All
        other functions refuse results of anything else. JobReader.sol is the same for Solidity.
"""
from interfaces import IItems
from interfaces import IJobs
from interfaces import IKept
from interfaces import IResults
from modules import leaf_proofs
from modules import memory_tree


interface Linked:
    def assurances() -> address: view
    def policies(policy: uint256) -> address: view


interface Kept:
    def supply(
        job_id: uint256,
        work: IJobs.Work,
        terms: IJobs.JobTerms,
        program: IKept.Named,
        input: IKept.Named,
        program_parts: DynArray[IItems.Part, PARTS_LIMIT],
        input_parts: DynArray[IItems.Part, PARTS_LIMIT],
    ): nonpayable


struct Program:
    image_root: bytes32
    entry: uint64
    max_cycles: uint64


struct Question:
    jobs: address
    results: address
    job_id: uint256
    digest: bytes32


struct Evidence:
    claim_id: uint256
    terms: IJobs.BatchTerms
    proof: IJobs.LeafProof


struct Chunk:
    index: uint64  # its place among chunks of its size
    content: Bytes[memory_tree.CHECK_LIMIT_BYTES]
    path: DynArray[bytes32, memory_tree.RANGE_LEVEL]  # from the chunk to the output's root


PARTS_LIMIT: constant(uint256) = 256
CHUNK_LEVEL_LIMIT: constant(uint256) = 8
# 8 KiB, as for whole outputs.


# --- questions ------------------------------------------------------------------------------------


@internal
def ask(jobs: address, order: IJobs.Order, program: Program, parameters_id: uint16) -> Question:
    """
    @notice Post a job from this contract, which pays for it, and bind what it asks.
    @dev For an ERC-20, approve Jobs before. Coins that come back are credited to this contract: `withdraw`.
    @param program What the order's program must be; its number alone says nothing.
    @param parameters_id The parameter set that the job must be bound to: the newest one.
    """
    asked: IJobs.Order = order
    asked.program_hash = keccak256(abi_encode(program))
    asked.parameters_id = parameters_id
    value: uint256 = 0
    if order.asset == empty(address):
        value = order.reward * convert(order.shard_count, uint256)
    job_id: uint256 = extcall IJobs(jobs).post(asked, value=value)
    work: IJobs.Work = IJobs.Work(
        image_root=program.image_root,
        entry=program.entry,
        max_cycles=program.max_cycles,
        input_root=order.input_root,
        input_size=order.input_size,
        seed=order.seed,
        shard_count=order.shard_count,
    )
    window_seconds: uint256 = (staticcall IJobs(jobs).get_job(job_id)).window_seconds
    terms: IJobs.JobTerms = IJobs.JobTerms(
        requester=self,
        consumer=order.consumer,
        callback_gas=order.callback_gas,
        asset=order.asset,
        policy=order.policy,
        parameters_id=parameters_id,
        bond_multiple=order.bond_multiple,
        window_seconds=convert(window_seconds, uint64),
        lease_seconds=order.lease_seconds,
        reducer_of=order.reducer_of,
    )
    return self.expect(jobs, job_id, work, terms)


@internal
@view
def expect(jobs: address, job_id: uint256, work: IJobs.Work, terms: IJobs.JobTerms) -> Question:
    """
    @notice Bind a job that somebody posted. Refuses one of another work or other terms.
    @dev Every field that comes from a caller is the caller's choice: compare it with what you mean.
    """
    digest: bytes32 = leaf_proofs.job_digest(jobs, job_id, work, terms)
    assert digest == staticcall IJobs(jobs).job_digests(job_id), "not the job that was meant"
    return Question(
        jobs=jobs, results=staticcall IJobs(jobs).results(), job_id=job_id, digest=digest
    )


@internal
@view
def fed(
    reducer: Question, source: Question, work: IJobs.Work, terms: IJobs.JobTerms
) -> Question:
    """
    @notice The question of a reducer that was fed: its job has got its input, and so another digest (S4.9).
    @param source The question about the job whose outputs it reduces.
    @param work The reducer's, with the input that it has now.
    """
    self._check_meant(source)
    assert terms.reducer_of >> 8 == source.job_id, "job is not a reducer"
    unfed: IJobs.Work = work
    unfed.input_root = source.digest
    unfed.input_size = 0
    digest: bytes32 = leaf_proofs.job_digest(reducer.jobs, reducer.job_id, unfed, terms)
    assert digest == reducer.digest and source.jobs == reducer.jobs, "not the job that was meant"
    return self.expect(reducer.jobs, reducer.job_id, work, terms)


@internal
@view
def check_kept(question: Question, kept: address):
    """
    @notice Refuse a job whose results may become final while program, input or outputs cannot be had by everybody.
    @param kept The contract of the policy *kept* (docs/availability.md A5), which the consumer knows by itself.
    """
    self._check_meant(question)
    policy: uint256 = (staticcall IJobs(question.jobs).get_job(question.job_id)).policy
    assurances: address = staticcall Linked(question.jobs).assurances()
    assert (
        kept != empty(address) and staticcall Linked(assurances).policies(policy) == kept
    ), "data need not be kept"


@internal
def supply(
    question: Question,
    kept: address,
    work: IJobs.Work,
    terms: IJobs.JobTerms,
    program: IKept.Named,
    input: IKept.Named,
    program_parts: DynArray[IItems.Part, PARTS_LIMIT],
    input_parts: DynArray[IItems.Part, PARTS_LIMIT],
):
    """
    @notice Name the kept items that hold program and input of a job that this contract asked, so that it can be taken.
    @dev Anybody may choose the items: Kept refuses those that do not hold what the job means, or not for long enough.
    """
    self.check_kept(question, kept)
    extcall Kept(kept).supply(
        question.job_id, work, terms, program, input, program_parts, input_parts
    )


@internal
@view
def check_callback(question: Question, job_id: uint256):
    """
    @notice Refuse an `on_job` that is not from Results, or about a job that is not this one.
    @dev Anybody may post a job that names this contract as its consumer.
    """
    assert msg.sender == question.results, "caller is not Results"
    assert job_id == question.job_id, "called back for another job"


@internal
def withdraw(question: Question, asset: address, receiver: address):
    """
    @notice Send `receiver` all that Jobs owes this contract, as for shards that were not computed.
    """
    extcall IJobs(question.jobs).withdraw(asset, receiver)


# --- results --------------------------------------------------------------------------------------


@internal
@view
def proved(question: Question, shard_index: uint32, evidence: Evidence) -> IResults.Result:
    """
    @notice The final and accepted result of a shard, from a proof.
    """
    result: IResults.Result = self.proved_any(question, shard_index, evidence)
    assert result.is_accepted, "result is not accepted"
    return result


@internal
@view
def written(question: Question, shard_index: uint32) -> IResults.Result:
    """
    @notice The final and accepted result of a shard, which somebody has written out.
    """
    result: IResults.Result = self.written_any(question, shard_index)
    assert result.is_accepted, "result is not accepted"
    return result


@internal
@view
def proved_any(question: Question, shard_index: uint32, evidence: Evidence) -> IResults.Result:
    """
    @notice As `proved`, but also of a run that trapped, failed or never ended: look at `is_accepted`.
    """
    self._check_meant(question)
    task_id: uint256 = 0
    result: IResults.Result = empty(IResults.Result)
    task_id, result = staticcall IResults(question.results).check_leaf(
        evidence.claim_id, evidence.terms, evidence.proof
    )
    assert task_id == self._task_id(question, shard_index), "leaf is of another task"
    return result


@internal
@view
def written_any(question: Question, shard_index: uint32) -> IResults.Result:
    """
    @notice As `written`, but also of a run that trapped, failed or never ended: look at `is_accepted`.
    """
    self._check_meant(question)
    result: IResults.Result = staticcall IResults(question.results).result(
        self._task_id(question, shard_index)
    )
    assert result.is_final, "shard is not written out"
    return result


# --- outputs --------------------------------------------------------------------------------------


@internal
@view
def proved_output(
    question: Question,
    shard_index: uint32,
    evidence: Evidence,
    output: Bytes[memory_tree.CHECK_LIMIT_BYTES],
):
    """
    @notice Refuse bytes that are not the whole output of a shard's final and accepted result.
    """
    self.check_output(self.proved(question, shard_index, evidence), output)


@internal
@view
def written_output(
    question: Question, shard_index: uint32, output: Bytes[memory_tree.CHECK_LIMIT_BYTES]
):
    """
    @notice The same for a result that is written out.
    """
    self.check_output(self.written(question, shard_index), output)


@internal
@view
def proved_chunk(question: Question, shard_index: uint32, evidence: Evidence, chunk: Chunk):
    """
    @notice Refuse bytes that are not this part of the output of a shard's final and accepted result.
    """
    self.check_chunk(self.proved(question, shard_index, evidence), chunk)


@internal
@view
def written_chunk(question: Question, shard_index: uint32, chunk: Chunk):
    """
    @notice The same for a result that is written out.
    """
    self.check_chunk(self.written(question, shard_index), chunk)


@internal
@pure
def check_output(result: IResults.Result, output: Bytes[memory_tree.CHECK_LIMIT_BYTES]):
    """
    @notice Refuse bytes that are not the whole output of a result.
    @dev Behind the output there must be zeros, as every guest of the SDK leaves them.
    """
    assert result.is_accepted, "result is not accepted"
    assert (
        len(output) == convert(result.output_size, uint256)
        and self._root(output, memory_tree.RANGE_LEVEL) == result.output_root
    ), "not the final output"


@internal
@pure
def check_chunk(result: IResults.Result, chunk: Chunk):
    """
    @notice Refuse bytes that are not this part of a result's output: number `index` among parts of 2^level leaves,
            where level is 24 less the length of the path. The last part ends where the output ends.
    """
    assert result.is_accepted, "result is not accepted"
    assert (
        len(chunk.path) >= memory_tree.RANGE_LEVEL - CHUNK_LEVEL_LIMIT
    ), "chunk: position or size"
    level: uint256 = memory_tree.RANGE_LEVEL - len(chunk.path)
    output_size: uint256 = convert(result.output_size, uint256)
    position: uint256 = convert(chunk.index, uint256)
    size: uint256 = 32 << level
    start: uint256 = position * size
    assert (
        start < output_size and len(chunk.content) == min(size, output_size - start)
    ), "chunk: position or size"
    node: bytes32 = self._root(chunk.content, level)
    for sibling: bytes32 in chunk.path:
        if position & 1 == 0:
            node = keccak256(abi_encode(node, sibling))
        else:
            node = keccak256(abi_encode(sibling, node))
        position >>= 1
    assert node == result.output_root, "chunk: proof"


# --- shared ---------------------------------------------------------------------------------------


@internal
@view
def _check_meant(question: Question):
    """
    @dev An empty question would be that of job 0, which does not exist and has no digest either.
    """
    assert (
        question.digest != empty(bytes32)
        and staticcall IJobs(question.jobs).job_digests(question.job_id) == question.digest
    ), "not the job that was meant"


@internal
@pure
def _task_id(question: Question, shard_index: uint32) -> uint256:
    return question.job_id << 32 | convert(shard_index, uint256)


@internal
@pure
def _root(content: Bytes[memory_tree.CHECK_LIMIT_BYTES], depth: uint256) -> bytes32:
    """
    @notice The root of a tree of 2^depth leaves that hold `content` and then zeros.
    """
    nodes: bytes32[memory_tree.CHECK_LIMIT_LEAVES] = empty(bytes32[memory_tree.CHECK_LIMIT_LEAVES])
    padded: Bytes[memory_tree.CHECK_LIMIT_BYTES + 32] = concat(content, empty(bytes32))
    count: uint256 = max(1, unsafe_add(len(content), 31) >> 5)
    for index: uint256 in range(count, bound=memory_tree.CHECK_LIMIT_LEAVES):
        nodes[index] = extract32(padded, index << 5)
    zeros: bytes32[memory_tree.RANGE_LEVEL + 2] = memory_tree.ZERO_NODES
    for level: uint256 in range(depth, bound=memory_tree.RANGE_LEVEL):
        pairs: uint256 = count >> 1
        for index: uint256 in range(pairs, bound=memory_tree.CHECK_LIMIT_LEAVES // 2):
            left: uint256 = index << 1
            nodes[index] = keccak256(abi_encode(nodes[left], nodes[left | 1]))
        if count & 1 == 1:
            nodes[pairs] = keccak256(abi_encode(nodes[unsafe_sub(count, 1)], zeros[level]))
        count = unsafe_add(pairs, count & 1)
    return nodes[0]
