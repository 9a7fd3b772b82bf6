"""Blob transactions (EIP-4844) on the embedded chain, checked as nodes check them since Osaka (EIP-7594).

eth-tester takes them too, but in the form of Cancun, and loads KZG's trusted setup (seconds) for each.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from truestep.adapters.chain.sidecars import BLOB_TRANSACTION_TYPE, CELL_PROOFS_VERSION
from truestep.adapters.trusted_setup import open_kzg
from truestep.base.errors import Rejected
from truestep.commitments.kzg import CELLS_PER_BLOB, CellCheck, versioned_hash

_HASHES = 10
"""The place of the versioned hashes in the transaction (EIP-4844)."""


def take_blobs(tester: Any) -> None:
    """Make an `EthereumTester` take what `truestep.adapters.chain.sidecars.with_blobs` gives."""
    backend, plain = tester.backend, tester.backend.send_raw_transaction

    def send(raw: bytes) -> bytes:
        if raw[:1] != BLOB_TRANSACTION_TYPE:
            return plain(raw)
        bare = without_blobs(raw)
        transaction = backend.chain.get_vm().get_transaction_builder().decode(bare)
        backend.chain.apply_transaction(transaction)
        return transaction.hash

    backend.send_raw_transaction = send


def with_hashes(hashes: Sequence[bytes], price_wei: int) -> dict[str, Any]:
    """What makes a transaction one with these blobs when it is only tried; nothing without hashes.

    `price_wei` is that of blob gas now.
    """
    if not hashes:
        return {}
    return {
        "type_id": BLOB_TRANSACTION_TYPE[0],
        "blob_versioned_hashes": tuple(hashes),
        "max_fee_per_blob_gas": price_wei,
    }


def without_blobs(raw: bytes) -> bytes:
    """The transaction itself, once what stands beside it is right. Raises eth-utils' ValidationError."""
    rlp: Any = import_module("rlp")
    refusal: Any = import_module("eth_utils.exceptions").ValidationError
    try:
        transaction, version, blobs, commitments, proofs = rlp.decode(raw[1:])
        named = list(transaction[_HASHES])
    except (ValueError, TypeError, IndexError, rlp.exceptions.DecodingError) as error:
        raise refusal(
            "expected a signed blob transaction with version, blobs, commitments, proofs"
        ) from error
    if version != CELL_PROOFS_VERSION:
        raise refusal(f"expected version 1 of what stands beside a blob transaction, got {version.hex()}")
    if not len(named) == len(blobs) == len(commitments) or len(proofs) != CELLS_PER_BLOB * len(blobs):
        raise refusal("expected one blob and commitment for each hash, and 128 proofs of each")
    if named != [versioned_hash(commitment) for commitment in commitments]:
        raise refusal("expected the commitments of the hashes that the transaction names")
    try:
        is_right = open_kzg().verify_cells(_checks(blobs, commitments, proofs))
    except Rejected as error:
        raise refusal(str(error)) from error
    if not is_right:
        raise refusal("a cell of a blob is not what its commitment and proof say")
    return BLOB_TRANSACTION_TYPE + rlp.encode(transaction)


def _checks(blobs: list[bytes], commitments: list[bytes], proofs: list[bytes]) -> list[CellCheck]:
    kzg, proof_of = open_kzg(), iter(proofs)
    return [
        CellCheck(commitment=commitment, cell=cell, content=content, proof=next(proof_of))
        for blob, commitment in zip(blobs, commitments, strict=True)
        for cell, content in enumerate(kzg.cells(blob))
    ]
