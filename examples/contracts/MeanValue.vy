#pragma version 0.4.3
#pragma evm-version cancun
"""
@title A consumer that asks: what one unit of money is worth after a year, on average
@license Apache-2.0
@notice Posts a simulation of four shards from the contract itself and is called back when all are written out. Then
        anybody brings their outputs, which need not be trusted. Written for the record of `value_at_risk.c`.
"""
from interfaces import IJobs
from modules import job_reader


event Asked:
    job_id: indexed(uint256)
    round: uint256


event Ready:
    job_id: indexed(uint256)


event Answered:
    round: indexed(uint256)
    value_q32: uint256


SHARD_COUNT: constant(uint32) = 4
RECORD_SIZE_BYTES: constant(uint256) = 4136
LIFETIME_SECONDS: constant(uint64) = 86_400
PATIENCE_SECONDS: constant(uint256) = 30 * 86_400
# How long an answer may take from the deadline on: a window, and games.
CALLBACK_GAS: constant(uint64) = 100_000

JOBS: immutable(address)
PROGRAM_ID: immutable(uint256)
PROGRAM: immutable(job_reader.Program)
INPUT_ROOT: immutable(bytes32)
INPUT_SIZE: immutable(uint64)
POLICY: immutable(uint8)
PARAMETERS_ID: immutable(uint16)

question: job_reader.Question
payer: public(address)
round: public(uint256)
deadline: public(uint256)
is_open: public(bool)
is_ready: public(bool)
counted: public(uint256)  # a bit for each shard
path_count: uint256
value_sum_q32: uint256
value_q32: public(uint256)  # fixed point with 32 fraction bits; 0 before the first answer


@deploy
def __init__(
    jobs: address,
    program_id: uint256,
    program: job_reader.Program,
    input_root: bytes32,
    input_size: uint64,
    policy: uint8,
    parameters_id: uint16,
):
    JOBS = jobs
    PROGRAM_ID = program_id
    PROGRAM = program
    INPUT_ROOT = input_root
    INPUT_SIZE = input_size
    POLICY = policy
    PARAMETERS_ID = parameters_id


@external
@payable
def ask(input_uri: String[256]):
    """
    @notice Begin a round; the coins sent are the reward. By anybody, who gets back what nobody earns.
    @dev The seed is the round's number. A seed that the caller chose would let it try until it likes the answer.
    """
    assert not self.is_open, "a round is open"
    self.round += 1
    deadline: uint64 = convert(block.timestamp, uint64) + LIFETIME_SECONDS
    order: IJobs.Order = empty(IJobs.Order)
    order.program_id = PROGRAM_ID
    order.input_root = INPUT_ROOT
    order.input_size = INPUT_SIZE
    order.input_uri = input_uri
    order.seed = convert(self.round, bytes32)
    order.shard_count = SHARD_COUNT
    order.reward = msg.value // convert(SHARD_COUNT, uint256)
    order.lease_seconds = 3_600
    order.deadline = deadline
    order.bond_multiple = 1
    order.policy = POLICY
    order.consumer = self
    order.callback_gas = CALLBACK_GAS
    self.question = job_reader.ask(JOBS, order, PROGRAM, PARAMETERS_ID)
    self.payer = msg.sender
    self.deadline = convert(deadline, uint256)
    self.is_open = True
    self.is_ready = False
    self.counted = 0
    self.path_count = 0
    self.value_sum_q32 = 0
    log Asked(job_id=self.question.job_id, round=self.round)


@external
def on_job(job_id: uint256):
    """
    @notice All shards are written out. By Results, with CALLBACK_GAS.
    """
    job_reader.check_callback(self.question, job_id)
    self.is_ready = True
    log Ready(job_id=job_id)


@external
def count(shard_index: uint32, output: Bytes[8192]):
    """
    @notice Bring the output of a shard. The last one makes the answer.
    """
    assert self.is_open and self.is_ready, "no round is ready"
    bit: uint256 = 1 << convert(shard_index, uint256)
    assert self.counted & bit == 0, "counted already"
    job_reader.written_output(self.question, shard_index, output)
    assert len(output) == RECORD_SIZE_BYTES, "not a record"
    self.counted |= bit
    self.path_count += self._word(output, 0)
    self.value_sum_q32 += self._word(output, 8)
    if self.counted == (1 << convert(SHARD_COUNT, uint256)) - 1:
        self.value_q32 = self.value_sum_q32 // self.path_count
        self.is_open = False
        log Answered(round=self.round, value_q32=self.value_q32)


@external
def give_up(shard_index: uint32):
    """
    @notice End a round that cannot be answered: a shard's run failed, or it is too late.
    """
    assert self.is_open, "no round is open"
    if block.timestamp <= self.deadline + PATIENCE_SECONDS:
        assert (
            not job_reader.written_any(self.question, shard_index).is_accepted
        ), "the round may be answered"
    self.is_open = False


@external
def refund():
    """
    @notice Send the payer of the last round what Jobs owes: rewards of shards that were cancelled after the deadline.
    """
    job_reader.withdraw(self.question, empty(address), self.payer)


@internal
@pure
def _word(output: Bytes[8192], start: uint256) -> uint256:
    """
    @dev A little-endian u64.
    """
    value: uint256 = 0
    for index: uint256 in range(8):
        value |= convert(slice(output, start + index, 1), uint256) << (8 * index)
    return value
