// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.20;

import {JobReader} from "truestep-contracts/src/JobReader.sol";
import {IJobs} from "truestep-contracts/src/interfaces/IJobs.sol";
import {IKept} from "truestep-contracts/src/interfaces/IKept.sol";
import {IResults} from "truestep-contracts/src/interfaces/IResults.sol";

/// @title Everything that JobReader does, for tests
contract Reader {
    using JobReader for JobReader.Question;

    address private immutable jobs;
    JobReader.Question private question;
    JobReader.Question private source;
    uint256 public called;

    constructor(address jobs_) payable {
        jobs = jobs_;
    }

    receive() external payable {}

    function ask(IJobs.Order calldata order, JobReader.Program calldata program, uint16 parameters_id)
        external
        payable
    {
        question = JobReader.ask(jobs, order, program, parameters_id);
    }

    function expect(uint256 job_id, IJobs.Work calldata work, IJobs.JobTerms calldata terms) external {
        question = JobReader.expect(jobs, job_id, work, terms);
    }

    function keep_as_source() external {
        source = question;
    }

    function set_source(JobReader.Question calldata made) external {
        source = made;
    }

    function forget() external {
        delete question;
    }

    function feed(IJobs.Work calldata work, IJobs.JobTerms calldata terms) external {
        question = question.fed(source, work, terms);
    }

    function check_kept(address kept) external view {
        question.checkKept(kept);
    }

    function supply(
        address kept,
        IJobs.Work calldata work,
        IJobs.JobTerms calldata terms,
        IKept.Named calldata program,
        IKept.Named calldata input,
        IKept.Part[] calldata program_parts,
        IKept.Part[] calldata input_parts
    ) external {
        question.supply(kept, work, terms, program, input, program_parts, input_parts);
    }

    function on_job(uint256 job_id) external {
        question.checkCallback(job_id);
        called += 1;
    }

    function withdraw(address asset, address receiver) external {
        question.withdraw(asset, receiver);
    }

    function proved(uint32 shard_index, JobReader.Evidence calldata evidence)
        external
        view
        returns (IResults.Result memory)
    {
        return question.proved(shard_index, evidence);
    }

    function proved_any(uint32 shard_index, JobReader.Evidence calldata evidence)
        external
        view
        returns (IResults.Result memory)
    {
        return question.provedAny(shard_index, evidence);
    }

    function written(uint32 shard_index) external view returns (IResults.Result memory) {
        return question.written(shard_index);
    }

    function written_any(uint32 shard_index) external view returns (IResults.Result memory) {
        return question.writtenAny(shard_index);
    }

    function proved_output(uint32 shard_index, JobReader.Evidence calldata evidence, bytes calldata output)
        external
        view
    {
        question.provedOutput(shard_index, evidence, output);
    }

    function written_output(uint32 shard_index, bytes calldata output) external view {
        question.writtenOutput(shard_index, output);
    }

    function proved_chunk(
        uint32 shard_index,
        JobReader.Evidence calldata evidence,
        JobReader.Chunk calldata chunk
    ) external view {
        question.provedChunk(shard_index, evidence, chunk);
    }

    function written_chunk(uint32 shard_index, JobReader.Chunk calldata chunk) external view {
        question.writtenChunk(shard_index, chunk);
    }

    function check_output(IResults.Result calldata result, bytes calldata output) external pure {
        JobReader.checkOutput(result, output);
    }

    /// @dev The output without its last byte, which stays in memory behind it.
    function check_cut_output(IResults.Result calldata result, bytes memory output) external pure {
        assembly ("memory-safe") {
            mstore(output, sub(mload(output), 1))
        }
        JobReader.checkOutput(result, output);
    }

    function check_chunk(IResults.Result calldata result, JobReader.Chunk calldata chunk) external pure {
        JobReader.checkChunk(result, chunk);
    }
}
