"""Whether free shares can fill the seats of items, against all ways to give them out."""

from __future__ import annotations

from itertools import combinations, product

import pytest

from truestep.base.errors import Reject, Rejected
from truestep.client.seats import FreeShares, can_fill, chosen_seats
from truestep.protocol.availability.ids import KeeperId


def fillable(free: tuple[int, ...], seats: int, items: int) -> bool:
    """By trying."""
    groups = list(combinations(range(len(free)), seats))
    return any(
        all(sum(keeper in group for group in chosen) <= free[keeper] for keeper in range(len(free)))
        for chosen in product(groups, repeat=items)
    )


def test_seats_can_be_filled_if_there_is_a_way() -> None:
    for keepers in range(4):
        for free in product(range(4), repeat=keepers):
            for seats, items in product((1, 2, 3), (1, 2)):
                assert can_fill(free, seats, items) == fillable(free, seats, items), (free, seats, items)


@pytest.mark.parametrize(
    ("free", "wanted", "items", "seats"),
    [
        ((5, 5, 5, 5, 5), None, 1, 4),
        ((1, 1), None, 1, 2),
        ((1, 1, 0), None, 1, 2),
        ((2, 2), None, 2, 2),
        ((1, 1, 1, 1), None, 2, 2),
        ((1, 1, 1), None, 2, None),
        ((1, 0), None, 1, None),
        ((), None, 1, None),
        ((1, 1, 1, 0), 4, 1, 4),  # three of four are enough
        ((1, 1, 0, 0), 4, 1, None),
        ((1, 1, 1), 4, 1, None),  # the contract wants as many keepers as seats
    ],
)
def test_an_item_gets_as_many_seats_as_can_be_filled(
    free: tuple[int, ...], wanted: int | None, items: int, seats: int | None
) -> None:
    numbered = {KeeperId(number): count for number, count in enumerate(free)}
    shares = FreeShares(by_keeper=numbered, is_complete=True)
    if seats is not None:
        assert chosen_seats(shares, wanted, items) == seats
        return
    with pytest.raises(Rejected) as refused:
        chosen_seats(shares, wanted, items)
    assert refused.value.reason is Reject.KEEPERS_TOO_FEW
    assert chosen_seats(FreeShares(by_keeper=numbered, is_complete=False), wanted, items) == (wanted or 4)
