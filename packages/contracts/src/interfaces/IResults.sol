// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.20;

import {IJobs} from "./IJobs.sol";

/// @title What consumers ask of Results (docs/protocol.md S4.8, S10)
interface IResults {
    struct Result {
        bool is_final; // for ever; all else is zero before
        bool is_accepted; // the run succeeded: status 1, code 0, output of at most 512 MiB
        uint64 status; // 0 did not end within max_cycles, 1 exited, 2 trapped
        uint64 code; // exit code or trap cause
        uint64 cycle;
        uint64 output_size;
        bytes32 output_root;
    }

    /// @notice Keep the outcome of a final leaf, for those that cannot carry proofs. By anybody.
    function write_out(uint256 claim_id, IJobs.BatchTerms calldata terms, IJobs.LeafProof calldata proof) external;

    /// @notice Call a job's consumer once all shards are written out, until it succeeds once. By anybody.
    function call_back(uint256 job_id, IJobs.Work calldata work, IJobs.JobTerms calldata terms)
        external
        returns (bool is_success);

    /// @notice The task of a leaf and its result. Refuses a leaf that is not final, or not this one.
    function check_leaf(uint256 claim_id, IJobs.BatchTerms calldata terms, IJobs.LeafProof calldata proof)
        external
        view
        returns (uint256 task_id, Result memory result);

    /// @notice The result of a task that is written out; all zero while it is not.
    function result(uint256 task_id) external view returns (Result memory);

    /// @notice Whether every shard of the job is written out.
    function is_complete(uint256 job_id) external view returns (bool);
}
