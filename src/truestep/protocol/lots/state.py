"""What Lots keeps, and whom it asks (docs/drawn.md)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32, JobId
from truestep.protocol.lots.contracts.lots import Rules
from truestep.protocol.settlement.ids import NOBODY

LotKey = tuple[JobId, int]
"""A job, and the number of a lot of it, from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """How a job is cut (T2.1)."""

    lot_tasks: int
    at: int

    def lot_of(self, shard: int) -> int:
        """The lot that a shard is in."""
        return shard // self.lot_tasks

    def shards_of(self, lot: int, shard_count: int) -> range:
        """The shards of a lot of a job with so many."""
        return range(lot * self.lot_tasks, min((lot + 1) * self.lot_tasks, shard_count))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """Whose turn it is to take a lot (T3)."""

    holder: Address = NOBODY
    """Nobody if it waits to be drawn."""
    since: int = 0
    """When the turn began, or the lot began to wait."""
    due: int = 0
    """A bit for each of its shards, from its first one on: whether it was free when the lot was drawn."""
    is_open: bool = False
    """Nobody is left to be drawn, or too many have declined."""
    declines: int = 0
    """How often a holder has declined it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lots:
    """All that the contract keeps."""

    offers: Mapping[JobId, Offered] = field(default_factory=dict[JobId, Offered])
    lots: Mapping[LotKey, Lot] = field(default_factory=dict[LotKey, Lot])
    """Those that were drawn."""
    failed: frozenset[tuple[JobId, Address]] = frozenset()
    credits: Mapping[Address, int] = field(default_factory=dict[Address, int])
    burned_wei: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where Lots is, and whom it asks."""

    lots: Address
    sortition: Address
    rules: Rules
    seed: Callable[[int, int], Bytes32 | Reject]
    """Of the round that draws what happened at the first of these times, at the second one."""
    select: Callable[[int, Bytes32, tuple[Address, ...]], Address | None]
    """Sortition's draw of one member: pool, seed, who is left out."""
    pledge_of: Callable[[Address], int]
    """What is left of a member's pledge."""
    penalise: Callable[[Address, int], int]
    """How much of a member's pledge Sortition sends."""
