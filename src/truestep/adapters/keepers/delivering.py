"""A worker's outputs as items, in a store that keepers can reach."""

import asyncio
from collections.abc import Iterable, Sequence

from truestep.adapters.blobs.addresses import kzg_name, manifest_name
from truestep.adapters.keepers.nodes import nodes_below
from truestep.adapters.keepers.publishing import check_served, publish
from truestep.availability.encoding import TreeSource, range_tree
from truestep.availability.manifest import parse_manifest
from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32
from truestep.commitments.kzg import Kzg
from truestep.ports.blobs import Blobs, OutputFolder, OutputKey
from truestep.ports.executor import ShouldStop, Stopped
from truestep.protocol.availability.contracts.bindings import Demand
from truestep.protocol.availability.facts import KnownItem
from truestep.protocol.availability.ids import DemandId, part_of_demand
from truestep.protocol.availability.layout import NODES_LIMIT, named_nodes
from truestep.roles.availability.delivery import Published


class OutputPublisher:
    """Satisfies `truestep.ports.delivering.Publisher`."""

    def __init__(self, blobs: Blobs, outputs: OutputFolder, kzg: Kzg, url: str) -> None:
        """`blobs` has a store that keepers reach at `url`; `outputs` is this node's disk."""
        self._url = url
        self._blobs = blobs
        self._outputs = outputs
        self._kzg = kzg

    def publish(self, outputs: Sequence[OutputKey], should_stop: ShouldStop) -> Published:
        """One item of these outputs, in the store. Loads the trusted setup at the first time."""

        def on_blob(_: int) -> None:
            if should_stop():
                raise Stopped

        manifest = publish(self._blobs, self._kzg, self._trees(outputs, should_stop), on_blob)
        expected = {key.output_root for key in outputs}
        found = {part.root for part in manifest.parts}
        if found != expected:
            raise Unavailable(
                f"expected outputs with the roots of their claims, {len(expected - found)} of {len(outputs)}"
                " have others: they were damaged on this node's disk or in the store"
            )
        check_served(self._url, manifest)
        hashes = manifest.versioned_hashes
        return Published(
            parts=manifest.parts,
            nodes=named_nodes(hashes),
            hashes=hashes if len(hashes) > NODES_LIMIT else (),
            blob_count=len(hashes),
        )

    def _trees(self, outputs: Sequence[OutputKey], should_stop: ShouldStop) -> Iterable[TreeSource]:
        kept = self._outputs.kept()
        for key in outputs:
            if key in kept:
                yield range_tree(self._outputs.content(key))
            else:
                size = key.size_bytes
                content = self._blobs.get_output(key.output_root, size, should_stop=should_stop)
                yield range_tree([content])

    def nodes(
        self, item: KnownItem, demand_id: DemandId, demand: Demand, should_stop: ShouldStop
    ) -> tuple[Bytes32, ...]:
        """The nodes below the one that is asked for, from the blobs in the store."""
        text = self._blobs.get_named(manifest_name(item.name), should_stop=should_stop)
        manifest = parse_manifest(text)
        part = manifest.parts[part_of_demand(demand_id)]

        async def blob_of(blob: int) -> bytes:
            name = kzg_name(manifest.versioned_hashes[blob])
            return self._blobs.get_named(name, should_stop=should_stop)

        # In a loop of its own: it hashes much, and others' requests are in the shared one.
        return asyncio.run(nodes_below(manifest, part, demand.level, demand.index, blob_of))
