"""What a watcher of data knows when it decides, and what it can decide on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from truestep.base.ids import Address, Bytes32
from truestep.protocol.availability.calls import Paid
from truestep.protocol.availability.contracts.bindings import Opening
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.availability.facts import Facts, KnownItem
from truestep.protocol.availability.ids import DemandId, ItemId

Seat = tuple[ItemId, int, int]
"""An item, the index of its seat, and when the seat was acknowledged."""
Move = tuple[DemandId, int]
"""A demand and the time of its last move."""


class Sight(StrEnum):
    """How a keeper answers who asks it for cells that it holds."""

    GIVES = "gives"
    LACKS = "lacks"
    """It answers, and does not have what its seat must hold."""
    SILENT = "silent"
    WRONG = "wrong"
    """It sent what is not of the item's blobs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatSeen:
    """What a look at a seat has shown."""

    sight: Sight
    blob: int = 0
    """One of which it did not give what it was asked for."""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """Of a seat that did not give what it was asked for."""

    since: int
    looks: int
    """In a row without what was asked for."""
    last: SeatSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Which blobs of an item could not be had from anybody."""

    at: int
    missing: tuple[int, ...]
    published: int = 0
    """How many of its blobs had been published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Why an item is needed now: a claim that is to be checked depends on it."""

    limit: int
    """When it is of no use any more, with all holds."""
    is_missing: bool
    """Whether it could not be had so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildPick:
    """The node to go on with: number `child` of those that were given."""

    child: int
    node: Bytes32
    siblings: tuple[Bytes32, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundLeaf:
    """A leaf that was given and is not what the blobs hold."""

    part_index: int
    child: int
    leaf: Bytes32
    siblings: tuple[Bytes32, ...]
    opening: Opening


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """A leaf of a known tree that is not what an item's blobs hold, though the item names the tree's root."""

    part_index: int
    leaf_index: int
    leaf: Bytes32
    path: tuple[Bytes32, ...]
    opening: Opening


Searched = tuple[ItemId, int]
"""An item and a part of it that has another root than its blobs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All that the decisions depend on. Times in seconds, as the chain counts them."""

    now: int
    account: Address
    facts: Facts
    rules: Rules
    wallet_wei: int
    credits: Mapping[str, int] = field(default_factory=dict[str, int])
    """What each contract owes the account, in wei."""
    in_flight: frozenset[str] = frozenset()
    looked_at: Mapping[ItemId, int] = field(default_factory=dict[ItemId, int])
    suspicions: Mapping[Seat, Suspicion] = field(default_factory=dict[Seat, Suspicion])
    served_at: int | None = None
    """When a keeper last gave this node something that was right."""
    surveys: Mapping[ItemId, Survey] = field(default_factory=dict[ItemId, Survey])
    checked: Mapping[Bytes32, tuple[int, ...]] = field(default_factory=dict[Bytes32, tuple[int, ...]])
    """The items whose blobs were compared with their roots, by name, and the parts that have other roots."""
    moves: Mapping[Move, ChildPick | FoundLeaf] = field(default_factory=dict[Move, "ChildPick | FoundLeaf"])
    """What comes next in this account's demands."""
    mismatches: Mapping[Searched, Mismatch | None] = field(default_factory=dict[Searched, "Mismatch | None"])
    """What was found where somebody knows the tree of a false part; None if nobody does."""
    needs: Mapping[ItemId, Need] = field(default_factory=dict[ItemId, Need])
    locked_wei: int = 0
    """Other bonds of this account, such as those of holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPolicy:
    """What a watcher looks at and what it is willing to risk. Amounts in wei."""

    watches_all: bool = True
    """Whether it looks at items that no claim depends on."""
    look_seconds: int = 3_600
    """Interval between looks at an item whose keepers give what they are asked for."""
    again_seconds: int = 120
    """The same while one of them does not."""
    patience_looks: int = 3
    """Looks in a row before a keeper is challenged that does not answer; a wrong answer is enough at once."""
    check_blobs_limit: int = 4_352
    """The largest item that is fetched once and compared with its roots."""
    bonds_limit_wei: int = 10**18
    """The limit of all its open bonds together."""
    gas_reserve_wei: int = 5 * 10**16
    """Kept in the wallet, to settle and to go on with what is open."""
    withdraw_above_wei: int = 10**16
    salt: bytes = b""
    """The node's secret: no keeper must know which element it will be asked for."""


# --- actions --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SendData:
    """Make a call, at most once for each intent."""

    intent: str
    call: Paid
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAt:
    """Ask each keeper of an item for random cells of its run."""

    item: KnownItem


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyItem:
    """Find out which blobs of an item nobody gives."""

    item: KnownItem


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRoots:
    """Fetch an item once and compare its parts with their roots."""

    item: KnownItem


@dataclass(frozen=True, slots=True, kw_only=True)
class FindMismatch:
    """Compare a part that is false with the same tree in other items, leaf by leaf."""

    item: KnownItem
    part_index: int
    others: tuple[tuple[KnownItem, tuple[str, ...]], ...]
    """Items that name the same tree, and where their blobs may be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindMove:
    """Compare the nodes that were given with one's own, for the next move in a demand."""

    item: KnownItem
    move: Move
    level: int
    """Of the node whose descendants were given."""
    index: int
    nodes: tuple[Bytes32, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TellData:
    """Tell the operator something, once."""

    kind: str
    message: str


Action = SendData | LookAt | SurveyItem | CheckRoots | FindMismatch | FindMove | TellData
