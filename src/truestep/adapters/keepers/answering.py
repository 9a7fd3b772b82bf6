"""Computes what answers demands on items whose blobs are in a transaction (docs/availability.md A4.6)."""

import asyncio
from collections.abc import Callable

from truestep.adapters.keepers.item_blobs import Published
from truestep.adapters.keepers.nodes import ROUND_LEVELS, nodes_below
from truestep.base.errors import Rejected
from truestep.base.ids import Bytes32
from truestep.commitments.merkle import pair_tree_levels
from truestep.ports.executor import ShouldStop, Stopped
from truestep.roles.availability.answering import FindAnswer


class BlobAnswerer:
    """Satisfies `truestep.ports.answering.Answerer`."""

    def __init__(self, published: Published, price: Callable[[], int]) -> None:
        """`price` asks what a unit of gas costs now."""
        self._published = published
        self.gas_price_wei = price

    def nodes(self, find: FindAnswer, should_stop: ShouldStop) -> tuple[Bytes32, ...]:
        """The nodes below the one that is asked for, if they lead to it."""
        item, demand = find.item, find.demand

        async def blob_of(blob: int) -> bytes:
            if should_stop():
                raise Stopped
            return self._published(item.item_id, blob)

        part = item.parts[find.part_index]
        try:
            # In a loop of its own: it hashes much, and others' requests are in the shared one.
            nodes = asyncio.run(nodes_below(item, part, demand.level, demand.index, blob_of))
        except Rejected:  # an element that is none of an item's
            return ()
        levels = min(demand.level, ROUND_LEVELS)
        return nodes if pair_tree_levels(nodes, levels)[levels][0] == demand.node else ()
