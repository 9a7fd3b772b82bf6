"""Items of calldata and their bytes, from the events of the block in which they were registered (A3.7).

Nodes forget such an item when many others come after it. The chain does not: it has an event for each root.
"""

import threading
from collections.abc import Iterator
from typing import cast

from truestep.adapters.chain.answers import Header, RawLog
from truestep.adapters.chain.availability import AvailabilityContracts, availability_types
from truestep.adapters.chain.connection import Node, check_chain, connect, endpoints_of
from truestep.adapters.chain.log_search import logs_of, search_logs
from truestep.adapters.chain.logs import header_question
from truestep.adapters.chain.pinned import given
from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32
from truestep.ports.reporter import Reporter
from truestep.protocol.availability.contracts.items import ItemState, Registered, TreeWritten, Written
from truestep.protocol.availability.facts import KnownItem
from truestep.protocol.availability.ids import ItemId

SAME_SECOND_BLOCKS = 64
"""Blocks that may have one time, on chains with several in a second."""
KNOWN_LIMIT = 10_000
"""Blocks that are remembered, and roots that were looked for."""
DEPTH_BLOCKS = 64
"""Blocks that may still be replaced: they are looked through each time."""


class Payloads:
    """Reads payloads. For any thread. What it gives is what the node says: check it against its roots."""

    def __init__(
        self, node: Node, contracts: AvailabilityContracts, reporter: Reporter | None = None
    ) -> None:
        """Nothing is asked yet. Raises `Rejected` for what is no URL, or of another chain."""
        web3 = connect(node, reporter)
        check_chain(web3, contracts.chain_id)
        self._endpoints = endpoints_of(web3)
        self._contracts = contracts
        self._lock = threading.Lock()
        self._blocks: dict[ItemId, int] = {}
        self._searched: dict[tuple[Bytes32, int], int] = {}

    def payload(self, item: KnownItem) -> bytes:
        """The leaves of all parts. Raises `Unavailable` if the node does not give them."""
        with self._lock:
            first = self._blocks.pop(item.item_id, None)
        if first is None:
            first = self._first_block(item.record.since)
        for log in self._logs(item.item_id, first):
            with self._lock:
                if len(self._blocks) >= KNOWN_LIMIT:
                    del self._blocks[next(iter(self._blocks))]
                self._blocks[item.item_id] = log.block_number
            return cast(Written, _event(log)).payload
        raise Unavailable(
            f"the node has no payload of item {item.item_id} from block {first} on; it may have dropped old"
            " events: try another node"
        )

    def holding(self, root: Bytes32, depth: int, since: int) -> Iterator[KnownItem]:
        """The items of calldata with this tree that began at this second or later, the oldest first.

        Nobody can write what is not so: a root and its depth say the bytes. Blocks in which nothing was found
        are not looked through again. Raises `Unavailable`.
        """
        place, head = (root, depth), self._endpoints.head().number
        with self._lock:
            first = self._searched.pop(place, None)
        if first is None:
            first = self._first_block(since)
        is_found = False
        for log in self._search((_topic(TreeWritten), root), first, head):
            is_found = True
            item = self._registered(cast(TreeWritten, _event(log)).item_id, log.block_number)
            if item is not None and any((part.root, part.depth) == place for part in item.parts):
                yield item
        with self._lock:
            if len(self._searched) >= KNOWN_LIMIT:
                del self._searched[next(iter(self._searched))]
            self._searched[place] = first if is_found else max(first, head - DEPTH_BLOCKS)

    def item(self, item_id: ItemId) -> KnownItem | None:
        """An item of calldata by its number, however long ago it was written. Raises `Unavailable`."""
        topics = (_topic(Written), item_id.to_bytes(32, "big"))
        for log in self._search(topics, self._contracts.block_number, self._endpoints.head().number):
            return self._registered(item_id, log.block_number)
        return None

    def _registered(self, item_id: ItemId, block: int) -> KnownItem | None:
        """An item as its registration says, if that is in this block."""
        for log in self._ask((_topic(Registered), item_id.to_bytes(32, "big")), block, block):
            event = cast(Registered, _event(log))
            return KnownItem(
                item_id=item_id,
                record=event.record,
                parts=event.parts,
                url="",
                state=ItemState.KEPT,
                was_kept=True,
                changed_at=event.record.since,
            )
        return None

    def _logs(self, item_id: ItemId, first: int) -> tuple[RawLog, ...]:
        last = min(first + SAME_SECOND_BLOCKS - 1, self._endpoints.head().number)
        return self._ask((_topic(Written), item_id.to_bytes(32, "big")), first, max(first, last))

    def _ask(self, topics: tuple[bytes, ...], first: int, last: int) -> tuple[RawLog, ...]:
        return logs_of(self._endpoints, self._contracts.items, topics, first, last)

    def _search(self, topics: tuple[bytes, ...], first: int, last: int) -> Iterator[RawLog]:
        return search_logs(self._endpoints, self._contracts.items, topics, first, last)

    def _first_block(self, time_seconds: int) -> int:
        """The first block that is not older, by halving."""
        low, high = self._contracts.block_number, self._endpoints.head().number
        while low < high:
            middle = (low + high) // 2
            header = cast(Header, given(self._endpoints.ask(header_question(middle))))
            if header.time_seconds < time_seconds:
                low = middle + 1
            else:
                high = middle
        return low


def _topic(kind: type) -> Bytes32:
    return availability_types()["Items"].topic_of(kind)


def _event(log: RawLog) -> object:
    return availability_types()["Items"].event(log)
