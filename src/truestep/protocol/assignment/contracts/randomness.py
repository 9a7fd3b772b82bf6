"""Calls and events of Randomness (docs/assignment.md D1, D2)."""

from dataclasses import dataclass

from truestep.base.ids import Address, Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """Promise a secret for the seed of a round (D2.1)."""

    round: int
    commitment: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class Reveal:
    """Give the secret that was promised (D2.2)."""

    secret: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawTo:
    """Send all that the caller is owed."""

    receiver: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """A secret is promised."""

    round: int
    committer: Address
    commitment: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class Revealed:
    """A secret is known."""

    round: int
    committer: Address
    secret: Bytes32
    mix: Bytes32
    """Of all that is revealed so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """What an account was owed was sent."""

    account: Address
    receiver: Address
    amount_wei: int


Call = Commit | Reveal | WithdrawTo
Event = Committed | Revealed | Withdrawn
