"""A proof of another system, with what it is about, and whether it holds (docs/receipts.md)."""

import hashlib
from dataclasses import dataclass

from truestep.base.errors import Reject, Rejected
from truestep.proofs import risc_zero, sp1
from truestep.proofs.fields import ORDER
from truestep.proofs.versions import (
    SELECTOR_SIZE_BYTES,
    Kind,
    System,
    Version,
    live_version,
    require_published,
    risc_zero_key,
    sp1_key,
)

IMAGE_SIZE_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignReceipt:
    """A proof that a program of another system wrote these bytes."""

    system: System
    image: bytes
    """Which program: the image id of RISC Zero, the verifying key's hash of SP1."""
    journal: bytes
    """What it wrote; SP1 calls it public values."""
    proof: bytes
    """With its selector in front."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found."""

    version: Version
    holds: bool
    root: bytes = b""
    """Of a claim in a set: the set's root."""


def check_receipt(receipt: ForeignReceipt) -> Verdict:
    """Check a proof. Raises Rejected for what is no proof of a live version: that is not "does not hold"."""
    if len(receipt.image) != IMAGE_SIZE_BYTES:
        raise Rejected(
            Reject.PROOF_LENGTH,
            f"expected an image id or verifying key of {IMAGE_SIZE_BYTES} bytes, got {len(receipt.image)}",
        )
    selector, body = receipt.proof[:SELECTOR_SIZE_BYTES], receipt.proof[SELECTOR_SIZE_BYTES:]
    version = live_version(selector)
    if version.system is not receipt.system:
        raise Rejected(
            Reject.PROOF_SELECTOR,
            f"the file is laid out as one of {receipt.system.value}, but its proof is of {version.name};"
            " take both from the same prover",
        )
    require_published(version)
    if version.system is System.SP1:
        return Verdict(version=version, holds=_holds_sp1(version, receipt, body))
    claim = risc_zero.claim_digest(receipt.image, hashlib.sha256(receipt.journal).digest())
    if version.kind is Kind.SET:
        return _check_in_set(version, body, claim)
    return Verdict(version=version, holds=_holds_groth16(version, body, claim))


def _holds_groth16(version: Version, body: bytes, claim: bytes) -> bool:
    key, control_id = risc_zero_key()
    return risc_zero.holds_groth16(key, version.control_root, control_id, body, claim)


def _check_in_set(version: Version, body: bytes, claim: bytes) -> Verdict:
    seal = risc_zero.parse_set_seal(body)
    root = risc_zero.set_root(claim, seal.path)
    if not seal.root_seal:
        raise Rejected(
            Reject.ROOT_UNPROVEN,
            f"the file says that its claim is in the set with root {root.hex()}, but holds no proof of that"
            " root; only a chain where it was proven can tell: take a receipt with the seal of the root",
        )
    prover = live_version(seal.root_seal[:SELECTOR_SIZE_BYTES])
    if prover.selector != version.root_selector:
        raise Rejected(
            Reject.PROOF_SELECTOR,
            f"expected the root proven by 0x{version.root_selector.hex()}, got {prover.name}; take the"
            " receipt from the prover again",
        )
    require_published(prover)
    journal = risc_zero.set_journal(version.builder_id, root)
    built = risc_zero.claim_digest(version.builder_id, hashlib.sha256(journal).digest())
    holds = _holds_groth16(prover, seal.root_seal[SELECTOR_SIZE_BYTES:], built)
    return Verdict(version=version, holds=holds, root=root)


def _holds_sp1(version: Version, receipt: ForeignReceipt, body: bytes) -> bool:
    if int.from_bytes(receipt.image, "big") >= ORDER:
        raise Rejected(
            Reject.PROOF_SCALAR,
            f"verifying key {receipt.image.hex()} is not below the order of the curve; take it from the"
            " prover again",
        )
    digest = sp1.public_digest(receipt.journal)
    return sp1.holds_sp1(sp1_key().key, version.vk_root, body, receipt.image, digest)
