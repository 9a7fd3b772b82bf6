"""What never changes of a network that believes proofs."""

from dataclasses import dataclass

from truestep.base.ids import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Proving:
    """Where Verifiers is, and the number of its policy *validity* (S8)."""

    policy: int
    verifiers: Address
