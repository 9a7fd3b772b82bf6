"""Numbered sets of parameters and their bounds (docs/protocol.md S2)."""

from dataclasses import dataclass

from truestep.base.errors import Reject
from truestep.protocol.settlement.refusals import require

BPS = 10_000
DAY_SECONDS = 86_400
MINUTE_SECONDS = 60
BOND_LIMIT_WEI = 2**96 - 1
BOND_MIN_WEI = 10**12
BOND_RATIO = 25
DISPUTE_GAS = 8 * 10**6
"""A challenger's bond covers that much gas at the cap."""
SMALL_ARITY_GAS = {2: 24 * 10**6, 4: 12 * 10**6}
"""And more where splits have few parts, for then there are more moves."""
WINDOW_LIMIT_SECONDS = 45 * DAY_SECONDS
GAME_CLOCKS = 4
"""A game takes the defender's clock at its longest, and the challenger's (S2.2)."""
CLOCK_MIN_SECONDS = 30
CLOCK_LIMIT_SECONDS = 2**20
REVEAL_LIMIT_SECONDS = 30 * DAY_SECONDS
RESCUE_PART = 8
SPEED_MIN = 10**5
SPEED_LIMIT = 10**12
LEASE_PENALTY_MIN_BPS = 100
RELEASE_PENALTY_MIN_BPS = 10
SHARE_MIN_BPS = 4_000
SHARE_LIMIT_BPS = 5_000
GAS_PRICE_LIMIT_WEI = 2**50 - 1
ARITIES = (2, 4, 8, 16, 32, 64)
SETS_LIMIT = 2**16 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """One set (S2.1)."""

    operator_bond_wei: int
    challenger_bond_wei: int
    window_seconds: int
    cycles_per_second: int
    clock_seconds: int
    rescue_seconds: int
    reveal_seconds: int
    arity: int
    lease_penalty_bps: int
    release_penalty_bps: int
    winner_share_bps: int
    gas_price_cap_wei: int

    @property
    def game_seconds(self) -> int:
        """How long a game can take (S2.2)."""
        return GAME_CLOCKS * self.clock_seconds

    def window_for(self, max_cycles: int) -> int:
        """The shortest window of runs of up to `max_cycles`, before it is rounded up (S2.3)."""
        needed = self.game_seconds + -(-max_cycles // self.cycles_per_second)
        return max(needed, self.window_seconds)


def whole_minutes(seconds: int) -> int:
    """Seconds, rounded up to whole minutes."""
    return -(-seconds // MINUTE_SECONDS) * MINUTE_SECONDS


def dispute_gas(arity: int) -> int:
    """The gas that a challenger's bond covers at the cap."""
    return SMALL_ARITY_GAS.get(arity, DISPUTE_GAS)


def check_parameters(p: Parameters) -> None:
    """Refuse a set that is out of bounds (S2.1), the values that others depend on first."""
    require(p.gas_price_cap_wei <= GAS_PRICE_LIMIT_WEI, Reject.PARAMETER_GAS_PRICE)
    bond_min_wei = max(BOND_MIN_WEI, dispute_gas(p.arity) * p.gas_price_cap_wei)
    require(
        p.operator_bond_wei <= BOND_LIMIT_WEI
        and bond_min_wei <= p.challenger_bond_wei <= p.operator_bond_wei // BOND_RATIO,
        Reject.PARAMETER_BOND,
    )
    require(CLOCK_MIN_SECONDS <= p.clock_seconds <= CLOCK_LIMIT_SECONDS, Reject.PARAMETER_CLOCK)
    require(2 * p.game_seconds <= p.window_seconds <= WINDOW_LIMIT_SECONDS, Reject.PARAMETER_WINDOW)
    require(p.clock_seconds // RESCUE_PART <= p.rescue_seconds <= p.clock_seconds, Reject.PARAMETER_RESCUE)
    require(p.clock_seconds <= p.reveal_seconds <= REVEAL_LIMIT_SECONDS, Reject.PARAMETER_REVEAL)
    require(SPEED_MIN <= p.cycles_per_second <= SPEED_LIMIT, Reject.PARAMETER_SPEED)
    require(p.arity in ARITIES, Reject.PARAMETER_ARITY)
    require(LEASE_PENALTY_MIN_BPS <= p.lease_penalty_bps <= BPS, Reject.PARAMETER_PENALTY)
    require(RELEASE_PENALTY_MIN_BPS <= p.release_penalty_bps <= p.lease_penalty_bps, Reject.PARAMETER_RELEASE)
    require(SHARE_MIN_BPS <= p.winner_share_bps <= SHARE_LIMIT_BPS, Reject.PARAMETER_SHARE)
