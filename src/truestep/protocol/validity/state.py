"""What Verifiers keeps, and whom it asks (docs/validity.md)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from truestep.base.ids import Address, BatchId, Bytes32, TaskId
from truestep.protocol.settlement.ids import LeafId
from truestep.protocol.validity.contracts.verifiers import Entry, EntryNumber, Selector


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEntry:
    """An entry, the hash of its verifier's code when it was added, and when it was stopped, or 0."""

    entry: Entry
    code_hash: Bytes32
    stopped_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimProof:
    """By which entry a claim was proven, and how many games had been opened on it before."""

    number: EntryNumber
    game_count: int
    task_id: TaskId
    """Of the claim, which the contract does not keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifiers:
    """All that Verifiers keeps."""

    entries: tuple[KeptEntry, ...] = ()
    last_stopped_at: int = 0
    proofs: Mapping[LeafId, ClaimProof] = field(default_factory=dict[LeafId, ClaimProof])
    proven: Mapping[BatchId, int] = field(default_factory=dict[BatchId, int])
    """The leaves that are proven, a bit each."""
    reopened_until: Mapping[BatchId, int] = field(default_factory=dict[BatchId, int])
    """The last second in which a game may be opened on a batch with a proof (V4.2)."""
    credits: Mapping[Address, int] = field(default_factory=dict[Address, int])
    burned_wei: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where Verifiers is, and whom it asks."""

    verifiers: Address
    deployer: Address
    """Who may add entries until Jobs is connected."""
    is_connected: Callable[[], bool]
    selector: Callable[[Address], Selector | None]
    """A verifier's own; None if there is no contract."""
    code_hash: Callable[[Address], Bytes32]
    verify: Callable[[Address, Bytes32, Bytes32, bytes], bool]
    """What a verifier says of a key digest, a statement and a seal. No answer is a no."""
    game_count: Callable[[LeafId], int]
    """Games that were ever opened on a claim, as Disputes says."""
