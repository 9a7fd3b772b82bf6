// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.20;

import {IJobs} from "./IJobs.sol";

/// @title What requesters ask of Kept (docs/availability.md A5)
interface IKept {
    /// Leaves first_leaf to first_leaf + leaf_count - 1 of the tree of this root and depth.
    struct Part {
        bytes32 root;
        uint256 depth;
        uint256 first_leaf;
        uint256 leaf_count;
    }

    struct Record {
        address registrant;
        bytes32 parts_hash;
        bytes32 hashes_root;
        uint256 blob_count;
        uint256 seat_count;
        uint256 since;
        uint256 until; // the last second in which its keepers answer for it
        uint256 fee_wei;
        uint256 bond_wei;
    }

    struct Named {
        uint256 item_id;
        Record record;
        uint256 part; // that holds what is meant
    }

    /// @notice Name the kept items that hold a job's program and input, so that it can be taken. By its requester.
    function supply(
        uint256 job_id,
        IJobs.Work calldata work,
        IJobs.JobTerms calldata terms,
        Named calldata program,
        Named calldata input,
        Part[] calldata program_parts,
        Part[] calldata input_parts
    ) external;

    /// @notice The items of a job's program and input, `program << 128 | input`; zero before it is supplied.
    function supplied(uint256 job_id) external view returns (uint256);
}
