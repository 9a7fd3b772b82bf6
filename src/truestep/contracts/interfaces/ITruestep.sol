// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.0;

/// @title What a consumer reads of truestep's Jobs contract (docs/protocol.md P7)
/// @notice task_id = job_id << 32 | shard_index.
interface ITruestep {
    struct Job {
        uint256 program_id;
        bytes32 input_root;
        uint64 input_size;
        bytes32 seed;
        uint32 shard_count;
        uint256 reward_wei;
        uint64 lease_seconds;
        uint64 deadline;
        uint64 max_cycles;
        address requester;
        uint32 final_count;
    }

    struct Result {
        bool is_final; // for ever; all other fields are zero before
        bool is_accepted; // the run succeeded: status 1, code 0, output of at most 512 MiB
        uint8 status; // 0 did not halt within max_cycles, 1 exited, 2 trapped
        uint64 code; // exit code or trap cause
        uint64 cycle;
        uint64 output_size;
        bytes32 output_root;
    }

    struct Order {
        uint256 program_id;
        bytes32 input_root;
        uint64 input_size;
        string input_uri; // at most 256 bytes
        bytes32 seed;
        uint32 shard_count;
        uint256 reward_wei; // for each shard
        uint64 lease_seconds;
        uint64 deadline;
    }

    /// @notice Order a job; send reward_wei * shard_count along.
    function post(Order calldata order) external payable returns (uint256 job_id);

    /// @notice After the deadline, take back the rewards of shards that nobody settled.
    function reclaim(uint256 job_id, uint32[] calldata shard_indices) external;

    /// @notice Send the caller what it is owed.
    function withdraw() external;

    function credits(address account) external view returns (uint256);

    /// @notice Reverts if the job is unknown.
    function get_job(uint256 job_id) external view returns (Job memory);

    /// @notice Whether every shard is final. Reverts if the job is unknown.
    function is_complete(uint256 job_id) external view returns (bool);

    function result(uint256 task_id) external view returns (Result memory);

    /// @notice Whether `output`, at most 8,192 bytes, is the output of the task's accepted final result.
    function check_output(uint256 task_id, bytes calldata output) external view returns (bool);

    event Finalized(
        uint256 indexed task_id,
        address indexed operator,
        uint256 claim_id,
        ClaimedState claimed,
        bool is_accepted
    );

    struct ClaimedState {
        uint8 status;
        uint64 code;
        uint64 cycle;
        uint64 output_size;
        bytes32 output_root;
        bytes32 left_root;
        bytes32 inner_root;
        bytes32 running_state;
    }
}
