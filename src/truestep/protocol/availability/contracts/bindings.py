"""Calls, events and records of Bindings (docs/availability.md A4.5, A4.6), in seconds and wei."""

from dataclasses import dataclass

from truestep.availability.parts import Part
from truestep.base.ids import Address, Bytes32
from truestep.protocol.availability.contracts.items import Record
from truestep.protocol.availability.ids import DemandId, ItemId


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Two elements of a blob, one after the other."""

    commitment: bytes
    path: tuple[Bytes32, ...]
    """Of the blob's versioned hash to hashes_root."""
    first: int
    first_proof: bytes
    second: int
    second_proof: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """An open demand, of which the contract keeps the hash."""

    challenger: Address
    record_hash: Bytes32
    keeper: Address
    """Who is paid for answers in the first half of their time."""
    node: Bytes32
    level: int
    """Of the node."""
    index: int
    """Of the node in its level."""
    is_answered: bool
    """The nodes six levels below are known: the challenger picks."""
    answer_wei: int
    """What an answer is paid."""
    left_wei: int
    """Of the bond."""
    moved_at: int


# --- calls ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class StrikeMismatch:
    """Show that a leaf of a part's tree is not what the item's blobs hold (A4.5)."""

    item_id: ItemId
    record: Record
    parts: tuple[Part, ...]
    part_index: int
    leaf_index: int
    leaf: Bytes32
    path: tuple[Bytes32, ...]
    opening: Opening


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDemand:
    """Ask for the tree of a part, with a bond (A4.6)."""

    item_id: ItemId
    record: Record
    parts: tuple[Part, ...]
    part_index: int
    seat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Give:
    """Answer a demand: all nodes six levels below, or the leaves."""

    demand_id: DemandId
    demand: Demand
    nodes: tuple[Bytes32, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """Go on with one of the nodes that were given."""

    demand_id: DemandId
    demand: Demand
    child: int
    node: Bytes32
    siblings: tuple[Bytes32, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StrikeFound:
    """Show that a leaf that was given is not what the item's blobs hold."""

    demand_id: DemandId
    demand: Demand
    record: Record
    parts: tuple[Part, ...]
    part_index: int
    child: int
    leaf: Bytes32
    siblings: tuple[Bytes32, ...]
    opening: Opening


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleDemand:
    """End a demand whose time is over."""

    demand_id: DemandId
    demand: Demand
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawTo:
    """Send all that Bindings owes the sender."""

    receiver: Address


# --- events ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Demanded:
    """The tree of a part was asked for."""

    demand_id: DemandId
    item_id: ItemId
    keeper: Address
    demand: Demand


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesGiven:
    """A demand was answered."""

    demand_id: DemandId
    item_id: ItemId
    nodes: tuple[Bytes32, ...]
    demand: Demand


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """The challenger goes on with this node."""

    demand_id: DemandId
    item_id: ItemId
    demand: Demand


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandSettled:
    """A demand has ended, and what was left of its bond was paid."""

    demand_id: DemandId
    item_id: ItemId
    receiver: Address
    amount_wei: int
    is_struck: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """An account took what Bindings owed it."""

    account: Address
    receiver: Address
    amount_wei: int


Call = StrikeMismatch | OpenDemand | Give | Pick | StrikeFound | SettleDemand | WithdrawTo
Event = Demanded | NodesGiven | Picked | DemandSettled | Withdrawn
