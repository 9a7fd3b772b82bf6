"""What a watcher of data needs of the world: the contracts of availability, and eyes on keepers."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from truestep.base.ids import Bytes32
from truestep.ports.chain import Transaction
from truestep.ports.executor import ShouldStop
from truestep.ports.keeping import AvailabilityChain
from truestep.protocol.availability.calls import Paid
from truestep.protocol.availability.facts import KnownItem
from truestep.roles.availability.sights import ChildPick, FoundLeaf, Mismatch, SeatSeen


class WatchChain(AvailabilityChain, Protocol):
    """What a watcher needs besides."""

    def submit(self, call: Paid, *, intent: str) -> Transaction:
        """Journal, sign and send, at most once for each intent; returns at once."""
        ...

    def gas_price_wei(self) -> int:
        """What a unit of gas costs now, tip included."""
        ...


class Eyes(Protocol):
    """Asks keepers, and computes what their answers mean. Methods raise `Unavailable` if that may go later.

    `keepers` are the URLs of an item's acknowledged seats.
    """

    def look(
        self, item: KnownItem, keepers: Mapping[int, str], should_stop: ShouldStop
    ) -> Mapping[int, SeatSeen]:
        """What each seat's keeper gives of random cells of its run, all of them verified."""
        ...

    def survey(self, item: KnownItem, keepers: Mapping[int, str], should_stop: ShouldStop) -> tuple[int, ...]:
        """The blobs that cannot be had from all of them together."""
        ...

    def check(self, item: KnownItem, keepers: Mapping[int, str], should_stop: ShouldStop) -> tuple[int, ...]:
        """The first part of each tree whose root is not that of the blobs, which are fetched for it."""
        ...

    def mismatch(
        self,
        item: KnownItem,
        part_index: int,
        others: Sequence[tuple[KnownItem, Sequence[str]]],
        keepers: Mapping[int, str],
        should_stop: ShouldStop,
    ) -> Mismatch | None:
        """A leaf of the tree that a false part names, as one of the other items holds it, and is proved to.

        None if none of them does.
        """
        ...

    def next_move(
        self,
        item: KnownItem,
        part_index: int,
        place: tuple[int, int],
        nodes: tuple[Bytes32, ...],
        keepers: Mapping[int, str],
        should_stop: ShouldStop,
    ) -> ChildPick | FoundLeaf:
        """What comes after these nodes, which were given below the node at `place`: its level and index.

        Raises `Rejected` if all of them are those of the blobs.
        """
        ...
