"""What became of one item, from its registration to after its end: facts forget what is closed."""

from dataclasses import dataclass

from truestep.availability.manifest import item_name
from truestep.base.ids import Address, Bytes32
from truestep.protocol.availability.contracts import items, keepers
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.facts import OVER, Event
from truestep.protocol.availability.ids import ItemId, KeeperId


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A keeper that has signed for a seat, whether or not it has lost it since."""

    seat: int
    keeper: KeeperId
    account: Address
    url: str
    """Where it serves now."""
    acknowledged_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemHistory:
    """An item, whether or not it is over."""

    registered: items.Registered
    state: ItemState
    holders: tuple[Holder, ...]

    @property
    def name(self) -> Bytes32:
        """What it is called at keepers."""
        return item_name(self.registered.parts_hash, self.registered.record.hashes_root)

    @property
    def is_closed(self) -> bool:
        """Whether its registrant has its bond back, and keepers need it no more."""
        return self.state in (*OVER, ItemState.STRUCK)


class Historian:
    """Gathers the history of one item from events in the chain's order."""

    def __init__(self, item_id: ItemId) -> None:
        self._item_id = item_id
        self._registered: items.Registered | None = None
        self._state = ItemState.REGISTERED
        self._signed: dict[tuple[int, KeeperId], int] = {}
        self._keepers: dict[KeeperId, tuple[Address, str]] = {}

    def take(self, event: Event) -> None:
        """Take in an event; most have nothing to do with the item."""
        match event:
            case keepers.Enrolled():
                self._keepers[event.keeper] = event.account, event.url
            case items.Registered() if event.item_id == self._item_id:
                self._registered = event
            case items.StateChanged() if event.item_id == self._item_id:
                self._state = ItemState(event.state)
            case items.Acknowledged() if event.item_id == self._item_id:
                self._signed[event.seat, event.keeper] = event.acknowledged_at
            case _:
                pass

    def history(self) -> ItemHistory | None:
        """What is known by now; None if the item was never registered."""
        if self._registered is None:
            return None
        holders = (
            Holder(seat=seat, keeper=keeper, account=account, url=url, acknowledged_at=at)
            for (seat, keeper), at in sorted(self._signed.items())
            for account, url in (self._keepers.get(keeper, (Address(""), "")),)
        )
        return ItemHistory(registered=self._registered, state=self._state, holders=tuple(holders))
