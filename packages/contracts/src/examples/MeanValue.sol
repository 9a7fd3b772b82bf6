// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.20;

import {JobReader} from "../JobReader.sol";
import {IJobConsumer} from "../interfaces/IJobConsumer.sol";
import {IJobs} from "../interfaces/IJobs.sol";

/// @title A consumer that asks: what one unit of money is worth after a year, on average
/// @notice Posts a simulation of four shards from the contract itself and is called back when all are written out. Then
/// anybody brings their outputs, which need not be trusted. Written for the record of `value_at_risk.c`.
/// examples/contracts/MeanValue.vy is the same in Vyper.
contract MeanValue is IJobConsumer {
    using JobReader for JobReader.Question;

    event Asked(uint256 indexed job_id, uint256 round);
    event Ready(uint256 indexed job_id);
    event Answered(uint256 indexed round, uint256 value_q32);

    uint32 private constant SHARD_COUNT = 4;
    uint256 private constant RECORD_SIZE_BYTES = 4136;
    uint64 private constant LIFETIME_SECONDS = 1 days;
    uint256 private constant PATIENCE_SECONDS = 30 days; // how long an answer may take: a window, and games
    uint64 private constant CALLBACK_GAS = 100_000;

    address private immutable jobs;
    uint256 private immutable programId;
    bytes32 private immutable imageRoot;
    uint64 private immutable entry;
    uint64 private immutable maxCycles;
    bytes32 private immutable inputRoot;
    uint64 private immutable inputSize;
    uint8 private immutable policy;
    uint16 private immutable parametersId;

    JobReader.Question private question;
    address public payer;
    uint256 public round;
    uint256 public deadline;
    bool public is_open;
    bool public is_ready;
    uint256 public counted; // a bit for each shard
    uint256 private pathCount;
    uint256 private valueSumQ32;
    uint256 public value_q32; // fixed point with 32 fraction bits; 0 before the first answer

    constructor(
        address jobs_,
        uint256 programId_,
        JobReader.Program memory program,
        bytes32 inputRoot_,
        uint64 inputSize_,
        uint8 policy_,
        uint16 parametersId_
    ) {
        jobs = jobs_;
        programId = programId_;
        imageRoot = program.image_root;
        entry = program.entry;
        maxCycles = program.max_cycles;
        inputRoot = inputRoot_;
        inputSize = inputSize_;
        policy = policy_;
        parametersId = parametersId_;
    }

    /// @notice Begin a round; the coins sent are the reward. By anybody, who gets back what nobody earns.
    /// @dev The seed is the round's number. A seed that the caller chose would let it try until it likes the answer.
    function ask(string calldata input_uri) external payable {
        require(!is_open, "a round is open");
        round += 1;
        deadline = block.timestamp + LIFETIME_SECONDS;
        IJobs.Order memory order;
        order.program_id = programId;
        order.input_root = inputRoot;
        order.input_size = inputSize;
        order.input_uri = input_uri;
        order.seed = bytes32(round);
        order.shard_count = SHARD_COUNT;
        order.reward = msg.value / SHARD_COUNT;
        order.lease_seconds = 1 hours;
        order.deadline = uint64(deadline);
        order.bond_multiple = 1;
        order.policy = policy;
        order.consumer = address(this);
        order.callback_gas = CALLBACK_GAS;
        question = JobReader.ask(jobs, order, JobReader.Program(imageRoot, entry, maxCycles), parametersId);
        payer = msg.sender;
        is_open = true;
        is_ready = false;
        counted = 0;
        pathCount = 0;
        valueSumQ32 = 0;
        emit Asked(question.job_id, round);
    }

    /// @notice All shards are written out. By Results, with CALLBACK_GAS.
    function on_job(uint256 job_id) external {
        question.checkCallback(job_id);
        is_ready = true;
        emit Ready(job_id);
    }

    /// @notice Bring the output of a shard. The last one makes the answer.
    function count(uint32 shard_index, bytes calldata output) external {
        require(is_open && is_ready, "no round is ready");
        uint256 bit = 1 << uint256(shard_index);
        require(counted & bit == 0, "counted already");
        question.writtenOutput(shard_index, output);
        require(output.length == RECORD_SIZE_BYTES, "not a record");
        counted |= bit;
        pathCount += _word(output, 0);
        valueSumQ32 += _word(output, 8);
        if (counted == (1 << uint256(SHARD_COUNT)) - 1) {
            value_q32 = valueSumQ32 / pathCount;
            is_open = false;
            emit Answered(round, value_q32);
        }
    }

    /// @notice End a round that cannot be answered: a shard's run failed, or it is too late.
    function give_up(uint32 shard_index) external {
        require(is_open, "no round is open");
        if (block.timestamp <= deadline + PATIENCE_SECONDS) {
            require(!question.writtenAny(shard_index).is_accepted, "the round may be answered");
        }
        is_open = false;
    }

    /// @notice Send the payer of the last round what Jobs owes: rewards of shards that were cancelled after the deadline.
    function refund() external {
        question.withdraw(address(0), payer);
    }

    /// @dev A little-endian u64.
    function _word(bytes calldata output, uint256 start) private pure returns (uint256 value) {
        for (uint256 index = 0; index < 8; ++index) {
            value |= uint256(uint8(output[start + index])) << (8 * index);
        }
    }
}
