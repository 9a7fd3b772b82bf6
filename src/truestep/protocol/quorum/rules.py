"""The numbers of a quorum: their bounds, and what follows from them (docs/quorum.md Q1.2, Q2.1, Q7)."""

from truestep.base.errors import Reject
from truestep.protocol.quorum.contracts.quorums import Rules
from truestep.protocol.quorum.state import Load
from truestep.protocol.settlement.parameters import DAY_SECONDS
from truestep.protocol.settlement.refusals import require

SEATS_LIMIT = 16
"""As many as Sortition draws at once."""
POOL_LIMIT = 255
TASKS_LIMIT = 256
"""A job is one batch, so that its committee commits once."""
TURN_LIMIT_SECONDS = 7 * DAY_SECONDS
"""So long can members that do nothing put off a job, each in its turn."""
STRETCH_LIMIT_SECONDS = 20 * DAY_SECONDS
"""S7.5 gives a task 120 days for its result: a lease of 30, a window of 45, games of 22, and this."""
FEE_LIMIT_WEI = 2**72 - 1
PURSE_LIMIT_WEI = 2**88 - 1
PENALTY_LIMIT_WEI = 2**96 - 1
CYCLES_OF_FEE = 10**9
TELLER_BPS = 1_000
"""Of a penalty, for whoever has it taken: less than anybody loses by telling of itself."""


def require_bounds(rules: Rules) -> None:
    """Refuse numbers that no quorum may have (Q1.2)."""
    is_majority = rules.needed <= rules.seats <= SEATS_LIMIT and 2 * rules.needed > rules.seats
    require(is_majority and rules.needed >= 2 and rules.pool <= POOL_LIMIT, Reject.QUORUM_BOUNDS)
    turns = (rules.leader_seconds, rules.member_seconds, rules.commit_seconds)
    is_bounded = max(turns) <= TURN_LIMIT_SECONDS and rules.leader_seconds and rules.commit_seconds
    require(bool(is_bounded), Reject.TURN_BOUNDS)
    fees = max(rules.fee_wei, rules.cycle_fee_wei) <= FEE_LIMIT_WEI
    penalties = rules.late_wei <= rules.lie_wei <= PENALTY_LIMIT_WEI
    require(fees and penalties, Reject.FEE_PENALTY_BOUNDS)
    is_adaptive = 1 <= rules.full_value_wei < 2**128 and 1 <= rules.full_tasks < 2**64
    is_bounded = rules.stretch_seconds <= STRETCH_LIMIT_SECONDS and 1 <= rules.load_seconds < 2**32
    require(is_adaptive and is_bounded, Reject.PARAMETER_WINDOW)


def least_fee(rules: Rules, max_cycles: int) -> int:
    """The least fee for a task and a member (Q2.1)."""
    return rules.fee_wei - (-max_cycles * rules.cycle_fee_wei // CYCLES_OF_FEE)


def most_fee(rules: Rules, tasks: int) -> int:
    """The highest fee for a task and a member: of all tasks, half of what a lie costs a member (Q2.1)."""
    return rules.lie_wei // (2 * tasks)


def least_lease(rules: Rules, tasks: int, max_cycles: int, cycles_per_second: int) -> int:
    """The shortest lease of a job: members have half of it for all its tasks (Q2.1)."""
    return 2 * (rules.commit_seconds - (-tasks * max_cycles // cycles_per_second))


def most_lease(rules: Rules, exit_seconds: int, window_seconds: int) -> int:
    """The longest lease of a job with this window, below 0 if there is none (Q2.1).

    A member that leaves after it was drawn answers until a second claim is final, and charges for one.
    """
    turns_seconds = rules.leader_seconds + rules.member_seconds
    return (exit_seconds - turns_seconds) // 2 - window_seconds - rules.stretch_seconds


def load_at(rules: Rules, load: Load, now: int) -> int:
    """Tasks that were funded lately, times load_seconds: a full load is forgotten in load_seconds (Q7.2)."""
    return max(0, load.amount - (now - load.at) * rules.full_tasks)


def stretch(rules: Rules, value_wei: int, load: int) -> int:
    """By how much the window of a batch is lengthened (Q7.1)."""
    full = rules.load_seconds * rules.full_tasks
    by_value = min(value_wei, rules.full_value_wei) * rules.stretch_seconds // rules.full_value_wei
    by_load = min(load, full) * rules.stretch_seconds // full
    return min(by_value + by_load, rules.stretch_seconds)
