"""Nodes of a part's tree, from its blobs: what answers a demand (docs/availability.md A4.6)."""

from collections.abc import Awaitable, Callable, Sequence

from truestep.adapters.keepers.download import Parted, part_places
from truestep.availability.blobs import payload_of
from truestep.availability.parts import BLOB_PAYLOAD_BYTES, Part
from truestep.base.ids import Bytes32
from truestep.commitments.merkle import LEAF_SIZE_BYTES, ZERO_NODES, StreamedRoot
from truestep.engine.hashing import hash_many_pairs

ROUND_LEVELS = 6
"""An answer gives the nodes so many levels below, or the leaves if they are nearer."""

BlobOf = Callable[[int], Awaitable[bytes]]
PayloadOf = Callable[[bytes, int], bytes]
"""The payload of a blob, by the blob and its number."""


async def nodes_below(
    item: Parted,
    part: Part,
    level: int,
    index: int,
    blob_of: BlobOf,
    payload: PayloadOf = payload_of,
    *,
    levels: int = ROUND_LEVELS,
) -> tuple[Bytes32, ...]:
    """The nodes some levels below node `index` of `level` in a part's tree. It holds one blob and one MiB."""
    down = min(level, levels)
    reader = _Leaves(item, part, blob_of, payload)
    return tuple([await reader.node(level - down, (index << down) + child) for child in range(1 << down)])


def nodes_of_leaves(ranges: Sequence[tuple[int, bytes]], level: int, index: int) -> tuple[Bytes32, ...]:
    """The same of a tree by its leaves: ranges of bytes with their first leaves, in order and apart."""
    down = min(level, ROUND_LEVELS)
    return tuple(_node_of(ranges, level - down, (index << down) + child) for child in range(1 << down))


def _node_of(ranges: Sequence[tuple[int, bytes]], level: int, index: int) -> Bytes32:
    first, stop = index << level, (index + 1) << level
    tree: StreamedRoot | None = None
    for start, content in ranges:
        begin, end = max(first, start), min(stop, start + -(-len(content) // LEAF_SIZE_BYTES))
        if begin < end:
            tree = tree or StreamedRoot(level, hash_many_pairs)
            tree.seek(begin - first)
            piece = content[(begin - start) * LEAF_SIZE_BYTES : (end - start) * LEAF_SIZE_BYTES]
            tree.update(piece.ljust((end - begin) * LEAF_SIZE_BYTES, b"\0"))
    return tree.finish() if tree is not None else ZERO_NODES[level]


class _Leaves:
    """The leaves of one tree, part by part; leaves that no part holds are zero."""

    def __init__(self, item: Parted, part: Part, blob_of: BlobOf, payload: PayloadOf) -> None:
        self._places = [
            place
            for place in sorted(part_places(item), key=lambda each: each.part.first_leaf)
            if (place.part.root, place.part.depth) == (part.root, part.depth)
        ]
        self._blob_of = blob_of
        self._payload = payload
        self._known: tuple[int, bytes] = (-1, b"")

    async def node(self, level: int, index: int) -> Bytes32:
        """One node."""
        first, stop = index << level, (index + 1) << level
        tree, reached = None, first
        for place in self._places:
            begin, end = max(reached, place.part.first_leaf), min(stop, place.part.end_leaf)
            if begin >= end:
                continue
            reached = end  # parts that hold a leaf twice break a rule that no contract checks (A1.7)
            tree = tree or StreamedRoot(level, hash_many_pairs)
            tree.seek(begin - first)
            start = place.start + (begin - place.part.first_leaf) * LEAF_SIZE_BYTES
            await self._feed(tree, start, (end - begin) * LEAF_SIZE_BYTES)
        return tree.finish() if tree is not None else ZERO_NODES[level]

    async def _feed(self, tree: StreamedRoot, start: int, size_bytes: int) -> None:
        while size_bytes:
            blob, offset = divmod(start, BLOB_PAYLOAD_BYTES)
            if self._known[0] != blob:
                self._known = (blob, self._payload(await self._blob_of(blob), blob))
            piece = self._known[1][offset : offset + size_bytes]
            tree.update(piece)
            start, size_bytes = start + len(piece), size_bytes - len(piece)
