"""Calls, events and records of Lots (docs/drawn.md). Amounts in wei, times in seconds."""

from dataclasses import dataclass

from truestep.base.ids import Address, Bytes32, JobId
from truestep.protocol.settlement.records import JobTerms, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The numbers of the policy, which are fixed at its deployment (T1.2)."""

    pool: int
    """Of Sortition, from which holders are drawn."""
    lot_tasks: int
    """Of a lot, if the requester has chosen no other number."""
    turn_seconds: int
    """In which a holder may take its lot."""
    open_seconds: int
    """That a lot waits to be drawn, before anybody may take it."""
    late_wei: int
    """For each task that a holder could have taken in its turn and did not."""


# --- calls ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Cut a job into lots (T2.1)."""

    job_id: JobId
    work: Work
    terms: JobTerms
    lot_tasks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Draw holders of lots, each named by a shard of it that is free (T2.2)."""

    job_id: JobId
    shards: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decline:
    """Give up lots, each named by a shard of it that is free (T3.2)."""

    operator: Address
    job_id: JobId
    job_digest: Bytes32
    shards: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndTurn:
    """Let a lot be drawn again of which a shard is free when its turn is over (T3.3)."""

    job_id: JobId
    shard: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawTo:
    """Send all that the caller is owed."""

    receiver: Address


# --- events ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A job's lots wait to be drawn."""

    job_id: JobId
    sender: Address
    lot_tasks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A lot has a holder, whose turn begins."""

    job_id: JobId
    holder: Address
    lot: int
    due: int
    """A bit for each shard of the lot, from its first one on: whether it was free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Nobody is left to be drawn for a lot, and anybody may take it."""

    job_id: JobId
    lot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """A holder has given up its lot, which waits to be drawn again."""

    job_id: JobId
    holder: Address
    lot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A turn has ended with a shard free, and the lot waits to be drawn again."""

    job_id: JobId
    holder: Address
    lot: int
    late_tasks: int
    """That the holder could have taken. If there is one, it takes nothing of the job any more."""
    penalty_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """What an account was owed was sent."""

    account: Address
    receiver: Address
    amount_wei: int


Call = Offer | Draw | Decline | EndTurn | WithdrawTo
Event = Offered | Drawn | Opened | Declined | Ended | Withdrawn
