"""Blob transactions (EIP-4844) on the embedded chain, checked as nodes check them since Osaka (EIP-7594).

eth-tester takes them too, but in the form of Cancun, and loads KZG's trusted setup (seconds) for each.
"""

from collections.abc import Collection, Sequence
from importlib import import_module
from typing import Any

from truestep.adapters.chain.sidecars import BLOB_TRANSACTION_TYPE, CELL_PROOFS_VERSION
from truestep.adapters.trusted_setup import open_kzg
from truestep.base.errors import Rejected
from truestep.commitments.kzg import CELLS_PER_BLOB, CellCheck, versioned_hash

_HASHES = 10
"""The place of the versioned hashes in the transaction (EIP-4844)."""


BLOBS_KEPT = 256
"""The newest, that are given to whoever asks: 32 MiB. Consensus nodes forget old ones by their age."""


class TakenBlobs:
    """The blobs of transactions that the chain has taken, as a consensus node keeps them."""

    def __init__(self) -> None:
        self._blobs: dict[tuple[int, bytes], bytes] = {}

    def add(self, block_number: int, blobs: Sequence[bytes], hashes: Sequence[bytes]) -> None:
        """Keep those of a block, and no more of the oldest than there is room for."""
        for blob, named in zip(blobs, hashes, strict=True):
            self._blobs[block_number, named] = blob
        for oldest in list(self._blobs)[: max(len(self._blobs) - BLOBS_KEPT, 0)]:
            del self._blobs[oldest]

    def of_block(self, block_number: int, hashes: Collection[bytes] = ()) -> list[bytes]:
        """Those of a block, or only those with these hashes."""
        return [
            blob
            for (number, named), blob in self._blobs.items()
            if number == block_number and (not hashes or named in hashes)
        ]


def take_blobs(tester: Any) -> TakenBlobs:
    """Make an `EthereumTester` take what `truestep.adapters.chain.sidecars.with_blobs` gives, and keep it."""
    backend, plain = tester.backend, tester.backend.send_raw_transaction
    taken = TakenBlobs()

    def send(raw: bytes) -> bytes:
        if raw[:1] != BLOB_TRANSACTION_TYPE:
            return plain(raw)
        bare, blobs = without_blobs(raw)
        transaction = backend.chain.get_vm().get_transaction_builder().decode(bare)
        block_number: int = backend.chain.header.block_number
        backend.chain.apply_transaction(transaction)
        taken.add(block_number, blobs, transaction.blob_versioned_hashes)
        return transaction.hash

    backend.send_raw_transaction = send
    return taken


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


def without_blobs(raw: bytes) -> tuple[bytes, list[bytes]]:
    """The transaction itself and its blobs, once these are right. Raises eth-utils' ValidationError."""
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
    return BLOB_TRANSACTION_TYPE + rlp.encode(transaction), blobs


def _checks(blobs: list[bytes], commitments: list[bytes], proofs: list[bytes]) -> list[CellCheck]:
    kzg, proof_of = open_kzg(), iter(proofs)
    return [
        CellCheck(commitment=commitment, cell=cell, content=content, proof=next(proof_of))
        for blob, commitment in zip(blobs, commitments, strict=True)
        for cell, content in enumerate(kzg.cells(blob))
    ]
