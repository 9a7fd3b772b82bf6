"""What the events of availability add up to, for keepers and for whoever looks for an item's bytes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from truestep.availability.manifest import item_name
from truestep.availability.parts import Part
from truestep.base.ids import Address, Bytes32
from truestep.protocol.availability.contracts import bindings, challenges, items, keepers
from truestep.protocol.availability.contracts.bindings import Demand
from truestep.protocol.availability.contracts.challenges import Challenge
from truestep.protocol.availability.contracts.items import ItemState, Record, Standing
from truestep.protocol.availability.ids import ChallengeId, DemandId, ItemId, KeeperId, unpack_challenge
from truestep.protocol.availability.registration import FOR_EVER
from truestep.protocol.settlement.encoding import hash_struct
from truestep.protocol.settlement.ids import NOBODY
from truestep.protocol.tables import Table, add_to

Event = items.Event | keepers.Event | challenges.Event | bindings.Event
TIMED = frozenset({items.StateChanged, items.Vacated, challenges.Published})
"""Events whose meaning depends on the time of their block: what `Standing` says of an item's past."""
NO_STANDING = Standing(
    state=ItemState.NONE,
    was_kept=False,
    is_contested=False,
    changed_at=0,
    published_at=0,
    record_hash=Bytes32(bytes(32)),
)
"""Of a number that no item has."""
OVER = (ItemState.CLOSED, ItemState.ENDED)
WRITTEN_LIMIT = 1_024
"""Items of calldata that are remembered before a job or batch names them, which is soon after they begin.
Each costs its writer 120,000 of gas, and nothing to keep. Whoever floods the chain with them pushes out
others: one's own stay, those that are named come back (`_forgotten`), and the chain finds bytes by roots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSeat:
    """A seat that has a keeper."""

    keeper: KeeperId
    drawn_at: int
    acknowledged_at: int = 0
    """0 if it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownItem:
    """An item that is not closed, or that a job or batch still depends on."""

    item_id: ItemId
    record: Record
    parts: tuple[Part, ...]
    url: str
    """From where the registrant lets keepers fetch it."""
    state: ItemState = ItemState.REGISTERED
    seats: Mapping[int, KnownSeat] = field(default_factory=dict[int, KnownSeat])
    was_kept: bool = False
    changed_at: int = 0
    """When its state last changed, or a keeper lost a seat. 0 if whoever has read the events has no times."""
    published_at: int = 0
    """When a BLOB challenge of it was last answered; 0 never, or as above."""
    needed_by: int = 0
    """How many jobs and batches in the facts of the settlement depend on it."""
    published: tuple[int, ...] = ()
    """The blobs that transactions have published: answers to challenges, or the registration."""

    @property
    def name(self) -> Bytes32:
        """What it is called at keepers."""
        return item_name(self.record.parts_hash, self.record.hashes_root)

    @property
    def is_written(self) -> bool:
        """Whether it is in calldata: kept for ever, by nobody."""
        return not self.record.seat_count and not self.record.blob_count

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
class Answered:
    """Challenges of one challenger that a keeper has answered, since it last failed one of them."""

    count: int = 0
    until: int = 0
    """The last second of the latest of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that is not over."""

    items: Mapping[ItemId, KnownItem] = field(default_factory=dict[ItemId, KnownItem])
    keepers: Mapping[KeeperId, KnownKeeper] = field(default_factory=dict[KeeperId, KnownKeeper])
    challenges: Mapping[ChallengeId, Challenge] = field(default_factory=dict[ChallengeId, Challenge])
    demands: Mapping[DemandId, Demand] = field(default_factory=dict[DemandId, Demand])
    given: Mapping[DemandId, tuple[Bytes32, ...]] = field(default_factory=dict[DemandId, tuple[Bytes32, ...]])
    """The nodes that were given last, for demands whose challengers are to pick."""
    answered: Mapping[str, Answered] = field(default_factory=dict[str, Answered])
    """By challenger and keeper (`pair`)."""
    contests: Mapping[ItemId, int] = field(default_factory=dict[ItemId, int])
    """How many of these are open, for each item that has any."""
    item_count: int = 0
    written: Mapping[ItemId, int] = field(default_factory=dict[ItemId, int])
    """When items of calldata began that no job or batch depends on; the newest of them. They never end, so
    others leave the facts."""
    left_since: int = 0
    """When the oldest of those began that have left the facts; 0 if none has."""

    def standing(self, item_id: ItemId) -> Standing:
        """How an item stands, as Items answers; NO_STANDING for one that has left the facts."""
        item = self.items.get(item_id)
        if item is None:
            return NO_STANDING
        return Standing(
            state=item.state,
            was_kept=item.was_kept,
            is_contested=item_id in self.contests,
            changed_at=item.changed_at,
            published_at=item.published_at,
            record_hash=record_hash(item.record),
        )

    def number_of(self, account: Address) -> KeeperId | None:
        """The number of an account that is a keeper."""
        return next((number for number, known in self.keepers.items() if known.account == account), None)

    def urls_of(self, item: KnownItem, but: KeeperId | None = None) -> list[str]:
        """Where the item's acknowledged keepers serve, but for one of them."""
        numbers = [seat.keeper for seat in item.seats.values() if seat.acknowledged_at and seat.keeper != but]
        return [self.keepers[number].url for number in numbers if number in self.keepers]


def pair(challenger: Address, keeper: Address) -> str:
    """The key of two accounts in `Facts.answered`."""
    return f"{challenger}/{keeper}".lower()


@lru_cache(maxsize=4096)
def record_hash(record: Record) -> Bytes32:
    """What Items keeps of a record."""
    return hash_struct(record)


def fold(facts: Facts, events: Iterable[Event]) -> Facts:
    """The facts after these events, in the chain's order, without their times."""
    draft = Draft(facts)
    for event in events:
        draft.apply(event)
    return draft.facts()


class Draft:
    """Facts while events are folded into them. What does not fit them is left out."""

    def __init__(self, facts: Facts, own: frozenset[Address] = frozenset()) -> None:
        """`own`: accounts whose items of calldata are not forgotten before they are named."""
        self._own = own
        self._items = Table(facts.items)
        self._keepers = Table(facts.keepers)
        self._challenges = Table(facts.challenges)
        self._demands = Table(facts.demands)
        self._given = Table(facts.given)
        self._answered = Table(facts.answered)
        self._contests = Table(facts.contests)
        self._written = Table(facts.written)
        self.item_count = facts.item_count
        """How many items were registered."""
        self._left_since = facts.left_since

    def facts(self) -> Facts:
        """The facts as they are now. They change with the draft, if it is changed again."""
        return Facts(
            items=self._items.entries,
            keepers=self._keepers.entries,
            challenges=self._challenges.entries,
            demands=self._demands.entries,
            given=self._given.entries,
            answered=self._answered.entries,
            contests=self._contests.entries,
            item_count=self.item_count,
            written=self._written.entries,
            left_since=self._left_since,
        )

    def item(self, item_id: ItemId) -> KnownItem | None:
        """An item that is in the facts."""
        return self._items.get(item_id)

    def need(self, item_id: ItemId, count: int) -> None:
        """So many more jobs and batches depend on an item, or fewer.

        The contract lets them name only what is open, and of that only items of calldata leave the facts.
        """
        if count > 0 and 0 < item_id <= self.item_count and self._items.get(item_id) is None:
            self._items.put(item_id, _forgotten(item_id))
        self._written.drop(item_id)
        self._change(item_id, lambda item: replace(item, needed_by=item.needed_by + count))
        self._drop_if_over(item_id)

    def apply(self, event: Event, time: int = 0) -> None:
        """Change the facts by an event, of a block of this time."""
        match event:
            case items.Registered():
                self._register(event)
            case items.Drawn():
                seat = KnownSeat(keeper=event.keeper, drawn_at=event.drawn_at)
                self._change(event.item_id, lambda item: with_seat(item, event.seat, seat))
            case items.Acknowledged():
                self._change(event.item_id, lambda item: _acknowledged(item, event))
            case items.Vacated():
                self._change(
                    event.item_id, lambda item: replace(with_seat(item, event.seat, None), changed_at=time)
                )
            case items.StateChanged():
                self._change(event.item_id, lambda item: _in_state(item, ItemState(event.state), time))
            case items.Closed():  # `StateChanged` has come before
                self._drop_if_over(event.item_id)
            case keepers.Enrolled():
                known = self._keepers.get(event.keeper)
                signer = known.signer if known else event.account
                self._keepers.put(
                    event.keeper, KnownKeeper(account=event.account, url=event.url, signer=signer)
                )
            case keepers.SignerSet():
                known = self._keepers.get(event.keeper)
                if known is not None:
                    self._keepers.put(event.keeper, replace(known, signer=event.signer))
            case _:
                self._contest(event, time)

    def _contest(self, event: Event, time: int) -> None:
        match event:
            case challenges.Challenged():
                self._begin(self._challenges, event.challenge_id, event.challenge, event.item_id)
            case challenges.Published():
                blob = unpack_challenge(event.challenge_id).blob
                self._change(event.item_id, lambda item: _with_published(item, blob, time))
                self._answer(event.challenge_id)
                self._end(self._challenges, event.challenge_id, event.item_id)
            case challenges.Opened():
                self._answer(event.challenge_id)
                self._end(self._challenges, event.challenge_id, event.item_id)
            case challenges.Settled():
                self._answer(event.challenge_id, event.is_slashed)
                self._end(self._challenges, event.challenge_id, event.item_id)
            case bindings.Demanded() | bindings.NodesGiven() | bindings.Picked():
                self._begin(self._demands, event.demand_id, event.demand, event.item_id)
                if isinstance(event, bindings.NodesGiven):
                    self._given.put(event.demand_id, event.nodes)
                else:
                    self._given.drop(event.demand_id)
            case bindings.DemandSettled():
                self._end(self._demands, event.demand_id, event.item_id)
                self._given.drop(event.demand_id)
            case _:
                pass

    def _answer(self, challenge_id: ChallengeId, is_slashed: bool | None = None) -> None:
        """Note that a challenge was answered; or how it was settled, if `is_slashed` says it."""
        challenge = self._challenges.get(challenge_id)
        if challenge is None or is_slashed is False:
            return
        key = pair(challenge.challenger, challenge.keeper)
        if is_slashed:
            self._answered.drop(key)
            return
        before = self._answered.get(key) or Answered()
        until = max(before.until, challenge.until)
        self._answered.put(key, Answered(count=before.count + 1, until=until))

    def _begin(self, table: Table[Any, Any], key: int, contest: object, item_id: ItemId) -> None:
        if table.get(key) is None:
            add_to(self._contests, item_id, 1)
        table.put(key, contest)

    def _end(self, table: Table[Any, Any], key: int, item_id: ItemId) -> None:
        if table.get(key) is not None:
            table.drop(key)
            add_to(self._contests, item_id, -1)

    def _register(self, event: items.Registered) -> None:
        self.item_count = max(self.item_count, event.item_id)
        item = KnownItem(
            item_id=event.item_id,
            record=event.record,
            parts=event.parts,
            url=event.url,
            changed_at=event.record.since,
            published=() if event.record.seat_count else tuple(range(event.record.blob_count)),
        )
        self._items.put(event.item_id, item)
        if item.is_written and event.record.registrant not in self._own:
            self._written.put(event.item_id, event.record.since)
            if len(self._written.entries) > WRITTEN_LIMIT:
                oldest = next(iter(self._written.entries))  # numbers only rise
                self._written.drop(oldest)
                self._drop_if_over(oldest)

    def _change(self, item_id: ItemId, change: Callable[[KnownItem], KnownItem]) -> None:
        item = self._items.get(item_id)
        if item is not None:
            self._items.put(item_id, change(item))

    def _drop_if_over(self, item_id: ItemId) -> None:
        item = self._items.get(item_id)
        if item is not None and (item.state in OVER or item.is_written) and not item.needed_by:
            self._items.drop(item_id)
            since = item.record.since
            if item.is_written and since and (not self._left_since or since < self._left_since):
                self._left_since = since


def _forgotten(item_id: ItemId) -> KnownItem:
    """An item of calldata that has left the facts. It is kept for ever, and what it holds the chain says."""
    nothing = Bytes32(bytes(32))
    record = Record(
        registrant=NOBODY,
        parts_hash=nothing,
        hashes_root=nothing,
        blob_count=0,
        seat_count=0,
        since=0,
        until=FOR_EVER,
        fee_wei=0,
        bond_wei=0,
    )
    return KnownItem(
        item_id=item_id, record=record, parts=(), url="", state=ItemState.KEPT, was_kept=True, changed_at=0
    )


def with_seat(item: KnownItem, index: int, seat: KnownSeat | None) -> KnownItem:
    """An item of which a seat has this keeper, or none."""
    seats = {number: known for number, known in item.seats.items() if number != index}
    if seat is not None:
        seats[index] = seat
    return replace(item, seats=seats)


def _with_published(item: KnownItem, blob: int, time: int) -> KnownItem:
    published = tuple(sorted({*item.published, blob}))
    return replace(item, published=published, published_at=time)


def _acknowledged(item: KnownItem, event: items.Acknowledged) -> KnownItem:
    seat = item.seats.get(event.seat)
    if seat is None:
        return item
    return with_seat(item, event.seat, replace(seat, acknowledged_at=event.acknowledged_at))


def _in_state(item: KnownItem, state: ItemState, time: int) -> KnownItem:
    was_kept = item.was_kept or state is ItemState.KEPT
    changed_at = item.changed_at if item.state is ItemState.LOST else time
    return replace(item, state=state, was_kept=was_kept, changed_at=changed_at)
