"""The bounds of the rules of lots (docs/drawn.md T1.2)."""

from dataclasses import asdict

from truestep.base.errors import Reject
from truestep.protocol.assignment.rules import DrawRules
from truestep.protocol.deployment.bounds import Bound, check_bounds
from truestep.protocol.lots import rules as limits
from truestep.protocol.lots.contracts.lots import Rules


def check_lots(rules: Rules, drawn_by: DrawRules) -> None:
    """Raise `Rejected` for rules that the contract refuses; the message names every bound."""
    check_bounds(asdict(rules), lots_bounds(drawn_by))


def lots_bounds(drawn_by: DrawRules) -> dict[str, Bound]:
    """The bounds of T1.2, of which some follow from the rules of draws."""
    turn, late = limits.TURN_LIMIT_SECONDS, drawn_by.least_pledge_wei // limits.LOT_LIMIT
    return {
        "pool": Bound(least=0, most=limits.POOL_LIMIT, reason=Reject.POOL_UNKNOWN),
        "lot_tasks": Bound(least=1, most=limits.LOT_LIMIT, reason=Reject.LOT_BOUNDS),
        "turn_seconds": Bound(least=1, most=min(turn, drawn_by.exit_seconds - 1), reason=Reject.TURN_BOUNDS),
        "open_seconds": Bound(least=0, most=turn, reason=Reject.TURN_BOUNDS),
        "late_wei": Bound(least=0, most=late, reason=Reject.FEE_PENALTY_BOUNDS),
    }
