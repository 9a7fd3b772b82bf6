"""Calls of Verifiers as nodes and clients make them (docs/validity.md)."""

from dataclasses import dataclass

from truestep.base.ids import Address, ClaimId
from truestep.protocol.settlement.ids import NOBODY
from truestep.protocol.validity.contracts.verifiers import EntryNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveClaim:
    """Prove a claim, by an entry of Verifiers (docs/validity.md V4.1)."""

    claim_id: ClaimId
    entry: EntryNumber
    seal: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveClaims:
    """Prove the claims of shards that follow one another in a batch, by one proof (V4.7)."""

    claim_id: ClaimId
    """The first of them."""
    count: int
    entry: EntryNumber
    seal: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DropClaim:
    """Strike a claim that nobody has proven in time (V4.6)."""

    claim_id: ClaimId


@dataclass(frozen=True, slots=True, kw_only=True)
class ContradictClaim:
    """Stop the entry by which a claim was proven that has been struck (V4.4)."""

    claim_id: ClaimId


@dataclass(frozen=True, slots=True, kw_only=True)
class StopEntry:
    """Believe a verifier no longer, as the guardian (V2.3)."""

    entry: EntryNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawProving:
    """Take what Verifiers owes the sender: parts of bonds of claims that nobody has proven."""

    receiver: Address = NOBODY
