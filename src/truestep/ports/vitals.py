"""How a daemon is: what its operator must know to lose no coins. Values, and who receives them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from truestep.base.ids import Address
from truestep.ports.chain import Head


class ClockKind(StrEnum):
    """What has to be done before a clock runs out."""

    GAME = "game"
    """A move in a dispute: else the dispute is lost, and with it a bond."""
    LEASE = "lease"
    """The claims of a batch: else a part of its bonds is lost."""
    CHALLENGE = "challenge"
    """A keeper's answer: else the share of its seat is lost."""
    DEMAND = "demand"
    """Any keeper's answer about an item: else each of its keepers loses a share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """A clock that runs against this daemon."""

    kind: ClockKind
    subject: str
    """Of what, for people: `game 2 on job 3 shard 0`."""
    until: int
    """The last second, in the chain's time."""
    whole_seconds: int
    """What the clock had when it was full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Claims that can still be disputed."""

    claims: int = 0
    disputed: int = 0
    bonds_wei: int = 0
    """What is lost if all of them are struck."""
    first_until: int = 0
    """When the first of them becomes final if nobody disputes it, in the chain's time; 0 if there is none."""
    last_until: int = 0
    """And the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The background work of a daemon."""

    running: Mapping[str, int] = field(default_factory=dict[str, int])
    """By kind."""
    waiting: int = 0
    fetching: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What came of things since this process began."""

    finished_tasks: int = 0
    earned_wei: int = 0
    """Rewards in native coins, before gas."""
    earned_tokens: Mapping[Address, int] = field(default_factory=dict[Address, int])
    """Rewards in tokens, in their units."""
    games_won: int = 0
    games_lost: int = 0
    claims_lost: int = 0
    """Claims that lost their bond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """An operator's stake, in wei."""

    free_wei: int
    """What may be locked for tasks now."""
    locked_wei: int
    capped_wei: int
    """What no bond locks and what is beyond the operator's cap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """How a daemon is, as of one decision."""

    head: Head
    """The newest block that was seen."""
    now: int
    """The chain's time."""
    account: Address
    is_past_known: bool
    """Whether all of the chain's past was read."""
    wallet_wei: int | None = None
    """None if this daemon does not ask."""
    stake: Stake | None = None
    """None without a stake."""
    owed_wei: Mapping[str, int] = field(default_factory=dict[str, int])
    """What the contracts owe the account in native coins, by their names."""
    clocks: tuple[Clock, ...] = ()
    """The one that runs out first comes first."""
    open_games: int = 0
    """Its disputes, whoever is to move."""
    exposure: Exposure = field(default_factory=Exposure)
    taken_tasks: int = 0
    """Taken and not claimed."""
    taken_bonds_wei: int = 0
    load: Load = field(default_factory=Load)
    pending: int = 0
    """Transactions that are being sent, or were sent and have no outcome yet."""
    pending_seconds: float = 0.0
    """How long the oldest of them has been pending."""
    totals: Totals = field(default_factory=Totals)


class Monitor(Protocol):
    """Receives how a daemon is. It must return quickly and never raise."""

    def turn_ended(self, seconds: float, trouble: str) -> None:
        """The loop has looked and decided once. `trouble` says what failed outside; empty if nothing did."""
        ...

    def show(self, vitals: Vitals) -> None:
        """What was found at a decision."""
        ...
