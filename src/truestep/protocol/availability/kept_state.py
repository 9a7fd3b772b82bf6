"""What Kept keeps, and whom it asks (docs/availability.md A5)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from truestep.base.ids import Address, BatchId, JobId
from truestep.protocol.availability.contracts.items import Standing
from truestep.protocol.availability.contracts.kept import BatchHold
from truestep.protocol.availability.ids import ChallengeId, DemandId, ItemId

NO_ITEM = ItemId(0)
NOTHING_KEPT = ItemId(2**128 - 1)
"""In place of an item: no leaf of the batch has an output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBatch:
    """What is kept of a batch."""

    item_id: ItemId = NO_ITEM
    """Of the outputs: 0 if none is delivered, NOTHING_KEPT if there are none."""
    check_until: int = 0
    """The last second for checking outputs in blobs of a transaction, which nobody has checked; else 0."""
    held_until: int = 0
    hold_count: int = 0
    doomed: int = 0
    """The leaves that fall once their games are over, a bit each: their program or input is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """All that Kept keeps."""

    supplied: Mapping[JobId, tuple[ItemId, ItemId]] = field(
        default_factory=dict[JobId, tuple[ItemId, ItemId]]
    )
    """The items of a job's program and input."""
    batches: Mapping[BatchId, KeptBatch] = field(default_factory=dict[BatchId, KeptBatch])
    holds: Mapping[tuple[BatchId, int], BatchHold] = field(
        default_factory=dict[tuple[BatchId, int], BatchHold]
    )
    """By their ordinals."""
    credits: Mapping[Address, int] = field(default_factory=dict[Address, int])
    burned_wei: int = 0

    def batch(self, batch_id: BatchId) -> KeptBatch:
        """What is kept of a batch of which nothing need be kept."""
        return self.batches.get(batch_id, KeptBatch())


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where Kept is, whom it asks, and the rules of availability that it has read."""

    kept: Address
    answer_seconds: int
    acknowledge_seconds: int
    blob_bond_wei: int
    standing: Callable[[ItemId], Standing]
    """Of Items."""
    is_challenged: Callable[[ChallengeId], bool]
    """Whether a challenge is open."""
    is_demanded: Callable[[DemandId], bool]
    """Whether a demand is open."""
