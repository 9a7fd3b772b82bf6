"""Calls, events and the record of Challenges (docs/availability.md A4.1 to A4.4), in seconds and wei."""

from dataclasses import dataclass

from truestep.base.ids import Address, Bytes32
from truestep.protocol.availability.contracts.items import Record
from truestep.protocol.availability.ids import ChallengeId, ItemId


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """An open challenge, of which the contract keeps the hash. Its id says what was asked of whom."""

    challenger: Address
    keeper: Address
    """Who gets the bond if it is answered."""
    hashes_root: Bytes32
    bond_wei: int
    until: int
    """The last second for an answer."""


# --- calls ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenChallenge:
    """Ask the keeper of a seat to open an element or to publish a blob, with a bond (A4.1)."""

    item_id: ItemId
    record: Record
    seat: int
    kind: int
    blob: int
    element: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerElement:
    """Open the element (A4.2)."""

    challenge_id: ChallengeId
    challenge: Challenge
    y: int
    commitment: bytes
    proof: bytes
    path: tuple[Bytes32, ...]
    """Of the blob's versioned hash to hashes_root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerBlob:
    """Publish the blob in this transaction (A4.3)."""

    challenge_ids: tuple[ChallengeId, ...]
    challenges: tuple[Challenge, ...]
    index: int
    """Of the blob in the transaction."""
    path: tuple[Bytes32, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """End a challenge that was not answered (A4.4)."""

    challenge_id: ChallengeId
    challenge: Challenge
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawTo:
    """Send all that Challenges owes the sender."""

    receiver: Address


# --- events ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenged:
    """A challenge was opened."""

    challenge_id: ChallengeId
    item_id: ItemId
    keeper: Address
    challenge: Challenge


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The element that was asked for is `y`."""

    challenge_id: ChallengeId
    item_id: ItemId
    y: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The blob that was asked for is in this transaction."""

    challenge_id: ChallengeId
    item_id: ItemId
    versioned_hash: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A challenge ended without an answer."""

    challenge_id: ChallengeId
    item_id: ItemId
    is_slashed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """An account took what Challenges owed it."""

    account: Address
    receiver: Address
    amount_wei: int


Call = OpenChallenge | AnswerElement | AnswerBlob | Settle | WithdrawTo
Event = Challenged | Opened | Published | Settled | Withdrawn
