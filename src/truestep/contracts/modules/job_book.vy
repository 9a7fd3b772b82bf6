#pragma version 0.4.3
"""
@title What Jobs keeps of each job: its digest, its word and the bits of its busy shards (docs/protocol.md S3.2)
"""
from interfaces import IJobs
from interfaces import IParameters
from modules import job_words
from modules import leaf_proofs
from modules import trees

BATCH_LIMIT: constant(uint256) = 256
ONE: constant(uint256) = 1
MASK8: constant(uint256) = 2**8 - 1
MASK16: constant(uint256) = 2**16 - 1
MASK32: constant(uint256) = 2**32 - 1
MASK40: constant(uint256) = 2**40 - 1
MASK80: constant(uint256) = 2**80 - 1

job_digests: public(HashMap[uint256, bytes32])
words: HashMap[uint256, uint256]
assets: HashMap[uint256, address]  # of jobs that are paid in an ERC-20
busy_words: HashMap[uint256, uint256]  # of jobs of more than 32 shards: job_id << 8 | shard_index // 256
set_words: HashMap[uint256, uint256]  # of parameter sets that a job is bound to; they never change


@external
@view
def get_job(job_id: uint256) -> IJobs.Job:
    """
    @notice What changes of a job, or is read often; the rest is in its event and its digest.
    """
    job: uint256 = self.word_of(job_id)
    return IJobs.Job(
        busy=job >> job_words.BUSY_AT,
        deadline=job >> 184 & MASK40,
        lease_seconds=job >> 160 & job_words.MASK24,
        shard_count=job >> 144 & MASK16,
        parameters_id=job >> 128 & MASK16,
        policy=job >> 120 & MASK8,
        bond_multiple=job >> 112 & MASK8,
        is_unfed=job & (job_words.UNFED | job_words.WAITING) != 0,
        window_seconds=(job >> 80 & MASK16) * 60,
        reward=job & MASK80,
        asset=self.asset_of(job_id, job),
    )


@external
@view
def deadlines(job_id: uint256) -> uint256:
    """
    @notice When the job's tasks can no longer be taken; zero if there is no such job.
    """
    return self.words[job_id] >> 184 & MASK40


@external
@view
def is_busy(task_id: uint256) -> bool:
    """
    @notice Whether a shard is in a standing batch, final or refunded (S3.2). Refuses one that is not there.
    """
    job: uint256 = self.word_of(task_id >> 32)
    self.check_shard(job, task_id & MASK32)
    return self.is_shard_busy(task_id >> 32, job, task_id & MASK32)


@internal
@view
def word_of(job_id: uint256) -> uint256:
    job: uint256 = self.words[job_id]
    assert job != 0, "unknown job"
    return job


@internal
@view
def asset_of(job_id: uint256, job: uint256) -> address:
    return empty(address) if job & job_words.TOKEN == 0 else self.assets[job_id]


@internal
def set_word(parameters: address, parameters_id: uint256) -> uint256:
    word: uint256 = self.set_words[parameters_id]
    if word == 0:
        word = job_words.pack_set(staticcall IParameters(parameters).get(parameters_id))
        self.set_words[parameters_id] = word
    return word


@internal
@view
def check_work(job_id: uint256, work: IJobs.Work, terms: IJobs.JobTerms):
    self.check_digest(job_id, leaf_proofs.job_digest(self, job_id, work, terms))


@internal
@view
def check_digest(job_id: uint256, digest: bytes32):
    assert digest == self.job_digests[job_id], "work or terms of another job"


@internal
@pure
def check_ready(job: uint256, flags: uint256):
    """
    @notice Refuse a job that waits for what these flags stand for.
    """
    assert job & flags == 0, "job waits for its input"


@internal
@view
def is_shard_busy(job_id: uint256, job: uint256, shard: uint256) -> bool:
    if job >> 144 & MASK16 <= job_words.SMALL_LIMIT:
        return job >> unsafe_add(job_words.BUSY_AT, shard) & 1 == 1
    return self.busy_words[job_id << 8 | shard >> 8] >> (shard & MASK8) & 1 == 1


@internal
@pure
def check_shard(job: uint256, shard: uint256):
    assert shard < job >> 144 & MASK16, "shard index is not below shard count"


@internal
def toggled(
    job_id: uint256, job: uint256, first: uint256, count: uint256, before: uint256
) -> uint256:
    """
    @notice The job's word when shards have become busy or free (S3.2).
    @param before What their bits must be: 0 if all are free, the largest number if all are busy.
    """
    self.check_shard(job, unsafe_sub(unsafe_add(first, count), 1))
    mask: uint256 = unsafe_sub(ONE << count, 1)
    after: uint256 = 0
    is_right: bool = False
    if job >> 144 & MASK16 <= job_words.SMALL_LIMIT:
        mask <<= unsafe_add(job_words.BUSY_AT, first)
        is_right = job & mask == mask & before
        after = job ^ mask
    else:
        at: uint256 = job_id << 8 | first >> 8
        place: uint256 = first & MASK8
        low: uint256 = mask << place
        word: uint256 = self.busy_words[at]
        is_right = word & low == low & before
        self.busy_words[at] = word ^ low
        high: uint256 = mask >> unsafe_sub(256, place)
        if high != 0:
            at = unsafe_add(at, 1)
            word = self.busy_words[at]
            is_right = is_right and word & high == high & before
            self.busy_words[at] = word ^ high
        change: uint256 = count << job_words.BUSY_AT
        after = unsafe_add(job, change) if before == 0 else unsafe_sub(job, change)
    assert is_right, "task is not open"
    return after


@internal
@view
def check_items(items: DynArray[uint256, BATCH_LIMIT], tasks_root: bytes32):
    assert len(items) != 0 and self.root_of(items) == tasks_root, "items of another batch"


@internal
@view
def root_of(items: DynArray[uint256, BATCH_LIMIT]) -> bytes32:
    """
    @notice The root of the tree over items, of which there are some, and the digests of their jobs (S4.1).
    """
    nodes: bytes32[trees.DEPTH_LIMIT + 1] = empty(bytes32[trees.DEPTH_LIMIT + 1])
    index: uint256 = 0
    for item: uint256 in items:
        node: bytes32 = keccak256(abi_encode(item, self.job_digests[item >> 64]))
        level: uint256 = 0
        for _: uint256 in range(trees.DEPTH_LIMIT):
            if index >> level & 1 == 0:
                break
            node = keccak256(abi_encode(nodes[level], node))
            level = unsafe_add(level, 1)
        nodes[level] = node
        index = unsafe_add(index, 1)
    return trees.join(nodes, index)
