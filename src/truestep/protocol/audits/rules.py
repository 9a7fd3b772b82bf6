"""The rules of a policy, their bounds, and what follows from them (docs/audits.md U1.3, U2, U6.3)."""

from truestep.base.errors import Reject
from truestep.protocol.audits.contracts.audits import Rules
from truestep.protocol.settlement.parameters import BPS, DAY_SECONDS, Parameters
from truestep.protocol.settlement.records import Work
from truestep.protocol.settlement.refusals import require

POOL_LIMIT = 255
FEE_LIMIT_WEI = 2**80
FEE_CYCLES = 10**9
FACTOR_LIMIT = 1_000
LEAST_LOSS = 2
"""Whoever copies statements loses so many fees for each audit, before the fees that it wins (U6.3)."""
LEAST_ANSWER_SECONDS = 60
ANSWER_LIMIT_SECONDS = DAY_SECONDS // 2
DRAW_LIMIT_SECONDS = 2 * DAY_SECONDS
WORK_LIMIT_SECONDS = 2 * DAY_SECONDS
PLEDGED_ANSWERS = 4
"""With two runs and a draw: how long the pledge of an auditor must stay in reach that leaves at once."""
LOAD_LIMIT = 64
SEATS_LIMIT = 3
"""Auditors of one claim. With the longest times an audit ends 14 days after the window; 20 are allowed."""


def check_rules(rules: Rules) -> None:
    """Refuse rules out of their bounds."""
    require(0 <= rules.pool <= POOL_LIMIT, Reject.AUDIT_POOL)
    require(0 < rules.rate_bps <= BPS, Reject.AUDIT_RATE)
    require(0 < rules.trap_bps <= BPS // 2, Reject.AUDIT_TRAPS)
    require(0 < rules.fee_wei < FEE_LIMIT_WEI and rules.cycle_fee_wei < FEE_LIMIT_WEI, Reject.FEE_BOUNDS)
    is_dear = rules.trap_bps * rules.penalty_factor >= LEAST_LOSS * BPS
    require(rules.penalty_factor <= FACTOR_LIMIT and is_dear, Reject.AUDIT_PENALTY)
    is_in_time = LEAST_ANSWER_SECONDS <= rules.answer_seconds <= ANSWER_LIMIT_SECONDS
    is_drawn = rules.answer_seconds <= rules.draw_seconds <= DRAW_LIMIT_SECONDS
    require(is_in_time and is_drawn, Reject.AUDIT_TIMES)
    require(0 < rules.load <= LOAD_LIMIT, Reject.AUDIT_LOAD)


def audit_fee_wei(rules: Rules, max_cycles: int) -> int:
    """What one audit of a program costs (U2.1)."""
    return rules.fee_wei + max_cycles * rules.cycle_fee_wei // FEE_CYCLES


def work_seconds(rules: Rules, parameters: Parameters, work: Work) -> int:
    """The time of an auditor that has as many audits as it may have (U3.3)."""
    return rules.answer_seconds + rules.load * -(-work.max_cycles // parameters.cycles_per_second)


def pledged_seconds(rules: Rules, seconds: int) -> int:
    """How long an auditor may have to answer for, that has so much time for a run (U2.2)."""
    return 2 * seconds + rules.draw_seconds + PLEDGED_ANSWERS * rules.answer_seconds


def copied_gain_bps(rules: Rules) -> int:
    """What a copier expects of an audit, in parts of the fee: below minus one fee by the bounds (U6.3)."""
    return BPS - rules.trap_bps - rules.trap_bps * rules.penalty_factor
