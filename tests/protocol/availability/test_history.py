"""The history of an item knows who has ever signed for it, also when facts have forgotten it."""

from __future__ import annotations

from dataclasses import replace

from tests.roles.test_keeper import RECORD
from truestep.base.ids import Address, Bytes32
from truestep.protocol.availability.contracts.items import (
    Acknowledged,
    Drawn,
    ItemState,
    Registered,
    StateChanged,
)
from truestep.protocol.availability.contracts.keepers import Enrolled
from truestep.protocol.availability.facts import Event
from truestep.protocol.availability.history import Historian, ItemHistory
from truestep.protocol.availability.ids import ItemId, KeeperId

ACCOUNTS = [Address(f"0x{number:040x}") for number in range(4)]


def registered(item_id: int) -> Registered:
    return Registered(
        item_id=ItemId(item_id),
        registrant=ACCOUNTS[3],
        parts_hash=RECORD.parts_hash,
        record=replace(RECORD, hashes_root=Bytes32(bytes([item_id]) * 32)),
        parts=(),
        nodes=(),
        url="",
    )


def enrolled(number: int, url: str) -> Enrolled:
    return Enrolled(keeper=KeeperId(number), account=ACCOUNTS[number], shares=1, url=url)


def history(events: list[Event], item_id: int = 2) -> ItemHistory | None:
    historian = Historian(ItemId(item_id))
    for event in events:
        historian.take(event)
    return historian.history()


def test_it_lasts_beyond_the_items_end() -> None:
    item = ItemId(2)
    events: list[Event] = [
        enrolled(1, "http://old"), enrolled(2, "http://two"),
        registered(1), registered(2),
        Drawn(item_id=item, keeper=KeeperId(1), seat=0, drawn_at=10),
        Drawn(item_id=item, keeper=KeeperId(2), seat=1, drawn_at=10),
        Acknowledged(item_id=ItemId(1), keeper=KeeperId(1), seat=1, acknowledged_at=11),
        Acknowledged(item_id=item, keeper=KeeperId(2), seat=1, acknowledged_at=12),
        Acknowledged(item_id=item, keeper=KeeperId(1), seat=0, acknowledged_at=13),
        StateChanged(item_id=item, state=ItemState.KEPT),
        enrolled(1, "http://new"),
    ]  # fmt: skip
    found = history(events)
    assert found is not None and not found.is_closed
    assert [(each.seat, each.account, each.url, each.acknowledged_at) for each in found.holders] == [
        (0, ACCOUNTS[1], "http://new", 13),
        (1, ACCOUNTS[2], "http://two", 12),
    ]
    for state in (ItemState.CLOSED, ItemState.ENDED, ItemState.STRUCK):
        ended = history([*events, StateChanged(item_id=item, state=state)])
        assert ended is not None and ended.is_closed and len(ended.holders) == 2
    assert history(events, 3) is None
    assert found.name != history(events, 1).name  # pyright: ignore[reportOptionalMemberAccess]
