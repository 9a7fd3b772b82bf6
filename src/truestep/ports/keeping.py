"""What a keeper's daemon needs of the world: the contracts of availability, and hands for its shelf."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from truestep.base.ids import Address, Bytes32
from truestep.ports.chain import Head, Transaction
from truestep.ports.executor import ShouldStop
from truestep.protocol.availability.contracts.items import Record
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.availability.facts import Event, KnownItem
from truestep.protocol.availability.ids import ItemId, KeeperId
from truestep.roles.keeper import Answer, KeeperCall, KeptFor, Place, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsRead:
    """The events of a range of blocks."""

    events: tuple[tuple[int, Event], ...]
    """With the number of their block, in the chain's order."""
    hashes: Mapping[int, Bytes32]
    """The hashes of blocks that were read along, always of the first and the last."""


class ItemEvents(Protocol):
    """What the contracts of availability have told. Methods raise `Unavailable`."""

    @property
    def first_block(self) -> int:
        """No event is older."""
        ...

    def block_hash(self, number: int) -> Bytes32 | None:
        """The hash of a block of the present chain; None beyond its head."""
        ...

    def read(self, first: int, last: int) -> EventsRead:
        """What these blocks tell."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Funds:
    """What an account has in its wallet, and what each contract owes it, in wei."""

    wallet_wei: int
    credits: Mapping[str, int]


class AvailabilityChain(Protocol):
    """The contracts of availability, for one account; by any thread. All raise `Unavailable`, `Rejected`."""

    @property
    def account(self) -> Address:
        """The account that sends."""
        ...

    @property
    def first_block(self) -> int:
        """No event is older."""
        ...

    def head(self) -> Head:
        """The newest block."""
        ...

    def block_hash(self, number: int) -> Bytes32 | None:
        """The hash of a block of the present chain; None beyond its head."""
        ...

    def read(self, first: int, last: int) -> EventsRead:
        """What these blocks tell."""
        ...

    def rules(self) -> Rules:
        """The parameters, which never change."""
        ...

    def funds(self) -> Funds:
        """What the account has, and is owed."""
        ...

    def refresh(self) -> tuple[Transaction, ...]:
        """Look after everything that is pending."""
        ...

    def transaction(self, intent: str) -> Transaction | None:
        """What became of an intent."""
        ...

    def alarms(self) -> tuple[str, ...]:
        """What went wrong with sends since the last call."""
        ...


class KeeperChain(AvailabilityChain, Protocol):
    """What a keeper needs besides."""

    def shares(self, keeper: KeeperId) -> int:
        """That a keeper has paid for."""
        ...

    def receipt(self, item_id: ItemId, record: Record, index: int, drawn_at: int) -> bytes:
        """The signature of a seat's receipt (A3.3)."""
        ...

    def submit(self, call: KeeperCall, *, intent: str) -> Transaction:
        """Journal, sign and send, at most once for each intent; returns at once."""
        ...


class Deletions(Protocol):
    """Where a keeper says what it has dropped. The method raises `Unavailable` if the medium fails."""

    def write(self, name: Bytes32, reason: KeptFor, cells: Sequence[int], deleted_at: int) -> str:
        """Sign that these cells of a seat's item are gone, durably. Returns where it stands.

        It replaces what was written about the same seat before, after a crash. `deleted_at` is in seconds,
        by the chain's time.
        """
        ...


class Hands(Protocol):
    """Fetches, checks, stores and computes. Methods raise `Unavailable` if they may succeed later."""

    def keep(self, place: Place, urls: Sequence[str], should_stop: ShouldStop) -> None:
        """Fetch an item from its registrant and these keepers, check all of it, store the seat's cells.

        Raises `Rejected` if the item is not what it says.
        """
        ...

    def answer(
        self, item: KnownItem, question: Question, asked: object, urls: Sequence[str], should_stop: ShouldStop
    ) -> Answer:
        """What answers a challenge or a demand, from the shelf or else from others."""
        ...

    def runs(self) -> Mapping[tuple[Bytes32, int], int]:
        """How many blobs of each run are there and sound, by the item's name and the run's first cell."""
        ...

    def forget(self, name: Bytes32, first_cell: int) -> None:
        """Drop a run of an item."""
        ...
