"""Calls and events of Sortition (docs/assignment.md D3, D4)."""

from dataclasses import dataclass

from truestep.base.ids import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Pledge free stake and be drawn by it; more of it, or again while leaving (D3.1)."""

    operator: Address
    pool: int
    pledge_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """Be drawn no longer; the pledge stays for a while (D3.3)."""

    operator: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Collect:
    """Free the pledge of an operator that left (D3.3)."""

    operator: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """Let a member's weight follow its pledge (D3.4)."""

    operator: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Penalise:
    """Take of a pledge, by the contract of a policy (D3.4)."""

    operator: Address
    amount_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """An operator is drawn by this weight from now on."""

    operator: Address
    pool: int
    slot: int
    weight: int
    pledge_wei: int
    """All of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """An operator is drawn no longer."""

    operator: Address
    pool: int
    pledge_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """A pledge is free stake again."""

    operator: Address
    pledge_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """A weight is another."""

    operator: Address
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Penalised:
    """A policy has taken of a pledge."""

    operator: Address
    policy: int
    amount_wei: int
    weight: int
    pledge_wei: int
    """What is left of it."""


Call = Join | Leave | Collect | Refresh | Penalise
Event = Joined | Left | Collected | Refreshed | Penalised
