"""The keys of a log. All follow from the account's key, so there is no further secret to keep (L7.2)."""

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from truestep.base.errors import Bug
from truestep.base.ids import Address, Bytes32
from truestep.commitments import bls
from truestep.commitments.keccak import keccak256
from truestep.protocol.logs.contracts.anchors import RecoverableSignature
from truestep.protocol.logs.notes import Checkpoint, Note, Signature, VerifierKey, parse_note, signed
from truestep.protocol.logs.statements import (
    checkpoint_digest,
    proposal_digest,
    signature_in,
    signature_line,
)

PURPOSE = keccak256(b"truestep: the keys of this account's log, version 1")
"""What the account signs for them. It is no digest of a transaction, nor of typed data."""
_NOTE_SEED_BYTES, _BLS_SEED_BYTES = 32, 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchoring:
    """The deployment in which a log is registered, which its second signature names (L6.2)."""

    chain_id: int
    anchors: Address


class LogKeys:
    """Signs checkpoints and epochs for an account of eth_account. The same account has the same keys."""

    def __init__(self, account: Any) -> None:
        self._account = account
        self.signer = Address(account.address)
        signature = bytes(account.unsafe_sign_hash(PURPOSE).signature)
        if signature != bytes(account.unsafe_sign_hash(PURPOSE).signature):
            raise Bug("the account signs the same text in two ways (RFC 6979 has one): no keys can follow")
        self._root = signature
        self._note_seed = self._derived(b"note", _NOTE_SEED_BYTES)

    def _derived(self, what: bytes, size_bytes: int) -> bytes:
        info = b"truestep log " + what
        return HKDF(algorithm=SHA256(), length=size_bytes, salt=None, info=info).derive(self._root)

    @cached_property
    def note_key(self) -> Bytes32:
        """The Ed25519 key of checkpoints."""
        key = Ed25519PrivateKey.from_private_bytes(self._note_seed)
        return Bytes32(key.public_key().public_bytes_raw())

    @cached_property
    def _bls_secret(self) -> int:
        return bls.secret_key(self._derived(b"epoch", _BLS_SEED_BYTES))

    @cached_property
    def bls_key(self) -> bls.PublicKey:
        """The key of epochs."""
        return bls.public_key(self._bls_secret)

    def verifier_key(self, origin: str) -> VerifierKey:
        """What readers verify checkpoints of this name with."""
        return VerifierKey(name=origin, public_key=self.note_key)

    def sign_epoch(self, message: Bytes32) -> bls.Signature:
        """This log's part of an epoch's signature (L5.2)."""
        return bls.sign(self._bls_secret, message)

    def sign_proposal(self, anchoring: Anchoring, group: int, epoch: int, root: Bytes32) -> bytes:
        """Shows to the other logs who proposes these rows (L5.6): r, s, v."""
        digest = proposal_digest(anchoring.chain_id, anchoring.anchors, group, epoch, root)
        return bytes(self._account.unsafe_sign_hash(digest).signature)

    def possession(self, message: Bytes32) -> bls.Signature:
        """Shows that the account has the BLS key (L4.3)."""
        return bls.sign(self._bls_secret, message, bls.POSSESSES)

    def signed_checkpoint(self, checkpoint: Checkpoint, anchoring: Anchoring | None) -> Note:
        """The checkpoint as a note, with the second signature if the log is registered."""
        own = signed(checkpoint.text, checkpoint.origin, self._note_seed)
        more = () if anchoring is None else (self._second(checkpoint, anchoring),)
        return Note(text=checkpoint.text, signatures=(own, *more))

    def _second(self, checkpoint: Checkpoint, anchoring: Anchoring) -> Signature:
        digest = checkpoint_digest(anchoring.chain_id, anchoring.anchors, checkpoint)
        signature = bytes(self._account.unsafe_sign_hash(digest).signature)
        return signature_line(checkpoint.origin, self.signer, signature)


def is_signed_for_chain(note: bytes, checkpoint: Checkpoint, signer: Address, anchoring: Anchoring) -> bool:
    """Whether a note has the signature that the chain can check."""
    found = signature_in(parse_note(note), checkpoint.origin, signer)
    if found is None:
        return False
    return is_signed_by(signer, checkpoint_digest(anchoring.chain_id, anchoring.anchors, checkpoint), found)


def is_signed_by(signer: Address, digest: Bytes32, signature: RecoverableSignature) -> bool:
    """Whether an account has signed a digest."""
    from eth_account import Account
    from eth_keys.exceptions import BadSignature
    from eth_utils.exceptions import ValidationError

    recovered, vrs = "", (signature.v, signature.r, signature.s)
    with suppress(BadSignature, ValidationError, ValueError):  # of numbers that are no signature
        recovered = cast(str, cast(Any, Account)._recover_hash(digest, vrs=vrs))
    return recovered.lower() == signer.lower()
