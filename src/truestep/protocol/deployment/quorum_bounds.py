"""The bounds of the rules of quorums (docs/quorum.md Q1.2)."""

from dataclasses import asdict

from truestep.base.errors import Reject, Rejected
from truestep.protocol.assignment.rules import DrawRules
from truestep.protocol.deployment.bounds import Bound, check_bounds
from truestep.protocol.quorum import rules as limits
from truestep.protocol.quorum.contracts.quorums import Rules


def check_quorum(rules: Rules, drawn_by: DrawRules) -> None:
    """Raise `Rejected` for rules that the contract refuses; the message names every bound."""
    check_bounds(asdict(rules), quorum_bounds(rules, drawn_by))
    if limits.most_lease(rules, drawn_by.exit_seconds, 0) < 1:
        raise Rejected(
            Reject.WINDOW_LONG,
            "expected [draws] exit to be longer than leader, member and twice the stretch of [quorum]: a"
            " member that leaves must not be gone before its results are final, or known to be false",
        )


def quorum_bounds(rules: Rules, drawn_by: DrawRules) -> dict[str, Bound]:
    """The bounds of Q1.2, of which some follow from other rules."""
    turn, fee = limits.TURN_LIMIT_SECONDS, limits.FEE_LIMIT_WEI
    lie = min(limits.PENALTY_LIMIT_WEI, drawn_by.least_pledge_wei)
    return {
        "needed": Bound(least=max(2, rules.seats // 2 + 1), most=rules.seats, reason=Reject.QUORUM_BOUNDS),
        "seats": Bound(least=2, most=limits.SEATS_LIMIT, reason=Reject.QUORUM_BOUNDS),
        "pool": Bound(least=0, most=limits.POOL_LIMIT, reason=Reject.QUORUM_BOUNDS),
        "leader_seconds": Bound(least=1, most=turn, reason=Reject.TURN_BOUNDS),
        "member_seconds": Bound(least=0, most=turn, reason=Reject.TURN_BOUNDS),
        "commit_seconds": Bound(least=1, most=turn, reason=Reject.TURN_BOUNDS),
        "fee_wei": Bound(least=0, most=fee, reason=Reject.FEE_PENALTY_BOUNDS),
        "cycle_fee_wei": Bound(least=0, most=fee, reason=Reject.FEE_PENALTY_BOUNDS),
        "late_wei": Bound(least=0, most=min(rules.lie_wei, lie), reason=Reject.FEE_PENALTY_BOUNDS),
        "lie_wei": Bound(least=0, most=lie, reason=Reject.FEE_PENALTY_BOUNDS),
        "stretch_seconds": Bound(least=0, most=limits.STRETCH_LIMIT_SECONDS, reason=Reject.PARAMETER_WINDOW),
        "full_value_wei": Bound(least=1, most=2**128 - 1, reason=Reject.PARAMETER_WINDOW),
        "full_tasks": Bound(least=1, most=2**64 - 1, reason=Reject.PARAMETER_WINDOW),
        "load_seconds": Bound(least=1, most=2**32 - 1, reason=Reject.PARAMETER_WINDOW),
    }
