"""What a member hands over, in JSON (docs/quorum.md Q11), and its signature."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError as BadValue
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from web3 import Account

from truestep.adapters.chain.record_codec import checksummed
from truestep.adapters.chain.sender import Signer
from truestep.base.errors import Unavailable
from truestep.base.ids import Address, BatchId, Bytes32
from truestep.protocol.quorum.commitments import signing_hash
from truestep.protocol.quorum.words import Word

VERSION = 1
WORD_LIMIT_BYTES = 1_024
"""An answer has 300."""
RECOVERY_IDS = (27, 28)
"""All that the chain's `ecrecover` takes: one other would have the commitments of all members refused."""
_COMMITMENT_BYTES = 16


_Commitment = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
_Signature = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{130}$")]
_Salt = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class HandedOver(BaseModel):
    """Of one member and one batch."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    version: Literal[1] = VERSION
    commitment: _Commitment
    signature: _Signature
    salt: _Salt | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Court:
    """Where members sit: one contract on one chain. A word is of no use at another one."""

    chain_id: int
    quorums: Address

    def path(self, batch_id: BatchId, member: Address) -> str:
        """Where a member's word lies, below its endpoint."""
        return f"quorum/v{VERSION}/{self.chain_id}/{self.quorums.lower()}/{batch_id}/{member.lower()}"

    def hashed(self, batch_id: BatchId, tasks_root: Bytes32, member: Address, commitment: int) -> Bytes32:
        """What is signed (Q4.2)."""
        return signing_hash(self.chain_id, self.quorums, batch_id, tasks_root, member, commitment)


class AccountPen:
    """Satisfies `truestep.ports.members.Pen`, for an account of eth_account."""

    def __init__(self, signer: Signer, court: Court) -> None:
        self._signer = cast(Any, signer)
        self._court = court

    def sign(self, batch_id: BatchId, tasks_root: Bytes32, member: Address, commitment: int) -> Word:
        """See `Pen`."""
        hashed = self._court.hashed(batch_id, tasks_root, member, commitment)
        signature = bytes(self._signer.unsafe_sign_hash(hashed).signature)
        return Word(commitment=commitment, signature=signature, signer=Address(self._signer.address))


def word_bytes(word: Word) -> bytes:
    """As it is served."""
    said = HandedOver(
        commitment=word.commitment.to_bytes(_COMMITMENT_BYTES, "big").hex(),
        signature=word.signature.hex(),
        salt=word.salt.hex() if word.salt is not None else None,
    )
    return said.model_dump_json().encode()


def parse_word(content: bytes, court: Court, batch_id: BatchId, tasks_root: Bytes32, member: Address) -> Word:
    """What a member has sent, with the account that has signed it. Raises `Unavailable` if it is none."""
    try:
        said = HandedOver.model_validate_json(content)
    except (ValidationError, RecursionError) as error:
        raise Unavailable(f"{member} hands over what is no word of a member") from error
    commitment = int(said.commitment, 16)
    if commitment == 0:
        raise Unavailable(f"{member} hands over no commitment")
    signature = bytes.fromhex(said.signature)
    hashed = court.hashed(batch_id, tasks_root, member, commitment)
    try:
        if signature[-1] not in RECOVERY_IDS:
            raise ValueError(f"recovery id {signature[-1]}")
        signer = cast(str, cast(Any, Account)._recover_hash(hashed, signature=signature))
    except (BadSignature, BadValue, ValueError) as error:
        raise Unavailable(f"{member} hands over a signature that is none") from error
    salt = Bytes32(bytes.fromhex(said.salt)) if said.salt is not None else None
    return Word(commitment=commitment, signature=signature, signer=checksummed(signer), salt=salt)
