"""Calls, events and records of Items (docs/availability.md A1, A3). Amounts in wei, times in seconds."""

from dataclasses import dataclass
from enum import IntEnum

from truestep.availability.parts import Part
from truestep.base.ids import Address, Bytes32
from truestep.protocol.availability.ids import ItemId, KeeperId


class ItemState(IntEnum):
    """How an item stands (A3.5)."""

    NONE = 0
    REGISTERED = 1
    """Not enough of its seats are acknowledged."""
    KEPT = 2
    """More than half of its seats are acknowledged."""
    STRUCK = 3
    """Its parts are not what its commitments hold."""
    LOST = 4
    """It was kept, and no acknowledged seat is left."""
    CLOSED = 5
    ENDED = 6
    """It had no seats, and its last second is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An item, of which the contract keeps the hash (A1.6)."""

    registrant: Address
    parts_hash: Bytes32
    hashes_root: Bytes32
    """Of the positional tree over the versioned hashes."""
    blob_count: int
    seat_count: int
    since: int
    """When it was registered."""
    until: int
    """The last second in which its keepers answer for it."""
    fee_wei: int
    """Of each seat, from `since` to `until`."""
    bond_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What an item is now; all zero if there is none."""

    state: int
    was_kept: bool
    """It is KEPT or has been."""
    is_contested: bool
    """A challenge or a demand is open (A4.7)."""
    changed_at: int
    """When its state last changed, or a keeper lost a seat."""
    published_at: int
    """When a BLOB challenge of it was last answered; 0 never."""
    record_hash: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A seat; all zero if it is empty."""

    keeper: KeeperId
    drawn_at: int
    acknowledged_at: int
    """0 if it is not."""
    collected_until: int
    """Fees up to here are paid."""


# --- calls ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishHashes:
    """Emit versioned hashes of an item that has too many for one transaction (A1.4)."""

    hashes: tuple[Bytes32, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """Register an item, with a bond and the fees of all its seats (A3.1)."""

    parts: tuple[Part, ...]
    nodes: tuple[Bytes32, ...]
    """The versioned hashes, or, of more than 128 blobs, the nodes six levels above them."""
    seat_count: int
    until: int
    fee_wei: int
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterBlobs:
    """Register an item whose blobs are those of the transaction, with a bond (A3.6)."""

    parts: tuple[Part, ...]
    until: int
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterCalldata:
    """Write an item into the chain (A3.7)."""

    parts: tuple[Part, ...]
    payload: bytes
    """The leaves of all parts, one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assign:
    """Draw keepers for vacant seats (A3.2)."""

    item_id: ItemId
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge:
    """Hand in receipts of keepers (A3.3)."""

    item_id: ItemId
    record: Record
    indices: tuple[int, ...]
    signatures: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collect:
    """Credit a keeper with what its seat has earned (A3.4)."""

    item_id: ItemId
    record: Record
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseItem:
    """End an item and settle what it owes (A3.4)."""

    item_id: ItemId
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawTo:
    """Send all that Items owes the sender."""

    receiver: Address


# --- events ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """An item was registered."""

    item_id: ItemId
    registrant: Address
    parts_hash: Bytes32
    record: Record
    parts: tuple[Part, ...]
    nodes: tuple[Bytes32, ...]
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The leaves of all parts of an item, one after the other."""

    item_id: ItemId
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeWritten:
    """The leaves of this tree are in the item's payload."""

    root: Bytes32
    item_id: ItemId


@dataclass(frozen=True, slots=True, kw_only=True)
class HashesPublished:
    """Versioned hashes of some large item."""

    sender: Address
    hashes: tuple[Bytes32, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A keeper was drawn for a seat."""

    item_id: ItemId
    keeper: KeeperId
    seat: int
    drawn_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """A keeper answers for a seat from now on."""

    item_id: ItemId
    keeper: KeeperId
    seat: int
    acknowledged_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChanged:
    """An item stands otherwise now."""

    item_id: ItemId
    state: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """A seat was paid."""

    item_id: ItemId
    keeper: KeeperId
    seat: int
    amount_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Vacated:
    """A keeper lost its seat."""

    item_id: ItemId
    keeper: KeeperId
    seat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """An item's bond was lost, and its unpaid fees went back."""

    item_id: ItemId
    winner: Address
    winner_wei: int
    burned_wei: int
    refunded_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """An item is over, and its bond and unpaid fees went back."""

    item_id: ItemId
    registrant: Address
    refunded_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """An account took what Items owed it."""

    account: Address
    receiver: Address
    amount_wei: int


Call = (
    PublishHashes
    | Register
    | RegisterBlobs
    | RegisterCalldata
    | Assign
    | Acknowledge
    | Collect
    | CloseItem
    | WithdrawTo
)
Event = (
    Registered
    | Written
    | TreeWritten
    | HashesPublished
    | Drawn
    | Acknowledged
    | StateChanged
    | Collected
    | Vacated
    | Struck
    | Closed
    | Withdrawn
)
