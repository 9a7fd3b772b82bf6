// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.20;

import {JobReader} from "truestep-contracts/src/JobReader.sol";
import {IJobs} from "truestep-contracts/src/interfaces/IJobs.sol";

contract Shown {
    using JobReader for JobReader.Question;

    JobReader.Question private question;

    constructor(address jobs, uint256 jobId, IJobs.Work memory work, IJobs.JobTerms memory terms) {
        question = JobReader.expect(jobs, jobId, work, terms);
    }

    function use(JobReader.Evidence calldata evidence, bytes calldata output) external view {
        question.provedOutput(0, evidence, output);
        // output is what the program wrote: final, accepted, and of the job that was meant
    }
}
