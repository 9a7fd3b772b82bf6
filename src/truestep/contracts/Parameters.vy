#pragma version 0.4.3
#pragma evm-version cancun
"""
@title Parameters: numbered sets that never change (docs/protocol.md S2)
@license Apache-2.0
"""
from interfaces import IParameters
from modules import split_tree

implements: IParameters


struct StoredSet:
    money: uint256  # [ operator_bond 96 | challenger_bond 96 | lease_penalty 16 | release_penalty 16 | share 16 ]
    times: uint256  # [ gas_price_cap 50 | speed 48 | arity 8 | window, clock, rescue, reveal: 32 each ]


BPS: constant(uint256) = 10_000
BOND_LIMIT_WEI: constant(uint256) = 2**96 - 1
# More than all coins of any chain; keeps sums of bonds far from 2^128.
BOND_MIN_WEI: constant(uint256) = 10**12
BOND_RATIO: constant(uint256) = 25
# With SHARE_MIN_BPS and DISPUTE_GAS: a 65th of the reward pays a whole dispute, so an honest challenger is made whole.
DISPUTE_GAS: constant(uint256) = 8 * 10**6
# A bond covers the gas of one side of a long game eight times over, so that its share makes the winner whole.
SMALL_ARITY_GAS: constant(uint256) = 24 * 10**6
# With arity 2, and half of it with 4: fewer parts, more moves.
WINDOW_LIMIT_SECONDS: constant(uint256) = 45 * 86_400
# Longer, and no result is of use; a job keeps its window in 16 bits of minutes.
GAME_CLOCKS: constant(uint256) = 4
# A game takes the defender's clock at its longest, three times clock_seconds, and the challenger's.
CLOCK_MIN_SECONDS: constant(uint256) = 30
CLOCK_LIMIT_SECONDS: constant(uint256) = 2**20
REVEAL_LIMIT_SECONDS: constant(uint256) = 30 * 86_400
RESCUE_PART: constant(uint256) = 8
SPEED_MIN: constant(uint256) = 10**5
SPEED_LIMIT: constant(uint256) = 10**12
LEASE_PENALTY_MIN_BPS: constant(uint256) = 100
RELEASE_PENALTY_MIN_BPS: constant(uint256) = 10
# Taking a task and letting it go holds up its requester, so it is never free.
SHARE_MIN_BPS: constant(uint256) = 4_000
# Pays the gas of the winner's moves at the cap, with DISPUTE_GAS and BOND_RATIO.
SHARE_LIMIT_BPS: constant(uint256) = 5_000
# Who challenges its own lie gets the share back, so at least half must be lost.
GAS_PRICE_LIMIT_WEI: constant(uint256) = 2**50 - 1
COUNT_LIMIT: constant(uint256) = 2**16 - 1
# A job keeps the number of its set in 16 bits.
MINUTE_SECONDS: constant(uint256) = 60

MASK16: constant(uint256) = 2**16 - 1
MASK32: constant(uint256) = 2**32 - 1
MASK48: constant(uint256) = 2**48 - 1
MASK96: constant(uint256) = 2**96 - 1

owner: public(immutable(address))

count: public(uint256)
sets: HashMap[uint256, StoredSet]


@deploy
def __init__(timelock: address, first: IParameters.Parameters):
    """
    @param timelock Who adds sets.
    @param first Set number 1.
    """
    assert timelock.is_contract, "no contract at this address"
    owner = timelock
    self._add(first)


@external
def add(parameters: IParameters.Parameters, parameters_id: uint256):
    """
    @notice Add a set; jobs that are posted from now on are bound to it. By the owner.
    @param parameters_id The number that it must get: anybody may execute what the timelock announced, and must
           not choose which of two sets is the newest.
    """
    assert msg.sender == owner, "caller is not the owner"
    assert parameters_id == self.count + 1, "number is not the next"
    self._add(parameters)


@external
@view
def get(parameters_id: uint256) -> IParameters.Parameters:
    """
    @notice A set. Refuses an unknown one.
    """
    money: uint256 = self.sets[parameters_id].money
    assert money != 0, "unknown parameters"
    times: uint256 = self.sets[parameters_id].times
    return IParameters.Parameters(
        operator_bond_wei=money >> 144,
        challenger_bond_wei=money >> 48 & MASK96,
        window_seconds=times >> 96 & MASK32,
        cycles_per_second=times >> 136 & MASK48,
        clock_seconds=times >> 64 & MASK32,
        rescue_seconds=times >> 32 & MASK32,
        reveal_seconds=times & MASK32,
        arity=times >> 128 & 255,
        lease_penalty_bps=money >> 32 & MASK16,
        release_penalty_bps=money >> 16 & MASK16,
        winner_share_bps=money & MASK16,
        gas_price_cap_wei=times >> 184,
    )


@external
@view
def window_for(parameters_id: uint256, max_cycles: uint256) -> uint256:
    """
    @notice The shortest window, in seconds, of a job whose runs take up to `max_cycles` (S2.3).
    """
    times: uint256 = self.sets[parameters_id].times
    assert times != 0, "unknown parameters"
    speed: uint256 = times >> 136 & MASK48
    clock_seconds: uint256 = times >> 64 & MASK32
    needed: uint256 = GAME_CLOCKS * clock_seconds + (max_cycles + speed - 1) // speed
    seconds: uint256 = max(needed, times >> 96 & MASK32)
    seconds = (seconds + MINUTE_SECONDS - 1) // MINUTE_SECONDS * MINUTE_SECONDS
    assert seconds <= WINDOW_LIMIT_SECONDS, "window out of bounds"
    return seconds


@internal
def _add(parameters: IParameters.Parameters):
    self._check(parameters)
    parameters_id: uint256 = self.count + 1
    assert parameters_id <= COUNT_LIMIT, "too many parameters"
    self.count = parameters_id
    self.sets[parameters_id] = StoredSet(
        money=parameters.operator_bond_wei << 144
        | parameters.challenger_bond_wei << 48
        | parameters.lease_penalty_bps << 32
        | parameters.release_penalty_bps << 16
        | parameters.winner_share_bps,
        times=parameters.gas_price_cap_wei << 184
        | parameters.cycles_per_second << 136
        | parameters.arity << 128
        | parameters.window_seconds << 96
        | parameters.clock_seconds << 64
        | parameters.rescue_seconds << 32
        | parameters.reveal_seconds,
    )
    log IParameters.Added(parameters_id=parameters_id, parameters=parameters)


@internal
@pure
def _dispute_gas(arity: uint256) -> uint256:
    """
    @notice The gas that a challenger's bond covers at the cap.
    """
    if arity == 2:
        return SMALL_ARITY_GAS
    if arity == 4:
        return SMALL_ARITY_GAS // 2
    return DISPUTE_GAS


@internal
@pure
def _check(p: IParameters.Parameters):
    """
    @dev S2.1, the values that others depend on first.
    """
    assert p.gas_price_cap_wei <= GAS_PRICE_LIMIT_WEI, "gas price cap out of bounds"
    assert (
        p.operator_bond_wei <= BOND_LIMIT_WEI
        and p.challenger_bond_wei >= max(BOND_MIN_WEI, self._dispute_gas(p.arity) * p.gas_price_cap_wei)
        and p.challenger_bond_wei <= p.operator_bond_wei // BOND_RATIO
    ), "bond out of bounds"
    assert (
        p.clock_seconds >= CLOCK_MIN_SECONDS and p.clock_seconds <= CLOCK_LIMIT_SECONDS
    ), "clock out of bounds"
    assert (
        p.window_seconds >= 2 * GAME_CLOCKS * p.clock_seconds and p.window_seconds <= WINDOW_LIMIT_SECONDS
    ), "window out of bounds"
    assert (
        p.rescue_seconds >= p.clock_seconds // RESCUE_PART and p.rescue_seconds <= p.clock_seconds
    ), "rescue time out of bounds"
    assert (
        p.reveal_seconds >= p.clock_seconds and p.reveal_seconds <= REVEAL_LIMIT_SECONDS
    ), "reveal time out of bounds"
    assert p.cycles_per_second >= SPEED_MIN and p.cycles_per_second <= SPEED_LIMIT, "speed out of bounds"
    assert (
        p.arity >= 2 and p.arity <= split_tree.ARITY_LIMIT and p.arity & (p.arity - 1) == 0
    ), "arity out of bounds"
    assert (
        p.lease_penalty_bps >= LEASE_PENALTY_MIN_BPS and p.lease_penalty_bps <= BPS
    ), "lease penalty out of bounds"
    assert (
        p.release_penalty_bps >= RELEASE_PENALTY_MIN_BPS and p.release_penalty_bps <= p.lease_penalty_bps
    ), "release penalty out of bounds"
    assert (
        p.winner_share_bps >= SHARE_MIN_BPS and p.winner_share_bps <= SHARE_LIMIT_BPS
    ), "winner share out of bounds"
