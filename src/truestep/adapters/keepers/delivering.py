"""A worker's outputs as items, in a store that keepers can reach."""

import asyncio
from collections.abc import Iterable, Sequence

from truestep.adapters.blobs.addresses import kzg_name, manifest_name
from truestep.adapters.keepers.nodes import nodes_below, nodes_of_leaves
from truestep.adapters.keepers.publishing import check_served, publish
from truestep.availability.encoding import RANGE_DEPTH, program_tree, range_tree
from truestep.availability.manifest import Manifest, parse_manifest
from truestep.availability.parts import Part
from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32
from truestep.commitments.kzg import BLOB_SIZE_BYTES, NO_POINT, Kzg, versioned_hash
from truestep.commitments.merkle import LEAF_SIZE_BYTES, ZERO_NODES, root_of_bytes
from truestep.machine.elf import load_elf
from truestep.ports.blobs import Blobs, OutputFolder, OutputKey
from truestep.ports.executor import ShouldStop, Stopped
from truestep.protocol.availability.ids import part_of_demand
from truestep.protocol.availability.layout import NODES_LIMIT, named_nodes
from truestep.roles.availability.delivery import (
    FindNodes,
    Published,
    Source,
    SourceKind,
    fits_written,
    is_cheaper_written,
)


class OutputPublisher:
    """Satisfies `truestep.ports.delivering.Publisher`."""

    def __init__(
        self, blobs: Blobs, outputs: OutputFolder, kzg: Kzg, url: str, *, may_be_private: bool
    ) -> None:
        """`blobs` has a store that keepers reach at `url`; `outputs` is this node's disk.

        `may_be_private`: the URL may be of this computer, as on a devnet.
        """
        self._may_be_private = may_be_private
        self._url = url
        self._blobs = blobs
        self._outputs = outputs
        self._kzg = kzg

    def check(self) -> None:
        """Refuse a store from which keepers could not fetch an item of one leaf. Raises `Unavailable`."""
        blob, commitment = bytes(BLOB_SIZE_BYTES), NO_POINT
        part = Part(root=ZERO_NODES[RANGE_DEPTH], depth=RANGE_DEPTH, first_leaf=0, leaf_count=1)
        manifest = Manifest(parts=(part,), commitments=(commitment,))
        self._blobs.put_named(kzg_name(versioned_hash(commitment)), blob)
        self._blobs.put_named(manifest_name(manifest.name), manifest.to_json().encode())
        check_served(self._url, manifest, may_be_private=self._may_be_private)

    def publish(
        self,
        outputs: Sequence[OutputKey],
        should_stop: ShouldStop,
        *,
        may_be_written: bool,
        has_keepers: bool = True,
    ) -> Published:
        """One item of these outputs: their leaves if they are few, or else its blobs, in the store."""
        kept = self._outputs.kept()
        sizes = [self._outputs.content(key).size_bytes if key in kept else key.size_bytes for key in outputs]
        is_few = is_cheaper_written if has_keepers else fits_written
        if may_be_written and is_few(sizes):
            return self._written(outputs, should_stop)
        return self._stored(outputs, should_stop)

    def _written(self, outputs: Sequence[OutputKey], should_stop: ShouldStop) -> Published:
        parts, payload = list[Part](), bytearray()
        for key in outputs:
            content = b"".join(self._pieces(key, should_stop))
            if root_of_bytes(content, RANGE_DEPTH) != key.output_root:
                raise _damaged(1, len(outputs))
            leaf_count = max(1, -(-len(content) // LEAF_SIZE_BYTES))
            parts.append(Part(root=key.output_root, depth=RANGE_DEPTH, first_leaf=0, leaf_count=leaf_count))
            payload += content.ljust(leaf_count * LEAF_SIZE_BYTES, b"\0")
        return Published(parts=tuple(parts), nodes=(), blob_count=0, payload=bytes(payload))

    def _stored(self, outputs: Sequence[OutputKey], should_stop: ShouldStop) -> Published:
        """Loads the trusted setup at the first time."""

        def on_blob(_: int) -> None:
            if should_stop():
                raise Stopped

        trees = (range_tree(self._pieces(key, should_stop)) for key in outputs)
        manifest = publish(self._blobs, self._kzg, trees, on_blob)
        expected = {key.output_root for key in outputs}
        found = {part.root for part in manifest.parts}
        if found != expected:
            raise _damaged(len(expected - found), len(outputs))
        check_served(self._url, manifest, may_be_private=self._may_be_private)
        hashes = manifest.versioned_hashes
        return Published(
            parts=manifest.parts,
            nodes=named_nodes(hashes),
            hashes=hashes if len(hashes) > NODES_LIMIT else (),
            blob_count=len(hashes),
        )

    def _pieces(self, key: OutputKey, should_stop: ShouldStop) -> Iterable[bytes]:
        """From this node's disk, or from where it was offered."""
        if key in self._outputs.kept():
            return self._outputs.content(key)
        return [self._blobs.get_output(key.output_root, key.size_bytes, should_stop=should_stop)]

    def nodes(self, find: FindNodes, should_stop: ShouldStop) -> tuple[Bytes32, ...]:
        """The nodes below the one that is asked for: of known content, or of the blobs in the store."""
        level, index = find.demand.level, find.demand.index
        if find.source is not None:
            return nodes_of_leaves(self._ranges(find.source, should_stop), level, index)
        text = self._blobs.get_named(manifest_name(find.item.name), should_stop=should_stop)
        manifest = parse_manifest(text)
        part = manifest.parts[part_of_demand(find.move[0])]

        async def blob_of(blob: int) -> bytes:
            name = kzg_name(manifest.versioned_hashes[blob])
            return self._blobs.get_named(name, should_stop=should_stop)

        # In a loop of its own: it hashes much, and others' requests are in the shared one.
        return asyncio.run(nodes_below(manifest, part, level, index, blob_of))

    def _ranges(self, source: Source, should_stop: ShouldStop) -> list[tuple[int, bytes]]:
        """The leaves of a tree, from the first leaf of each range."""
        match source.kind:
            case SourceKind.OUTPUT:
                key = OutputKey(output_root=source.root, size_bytes=source.number)
                return [(0, b"".join(self._pieces(key, should_stop)))]
            case SourceKind.INPUT:
                return [(0, self._blobs.get_input(source.root, source.number, should_stop=should_stop))]
            case SourceKind.PROGRAM:
                elf = self._blobs.get_program(source.root, source.number, should_stop=should_stop)
                tree = program_tree((each.address, each.content) for each in load_elf(elf).segments)
                return [(each.first_leaf, b"".join(each.pieces)) for each in tree.ranges]


def _damaged(count: int, of: int) -> Unavailable:
    return Unavailable(
        f"expected outputs with the roots of their claims, {count} of {of} have others: they were damaged on"
        " this node's disk or in the store"
    )
