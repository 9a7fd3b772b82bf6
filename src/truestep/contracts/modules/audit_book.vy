#pragma version 0.4.3
"""
@title What is kept of audits: batches, and where the audit of each claim is (docs/audits.md U1.4)
"""
from interfaces import IJobs
from modules import audit_rules

uses: audit_rules

COMMIT: constant(uint256) = 1
STATE: constant(uint256) = 2
REVEAL: constant(uint256) = 3
VACANT: constant(uint256) = 4
CONTESTED: constant(uint256) = 5
PANEL_COMMIT: constant(uint256) = 6
PANEL_REVEAL: constant(uint256) = 7

# why an auditor pays
ABSENT: constant(uint256) = 1
TRAPPED: constant(uint256) = 2
ALONE: constant(uint256) = 3

# how an audit ended
CONFIRMED: constant(uint256) = 1
UNDECIDED: constant(uint256) = 2
LAPSED: constant(uint256) = 3
STRUCK: constant(uint256) = 4
CLAIMANT_FAILED: constant(uint256) = 5

MASK8: constant(uint256) = 2**8 - 1
MASK24: constant(uint256) = 2**24 - 1
MASK32: constant(uint256) = 2**32 - 1
MASK40: constant(uint256) = 2**40 - 1
MASK56: constant(uint256) = 2**56 - 1
MASK160: constant(uint256) = 2**160 - 1


struct Audit:
    stage: uint256
    seats: uint256  # auditors that were appointed
    said: uint256  # who has revealed, a bit for each seat
    time: uint256  # the last second of the stage; of a vacant seat since when it is vacant
    work_seconds: uint256
    auditor: address  # empty once it has failed
    second: address
    job_id: uint256
    seed_tag: uint256  # the first bits of the seed of the newest appointment


SEED_TAG_AT: constant(uint256) = 200
# 56 bits tell the appointments of a claim from those that a reorganisation puts in their place.

batches: HashMap[uint256, uint256]  # batch id: [ drawn 1 | games may be opened until 40 | prepared, then claimed at 40 ]
pending: public(HashMap[uint256, uint256])  # batch id: the leaves whose audit has not ended, a bit each
confirmed: public(HashMap[uint256, uint256])  # batch id: the leaves whose audit has confirmed them
words: HashMap[uint256, uint256]  # claim id: [ work 24 | time 40 | said 8 | seats 8 | stage 8 | auditor 160 ]
seconds: HashMap[uint256, uint256]  # claim id: [ job id 40 | seed tag 56 | second auditor 160 ]
sayings: HashMap[uint256, bytes32]  # claim id << 2 | seat: commitment, then digest
published: public(HashMap[uint256, bytes32])  # claim id: a statement made early; once stated, the bait


@external
@view
def is_drawn(batch_id: uint256) -> bool:
    """
    @notice Whether it is decided which leaves are audited.
    """
    return self.batches[batch_id] >> 80 == 1


@external
@view
def audit_of(claim_id: uint256) -> Audit:
    """
    @notice Where an audit is; all zero if there is none.
    """
    return self.read(claim_id)


@internal
@pure
def is_vacant(stage: uint256) -> bool:
    return stage == VACANT or stage == CONTESTED


@internal
@view
def read(claim_id: uint256) -> Audit:
    word: uint256 = self.words[claim_id]
    if word == 0:
        return empty(Audit)
    other: uint256 = self.seconds[claim_id]
    return Audit(
        stage=word >> 160 & MASK8,
        seats=word >> 168 & MASK8,
        said=word >> 176 & MASK8,
        time=word >> 184 & MASK40,
        work_seconds=word >> 224 & MASK24,
        auditor=convert(word & MASK160, address),
        second=convert(other & MASK160, address),
        job_id=other >> 216,
        seed_tag=other >> 160 & MASK56,
    )


@internal
def keep(claim_id: uint256, audit: Audit):
    """
    @notice Keep where an audit is; games may be opened until it can have ended.
    """
    self.words[claim_id] = (
        audit.work_seconds << 224
        | audit.time << 184
        | audit.said << 176
        | audit.seats << 168
        | audit.stage << 160
        | convert(audit.auditor, uint256)
    )
    self.seconds[claim_id] = audit.job_id << 216 | audit.seed_tag << 160 | convert(audit.second, uint256)
    rest: uint256 = 3 * audit_rules.ANSWER_SECONDS
    if self.is_vacant(audit.stage):
        rest = audit_rules.DRAW_SECONDS + audit_rules.ANSWER_SECONDS
    word: uint256 = self.batches[claim_id >> 8]
    last: uint256 = max(word >> 40 & MASK40, audit.time + rest)
    self.batches[claim_id >> 8] = 1 << 80 | last << 40 | word & MASK40


@internal
@view
def open_until(batch_id: uint256, until: uint256) -> uint256:
    if self.pending[batch_id] == 0:
        return until
    return max(until, self.batches[batch_id] >> 40 & MASK40)


@internal
@view
def revealed(claim_id: uint256, seat: uint256, audit: Audit) -> bytes32:
    if audit.said >> seat & 1 == 0:
        return empty(bytes32)
    return self.sayings[claim_id << 2 | seat]


@internal
@view
def member(seat: uint256, batch: IJobs.Batch, audit: Audit) -> address:
    member: address = empty(address)
    if seat == 0:
        member = batch.operator
    elif seat == 1:
        member = audit.auditor
    elif seat == 2:
        member = audit.second
    assert member != empty(address), "nobody has this seat"
    return member


@internal
@view
def check_seed(claim_id: uint256, seed: bytes32):
    """
    @notice Refuse what was said about the checkpoints of another appointment (U4.1).
    """
    tag: uint256 = self.seconds[claim_id] >> 160 & MASK56
    assert convert(seed, uint256) >> SEED_TAG_AT == tag, "seed of another appointment"


@internal
@pure
def task(task_id: uint256, work: IJobs.Work) -> bytes32:
    """
    @notice The same for all jobs that run the same (U7.1).
    """
    return keccak256(abi_encode(keccak256(abi_encode(work)), task_id & MASK32))


@internal
@pure
def fault(said: bytes32) -> uint256:
    return ABSENT if said == empty(bytes32) else ALONE
