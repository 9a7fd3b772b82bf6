"""How many seats the free shares of keepers can fill (docs/availability.md A2.2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from truestep.base.errors import Reject, Rejected
from truestep.base.text import counted
from truestep.ports.chain import ChainReader
from truestep.protocol.availability.ids import KeeperId

SEATS_LEAST, SEATS_LIMIT = 2, 16
SEATS_USUAL = 4
"""Three of them must acknowledge: one may be away."""
ASKED_LIMIT = 256
"""Keepers whose shares are looked up; where there are more, free ones are believed in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeShares:
    """What keepers can still answer for."""

    by_keeper: Mapping[KeeperId, int]
    """Of keepers that can be drawn; those without a free share too."""
    is_complete: bool
    """Whether all keepers were asked."""

    @property
    def total(self) -> int:
        """All free shares."""
        return sum(self.by_keeper.values())

    @property
    def keeper_count(self) -> int:
        """Keepers with a free share."""
        return sum(1 for free in self.by_keeper.values() if free)


def free_shares(chain: ChainReader, enough: int, items: int) -> FreeShares:
    """The free shares of keepers, until `enough` of them have one for each of so many items."""
    found: dict[KeeperId, int] = {}
    numbers = list(chain.facts().data.keepers)
    for number in numbers[:ASKED_LIMIT]:
        keeper = chain.keeper(number)
        if keeper.listed:
            found[number] = max(keeper.shares - keeper.locked, 0)
        if sum(1 for free in found.values() if free >= items) >= enough:
            break
    return FreeShares(by_keeper=found, is_complete=len(numbers) <= ASKED_LIMIT)


def can_fill(free: Sequence[int], seats: int, items: int) -> bool:
    """Whether so many seats of each of so many items can have different keepers of their own.

    A keeper has at most one seat of an item, and a share for each seat (the condition of Gale and Ryser).
    """
    return all(each * seats <= sum(min(count, each) for count in free) for each in range(1, items + 1))


def chosen_seats(shares: FreeShares, wanted: int | None, items: int) -> int:
    """How many seats each of so many new items gets. None wanted: the usual number, or as many as there are.

    Raises Rejected if too few keepers have a free share to keep them: more than half of the seats must be
    taken.
    """
    free = list(shares.by_keeper.values())
    if not shares.is_complete:
        return wanted or SEATS_USUAL
    if wanted is not None:
        if len(free) >= wanted and can_fill(free, wanted // 2 + 1, items):
            return wanted
        raise _too_few(shares, wanted, items)
    for seats in range(SEATS_USUAL, SEATS_LEAST - 1, -1):
        if can_fill(free, seats, items):
            return seats
    raise _too_few(shares, SEATS_LEAST, items)


def _too_few(shares: FreeShares, seats: int, items: int) -> Rejected:
    needed = counted(seats, "seat") if items == 1 else f"{counted(seats, 'seat')} of each of {items} items"
    listed = counted(len(shares.by_keeper), "keeper")
    return Rejected(
        Reject.KEEPERS_TOO_FEW,
        f"expected keepers with free shares for {needed}, each seat another keeper's: this network has"
        f" {listed}, of which {shares.keeper_count} can take more, {counted(shares.total, 'seat')} in all."
        " Nothing was sent. Wait until items of others are over or keepers buy shares, or submit with"
        " --availability calldata, blob, or none; `truestep keeper --shares` is how to become a keeper",
    )
