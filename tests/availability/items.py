"""A small real item, made once per process, and KZG that only hashes, for tests of streams."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from truestep.adapters.trusted_setup import open_kzg
from truestep.availability.cells import Cell
from truestep.availability.encoding import EncodedBlob, Encoder, RangeSource, TreeSource, range_tree
from truestep.availability.manifest import Manifest
from truestep.commitments.kzg import Kzg
from truestep.engine.hashing import hash_many_pairs

KZG = open_kzg()


class HashingKzg(Kzg):
    """Commitments are hashes: enough to tell blobs apart, a thousand times faster."""

    def __init__(self) -> None:
        super().__init__(lambda: None)

    def commit(self, blob: bytes) -> bytes:
        return hashlib.sha384(blob).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An item, what it was made of, and its blobs."""

    contents: tuple[bytes, ...]
    manifest: Manifest
    blobs: tuple[EncodedBlob, ...]

    def blob(self, index: int) -> bytes:
        return self.blobs[index].blob

    def cells(self, blob: int, numbers: Sequence[int] = range(128), source: str = "") -> list[Cell]:
        """Right cells of a blob, as a source would give them."""
        extended = self.blobs[blob].extended
        assert extended is not None
        return [
            Cell(
                blob=blob,
                cell=number,
                content=extended.cells[number],
                proof=extended.proofs[number],
                source=source,
            )
            for number in numbers
        ]


@cache
def made() -> Made:
    """Two blobs: an output of 4,000 leaves, and a tree of two ranges."""
    rng = random.Random(12)
    contents = (rng.randbytes(127_993), rng.randbytes(40), rng.randbytes(120_000))
    encoder = Encoder(KZG, hash_many_pairs)
    tree = TreeSource(
        depth=13,
        ranges=(
            RangeSource(first_leaf=3, pieces=[contents[1]]),
            RangeSource(first_leaf=500, pieces=[contents[2]]),
        ),
    )
    blobs = tuple(encoder.blobs([range_tree([contents[0]]), tree]))
    return Made(contents=contents, manifest=encoder.manifest(), blobs=blobs)
