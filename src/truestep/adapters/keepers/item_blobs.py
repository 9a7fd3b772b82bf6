"""The blobs of one item: from its keepers, or from the transactions that have published them."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable

from truestep.adapters.keepers.fetching import ItemFetcher
from truestep.base.errors import Unavailable
from truestep.protocol.availability.facts import KnownItem
from truestep.protocol.availability.ids import ItemId

Published = Callable[[ItemId, int], bytes]
"""A blob that a transaction has published, by its item and number. Raises `Unavailable`."""


class ItemBlobs:
    """For one event loop. `fetcher` is None if nobody gives the item's manifest."""

    def __init__(self, item: KnownItem, fetcher: ItemFetcher | None, published: Published | None) -> None:
        """`published` is None if transactions cannot be read."""
        self._item = item
        self._fetcher = fetcher
        self._published = published

    async def blob(self, number: int) -> bytes:
        """One blob, compared with the item's hashes. Raises `Unavailable` if it cannot be had."""
        trouble = f"none of the keepers of item {self._item.item_id} gives its manifest"
        if self._published is None and not self._item.record.seat_count:
            trouble = (
                f"item {self._item.item_id} is in blobs of a transaction; name a consensus node with --beacon"
            )
        elif self._published is not None and number in self._item.published:
            try:
                return await asyncio.to_thread(self._published, self._item.item_id, number)
            except Unavailable as error:
                trouble = str(error)
        if self._fetcher is None:
            raise Unavailable(trouble)
        return await self._fetcher.blob(number)

    async def blobs(self, wanted: Iterable[int]) -> AsyncGenerator[tuple[int, bytes]]:
        """The number and content of each wanted blob, in any order; many at once if keepers give them all."""
        left = list(wanted)
        if self._fetcher is not None and not set(left) & set(self._item.published):
            async for each in self._fetcher.blobs(left):
                yield each
            return
        for number in left:
            yield number, await self.blob(number)
