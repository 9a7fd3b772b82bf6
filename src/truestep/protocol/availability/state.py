"""What the contracts of availability keep, and the turn in which a call changes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from truestep.base.ids import Address, Bytes32
from truestep.protocol.availability.contracts import bindings, challenges, items, keepers
from truestep.protocol.availability.contracts.bindings import Demand
from truestep.protocol.availability.contracts.challenges import Challenge
from truestep.protocol.availability.contracts.items import ItemState, Record, Seat
from truestep.protocol.availability.contracts.keepers import Keeper, Rules
from truestep.protocol.availability.ids import ChallengeId, DemandId, ItemId, KeeperId
from truestep.protocol.settlement.effects import Transfer
from truestep.protocol.settlement.ids import NATIVE
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.state import with_entry

Effect = Transfer | keepers.Event | items.Event | challenges.Event | bindings.Event

EMPTY_SEAT = Seat(keeper=KeeperId(0), drawn_at=0, acknowledged_at=0, collected_until=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Which contracts speak to each other, on which chain."""

    chain_id: int
    keepers: Address
    items: Address
    challenges: Address
    bindings: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What Items knows of an item."""

    record: Record
    seats: tuple[Seat, ...]
    changed_at: int
    """When its state last changed, or a keeper lost a seat: new ones are drawn later."""
    state: ItemState = ItemState.REGISTERED
    was_kept: bool = False
    draws: int = 0
    paid_wei: int = 0
    """Of its fees."""

    @property
    def is_open(self) -> bool:
        """Whether seats can be taken and challenged."""
        return self.state in (ItemState.REGISTERED, ItemState.KEPT)

    @property
    def acknowledged(self) -> list[int]:
        """The seats that are acknowledged."""
        return [index for index, seat in enumerate(self.seats) if seat.acknowledged_at]

    @property
    def has_majority(self) -> bool:
        """Whether enough seats are acknowledged for it to be kept (A3.3)."""
        return len(self.acknowledged) > self.record.seat_count // 2

    @property
    def unpaid_wei(self) -> int:
        """What is left of its fees."""
        return self.record.fee_wei * self.record.seat_count - self.paid_wei

    def with_seat(self, index: int, seat: Seat) -> "Item":
        """The item with one seat changed."""
        seats = (*self.seats[:index], seat, *self.seats[index + 1 :])
        return replace(self, seats=seats)


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """All that Keepers, Items, Challenges and Bindings keep."""

    deployment: Deployment
    rules: Rules
    keepers: Mapping[KeeperId, Keeper] = field(default_factory=dict[KeeperId, Keeper])
    numbers: Mapping[Address, KeeperId] = field(default_factory=dict[Address, KeeperId])
    entries: tuple[KeeperId, ...] = ()
    """The list of draws (A2.2)."""
    items: Mapping[ItemId, Item] = field(default_factory=dict[ItemId, Item])
    challenges: Mapping[ChallengeId, Challenge] = field(default_factory=dict[ChallengeId, Challenge])
    challenge_counts: Mapping[ItemId, int] = field(default_factory=dict[ItemId, int])
    """Open challenges of an item."""
    published_at: Mapping[ItemId, int] = field(default_factory=dict[ItemId, int])
    demands: Mapping[DemandId, Demand] = field(default_factory=dict[DemandId, Demand])
    demand_counts: Mapping[ItemId, int] = field(default_factory=dict[ItemId, int])
    """Open demands of an item."""
    credits: Mapping[tuple[Address, Address], int] = field(default_factory=dict[tuple[Address, Address], int])
    """What a contract owes an account."""
    burned_wei: Mapping[Address, int] = field(default_factory=dict[Address, int])
    """By contract."""

    def is_contested(self, item_id: ItemId) -> bool:
        """Whether a challenge or a demand is open (A4.7)."""
        return bool(self.challenge_counts.get(item_id, 0) or self.demand_counts.get(item_id, 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What the chain tells a call beside its message, and what it can check for it."""

    prevrandao: Bytes32
    blob_hashes: tuple[Bytes32, ...] = ()
    """Of the transaction."""
    opens: Callable[[Bytes32, Bytes32, Bytes32, bytes, bytes], bool]
    """Whether versioned hash, z, y, commitment and proof fit: the point evaluation precompile (EIP-4844)."""
    signed_by: Callable[[Bytes32, bytes], Address]
    """Who signed a hash; nobody, the zero address, if the signature is of no key."""


@dataclass(slots=True, kw_only=True)
class Turn:
    """One call while it is applied: state and effects so far. Dropped if the call is refused."""

    state: Availability
    message: Message
    chain: Chain
    effects: list[Effect] = field(default_factory=list[Effect])

    def change(self, **fields: Any) -> None:
        """Replace fields of the state."""
        self.state = replace(self.state, **fields)

    def put_item(self, item_id: ItemId, item: Item) -> None:
        """Replace an item."""
        self.change(items=with_entry(self.state.items, item_id, item))

    def put_keeper(self, keeper_id: KeeperId, keeper: Keeper) -> None:
        """Replace a keeper."""
        self.change(keepers=with_entry(self.state.keepers, keeper_id, keeper))

    def emit(self, effect: Effect) -> None:
        """Add an effect."""
        self.effects.append(effect)

    def receive(self, contract: Address) -> None:
        """Take the coins that came with the message."""
        self._transfer(self.message.sender, contract, self.message.value_wei)

    def pay(self, contract: Address, receiver: Address, amount_wei: int) -> None:
        """Send coins of a contract."""
        self._transfer(contract, receiver, amount_wei)

    def credit(self, contract: Address, account: Address, amount_wei: int) -> None:
        """Owe an account more."""
        key = (contract, account)
        owed = self.state.credits.get(key, 0) + amount_wei
        self.change(credits=with_entry(self.state.credits, key, owed))

    def burn(self, contract: Address, amount_wei: int) -> None:
        """Give up coins for ever."""
        burned = self.state.burned_wei.get(contract, 0) + amount_wei
        self.change(burned_wei=with_entry(self.state.burned_wei, contract, burned))

    def _transfer(self, sender: Address, receiver: Address, amount_wei: int) -> None:
        if amount_wei:
            self.emit(Transfer(asset=NATIVE, sender=sender, receiver=receiver, amount=amount_wei))
