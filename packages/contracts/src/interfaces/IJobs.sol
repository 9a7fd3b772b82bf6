// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.20;

/// @title What consumers ask of Jobs (docs/protocol.md S1 to S4, S9)
/// @notice The zero address stands for native coins. task_id = job_id << 32 | shard_index.
interface IJobs {
    struct Order {
        uint256 program_id;
        bytes32 program_hash; // of (image_root, entry, max_cycles)
        bytes32 input_root;
        uint64 input_size;
        string input_uri; // at most 256 bytes
        bytes32 seed;
        uint32 shard_count;
        uint256 reward; // for each shard
        address asset;
        uint64 lease_seconds;
        uint64 deadline;
        uint64 window_seconds; // 0 for the shortest
        uint8 bond_multiple;
        uint8 policy;
        uint16 parameters_id; // the newest
        address consumer; // is called back, if it is not zero
        uint64 callback_gas;
        uint256 reducer_of;
    }

    struct Job {
        uint256 busy;
        uint256 deadline;
        uint256 lease_seconds;
        uint256 shard_count;
        uint256 parameters_id;
        uint256 policy;
        uint256 bond_multiple;
        bool is_unfed;
        uint256 window_seconds;
        uint256 reward;
        address asset;
    }

    struct Work {
        bytes32 image_root;
        uint64 entry;
        uint64 max_cycles;
        bytes32 input_root;
        uint64 input_size;
        bytes32 seed;
        uint32 shard_count;
    }

    struct JobTerms {
        address requester;
        address consumer;
        uint64 callback_gas;
        address asset;
        uint8 policy;
        uint16 parameters_id;
        uint8 bond_multiple;
        uint64 window_seconds;
        uint64 lease_seconds;
        uint256 reducer_of;
    }

    struct BatchTerms {
        bytes32 tasks_root;
        bytes32 claims_root;
        uint256 reward;
        uint256 bond_wei;
        address asset;
        uint256 window_seconds;
        uint256 lease_seconds;
    }

    struct Leaf {
        uint256 head; // [ status 64 | code 64 | cycle 64 | output_size 64 ]
        bytes32 output_root;
        bytes32 left_root;
    }

    struct LeafProof {
        uint256 item;
        uint256 item_index;
        bytes32[] item_path; // at most 8
        Work work;
        JobTerms job_terms;
        Leaf leaf;
        bytes32[] leaf_path; // at most 8
    }

    /// @notice Order a job and pay for all its shards.
    function post(Order calldata order) external payable returns (uint256 job_id);

    /// @notice Refund shards that are not busy; by the requester, and after the deadline by anybody.
    function cancel(uint256 job_id, Work calldata work, JobTerms calldata terms, uint32[] calldata shards) external;

    /// @notice Send `receiver` all that the caller is owed of an asset.
    function withdraw(address asset, address receiver) external;

    /// @notice What an account is owed of an asset.
    function credits(address asset, address account) external view returns (uint256);

    /// @notice Binds chain, contract, job, work and terms; zero if there is no such job.
    function job_digests(uint256 job_id) external view returns (bytes32);

    /// @notice What changes of a job, or is read often.
    function get_job(uint256 job_id) external view returns (Job memory);

    /// @notice The contract that proves and keeps results.
    function results() external view returns (address);

    /// @notice The contract that knows the policies.
    function assurances() external view returns (address);
}
