#pragma version 0.4.3
#pragma evm-version cancun
"""
@title A consumer of a job that somebody else posted: what one unit of money is worth after a year, on average
@license Apache-2.0
@notice Anybody brings the shards' outputs, each with the proof that it is final; neither need be trusted. The deployer
        names work and terms of the job in full. `truestep demo` uses it, with the record of `value_at_risk.c`.
"""
from interfaces import IJobs
from modules import job_reader


event ShardCounted:
    shard_index: indexed(uint32)
    path_count: uint256


RECORD_SIZE_BYTES: constant(uint256) = 4136

SHARD_COUNT: immutable(uint256)

question: job_reader.Question
is_counted: public(HashMap[uint32, bool])
counted_shards: public(uint256)
path_count: public(uint256)
value_sum_q32: public(uint256)


@deploy
def __init__(jobs: address, job_id: uint256, work: IJobs.Work, terms: IJobs.JobTerms):
    SHARD_COUNT = convert(work.shard_count, uint256)
    self.question = job_reader.expect(jobs, job_id, work, terms)


@external
def count(shard_index: uint32, evidence: job_reader.Evidence, output: Bytes[8192]):
    """
    @notice Add the output of one shard, once it is final.
    """
    assert not self.is_counted[shard_index], "counted already"
    job_reader.proved_output(self.question, shard_index, evidence, output)
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
