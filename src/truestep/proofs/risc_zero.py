"""Receipts of RISC Zero: digests of claims, names of versions, proofs of both kinds (docs/receipts.md R3)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from truestep.base.errors import Reject, Rejected
from truestep.commitments.keccak import keccak256
from truestep.proofs.groth16 import Key, first_words, holds, parse_proof, second_words

SELECTOR_SIZE_BYTES = 4
PATH_LIMIT = 32
"""Of a claim in a set: sets of more than 2^32 claims do not exist."""
_DIGEST = 32
_HALF = 16
_SEAL_SIZE_BYTES = 260
_LEAF_TAG = b"LEAF_TAG"
_FINAL_SIZE = 1 << 255
"""What the set builder writes as the size of a finished set."""


def tagged(tag: str, down: Sequence[bytes], data: bytes = b"") -> bytes:
    """The digest of a structure: its tag, the digests that it holds, its other fields."""
    head = hashlib.sha256(tag.encode()).digest()
    return hashlib.sha256(head + b"".join(down) + data + len(down).to_bytes(2, "little")).digest()


def system_state(pc: int, memory_root: bytes) -> bytes:
    """The digest of a state of the machine; an image id is that of the state before the first cycle."""
    return tagged("risc0.SystemState", [memory_root], pc.to_bytes(4, "little"))


HALTED_STATE = system_state(0, bytes(_DIGEST))
"""After the end of every run."""


def claim_digest(image_id: bytes, journal_digest: bytes) -> bytes:
    """What a seal proves: the image halted with code 0, without assumptions, and wrote this journal."""
    output = tagged("risc0.Output", [journal_digest, bytes(_DIGEST)])
    halted_with_code_0 = bytes(8)
    return tagged("risc0.ReceiptClaim", [bytes(_DIGEST), image_id, HALTED_STATE, output], halted_with_code_0)


def key_digest(key: Key) -> bytes:
    """The digest of a verifying key, as the selector is made of it."""
    chain = bytes(_DIGEST)
    for point in reversed(key.inputs):
        chain = tagged("risc0_groth16.VerifyingKey.IC", [_packed(first_words(point)), chain])
    points = [first_words(key.alpha), *map(second_words, (key.beta, key.gamma, key.delta))]
    return tagged("risc0_groth16.VerifyingKey", [*map(_packed, points), chain])


def groth16_parameters(key: Key, control_root: bytes, control_id: bytes) -> bytes:
    """The digest that names a version; its first four bytes are the selector."""
    down = [control_root, control_id[::-1], key_digest(key)]
    return tagged("risc0.Groth16ReceiptVerifierParameters", down)


def set_parameters(builder_id: bytes) -> bytes:
    """Likewise of set inclusion: only the image id of the set builder is in it."""
    return tagged("risc0.SetInclusionReceiptVerifierParameters", [builder_id])


def holds_groth16(key: Key, control_root: bytes, control_id: bytes, seal: bytes, claim: bytes) -> bool:
    """Whether a seal, without its selector, proves the digest of a claim."""
    inputs = [*_halves(control_root), *_halves(claim), int.from_bytes(control_id, "big")]
    return holds(key, parse_proof(seal), inputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSeal:
    """Where a claim is in a set, and the seal of the set's root; empty for a root that a chain knows."""

    path: tuple[bytes, ...]
    root_seal: bytes


def parse_set_seal(content: bytes) -> SetSeal:
    """The seal in the bytes behind the selector. Raises Rejected unless they are just its encoding."""
    words = [content[at : at + _DIGEST] for at in range(0, len(content), _DIGEST)]
    if not content:
        return SetSeal(path=(), root_seal=b"")
    count = int.from_bytes(words[3], "big") if len(words) > 3 else PATH_LIMIT + 1
    if count <= PATH_LIMIT and len(words) > 4 + count:
        path, size = tuple(words[4 : 4 + count]), int.from_bytes(words[4 + count], "big")
        seal = SetSeal(path=path, root_seal=b"".join(words[5 + count :])[:size])
        if size in {0, _SEAL_SIZE_BYTES} and encode_set_seal(seal) == content:
            return seal
    raise Rejected(
        Reject.PROOF_ENCODING,
        f"expected the ABI encoding of a path of at most {PATH_LIMIT} hashes and of a seal of"
        f" {_SEAL_SIZE_BYTES} bytes or none, got {len(content)} other bytes; take the proof from the"
        " prover again",
    )


def encode_set_seal(seal: SetSeal) -> bytes:
    """The inverse of `parse_set_seal`."""
    offset = (3 + len(seal.path)) * _DIGEST
    padding = bytes(-len(seal.root_seal) % _DIGEST)
    head = [_word(_DIGEST), _word(2 * _DIGEST), _word(offset), _word(len(seal.path))]
    return b"".join([*head, *seal.path, _word(len(seal.root_seal)), seal.root_seal, padding])


def set_root(claim: bytes, path: Sequence[bytes]) -> bytes:
    """The root of the set that has the claim at the end of this path."""
    node = keccak256(_LEAF_TAG + claim)
    for sibling in path:
        node = keccak256(min(node, sibling) + max(node, sibling))
    return node


def set_journal(builder_id: bytes, root: bytes) -> bytes:
    """What the set builder writes when it has finished a set."""
    return builder_id + _word(_FINAL_SIZE) + root


def _halves(digest: bytes) -> tuple[int, int]:
    """A digest as two inputs: each half read from its last byte to its first."""
    return int.from_bytes(digest[:_HALF], "little"), int.from_bytes(digest[_HALF:], "little")


def _packed(words: Sequence[int]) -> bytes:
    return hashlib.sha256(b"".join(map(_word, words))).digest()


def _word(number: int) -> bytes:
    return number.to_bytes(_DIGEST, "big")
