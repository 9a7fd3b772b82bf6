#pragma version 0.4.3
"""
@title The rules of a policy under which claims are audited, their bounds, and what follows from them
       (docs/audits.md U1.3, U2, U3.2)
"""
from interfaces import IAudits
from interfaces import IJobs
from interfaces import IParameters

DRAW_LIMIT_SECONDS: constant(uint256) = 2 * 86_400
LEAST_ANSWER_SECONDS: constant(uint256) = 60
ANSWER_LIMIT_SECONDS: constant(uint256) = 43_200
FACTOR_LIMIT: constant(uint256) = 1_000
LOAD_LIMIT: constant(uint256) = 64
FEE_LIMIT_WEI: constant(uint256) = 2**80
FEE_CYCLES: constant(uint256) = 10**9
LEAST_LOSS: constant(uint256) = 2
# Whoever copies statements loses so many fees for each audit, before the fees that it wins (U6.3).
WORK_LIMIT_SECONDS: constant(uint256) = 2 * 86_400
PLEDGED_ANSWERS: constant(uint256) = 4
# With two runs and a draw, this is how long the pledge of an auditor must stay in reach that leaves at once.
BPS: constant(uint256) = 10_000
MASK8: constant(uint256) = 2**8 - 1
MASK16: constant(uint256) = 2**16 - 1

POOL: immutable(uint256)
RATE_BPS: immutable(uint256)
TRAP_BPS: immutable(uint256)
FEE_WEI: immutable(uint256)
CYCLE_FEE_WEI: immutable(uint256)
PENALTY_FACTOR: immutable(uint256)
ANSWER_SECONDS: immutable(uint256)
DRAW_SECONDS: immutable(uint256)
LOAD: immutable(uint256)


@deploy
def __init__(rules: IAudits.Rules):
    assert rules.pool <= MASK8, "pool out of bounds"
    assert rules.rate_bps != 0 and rules.rate_bps <= BPS, "audit rate out of bounds"
    assert rules.trap_bps != 0 and rules.trap_bps <= BPS // 2, "trap rate out of bounds"
    assert (
        rules.fee_wei != 0
        and rules.fee_wei < FEE_LIMIT_WEI
        and rules.cycle_fee_wei < FEE_LIMIT_WEI
    ), "fee out of bounds"
    assert (
        rules.penalty_factor <= FACTOR_LIMIT
        and rules.trap_bps * rules.penalty_factor >= LEAST_LOSS * BPS
    ), "penalty out of bounds"
    assert (
        rules.answer_seconds >= LEAST_ANSWER_SECONDS
        and rules.answer_seconds <= ANSWER_LIMIT_SECONDS
        and rules.draw_seconds >= rules.answer_seconds
        and rules.draw_seconds <= DRAW_LIMIT_SECONDS
    ), "audit times out of bounds"
    assert rules.load != 0 and rules.load <= LOAD_LIMIT, "load out of bounds"
    POOL = rules.pool
    RATE_BPS = rules.rate_bps
    TRAP_BPS = rules.trap_bps
    FEE_WEI = rules.fee_wei
    CYCLE_FEE_WEI = rules.cycle_fee_wei
    PENALTY_FACTOR = rules.penalty_factor
    ANSWER_SECONDS = rules.answer_seconds
    DRAW_SECONDS = rules.draw_seconds
    LOAD = rules.load


@external
@view
def rules() -> IAudits.Rules:
    """
    @notice What never changes here.
    """
    return IAudits.Rules(
        pool=POOL,
        rate_bps=RATE_BPS,
        trap_bps=TRAP_BPS,
        fee_wei=FEE_WEI,
        cycle_fee_wei=CYCLE_FEE_WEI,
        penalty_factor=PENALTY_FACTOR,
        answer_seconds=ANSWER_SECONDS,
        draw_seconds=DRAW_SECONDS,
        load=LOAD,
    )


@internal
@view
def fee_wei(work: IJobs.Work) -> uint256:
    """
    @notice What one audit of a program costs (U2.1).
    """
    return FEE_WEI + convert(work.max_cycles, uint256) * CYCLE_FEE_WEI // FEE_CYCLES


@internal
@view
def work_seconds(work: IJobs.Work, rules: IParameters.Parameters) -> uint256:
    """
    @notice The time of an auditor that has as many audits as it may have (U3.3).
    """
    cycles: uint256 = convert(work.max_cycles, uint256)
    run_seconds: uint256 = (cycles + rules.cycles_per_second - 1) // rules.cycles_per_second
    return ANSWER_SECONDS + LOAD * run_seconds


@internal
@view
def check_length(work: IJobs.Work, rules: IParameters.Parameters, exit_seconds: uint256):
    """
    @notice Refuse a program that cannot be audited in time, or whose auditors could leave before (U2.2).
    """
    seconds: uint256 = self.work_seconds(work, rules)
    assert (
        seconds <= WORK_LIMIT_SECONDS
        and 2 * seconds + DRAW_SECONDS + PLEDGED_ANSWERS * ANSWER_SECONDS <= exit_seconds
    ), "program is too long for audits"


@internal
@view
def drawn(seed: bytes32, leaf_count: uint256) -> uint256:
    """
    @notice Each leaf with probability RATE_BPS: 16 leaves share a hash.
    """
    limit: uint256 = RATE_BPS * (MASK16 + 1) // BPS
    leaves: uint256 = 0
    numbers: uint256 = 0
    for index: uint256 in range(leaf_count, bound=256):
        if index & 15 == 0:
            numbers = convert(keccak256(abi_encode(seed, index >> 4)), uint256)
        if numbers & MASK16 < limit:
            leaves |= 1 << index
        numbers >>= 16
    return leaves
