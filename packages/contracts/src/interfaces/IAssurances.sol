// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.20;

/// @title What consumers ask of Assurances (docs/protocol.md S8)
interface IAssurances {
    /// @notice The contract of a policy; zero for policy 1, which has none, and for unknown ones.
    function policies(uint256 policy) external view returns (address);
}
