"""Blobs → the bytes of their parts, and the checks of a keeper before it signs (A3.3)."""

from collections.abc import Iterable, Iterator

from truestep.availability.blobs import payload_of
from truestep.availability.manifest import Manifest
from truestep.availability.parts import BLOB_PAYLOAD_BYTES, UNIT_SIZE_BYTES, Layout
from truestep.base.errors import Reject, Rejected
from truestep.commitments.keccak import PairHasher, hash_pairs
from truestep.commitments.kzg import Kzg
from truestep.commitments.merkle import StreamedRoot


class PartReader:
    """Cuts the payload of one blob after another into the leaves of the parts. Holds nothing back."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._blob = 0
        self._stretches = self._lengths()
        self._part: int | None = None
        self._left_bytes = 0

    def read(self, blob: bytes) -> Iterator[tuple[int, bytes]]:
        """The bytes of parts in the next blob: the number of the part, and some of its bytes in order.

        Raises Rejected if an element or a byte behind a part is not as it must be, and names the blob.
        """
        if self._blob == self._layout.blob_count:
            raise Rejected(Reject.ITEM_LAYOUT, f"expected {self._layout.blob_count} blobs, got more")
        payload, start = payload_of(blob, self._blob), 0
        while start < BLOB_PAYLOAD_BYTES:
            if not self._left_bytes:
                self._part, self._left_bytes = next(self._stretches)
            piece = payload[start : start + self._left_bytes]
            if self._part is not None:
                yield self._part, piece
            elif piece.strip(b"\0"):
                raise Rejected(
                    Reject.ITEM_PADDING, f"expected zeros behind a part in blob {self._blob}, got other bytes"
                )
            start += len(piece)
            self._left_bytes -= len(piece)
        self._blob += 1

    def finish(self) -> None:
        """Raises Rejected if blobs are missing."""
        if self._blob < self._layout.blob_count:
            raise Rejected(Reject.ITEM_LAYOUT, f"expected {self._layout.blob_count} blobs, got {self._blob}")

    def _lengths(self) -> Iterator[tuple[int | None, int]]:
        """The stretches of the payload and their sizes; None is what lies behind a part."""
        total = 0
        for number, part in enumerate(self._layout.parts):
            yield number, part.size_bytes
            if padding := part.unit_count * UNIT_SIZE_BYTES - part.size_bytes:
                yield None, padding
            total += part.unit_count * UNIT_SIZE_BYTES
        yield None, self._layout.blob_count * BLOB_PAYLOAD_BYTES - total


def decode(layout: Layout, blobs: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """The bytes of the parts, from all blobs in order: the number of the part, and some of its bytes."""
    reader = PartReader(layout)
    for blob in blobs:
        yield from reader.read(blob)
    reader.finish()


class ItemCheck:
    """Checks the blobs of an item in order: commitments, elements, zeros behind parts, roots of the parts.

    It holds one blob and one MiB. Whatever is wrong raises `Rejected` and is named by its blob or part.
    """

    def __init__(self, manifest: Manifest, kzg: Kzg, hasher: PairHasher = hash_pairs) -> None:
        self._manifest = manifest
        self._kzg = kzg
        self._hasher = hasher
        self._reader = PartReader(manifest.layout)
        self._blob = 0
        self._part: int | None = None
        self._tree: StreamedRoot | None = None

    def add(self, blob: bytes) -> None:
        """The next blob, of 131,072 bytes. After one that is not the committed one, another may be given."""
        pieces = self._reader.read(blob)
        first = next(pieces)  # only after its size and number are known to be right
        if self._kzg.commit(blob) != self._manifest.commitments[self._blob]:
            raise Rejected(
                Reject.BLOB_OTHER,
                f"expected blob {self._blob} with commitment {self._manifest.commitments[self._blob].hex()},"
                " got another",
            )
        self._take(*first)
        for part, piece in pieces:
            self._take(part, piece)
        self._blob += 1

    def finish(self) -> None:
        """When all blobs have been added: the last part's root."""
        self._reader.finish()
        self._end_tree()

    def _take(self, part_index: int, piece: bytes) -> None:
        if part_index != self._part:
            parts = self._manifest.parts
            part, before = parts[part_index], None if self._part is None else parts[self._part]
            if before is None or (before.root, before.depth) != (part.root, part.depth):
                self._end_tree()
                self._tree = StreamedRoot(part.depth, self._hasher)
            if self._tree is not None:
                self._tree.seek(part.first_leaf)
            self._part = part_index
        if self._tree is not None:
            self._tree.update(piece)

    def _end_tree(self) -> None:
        if self._part is None or self._tree is None:
            return
        root, expected = self._tree.finish(), self._manifest.parts[self._part].root
        if root != expected:
            raise Rejected(
                Reject.PART_OTHER,
                f"expected part {self._part} to have root {expected.hex()}, got bytes with {root.hex()}",
            )
