"""Proofs of SP1: the key in its file, and what a proof of version 6 holds (docs/receipts.md R5)."""

import hashlib
from dataclasses import dataclass

from truestep.base.errors import Reject, Rejected
from truestep.proofs.bn254 import CURVE_B, G1, G2, TWIST_B, is_in_second_group, is_on_curve
from truestep.proofs.fields import F2, FIELD, add2, multiply2, power2, square2
from truestep.proofs.groth16 import PROOF_SIZE_BYTES, Key, holds, parse_proof, words_of

SELECTOR_SIZE_BYTES = 4
PROOF_BODY_SIZE_BYTES = 3 * 32 + PROOF_SIZE_BYTES
KEY_FILE_SIZE_BYTES = 492
INPUT_COUNT = 5
_DIGEST_MASK = (1 << 253) - 1
_FLAGS, _SMALL, _LARGE = 0xC0, 0x80, 0xC0
"""The two highest bits of a compressed point: which of the two values y is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """The verifying key as SP1 ships it. Its SHA-256 names the version."""

    key: Key
    beta_first: bytes
    """Compressed; of the prover, but in the file and so in its hash."""
    delta_first: bytes


def verifier_hash(content: bytes) -> bytes:
    """What names the version: its first four bytes are the selector."""
    return hashlib.sha256(content).digest()


def parse_key_file(content: bytes) -> KeyFile:
    """The key in a file of gnark's. Raises ValueError if it is none for five inputs."""
    if len(content) != KEY_FILE_SIZE_BYTES or content[288:292] != (INPUT_COUNT + 1).to_bytes(4, "big"):
        raise ValueError(f"expected a key of {INPUT_COUNT} inputs in {KEY_FILE_SIZE_BYTES} bytes")
    inputs = tuple(_first(content[at : at + 32]) for at in range(292, 484, 32))
    key = Key(
        alpha=_first(content[:32]),
        beta=_second(content[64:128]),
        gamma=_second(content[128:192]),
        delta=_second(content[224:288]),
        inputs=inputs,
    )
    return KeyFile(key=key, beta_first=content[32:64], delta_first=content[192:224])


def public_digest(public_values: bytes) -> int:
    """The input that stands for the public values: their SHA-256 without its three highest bits."""
    return int.from_bytes(hashlib.sha256(public_values).digest(), "big") & _DIGEST_MASK


def holds_sp1(key: Key, vk_root: bytes, proof: bytes, program_vkey: bytes, digest: int) -> bool:
    """Whether a proof, without its selector, is one of the program and the digest of its public values."""
    if len(proof) != PROOF_BODY_SIZE_BYTES:
        raise Rejected(
            Reject.PROOF_LENGTH,
            f"expected {PROOF_BODY_SIZE_BYTES} bytes behind the selector, got {len(proof)}; the file is cut"
            " or is not a proof of this version: take it from the prover again",
        )
    exit_code, root, nonce = words_of(proof[:96])
    if exit_code != 0:
        raise Rejected(
            Reject.PROOF_EXIT,
            f"the program ended with exit code {exit_code:#x}; only runs that ended with 0 prove a result",
        )
    if root != int.from_bytes(vk_root, "big"):
        raise Rejected(
            Reject.PROOF_ROOT,
            f"expected the root of verifying keys {vk_root.hex()}, got {root:064x}; the proof is of another"
            " build of the prover: prove again with a released version",
        )
    inputs = [int.from_bytes(program_vkey, "big"), digest, exit_code, root, nonce]
    return holds(key, parse_proof(proof[96:]), inputs)


def _first(content: bytes) -> G1:
    flags, x = content[0] & _FLAGS, int.from_bytes(content, "big") & ~(_FLAGS << 248)
    y = pow(x**3 + CURVE_B, (FIELD + 1) // 4, FIELD)
    point = (x, y if (2 * y > FIELD) == (flags == _LARGE) else FIELD - y)
    if flags not in {_SMALL, _LARGE} or not is_on_curve(point):
        raise ValueError(f"{content.hex()} is not a compressed point")
    return point


def _second(content: bytes) -> G2:
    flags = content[0] & _FLAGS
    imaginary = int.from_bytes(content[:32], "big") & ~(_FLAGS << 248)
    x = (int.from_bytes(content[32:], "big"), imaginary)
    y = _root2(add2(multiply2(square2(x), x), TWIST_B))
    if (2 * (y[1] or y[0]) > FIELD) != (flags == _LARGE):
        y = (-y[0] % FIELD, -y[1] % FIELD)
    if flags not in {_SMALL, _LARGE} or not is_in_second_group((x, y)):
        raise ValueError(f"{content.hex()} is not a compressed point")
    return x, y


def _root2(square: F2) -> F2:
    """A square root, if there is one; the caller looks whether it is one."""
    first = power2(square, (FIELD - 3) // 4)
    norm = multiply2(square2(first), square)
    candidate = multiply2(first, square)
    if norm == (FIELD - 1, 0):
        return -candidate[1] % FIELD, candidate[0]
    return multiply2(power2(add2((1, 0), norm), (FIELD - 1) // 2), candidate)
