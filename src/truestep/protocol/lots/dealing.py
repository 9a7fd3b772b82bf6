"""What never changes of a network that draws lots."""

from dataclasses import dataclass

from truestep.base.ids import Address
from truestep.protocol.assignment.phases import Phases
from truestep.protocol.lots.contracts.lots import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealing:
    """Where Lots is, whom it asks, and the number of its policy *drawn* (S8)."""

    policy: int
    lots: Address
    sortition: Address
    rules: Rules
    phases: Phases
    """Of the rounds whose seeds draw lots."""
