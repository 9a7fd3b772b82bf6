"""What a member of a committee hands over, so that another node sends it for all (docs/quorum.md Q11)."""

from dataclasses import dataclass

from truestep.base.ids import Address, Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """Of one member and one batch."""

    commitment: int
    signature: bytes
    """By EIP-712, as `commit_many` takes it (Q4.2)."""
    signer: Address
    """Whom the signature was found to be of: the member, or a delegate of it."""
    salt: Bytes32 | None = None
    """What the commitment was made with, once the member has found what is claimed (Q4.3)."""
