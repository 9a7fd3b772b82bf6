"""Calls of Lots as nodes and clients make them (docs/drawn.md)."""

from dataclasses import dataclass

from truestep.base.ids import Address, JobId
from truestep.protocol.settlement.ids import NOBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferLots:
    """Cut a job into lots, so that they can be drawn (docs/drawn.md T2.1)."""

    job_id: JobId
    lot_tasks: int = 0
    """0 means the usual number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawLots:
    """Draw who may take lots, each named by a free shard of it (T2.2)."""

    job_id: JobId
    shards: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineLots:
    """Give up lots that an operator holds, each named by a free shard of it (T3.2)."""

    job_id: JobId
    operator: Address
    shards: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndTurn:
    """Let a lot be drawn again of which a shard is free when its turn is over (T3.3)."""

    job_id: JobId
    shard: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawLots:
    """Take what Lots owes the sender: parts of penalties."""

    receiver: Address = NOBODY


LotCall = OfferLots | DrawLots | DeclineLots | EndTurn | WithdrawLots
