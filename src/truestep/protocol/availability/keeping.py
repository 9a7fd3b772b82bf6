"""What never changes of a network that keeps data: its contracts and their rules."""

from dataclasses import dataclass

from truestep.base.ids import Address
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.availability.state import Deployment


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """The contracts of availability, and the policy that asks them."""

    policy: int
    """The number of the policy *kept* (S8)."""
    kept: Address
    contracts: Deployment
    rules: Rules
