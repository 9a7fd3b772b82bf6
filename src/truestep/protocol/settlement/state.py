"""The state of the life cycle, and the turn in which a call changes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from truestep.base.ids import Address, BatchId, Bytes32, JobId, TaskId
from truestep.base.records import changed, record
from truestep.protocol.settlement.assurances import POLICIES, Held, Policy
from truestep.protocol.settlement.effects import Effect, Transfer
from truestep.protocol.settlement.ids import NATIVE, NOBODY
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.parameters import Parameters
from truestep.protocol.settlement.records import Batch, Job, Leaf, Program, Stake
from truestep.protocol.settlement.standing import EVERYBODY, Admission, Phase
from truestep.protocol.versions import Versions

Key = TypeVar("Key")
Value = TypeVar("Value")


@record
class Deployment:
    """Which contracts speak to each other, on which chain."""

    chain_id: int
    operators: Address
    jobs: Address
    disputes: Address
    assurances: Address
    owner: Address
    """The timelock."""
    guardian: Address
    guardian_until: int
    """From then on the guardian has no powers (S2.4)."""
    sortition: Address = NOBODY
    """A module of Operators, as Jobs, Disputes and Assurances are (docs/assignment.md)."""
    policies: Mapping[int, Policy] = field(default_factory=lambda: POLICIES)
    admission: Admission = EVERYBODY
    """What Operators asks. Unless it is known, the contract alone asks it."""


@record
class LifeCycle:
    """All that Parameters, Programs, Operators and Jobs keep."""

    deployment: Deployment
    stopped_at: int = 0
    """When the latest stop began."""
    stopped_until: int = 0
    """Its last second. No batch ends before it is over (S2.4)."""
    parameters: tuple[Parameters, ...] = ()
    programs: tuple[Program, ...] = ()
    stakes: Mapping[Address, Stake] = field(default_factory=dict[Address, Stake])
    phase: Phase = Phase.OPEN
    roles: Mapping[tuple[Address, Address], int] = field(default_factory=dict[tuple[Address, Address], int])
    """Of (operator, delegate)."""
    operator_records: Mapping[Address, Bytes32] = field(default_factory=dict[Address, Bytes32])
    """The hash of what each operator has published last (operators O5)."""
    job_count: int = 0
    jobs: Mapping[JobId, Job] = field(default_factory=dict[JobId, Job])
    batch_count: int = 0
    batches: Mapping[BatchId, Batch] = field(default_factory=dict[BatchId, Batch])
    outcomes: Mapping[TaskId, Leaf] = field(default_factory=dict[TaskId, Leaf])
    """Final leaves that were written out (S4.8)."""
    credits: Mapping[tuple[Address, Address], int] = field(default_factory=dict[tuple[Address, Address], int])
    """What Jobs owes, by (asset, account)."""
    burned_wei: int = 0
    """What Operators has burned."""


@dataclass(slots=True, kw_only=True)
class Turn:
    """One call while it is applied: state and effects so far. Dropped if the call is refused."""

    state: LifeCycle
    message: Message
    held: Held
    effects: list[Effect] = field(default_factory=list[Effect])

    def change(self, **fields: Any) -> None:
        """Replace fields of the state."""
        self.state = changed(self.state, **fields)

    def emit(self, effect: Effect) -> None:
        """Add an effect."""
        self.effects.append(effect)

    def transfer(self, asset: Address, sender: Address, receiver: Address, amount: int) -> None:
        """Move an asset; nothing is no move."""
        if amount:
            self.emit(Transfer(asset=asset, sender=sender, receiver=receiver, amount=amount))

    def receive_coins(self, receiver: Address) -> None:
        """Take the native coins that came with the message."""
        self.transfer(NATIVE, self.message.sender, receiver, self.message.value_wei)


def with_entry(mapping: Mapping[Key, Value], key: Key, value: Value) -> Mapping[Key, Value]:
    """The mapping with one entry set."""
    if isinstance(mapping, Versions):
        return mapping.with_entry(key, value)
    return {**mapping, key: value}


def without_entry(mapping: Mapping[Key, Value], key: Key) -> Mapping[Key, Value]:
    """The mapping without an entry."""
    if isinstance(mapping, Versions):
        return mapping.without_entry(key)
    return {other: value for other, value in mapping.items() if other != key}
