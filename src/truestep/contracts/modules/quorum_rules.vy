#pragma version 0.4.3
"""
@title The numbers of a quorum, which are fixed at its deployment (docs/quorum.md Q1)
"""
from interfaces import IQuorums

SEATS_LIMIT: constant(uint256) = 16
# As many as Sortition draws at once.
POOL_LIMIT: constant(uint256) = 255
TURN_LIMIT_SECONDS: constant(uint256) = 7 * 86_400
# So long can members that do nothing put off a job, each in its turn.
STRETCH_LIMIT_SECONDS: constant(uint256) = 20 * 86_400
# S7.5 gives a task 120 days for its result: a lease of 30, a window of 45, games of 22, and this.
FEE_LIMIT_WEI: constant(uint256) = 2**72 - 1
PENALTY_LIMIT_WEI: constant(uint256) = 2**96 - 1
CYCLES_OF_FEE: constant(uint256) = 10**9
MASK32: constant(uint256) = 2**32 - 1
MASK64: constant(uint256) = 2**64 - 1
MASK128: constant(uint256) = 2**128 - 1

NEEDED: immutable(uint256)
SEATS: immutable(uint256)
POOL: immutable(uint256)
LEADER_SECONDS: immutable(uint256)
MEMBER_SECONDS: immutable(uint256)
COMMIT_SECONDS: immutable(uint256)
FEE_WEI: immutable(uint256)
CYCLE_FEE_WEI: immutable(uint256)
LATE_WEI: immutable(uint256)
LIE_WEI: immutable(uint256)
STRETCH_SECONDS: immutable(uint256)
FULL_VALUE_WEI: immutable(uint256)
FULL_TASKS: immutable(uint256)
LOAD_SECONDS: immutable(uint256)

load_word: uint256  # [ load 128, in tasks · LOAD_SECONDS | when 128 ]


@deploy
def __init__(rules: IQuorums.Rules):
    assert (
        rules.seats <= SEATS_LIMIT and rules.needed <= rules.seats and 2 * rules.needed > rules.seats
    ), "quorum out of bounds"
    assert rules.needed >= 2 and rules.pool <= POOL_LIMIT, "quorum out of bounds"
    assert (
        rules.leader_seconds != 0
        and rules.leader_seconds <= TURN_LIMIT_SECONDS
        and rules.member_seconds <= TURN_LIMIT_SECONDS
        and rules.commit_seconds != 0
        and rules.commit_seconds <= TURN_LIMIT_SECONDS
    ), "turn out of bounds"
    assert (
        rules.fee_wei <= FEE_LIMIT_WEI
        and rules.cycle_fee_wei <= FEE_LIMIT_WEI
        and rules.late_wei <= rules.lie_wei
        and rules.lie_wei <= PENALTY_LIMIT_WEI
    ), "fee or penalty out of bounds"
    assert (
        rules.stretch_seconds <= STRETCH_LIMIT_SECONDS
        and rules.full_value_wei != 0
        and rules.full_value_wei <= MASK128
        and rules.full_tasks != 0
        and rules.full_tasks <= MASK64
        and rules.load_seconds != 0
        and rules.load_seconds <= MASK32
    ), "window out of bounds"
    NEEDED = rules.needed
    SEATS = rules.seats
    POOL = rules.pool
    LEADER_SECONDS = rules.leader_seconds
    MEMBER_SECONDS = rules.member_seconds
    COMMIT_SECONDS = rules.commit_seconds
    FEE_WEI = rules.fee_wei
    CYCLE_FEE_WEI = rules.cycle_fee_wei
    LATE_WEI = rules.late_wei
    LIE_WEI = rules.lie_wei
    STRETCH_SECONDS = rules.stretch_seconds
    FULL_VALUE_WEI = rules.full_value_wei
    FULL_TASKS = rules.full_tasks
    LOAD_SECONDS = rules.load_seconds


@external
@view
def get_rules() -> IQuorums.Rules:
    """
    @notice The numbers of this quorum, which never change.
    """
    return IQuorums.Rules(
        needed=NEEDED,
        seats=SEATS,
        pool=POOL,
        leader_seconds=LEADER_SECONDS,
        member_seconds=MEMBER_SECONDS,
        commit_seconds=COMMIT_SECONDS,
        fee_wei=FEE_WEI,
        cycle_fee_wei=CYCLE_FEE_WEI,
        late_wei=LATE_WEI,
        lie_wei=LIE_WEI,
        stretch_seconds=STRETCH_SECONDS,
        full_value_wei=FULL_VALUE_WEI,
        full_tasks=FULL_TASKS,
        load_seconds=LOAD_SECONDS,
    )


@external
@view
def least_fee(max_cycles: uint256) -> uint256:
    """
    @notice The least fee for a task and a member (Q2.1).
    """
    return self.least_fee_for(max_cycles)


@external
@view
def load() -> uint256:
    """
    @notice The load: tasks that were funded lately (Q7.2).
    """
    return self._load() // LOAD_SECONDS


@internal
@view
def least_fee_for(max_cycles: uint256) -> uint256:
    return FEE_WEI + (max_cycles * CYCLE_FEE_WEI + CYCLES_OF_FEE - 1) // CYCLES_OF_FEE


@internal
@view
def stretch_for(value_wei: uint256) -> uint256:
    """
    @notice By how much the window of a batch of this value is lengthened now (Q7.1).
    """
    full: uint256 = LOAD_SECONDS * FULL_TASKS
    by_value: uint256 = min(value_wei, FULL_VALUE_WEI) * STRETCH_SECONDS // FULL_VALUE_WEI
    by_load: uint256 = min(self._load(), full) * STRETCH_SECONDS // full
    return min(by_value + by_load, STRETCH_SECONDS)


@internal
def add_load(tasks: uint256):
    self.load_word = (self._load() + tasks * LOAD_SECONDS) << 128 | block.timestamp


@internal
@view
def _load() -> uint256:
    """
    @notice Tasks funded, times LOAD_SECONDS, less what was forgotten since: a full load in LOAD_SECONDS.
    """
    word: uint256 = self.load_word
    load: uint256 = word >> 128
    return load - min(load, (block.timestamp - (word & MASK128)) * FULL_TASKS)
