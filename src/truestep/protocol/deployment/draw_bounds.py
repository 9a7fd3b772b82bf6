"""The bounds of the rules of draws (docs/assignment.md D1.3).

A test compares each bound with what the contracts accept.
"""

from dataclasses import asdict

from truestep.base.errors import Reject
from truestep.protocol.assignment import rules as limits
from truestep.protocol.assignment.rules import DrawRules
from truestep.protocol.deployment.bounds import Bound, check_bounds


def check_draws(rules: DrawRules) -> None:
    """Raise `Rejected` for rules that the contracts refuse; the message names every bound."""
    check_bounds(asdict(rules), draw_bounds())


def draw_bounds() -> dict[str, Bound]:
    """The bounds of D1.3."""
    phase = Bound(least=limits.PHASE_MIN_SECONDS, most=limits.PHASE_LIMIT_SECONDS, reason=Reject.PHASE_BOUNDS)
    return {
        "commit_seconds": phase,
        "reveal_seconds": phase,
        "draw_seconds": phase,
        "entropy_bond_wei": Bound(least=1, most=limits.ENTROPY_BOND_LIMIT_WEI, reason=Reject.ENTROPY_BOND),
        "least_pledge_wei": Bound(
            least=limits.UNIT_WEI,
            most=limits.LEAST_PLEDGE_LIMIT_WEI,
            reason=Reject.PLEDGE_LEAST,
        ),
        "exit_seconds": Bound(least=0, most=limits.EXIT_LIMIT_SECONDS, reason=Reject.EXIT_BOUNDS),
    }
