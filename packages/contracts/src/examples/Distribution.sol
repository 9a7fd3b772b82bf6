// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.20;

import {JobReader} from "../JobReader.sol";
import {IJobs} from "../interfaces/IJobs.sol";
import {IResults} from "../interfaces/IResults.sol";

/// @title A consumer that reads a large output row by row: coins for those whom a computation names
/// @notice The output is a table of rows of 32 bytes, [ account 20 | amount 12 ], as long as it likes: everybody brings
/// its own row and the path from it. examples/contracts/Distribution.vy is the same in Vyper.
contract Distribution {
    using JobReader for JobReader.Question;

    event Paid(uint64 indexed index, address indexed account, uint256 amount_wei);

    JobReader.Question private question;
    IResults.Result private result;
    mapping(uint64 => bool) public is_paid;

    /// @notice Who deploys it says which job it means, in full.
    constructor(address jobs, uint256 job_id, IJobs.Work memory work, IJobs.JobTerms memory terms) payable {
        question = JobReader.expect(jobs, job_id, work, terms);
    }

    /// @notice Prove the result, once and for all. By anybody.
    function settle(JobReader.Evidence calldata evidence) external {
        require(!result.is_final, "settled already");
        result = question.proved(0, evidence);
    }

    /// @notice Pay a row of the table. By anybody.
    function claim(uint64 index, address account, uint96 amount_wei, bytes32[] calldata path) external {
        require(!is_paid[index], "paid already");
        // A row is one leaf: a path of another length would be that of a longer part.
        require(path.length == 24, "not the path of a row");
        JobReader.checkChunk(result, JobReader.Chunk(index, abi.encodePacked(account, amount_wei), path));
        is_paid[index] = true;
        emit Paid(index, account, amount_wei);
        (bool isPaid,) = account.call{value: amount_wei}("");
        require(isPaid, "payment refused");
    }
}
