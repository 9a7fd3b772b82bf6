"""Calls and events of Operators (docs/protocol.md S1.8, S9.1). Amounts in wei."""

from truestep.base.ids import Address, BatchId
from truestep.base.records import record


@record
class DepositFor:
    """Add the coins sent to an operator's stake (S9.1)."""

    operator: Address


@record
class WithdrawTo:
    """Send free stake of the sender to a receiver (S9.1)."""

    receiver: Address
    amount_wei: int


@record
class SetDelegate:
    """Give a delegate of the sender its roles (S1.8)."""

    delegate: Address
    roles: int


@record
class Seize:
    """Send locked stake to the sender, a module (S4.7)."""

    operator: Address
    batch_id: BatchId
    amount_wei: int


@record
class SetPhase:
    """Move the phase forward, by the owner (operators O4.2)."""

    phase: int


@record
class Admit:
    """Put an operator on the allow-list, or take it off, by the owner (operators O4.3)."""

    operator: Address
    is_admitted: bool


@record
class Publish:
    """Publish the sender's record (operators O5)."""

    record: bytes


@record
class Deposited:
    """Coins were added to a stake."""

    operator: Address
    sender: Address
    amount_wei: int


@record
class Withdrawn:
    """An operator took coins out of its stake."""

    operator: Address
    receiver: Address
    amount_wei: int


@record
class Delegated:
    """A delegate has these roles now."""

    operator: Address
    delegate: Address
    roles: int


@record
class Locked:
    """Stake was locked for a batch."""

    operator: Address
    batch_id: BatchId
    amount_wei: int


@record
class Unlocked:
    """Locked stake is free again."""

    operator: Address
    batch_id: BatchId
    amount_wei: int


@record
class Burned:
    """Locked stake was destroyed."""

    operator: Address
    batch_id: BatchId
    amount_wei: int


@record
class Seized:
    """Locked stake was sent to a module."""

    operator: Address
    batch_id: BatchId
    receiver: Address
    amount_wei: int


@record
class Noted:
    """A fact was noted that came with no bond."""

    operator: Address
    fact: int


@record
class PhaseSet:
    """The phase has moved forward."""

    phase: int


@record
class Admitted:
    """An operator is on the allow-list, or no longer."""

    operator: Address
    is_admitted: bool


@record
class Published:
    """An operator has published its record."""

    operator: Address
    record: bytes


Call = DepositFor | WithdrawTo | SetDelegate | Seize | SetPhase | Admit | Publish
StandingEvent = Noted | PhaseSet | Admitted | Published
"""Events from which nodes learn nothing: they ask the contract."""
Event = Deposited | Withdrawn | Delegated | Locked | Unlocked | Burned | Seized
