"""Ids of items, keepers, challenges and demands (docs/availability.md A1.6, A2.1, A4.1, A4.6)."""

from dataclasses import dataclass
from enum import IntEnum
from typing import NewType

from truestep.base.ids import Address

ItemId = NewType("ItemId", int)
"""Of an item of data, from 1."""
KeeperId = NewType("KeeperId", int)
"""The number of a keeper, from 1."""
ChallengeId = NewType("ChallengeId", int)
"""What is asked of whom: `ChallengePlace` packed."""
DemandId = NewType("DemandId", int)
"""[ item 80 | part 16 | challenger 160 ]"""

_MASK16 = 2**16 - 1
_ADDRESS_BITS = 160


class ChallengeKind(IntEnum):
    """What a challenge asks for."""

    ELEMENT = 1
    """Open this element."""
    BLOB = 2
    """Publish this blob."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengePlace:
    """[ item 128 | acknowledged_at 64 | seat 8 | kind 8 | blob 32 | element 16 ]"""

    item_id: ItemId
    acknowledged_at: int
    """Of the seat: the next keeper of the seat has another one."""
    seat: int
    kind: int
    blob: int
    element: int
    """0 if a whole blob is asked for."""

    def pack(self) -> ChallengeId:
        """The id as the contract has it."""
        where = self.item_id << 128 | self.acknowledged_at << 64 | self.seat << 56
        return ChallengeId(where | self.kind << 48 | self.blob << 16 | self.element)


def unpack_challenge(challenge_id: int) -> ChallengePlace:
    """What the id says."""
    return ChallengePlace(
        item_id=ItemId(challenge_id >> 128),
        acknowledged_at=challenge_id >> 64 & 2**64 - 1,
        seat=challenge_id >> 56 & 255,
        kind=challenge_id >> 48 & 255,
        blob=challenge_id >> 16 & 2**32 - 1,
        element=challenge_id & _MASK16,
    )


def demand_of(item_id: ItemId, part_index: int, challenger: Address) -> DemandId:
    """The id of a challenger's demand for the tree of a part."""
    return DemandId(item_id << 176 | part_index << _ADDRESS_BITS | int(challenger, 16))


def item_of_demand(demand_id: int) -> ItemId:
    """The item of a demand."""
    return ItemId(demand_id >> 176)


def part_of_demand(demand_id: int) -> int:
    """The index of a demand's part."""
    return demand_id >> _ADDRESS_BITS & _MASK16
