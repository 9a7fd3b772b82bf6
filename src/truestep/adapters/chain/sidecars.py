"""Blob transactions as nodes take them: the signed one and, beside it, its blobs (EIP-4844, EIP-7594).

eth-account makes them too, but loads KZG's trusted setup (seconds) for each blob several times over.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

BLOB_TRANSACTION_TYPE = b"\x03"
CELL_PROOFS_VERSION = b"\x01"
"""Of what goes beside the transaction since Osaka: proofs of cells, 128 for each blob (EIP-7594)."""
_SHORT_SIZE_BYTES = 55
_STRING, _LIST = 0x80, 0xC0


@dataclass(frozen=True, slots=True, kw_only=True)
class SentBlob:
    """A blob, its commitment and the proofs of its 128 cells."""

    blob: bytes
    commitment: bytes
    cell_proofs: Sequence[bytes]


def with_blobs(signed: bytes, blobs: Sequence[SentBlob]) -> bytes:
    """What `eth_sendRawTransaction` takes of a signed type-3 transaction that names these blobs.

    Raises ValueError if it is of another type.
    """
    if signed[:1] != BLOB_TRANSACTION_TYPE:
        raise ValueError(
            f"expected a signed transaction of type 3, got one that begins with {signed[:1].hex()}"
        )
    proofs = [proof for each in blobs for proof in each.cell_proofs]
    beside = ([each.blob for each in blobs], [each.commitment for each in blobs], proofs)
    lists = [_list(map(_string, strings)) for strings in beside]
    return BLOB_TRANSACTION_TYPE + _list([signed[1:], CELL_PROOFS_VERSION, *lists])


def _string(content: bytes) -> bytes:
    """RLP of a string of more than one byte."""
    return _prefix(_STRING, len(content)) + content


def _list(items: Iterable[bytes]) -> bytes:
    """RLP of a list of encoded items."""
    content = b"".join(items)
    return _prefix(_LIST, len(content)) + content


def _prefix(kind: int, size_bytes: int) -> bytes:
    if size_bytes <= _SHORT_SIZE_BYTES:
        return bytes([kind + size_bytes])
    size = size_bytes.to_bytes((size_bytes.bit_length() + 7) // 8, "big")
    return bytes([kind + _SHORT_SIZE_BYTES + len(size)]) + size
