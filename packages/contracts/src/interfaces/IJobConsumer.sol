// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.20;

/// @title What Results calls when all shards of a job are written out (docs/protocol.md S10.2)
interface IJobConsumer {
    /// @notice Anybody can have this called with a job of its own: begin with `JobReader.checkCallback`.
    function on_job(uint256 job_id) external;
}
