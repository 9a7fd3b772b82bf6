"""What never changes of a network whose claims are audited."""

from dataclasses import dataclass

from truestep.base.ids import Address
from truestep.protocol.audits.contracts.audits import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Auditing:
    """Where Audits is, whom it asks, its rules, and the number of its policy *audited* (S8)."""

    policy: int
    audits: Address
    sortition: Address
    rules: Rules
    exit_seconds: int
    """How long Sortition keeps the pledge of a member that leaves."""
