"""Calls of Randomness and Sortition as nodes and clients make them (docs/assignment.md)."""

from dataclasses import dataclass

from truestep.base.ids import Address, Bytes32
from truestep.protocol.settlement.ids import NOBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitSecret:
    """Promise a secret for the seed of a round (docs/assignment.md D2.1)."""

    round_number: int
    commitment: Bytes32
    value_wei: int
    """The bond, or nothing if Randomness owes the sender as much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevealSecret:
    """Give the secret that was promised (D2.2)."""

    secret: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawEntropy:
    """Take the bonds that Randomness owes the sender."""

    receiver: Address = NOBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinPool:
    """Pledge free stake, or more of it, to be drawn by it (D3.1)."""

    pool: int
    pledge_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeavePool:
    """Be drawn no longer (D3.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectPledge:
    """Free the pledge of an operator that left (D3.3)."""

    operator: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshWeight:
    """Let a member's weight follow its pledge (D3.4)."""

    operator: Address


DrawCall = (
    CommitSecret | RevealSecret | WithdrawEntropy | JoinPool | LeavePool | CollectPledge | RefreshWeight
)
