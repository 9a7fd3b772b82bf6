// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.20;

import {IAssurances} from "./interfaces/IAssurances.sol";
import {IJobs} from "./interfaces/IJobs.sol";
import {IKept} from "./interfaces/IKept.sol";
import {IResults} from "./interfaces/IResults.sol";

/// @title What a contract needs to use results safely (docs/consumers.md, docs/protocol.md S10.1)
/// @notice A consumer keeps a `Question`, which only `ask`, `expect` and `fed` make. Its digest binds everything that a
/// result depends on: chain, Jobs, job, program, input and its size, seed, shards, requester and terms. All other
/// functions refuse results of anything else. job_reader.vy is the same for Vyper.
library JobReader {
    struct Program {
        bytes32 image_root;
        uint64 entry;
        uint64 max_cycles;
    }

    struct Question {
        address jobs;
        address results;
        uint256 job_id;
        bytes32 digest;
    }

    struct Evidence {
        uint256 claim_id;
        IJobs.BatchTerms terms;
        IJobs.LeafProof proof;
    }

    struct Chunk {
        uint64 index; // its place among chunks of its size
        bytes content; // at most 8 KiB
        bytes32[] path; // from the chunk to the output's root
    }

    uint256 private constant RANGE_LEVEL = 24; // the output's range is 512 MiB (machine M3.3)
    uint256 private constant CHUNK_LEVEL_LIMIT = 8;
    uint256 private constant CHECK_LIMIT_BYTES = 8192;

    // --- questions ---------------------------------------------------------------------------------

    /// @notice Post a job from this contract, which pays for it, and bind what it asks.
    /// @dev For an ERC-20, approve Jobs before. Coins that come back are credited to this contract: `withdraw`.
    /// @param program What the order's program must be; its number alone says nothing.
    /// @param parameters_id The parameter set that the job must be bound to: the newest one.
    function ask(address jobs, IJobs.Order memory order, Program memory program, uint16 parameters_id)
        internal
        returns (Question memory)
    {
        order.program_hash = keccak256(abi.encode(program));
        order.parameters_id = parameters_id;
        uint256 value = order.asset == address(0) ? order.reward * order.shard_count : 0;
        uint256 job_id = IJobs(jobs).post{value: value}(order);
        IJobs.Work memory work = IJobs.Work({
            image_root: program.image_root,
            entry: program.entry,
            max_cycles: program.max_cycles,
            input_root: order.input_root,
            input_size: order.input_size,
            seed: order.seed,
            shard_count: order.shard_count
        });
        IJobs.JobTerms memory terms = IJobs.JobTerms({
            requester: address(this),
            consumer: order.consumer,
            callback_gas: order.callback_gas,
            asset: order.asset,
            policy: order.policy,
            parameters_id: parameters_id,
            bond_multiple: order.bond_multiple,
            window_seconds: uint64(IJobs(jobs).get_job(job_id).window_seconds),
            lease_seconds: order.lease_seconds,
            reducer_of: order.reducer_of
        });
        return expect(jobs, job_id, work, terms);
    }

    /// @notice Bind a job that somebody posted. Refuses one of another work or other terms.
    /// @dev Every field that comes from a caller is the caller's choice: compare it with what you mean.
    function expect(address jobs, uint256 job_id, IJobs.Work memory work, IJobs.JobTerms memory terms)
        internal
        view
        returns (Question memory)
    {
        bytes32 digest = digestOf(jobs, job_id, work, terms);
        require(digest == IJobs(jobs).job_digests(job_id), "not the job that was meant");
        return Question({jobs: jobs, results: IJobs(jobs).results(), job_id: job_id, digest: digest});
    }

    /// @notice The question of a reducer that was fed: its job has got its input, and so another digest (S4.9).
    /// @param source The question about the job whose outputs it reduces.
    /// @param work The reducer's, with the input that it has now.
    function fed(
        Question memory reducer,
        Question memory source,
        IJobs.Work memory work,
        IJobs.JobTerms memory terms
    ) internal view returns (Question memory) {
        _checkMeant(source);
        require(terms.reducer_of >> 8 == source.job_id, "job is not a reducer");
        bytes32 inputRoot = work.input_root;
        uint64 inputSize = work.input_size;
        work.input_root = source.digest;
        work.input_size = 0;
        bytes32 digest = digestOf(reducer.jobs, reducer.job_id, work, terms);
        require(digest == reducer.digest && source.jobs == reducer.jobs, "not the job that was meant");
        work.input_root = inputRoot;
        work.input_size = inputSize;
        return expect(reducer.jobs, reducer.job_id, work, terms);
    }

    /// @notice Refuse a job whose results may become final while program, input or outputs cannot be had by everybody.
    /// @param kept The contract of the policy *kept* (docs/availability.md A5), which the consumer knows by itself.
    function checkKept(Question memory question, address kept) internal view {
        _checkMeant(question);
        uint256 policy = IJobs(question.jobs).get_job(question.job_id).policy;
        address assurances = IJobs(question.jobs).assurances();
        require(
            kept != address(0) && IAssurances(assurances).policies(policy) == kept, "data need not be kept"
        );
    }

    /// @notice Name the kept items that hold program and input of a job that this contract asked, so that it can be
    /// taken.
    /// @dev Anybody may choose the items: Kept refuses those that do not hold what the job means, or not for long
    /// enough.
    function supply(
        Question memory question,
        address kept,
        IJobs.Work calldata work,
        IJobs.JobTerms calldata terms,
        IKept.Named calldata program,
        IKept.Named calldata input,
        IKept.Part[] calldata program_parts,
        IKept.Part[] calldata input_parts
    ) internal {
        checkKept(question, kept);
        IKept(kept).supply(question.job_id, work, terms, program, input, program_parts, input_parts);
    }

    /// @notice Refuse an `on_job` that is not from Results, or about a job that is not this one.
    /// @dev Anybody may post a job that names this contract as its consumer.
    function checkCallback(Question memory question, uint256 job_id) internal view {
        require(msg.sender == question.results, "caller is not Results");
        require(job_id == question.job_id, "called back for another job");
    }

    /// @notice Send `receiver` all that Jobs owes this contract, as for shards that were not computed.
    function withdraw(Question memory question, address asset, address receiver) internal {
        IJobs(question.jobs).withdraw(asset, receiver);
    }

    /// @notice What statements about a job must name (S1.2, S1.3).
    function digestOf(address jobs, uint256 job_id, IJobs.Work memory work, IJobs.JobTerms memory terms)
        internal
        view
        returns (bytes32)
    {
        return keccak256(abi.encode(block.chainid, jobs, job_id, keccak256(abi.encode(work)), terms));
    }

    // --- results -----------------------------------------------------------------------------------

    /// @notice The final and accepted result of a shard, from a proof.
    function proved(Question memory question, uint32 shardIndex, Evidence calldata evidence)
        internal
        view
        returns (IResults.Result memory result)
    {
        result = provedAny(question, shardIndex, evidence);
        require(result.is_accepted, "result is not accepted");
    }

    /// @notice The final and accepted result of a shard, which somebody has written out.
    function written(Question memory question, uint32 shardIndex)
        internal
        view
        returns (IResults.Result memory result)
    {
        result = writtenAny(question, shardIndex);
        require(result.is_accepted, "result is not accepted");
    }

    /// @notice As `proved`, but also of a run that trapped, failed or never ended: look at `is_accepted`.
    function provedAny(Question memory question, uint32 shardIndex, Evidence calldata evidence)
        internal
        view
        returns (IResults.Result memory result)
    {
        _checkMeant(question);
        uint256 taskId;
        (taskId, result) = IResults(question.results).check_leaf(evidence.claim_id, evidence.terms, evidence.proof);
        require(taskId == (question.job_id << 32 | shardIndex), "leaf is of another task");
    }

    /// @notice As `written`, but also of a run that trapped, failed or never ended: look at `is_accepted`.
    function writtenAny(Question memory question, uint32 shardIndex)
        internal
        view
        returns (IResults.Result memory result)
    {
        _checkMeant(question);
        result = IResults(question.results).result(question.job_id << 32 | shardIndex);
        require(result.is_final, "shard is not written out");
    }

    // --- outputs -----------------------------------------------------------------------------------

    /// @notice Refuse bytes that are not the whole output of a shard's final and accepted result.
    function provedOutput(
        Question memory question,
        uint32 shardIndex,
        Evidence calldata evidence,
        bytes memory output
    ) internal view {
        checkOutput(proved(question, shardIndex, evidence), output);
    }

    /// @notice The same for a result that is written out.
    function writtenOutput(Question memory question, uint32 shardIndex, bytes memory output) internal view {
        checkOutput(written(question, shardIndex), output);
    }

    /// @notice Refuse bytes that are not this part of the output of a shard's final and accepted result.
    function provedChunk(
        Question memory question,
        uint32 shardIndex,
        Evidence calldata evidence,
        Chunk memory chunk
    ) internal view {
        checkChunk(proved(question, shardIndex, evidence), chunk);
    }

    /// @notice The same for a result that is written out.
    function writtenChunk(Question memory question, uint32 shardIndex, Chunk memory chunk) internal view {
        checkChunk(written(question, shardIndex), chunk);
    }

    /// @notice Refuse bytes that are not the whole output of a result, at most 8 KiB.
    /// @dev Behind the output there must be zeros, as every guest of the SDK leaves them.
    function checkOutput(IResults.Result memory result, bytes memory output) internal pure {
        require(result.is_accepted, "result is not accepted");
        require(
            output.length <= CHECK_LIMIT_BYTES && output.length == result.output_size
                && _root(output, RANGE_LEVEL) == result.output_root,
            "not the final output"
        );
    }

    /// @notice Refuse bytes that are not this part of a result's output: number `index` among parts of 2^level leaves,
    /// where level is 24 less the length of the path. The last part ends where the output ends.
    function checkChunk(IResults.Result memory result, Chunk memory chunk) internal pure {
        require(result.is_accepted, "result is not accepted");
        uint256 depth = chunk.path.length;
        require(depth <= RANGE_LEVEL && depth + CHUNK_LEVEL_LIMIT >= RANGE_LEVEL, "chunk: position or size");
        uint256 level = RANGE_LEVEL - depth;
        uint256 position = chunk.index;
        uint256 size = 32 << level;
        uint256 start = position * size;
        require(start < result.output_size, "chunk: position or size");
        uint256 rest = result.output_size - start;
        require(chunk.content.length == (size < rest ? size : rest), "chunk: position or size");
        bytes32 node = _root(chunk.content, level);
        for (uint256 height = 0; height < depth; ++height) {
            bytes32 sibling = chunk.path[height];
            node = position & 1 == 0 ? _parent(node, sibling) : _parent(sibling, node);
            position >>= 1;
        }
        require(node == result.output_root, "chunk: proof");
    }

    // --- shared ------------------------------------------------------------------------------------

    /// @dev An empty question would be that of job 0, which does not exist and has no digest either.
    function _checkMeant(Question memory question) private view {
        require(
            question.digest != bytes32(0) && IJobs(question.jobs).job_digests(question.job_id) == question.digest,
            "not the job that was meant"
        );
    }

    /// @dev The root of a tree of 2^depth leaves that hold `content` and then zeros.
    function _root(bytes memory content, uint256 depth) private pure returns (bytes32) {
        uint256 count = content.length == 0 ? 1 : (content.length + 31) / 32;
        bytes32[] memory nodes = new bytes32[](count + 1); // with room for a zero node behind an odd number
        uint256 rest = content.length % 32;
        assembly ("memory-safe") {
            for { let at := 0 } lt(at, mload(content)) { at := add(at, 32) } {
                mstore(add(add(nodes, 32), at), mload(add(add(content, 32), at)))
            }
        }
        // Memory behind the content may hold anything.
        if (rest != 0) nodes[count - 1] &= ~bytes32(type(uint256).max >> (8 * rest));
        bytes32 zero = bytes32(0);
        for (uint256 level = 0; level < depth; ++level) {
            if (count % 2 == 1) nodes[count++] = zero;
            count /= 2;
            assembly ("memory-safe") {
                let first := add(nodes, 32)
                for { let index := 0 } lt(index, count) { index := add(index, 1) } {
                    mstore(add(first, mul(32, index)), keccak256(add(first, mul(64, index)), 64))
                }
            }
            zero = _parent(zero, zero);
        }
        return nodes[0];
    }

    function _parent(bytes32 left, bytes32 right) private pure returns (bytes32 node) {
        assembly ("memory-safe") {
            mstore(0, left)
            mstore(32, right)
            node := keccak256(0, 64)
        }
    }
}
