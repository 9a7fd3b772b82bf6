"""Calls, events and records of Verifiers (docs/validity.md). Amounts in wei, times in seconds."""

from dataclasses import dataclass
from typing import NewType

from truestep.base.ids import Address, Bytes32, TaskId
from truestep.protocol.settlement.ids import LeafId
from truestep.protocol.settlement.records import BatchTerms, Leaf, LeafProof

EntryNumber = NewType("EntryNumber", int)
"""Of an entry, from 1."""
Selector = NewType("Selector", bytes)
"""The first four bytes of a seal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A verifier that is believed, and within which limits (V1.2)."""

    verifier: Address
    selector: Selector
    key_digest: Bytes32
    """Of the program that is proven: an image id, the digest of a key."""
    program_hash: Bytes32
    """Of the program whose claims it may prove; 0: of any."""
    system: str
    bits: int
    """Of security."""
    value_cap_wei: int
    """Of one claim."""
    least_bond_wei: int
    """Of one claim: losing one on purpose, to stop the entry, costs half of it (V6)."""
    gas_limit: int
    """Of one proof."""
    active_from: int
    active_until: int

    def takes(self, bond_wei: int, value_wei: int) -> bool:
        """Whether it may prove a claim with this bond and value, reward included (V2.4)."""
        return self.least_bond_wei <= bond_wei and value_wei <= self.value_cap_wei


# --- calls ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Add:
    """Believe another verifier (V2.2)."""

    entry: Entry
    number: EntryNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Believe a verifier no longer (V2.3)."""

    number: EntryNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradict:
    """Stop the entry by which a struck claim was proven (V4.4)."""

    claim_id: LeafId


@dataclass(frozen=True, slots=True, kw_only=True)
class Prove:
    """Prove a claim (V4.1)."""

    claim_id: LeafId
    terms: BatchTerms
    proof: LeafProof
    number: EntryNumber
    seal: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveMany:
    """Prove the claims of many shards of a job at once (V4.7)."""

    claim_id: LeafId
    """The first of them."""
    terms: BatchTerms
    proof: LeafProof
    others: tuple[Leaf, ...]
    """The leaves behind the first one."""
    number: EntryNumber
    seal: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Strike a leaf that nobody has proven in time (V4.6)."""

    claim_id: LeafId
    terms: BatchTerms
    proof: LeafProof


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawTo:
    """Send all that the caller is owed."""

    receiver: Address


# --- events ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """There is another entry."""

    number: EntryNumber
    entry: Entry
    code_hash: Bytes32
    """Of its verifier's code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """An entry is believed no longer."""

    number: EntryNumber
    caller: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """A claim is final for consumers."""

    claim_id: LeafId
    task_id: TaskId
    number: EntryNumber
    statement: Bytes32
    game_count: int
    """Games that were opened before, which the proof ends."""
    open_until: int
    """The last second in which a game may be opened on the batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradicted:
    """A claim that this entry has proven was struck."""

    claim_id: LeafId
    number: EntryNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A leaf that nobody has proven is out of its batch."""

    claim_id: LeafId
    task_id: TaskId
    penalty_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """What an account was owed was sent."""

    account: Address
    receiver: Address
    amount_wei: int


Call = Add | Stop | Contradict | Prove | ProveMany | Drop | WithdrawTo
Event = Added | Stopped | Proven | Contradicted | Dropped | Withdrawn
