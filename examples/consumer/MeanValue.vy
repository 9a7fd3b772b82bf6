#pragma version 0.4.3
"""
@title A consumer: what one unit of money is worth after a year, on average, out of the demo's job
@license Apache-2.0
@notice Anybody brings the shards' outputs; nobody has to be trusted, since Jobs checks each against the
        result that became final. Only successful runs pass. Written for the record that `value_at_risk.c` draws.
"""


# Of truestep's Jobs contract: all that a consumer needs. ITruestep.sol is the same for Solidity.
struct Job:
    program_id: uint256
    input_root: bytes32
    input_size: uint64
    seed: bytes32
    shard_count: uint32
    reward_wei: uint256
    lease_seconds: uint64
    deadline: uint64
    max_cycles: uint64
    requester: address
    final_count: uint32


interface Jobs:
    def get_job(job_id: uint256) -> Job: view
    def check_output(task_id: uint256, output: Bytes[8192]) -> bool: view


event ShardCounted:
    shard_index: indexed(uint32)
    path_count: uint256


RECORD_SIZE_BYTES: constant(uint256) = 4136

JOBS: immutable(Jobs)
JOB_ID: immutable(uint256)
SHARD_COUNT: immutable(uint256)

is_counted: public(HashMap[uint32, bool])
counted_shards: public(uint256)
path_count: public(uint256)
value_sum_q32: public(uint256)


@deploy
def __init__(jobs: address, job_id: uint256, program_id: uint256, input_root: bytes32):
    """
    @notice Names the question: a result means nothing without the program and the input that it comes from.
    """
    JOBS = Jobs(jobs)
    JOB_ID = job_id
    job: Job = staticcall JOBS.get_job(job_id)
    assert job.program_id == program_id, "another program"
    assert job.input_root == input_root, "another input"
    SHARD_COUNT = convert(job.shard_count, uint256)


@external
def count_shard(shard_index: uint32, output: Bytes[8192]):
    """
    @notice Add the output of one shard, once it is final.
    """
    assert not self.is_counted[shard_index], "counted already"
    task_id: uint256 = JOB_ID << 32 | convert(shard_index, uint256)
    assert staticcall JOBS.check_output(task_id, output), "not the final output"
    assert len(output) == RECORD_SIZE_BYTES, "not a record"
    paths: uint256 = self._word(output, 0)
    self.is_counted[shard_index] = True
    self.counted_shards += 1
    self.path_count += paths
    self.value_sum_q32 += self._word(output, 8)
    log ShardCounted(shard_index=shard_index, path_count=paths)


@external
@view
def mean_value_q32() -> uint256:
    """
    @notice The mean, fixed point with 32 fraction bits. Reverts until every shard is counted.
    """
    assert self.counted_shards == SHARD_COUNT, "not all shards are counted"
    return self.value_sum_q32 // self.path_count


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
