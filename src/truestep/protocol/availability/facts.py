"""What the events of availability add up to, for keepers and for whoever looks for an item's bytes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from truestep.availability.manifest import item_name
from truestep.availability.parts import Part
from truestep.base.ids import Address, Bytes32
from truestep.protocol.availability.contracts import bindings, challenges, items, keepers
from truestep.protocol.availability.contracts.bindings import Demand
from truestep.protocol.availability.contracts.challenges import Challenge
from truestep.protocol.availability.contracts.items import ItemState, Record
from truestep.protocol.availability.ids import ChallengeId, DemandId, ItemId, KeeperId

Event = items.Event | keepers.Event | challenges.Event | bindings.Event


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSeat:
    """A seat that has a keeper."""

    keeper: KeeperId
    drawn_at: int
    acknowledged_at: int = 0
    """0 if it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownItem:
    """An item that is not closed."""

    item_id: ItemId
    record: Record
    parts: tuple[Part, ...]
    url: str
    """From where the registrant lets keepers fetch it."""
    state: ItemState = ItemState.REGISTERED
    seats: Mapping[int, KnownSeat] = field(default_factory=dict[int, KnownSeat])

    @property
    def name(self) -> Bytes32:
        """What it is called at keepers."""
        return item_name(self.record.parts_hash, self.record.hashes_root)

    @property
    def is_open(self) -> bool:
        """Whether keepers answer for it, or may come to."""
        return self.state in (ItemState.REGISTERED, ItemState.KEPT)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKeeper:
    """A keeper and where it serves."""

    account: Address
    url: str
    signer: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that is not over."""

    items: Mapping[ItemId, KnownItem] = field(default_factory=dict[ItemId, KnownItem])
    keepers: Mapping[KeeperId, KnownKeeper] = field(default_factory=dict[KeeperId, KnownKeeper])
    challenges: Mapping[ChallengeId, Challenge] = field(default_factory=dict[ChallengeId, Challenge])
    demands: Mapping[DemandId, Demand] = field(default_factory=dict[DemandId, Demand])
    given: Mapping[DemandId, tuple[Bytes32, ...]] = field(default_factory=dict[DemandId, tuple[Bytes32, ...]])
    """The nodes that were given last, for demands whose challengers are to pick."""

    def number_of(self, account: Address) -> KeeperId | None:
        """The number of an account that is a keeper."""
        return next((number for number, known in self.keepers.items() if known.account == account), None)

    def urls_of(self, item: KnownItem, but: KeeperId | None = None) -> list[str]:
        """Where the item's acknowledged keepers serve, but for one of them."""
        numbers = [seat.keeper for seat in item.seats.values() if seat.acknowledged_at and seat.keeper != but]
        return [self.keepers[number].url for number in numbers if number in self.keepers]


def fold(facts: Facts, events: Iterable[Event]) -> Facts:
    """The facts after these events, in the chain's order."""
    draft = _Draft(facts)
    for event in events:
        draft.apply(event)
    return draft.facts()


class _Draft:
    """Facts while events are folded into them."""

    def __init__(self, facts: Facts) -> None:
        self._items = dict(facts.items)
        self._keepers = dict(facts.keepers)
        self._challenges = dict(facts.challenges)
        self._demands = dict(facts.demands)
        self._given = dict(facts.given)

    def facts(self) -> Facts:
        return Facts(
            items=self._items,
            keepers=self._keepers,
            challenges=self._challenges,
            demands=self._demands,
            given=self._given,
        )

    def apply(self, event: Event) -> None:
        match event:
            case items.Registered():
                self._items[event.item_id] = KnownItem(
                    item_id=event.item_id, record=event.record, parts=event.parts, url=event.url
                )
            case items.Drawn():
                seat = KnownSeat(keeper=event.keeper, drawn_at=event.drawn_at)
                self._seat(event.item_id, event.seat, seat)
            case items.Acknowledged():
                self._acknowledge(event)
            case items.Vacated():
                self._seat(event.item_id, event.seat, None)
            case items.StateChanged() if event.item_id in self._items:
                known = self._items[event.item_id]
                self._items[event.item_id] = replace(known, state=ItemState(event.state))
            case items.Closed():
                self._items.pop(event.item_id, None)
            case keepers.Enrolled():
                known = self._keepers.get(event.keeper)
                self._keepers[event.keeper] = KnownKeeper(
                    account=event.account, url=event.url, signer=known.signer if known else event.account
                )
            case keepers.SignerSet() if event.keeper in self._keepers:
                self._keepers[event.keeper] = replace(self._keepers[event.keeper], signer=event.signer)
            case challenges.Challenged():
                self._challenges[event.challenge_id] = event.challenge
            case challenges.Opened() | challenges.Published() | challenges.Settled():
                self._challenges.pop(event.challenge_id, None)
            case bindings.Demanded() | bindings.NodesGiven() | bindings.Picked():
                self._demand(event)
            case bindings.DemandSettled():
                self._demands.pop(event.demand_id, None)
                self._given.pop(event.demand_id, None)
            case _:
                pass

    def _demand(self, event: bindings.Demanded | bindings.NodesGiven | bindings.Picked) -> None:
        self._demands[event.demand_id] = event.demand
        if isinstance(event, bindings.NodesGiven):
            self._given[event.demand_id] = event.nodes
        else:
            self._given.pop(event.demand_id, None)

    def _acknowledge(self, event: items.Acknowledged) -> None:
        item = self._items.get(event.item_id)
        seat = item.seats.get(event.seat) if item else None
        if seat is not None:
            self._seat(event.item_id, event.seat, replace(seat, acknowledged_at=event.acknowledged_at))

    def _seat(self, item_id: ItemId, index: int, seat: KnownSeat | None) -> None:
        item = self._items.get(item_id)
        if item is None:
            return
        seats = {number: known for number, known in item.seats.items() if number != index}
        if seat is not None:
            seats[index] = seat
        self._items[item_id] = replace(item, seats=seats)
