// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.20;

import {JobReader} from "../JobReader.sol";
import {IJobs} from "../interfaces/IJobs.sol";

/// @title A consumer that takes proofs: a prize for the best clustering of some points
/// @notice Anybody orders runs of the same program on the same points with a seed of its own, and proves the best of
/// them here. Written for `examples/python/k_means`, whose output begins with the inertia, a float that is never
/// negative: such floats are in the order of their bits. examples/contracts/BestClustering.vy is the same in Vyper.
contract BestClustering {
    using JobReader for JobReader.Question;

    event Improved(address indexed requester, uint256 indexed job_id, uint256 inertia, bytes32 output_hash);

    uint256 private constant INFINITY = 2047 << 52; // as bits of a float

    address private immutable jobs;
    bytes32 private immutable imageRoot;
    uint64 private immutable entry;
    uint64 private immutable maxCycles;
    bytes32 private immutable inputRoot;
    uint64 private immutable inputSize;
    uint8 private immutable policy;
    uint16 private immutable parametersId;
    uint256 private immutable endTime;

    uint256 public best = INFINITY;
    address public winner;
    bytes32 public output_hash;

    constructor(
        address jobs_,
        JobReader.Program memory program,
        bytes32 inputRoot_,
        uint64 inputSize_,
        uint8 policy_,
        uint16 parametersId_,
        uint256 endTime_
    ) payable {
        jobs = jobs_;
        imageRoot = program.image_root;
        entry = program.entry;
        maxCycles = program.max_cycles;
        inputRoot = inputRoot_;
        inputSize = inputSize_;
        policy = policy_;
        parametersId = parametersId_;
        endTime = endTime_;
    }

    /// @notice Show a better clustering. The prize is for who ordered it, so it is of no use to copy somebody's call.
    function submit(
        uint256 job_id,
        uint32 shard_index,
        JobReader.Evidence calldata evidence,
        bytes calldata output
    ) external {
        require(block.timestamp <= endTime, "too late");
        IJobs.JobTerms memory terms = evidence.proof.job_terms;
        // Seed, shards and the other terms are free. Who checks no policy accepts what a policy without checks let
        // through.
        require(terms.policy == policy && terms.parameters_id == parametersId, "another policy");
        IJobs.Work memory work = IJobs.Work({
            image_root: imageRoot,
            entry: entry,
            max_cycles: maxCycles,
            input_root: inputRoot,
            input_size: inputSize,
            seed: evidence.proof.work.seed,
            shard_count: evidence.proof.work.shard_count
        });
        JobReader.expect(jobs, job_id, work, terms).provedOutput(shard_index, evidence, output);
        uint256 inertia = _word(output, 0);
        require(inertia < best, "not better");
        best = inertia;
        winner = terms.requester;
        output_hash = keccak256(output);
        emit Improved(terms.requester, job_id, inertia, output_hash);
    }

    /// @notice Send the prize to the winner.
    function pay() external {
        require(block.timestamp > endTime, "too early");
        require(winner != address(0), "nobody has won");
        (bool isPaid,) = winner.call{value: address(this).balance}("");
        require(isPaid, "payment refused");
    }

    /// @dev A little-endian u64.
    function _word(bytes calldata output, uint256 start) private pure returns (uint256 value) {
        for (uint256 index = 0; index < 8; ++index) {
            value |= uint256(uint8(output[start + index])) << (8 * index);
        }
    }
}
