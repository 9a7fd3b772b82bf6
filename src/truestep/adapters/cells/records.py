"""The stored form of a run: a record for each cell, with a sum that tells a rotten record from a sound one.

A keeper never serves what its disk made up: a record whose sum is wrong counts as missing, and is mended.
"""

from collections.abc import Sequence
from hashlib import blake2b

from truestep.commitments.kzg import CELL_SIZE_BYTES, CELLS_PER_BLOB, PROOF_SIZE_BYTES
from truestep.ports.cells import RunKey

ENTRY_SIZE_BYTES = CELL_SIZE_BYTES + PROOF_SIZE_BYTES
"""A cell and its proof, as a keeper serves them."""
_SUM_SIZE_BYTES = 8
RECORD_SIZE_BYTES = ENTRY_SIZE_BYTES + _SUM_SIZE_BYTES


def stored_run(run: RunKey, entries: Sequence[bytes]) -> bytes:
    """The stored form of a run whose cells and proofs are `entries`, each of `ENTRY_SIZE_BYTES`."""
    return b"".join(
        entry + _sum(run, (run.first_cell + index) % CELLS_PER_BLOB, entry)
        for index, entry in enumerate(entries)
    )


def record_range(run: RunKey, cell: int) -> range:
    """The bytes of the record of `cell` in a stored run."""
    start = (cell - run.first_cell) % CELLS_PER_BLOB * RECORD_SIZE_BYTES
    return range(start, start + RECORD_SIZE_BYTES)


def entry_of(run: RunKey, cell: int, record: bytes) -> bytes | None:
    """Cell and proof of a record; None if it is rotten or cut."""
    entry, check = record[:ENTRY_SIZE_BYTES], record[ENTRY_SIZE_BYTES:]
    return entry if len(record) == RECORD_SIZE_BYTES and check == _sum(run, cell, entry) else None


def _sum(run: RunKey, cell: int, entry: bytes) -> bytes:
    """Of the record and its place, so that a file under a wrong name is rotten too."""
    place = run.item + run.blob.to_bytes(4, "big") + bytes([cell])
    return blake2b(entry, digest_size=_SUM_SIZE_BYTES, key=place).digest()
