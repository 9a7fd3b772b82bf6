#pragma version 0.4.3
#pragma evm-version cancun
"""
@title A consumer that takes proofs: a prize for the best clustering of some points
@license Apache-2.0
@notice Anybody orders runs of the same program on the same points with a seed of its own, and proves the best of them
        here. Written for `examples/python/k_means`, whose output begins with the inertia, a float that is never
        negative: such floats are in the order of their bits.
"""
from interfaces import IJobs
from modules import job_reader


event Improved:
    requester: indexed(address)
    job_id: indexed(uint256)
    inertia: uint256
    output_hash: bytes32


INFINITY: constant(uint256) = 2047 << 52  # as bits of a float

JOBS: immutable(address)
PROGRAM: immutable(job_reader.Program)
INPUT_ROOT: immutable(bytes32)
INPUT_SIZE: immutable(uint64)
POLICY: immutable(uint8)
PARAMETERS_ID: immutable(uint16)
END_TIME: immutable(uint256)

best: public(uint256)
winner: public(address)
output_hash: public(bytes32)


@deploy
@payable
def __init__(
    jobs: address,
    program: job_reader.Program,
    input_root: bytes32,
    input_size: uint64,
    policy: uint8,
    parameters_id: uint16,
    end_time: uint256,
):
    JOBS = jobs
    PROGRAM = program
    INPUT_ROOT = input_root
    INPUT_SIZE = input_size
    POLICY = policy
    PARAMETERS_ID = parameters_id
    END_TIME = end_time
    self.best = INFINITY


@external
def submit(
    job_id: uint256, shard_index: uint32, evidence: job_reader.Evidence, output: Bytes[8192]
):
    """
    @notice Show a better clustering. The prize is for who ordered it, so it is of no use to copy somebody's call.
    """
    assert block.timestamp <= END_TIME, "too late"
    given: IJobs.Work = evidence.proof.work
    terms: IJobs.JobTerms = evidence.proof.job_terms
    # Seed, shards and the other terms are free. Who checks no policy accepts what a policy without checks let through.
    assert terms.policy == POLICY and terms.parameters_id == PARAMETERS_ID, "another policy"
    work: IJobs.Work = IJobs.Work(
        image_root=PROGRAM.image_root,
        entry=PROGRAM.entry,
        max_cycles=PROGRAM.max_cycles,
        input_root=INPUT_ROOT,
        input_size=INPUT_SIZE,
        seed=given.seed,
        shard_count=given.shard_count,
    )
    question: job_reader.Question = job_reader.expect(JOBS, job_id, work, terms)
    job_reader.proved_output(question, shard_index, evidence, output)
    inertia: uint256 = self._word(output, 0)
    assert inertia < self.best, "not better"
    self.best = inertia
    self.winner = terms.requester
    self.output_hash = keccak256(output)
    log Improved(
        requester=terms.requester, job_id=job_id, inertia=inertia, output_hash=self.output_hash
    )


@external
def pay():
    """
    @notice Send the prize to the winner.
    """
    assert block.timestamp > END_TIME, "too early"
    assert self.winner != empty(address), "nobody has won"
    raw_call(self.winner, b"", value=self.balance)


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
