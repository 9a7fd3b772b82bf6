"""Programs, inputs and outputs → blobs with commitments, cells and proofs, while they stream by (A1)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from truestep.availability.blobs import blob_of
from truestep.availability.manifest import Manifest
from truestep.availability.parts import (
    BLOB_LIMIT,
    BLOB_PAYLOAD_BYTES,
    UNIT_LEAVES,
    UNIT_SIZE_BYTES,
    Part,
)
from truestep.base.errors import Bug, Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.commitments.keccak import PairHasher, hash_pairs
from truestep.commitments.kzg import Extended, Kzg
from truestep.commitments.merkle import LEAF_SIZE_BYTES, StreamedRoot

RANGE_DEPTH = 24
"""Of the trees of inputs and outputs (M3.7)."""
PROGRAM_DEPTH = 26

_PIECE_LIMIT_BYTES = 1 << 20
"""Larger pieces are taken in steps, so that memory does not depend on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeSource:
    """Leaves of a tree from `first_leaf` on, as many as bytes come in pieces. No bytes are one zero leaf."""

    first_leaf: int
    pieces: Iterable[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeSource:
    """A tree by its ranges, in order of their first leaves. Each becomes a part."""

    depth: int
    ranges: Iterable[RangeSource]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedBlob:
    """Blob number `index` of an item."""

    index: int
    blob: bytes
    commitment: bytes
    extended: Extended | None
    """Its cells and their proofs, if the encoder makes them."""


def range_tree(pieces: Iterable[bytes]) -> TreeSource:
    """An input or output."""
    return TreeSource(depth=RANGE_DEPTH, ranges=(RangeSource(first_leaf=0, pieces=pieces),))


def program_tree(segments: Iterable[tuple[int, bytes]]) -> TreeSource:
    """A program's image, from the addresses and bytes of its segments, in order of address.

    Segments less than a unit apart are one part: a part of their own would take more space than zeros.
    """
    ranges: list[tuple[int, bytearray]] = []
    for address, content in segments:
        if not content:
            continue
        if ranges and address < ranges[-1][0] + len(ranges[-1][1]) + UNIT_SIZE_BYTES:
            start, image = ranges[-1]
            if address < start + len(image):
                raise ValueError(f"expected segments apart and in order of address, got one at {address:#x}")
            image += bytes(address - start - len(image)) + content
        else:
            start = address - address % LEAF_SIZE_BYTES
            ranges.append((start, bytearray(address - start) + content))
    sources = [
        RangeSource(first_leaf=start // LEAF_SIZE_BYTES, pieces=(bytes(image),)) for start, image in ranges
    ]
    return TreeSource(depth=PROGRAM_DEPTH, ranges=sources or [RangeSource(first_leaf=0, pieces=())])


class Encoder:
    """Makes the blobs of one item. It holds one blob and at most one MiB of payload at a time."""

    def __init__(self, kzg: Kzg, hasher: PairHasher = hash_pairs, *, makes_cells: bool = True) -> None:
        """Without cells it makes commitments only, in a fifth of the time."""
        self._kzg = kzg
        self._hasher = hasher
        self._makes_cells = makes_cells
        self._parts: list[Part] = []
        self._commitments: list[bytes] = []
        self._manifest: Manifest | None = None

    def blobs(self, trees: Iterable[TreeSource]) -> Iterator[EncodedBlob]:
        """The blobs in order. Raises Rejected if the item is larger than one may be."""
        if self._parts:
            raise Bug("an encoder makes one item")
        payload = bytearray()
        for piece in self._payload(trees):
            payload += piece
            while len(payload) >= BLOB_PAYLOAD_BYTES:
                yield self._blob(bytes(payload[:BLOB_PAYLOAD_BYTES]))
                del payload[:BLOB_PAYLOAD_BYTES]
        if payload:
            yield self._blob(bytes(payload))
        self._manifest = Manifest(parts=tuple(self._parts), commitments=tuple(self._commitments))

    def manifest(self) -> Manifest:
        """The manifest, when all blobs have been made."""
        if self._manifest is None:
            raise Bug("a manifest is asked for before all blobs were made")
        return self._manifest

    def _blob(self, payload: bytes) -> EncodedBlob:
        index, blob = len(self._commitments), blob_of(payload)
        if index == BLOB_LIMIT:
            raise Rejected(
                Reject.ITEM_LAYOUT, f"expected at most {BLOB_LIMIT} blobs, got more; make several items"
            )
        commitment = self._kzg.commit(blob)
        self._commitments.append(commitment)
        extended = self._kzg.extend(blob) if self._makes_cells else None
        return EncodedBlob(index=index, blob=blob, commitment=commitment, extended=extended)

    def _payload(self, trees: Iterable[TreeSource]) -> Iterator[bytes | memoryview]:
        for tree in trees:
            root = StreamedRoot(tree.depth, self._hasher)
            leaf_counts: list[tuple[int, int]] = []
            for source in tree.ranges:
                root.seek(source.first_leaf)
                size_bytes = 0
                for piece in source.pieces:
                    for start in range(0, len(piece), _PIECE_LIMIT_BYTES):
                        step = memoryview(piece)[start : start + _PIECE_LIMIT_BYTES]
                        root.update(step)
                        size_bytes += len(step)
                        yield step
                leaf_count = max(1, -(-size_bytes // LEAF_SIZE_BYTES))
                leaf_counts.append((source.first_leaf, leaf_count))
                yield bytes(-(-leaf_count // UNIT_LEAVES) * UNIT_SIZE_BYTES - size_bytes)
            self._add_parts(root.finish(), tree.depth, leaf_counts)

    def _add_parts(self, root: Bytes32, depth: int, leaf_counts: list[tuple[int, int]]) -> None:
        self._parts += [
            Part(root=root, depth=depth, first_leaf=first_leaf, leaf_count=leaf_count)
            for first_leaf, leaf_count in leaf_counts
        ]
