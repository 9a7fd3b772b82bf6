"""The bounds of the rules of audits (docs/audits.md U1.3).

A test compares each bound with what the contract accepts.
"""

from dataclasses import asdict

from truestep.base.errors import Reject
from truestep.protocol.audits import rules as limits
from truestep.protocol.audits.contracts.audits import Rules
from truestep.protocol.deployment.bounds import Bound, check_bounds
from truestep.protocol.settlement.parameters import BPS


def check_audits(rules: Rules) -> None:
    """Raise `Rejected` for rules that the contract refuses; the message names every bound."""
    check_bounds(asdict(rules), audit_bounds(rules))


def audit_bounds(rules: Rules) -> dict[str, Bound]:
    """The bounds of U1.3, some of which depend on other rules."""
    least_factor = -(-limits.LEAST_LOSS * BPS // max(1, rules.trap_bps))
    fee_most, times = limits.FEE_LIMIT_WEI - 1, Reject.AUDIT_TIMES
    return {
        "pool": Bound(least=0, most=limits.POOL_LIMIT, reason=Reject.AUDIT_POOL),
        "rate_bps": Bound(least=1, most=BPS, reason=Reject.AUDIT_RATE),
        "trap_bps": Bound(least=1, most=BPS // 2, reason=Reject.AUDIT_TRAPS),
        "fee_wei": Bound(least=1, most=fee_most, reason=Reject.FEE_BOUNDS),
        "cycle_fee_wei": Bound(least=0, most=fee_most, reason=Reject.FEE_BOUNDS),
        "penalty_factor": Bound(
            least=least_factor,
            most=limits.FACTOR_LIMIT,
            reason=Reject.AUDIT_PENALTY,
            least_because="so that copying loses more than it wins",
        ),
        "answer_seconds": Bound(
            least=limits.LEAST_ANSWER_SECONDS, most=limits.ANSWER_LIMIT_SECONDS, reason=times
        ),
        "draw_seconds": Bound(least=rules.answer_seconds, most=limits.DRAW_LIMIT_SECONDS, reason=times),
        "load": Bound(least=1, most=limits.LOAD_LIMIT, reason=Reject.AUDIT_LOAD),
    }
