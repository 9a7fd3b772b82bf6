"""What the simulation assumes about the world, each number with its reason (docs/economics.md E2)."""

from dataclasses import dataclass, fields

GWEI = 10**9
COIN = 10**18
YEAR_SECONDS = 365 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """Prices, times and habits outside the protocol."""

    gas_price_wei: int = 2 * GWEI
    """What a block's gas costs on a usual day; shocks multiply it, up to more than the cap of S2.1."""
    cycle_price_wei: int = 40
    """Of one machine cycle: a rented core at 0.04 USD an hour, 10^8 cycles a second, a coin at 2,800 USD."""
    stake_interest_bps: int = 500
    """A year's interest that a coin would earn elsewhere while it is locked here."""
    task_cycles: int = 2**34
    """Of a usual task: three minutes on one core."""
    task_value_wei: int = COIN // 4
    """What one false result is worth to whoever has it believed: a tenth of a bond."""
    delay_value_wei: int = COIN // 100
    """What it is worth to an attacker to delay one task, or to trouble one operator, once."""
    margin_bps: int = 2_500
    """What requesters pay above an honest operator's costs."""
    block_seconds: int = 12
    """How far blocks are apart."""
    checkers: int = 3
    """How many honest challengers look at each claim, if all are up: each of them checks all it can."""
    downtime_bps: int = 200
    """Of the time, a node is down: for some hours at once."""
    outage_seconds: int = 4 * 3_600
    """How long an outage of one node lasts, or a multiple of it."""

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        for field in fields(self):
            if getattr(self, field.name) < 0:
                raise ValueError(f"expected {field.name} of 0 or more, got {getattr(self, field.name)}")


GAS = {
    "Register": 150_000,
    "DepositFor": 55_000,
    "Post": 107_827,
    "Take": 104_491,
    "Claim": 44_359,
    "Finalize": 68_076,
    "FinalizeLeaf": 68_076,
    "Expire": 71_551,
    "Release": 88_765,
    "Cancel": 63_237,
    "Close": 35_478,
    "Withdraw": 31_621,
    "Open": 176_396,
    "Split": 125_170,
    "Pick": 54_789,
    "Step": 168_402,
    "Settle": 89_991,
    "Show": 95_000,
    "Reward": 125_000,
    "RewardWithoutResult": 125_000,
    "WithdrawTo": 60_000,
}
"""Gas of each call, by the name of its type: docs/gas.md; those that are not there, rounded up."""
REFUSED_GAS = 60_000
"""Of a call that came too late and was refused, rounded up."""
