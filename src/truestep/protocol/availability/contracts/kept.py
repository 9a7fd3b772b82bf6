"""Calls, events and records of Kept (docs/availability.md A5). Amounts in wei, times in seconds."""

from dataclasses import dataclass

from truestep.availability.parts import Part
from truestep.base.ids import Address, BatchId, Bytes32, JobId, TaskId
from truestep.protocol.availability.contracts.items import Record
from truestep.protocol.availability.ids import ChallengeId, DemandId, ItemId
from truestep.protocol.settlement.ids import LeafId, PackedItem
from truestep.protocol.settlement.records import BatchTerms, JobTerms, Leaf, LeafProof, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """An item by its number and all that it is, and one of its parts."""

    item_id: ItemId
    record: Record
    part: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchHold:
    """Who holds a batch, of which the contract keeps the hash."""

    holder: Address
    bond_wei: int


# --- calls ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """Name the kept items that hold a job's program and input (A5.1)."""

    job_id: JobId
    work: Work
    terms: JobTerms
    program: Named
    input: Named
    program_parts: tuple[Part, ...]
    input_parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver:
    """Name the item that holds the outputs of a batch (A5.2)."""

    batch_id: BatchId
    terms: BatchTerms
    claimed: tuple[Leaf, ...]
    """What the batch has claimed."""
    outputs: Named
    parts: tuple[Part, ...]
    places: bytes
    """A byte for each leaf: the part that holds its output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Let games be opened on a batch for longer, with a bond (A5.4)."""

    batch_id: BatchId
    terms: BatchTerms
    item: PackedItem
    item_index: int
    item_path: tuple[Bytes32, ...]
    challenge_id: ChallengeId


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldForDemand:
    """Let a batch wait while a demand is open, with a bond (A5.4)."""

    batch_id: BatchId
    terms: BatchTerms
    item: PackedItem
    item_index: int
    item_path: tuple[Bytes32, ...]
    demand_id: DemandId


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleHold:
    """End a hold (A5.4)."""

    batch_id: BatchId
    ordinal: int
    hold: BatchHold


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail:
    """Strike a leaf whose batch cannot be due, because data is not there (A5.5)."""

    claim_id: LeafId
    terms: BatchTerms
    proof: LeafProof


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawTo:
    """Send all that the sender is owed."""

    receiver: Address


# --- events ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplied:
    """A job's program and input are kept."""

    job_id: JobId
    program_item: ItemId
    input_item: ItemId


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The item of a batch's outputs; 0 if it has none."""

    batch_id: BatchId
    item_id: ItemId
    check_until: int
    """The last second for checking blobs of a transaction, else 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Games may be opened on a batch until then."""

    batch_id: BatchId
    ordinal: int
    until: int
    challenge_id: ChallengeId
    hold: BatchHold


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldSettled:
    """The bond of a hold is with its holder again, or burned."""

    batch_id: BatchId
    ordinal: int
    is_returned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Doomed:
    """A leaf falls, because data is gone, once its games are over."""

    claim_id: LeafId


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A leaf is struck, because data was not there."""

    claim_id: LeafId
    task_id: TaskId
    caller: Address
    penalty_wei: int
    """Of its bond; 0 if the operator is not at fault."""
    requester_wei: int
    caller_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """An account took what it was owed."""

    account: Address
    receiver: Address
    amount_wei: int


Call = Supply | Deliver | Hold | HoldForDemand | SettleHold | Fail | WithdrawTo
Event = Supplied | Delivered | Held | HoldSettled | Doomed | Failed | Withdrawn
