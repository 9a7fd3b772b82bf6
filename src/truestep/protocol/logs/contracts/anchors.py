"""Calls, events and records of Anchors (docs/logs.md L4 to L6). Amounts in wei, times in seconds."""

from dataclasses import dataclass
from typing import NewType

from truestep.base.ids import Address, Bytes32
from truestep.commitments.bls import PublicKey, Signature

LogNumber = NewType("LogNumber", int)
"""Of a log, from 1."""
AnchorNumber = NewType("AnchorNumber", int)
"""Of an anchor, from 1."""
GROUP_SIZE = 256
"""Logs whose bits are one word."""
GROUP_DEPTH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A root of rows, and whose logs are attested by it."""

    group: int
    epoch: int
    root: Bytes32
    bitmap: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorPath:
    """The place of a log's row in an anchor."""

    number: AnchorNumber
    anchor: Anchor
    path: tuple[Bytes32, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverableSignature:
    """A signature of secp256k1 as `ecrecover` takes it."""

    v: int
    r: int
    s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """That a log had this root at this size, and what shows that it has said so."""

    size: int
    root: Bytes32
    shown_by: RecoverableSignature | AnchorPath


# --- calls ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """Register the caller's log, and lock its bond (L4.1)."""

    key: PublicKey
    possession: Signature
    note_key: Bytes32
    signer: Address
    origin: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveTo:
    """Say where the log is served now (L4.4)."""

    number: LogNumber
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retire:
    """End the log (L4.5)."""

    number: LogNumber
    key: PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Free the bond of a retired log (L4.5)."""

    number: LogNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class Attest:
    """Anchor the root of the rows of a group's logs (L5.2)."""

    group: int
    epoch: int
    root: Bytes32
    lists_absent: bool
    places: tuple[int, ...]
    keys: tuple[PublicKey, ...]
    signature: Signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Show that a log has contradicted itself (L6.1)."""

    number: LogNumber
    key: PublicKey
    first: Statement
    second: Statement
    path: tuple[Bytes32, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawTo:
    """Send all that the caller is owed."""

    receiver: Address


# --- events ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """There is another log."""

    number: LogNumber
    operator: Address
    signer: Address
    note_key: Bytes32
    key: PublicKey
    origin: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A log is served somewhere else."""

    number: LogNumber
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """A log has ended."""

    number: LogNumber
    leaves_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """The bond of a retired log is free."""

    number: LogNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchored:
    """A root of rows was anchored."""

    number: AnchorNumber
    group: int
    epoch: int
    root: Bytes32
    bitmap: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivocated:
    """A log has contradicted itself, and lost its bond."""

    number: LogNumber
    operator: Address
    reporter: Address
    reward_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """What an account was owed was sent."""

    account: Address
    receiver: Address
    amount_wei: int


Call = Register | MoveTo | Retire | Release | Attest | Report | WithdrawTo
Event = Registered | Moved | Retired | Released | Anchored | Equivocated | Withdrawn
