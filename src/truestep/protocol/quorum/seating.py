"""What never changes of a network that draws committees."""

from dataclasses import dataclass

from truestep.base.ids import Address
from truestep.protocol.assignment.phases import Phases
from truestep.protocol.quorum.contracts.quorums import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Seating:
    """Where Quorums is, whom it asks, and the number of its policy *quorum* (S8)."""

    policy: int
    quorums: Address
    sortition: Address
    rules: Rules
    phases: Phases
    """Of the rounds whose seeds draw committees."""
    exit_seconds: int
    """How long Sortition keeps the pledge of a member that leaves."""
